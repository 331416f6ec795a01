"""One pretrained transformer, little data: summarization from a language model's weights and from random ones.

    python benchmarks/transfer.py ../shared/data/wikipedia ../shared/data/sst2 --work /tmp/transfer [--pretrain 45m]

A language model of Wikipedia's bodies is trained first, and its perplexity measured. From its weights and from random
ones of the same shape, leads are then learned from 1%, 10% and all of the pairs: equal steps, several seeds, the pairs
of a share drawn anew by each seed; ROUGE on the first validation articles. Last, sentiment with a head (SST-2), from
both, scored on dev. What the work folder has already is taken as it is, so that a run that was stopped goes on.

After Khandelwal et al., "Sample Efficient Text Summarization Using a Single Pre-Trained Transformer" (2019).
"""

import argparse
import json
import shutil
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from curves import Panel, draw
from machine import record
from runs import gpt2kit, trained

from gpt2kit.data.store import Store, StoreWriter
from gpt2kit.folders import load_task

SHARES = (0.01, 0.1, 1.0)
STARTS = ("pretrained", "random")
PICTURE = Path(__file__).parents[1] / "docs" / "transfer.svg"


def part_of(data: Path, out: Path, share: float, seed: int) -> None:
    """A prepared folder with a share of its training rows, drawn by lot."""
    unfinished = out.with_suffix(".part")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(data, unfinished)
    rows = Store(data, "train")
    count = max(1, round(share * len(rows)))
    chosen = np.sort(np.random.default_rng(seed).choice(len(rows), count, replace=False))
    with StoreWriter(unfinished, "train", load_task(data)[1].vocab_size) as writer:
        for some in np.array_split(chosen, max(1, count // 1000)):
            writer.add([rows.row(int(index)) for index in some])
    unfinished.rename(out)


def learned(data: Path, out: Path, init: Path | None, task: str, settings: Sequence[str]) -> None:
    """A run, unless it is there already; one that was stopped goes on."""
    words = [word for setting in settings for word in ("--set", setting)]
    if not out.is_dir():
        gpt2kit(task, "train", str(data), "--out", str(out), *words, *(["--init", str(init)] if init else []))
    elif not json.loads((out / "run.json").read_text(encoding="utf-8"))["finished"]:
        gpt2kit(task, "train", str(data), "--out", str(out), "--resume")


def scored(task: str, run: Path, *words: str, on: str = "") -> dict[str, Any]:
    path = run.with_suffix(f".{on}scores.json")
    if not path.is_file():
        path.write_text(gpt2kit(task, "evaluate", "--run", str(run), "--json", *words), encoding="utf-8")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def shape_of(run: Path) -> list[str]:
    """The settings that give random weights the shape of a run's."""
    config = json.loads((run / "config.json").read_text(encoding="utf-8"))
    named = {key: config[key] for key in ("n_layer", "n_head", "n_embd", "n_positions")}
    return [f"model.{key}={value}" for key, value in (named | {"attention": config.get("attention", "full")}).items()]


def summaries(arguments: argparse.Namespace, lm: Path) -> dict[str, Any]:
    """ROUGE by share and start, a list over the seeds."""
    work, shape = arguments.work, shape_of(lm)
    window = next(setting for setting in shape if "n_positions" in setting)
    whole = work / "pairs"
    if not whole.is_dir():
        train, val = (str(arguments.articles / f"{split}.jsonl.xz") for split in ("train", "val"))
        settings = ["--set", window, "--longest", str(arguments.longest)]
        gpt2kit("summarize", "prepare", train, "--val", val, "--out", str(whole), "--tokenizer", str(lm), *settings)
    found: dict[str, Any] = {}
    for share in SHARES:
        for seed in range(arguments.seeds):
            data = work / f"pairs-{share:g}-{seed}"
            if not data.is_dir():
                part_of(whole, data, share, seed)
            for start in STARTS:
                run = work / f"leads-{share:g}-{seed}-{start}"
                settings = [*shape, f"train.steps={arguments.steps}", f"train.seed={seed}", "train.keep=best"]
                settings += [f"train.lr={arguments.lr}", f"train.muon_lr={arguments.lr}", "train.samples=0"]
                learned(data, run, lm if start == "pretrained" else None, "summarize", settings)
                scores = scored("summarize", run, "--limit", str(arguments.limit))["scores"]
                losses = trained(run)["validation_losses"]
                values = {name: scores[name] for name in ("ROUGE-1", "ROUGE-2", "ROUGE-L")}
                found.setdefault(f"{share:g}", {}).setdefault(start, []).append(
                    {name: {"value": score["value"], "interval": score["interval"]} for name, score in values.items()}
                    | {"validation_loss": min(losses), "seed": seed}
                )
    return found


def sentiment(arguments: argparse.Namespace, lm: Path) -> dict[str, Any]:
    """Accuracy on SST-2's dev set by start; a tenth of the training set is held out to choose the weights by."""
    data, shape = arguments.work / "sst2", shape_of(lm)
    if not data.is_dir():
        train, dev = (str(arguments.sentiment / f"sst2-{split}.tsv.gz") for split in ("train", "dev"))
        words = ["--columns", "text=1,label=0", "--tokenizer", str(lm), "--set", shape[3]]
        gpt2kit("finetune", "prepare", train, "--test", dev, "--out", str(data), *words)
    found = {}
    for start in STARTS:
        run = arguments.work / f"sst2-{start}"
        settings = [*shape, f"train.budget={arguments.sentiment_budget}", "train.keep=best"]
        learned(data, run, lm if start == "pretrained" else None, "finetune", settings)
        scores = scored("finetune", run, "--split", "test")["scores"]
        found[start] = {name: score["value"] for name, score in scores.items()} | {"training": trained(run)}
    return found


def table(found: dict[str, Any]) -> str:
    """Means over the seeds, with the lowest and the highest."""
    lines = [f"{'pairs':>6}  {'start':<10}  {'ROUGE-1':>20}  {'ROUGE-2':>20}  {'ROUGE-L':>20}  loss"]
    for share, by in found.items():
        for start, runs in by.items():
            cells = []
            for name in ("ROUGE-1", "ROUGE-2", "ROUGE-L"):
                values = [run[name]["value"] for run in runs]
                cells.append(f"{statistics.mean(values):6.2f} ({min(values):5.2f}-{max(values):5.2f})")
            loss = statistics.mean(run["validation_loss"] for run in runs)
            lines.append(
                f"{float(share):>6.0%}  {start:<10}  " + "  ".join(f"{c:>20}" for c in cells) + f"  {loss:.3f}"
            )
    return "\n".join(lines)


def panels(found: dict[str, Any]) -> list[Panel]:
    """Means over the seeds, by how many of the pairs in a hundred were learned from."""
    return [
        Panel(
            name,
            {
                start: [
                    (100 * float(share), statistics.mean(run[name]["value"] for run in by[start]))
                    for share, by in found.items()
                ]
                for start in STARTS
            },
        )
        for name in ("ROUGE-2", "ROUGE-L")
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("articles", type=Path)
    parser.add_argument("sentiment", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--text", type=Path, help="a text whose perplexity is measured too, such as WikiText-2's")
    parser.add_argument("--pretrain", default="45m", help="time for the language model")
    parser.add_argument("--steps", type=int, default=300, help="of each summarizer")
    parser.add_argument("--lr", default="1e-3")
    parser.add_argument("--longest", type=int, default=128, help="tokens of a lead that are learned")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--limit", type=int, default=500, help="validation articles that are scored")
    parser.add_argument("--sentiment-budget", default="10m")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    bodies, lm = arguments.work / "bodies", arguments.work / "lm"
    if not bodies.is_dir():
        train, val = (str(arguments.articles / f"{split}.jsonl.xz") for split in ("train", "val"))
        gpt2kit("lm", "prepare", train, "--val", val, "--column", "body", "--out", str(bodies))
    learned(bodies, lm, None, "lm", [f"train.budget={arguments.pretrain}"])
    perplexity = {"bodies": scored("lm", lm)["scores"]}
    if arguments.text:
        perplexity[arguments.text.name] = scored("lm", lm, "--file", str(arguments.text), on="text.")["scores"]
    found = summaries(arguments, lm)
    print(table(found))
    draw(PICTURE, "Summaries from a pretrained model and from random weights", panels(found))
    record(
        "transfer",
        {"pretraining": trained(lm), "perplexity": perplexity, "steps": arguments.steps}
        | {"lr": arguments.lr, "longest": arguments.longest, "limit": arguments.limit, "summaries": found}
        | {"sst2": sentiment(arguments, lm)},
    )


if __name__ == "__main__":
    main()
