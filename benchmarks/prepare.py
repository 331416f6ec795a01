"""How fast `prepare` is, beside what it cannot beat: the `tokenizers` library on the same texts, in turn, in one run.

    python benchmarks/prepare.py ../shared/data/multi30k/train.en ../shared/data/multi30k/train.fr [--runs 5]

The peer reads both files, trains the same byte-level BPE and encodes every line over all cores; it checks nothing,
holds everything in memory and writes nothing.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from machine import record
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from gpt2kit import load_recipe, prepare


def ours(paths: list[str]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        prepare(load_recipe("translate"), {"train": paths}, Path(folder) / "data")
        return time.perf_counter() - started


def peer(paths: list[str]) -> float:
    started = time.perf_counter()
    lines = [line for path in paths for line in Path(path).read_text(encoding="utf-8").split("\n")]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.train_from_iterator(lines, trainers.BpeTrainer(vocab_size=8192, show_progress=False))
    tokenizer.encode_batch_fast(lines)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs=2)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    times = [(ours(arguments.files), peer(arguments.files)) for _ in range(arguments.runs)]
    megabytes = sum(Path(path).stat().st_size for path in arguments.files) / 1e6
    ours_median, peer_median = (statistics.median(column) for column in zip(*times, strict=True))
    record(
        "prepare",
        {
            "megabytes": round(megabytes, 2),
            "runs": arguments.runs,
            "gpt2kit_seconds": round(ours_median, 2),
            "tokenizers_seconds": round(peer_median, 2),
            "ratio": round(statistics.median(mine / theirs for mine, theirs in times), 2),
        },
    )


if __name__ == "__main__":
    main()
