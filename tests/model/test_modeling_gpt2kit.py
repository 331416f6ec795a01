"""Runs with other attention in transformers, by the modeling file that they bring along: our logits, our tokens."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    GPT2Config,
    GPT2ForSequenceClassification,
    GPT2LMHeadModel,
)
from transformers.utils import logging

from gpt2kit.config import ATTENTIONS, GenerateConfig
from gpt2kit.decoding.decode import answers, for_inference
from gpt2kit.model import hf, hf_config, modeling_gpt2kit
from gpt2kit.model.gpt2 import GPT2

Build = Callable[..., GPT2]

OTHERS = [
    *(kind for kind in ATTENTIONS if kind != "full"),
    "local,compressed,relative",
    "full,compressed,relative-local",
]
SHAPE = {"n_layer": 3, "block": 4, "compression": 3}
EOS = 0


def saved(folder: Path, model: GPT2, head: bool = False) -> Any:
    """The model that transformers makes of a folder, as strangers load it; every weight is in the folder and used."""
    hf.save(folder, model, EOS)
    kind: Any = AutoModelForSequenceClassification if head else AutoModelForCausalLM
    theirs, report = kind.from_pretrained(folder, trust_remote_code=True, output_loading_info=True)
    assert not any(report.values()), report
    assert type(theirs).__module__.startswith("transformers_modules."), "it is the code of the folder"
    return theirs.eval()


def classifier(build: Build, attention: str, *labels: str) -> GPT2:
    model = build(attention=attention, **SHAPE)
    model.set_classifier(labels)
    assert model.score is not None
    torch.nn.init.normal_(model.score.weight)
    return model


def ids_of(rows: int, length: int) -> Tensor:
    """Without the id that ends a text."""
    return torch.randint(1, 23, (rows, length))


@pytest.mark.parametrize("attention", OTHERS)
@pytest.mark.parametrize("length", [1, 3, 4, 30, 48])
@torch.no_grad()
def test_its_logits_are_ours(tmp_path: Path, tiny_model: Build, attention: str, length: int) -> None:
    model = tiny_model(attention=attention, **SHAPE)
    ids = ids_of(2, length)
    logits = saved(tmp_path, model)(ids).logits
    torch.testing.assert_close(logits, model(ids), atol=1e-5, rtol=1e-5)
    assert logits.std() > 0.1, "logits that are all alike would prove nothing"


@pytest.mark.parametrize("attention", OTHERS)
def test_its_greedy_tokens_are_ours(tmp_path: Path, tiny_model: Build, attention: str) -> None:
    model = tiny_model(attention=attention, **SHAPE)
    theirs = saved(tmp_path, model)
    prompts = ids_of(6, 5)
    config = GenerateConfig(max_new_tokens=30, device="cpu", dtype="fp32")
    decoded = answers(for_inference(model, "fp32"), prompts.tolist(), config, EOS)
    ours = {each.index: each.answers[0] for each in decoded}
    texts = [theirs.generate(prompt[None], do_sample=False, max_new_tokens=30)[0, 5:].tolist() for prompt in prompts]
    assert texts == [ours[row].ids + [EOS] * ours[row].finished for row in range(6)]
    assert max(len(text) for text in texts) > 5, "it goes beyond a block and a group"


@pytest.mark.parametrize("attention", OTHERS)
@pytest.mark.parametrize("side", ["left", "right"])
@torch.no_grad()
def test_padding_changes_nothing(tmp_path: Path, tiny_model: Build, attention: str, side: str) -> None:
    theirs = saved(tmp_path, tiny_model(attention=attention, **SHAPE))
    texts = [ids_of(1, length)[0] for length in (4, 11, 7)]
    ids, mask = torch.zeros(3, 11, dtype=torch.long), torch.zeros(3, 11, dtype=torch.long)
    for row, text in enumerate(texts):
        place = slice(11 - len(text), None) if side == "left" else slice(len(text))
        ids[row, place], mask[row, place] = text, 1
    logits = theirs(ids, attention_mask=mask).logits
    for row, text in enumerate(texts):
        torch.testing.assert_close(logits[row][mask[row] == 1], theirs(text[None]).logits[0], atol=1e-5, rtol=1e-5)
    if side == "left":
        together = theirs.generate(ids, attention_mask=mask, do_sample=False, max_new_tokens=12, eos_token_id=None)
        alone = [theirs.generate(t[None], do_sample=False, max_new_tokens=12, eos_token_id=None) for t in texts]
        assert [row[11:].tolist() for row in together] == [one[0, -12:].tolist() for one in alone]


@pytest.mark.parametrize("labels", [("bad", "good"), ("a", "b", "c"), ("score",)])
@pytest.mark.parametrize("attention", ["relative", "local,compressed,relative"])
@torch.no_grad()
def test_a_head_is_ours(tmp_path: Path, tiny_model: Build, attention: str, labels: tuple[str, ...]) -> None:
    model = classifier(tiny_model, attention, *labels)
    theirs = saved(tmp_path, model, head=True)
    assert theirs.config.id2label == dict(enumerate(labels))
    ids = ids_of(1, 9)
    assert model.score is not None
    ours = model.score(model.hidden(ids)[:, -1])
    torch.testing.assert_close(theirs(ids).logits, ours, atol=1e-5, rtol=1e-5)
    padded = torch.nn.functional.pad(ids, (0, 4), value=EOS)
    torch.testing.assert_close(theirs(padded).logits, ours, atol=1e-5, rtol=1e-5)
    left, mask = torch.nn.functional.pad(ids, (4, 0), value=EOS), torch.tensor([[0] * 4 + [1] * 9])
    torch.testing.assert_close(theirs(left, attention_mask=mask).logits, ours, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_full_attention_is_gpt2_s(tmp_path: Path) -> None:
    """The rest of the file against transformers' own classes; the names of the weights are theirs."""
    shape: dict[str, Any] = {
        "vocab_size": 23,
        "n_layer": 2,
        "n_head": 2,
        "n_embd": 16,
        "n_positions": 32,
        "eos_token_id": EOS,
    }
    shape |= {"bos_token_id": EOS, "pad_token_id": EOS, "num_labels": 3, "n_inner": 40}
    ids, labels = ids_of(2, 9), torch.tensor([2, 0])
    config = modeling_gpt2kit.GPT2KitConfig(**shape)
    pairs: list[tuple[type[Any], type[Any], Tensor]] = [
        (GPT2LMHeadModel, modeling_gpt2kit.GPT2KitForCausalLM, ids),
        (GPT2ForSequenceClassification, modeling_gpt2kit.GPT2KitForSequenceClassification, labels),
    ]
    for their_class, our_class, targets in pairs:
        theirs, ours = their_class(GPT2Config(**shape)).eval(), our_class(config).eval()
        ours.load_state_dict(theirs.state_dict())
        expected, found = theirs(ids, labels=targets), ours(ids, labels=targets)
        torch.testing.assert_close(found.logits, expected.logits, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(found.loss, expected.loss, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("attention", OTHERS)
def test_a_model_of_the_config_alone_learns(tmp_path: Path, tiny_model: Build, attention: str) -> None:
    hf.save(tmp_path, tiny_model(attention=attention, **SHAPE), EOS)
    config = AutoConfig.from_pretrained(tmp_path, trust_remote_code=True)
    model = AutoModelForCausalLM.from_config(config, trust_remote_code=True)
    assert all(parameter.isfinite().all() for parameter in model.parameters())
    assert model.lm_head.weight is model.transformer.wte.weight
    ids = ids_of(2, 30)
    model(ids, labels=ids).loss.backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_it_saves_what_gpt2kit_loads(tmp_path: Path, tiny_model: Build) -> None:
    """And the code is copied along by transformers."""
    model = tiny_model(attention="relative,compressed,local", **SHAPE)
    (tmp_path / "run").mkdir()
    saved(tmp_path / "run", model).save_pretrained(tmp_path / "theirs")
    assert (tmp_path / "theirs" / hf_config.MODELING).is_file()
    loaded = hf.load(tmp_path / "theirs").eval()
    assert loaded.config == model.config
    ids = ids_of(2, 20)
    assert torch.equal(loaded(ids), model(ids))


def test_nothing_is_warned_of(tmp_path: Path, tiny_model: Build, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither of the keys in config.json, nor of the settings in generation_config.json, nor of the loss."""
    theirs, ids = saved(tmp_path, tiny_model(attention="compressed", **SHAPE)), ids_of(1, 5)
    theirs.generate(ids, do_sample=False, max_new_tokens=3)
    theirs(ids, labels=ids)
    assert "[transformers]" not in capsys.readouterr().err
    assert logging.get_verbosity() <= 30, "warnings would be shown"


@pytest.mark.parametrize("name", modeling_gpt2kit.UNSUPPORTED)
def test_what_it_does_not_take_is_refused(tmp_path: Path, tiny_model: Build, name: str) -> None:
    theirs = saved(tmp_path, tiny_model(attention="local", **SHAPE))
    with pytest.raises(ValueError, match=f"do not support {name}"):
        theirs(ids_of(1, 4), **{name: True})
    theirs(ids_of(1, 4), **{name: None})


@pytest.mark.parametrize("attention", ["dilated", "local,relative", "local,local,", ""])
def test_attention_that_cannot_be_is_refused(tiny_model: Build, attention: str) -> None:
    """Every kind of gpt2kit is known, so that a new one does not pass for full attention."""
    assert set(modeling_gpt2kit.KINDS) == set(ATTENTIONS)
    with pytest.raises(ValueError, match=f"attention = '{attention}'; expected one of full, "):
        modeling_gpt2kit.GPT2KitModel(
            modeling_gpt2kit.GPT2KitConfig(n_layer=3, n_embd=8, n_head=2, attention=attention)
        )


def test_more_tokens_than_positions_are_refused(tmp_path: Path, tiny_model: Build) -> None:
    theirs = saved(tmp_path, tiny_model(attention="local", **SHAPE))
    with pytest.raises(ValueError, match="49 tokens; the model accepts at most 48"):
        theirs(ids_of(1, 49))


def test_the_copy_in_a_folder_is_the_package_s(tmp_path: Path, tiny_model: Build) -> None:
    hf_config.write(tmp_path, tiny_model(attention="local"), EOS)
    source = Path(modeling_gpt2kit.__file__).read_text(encoding="utf-8")
    assert (tmp_path / hf_config.MODELING).read_text(encoding="utf-8") == source
    assert "gpt2kit" not in {line.split()[1].split(".")[0] for line in source.splitlines() if "import " in line[:30]}
    (tmp_path / "full").mkdir()
    hf_config.write(tmp_path / "full", tiny_model(), EOS)
    assert not (tmp_path / "full" / hf_config.MODELING).exists()


def test_our_loader_runs_no_code_of_a_folder(tmp_path: Path, tiny_model: Build) -> None:
    model, marker = tiny_model(attention="local", **SHAPE), tmp_path / "marker"
    hf.save(tmp_path, model, EOS)
    (tmp_path / hf_config.MODELING).write_text(f"open({str(marker)!r}, 'w').close()", encoding="utf-8")
    hf.load(tmp_path)
    assert not marker.exists()
    with pytest.raises(AttributeError):
        AutoModelForCausalLM.from_pretrained(tmp_path, trust_remote_code=True)
    assert marker.exists(), "transformers, which was told to trust it, runs it"
