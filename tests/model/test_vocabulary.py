"""Embeddings with more rows than tokens: surplus rows are not computed with, and come back when it is saved."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import GPT2LMHeadModel

from gpt2kit.config import GenerateConfig
from gpt2kit.decoding.decode import answers, for_inference
from gpt2kit.errors import DataError
from gpt2kit.model import hf, lora
from gpt2kit.model.freeze import merged
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.vocabulary import grow_vocabulary, is_padding, set_aside

# peft asks transformers by a name that the latter has given up
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")

Build = Callable[..., GPT2]
TOKENS, ROWS = 20, 32
IDS = torch.arange(24).view(2, 12) % TOKENS


@pytest.mark.parametrize(
    ("rows", "tokens", "plausible"),
    [
        *[(50_304, 50_257, True), (50_264, 50_257, True), (51_200, 50_257, True), (32, 20, True), (640, 600, True)],
        *[(50_257, 30_000, False), (50_257, 600, False), (5000, 600, False), (50_304, 600, False), (601, 600, False)],
        *[(50_400, 50_257, False), (8192, 600, False)],
    ],
)
def test_rows_that_no_program_pads_are_told_from_padding(rows: int, tokens: int, plausible: bool) -> None:
    """More rows than tokens can mean that the tokenizer is that of another, smaller model."""
    assert is_padding(rows, tokens) == plausible


@pytest.fixture
def padded(tiny_model: Build) -> GPT2:
    """A model whose surplus rows are so long that one of them is the likeliest everywhere."""
    model = tiny_model(vocab=ROWS)
    with torch.no_grad():
        model.head[TOKENS:] *= 100
    return model


def reloaded(model: GPT2, folder: Path) -> tuple[GPT2, Any]:
    """The model as gpt2kit and as transformers load it after a save."""
    hf.save(folder, model, 0)
    return hf.load(folder).eval(), GPT2LMHeadModel.from_pretrained(folder).eval()


@pytest.mark.parametrize("tokens", [TOKENS, ROWS, ROWS + 1])
def test_the_other_logits_are_those_of_the_whole(padded: GPT2, tokens: int) -> None:
    whole, rows = padded(IDS), padded.head.detach().clone()
    surplus = max(0, ROWS - tokens)
    assert set_aside(padded, tokens) == surplus
    assert padded.vocab_size == ROWS - surplus
    torch.testing.assert_close(padded(IDS), whole[..., : ROWS - surplus])
    assert padded.head.requires_grad
    if surplus:
        assert padded.surplus is not None
        assert torch.equal(padded.surplus, rows[tokens:])


def test_more_rows_are_set_aside_before_those_that_are(padded: GPT2) -> None:
    rows = padded.head.detach().clone()
    assert [set_aside(padded, tokens) for tokens in (TOKENS + 5, TOKENS)] == [ROWS - TOKENS - 5, 5]
    assert padded.surplus is not None
    assert torch.equal(padded.surplus, rows[TOKENS:])


@pytest.mark.parametrize(("new", "left"), [(0, 12), (1, 11), (12, 0), (14, 0)])
def test_new_tokens_take_the_places_of_surplus_rows(padded: GPT2, tmp_path: Path, new: int, left: int) -> None:
    """As the next ids of the tokenizer; the embedding grows if there are too few. transformers agrees."""
    before = padded.head.detach().clone()
    set_aside(padded, TOKENS)
    grow_vocabulary(padded, TOKENS + new)
    torch.testing.assert_close(padded.head[TOKENS:], before[:TOKENS].mean(0).expand(new, -1))
    ours, theirs = reloaded(padded, tmp_path)
    described = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    assert (described["vocab_size"], described.get("surplus_rows", 0)) == (max(ROWS, TOKENS + new), left)
    assert (ours.vocab_size, 0 if ours.surplus is None else len(ours.surplus)) == (TOKENS + new, left)
    rows = theirs.get_input_embeddings().weight
    assert torch.equal(rows[:TOKENS], before[:TOKENS])
    assert torch.equal(rows[TOKENS + new :], before[TOKENS + new :])
    ids = IDS.clone()
    ids[0, -1] = TOKENS + new - 1
    with torch.no_grad():
        wanted = theirs(ids).logits[..., : TOKENS + new]
        torch.testing.assert_close(ours(ids), wanted, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(padded(ids), wanted, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    "settings",
    [{}, {"temperature": 1.0, "seed": 3}, {"temperature": 1.0, "top_k": 2}, {"beams": 3}, {"repetition_penalty": 1.5}],
)
def test_a_surplus_row_is_never_chosen(padded: GPT2, settings: dict[str, Any]) -> None:
    config = GenerateConfig(max_new_tokens=12, **settings)
    prompts = [[1, 2, 3], [4], [5, 6]]

    def chosen() -> set[int]:
        found = answers(for_inference(padded, "fp32"), prompts, config, stop=0)
        return {id for each in found for answer in each.answers for id in answer.ids}

    assert max(chosen()) >= TOKENS, "or this would prove nothing"
    set_aside(padded, TOKENS)
    assert max(chosen()) < TOKENS


def test_transformers_does_not_choose_one_either(padded: GPT2, tmp_path: Path) -> None:
    set_aside(padded, TOKENS)
    ours, theirs = reloaded(padded, tmp_path)
    config = GenerateConfig(max_new_tokens=12)
    (answer,) = next(answers(for_inference(ours, "fp32"), [[1, 2, 3]], config, stop=0)).answers
    prompt = torch.tensor([[1, 2, 3]])
    found = theirs.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=12, do_sample=False)
    assert [id for id in found[0, 3:].tolist() if id != 0] == answer.ids


def test_a_copy_keeps_them(padded: GPT2) -> None:
    set_aside(padded, TOKENS)
    copy = merged(padded)
    assert copy.surplus is not None
    assert padded.surplus is not None
    assert torch.equal(copy.surplus, padded.surplus)


@pytest.mark.parametrize("new", [0, 2, 12])
def test_adapters_of_a_padded_model(padded: GPT2, tmp_path: Path, new: int) -> None:
    """Our folder gives the same logits here and in peft, on the padded base as it was."""
    for name in ("base", "run"):
        (tmp_path / name).mkdir()
    hf.save(tmp_path / "base", padded, 0)
    set_aside(padded, TOKENS)
    grow_vocabulary(padded, TOKENS + new)
    lora.adapt(padded, 2, 4.0, ("c_attn",), new)
    with torch.no_grad():
        for parameter in padded.parameters():
            if parameter.requires_grad:
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(5)))
    hf.save(tmp_path / "run", padded, 0, base=str(tmp_path / "base"))
    ids = IDS.clone()
    ids[0, -1] = TOKENS + new - 1
    loaded = hf.load_adapted(tmp_path / "run", tmp_path / "base").eval()
    theirs = PeftModel.from_pretrained(GPT2LMHeadModel.from_pretrained(tmp_path / "base"), str(tmp_path / "run")).eval()
    with torch.no_grad():
        ours = padded(ids)
        torch.testing.assert_close(theirs(ids).logits[..., : TOKENS + new], ours, atol=1e-4, rtol=1e-4)
    assert torch.equal(loaded(ids), ours)
    for (name, one), (_, other) in zip(padded.named_parameters(), loaded.named_parameters(), strict=True):
        assert torch.equal(one, other), name


def test_adapters_of_a_smaller_model(tiny_model: Build, tmp_path: Path) -> None:
    model = tiny_model(vocab=TOKENS)
    for name in ("base", "run"):
        (tmp_path / name).mkdir()
    hf.save(tmp_path / "base", tiny_model(vocab=ROWS), 0)
    lora.adapt(model, 2, 4.0, ("c_attn",), 0)
    hf.save(tmp_path / "run", model, 0, base=str(tmp_path / "base"))
    with pytest.raises(DataError, match=r"its adapters do not belong to .*base, which has more tokens"):
        hf.load(tmp_path / "run", base=tmp_path / "base")


@pytest.mark.parametrize("rows", [-1, 32, "many", 1.5, True])
def test_a_wrong_number_of_surplus_rows(tiny_model: Build, tmp_path: Path, rows: Any) -> None:
    hf.save(tmp_path, tiny_model(vocab=ROWS), 0)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"surplus_rows": rows}))
    with pytest.raises(DataError, match=r"surplus_rows = .*; expected a whole number below vocab_size = 32"):
        hf.load(tmp_path)
