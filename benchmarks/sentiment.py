"""Sentiment with a head on little data: SST-2 from a language model's weights and from random ones of the same shape.

    python benchmarks/sentiment.py ../shared/data/sst2 --lm RUN --work NEW_FOLDER

A tenth of the training set is held out: settings were chosen on it, and the weights of a run are those with the lowest
loss on it. Accuracy is that on dev, which nothing is chosen on. What the work folder has already is taken as it is.
"""

import argparse
import json
from pathlib import Path

from machine import record
from runs import SHAPE, gpt2kit, history, learned, scored, trained

SETTINGS = (
    *("model.dropout=0.2", "train.token_dropout=0.3", "train.lm_weight=0.2", "train.ema=0.99"),
    *("train.batch_tokens=1024", "train.keep=best", "train.patience=0", "train.samples=0"),
)
OPTIMIZER = {
    "pretrained": ("train.optimizer=muon", "train.lr=5e-4", "train.muon_lr=5e-4", "train.epochs=3"),
    "random": ("train.optimizer=adamw", "train.lr=5e-4", "train.epochs=4"),
}
"""Of each start, what was better for it of these two."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="a folder with sst2-train.tsv.gz and sst2-dev.tsv.gz")
    parser.add_argument("--lm", type=Path, required=True, help="a run of the task lm")
    parser.add_argument("--work", type=Path, required=True)
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
    found = {}
    for start, optimizer in OPTIMIZER.items():
        run = arguments.work / f"sst2-{start}"
        learned(data, run, arguments.lm if start == "pretrained" else None, "finetune", (*shape, *SETTINGS, *optimizer))
        found[start] = {
            name: scored("finetune", run, "--split", split, on=f"{split}.")["scores"]["accuracy"]["value"]
            for name, split in (("held out", "val"), ("dev", "test"))
        } | {"training": trained(run)}
        print(f"{start}: held out {found[start]['held out']:.1f}%, dev {found[start]['dev']:.1f}%")
    record(
        "sentiment",
        {"pretraining": history(arguments.lm), "settings": SETTINGS, "optimizer": OPTIMIZER, "starts": found},
    )


if __name__ == "__main__":
    main()
