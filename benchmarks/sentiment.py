"""Sentiment with a head on little data: SST-2 from a language model's weights and from random ones of the same shape.

    python benchmarks/sentiment.py ../shared/data/sst2 --lm RUN --work NEW_FOLDER

A tenth of the training set is held out: settings were chosen on it, the weights of a run are those with the lowest loss
on it, and head and naive Bayes are weighed on it. Accuracy is that on dev, which nothing is chosen on, of both together
and of each alone; runs lie far apart, so there are several seeds. What the work folder has already is taken as it is.
"""

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

from machine import record
from runs import SHAPE, gpt2kit, history, learned, scored, trained

SETTINGS = (
    *("model.dropout=0.2", "train.token_dropout=0.3", "train.lm_weight=0.2", "train.ema=0.99"),
    *("train.cutmix=1", "train.naive_bayes=true"),
    *("train.optimizer=adamw", "train.lr=5e-4", "train.epochs=4"),
    *("train.batch_tokens=1024", "train.keep=best", "train.patience=0", "train.samples=0"),
)
STARTS = ("pretrained", "random")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="a folder with sst2-train.tsv.gz and sst2-dev.tsv.gz")
    parser.add_argument("--lm", type=Path, required=True, help="a run of the task lm")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    config = json.loads((arguments.lm / "config.json").read_text(encoding="utf-8"))
    shape = [f"model.{name}={config[name]}" for name in (*SHAPE[1:-1], "attention") if name in config]
    data = arguments.work / "sst2"
    if not data.is_dir():
        train, dev = (str(arguments.corpus / f"sst2-{split}.tsv.gz") for split in ("train", "dev"))
        words = ["--columns", "text=1,label=0", "--tokenizer", str(arguments.lm)]
        words += ["--set", f"model.n_positions={config['n_positions']}"]
        gpt2kit("finetune", "prepare", train, "--test", dev, "--out", str(data), *words)
    found: dict[str, list[dict[str, Any]]] = {}
    for start in STARTS:
        found[start] = []
        for seed in range(arguments.seeds):
            run = arguments.work / f"sst2-{start}-{seed}"
            init = arguments.lm if start == "pretrained" else None
            learned(data, run, init, "finetune", (*shape, *SETTINGS, f"train.seed={seed}"))
            found[start].append({"held out": accuracy(run, "val"), "dev": accuracy(run, "test"), **trained(run)})
        for part in ("held out", "dev"):
            for system in found[start][0][part]:
                values = [each[part][system] for each in found[start]]
                spread = f"{statistics.mean(values):.1f}% ({min(values):.1f}-{max(values):.1f})"
                print(f"{start}, {part}, {system}: {spread}")
    record("sentiment", {"pretraining": history(arguments.lm), "settings": SETTINGS, "starts": found})


def accuracy(run: Path, split: str) -> dict[str, float]:
    """In a hundred, of head and naive Bayes together and of each alone."""
    told = scored("finetune", run, "--split", split, on=f"{split}.")
    systems = {"both": told["scores"], **told["beside"]}
    return {system: float(scores["accuracy"]["value"]) for system, scores in systems.items()}


if __name__ == "__main__":
    main()
