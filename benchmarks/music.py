"""MAESTRO: train a recipe on its performances, then score it on whole validation pieces; one line of figures.

    python benchmarks/music.py maestro-v2.0.0-midi.zip --work /tmp/maestro [--recipe music-full] [--set train.epochs=2]

What is in the work folder already, prepared data or a finished run, is taken as it is.
"""

import argparse
import json
from pathlib import Path

from machine import record
from runs import gpt2kit, trained


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--work", type=Path, required=True, help="a folder for the prepared data and the run")
    parser.add_argument("--recipe", default="music")
    parser.add_argument("--budget", default="", help="time to train in, instead of the recipe's epochs")
    parser.add_argument("--set", action="append", default=[], help="section.key=value, passed to train")
    arguments = parser.parse_args()
    data, run = arguments.work / "data", arguments.work / arguments.recipe
    if not data.is_dir():
        gpt2kit("music", "prepare", str(arguments.corpus), "--out", str(data))
    if not run.is_dir():
        settings = [word for setting in arguments.set for word in ("--set", setting)]
        settings += ["--budget", arguments.budget] if arguments.budget else []
        gpt2kit("music", "train", str(data), "--out", str(run), "--recipe", arguments.recipe, *settings)
    found = json.loads(gpt2kit("music", "evaluate", "--run", str(run), "--json"))
    copied = found["samples"]["copied"]
    copied["piece"] = Path(copied["piece"]).name  # the rest is where the corpus lies on this machine
    record(
        "music",
        {"recipe": arguments.recipe, "budget": arguments.budget, "set": arguments.set, **trained(run)}
        | {name: round(score["value"], 4) for name, score in found["scores"].items()}
        | {"signature": found["signature"], "evaluate_seconds": found["seconds"], "samples": found["samples"]},
    )


if __name__ == "__main__":
    main()
