"""Runs that start from variants of GPT-2: they are trained, resumed, adapted, merged, and read by transformers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel

import gpt2kit
from gpt2kit import files, recipe
from gpt2kit.cli.app import run as cli
from gpt2kit.data.bpe import Bpe
from gpt2kit.errors import DataError, UserError
from gpt2kit.model import hf, hf_config, transformers_door
from gpt2kit.pipeline.merge import merge
from gpt2kit.recipe import Recipe
from gpt2kit.selftest.prove import prove
from gpt2kit.training import events

ROWS = 320
"""Rows of the token embedding and of the head; the tokenizer has fewer tokens."""

VARIANT: dict[str, Any] = {
    "activation_function": "gelu",
    "layer_norm_epsilon": 1e-3,
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": True,
    "tie_word_embeddings": False,
}


@pytest.fixture(scope="module")
def variant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All variants in one model, as Hugging Face writes it, and its tokenizer."""
    folder = tmp_path_factory.mktemp("pretrained") / "variant"
    bpe = Bpe.train(iter(["the cat sat on the mat", "le chat est assis"] * 5), 280, [])
    torch.manual_seed(0)
    shape: dict[str, Any] = {"n_layer": 2, "n_head": 4, "n_embd": 16, "n_positions": 32, "vocab_size": ROWS}
    GPT2LMHeadModel(GPT2Config(bos_token_id=0, eos_token_id=0, **shape, **VARIANT)).save_pretrained(folder)
    bpe.save(folder, 32)
    return folder


@pytest.fixture(scope="module")
def tiny(translation_from: Callable[..., Recipe], variant: Path) -> Recipe:
    return translation_from(variant, "train.steps=3", "train.samples=1")


@pytest.fixture(scope="module")
def data(tiny: Recipe, prepare_for: Callable[[Recipe, int], Path]) -> Path:
    return prepare_for(tiny, 32)


def asking(tiny: Recipe, *settings: str) -> Recipe:
    return recipe.with_settings(tiny.name, tiny.table(), settings)


def failed(run: Path) -> list[str]:
    """The checks of the self-test that a run does not pass; among them are its logits in transformers."""
    checks = prove(run)
    assert any("Hugging Face" in check.name and check.passed for check in checks)
    return [check.name for check in checks if check.passed is False]


def stopped_and_resumed(settings: Recipe, data: Path, run: Path, init: Path) -> None:
    """Stopped after its second step, of which no state is saved yet."""
    for event in gpt2kit.train(settings, data, run, init=init):
        if isinstance(event, events.Validation) and event.step == 2:
            break
    steps = [event.step for event in gpt2kit.train(settings, data, run, resume=True) if isinstance(event, events.Start)]
    assert steps == [1]


def weights_of(run: Path, base: Path | None = None) -> dict[str, torch.Tensor]:
    model = hf.load(run, base=base)
    return dict(model.named_parameters()) | {f"surplus of {name}": rows for name, rows in model.surplus_of.items()}


@pytest.mark.parametrize("settings", [["train.ema=0.9"], ["train.freeze=1"], ["train.lora=2"]])
def test_a_resumed_run_is_an_uninterrupted_one(
    tiny: Recipe, variant: Path, data: Path, tmp_path: Path, settings: list[str]
) -> None:
    asked, base = asking(tiny, *settings), variant if "train.lora=2" in settings else None
    list(gpt2kit.train(asked, data, tmp_path / "whole", init=variant))
    stopped_and_resumed(asked, data, tmp_path / "resumed", variant)
    whole, resumed = (weights_of(tmp_path / each, base) for each in ("whole", "resumed"))
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(weight, resumed[name]) for name, weight in whole.items())
    assert base is None or not failed(tmp_path / "resumed")
    described = files.read_json(hf_config.path_of(tmp_path / "resumed"))
    model = recipe.load(str(tmp_path / "resumed" / "recipe.toml")).model
    for key, value in VARIANT.items():
        assert described[key] == getattr(model, key) == value
    if base is not None:
        merge(tmp_path / "resumed", tmp_path / "merged")
        resumed = weights_of(tmp_path / "merged")
    before = weights_of(variant)
    tokens = Bpe.load(variant).vocab_size
    for name in ("transformer.wte.weight", "lm_head.weight"):
        changed = (resumed[name] != before[name][: tokens + 1]).any(1)
        partly = base is not None or (settings == ["train.freeze=1"] and name != "lm_head.weight")
        assert changed[tokens], "the row of the task's token"
        assert bool(changed[:tokens].any()) != partly, name
        assert torch.equal(resumed[f"surplus of {name.removesuffix('.weight')}"], before[name][tokens + 1 :])


def test_by_the_command_line(
    tiny: Recipe, variant: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    (tmp_path / "tiny.toml").write_text(tiny.toml(), encoding="utf-8")
    words = ["--recipe", str(tmp_path / "tiny.toml"), "--set", "train.batch_tokens=64"]
    assert cli(["translate", "train", str(data), "--out", str(run), "--init", str(variant), *words]) == 0
    assert cli(["selftest", str(run)]) == 0
    said = capsys.readouterr()
    assert "logits equal Hugging Face's" in said.out + said.err
    assert cli(["translate", "generate", "--run", str(run), "the cat"]) == 0
    text = capsys.readouterr().out
    theirs, ours = AutoModelForCausalLM.from_pretrained(run), gpt2kit.load(run)
    ids = torch.tensor([[*ours.task.encode_source(ours.task.parse("the cat"))]])
    found = theirs.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=5, do_sample=False)
    wanted = [id for id in found[0, ids.size(1) :].tolist() if id]
    (result,) = ours.results([ours.task.parse("the cat")])
    assert list(result.ids[0])[: len(wanted)] == wanted
    assert text.endswith("\n")


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_a_classifier(tmp_path: Path, variant: Path, weight: float) -> None:
    """The head of the language model is trained if there is a loss for it, and is not in the way if there is none."""
    table = tmp_path / "a.csv"
    table.write_text("text,label\n" + "the cat,good\nle chat,bad\n" * 5, encoding="utf-8")
    settings = [f'task.tokenizer="{variant}"', "train.steps=3", "train.least_steps=0", "train.evaluate_every=1"]
    tiny = recipe.load(
        "finetune", [*settings, "model.n_positions=32", f"train.lm_weight={weight}", "train.save_every=1"]
    )
    gpt2kit.prepare(tiny, {"train": [str(table)], "val": [str(table)]}, tmp_path / "data")
    stopped_and_resumed(tiny, tmp_path / "data", tmp_path / "run", variant)
    before, after = weights_of(variant)["lm_head.weight"], weights_of(tmp_path / "run")["lm_head.weight"]
    tokens = Bpe.load(variant).vocab_size
    assert torch.equal(after[:tokens], before[:tokens]) == (weight == 0)
    if not weight:
        return
    list(gpt2kit.train(tiny, tmp_path / "data", tmp_path / "second", init=tmp_path / "run"))
    assert not failed(tmp_path / "second")


@pytest.mark.parametrize(
    ("setting", "found"),
    [("activation_function=relu", "gelu"), ("layer_norm_epsilon=1e-5", "0.001"), ("tie_word_embeddings=true", "False")],
)
def test_a_pretrained_model_stays_the_variant_that_it_is(
    tiny: Recipe, variant: Path, data: Path, tmp_path: Path, setting: str, found: str
) -> None:
    key = setting.partition("=")[0]
    with pytest.raises(UserError, match=rf"model\.{key} = .*, but .* has {key} = {found}, which cannot be changed"):
        list(gpt2kit.train(asking(tiny, f"model.{setting}"), data, tmp_path / "run", init=variant))


@pytest.mark.parametrize(
    ("key", "other"),
    [("activation_function", "relu"), ("layer_norm_epsilon", 1e-5), ("scale_attn_by_inverse_layer_idx", False)],
)
def test_a_config_that_says_another_variant_than_the_run(
    tiny: Recipe, variant: Path, data: Path, tmp_path: Path, key: str, other: Any
) -> None:
    """Nothing else would notice: the shapes of the weights are the same."""
    run = tmp_path / "run"
    list(gpt2kit.train(asking(tiny, "train.steps=1"), data, run, init=variant))
    files.write_json(run / "config.json", files.read_json(run / "config.json") | {key: other})
    with pytest.raises(DataError, match=r"config\.json says another model than"):
        gpt2kit.load(run)
    with pytest.raises(DataError, match=r"config\.json says another model than"):
        list(gpt2kit.train(asking(tiny, "train.steps=4"), data, run, resume=True))


def test_random_weights_of_a_variant(tiny: Recipe, data: Path, tmp_path: Path) -> None:
    """The knobs are those of a recipe too, also with attention that transformers lacks."""
    settings = [f"model.{key}={str(value).lower()}" for key, value in VARIANT.items()]
    shape = ["model.n_layer=2", "model.n_head=2", "model.n_embd=16", "model.n_positions=32"]
    run = tmp_path / "run"
    list(gpt2kit.train(asking(tiny, *shape, *settings, "model.attention=relative,local"), data, run))
    ids = torch.arange(30)[None]
    with torch.no_grad():
        ours, theirs = hf.load(run).eval()(ids), transformers_door.pretrained(run, False)(ids).logits
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
