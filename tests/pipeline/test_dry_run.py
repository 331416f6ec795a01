"""`train --dry-run`: what it says is what training then does, and it leaves nothing behind."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpt2kit
from gpt2kit import recipe, tasks
from gpt2kit.cli.app import run
from gpt2kit.data.store import Store, StoreWriter
from gpt2kit.errors import DataError, UserError
from gpt2kit.pipeline.dry_run import Preflight, preflight
from gpt2kit.recipe import Recipe
from gpt2kit.runs import prepared as folders
from gpt2kit.training import events

Examples = Callable[[str], Any]
Prepared = Callable[..., Recipe]
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpt2kit.pipeline.dry_run.SECONDS", 0.0)


@pytest.mark.parametrize("name", [*tasks.names(), "labelled"])
def test_it_says_what_training_does(name: str, prepared: Prepared, tmp_path: Path) -> None:
    tiny = prepared(name, tmp_path, "train.steps=4", "train.evaluate_every=2", "train.position_vectors=true")
    before = sorted(tmp_path.rglob("*"))
    told = preflight(tiny, tmp_path / "data", tmp_path / "runs" / "new")
    assert sorted(tmp_path.rglob("*")) == before
    trained = list(gpt2kit.train(tiny, tmp_path / "data", tmp_path / "run"))
    start = next(event for event in trained if isinstance(event, events.Start))
    assert (told.parameters, told.steps, told.batches) == (start.parameters, start.steps, start.steps_per_epoch)
    assert (told.padding, told.dtype, told.device) == (start.padding, start.dtype, start.device)
    assert told.compiles == start.compiled
    assert told.learning == told.parameters
    assert told.epochs == pytest.approx(told.steps / told.batches)
    task = folders.Prepared.open(tmp_path / "data").task
    store = Store(tmp_path / "data", "train")
    unit = "examples" if task.layout.labels else "tokens"
    answers = len(store) if task.layout.labels else store.tokens - store.prompt_tokens
    assert (told.targets, told.target_unit) == (told.epoch_tokens if task.layout.continues else answers, unit)
    assert told.ends.learned == told.ends.of
    assert told.ends.of == (0 if task.layout.labels else len(store.document_ends()))
    assert told.overlap == {"val": {"rows": len(store), "leaked": len(store), "nearly_leaked": 0}}
    cost = told.cost
    assert 0 < cost.step_from <= cost.step <= cost.step_to
    assert cost.total_from <= cost.total <= cost.total_to
    assert cost.total >= told.steps * cost.step
    assert cost.memory is None or cost.memory > 1e6
    taken = sum(path.stat().st_size for path in (tmp_path / "run").iterdir() if path.suffix == ".safetensors")
    assert cost.disk >= taken > 0
    assert json.loads(json.dumps(told.json()))["cost"]["step"] == cost.step


@pytest.mark.parametrize("lora", [0, 2])
def test_checkpoints_take_space(prepared: Prepared, tmp_path: Path, lora: int) -> None:
    tiny = prepared("lm", tmp_path, "train.steps=4", "train.evaluate_every=1")
    init = str(tmp_path / "run")
    list(gpt2kit.train(tiny, tmp_path / "data", init))
    kept = recipe.build("kept", recipe.apply(tiny.table(), [f"train.lora={lora}", "train.keep_checkpoints=3"]))
    plain = recipe.build("plain", recipe.apply(tiny.table(), [f"train.lora={lora}"]))
    told, without = (preflight(each, tmp_path / "data", tmp_path / "new", init) for each in (kept, plain))
    assert told.cost.disk - without.cost.disk == 4 * 5 * told.learning, "three, the best one, and one being written"
    list(gpt2kit.train(kept, tmp_path / "data", tmp_path / "new", init))
    assert told.cost.disk >= sum(path.stat().st_size for path in (tmp_path / "new").rglob("*.safetensors"))


def test_what_is_frozen_does_not_learn(prepared: Prepared, tmp_path: Path) -> None:
    tiny = prepared("lm", tmp_path, "train.steps=2")
    list(gpt2kit.train(tiny, tmp_path / "data", tmp_path / "run"))
    lora = recipe.build("lora", recipe.apply(tiny.table(), ["train.lora=2"]))
    told = preflight(lora, tmp_path / "data", tmp_path / "new", str(tmp_path / "run"))
    start = next(
        event
        for event in gpt2kit.train(lora, tmp_path / "data", tmp_path / "new", str(tmp_path / "run"))
        if isinstance(event, events.Start)
    )
    assert told.parameters == start.parameters
    width, layers = tiny.model.n_embd, tiny.model.n_layer
    assert told.learning == layers * 2 * (width + 3 * width)


def test_a_budget_decides_on_the_steps(prepared: Prepared, tmp_path: Path) -> None:
    tiny = prepared("translate", tmp_path)
    budgets = [recipe.build("b", recipe.apply(tiny.table(), ["train.steps=0", f"train.budget={b}"])) for b in BUDGETS]
    short, long = (preflight(each, tmp_path / "data", tmp_path / "new") for each in budgets)
    assert 0 < short.steps < long.steps
    assert short.cost.total < 60 < long.cost.total < 3600


BUDGETS = ("20s", "30m")


def rewritten(data: Path, change: Callable[[list[int], list[int]], tuple[list[int], list[int]]]) -> None:
    """The training rows of a prepared folder, changed."""
    rows = Store(data, "train")
    found = [change(*rows.row(index)) for index in range(len(rows))]
    with StoreWriter(data, "train", folders.Prepared.open(data).task.vocabulary.size) as writer:
        writer.add(found)


def test_answers_that_never_end_are_told_of(
    prepared: Prepared, dry_run: Callable[..., int], tmp_path: Path, capsys: Capture
) -> None:
    tiny = prepared("translate", tmp_path)
    first = Store(tmp_path / "data", "train").row(0)
    rewritten(tmp_path / "data", lambda prompt, target: (prompt, target[:-1] if (prompt, target) == first else target))
    told = preflight(tiny, tmp_path / "data", tmp_path / "new")
    assert told.ends.learned == told.ends.of - 1
    assert dry_run(tmp_path) == 0
    assert "the model may not know when to stop" in capsys.readouterr().err


def test_without_anything_to_learn_it_is_refused(prepared: Prepared, tmp_path: Path) -> None:
    tiny = prepared("translate", tmp_path)
    rewritten(tmp_path / "data", lambda prompt, target: (prompt + target, []))
    with pytest.raises(DataError, match="nothing to train on: no token of the training split is a target"):
        preflight(tiny, tmp_path / "data", tmp_path / "new")


@pytest.fixture
def dry_run(examples: Examples) -> Callable[..., int]:
    settings = [word for setting in examples("translate").TINY for word in ("--set", setting) if "task." not in setting]
    return lambda folder, *words: run(
        ["translate", "train", str(folder / "data"), "--out", str(folder / "new"), "--dry-run", *settings, *words]
    )


def test_on_the_command_line(prepared: Prepared, dry_run: Callable[..., int], tmp_path: Path, capsys: Capture) -> None:
    prepared("translate", tmp_path)
    capsys.readouterr()
    assert dry_run(tmp_path) == 0
    said = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines())
    assert {"model", "epoch", "run", "loss", "end token", "val", "step time", "total time", "memory", "disk"} <= set(
        said
    )
    assert "every answer ends with it" in said["end token"]
    assert "sources that are also in train" in said["val"]
    assert not (tmp_path / "new").exists()
    assert dry_run(tmp_path, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == set(Preflight.__dataclass_fields__)
    assert told["ends"].keys() == {"learned", "of", "remark"}


def test_a_budget_that_training_would_exceed(
    prepared: Prepared, dry_run: Callable[..., int], tmp_path: Path, capsys: Capture
) -> None:
    prepared("translate", tmp_path)
    words = ["--set", "train.steps=0", "--budget", "20s", "--set", "train.budget_steps=1000000"]
    assert dry_run(tmp_path, *words) == 0
    found = capsys.readouterr()
    assert "the budget of 20s has time for only" in found.err
    assert "of the 1,000,000 steps" in found.err
    assert "1,000,000 steps" in found.out
    assert dry_run(tmp_path, *words, "--json") == 0
    extended = json.loads(capsys.readouterr().out)["cost"]["extended"]
    assert extended["allowed"] < extended["steps"] == 1000000


def test_what_training_would_refuse_is_refused(
    prepared: Prepared, dry_run: Callable[..., int], tmp_path: Path, capsys: Capture
) -> None:
    tiny = prepared("translate", tmp_path)
    assert dry_run(tmp_path, "--resume") == 2
    assert dry_run(tmp_path, "--devices", "2") == 2
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "kept").touch()
    capsys.readouterr()
    assert dry_run(tmp_path) == 0
    out, err = capsys.readouterr()
    assert "end token" in out, "what is in the way of a run does not hide its plan"
    assert "train would not begin" in err
    assert "already exists" in err
    wide = recipe.build("wide", recipe.apply(tiny.table(), ["model.n_positions=4096"]))
    with pytest.raises(UserError, match="prepared for a window"):
        preflight(wide, tmp_path / "data", tmp_path / "elsewhere")


def test_bytes_without_a_token_are_named(prepared: Prepared, tmp_path: Path, capsys: Capture) -> None:
    prepared("translate", tmp_path)
    task = folders.Prepared.open(tmp_path / "data").task
    assert task.vocabulary.unknown() == []
    described = json.loads((tmp_path / "data" / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = described["model"]["vocab"]
    spelt = {char: id for char, id in vocabulary.items() if len(char) == 1}
    for char in ("Z", "Ā"):  # the byte 0 is spelt Ā
        vocabulary[f"gone{char}"] = vocabulary.pop(char)
    assert len(spelt) == 256
    (tmp_path / "poor").mkdir()
    (tmp_path / "poor" / "tokenizer.json").write_text(json.dumps(described), encoding="utf-8")
    assert task.opened(tmp_path / "poor").vocabulary.unknown() == ["0x00", "0x5a"]


def test_memory_is_that_of_the_process() -> None:
    import torch

    from gpt2kit.training.memory import peak

    before = peak(torch.device("cpu"))
    held = np.ones(1 << 25)  # 268 MB
    after = peak(torch.device("cpu"))
    assert before is not None
    assert after is not None
    assert after >= before
    assert after > held.nbytes
