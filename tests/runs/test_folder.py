"""Prepared folders and runs as objects: what they read, once, and what runs keep."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gpt2kit
from gpt2kit import files
from gpt2kit.errors import DataError
from gpt2kit.runs.folder import Run
from gpt2kit.runs.prepared import Prepared

RunOf = Callable[..., Path]
Copied = Callable[[Path], Path]


@pytest.mark.parametrize("change", [{"data": 3}, {"prepared": None}, {"finished": "no"}, {"init": []}, {"data": None}])
def test_a_run_that_is_described_otherwise(tmp_path: Path, change: dict[str, object]) -> None:
    described: dict[str, object] = {"data": str(tmp_path), "prepared": {}, "init": None, "finished": False}
    path = tmp_path / "run.json"
    path.write_text(json.dumps(described), encoding="utf-8")
    assert Run(tmp_path).init is None
    path.write_text(json.dumps(described | change), encoding="utf-8")
    key, value = next(iter(change.items()))
    with pytest.raises(DataError, match=re.escape(f"run.json is damaged: {key} = {value!r}")):
        Run(tmp_path).init  # noqa: B018  # the access is what is tested


def test_a_log_with_damaged_lines(tmp_path: Path) -> None:
    """They are of steps that nobody can tell: those are done again."""
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(
        b'{"step": 1, "loss": 2}\n{"step"}\n\xff{"step": 1}\n{"loss": 1}\n[]}\n{"step": 2}\n{"step": 3}\n{"st'
    )
    Run(tmp_path).log.forget_after(2)
    assert path.read_text(encoding="utf-8") == '{"step": 1, "loss": 2}\n{"step": 2}\n'


def test_samples_are_few_and_short(tmp_path: Path) -> None:
    Run(tmp_path).keep_samples("nothing", [])
    assert list(tmp_path.iterdir()) == []
    Run(tmp_path).keep_samples("step 9", [("a" * 9999, "b", "c")] * 9)
    kept = json.loads((tmp_path / "samples.json").read_text(encoding="utf-8"))
    assert kept == {"from": "step 9", "rows": [["a" * 2000, "b", "c"]] * 3}


def test_scores_stand_by_their_signature(tmp_path: Path) -> None:
    for signature, value in (("one", 1), ("two", 2), ("one", 3)):
        Run(tmp_path).keep_scores({"signature": signature, "value": value})
    kept = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    assert list(kept.items()) == [("two", {"signature": "two", "value": 2}), ("one", {"signature": "one", "value": 3})]


def test_damaged_scores_are_named_and_left(tmp_path: Path) -> None:
    (tmp_path / "scores.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match=r"scores\.json is not a JSON file"):
        Run(tmp_path).keep_scores({"signature": "one"})
    assert (tmp_path / "scores.json").read_text(encoding="utf-8") == "{"


def test_a_prepared_folder_is_what_prepare_says(run_of: RunOf) -> None:
    prepared = Prepared.open(run_of("translate").parent / "data")
    assert prepared.task_name == "translate"
    assert prepared.window == 64
    assert prepared.set_name("val") == "corpus.jsonl:val"
    assert len(prepared.store("train")) == prepared.counts("train")["rows"] == 4
    assert prepared.identity == Run(run_of("translate")).record["prepared"]


def test_each_file_is_read_once(run_of: RunOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the whole way from prepared data to a trained run, and from a run to its data."""
    found = Run.open(run_of("translate"))
    tiny, data = found.recipe, found.prepared.path
    read: list[str] = []
    read_json = files.read_json

    def noted(path: Path) -> dict[str, Any]:
        read.append(str(path))
        return read_json(path)

    monkeypatch.setattr(files, "read_json", noted)
    list(gpt2kit.train(tiny, data, tmp_path / "run"))
    of_data = sorted(Path(path).name for path in read if Path(path).parent == data)
    assert of_data == ["prepare.json", "task.json", "train.json", "val.json"]
    read.clear()
    gpt2kit.evaluate(tmp_path / "run")
    assert sorted(read) == sorted(set(read)), "of the run and of its data"


def test_a_run_is_what_training_left(run_of: RunOf, copied: Copied) -> None:
    run = Run.open(copied(run_of("translate")))
    assert (run.task_name, run.recipe.task_name, run.init, run.weights) == (
        "translate",
        "translate",
        None,
        "model.safetensors",
    )
    assert run.record["finished"]
    assert run.data_summary is not None
    assert run.data_summary["corpora"]["train"] == ["corpus.jsonl"]
    assert run.prepared_as_it_was().path == run.prepared.path
    (run.path / "model.safetensors").unlink()
    assert run.weights == "", "what is saved changes"


def test_data_that_changed_is_not_as_it_was(run_of: RunOf, copied: Copied, tmp_path: Path) -> None:
    run = Run.open(copied(run_of("translate")))
    moved = Path(shutil.copytree(run.prepared.path, tmp_path / "moved"))
    there = Run(run.path, moved)
    assert there.prepared_as_it_was().path == there.prepared.path == moved
    counts = files.read_json(moved / "val.json")
    files.write_json(moved / "val.json", counts | {"rows": 3})
    with pytest.raises(
        DataError, match=r"moved does not have the data that .*copy was trained on: it is other data, or"
    ):
        Run(run.path, moved).prepared_as_it_was()
    with pytest.raises(DataError, match="gone no longer exists"):
        Run(run.path, tmp_path / "gone").prepared_as_it_was()


def test_a_finished_run_says_so_at_once(run_of: RunOf, copied: Copied) -> None:
    run = Run(copied(run_of("translate")))
    files.write_json(run.path / "run.json", files.read_json(run.path / "run.json") | {"finished": False})
    assert not run.record["finished"]
    run.finish()
    assert run.record["finished"]
    assert Run(run.path).record == run.record
