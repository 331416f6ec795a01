"""The speedrun: the time of the shortest whole run that ends at a fixed validation loss, beside another clone, in turn.

    python benchmarks/speedrun.py DATA --task translate --steps 1800 2000 --beside OLDER_CLONE --beside-steps 2800 3000
    python benchmarks/speedrun.py DATA --task music --steps 3200 --seeds 1 --set train.lr=4e-3

DATA is a folder that `gpt2kit TASK prepare` made with the task's recipe here. A run is the recipe with its whole
schedule over so many steps, as a user starts it from the shell; its seconds are those of the command, from start to
exit, its loss is that of its last validation. Of each clone, lengths are tried from the first on, with every seed,
until the mean loss of the seeds is at most the target. Nothing else should run on the machine: each line says how busy
it was before the run.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from machine import record
from runs import trained

HERE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Track:
    """What has to be reached, with which recipe."""

    recipe: str
    target: float
    """Nats a target token, or per event."""


TRACKS = {"translate": Track("multi30k", 1.18), "music": Track("music", 2.26)}


@dataclass(frozen=True)
class Clone:
    """A version of gpt2kit, and the lengths to try with it."""

    name: str
    path: Path
    steps: list[int]
    settings: list[str]


def words(task: str, data: Path, out: Path, steps: int, seed: int, settings: list[str]) -> list[str]:
    """The command of one run, without the program."""
    once = [f"train.steps={steps}", f"train.seed={seed}", f"train.evaluate_every={steps}", "train.samples=0"]
    sets = [word for setting in [*settings, *once] for word in ("--set", setting)]
    return [task, "train", str(data), "--recipe", TRACKS[task].recipe, "--out", str(out), *sets]


def run(clone: Clone, task: str, data: Path, steps: int, seed: int) -> dict[str, Any]:
    """One run of a clone; its folder is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        out, busy = Path(folder) / "run", os.getloadavg()[0]
        # Without -P, the package would be that of the current folder.
        command = [sys.executable, "-P", "-m", "gpt2kit", *words(task, data, out, steps, seed, clone.settings)]
        started = time.perf_counter()
        done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(clone.path)}, capture_output=True, text=True)
        seconds = time.perf_counter() - started
        if done.returncode:
            raise SystemExit(f"{clone.name}: exit code {done.returncode}\n{done.stderr[-2000:]}")
        found = trained(out)
    return {
        "clone": clone.name,
        "steps": steps,
        "seed": seed,
        "loss": found["validation_losses"][-1],
        "seconds": round(seconds, 1),
        "median_tokens_per_second": found["median_tokens_per_second"],
        "load_before": round(busy, 2),
    }


def reached(runs: list[dict[str, Any]], seeds: int, target: float) -> bool:
    """Whether the runs of one length, one per seed, are at the target."""
    return len(runs) == seeds and statistics.mean(each["loss"] for each in runs) <= target


def compete(clones: list[Clone], task: str, data: Path, seeds: int, target: float) -> dict[str, list[dict[str, Any]]]:
    """Each clone's runs, in turn, until each is at the target or out of lengths."""
    runs: dict[str, list[dict[str, Any]]] = {clone.name: [] for clone in clones}
    waiting = {clone.name: [(steps, seed) for steps in clone.steps for seed in range(seeds)] for clone in clones}
    while any(waiting.values()):
        for clone in clones:
            if not waiting[clone.name]:
                continue
            steps, seed = waiting[clone.name].pop(0)
            runs[clone.name].append(run(clone, task, data, steps, seed))
            print(json.dumps(runs[clone.name][-1]), file=sys.stderr, flush=True)
            if reached([each for each in runs[clone.name] if each["steps"] == steps], seeds, target):
                waiting[clone.name] = []
    return runs


def summary(runs: list[dict[str, Any]], seeds: int, target: float) -> dict[str, Any]:
    """The shortest length at the target: its median seconds, and what its seeds differ by."""
    for steps in sorted({each["steps"] for each in runs}):
        of_length = [each for each in runs if each["steps"] == steps]
        if reached(of_length, seeds, target):
            seconds, losses = ([each[key] for each in of_length] for key in ("seconds", "loss"))
            return {
                "steps": steps,
                "seconds": round(statistics.median(seconds), 1),
                "seconds_from_to": [min(seconds), max(seconds)],
                "loss": round(statistics.mean(losses), 4),
                "losses": losses,
            }
    return {"steps": None}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--task", choices=list(TRACKS), required=True)
    parser.add_argument("--steps", type=int, nargs="+", required=True, help="lengths to try, the shortest first")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", action="append", default=[], help="section.key=value, for the runs of this clone")
    parser.add_argument("--beside", type=Path, help="another clone")
    parser.add_argument("--beside-steps", type=int, nargs="+", default=[], help="its lengths")
    parser.add_argument("--target", type=float, help="another loss than the task's")
    arguments = parser.parse_args()
    target = arguments.target or TRACKS[arguments.task].target
    clones = [Clone("now", HERE, sorted(arguments.steps), arguments.set)]
    if arguments.beside:
        clones.append(Clone("before", arguments.beside.resolve(), sorted(arguments.beside_steps), []))
    runs = compete(clones, arguments.task, arguments.data, arguments.seeds, target)
    found = {name: summary(each, arguments.seeds, target) for name, each in runs.items()}
    if all(each["steps"] for each in found.values()) and len(found) > 1:
        found["ratio"] = {"of_seconds": round(found["now"]["seconds"] / found["before"]["seconds"], 3)}
    settings = {"task": arguments.task, "target": target, "seeds": arguments.seeds, "set": arguments.set}
    record("speedrun", {**settings, "found": found, "runs": runs})


if __name__ == "__main__":
    main()
