"""What several processes gain, beside one process, each command in turn.

    python benchmarks/scale.py --row generate --run RUN_FOLDER SENTENCES [--lines 5000] [--rounds 5]

generate    `gpt2kit TASK generate --file` of the first lines of SENTENCES, from the start of Python to the last answer:
            one process with one thread, one with as many threads as it wants, and two processes

The answers of all must be the same.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path

from in_turn import figures, take_turns
from machine import record

BASE = "one process, one thread"


def generate(arguments: argparse.Namespace, folder: Path) -> Mapping[str, Sequence[str]]:
    """The commands that are compared; their input is in `folder`."""
    task = json.loads((arguments.run / "task.json").read_text(encoding="utf-8"))["task"]
    inputs = folder / "inputs.txt"
    with arguments.source.open(encoding="utf-8") as lines:
        inputs.write_text("".join(islice(lines, arguments.lines)), encoding="utf-8")
    words = [sys.executable, "-m", "gpt2kit", task, "generate", "--run", str(arguments.run), "--file", str(inputs)]
    return {
        BASE: ["env", "OMP_NUM_THREADS=1", *words],
        "one process, all threads": ["env", "-u", "OMP_NUM_THREADS", *words],
        "two processes": ["env", "-u", "OMP_NUM_THREADS", *words, "--devices", "2"],
    }


ROWS: dict[str, Callable[[argparse.Namespace, Path], Mapping[str, Sequence[str]]]] = {"generate": generate}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="a file of sentences, one a line")
    parser.add_argument("--row", choices=ROWS, default="generate", help="what is measured")
    parser.add_argument("--run", type=Path, required=True, help="a folder that `gpt2kit translate train` made")
    parser.add_argument("--lines", type=int, default=5000, help="number of inputs")
    parser.add_argument("--rounds", type=int, default=5, help="number of times that each command is run")
    parser.add_argument("--smoke", action="store_true", help="one round that is not kept")
    arguments = parser.parse_args()
    rounds = 1 if arguments.smoke else arguments.rounds
    with tempfile.TemporaryDirectory() as folder:
        seconds, printed = take_turns(ROWS[arguments.row](arguments, Path(folder)), rounds)
    if len(set(printed.values())) > 1:
        sys.exit("the answers differ")
    found = figures(seconds, BASE)
    print(json.dumps(found, indent=2))
    if not arguments.smoke:
        record("scale", {"row": arguments.row, "lines": arguments.lines, "rounds": rounds, "commands": found})


if __name__ == "__main__":
    main()
