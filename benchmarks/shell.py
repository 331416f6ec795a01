"""How long a file of sentences takes from the shell, the start included, beside `generate` of transformers.

    python benchmarks/shell.py --run RUN_FOLDER --pairs test.en test.fr [--beams 4] [--rounds 5] [--dtypes auto fp32]

gpt2kit is started as `gpt2kit translate generate --file`, with its defaults and with each of --dtypes; the peer is
peers/translate_with_transformers.py, in bf16 and in batches of 64 sorted by length. Every program is started in every
round, in turn; BLEU is that of each program's answers.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from in_turn import figures, take_turns
from machine import record

from gpt2kit.metrics.metrics import bleu
from gpt2kit.model.device import pick_device, pick_dtype
from gpt2kit.runs.folder import Run

PEER = "transformers bfloat16"
SCRIPT = Path(__file__).parent / "peers" / "translate_with_transformers.py"


def commands(run: Path, sentences: Path, beams: int, dtypes: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """What is compared: the program of the peer, and gpt2kit once for each arithmetic."""
    opened = Run.open(run)
    own = [sys.executable, "-m", "gpt2kit", opened.task_name, "generate", "--run", str(run), "--file", str(sentences)]
    own += ["--beams", str(beams)]
    prompt = opened.task.encode_source(opened.task.parse("."))
    ending = opened.task.vocabulary.render(prompt[-1:])
    peer = [sys.executable, str(SCRIPT), str(run), str(sentences), "--ending", ending, "--beams", str(beams)]
    return {PEER: peer} | {f"gpt2kit {dtype}": [*own, "--set", f"generate.dtype={dtype}"] for dtype in dtypes}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="a folder that `gpt2kit translate train` made")
    parser.add_argument(
        "--pairs", nargs=2, type=Path, required=True, metavar=("EN", "FR"), help="inputs and references"
    )
    parser.add_argument("--beams", type=int, default=4, help="number of hypotheses")
    parser.add_argument("--dtypes", nargs="+", default=["auto", "fp32"], help="values of generate.dtype")
    parser.add_argument("--rounds", type=int, default=5, help="number of starts of each program")
    parser.add_argument("--smoke", action="store_true", help="one round that is not kept")
    arguments = parser.parse_args()
    sentences, references = arguments.pairs
    wanted = references.read_text(encoding="utf-8").splitlines()
    found = commands(arguments.run, sentences, arguments.beams, arguments.dtypes)
    rounds = 1 if arguments.smoke else arguments.rounds
    seconds, printed = take_turns(found, rounds)
    table = figures(seconds, PEER)
    for name, text in printed.items():
        table[name]["BLEU"] = round(bleu(text.removesuffix("\n").split("\n"), wanted).value, 2)
    print(json.dumps(table, indent=2))
    if not arguments.smoke:
        auto = pick_dtype("auto", pick_device("cpu"))
        shown = {"beams": arguments.beams, "sentences": len(wanted), "rounds": rounds, "auto": auto}
        record("shell", shown | {"programs": table})


if __name__ == "__main__":
    main()
