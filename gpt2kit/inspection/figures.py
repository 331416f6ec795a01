"""Figures fit for a paper, as PNG files."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from gpt2kit.files import atomic
from gpt2kit.inspection.outlook import path
from gpt2kit.inspection.performance import roll_of
from gpt2kit.inspection.pieces import piece_of
from gpt2kit.inspection.trace import Trace
from gpt2kit.inspection.wording import alignment, surprise
from gpt2kit.music import font, palette
from gpt2kit.overwriting import GENERATOR

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INCHES = 7.0
"""Width: that of a page's text."""

DOTS = 200
"""Pixels per inch."""

COLUMNS = 14
"""The number of positions in the picture of the lens."""

MOST_KEYS = 48
"""The number of last positions in the pictures of heads."""

ARCS = 24
"""The number of lines drawn for each head."""

SECONDS = 20.0
"""The part of a performance that is drawn: its end."""

STYLE = font.STYLE | {"font.size": 8, "axes.spines.top": False, "axes.spines.right": False}


def path_of(folder: Path, name: str) -> Path:
    """The file of a figure."""
    return folder / f"{name}.png"


def write_figures(folder: Path, trace: Trace) -> list[Path]:
    """Write the figures of a trace into an existing folder; returns the files."""
    subject, names = trace.subject, ["lens", "attention", "written", "positions", "next"]
    if subject.labels:
        names.append("labels")
    elif subject.engine.task.layout.has_answers and len(subject.ids) > subject.prompt:
        names.append("alignment")
    elif len(subject.ids) > 1:
        names.append("surprise")
    if subject.engine.task.about.medium == "performance":
        names.append("roll")
    paths = []
    with matplotlib.rc_context(STYLE):
        for name in names:
            paths.append(path_of(folder, name))
            with atomic(paths[-1]) as temporary:
                FIGURES[name](trace).savefig(
                    temporary,
                    format="png",
                    dpi=DOTS,
                    bbox_inches="tight",
                    facecolor="white",
                    metadata={"Software": GENERATOR},
                )
    return paths


def _shown(trace: Trace, id: int, most: int = 12) -> str:
    """The text of a token, with code points for characters that the font lacks."""
    return _drawable(piece_of(trace.subject.engine.task, id).shown, most) if id >= 0 else ""


def _drawable(text: str, most: int = 16) -> str:
    text = font.drawable(text)
    return text if len(text) <= most else text[: most - 1] + "…"


def _figure(height: float) -> "tuple[Figure, Axes]":
    figure = Figure(figsize=(INCHES, height), layout="constrained")
    return figure, figure.add_subplot()


def _lens(trace: Trace) -> Figure:
    """The likeliest next token at each layer, on a darker field if the actual next token ranks higher there."""
    first = max(0, min(trace.subject.prompt - 1, len(trace.ids) - COLUMNS))
    places = list(range(first, min(len(trace.ids), first + COLUMNS)))
    ranks = trace.ranks[:, places]
    figure, axes = _figure(0.9 + 0.24 * len(ranks))
    nearness = np.where(ranks > 0, 1 / (1 + np.log2(np.maximum(ranks, 1))), 0)
    axes.imshow(nearness, cmap="Blues", vmin=0, vmax=1.6, aspect="auto", origin="lower")
    for stage in range(len(ranks)):
        for column, place in enumerate(places):
            best = _shown(trace, int(trace.lens_ids[stage, place, 0]), 9)
            weight = "bold" if ranks[stage, column] == 1 else "normal"
            axes.text(column, stage, best, ha="center", va="center", fontsize=6, weight=weight)
    axes.set_xticks(
        range(len(places)),
        [_shown(trace, trace.ids[place], 9) for place in places],
        rotation=45,
        ha="right",
    )
    axes.set_yticks(range(len(ranks)), ["input", *(f"layer {layer}" for layer in range(1, len(ranks)))])
    axes.set_title("The likeliest next token after each layer; bold: the actual next token", loc="left", fontsize=8)
    return figure


def _attention(trace: Trace) -> Figure:
    """The attention weights of all heads."""
    first = max(0, len(trace.ids) - MOST_KEYS)
    layers, heads = len(trace.looked), len(trace.looked[0].columns)
    figure = Figure(figsize=(INCHES, 1.16 * INCHES * layers / heads))
    axes = figure.subplots(layers, heads, squeeze=False, gridspec_kw={"wspace": 0.08, "hspace": 0.24})
    for layer, looked in enumerate(trace.looked):
        for head in range(heads):
            rows = [looked.row(place, [head])[first:] for place in range(first, len(trace.ids))]
            plot = axes[layer][head]
            plot.imshow(np.sqrt(rows), cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
            plot.set_xticks([])
            plot.set_yticks([])
            plot.set_title(f"{layer + 1}.{head + 1}", fontsize=6, pad=2)
    return figure


def _written(trace: Trace) -> Figure:
    """How much the attention and the MLP of each layer add to the residual stream: means over positions."""
    figure, axes = _figure(2.2)
    layers = np.arange(1, len(trace.attention) + 1)
    axes.bar(layers - 0.2, trace.attention.mean(1), 0.38, label="attention", color=palette.HEADS[0])
    axes.bar(layers + 0.2, trace.mlp.mean(1), 0.38, label="MLP", color=palette.HEADS[1])
    axes.set_xticks(layers)
    axes.set_xlabel("layer")
    axes.set_ylabel("length of the added vector")
    axes.legend(frameon=False)
    return figure


def _positions(trace: Trace) -> Figure:
    """The table of position embeddings."""
    table = trace.subject.engine.model.transformer.wpe.weight.detach().cpu().numpy()
    reach = float(np.quantile(np.abs(table), 0.99)) or 1.0
    figure, axes = _figure(3.2)
    axes.imshow(table, cmap="RdBu", vmin=-reach, vmax=reach, aspect="auto", interpolation="nearest")
    axes.set_xlabel("number")
    axes.set_ylabel("position")
    return figure


def _next(trace: Trace) -> Figure:
    """The likeliest tokens at the last position whose distribution is kept."""
    steps = path(trace, trace.subject.engine.config)
    step = next((each for each in steps if each.chosen >= 0), steps[-1])
    figure, axes = _figure(2.4)
    names = [_shown(trace, id) for id, _, _ in step.alternatives]
    places = np.arange(len(names))
    colours = [palette.HEADS[1] if id == step.chosen else palette.HEADS[0] for id, _, _ in step.alternatives]
    axes.barh(places, [share for _, share, _ in step.alternatives], color=colours)
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.set_xlabel(f"probability after {_shown(trace, trace.ids[step.position])}")
    return figure


def _labels(trace: Trace) -> Figure:
    labels = list(trace.subject.labels.items())[:12]
    figure, axes = _figure(0.6 + 0.24 * len(labels))
    axes.barh([_drawable(name, 30) for name, _ in labels], [share for _, share in labels], color=palette.HEADS[0])
    axes.invert_yaxis()
    axes.set_xlabel("probability")
    return figure


def _alignment(trace: Trace) -> Figure:
    """Attention of each word of the answer to the words of the source."""
    sources, answers, looks = alignment(trace)
    sources, answers, looks = sources[:60], answers[:40], looks[:40, :60]
    figure, axes = _figure(1.2 + 0.17 * len(answers))
    axes.imshow(looks, cmap="Blues", vmin=0, aspect="auto", interpolation="nearest")
    axes.set_xticks(range(len(sources)), [_drawable(word.text) for word in sources], rotation=60, ha="right")
    axes.set_yticks(range(len(answers)), [_drawable(word.text) for word in answers])
    return figure


def _surprise(trace: Trace) -> Figure:
    bits = [value if value is not None else 0.0 for value in surprise(trace)][:80]
    figure, axes = _figure(2.0)
    axes.bar(range(len(bits)), bits, color=palette.HEADS[0])
    axes.set_xticks(range(len(bits)), [_shown(trace, id, 8) for id in trace.ids[:80]], rotation=90, fontsize=5)
    axes.set_ylabel("bits")
    return figure


def _roll(trace: Trace) -> Figure:
    """The last notes, with lines to the earlier notes that the last layer attends to, one colour per head; after
    figure 8 of Music Transformer."""
    notes, _, attention = roll_of(trace.subject)
    figure, axes = _figure(3.2)
    begin = max(0.0, notes.duration - SECONDS)
    seen = notes.end > begin
    axes.barh(notes.pitch[seen], (notes.end - notes.start)[seen], 0.8, notes.start[seen], color="#b9bec9")
    for head in range(attention.keys.shape[2] if len(notes) else 0):
        drawn = _strongest(attention.keys[:, -1, head], attention.weights[:, -1, head] * seen[:, None])
        for query, key, weight in drawn:
            if not seen[key]:
                continue
            middle = float(notes.start[key] + notes.end[key]) / 2
            axes.plot(
                [float(notes.start[query]), middle],
                [int(notes.pitch[query]), int(notes.pitch[key])],
                color=palette.HEADS[head % len(palette.HEADS)],
                linewidth=0.3 + 3 * weight,
                alpha=0.6,
                solid_capstyle="round",
            )
    axes.set_xlim(begin, max(notes.duration, 1.0))
    axes.set_xlabel("seconds")
    axes.set_ylabel("pitch")
    return figure


def _strongest(keys: Any, weights: Any) -> list[tuple[int, int, float]]:
    """(note, earlier note, weight) for the largest attention weights of a head."""
    order = np.argsort(-weights, axis=None)[:ARCS]
    found = [np.unravel_index(place, weights.shape) for place in order]
    return [(int(at[0]), int(keys[at]), float(weights[at])) for at in found if keys[at] >= 0 and weights[at] > 0]


FIGURES: dict[str, Callable[[Trace], Figure]] = {
    "lens": _lens,
    "attention": _attention,
    "written": _written,
    "positions": _positions,
    "next": _next,
    "labels": _labels,
    "alignment": _alignment,
    "surprise": _surprise,
    "roll": _roll,
}
"""All that `write_figures` may draw."""
