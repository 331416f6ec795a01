"""What training takes of a machine's memory: gpt2kit's loop beside Hugging Face's Trainer, with the same settings.

    python benchmarks/training_memory.py [--model gpt2 gpt2-medium] [--rows 1 2 8] [--dropout 0.1]

Both train the same weights on the same rows of 1,024 random ids, with AdamW, in bf16 where the CPU computes it natively
(the Trainer: bf16=True), without averaged weights, not compiled. Each is a process of its own, which ends after a few
steps: the first one makes the moments of AdamW, the next ones are like all later ones. Memory is the largest resident
set of the process, read from /proc: what `getrusage` says of a process includes the one that started it.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from machine import record
from peers.trainers import PROGRAMS
from report import versions
from train import Row, random_ids

from gpt2kit.config import ModelConfig, TrainConfig
from gpt2kit.model import hf
from gpt2kit.model.gpt2 import GPT2

NAMES = {"gpt2kit": "gpt2kit", "trainer": "transformers Trainer"}
WINDOW, VOCABULARY, STEPS = 1024, 50257, 2


class Done(Exception):
    """Ends a program after its last step."""


class Steps:
    """The part of turns.Turn that a program sees: it ends the program after a number of steps."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.notes: dict[str, Any] = {}

    def note(self, **notes: Any) -> None:
        self.notes |= notes

    def tick(self, count: float) -> None:
        self.steps -= 1
        if not self.steps:
            raise Done


def peak_gib() -> float:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"))
    assert found is not None
    return round(int(found[1]) / 2**20, 3)


def work(program: str, settings: dict[str, Any]) -> dict[str, Any]:
    """One program, in a process of its own."""
    torch.set_num_threads(settings["threads"])
    steps: Any = Steps(settings["steps"])
    with suppress(Done):
        PROGRAMS[program](settings, steps)
    return steps.notes | {"peak_gib": peak_gib()}


def measured(model: ModelConfig, rows: int, vocabulary: int, steps: int, folder: Path) -> dict[str, Any]:
    """Both programs, one after the other, on `rows` rows of the whole window a step."""
    torch.manual_seed(0)
    made = GPT2(model, vocabulary)
    weights, data = folder / "weights", folder / "data"
    weights.mkdir()
    hf.save(weights, made, eos=0)
    parameters = made.parameter_count()
    del made
    random_ids(data, Row(model, vocabulary, rows, model.n_positions - 1))  # one id more
    train = {"optimizer": "adamw", "ema": 0.0, "label_smoothing": 0.0, "lr": 1e-4, "compile": "off"}
    settings = {
        "weights": str(weights),
        "data": str(data),
        "count": "positions",
        "compile": False,
        "threads": torch.get_num_threads(),
        "steps": steps,
        "train": train | {"batch_tokens": rows * model.n_positions, "accumulate": TrainConfig.accumulate},
    }
    found: dict[str, Any] = {}
    for program, name in NAMES.items():
        command = [sys.executable, __file__, "--worker", json.dumps([program, settings])]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{name}: exit code {done.returncode}")
        found[name] = json.loads(done.stdout.splitlines()[-1])
    ours, theirs = (each["peak_gib"] for each in found.values())
    return {"weights": parameters, "rows": rows, "programs": found, "ratio": round(ours / theirs, 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", nargs="+", default=["gpt2", "gpt2-medium"])
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 2, 8])
    parser.add_argument("--dropout", type=float, default=ModelConfig.dropout)
    parser.add_argument("--steps", type=int, default=STEPS)
    arguments = parser.parse_args()
    for size in arguments.model:
        for rows in arguments.rows:
            config = ModelConfig(size=size, dropout=arguments.dropout, n_positions=WINDOW)
            with tempfile.TemporaryDirectory() as folder:
                found = measured(config, rows, VOCABULARY, arguments.steps, Path(folder))
            described = {"model": size, "window": WINDOW, "dropout": arguments.dropout, "steps": arguments.steps}
            record("training-memory", {**described, **found, "peers": versions("transformers", "accelerate")})


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        print(json.dumps(work(*json.loads(sys.argv[2]))))
    else:
        main()
