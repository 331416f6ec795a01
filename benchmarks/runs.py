"""Runs as a user makes them, by the command line, and what a run says of its training."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SHAPE = ("model_type", "n_layer", "n_head", "n_embd", "n_positions", "vocab_size")


def gpt2kit(*words: str) -> str:
    """Run one command of the installed gpt2kit as a user does; its messages stay visible, its result is returned."""
    command = [sys.executable, "-m", "gpt2kit", *words]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def trained(run: Path) -> dict[str, Any]:
    """What a run says of its training."""
    steps = [json.loads(line) for line in (run / "metrics.jsonl").read_text().split("\n") if line]
    speeds = sorted(step["tokens_per_second"] for step in steps if "tokens_per_second" in step)
    losses = [step["validation_loss"] for step in steps if "validation_loss" in step]
    config = json.loads((run / "config.json").read_text())
    return {
        "model": {key: config[key] for key in SHAPE},
        "steps": max(step["step"] for step in steps),
        "epochs": round(max(step["epoch"] for step in steps if "epoch" in step), 2),
        "median_tokens_per_second": speeds[len(speeds) // 2],
        "validation_losses": [round(loss, 4) for loss in losses],
    }


def history(run: Path) -> list[dict[str, Any]]:
    """The trainings that a run's weights went through, the first first, as far back as the runs are there."""
    init = json.loads((run / "run.json").read_text(encoding="utf-8"))["init"]
    return [*(history(Path(init)) if init and (Path(init) / "run.json").is_file() else []), trained(run)]


def learned(data: Path, out: Path, init: Path | None, task: str, settings: Sequence[str]) -> None:
    """A run, unless it is there already; one that was stopped goes on."""
    words = [word for setting in settings for word in ("--set", setting)]
    if not out.is_dir():
        gpt2kit(task, "train", str(data), "--out", str(out), *words, *(["--init", str(init)] if init else []))
    elif not json.loads((out / "run.json").read_text(encoding="utf-8"))["finished"]:
        gpt2kit(task, "train", str(data), "--out", str(out), "--resume")


def scored(task: str, run: Path, *words: str, on: str = "") -> dict[str, Any]:
    """What evaluate says of a run, kept beside it; `on` tells several evaluations apart."""
    path = run.with_name(f"{run.name}.{on}scores.json")
    if not path.is_file():
        path.write_text(gpt2kit(task, "evaluate", "--run", str(run), "--json", *words), encoding="utf-8")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
