"""How long commands of gpt2kit take on next to nothing, beside the bare `import torch`: their start.

    python benchmarks/start.py --run RUN_FOLDER [--text "A man is riding a bike."] [--rounds 9]

Every command is started in every round, in turn. `generate` answers one line with a run that was trained on texts,
`evaluate` scores one, `prepare` reads two pairs, `--help` needs no torch.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from in_turn import figures, take_turns
from machine import record

TORCH = "import torch"


def commands(run: Path, text: str, folder: Path) -> Mapping[str, Sequence[str]]:
    """What is compared; their files are in `folder`."""
    task = json.loads((run / "task.json").read_text(encoding="utf-8"))["task"]
    pairs = folder / "pairs.tsv"
    pairs.write_text(f"{text}\t{text}\n{text}\t{text}\n", encoding="utf-8")
    gpt2kit = [sys.executable, "-m", "gpt2kit"]
    prepared = ["--out", str(folder / "data"), "--overwrite", "--set", "task.vocab=260"]
    return {
        TORCH: [sys.executable, "-c", TORCH],
        "generate": [*gpt2kit, task, "generate", text, "--run", str(run)],
        "evaluate": [*gpt2kit, task, "evaluate", "--run", str(run), "--on", str(pairs), "--json"],
        "prepare": [*gpt2kit, task, "prepare", str(pairs), "--val", str(pairs), *prepared],
        "--help": [*gpt2kit, "--help"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="a folder that `gpt2kit translate train` made")
    parser.add_argument("--text", default="A man is riding a bike.", help="the input of generate")
    parser.add_argument("--rounds", type=int, default=9, help="number of starts of each command")
    parser.add_argument("--smoke", action="store_true", help="one round that is not kept")
    arguments = parser.parse_args()
    rounds = 1 if arguments.smoke else arguments.rounds
    with tempfile.TemporaryDirectory() as folder:
        seconds, _ = take_turns(commands(arguments.run, arguments.text, Path(folder)), rounds)
    found = figures(seconds, TORCH)
    print(json.dumps(found, indent=2))
    if not arguments.smoke:
        record("start", {"rounds": rounds, "commands": found})


if __name__ == "__main__":
    main()
