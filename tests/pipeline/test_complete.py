"""Copies of a run with other weights."""

import json
from collections.abc import Callable
from pathlib import Path

from gpt2kit.cli.app import run
from gpt2kit.runs.folder import Run


def test_a_merged_run_knows_its_data_from_any_folder(run_of: Callable[..., Path], tmp_path: Path) -> None:
    adapted = run_of("translate", "train.lora=2", init=run_of("translate"))
    merged = tmp_path / "some" / "deeper" / "merged"
    assert run(["merge", str(adapted), "--out", str(merged)]) == 0
    recorded = json.loads((merged / "run.json").read_text())["data"]
    assert (merged / recorded).resolve() == (adapted.parent / "data").resolve()
    assert Run(merged).weights_step == Run(adapted).weights_step == 4
    assert run(["translate", "evaluate", "--run", str(merged)]) == 0
