"""Multi30k, English to French: train the recipe from scratch, then score it; wall times, speed and BLEU on one line.

    python benchmarks/multi30k.py ../shared/data/multi30k --work /tmp/multi30k [--set train.epochs=8]

The folder holds train, val and test_2016_flickr as .en and .fr files, one raw sentence a line.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from machine import record
from runs import gpt2kit, trained


def score(run: Path, pairs: list[str], beams: int) -> dict[str, Any]:
    found = json.loads(
        gpt2kit("translate", "evaluate", "--run", str(run), "--on", *pairs, "--beams", str(beams), "--json")
    )
    return {name: round(value["value"], 2) for name, value in found["scores"].items()} | {
        "sentences_per_second": found["per_second"]
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, required=True, help="a new folder for the prepared data and the run")
    parser.add_argument("--recipe", default="multi30k")
    parser.add_argument("--set", action="append", default=[], help="section.key=value, passed to train")
    arguments = parser.parse_args()
    pairs = {
        split: [str(arguments.data / f"{split}.{language}") for language in ("en", "fr")]
        for split in ("train", "val", "test_2016_flickr")
    }
    data, run = arguments.work / "data", arguments.work / "run"
    started = time.perf_counter()
    gpt2kit("translate", "prepare", *pairs["train"], "--val", *pairs["val"], "--out", str(data))
    prepared = time.perf_counter()
    settings = [word for setting in arguments.set for word in ("--set", setting)]
    gpt2kit("translate", "train", str(data), "--out", str(run), "--recipe", arguments.recipe, *settings)
    ended = time.perf_counter()
    record(
        "multi30k",
        {
            "recipe": arguments.recipe,
            "set": arguments.set,
            "prepare_seconds": round(prepared - started, 1),
            "train_minutes": round((ended - prepared) / 60, 1),
            **trained(run),
            "val_greedy": score(run, pairs["val"], 1),
            "val_beam4": score(run, pairs["val"], 4),
            "test_2016_greedy": score(run, pairs["test_2016_flickr"], 1),
            "test_2016_beam4": score(run, pairs["test_2016_flickr"], 4),
        },
    )


if __name__ == "__main__":
    main()
