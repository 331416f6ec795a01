"""What several processes gain, beside one process, each command in turn; and whether memory grows with a corpus.

    python benchmarks/scale.py SENTENCES --run RUN_FOLDER [--lines 5000] [--rounds 5]
    python benchmarks/scale.py ARTICLES.jsonl.xz --row prepare [--column body] [--shards 24] [--rounds 5]
    python benchmarks/scale.py --row prepare-memory [--gigabytes 4]

generate         `gpt2kit TASK generate --file` of the first lines of SENTENCES, from the start of Python to the last
                 answer: one process with one thread, one with as many threads as it wants, and two processes
prepare          `gpt2kit lm prepare` of a column of a table, which is divided into shards: one process on one core, one
                 with all threads, and two processes
prepare-memory   the most memory that a process of `gpt2kit lm prepare --devices 2` takes, for a quarter, a half and all
                 of a corpus of invented words in shards of 100 MB, a 500th of 50 GB

The answers of all must be the same, and the prepared folders byte for byte.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from in_turn import figures, take_turns
from machine import record
from turns import say

from gpt2kit.data.sources import read_fields

BASE = "one process, one thread"

SHARD = 100_000_000
"""Bytes of a shard of invented words."""

PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Prints the most KiB that a process of a command has taken, or one that it has started."""


def timed(commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, Any]:
    """The seconds of commands that must print the same."""
    seconds, printed = take_turns(commands, rounds)
    if len(set(printed.values())) > 1:
        sys.exit("the answers differ")
    return figures(seconds, BASE)


def generate(arguments: argparse.Namespace, folder: Path, rounds: int) -> dict[str, Any]:
    task = json.loads((arguments.run / "task.json").read_text(encoding="utf-8"))["task"]
    inputs = folder / "inputs.txt"
    with arguments.source.open(encoding="utf-8") as lines:
        inputs.write_text("".join(islice(lines, arguments.lines)), encoding="utf-8")
    words = [sys.executable, "-m", "gpt2kit", task, "generate", "--run", str(arguments.run), "--file", str(inputs)]
    commands = {
        BASE: ["env", "OMP_NUM_THREADS=1", *words],
        "one process, all threads": ["env", "-u", "OMP_NUM_THREADS", *words],
        "two processes": ["env", "-u", "OMP_NUM_THREADS", *words, "--devices", "2"],
    }
    return {"lines": arguments.lines, "commands": timed(commands, rounds)}


def prepare(arguments: argparse.Namespace, folder: Path, rounds: int) -> dict[str, Any]:
    shards = folder / "shards"
    shards.mkdir()
    rows = [json.dumps({"text": text}) for _, (text,), _ in read_fields(str(arguments.source), (arguments.column,))]
    for number, part in enumerate(np.array_split(np.arange(len(rows)), arguments.shards)):
        lines = "".join(f"{rows[row]}\n" for row in part)
        (shards / f"part-{number:03}.jsonl").write_text(lines, encoding="utf-8")
    outs = [folder / name for name in ("one", "all", "two")]
    command = [sys.executable, "-m", "gpt2kit", "lm", "prepare", str(shards), "--overwrite", "--out"]
    words = [[*command, str(out)] for out in outs]
    for out in outs:  # --overwrite accepts an empty folder
        out.mkdir()
    commands = {
        BASE: ["taskset", "-c", "0", *words[0]],
        "one process, all threads": words[1],
        "two processes": [*words[2], "--devices", "2"],
    }
    found = timed(commands, rounds)
    for out in outs[1:]:
        contents = [{path.name: path.read_bytes() for path in each.iterdir()} for each in (outs[0], out)]
        if contents[0] != contents[1]:
            sys.exit(f"the folders {outs[0]} and {out} differ")
    megabytes = sum(path.stat().st_size for path in shards.iterdir()) / 1e6
    return {"megabytes": round(megabytes, 1), "shards": arguments.shards, "commands": found}


def prepare_memory(arguments: argparse.Namespace, folder: Path, rounds: int) -> dict[str, Any]:
    generator = np.random.default_rng(1)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    known = ["".join(generator.choice(letters, length)) for length in generator.integers(2, 11, 200_000)]
    words = np.array(known, dtype=object)
    count = max(4, round(arguments.gigabytes * 1e9 / SHARD))
    peaks: dict[str, int] = {}
    written = 0
    for wanted in (count // 4, count // 2, count):
        for number in range(written, wanted):
            with (folder / f"part-{number:03}.txt").open("w", encoding="ascii") as file:
                while file.tell() < arguments.gigabytes * 1e9 / count:
                    places = (generator.pareto(1, 1_000_000) * 20).astype(np.int64) % len(words)
                    lines = np.array_split(words[places], 50_000)
                    file.write("".join(f"{' '.join(line)}\n" for line in lines))
        written = wanted
        out = folder / "data"
        command = [sys.executable, "-m", "gpt2kit", "lm", "prepare", str(folder / "part-*.txt"), "--separator", "\\n"]
        command += ["--out", str(out), "--overwrite", "--devices", "2"]
        out.mkdir(exist_ok=True)
        asked = [sys.executable, "-c", PEAK, *command]
        printed = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
        size = sum(path.stat().st_size for path in folder.glob("part-*.txt"))
        peaks[f"{size / 1e9:.2f} GB"] = round(int(printed) * 1024 / 1e6)
        say(f"{size / 1e9:.2f} GB in {wanted} shards: {peaks[f'{size / 1e9:.2f} GB']} MB")
    return {"shards": count, "peak_megabytes": peaks}


ROWS: dict[str, Callable[[argparse.Namespace, Path, int], dict[str, Any]]] = {
    "generate": generate,
    "prepare": prepare,
    "prepare-memory": prepare_memory,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, nargs="?", help="a file of sentences, one a line, or a table of articles")
    parser.add_argument("--row", choices=ROWS, default="generate", help="what is measured")
    parser.add_argument("--run", type=Path, help="a folder that `gpt2kit translate train` made")
    parser.add_argument("--lines", type=int, default=5000, help="number of inputs")
    parser.add_argument("--column", default="body", help="the column of the table that has the texts")
    parser.add_argument("--shards", type=int, default=24, help="files that the table is divided into")
    parser.add_argument("--gigabytes", type=float, default=4, help="size of the corpus of invented words")
    parser.add_argument("--rounds", type=int, default=5, help="number of times that each command is run")
    parser.add_argument("--smoke", action="store_true", help="one round that is not kept")
    arguments = parser.parse_args()
    needed = {"generate": ("source", "run"), "prepare": ("source",)}.get(arguments.row, ())
    if missing := [name for name in needed if getattr(arguments, name) is None]:
        parser.error(f"--row {arguments.row} needs {' and '.join(missing)}")
    rounds = 1 if arguments.smoke else arguments.rounds
    with tempfile.TemporaryDirectory() as folder:
        found = ROWS[arguments.row](arguments, Path(folder), rounds)
    print(json.dumps(found, indent=2))
    if not arguments.smoke:
        record("scale", {"row": arguments.row, "rounds": rounds, **found})


if __name__ == "__main__":
    main()
