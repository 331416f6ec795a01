"""Training and decoding on a busy machine: threads that are chosen while the program runs, beside fixed settings.

    python benchmarks/busy.py PREPARED_FOLDER --row training      # of `gpt2kit translate prepare`
    python benchmarks/busy.py PREPARED_FOLDER --row decoding      # each takes less than ten minutes on a free machine
    python benchmarks/busy.py PREPARED_FOLDER --busy 1 --row training --rounds 5

Beside 0, 1 and 2 processes that keep a core busy each (a loop in Python, and products in numpy), every program stays
warm in a process of its own and has a turn in every round. Training is the recipe `translate` without torch.compile,
decoding answers validation prompts in batches. The programs:

chosen          gpt2kit by its defaults: it watches how much of the cores it gets
spinning        all threads, which spin while they wait for each other: what PyTorch does by default
sleeping        all threads, which sleep while they wait (OMP_WAIT_POLICY=PASSIVE)
one thread      OMP_NUM_THREADS=1
Trainer         Hugging Face's Trainer by its defaults: the same model and rows, AdamW

Figures are tokens a second, medians over the rounds; the ratio is that of the medians, to the best fixed setting.
A line of JSON is added to results/busy.jsonl after each row of the table.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from machine import record
from peers import decoders, trainers
from report import versions
from turns import Plan, Player, Program, Settings, play, serve

from gpt2kit import load_recipe
from gpt2kit.data.store import Store
from gpt2kit.model import hf
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.runs.prepared import Prepared

PROGRAMS: dict[str, Program] = {
    "training": trainers.PROGRAMS["gpt2kit"],
    "trainer": trainers.PROGRAMS["trainer"],
    "decoding": decoders.PROGRAMS["gpt2kit"],
}

ROWS = ("training", "decoding")

LOADS = ("while True: sum(range(10**5))", "import numpy as np\na = np.ones((300, 300))\nwhile True: a @ a")
"""Programs that keep a core busy."""

PROMPTS, NEW = 32, 24
"""Prompts of a pass of decoding, and new tokens of each answer."""

CHOSEN, TRAINER = "chosen", "Trainer"

SPINS = "300000"
"""What GNU's OpenMP does by itself; said in the environment, gpt2kit leaves it alone."""

CHOOSING = {"training": 20.0, "decoding": 8.0}
"""Seconds of warm-up in which the choice is made."""


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Within it so many other processes keep a core busy each."""
    alone = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    started: list[subprocess.Popen[bytes]] = []
    try:
        for number in range(processes):
            command = [sys.executable, "-c", LOADS[number % len(LOADS)]]
            # A session of its own, like a program of another window: Linux divides the cores among sessions first.
            started.append(subprocess.Popen(command, env=alone, start_new_session=True))
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def players(row: str, settings: Settings, threads: int, warm: float) -> list[Player]:
    count: dict[str, str | None] = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    one: dict[str, str | None] = {
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": None,
        "GOMP_SPINCOUNT": SPINS,
    }
    default: dict[str, str | None] = dict.fromkeys(
        ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    )
    found = [
        Player(CHOSEN, row, settings | {"warm": warm}, ours=True, environment=default, warm_seconds=warm),
        Player("spinning", row, settings, environment=count | {"OMP_WAIT_POLICY": None, "GOMP_SPINCOUNT": SPINS}),
        Player("sleeping", row, settings, environment=count | {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": None}),
        Player("one thread", row, settings | {"threads": 1}, environment=one),
    ]
    if row == "training":
        found.append(Player(TRAINER, "trainer", settings | {"compile": False}, environment=default))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="a folder that `gpt2kit translate prepare` made")
    parser.add_argument("--row", action="append", choices=ROWS, help="may be repeated; all by default")
    parser.add_argument("--busy", action="append", type=int, help="other processes; may be repeated; 0, 1 and 2")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4, help="about how long a turn of training lasts")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--smoke", action="store_true", help="one short round, which is not kept")
    arguments = parser.parse_args()
    lines: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        settings = prepare(arguments.data, Path(folder))
        for processes in arguments.busy or (0, 1, 2):
            for row in arguments.row or ROWS:
                with busy(processes):
                    lines.append(measure(row, processes, settings[row], arguments))
                if not arguments.smoke:
                    record("busy", lines[-1] | {"peers": versions("transformers", "accelerate")})
    print(table(lines))


def prepare(data: Path, folder: Path) -> dict[str, Settings]:
    """Random weights of the recipe's shape, and what the programs of each row are told."""
    recipe = load_recipe("translate")
    torch.manual_seed(0)
    weights, prompts = folder / "weights", folder / "prompts.json"
    weights.mkdir()
    model = GPT2(replace(recipe.model, dropout=0.0), Prepared.open(data).task.vocabulary.size)
    hf.save(weights, model, eos=0)
    store = Store(data, "val")
    prompts.write_text(json.dumps([store.row(index)[0] for index in islice(range(len(store)), PROMPTS)]))
    train = {"lr": recipe.train.lr, "batch_tokens": recipe.train.batch_tokens, "compile": "off"}
    training = {"weights": str(weights), "data": str(data), "count": "tokens", "train": train}
    decoding = {"weights": str(weights), "prompts": str(prompts), "dtype": "auto", "beams": 1, "length_penalty": 1.0}
    return {"training": training, "decoding": decoding | {"new": NEW, "eos": -1}}


def measure(row: str, processes: int, settings: Settings, arguments: argparse.Namespace) -> dict[str, Any]:
    """One row of the table."""
    found = players(row, settings, arguments.threads, 0 if arguments.smoke else CHOOSING[row])
    plan = Plan(arguments.rounds, arguments.seconds if row == "training" else 2, 2, 2, arguments.threads, limit=120)
    if arguments.smoke:
        plan = replace(plan, rounds=1, seconds=0, warm_seconds=0)
    play(__file__, found, plan)
    rates = {player.name: [round(rate, 1) for rate in player.rates] for player in found if player.done}
    medians = {name: statistics.median(each) for name, each in rates.items()}
    fixed = [rate for name, rate in medians.items() if name not in (CHOSEN, TRAINER)]
    line: dict[str, Any] = {"row": row, "busy": processes, "rates": rates, "tokens_per_second": medians}
    if CHOSEN in medians and fixed:
        line["of_best_fixed"] = round(medians[CHOSEN] / max(fixed), 3)
    failed = {player.name: player.failed for player in found if player.failed}
    return line | ({"failed": failed} if failed else {})


def table(lines: list[dict[str, Any]]) -> str:
    names = [CHOSEN, "spinning", "sleeping", "one thread", TRAINER]
    rows = [["", "busy", *names, "of best fixed"]]
    for line in lines:
        rates = line["tokens_per_second"]
        cells = [f"{rates[name]:,.0f}" if name in rates else "-" for name in names]
        rows.append([line["row"], str(line["busy"]), *cells, str(line.get("of_best_fixed", "-"))])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


if __name__ == "__main__":
    if sys.argv[1:] == ["--worker"]:
        serve(PROGRAMS)
    else:
        main()
