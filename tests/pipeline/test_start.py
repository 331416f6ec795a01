"""Runs that start from a pretrained model: which of its weights they have, and what cannot be asked of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSequenceClassification, GPT2Config, GPT2ForSequenceClassification, GPT2LMHeadModel

import gpt2kit
from gpt2kit import files, recipe, tasks
from gpt2kit.data.bpe import Bpe
from gpt2kit.errors import UserError
from gpt2kit.model import hf
from gpt2kit.pipeline.dry_run import preflight
from gpt2kit.pipeline.merge import merge
from gpt2kit.pipeline.opening import zero_shot
from gpt2kit.pipeline.start import first_model
from gpt2kit.recipe import Recipe
from gpt2kit.selftest.prove import prove
from gpt2kit.training import events

ROWS = 320
"""Rows of the padded models' token embedding; their tokenizer has fewer tokens."""


def pretrained(folder: Path, kind: Any = GPT2LMHeadModel) -> Bpe:
    """A tiny GPT-2 with surplus rows, written by Hugging Face, and its tokenizer. The surplus rows are so long that
    one of them is the likeliest token everywhere."""
    bpe = Bpe.train(iter(["the cat sat on the mat", "le chat est assis"] * 5), 280, [])
    torch.manual_seed(0)
    shape: dict[str, Any] = {"n_layer": 2, "n_head": 4, "n_embd": 16, "n_positions": 64}
    model = kind(GPT2Config(vocab_size=ROWS, bos_token_id=0, eos_token_id=0, pad_token_id=0, **shape))
    with torch.no_grad():
        model.transformer.wte.weight[bpe.vocab_size :] *= 100
    model.save_pretrained(folder)
    bpe.save(folder, 64)
    return bpe


@pytest.fixture(scope="module")
def padded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pretrained") / "padded"
    pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def tiny(translation_from: Callable[..., Recipe], padded: Path) -> Recipe:
    return translation_from(padded, "train.steps=2")


@pytest.fixture(scope="module")
def data(tiny: Recipe, prepare_for: Callable[[Recipe, int], Path]) -> Path:
    return prepare_for(tiny, 64)


def test_the_blocks_of_a_new_model_add_nothing_at_first(tiny: Recipe, padded: Path) -> None:
    """A pretrained model stays what it is."""
    opened = recipe.build_section(tasks.find("translate"), "task", {}).opened(padded)

    def projections(chosen: Recipe, init: str | None) -> list[bool]:
        found = first_model(chosen, opened, init).named_parameters()
        return [bool(weight.any()) for name, weight in found if name.endswith("c_proj.weight")]

    shape = ["model.n_layer=2", "model.n_embd=16", "model.n_head=4"]
    zero, drawn = (f"train.zero_projections={value}" for value in ("true", "false"))
    assert projections(asking(tiny, zero, *shape), None) == [False] * 4
    assert projections(asking(tiny, drawn, *shape), None) == [True] * 4
    assert projections(asking(tiny, zero), str(padded)) == [True] * 4


def asking(tiny: Recipe, *settings: str) -> Recipe:
    return recipe.with_settings(tiny.name, tiny.table(), settings)


def failed(run: Path) -> list[str]:
    """The checks of the self-test that a run does not pass."""
    return [check.name for check in prove(run) if check.passed is False]


def their_rows(folder: Path) -> torch.Tensor:
    """The token embedding that transformers loads."""
    model: Any = GPT2LMHeadModel.from_pretrained(folder)
    rows: torch.Tensor = model.get_input_embeddings().weight.detach()
    return rows


def test_a_padded_model_is_trained_and_keeps_its_surplus_rows(
    tiny: Recipe, padded: Path, data: Path, tmp_path: Path
) -> None:
    """The task's token takes the place of the first surplus row, as the tokenizer says. A run that is stopped has them
    too."""
    run, before = tmp_path / "run", their_rows(padded)
    started = None
    for event in gpt2kit.train(tiny, data, run, init=str(padded)):
        if isinstance(event, events.Start):
            started = event
        if isinstance(event, events.Validation):
            break
    assert started is not None
    tokens = Bpe.load(padded).vocab_size
    assert started.learning is None, "all that is counted is trained: the surplus rows are not counted"
    assert started.remarks == (
        f"{padded} has {ROWS} rows in its token embedding and {tokens} tokens in its tokenizer: the other "
        f"{ROWS - tokens} rows are neither used nor changed",
    )
    list(gpt2kit.train(tiny, data, run, resume=True))
    after = their_rows(run)
    assert after.shape == before.shape
    assert torch.equal(after[tokens + 1 :], before[tokens + 1 :])
    assert not torch.equal(after[: tokens + 1], before[: tokens + 1])
    assert files.read_json(run / "config.json")["surplus_rows"] == ROWS - tokens - 1
    assert not failed(run)
    again = gpt2kit.load(run)
    assert again.model.vocab_size == again.task.vocabulary.size == tokens + 1
    assert all(id <= tokens for result in again.results([again.task.parse("the cat")]) for id in result.ids[0])


def test_a_run_goes_on_from_a_run_with_surplus_rows(tiny: Recipe, padded: Path, data: Path, tmp_path: Path) -> None:
    list(gpt2kit.train(tiny, data, tmp_path / "first", init=str(padded)))
    list(gpt2kit.train(tiny, data, tmp_path / "second", init=str(tmp_path / "first")))
    tokens = Bpe.load(padded).vocab_size
    assert torch.equal(their_rows(tmp_path / "second")[tokens + 1 :], their_rows(padded)[tokens + 1 :])


@pytest.mark.parametrize("setting", ["train.lora=2", "train.freeze=1"])
def test_a_part_of_a_padded_model_is_trained(
    tiny: Recipe, padded: Path, data: Path, tmp_path: Path, setting: str
) -> None:
    """Of the token embedding only the row of the task's token, also after a resume."""
    run, partly = tmp_path / "run", asking(tiny, setting)
    (started,) = (e for e in gpt2kit.train(partly, data, run, init=str(padded)) if isinstance(e, events.Start))
    assert started.learning is not None
    assert preflight(partly, data, tmp_path / "other", str(padded)).learning == started.learning
    assert not failed(run)
    if "lora" in setting:
        assert started.learning == 2 * 2 * (16 + 48) + 16, "adapters of rank 2 in two blocks, and one row"
        merge(run, tmp_path / "merged")
        run = tmp_path / "merged"
    tokens, before, after = Bpe.load(padded).vocab_size, their_rows(padded), their_rows(run)
    changed = (after != before).any(1).nonzero().flatten().tolist()
    assert changed == [tokens]
    stopped = tmp_path / "stopped"
    for event in gpt2kit.train(partly, data, stopped, init=str(padded)):
        if isinstance(event, events.Validation):
            break
    list(gpt2kit.train(partly, data, stopped, resume=True))
    one, other = (hf.load(each, base=padded if "lora" in setting else None) for each in (stopped, tmp_path / "run"))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_a_padded_classifier(tmp_path: Path, examples: Callable[[str], Any]) -> None:
    pretrained(tmp_path / "padded", GPT2ForSequenceClassification)
    table = tmp_path / "a.csv"
    table.write_text("text,label\n" + "the cat,good\nle chat,bad\n" * 5, encoding="utf-8")
    settings = [f'task.tokenizer="{tmp_path / "padded"}"', "train.steps=2", "train.least_steps=0"]
    tiny = recipe.load("finetune", [*settings, "model.n_positions=64"])
    gpt2kit.prepare(tiny, {"train": [str(table)], "val": [str(table)]}, tmp_path / "data")
    list(gpt2kit.train(tiny, tmp_path / "data", tmp_path / "run", init=str(tmp_path / "padded")))
    theirs = AutoModelForSequenceClassification.from_pretrained(tmp_path / "run")
    assert theirs.config.vocab_size == ROWS
    assert not failed(tmp_path / "run")


def test_a_padded_model_without_training(padded: Path) -> None:
    engine = zero_shot("lm", str(padded), {"max_new_tokens": 20, "temperature": 1.0})
    assert len(engine.model.remarks) == 1
    tokens = Bpe.load(padded).vocab_size
    (result,) = engine.results([engine.task.parse("the cat")])
    assert result.ids[0]
    assert max(result.ids[0]) < tokens


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "model.n_layer=4",
            "model.n_layer = 4, but {} has n_layer = 2, which cannot be changed; leave out --set",
        ),
        ("model.n_head=2", "model.n_head = 2, but {} has n_head = 4"),
        ("model.n_embd=64", "model.n_embd = 64, but {} has n_embd = 16"),
        ("model.n_inner=32", "model.n_inner = 32, but {} has n_inner = 64"),
        ("model.n_positions=32", "model.n_positions = 32, but {} has n_positions = 64"),
        ("model.attention=local", "model.attention = local, but {} has attention = full"),
        ("model.block=32", "model.block = 32, but {} has block = 256"),
        (
            "model.size=gpt2",
            "model.n_embd = 768, but {} has n_embd = 16, which cannot be changed; leave out --set model.size,",
        ),
        ("train.freeze=3", "train.freeze = 3, but {} has 2 blocks; expected 0 to 2"),
        ("train.freeze=1000", "train.freeze = 1000, but {} has 2 blocks"),
    ],
)
def test_a_pretrained_model_cannot_have_another_shape(
    tiny: Recipe, padded: Path, data: Path, tmp_path: Path, setting: str, message: str
) -> None:
    asked = asking(tiny, setting)
    with pytest.raises(UserError) as error:
        list(gpt2kit.train(asked, data, tmp_path / "run", init=str(padded)))
    assert str(error.value).startswith(message.format(padded))
    with pytest.raises(UserError) as error:
        preflight(asked, data, tmp_path / "run", str(padded))
    assert str(error.value).startswith(message.format(padded))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "settings",
    [
        ["model.n_layer=2", "model.n_head=4", "model.n_embd=16", "model.n_inner=64", "model.n_positions=64"],
        ["model.dropout=0.3"],
        ["model.attention=full"],
        ["train.freeze=2"],
    ],
)
def test_settings_that_agree_with_the_pretrained_model(
    tiny: Recipe, padded: Path, data: Path, tmp_path: Path, settings: list[str]
) -> None:
    list(gpt2kit.train(asking(tiny, *settings, "train.steps=1"), data, tmp_path / "run", init=str(padded)))
    dropout = recipe.load(str(tmp_path / "run" / "recipe.toml")).model.dropout
    assert dropout == (0.3 if "model.dropout=0.3" in settings else tiny.model.dropout)


@pytest.mark.parametrize("setting", ["model.n_layer=4", "model.dropout=0.3"])
def test_a_resumed_run_cannot_have_another_model(
    tiny: Recipe, padded: Path, data: Path, tmp_path: Path, setting: str
) -> None:
    for event in gpt2kit.train(tiny, data, tmp_path / "run", init=str(padded)):
        if isinstance(event, events.Validation):
            break
    with pytest.raises(UserError, match=rf"{setting.partition('=')[0]} = .*, but .*run has "):
        list(gpt2kit.train(asking(tiny, setting), data, tmp_path / "run", resume=True))
    list(gpt2kit.train(asking(tiny, "model.n_layer=2"), data, tmp_path / "run", resume=True))
