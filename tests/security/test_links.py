"""Links in a run that somebody else has made: what is written goes into the run, and not to where they lead."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gpt2kit
from gpt2kit import files, recipe
from gpt2kit.errors import MachineError

pytestmark = pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="links as POSIX has them")


def test_no_file_outside_is_written(examples: Callable[[str], Any], tmp_path: Path) -> None:
    """By a run that goes on: weights, state, log and description were all links."""
    translate = examples("translate")
    corpus = translate.write_corpus(tmp_path)
    tiny = recipe.load("translate", [*translate.TINY, "train.steps=6", "train.save_every=1"])
    data, run, outside = (tmp_path / name for name in ("data", "run", "outside"))
    gpt2kit.prepare(tiny, {"train": corpus, "val": corpus}, data)
    for event in gpt2kit.train(tiny, data, run):
        if getattr(event, "step", 0) == 3:
            break
    outside.mkdir()
    for path in list(run.iterdir()):
        path.rename(outside / path.name)
        path.symlink_to(outside / path.name)
    (run / "model.safetensors").symlink_to(outside / "not there yet")
    before = {path.name: path.read_bytes() for path in outside.iterdir()}
    assert {"state.safetensors", "metrics.jsonl", "run.json", "config.json"} <= before.keys()
    list(gpt2kit.train(tiny, data, run, resume=True))
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == before
    assert files.read_json(run / "run.json")["finished"] is True


def test_a_log_that_leads_elsewhere(tmp_path: Path) -> None:
    """To a file that is not there yet, which would be made."""
    (tmp_path / "log").symlink_to(tmp_path / "outside")
    with pytest.raises(MachineError, match="log: cannot be written"), files.appended(tmp_path / "log"):
        pytest.fail("it was opened")
    assert not (tmp_path / "outside").exists()
