"""Runs that are opened: finished ones, those in the middle of training, and those whose data has gone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import gpt2kit
from gpt2kit import files, recipe, tensor_files
from gpt2kit.errors import DataError
from gpt2kit.pipeline.opening import model_in
from gpt2kit.selftest.run_under_test import opened
from gpt2kit.training import events

RunOf = Callable[..., Path]
Copied = Callable[[Path], Path]


def stopped(folder: Path, settings: list[str], corpus: list[str], at: int) -> Path:
    """A run that nobody went on with after a step."""
    tiny = recipe.load("translate", settings)
    gpt2kit.prepare(tiny, {"train": corpus, "val": corpus}, folder / "data")
    for event in gpt2kit.train(tiny, folder / "data", folder / "run"):
        if isinstance(event, events.StepDone) and event.step == at:
            break
    return folder / "run"


def test_a_finished_run(run_of: RunOf) -> None:
    run = run_of("translate")
    subject = opened(run)
    assert subject.whole
    assert subject.model is subject.learned
    assert subject.store is not None
    assert len(subject.store) == 4
    assert subject.run.made_with == (subject.task.vocabulary.fingerprint(), subject.task.vocabulary.size)
    assert (subject.step, subject.base, subject.without) == (None, "", "")


def test_adapters_are_opened_beside_and_inside_of_the_weights(run_of: RunOf) -> None:
    run = run_of("translate", "train.lora=2", init=run_of("translate"))
    subject = opened(run)
    assert not subject.whole
    assert subject.base == str(run_of("translate"))
    assert {name for name, _ in subject.learned.named_parameters() if "lora" in name}
    assert not [name for name, _ in subject.model.named_parameters() if "lora" in name]
    ids = torch.tensor([[1, 2, 3]])
    torch.testing.assert_close(subject.model(ids), subject.learned(ids))


@pytest.mark.parametrize("average", [0, 0.9])
def test_in_the_middle_of_training_the_state_has_the_weights(
    examples: Callable[[str], Any], tmp_path: Path, average: float
) -> None:
    module = examples("translate")
    corpus = module.write_corpus(tmp_path)
    settings = [*module.TINY, "train.steps=9", "train.save_every=3", f"train.ema={average}"]
    run = stopped(tmp_path, [*settings, "train.evaluate_every=9"], corpus, at=4)
    assert not (run / "model.safetensors").exists()
    subject = opened(run)
    assert subject.step == 3
    assert not subject.whole
    state, _ = tensor_files.read_tensors(run / "state.safetensors")
    kind = "average" if average else "model"
    for name, parameter in subject.model.named_parameters():
        assert torch.equal(parameter, state[f"{kind}.{name}"]), name
    if average:
        assert not torch.equal(state["average.transformer.wte.weight"], state["model.transformer.wte.weight"])


def test_a_run_without_weights_is_refused(run_of: RunOf, copied: Copied) -> None:
    run = copied(run_of("translate"))
    for name in ("model.safetensors", "state.safetensors"):
        (run / name).unlink()
    with pytest.raises(DataError, match="has no weights yet"):
        opened(run)
    with pytest.raises(DataError, match="is not a directory"):
        opened(run / "nowhere")


def test_a_state_of_adapters_is_no_model_yet(run_of: RunOf, copied: Copied) -> None:
    run = copied(run_of("translate"))
    (run / "model.safetensors").unlink()
    metadata = {"progress": '{"step": 3}', "numbers": "{}"}
    tensor_files.write_tensors(run / "state.safetensors", {"model.lora_A": torch.zeros(2)}, metadata)
    with pytest.raises(DataError, match="has no model yet, only a training state"):
        opened(run)


def test_data_that_has_gone_or_changed_is_said(run_of: RunOf, copied: Copied, tmp_path: Path) -> None:
    run = copied(run_of("translate"))
    described = files.read_json(run / "run.json")
    data = described["data"]
    files.write_json(run / "run.json", described | {"data": str(tmp_path / "gone")})
    subject = opened(run)
    assert subject.store is None
    gone = f"{run}: its prepared data {tmp_path / 'gone'} no longer exists"
    assert subject.without == f"{gone}; if it was moved, name its new place with --data DIR"
    assert opened(run, Path(data)).store is not None
    described["prepared"]["train"]["rows"] += 1
    files.write_json(run / "run.json", described)
    assert "was trained on: it is other data, or was prepared again" in opened(run).without


def test_other_data_is_refused_in_its_place(run_of: RunOf) -> None:
    assert (
        "was trained on: it is other data, or was prepared again"
        in opened(run_of("translate"), run_of("summarize").parent / "data").without
    )


def test_the_model_is_the_engine_s(run_of: RunOf) -> None:
    run = run_of("lm")
    for (name, one), (_, other) in zip(
        opened(run).model.named_parameters(), model_in(run).named_parameters(), strict=True
    ):
        assert torch.equal(one, other), name
