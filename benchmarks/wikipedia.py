"""Wikipedia's leads: train a recipe on its articles, score it, and set its loss beside a language model's.

    python benchmarks/wikipedia.py ../shared/data/wikipedia --work /tmp/wikipedia [--recipe summarize] [--budget 45m]

The language model has the same shape, tokenizer and leads, and reads nothing before them: what a summarizer knows
better it has read. The folder holds train.jsonl.xz and val.jsonl.xz. What is in the work folder already, prepared data
or a finished run, is taken as it is.
"""

import argparse
import json
import shutil
from itertools import islice
from pathlib import Path

from machine import record
from runs import gpt2kit, trained

from gpt2kit.data.batches import RowBatching
from gpt2kit.data.store import Store, StoreWriter
from gpt2kit.model.device import pick_dtype
from gpt2kit.pipeline import opening
from gpt2kit.runs.prepared import Prepared
from gpt2kit.training.validate import validation_loss

SHOWN = 5
"""So many of the first summaries are recorded."""


def without_articles(data: Path, out: Path) -> None:
    """A prepared folder with the same leads after the separator alone."""
    out.mkdir()
    for name in ("task.json", "prepare.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(data / name, out / name)
    for split in ("train", "val"):
        rows = Store(data, split)
        with StoreWriter(out, split, Prepared.open(data).task.vocabulary.size) as writer:
            pairs = (rows.row(index) for index in range(len(rows)))
            while some := list(islice(pairs, 1000)):
                writer.add([(prompt[-1:], target) for prompt, target in some])


def loss_of(run: Path, data: Path) -> float:
    """Nats per token of all validation leads."""
    model, rows = opening.load(run).model, RowBatching().validation(Store(data, "val"), 4096)
    return round(validation_loss(model, rows, model.head.device, pick_dtype("auto", model.head.device)), 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("articles", type=Path)
    parser.add_argument("--work", type=Path, required=True, help="a folder for the prepared data and the runs")
    parser.add_argument("--recipe", default="summarize")
    parser.add_argument("--budget", default="45m", help="time to train in")
    parser.add_argument("--leads-budget", default="45m", help="the same for the language model; its best state counts")
    parser.add_argument("--set", action="append", default=[], help="section.key=value, passed to train")
    arguments = parser.parse_args()
    work, recipe = arguments.work, ["--recipe", arguments.recipe]
    data, run, leads, alone = (work / name for name in ("data", "run", "leads", "leads-run"))
    if not data.is_dir():
        corpora = [str(arguments.articles / f"{split}.jsonl.xz") for split in ("train", "val")]
        gpt2kit("summarize", "prepare", corpora[0], "--val", corpora[1], "--out", str(data), *recipe)
    settings = [word for setting in arguments.set for word in ("--set", setting)]
    if not run.is_dir():
        words = ["--out", str(run), *recipe, "--budget", arguments.budget, *settings]
        gpt2kit("summarize", "train", str(data), *words)
    if not leads.is_dir():
        without_articles(data, leads)
    if not alone.is_dir():
        best = ["--set", "train.keep=best", "--set", "train.samples=0", "--budget", arguments.leads_budget]
        gpt2kit("summarize", "train", str(leads), "--out", str(alone), *recipe, *settings, *best)
    predictions = work / "predictions.jsonl"
    words = ["--run", str(run), "--predictions", str(predictions), "--overwrite", "--json"]
    found = json.loads(gpt2kit("summarize", "evaluate", *words))
    with predictions.open(encoding="utf-8") as lines:
        shown = [json.loads(line) for line in islice(lines, SHOWN)]
    record(
        "wikipedia",
        {"recipe": arguments.recipe, "budget": arguments.budget, "set": arguments.set, **trained(run)}
        | {"lead_loss": loss_of(run, data), "lead_loss_without_article": loss_of(alone, leads)}
        | {"without_article": {"budget": arguments.leads_budget, **trained(alone)}}
        | found
        | {"first": [{"source": each["source"], "output": each["output"]} for each in shown]},
    )


if __name__ == "__main__":
    main()
