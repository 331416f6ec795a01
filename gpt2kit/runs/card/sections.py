"""The sections of a card. Each is made from nothing but the facts."""

import inspect
import math
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

from gpt2kit.errors import counted
from gpt2kit.recipe import Recipe
from gpt2kit.runs.card.facts import Facts
from gpt2kit.runs.card.markdown import cell, code, fenced, shortened, table, visible
from gpt2kit.runs.folder import CHECKPOINT
from gpt2kit.tasks.text import TextTask

EVALUATIONS, SAMPLES = 10, 3
"""Number of samples shown."""


def title(facts: Facts) -> str:
    """The name, and a description in a few lines."""
    model, described = facts.recipe.model, facts.described
    init = described["init"] if described.get("init_of_hub") else Path(described["init"] or "").name
    origin = f"It was trained from {code(init)}" if init else "It was trained from random weights"
    trained = "" if described["finished"] else "\n\n**Training is not finished.**"
    if CHECKPOINT in described:
        trained = f"\n\nThis is a checkpoint: the weights after step {described[CHECKPOINT]:,} of a longer training."
    blocks = (
        f"{counted(model.n_layer, 'layer')}, width {model.n_embd}, {counted(model.n_head, 'head')}, a "
        f"window of {counted(model.n_positions, 'token')}"
    )
    kind = "" if model.attention == "full" else f", with {model.attention} attention"
    adapters = "\n\nThis folder contains only LoRA adapters. They need the model that they were trained on."
    doc = (inspect.getdoc(type(facts.task)) or "").split("\n")[0]
    return (
        f"# {code(facts.name)}\n\n{doc} A decoder-only GPT-2 with {facts.parameters:,} weights: {blocks}{kind}. "
        f"{origin} with gpt2kit {described['gpt2kit']} and torch {described['torch']}."
        f"{adapters if facts.adapters else ''}{trained}"
    )


def data(facts: Facts) -> str:
    """The training data, and how it was prepared."""
    if facts.data is None:
        return "## Data\n\nThe run does not record its training data."
    columns = ("split", "read", "rows", "tokens", "dropped", "source cut", "duplicates", "source also in train")
    rows, notes = [], []
    for split, report in facts.data["splits"].items():
        keys = ("read", "rows", "tokens", None, "cut", "duplicates", "leaked")
        dropped = sum(report["dropped"].values())
        rows.append([cell(split), *(f"{dropped if key is None else report[key]:,}" for key in keys)])
        for reason, count in {**report["dropped"], **report["left_out"]}.items():
            what = "dropped, " if reason in report["dropped"] else ""
            notes.append(f"- {code(split)}: {count:,} {what}{code(reason)}")
        if report["cut"]:
            notes.append(f"- {code(split)}: sources cut to fit into the window lost {report['cut_tokens']:,} tokens")
    corpora = [f"- {code(split)}: {', '.join(map(code, names))}" for split, names in facts.data["corpora"].items()]
    parts = ["## Data", "\n".join(corpora), _origins(facts.data), table(columns, rows), "\n".join(notes)]
    return "\n\n".join(filter(None, parts))


def _origins(data: dict[str, Any]) -> str:
    """The runs whose answers are among the training data; empty without any."""
    if "origins" not in data:
        return ""
    prepared, *runs = data["origins"]
    added = ", ".join(f"{each['rows']:,} of {code(each['origin'])}" for each in runs)
    return f"Rows of train: {prepared['rows']:,} of {code(prepared['origin'])}, and with answers of runs: {added}."


def training(facts: Facts) -> str:
    """The recipe, and the losses during training."""
    rows = [
        (f"{point.step:,}", f"{point.epoch:.2f}", _loss(point.loss), _loss(point.validation_loss))
        for point in facts.curve
    ]
    kept = {"best": "step with the lowest validation loss", "last": "last step"}[facts.recipe.train.keep]
    unit = f"per {facts.task.layout.loss_unit}"
    intro = f"Losses in nats {unit}. The weights are those of the {kept}."
    curve = (
        table(("step", "epoch", "training loss", "validation loss"), rows)
        if rows
        else "No losses have been recorded yet."
    )
    recipe = fenced(_without_folders(facts.recipe).toml().strip(), "toml")
    return f"## Training\n\n{intro}\n\n{curve}\n\nThe recipe, with every knob:\n\n{recipe}"


def _without_folders(recipe: Recipe) -> Recipe:
    """The recipe with only the name of the tokenizer's folder, if it came from one."""
    task = recipe.task
    if isinstance(task, TextTask) and task.tokenizer:
        return replace(recipe, task=replace(task, tokenizer=_named(task.tokenizer)))
    return recipe


def _loss(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def scores(facts: Facts) -> str:
    """The results of `evaluate`, with the information needed to compare them."""
    if not facts.scores:
        run = shlex.quote(visible(facts.name))
        how = fenced(f"gpt2kit {facts.task_name} evaluate --run {run}", "sh")
        return f"## Scores\n\nNot measured yet. To measure them:\n\n{how}"
    return "\n\n".join(["## Scores", *map(_evaluation, facts.scores[:EVALUATIONS])])


def _evaluation(scored: dict[str, Any]) -> str:
    rows = [_score("", name, figure) for name, figure in scored["scores"].items()]
    for system, figures in scored.get("beside", {}).items():
        rows += [_score(system, name, figure) for name, figure in figures.items()]
    counts = f"{scored['count']:,} examples or documents"
    counts += f", {scored['truncated']:,} sources cut" if scored["truncated"] else ""
    counts += f", {scored['unfinished']:,} answers without an end" if scored["unfinished"] else ""
    shown = table(("score", "of", "value", "95% interval", "signature"), rows)
    verdict = f"\n\n**No better than guessing:** {code(scored['at_chance'])}" if scored.get("at_chance") else ""
    return f"{code(scored['signature'])}: {counts}.{verdict}\n\n{shown}{_pieces(scored.get('samples'))}"


def _score(system: str, name: str, figure: dict[str, Any]) -> tuple[str, ...]:
    low, high = figure.get("interval") or (math.nan, math.nan)
    within = f"{low:.2f} to {high:.2f}" if low == low else ""
    value = "infinite" if figure["value"] is None else f"{figure['value']:.4g}"
    return cell(name), cell(system) or "the model", value, within, cell(figure["signature"])


def _pieces(samples: dict[str, Any] | None) -> str:
    """For music: statistics of the samples and of real music, and how much they share with training pieces."""
    if not samples or "statistics" not in samples:
        return ""
    numbers = [each for each in samples["statistics"] if not isinstance(each["sample"], list)]
    rows = [(cell(each["name"]), f"{each['sample']:.2f}", f"{each['reference']:.2f}") for each in numbers]
    copied = samples["copied"]
    longest = f"The longest passage that they share with a training piece has {copied['notes']} notes"
    how = f"Pieces that it played ({code(samples['signature'])}), compared with held-out music:"
    return f"\n\n{how}\n\n{table(('mean', 'played', 'real'), rows)}\n\n{longest} ({copied['seconds']:.1f} seconds)."


def samples(facts: Facts) -> str:
    """The model's outputs for validation examples."""
    if facts.samples is None:
        return ""
    parts = [f"## Samples\n\nThe first of the validation data, not selected ({code(facts.samples['from'])})."]
    for number, (source, output, target) in enumerate(facts.samples["rows"][:SAMPLES], 1):
        lines = [("source", source), ("model", output), ("reference", target)]
        shown = [f"{name}:\n\n{fenced(shortened(text))}" for name, text in lines if text]
        parts.append("\n\n".join([f"**{number}**", *shown]))
    return "\n\n".join(parts)


def limits(facts: Facts) -> str:
    """Known limits of the model."""
    model, lines = facts.recipe.model, []
    lines.append(f"It sees at most {counted(model.n_positions, 'token')} at a time, input and output together.")
    for split, report in (facts.data or {"splits": {}})["splits"].items():
        if split == "train" and report["cut"]:
            lines.append(
                f"{report['cut'] / report['rows']:.0%} of its training sources were cut to fit into the window."
            )
        known = report["leaked"] + report.get("nearly_leaked", 0)  # unknown for older runs
        if split != "train" and known:
            leaked = f"{known:,} of {report['rows']:,} sources of {code(split)}"
            lines.append(f"{leaked} are also in its training data, or nearly so: scores on that split look too good.")
    labels = facts.task.layout.labels
    if len(labels) > 1:
        lines.append(f"It gives every text one of its {counted(len(labels), 'label')}, even if none of them fits.")
    else:
        lines.append("It writes what is likely given its training data, which does not make it true, fair or new.")
    lines.append("It was evaluated only as described under Scores.")
    return "## Limits\n\n" + "\n".join(f"- {line}" for line in lines)


LICENCE = """## Licence

gpt2kit does not know the licence of these weights. Whoever trained them decides on it, with regard to the licences of
the data and of the model that training started from. State it in the first line of this file's metadata. The samples
above, if there are any, are quotations from the data."""


def _named(tokenizer: str) -> str:
    """A Hub id unchanged; for a folder its name."""
    return Path(tokenizer).name if tokenizer.startswith((".", "/", "~")) or Path(tokenizer).is_dir() else tokenizer
