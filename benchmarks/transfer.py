"""One pretrained transformer, little data: summarization from a language model's weights and from random ones.

    python benchmarks/transfer.py ../shared/data/wikipedia --work /tmp/transfer [--pretrain 35m]

A language model of Wikipedia's bodies is trained first, and its perplexity measured. From its weights and from random
ones of the same shape, leads are then learned from 1%, 10% and all of the pairs: equal steps, several seeds, each with
its own draw of the pairs. The loss is measured on the validation articles, ROUGE on the first of them. The commonest
words are in any lead, so ROUGE-1 is also computed without them. At 1% and at 10% each start has the better of two
learning rates for the validation articles, tried with the first seed; with all of the pairs, which are more than the
steps read, it keeps that of 10%. What the work folder already has is reused, so that a stopped benchmark continues.

After Khandelwal et al., "Sample Efficient Text Summarization Using a Single Pre-Trained Transformer" (2019).
"""

import argparse
import json
import shutil
import statistics
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from curves import draw
from machine import record
from runs import gpt2kit, history, learned, scored, trained
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from gpt2kit.data.store import Store, StoreWriter
from gpt2kit.metrics.bootstrap import interval
from gpt2kit.metrics.rouge import Rouge
from gpt2kit.metrics.words import words
from gpt2kit.runs.prepared import Prepared

SHARES = (0.01, 0.1, 1.0)
RATES = {"pretrained": ("2.5e-4", "1e-3"), "random": ("1e-3", "4e-3")}
"""Two learning rates to try for each start: 4e-3 is too high for pretrained weights, and 1e-3 too low for random ones
with many pairs."""
# the shape of the recipe summarize, whose sources are shorter here
SHAPE = (
    "model.n_layer=4",
    "model.n_head=4",
    "model.n_embd=256",
    "model.n_positions=384",
    "model.attention=relative",
)
DECODING = ("max_new_tokens=128", "repetition_penalty=1.2", "penalty_on=answer")
NAMES = ("ROUGE-1", "ROUGE-2", "ROUGE-L")
CONTENT = "ROUGE-1 of content words"
COLUMNS = ("loss", *NAMES, CONTENT)


def part_of(data: Path, out: Path, share: float, seed: int) -> None:
    """Write a prepared folder with a random share of the training rows."""
    unfinished = out.with_name(f"{out.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(data, unfinished)
    rows = Store(data, "train")
    count = max(1, round(share * len(rows)))
    chosen = np.sort(np.random.default_rng(seed).choice(len(rows), count, replace=False))
    with StoreWriter(unfinished, "train", Prepared.open(data).task.vocabulary.size) as writer:
        for some in np.array_split(chosen, max(1, count // 1000)):
            writer.add([rows.row(int(index)) for index in some])
    unfinished.rename(out)


def summarizer(arguments: argparse.Namespace, share: float, seed: int, start: str, rate: str) -> Path:
    """Train a run on a share of the pairs."""
    data = arguments.work / f"pairs-{share:g}-{seed}"
    if not data.is_dir():
        part_of(arguments.work / "pairs", data, share, seed)
    run: Path = arguments.work / f"leads-{share:g}-{seed}-{start}-{rate}"
    settings = [f"steps={arguments.steps}", f"batch_tokens={arguments.batch}", f"seed={seed}", "keep=best"]
    settings += ["optimizer=muon", f"lr={rate}", f"muon_lr={rate}", "loss_on=all", "samples=0", "validate_tokens=50000"]
    settings += ["compile=on"]
    settings = [f"train.{setting}" for setting in settings] + [f"generate.{setting}" for setting in DECODING]
    learned(data, run, arguments.work / "lm" if start == "pretrained" else None, "summarize", (*SHAPE, *settings))
    return run


def summaries(arguments: argparse.Namespace) -> dict[str, Any]:
    """Losses by share, start and rate; loss and ROUGE by share and start, one entry per seed."""
    work = arguments.work
    if not (work / "pairs").is_dir():
        train, val = (str(arguments.articles / f"{split}.jsonl.xz") for split in ("train", "val"))
        settings = ["--set", SHAPE[3], "--longest", str(arguments.longest), "--tokenizer", str(work / "lm")]
        gpt2kit("summarize", "prepare", train, "--val", val, "--out", str(work / "pairs"), *settings)
    tried: dict[str, Any] = {}
    chosen: dict[str, str] = {}
    found: dict[str, Any] = {}
    for share, (start, rates) in product(SHARES, RATES.items()):
        if share < 1:
            losses = {rate: lowest(summarizer(arguments, share, 0, start, rate)) for rate in rates}
            tried.setdefault(f"{share:g}", {})[start] = losses
            chosen[start] = min(losses, key=losses.__getitem__)
        runs = [summarizer(arguments, share, seed, start, chosen[start]) for seed in range(arguments.seeds)]
        found.setdefault(f"{share:g}", {})[start] = [
            {"seed": seed, "rate": chosen[start], "loss": lowest(run), "rouge": answers(arguments, run)}
            for seed, run in enumerate(runs)
        ]
    return {"losses_by_rate": tried, "by_share": found}


def answers(arguments: argparse.Namespace, run: Path) -> dict[str, Any]:
    """ROUGE scores by name, with confidence intervals."""
    path = run.with_name(f"{run.name}.answers.jsonl")
    scores = scored("summarize", run, "--limit", str(arguments.limit), "--predictions", str(path))["scores"]
    found = {name: {key: scores[name][key] for key in ("value", "interval")} for name in NAMES}
    rouge = Rouge()
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    each = [rouge(content_words(row["output"]), content_words(row["target"]))["ROUGE-1"] for row in rows]
    return found | {CONTENT: {"value": statistics.mean(each), "interval": interval(each)}}


def content_words(text: str) -> str:
    return " ".join(word for word in words(text) if word not in ENGLISH_STOP_WORDS)


def lowest(run: Path) -> float:
    """The validation loss of the weights that a run keeps, which are its best."""
    return float(min(trained(run)["validation_losses"]))


def column(run: dict[str, Any], name: str) -> float:
    return float(run["loss"] if name == "loss" else run["rouge"][name]["value"])


def table(found: dict[str, Any]) -> str:
    """The table of means over the seeds, with the lowest and the highest value."""
    lines = [f"{'pairs':>6}  {'start':<10}  " + "  ".join(f"{name:>24}" for name in COLUMNS)]
    for share, by in found.items():
        for start, runs in by.items():
            cells = []
            for name in COLUMNS:
                values = [column(run, name) for run in runs]
                cells.append(f"{statistics.mean(values):6.2f} ({min(values):5.2f}-{max(values):5.2f})")
            lines.append(f"{float(share):>6.0%}  {start:<10}  " + "  ".join(f"{cell:>24}" for cell in cells))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("articles", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--text", type=Path, help="a text whose perplexity is measured too, such as WikiText-2's")
    parser.add_argument("--pretrain", default="35m", help="time for the language model")
    parser.add_argument("--steps", type=int, default=200, help="of each summarizer")
    parser.add_argument("--batch", type=int, default=3072, help="positions a step of a summarizer")
    parser.add_argument("--longest", type=int, default=128, help="tokens of a lead that are learned")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--limit", type=int, default=200, help="validation articles that are scored")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    bodies, lm = arguments.work / "bodies", arguments.work / "lm"
    if not bodies.is_dir():
        train, val = (str(arguments.articles / f"{split}.jsonl.xz") for split in ("train", "val"))
        gpt2kit("lm", "prepare", train, "--val", val, "--column", "body", "--out", str(bodies))
    learned(bodies, lm, None, "lm", (*SHAPE, f"train.budget={arguments.pretrain}"))
    perplexity = {"bodies": scored("lm", lm)["scores"]}
    if arguments.text:
        perplexity[arguments.text.name] = scored("lm", lm, "--on", str(arguments.text), on="text.")["scores"]
    found = summaries(arguments)
    print(table(found["by_share"]))
    record(
        "transfer",
        {"pretraining": history(lm), "perplexity": perplexity, "steps": arguments.steps}
        | {"batch": arguments.batch, "longest": arguments.longest, "limit": arguments.limit, "summaries": found},
    )
    draw("transfer")


if __name__ == "__main__":
    main()
