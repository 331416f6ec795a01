"""The checkpoints that a run keeps: complete runs of their own, the last ones and the best one."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import GPT2ForSequenceClassification, GPT2LMHeadModel

import gpt2kit
from gpt2kit import files, overwriting, recipe
from gpt2kit.errors import UserError
from gpt2kit.model import hf
from gpt2kit.recipe import Recipe
from gpt2kit.runs import checkpoints
from gpt2kit.runs.folder import Run
from gpt2kit.runs.kinds import RUN
from gpt2kit.selftest.prove import prove
from gpt2kit.training import events

Prepare = Callable[..., Recipe]
KEEP = ("train.steps=12", "train.evaluate_every=2", "train.samples=0", "train.keep_checkpoints=2")


def changed(before: Recipe, *settings: str) -> Recipe:
    return recipe.build(before.name, recipe.apply(before.table(), settings))


def names(run: Path) -> list[str]:
    return sorted(path.name for path in (run / "checkpoints").iterdir())


def best_of(run: Path) -> int:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    losses = {line["step"]: line["validation_loss"] for line in lines if "validation_loss" in line}
    return min(losses, key=lambda step: losses[step])


@pytest.mark.parametrize("keep", ["last", "best"])
def test_the_last_ones_and_the_best_one_are_kept(prepared: Prepare, tmp_path: Path, keep: str) -> None:
    """A rate that grows until the loss explodes: an early validation is the best."""
    wild = ("train.warmup=0.99", "train.lr=1", "train.clip=0", f"train.keep={keep}", "train.ema=0.5")
    short = prepared("translate", tmp_path, *KEEP, *wild)
    run = tmp_path / "run"
    list(gpt2kit.train(short, tmp_path / "data", run))
    best = best_of(run)
    assert best < 10
    assert names(run) == [f"step-{best:06d}", "step-000010", "step-000012"]
    assert checkpoints.summary(Run(run)) == (
        f"3 checkpoints in {run / 'checkpoints'}: the last is step-000012; the best is step-{best:06d}"
    )
    own, kept = hf.load(run), checkpoints.path_of(Run(run), best if keep == "best" else 12)
    for (name, weight), (_, other) in zip(own.named_parameters(), hf.load(kept).named_parameters(), strict=True):
        assert torch.equal(weight, other), name


def test_a_checkpoint_is_a_run(prepared: Prepare, tmp_path: Path) -> None:
    short = prepared("translate", tmp_path, *KEEP)
    list(gpt2kit.train(short, tmp_path / "data", tmp_path / "run"))
    kept = checkpoints.path_of(Run(tmp_path / "run"), 10)
    assert Run(kept).weights_step == 10
    assert Run(kept).record["data"] == "../../../data"
    assert isinstance(gpt2kit.load(kept)("good morning"), str)
    assert gpt2kit.evaluate(kept).count == 4
    assert not any(check.passed is False for check in prove(kept, "cpu"))
    assert GPT2LMHeadModel.from_pretrained(kept).config.n_layer == short.model.n_layer
    assert "the weights after step 10 of a longer training" in (kept / "README.md").read_text(encoding="utf-8")
    assert not (kept / "state.safetensors").exists()
    with pytest.raises(UserError, match=r"step-000010 is a checkpoint, without the state of its training: resume the"):
        list(gpt2kit.train(short, tmp_path / "data", kept, resume=True))
    further = gpt2kit.train(changed(short, "train.steps=1"), tmp_path / "data", tmp_path / "next", init=kept)
    assert any(isinstance(event, events.StepDone) for event in further)


def test_of_adapters_and_of_a_classifier(prepared: Prepare, tmp_path: Path) -> None:
    (tmp_path / "labelled").mkdir()
    short = prepared("labelled", tmp_path / "labelled", *KEEP)
    run = tmp_path / "labelled" / "run"
    list(gpt2kit.train(short, run.parent / "data", run))
    kept = checkpoints.path_of(Run(run), 12)
    assert GPT2ForSequenceClassification.from_pretrained(kept).config.num_labels == 2
    assert gpt2kit.load(kept)("fine 1") == gpt2kit.load(run)("fine 1")
    adapters = run.with_name("adapters")
    list(gpt2kit.train(changed(short, "train.lora=2"), run.parent / "data", adapters, init=run))
    kept = checkpoints.path_of(Run(adapters), 12)
    assert (kept / "adapter_model.safetensors").is_file()
    assert not (kept / "model.safetensors").exists()
    assert Run(kept).record["init"] == "../../../run"
    assert gpt2kit.load(kept)("fine 1") == gpt2kit.load(adapters)("fine 1")


def test_without_a_validation_split_a_save_is_a_checkpoint(prepared: Prepare, tmp_path: Path) -> None:
    short = prepared("translate", tmp_path, *KEEP, "train.save_every=5", "train.ema=0.5")
    for name in ("ids", "ends", "prompts"):
        (tmp_path / "data" / f"val.{name}").write_bytes(b"")
    counts = files.read_json(tmp_path / "data" / "val.json")
    nothing = {key: 0 for key, value in counts.items() if isinstance(value, int)}
    kept = {key: value for key, value in counts.items() if key == "dtype"}
    files.write_json(tmp_path / "data" / "val.json", nothing | kept)
    list(gpt2kit.train(short, tmp_path / "data", tmp_path / "run"))
    assert names(tmp_path / "run") == ["step-000010", "step-000012"]
    own, last = hf.load(tmp_path / "run"), hf.load(tmp_path / "run" / "checkpoints" / "step-000012")
    assert all(map(torch.equal, own.parameters(), last.parameters())), "the averaged ones"


def test_a_resumed_run_keeps_the_same_checkpoints(prepared: Prepare, tmp_path: Path) -> None:
    """As after kill -9: later checkpoints are written again, and leftovers are removed."""
    short = prepared("translate", tmp_path, *KEEP, "train.save_every=5", "model.dropout=0.2")
    data, run, whole = tmp_path / "data", tmp_path / "run", tmp_path / "whole"
    list(gpt2kit.train(short, data, whole))
    killed = gpt2kit.train(short, data, run)
    assert next(e for e in killed if isinstance(e, events.StepDone) and e.step == 9)
    killed.close()  # type: ignore[attr-defined]  # a generator
    assert names(run)[-1] == "step-000008"
    (run / "checkpoints" / ".step-000004.0123abcd.tmp").mkdir()
    list(gpt2kit.train(short, data, run, resume=True))
    assert names(run) == names(whole)
    for name in names(whole):
        one, other = (folder / "checkpoints" / name / "model.safetensors" for folder in (run, whole))
        assert one.read_bytes() == other.read_bytes()


def test_only_what_training_wrote_is_removed(prepared: Prepare, tmp_path: Path) -> None:
    short = prepared("translate", tmp_path, *KEEP)
    data, run = tmp_path / "data", tmp_path / "run"
    for event in gpt2kit.train(short, data, run):
        if isinstance(event, events.StepDone) and event.step == 5:
            (run / "checkpoints" / "step-000002" / "notes.txt").write_text("mine", encoding="utf-8")
            shutil.copytree(run / "checkpoints" / "step-000004", run / "checkpoints" / "step-000003")
            (run / "checkpoints" / "step-000001").mkdir()
            (run / "checkpoints" / "mine").mkdir()
    best = best_of(run)
    assert set(names(run)) >= {"step-000001", "step-000002", "step-000003", "mine", "step-000010", "step-000012"}
    assert len(names(run)) == 6 + (best < 10)


def test_a_run_with_checkpoints_can_be_replaced(prepared: Prepare, tmp_path: Path) -> None:
    short = prepared("translate", tmp_path, *KEEP)
    list(gpt2kit.train(short, tmp_path / "data", tmp_path / "run"))
    assert overwriting.check_folder(tmp_path / "run", True, RUN).startswith("a run, ")
    (tmp_path / "run" / "checkpoints" / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UserError, match=r"it also has checkpoints/notes\.txt: first move"):
        overwriting.check_folder(tmp_path / "run", True, RUN)


def test_a_kill_while_old_ones_are_removed(prepared: Prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = prepared("translate", tmp_path, *KEEP)
    data, run = tmp_path / "data", tmp_path / "run"

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "remove_old", killed)
        with pytest.raises(KeyboardInterrupt):
            list(gpt2kit.train(short, data, run))
    assert names(run) == ["step-000002"]
    assert isinstance(gpt2kit.load(run / "checkpoints" / "step-000002")("yes"), str)
    list(gpt2kit.train(short, data, run, resume=True))
    assert names(run)[-2:] == ["step-000010", "step-000012"]
