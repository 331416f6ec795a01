"""Sentiment with a head on little data: SST-2 from a language model's weights and from random ones of the same shape.

    python benchmarks/sentiment.py ../shared/data/sst2 --lm RUN --work NEW_FOLDER

A tenth of the training set is held out: settings were chosen on it, and the weights of a run are those with the lowest
loss on it. Accuracy is that on dev, which nothing is chosen on; seeds differ by several points, so there are several of
them. The baseline is scikit-learn's naive Bayes of words and pairs of words. What the work folder has already is kept.
"""

import argparse
import json
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from machine import record
from runs import SHAPE, gpt2kit, history, learned, scored, trained
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB

from gpt2kit.runs.prepared import Prepared
from gpt2kit.tasks.base import decode_row

SETTINGS = (
    *("model.dropout=0.2", "train.token_dropout=0.3", "train.lm_weight=0.2", "train.ema=0.99"),
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
            values = [each[part] for each in found[start]]
            print(f"{start}, {part}: {statistics.mean(values):.1f}% ({min(values):.1f}-{max(values):.1f})")
    baseline = naive_bayes(data)
    print("naive Bayes, " + ", ".join(f"{part}: {value:.1f}%" for part, value in baseline.items()))
    found_all = {"pretraining": history(arguments.lm), "settings": SETTINGS, "starts": found, "naive Bayes": baseline}
    record("sentiment", found_all)


def accuracy(run: Path, split: str) -> float:
    """In percent."""
    return float(scored("finetune", run, "--split", split, on=f"{split}.")["scores"]["accuracy"]["value"])


def naive_bayes(data: Path) -> dict[str, float]:
    """The accuracy of multinomial naive Bayes with one added to each count, in percent."""
    texts, labels = zip(*examples(data, "train"), strict=True)
    counts = CountVectorizer(ngram_range=(1, 2), token_pattern=r"\S+", lowercase=False)
    classifier = MultinomialNB().fit(counts.fit_transform(texts), labels)
    found = {}
    for part, split in (("held out", "val"), ("dev", "test")):
        texts, labels = zip(*examples(data, split), strict=True)
        found[part] = 100 * float(classifier.score(counts.transform(texts), labels))
    return found


def examples(data: Path, split: str) -> Iterator[tuple[str, str]]:
    """The texts of a prepared split with their labels."""
    prepared = Prepared.open(data)
    store = prepared.store(split)
    for index in range(len(store)):
        source, label = decode_row(prepared.task, *store.row(index))
        yield source[0], label


if __name__ == "__main__":
    main()
