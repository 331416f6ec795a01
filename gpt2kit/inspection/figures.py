"""Figures fit for a paper, as PNG files."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from gpt2kit.files import atomic
from gpt2kit.inspection.outlook import path
from gpt2kit.inspection.performance_figure import INCHES, roll
from gpt2kit.inspection.pieces import piece_of
from gpt2kit.inspection.trace import Trace
from gpt2kit.inspection.wording import alignment, surprise
from gpt2kit.music.pages import font, palette
from gpt2kit.overwriting import GENERATOR

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DOTS = 200
"""Pixels per inch."""

COLUMNS = 10
"""The number of positions in the picture of the lens."""

SURPRISES, SURPRISES_A_ROW = 80, 40
"""The number of tokens in the picture of surprise."""

MOST_KEYS = 48
"""The number of last positions in the pictures of heads."""

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
            best = _shown(trace, int(trace.lens_ids[stage, place, 0]), 11)
            weight = "bold" if ranks[stage, column] == 1 else "normal"
            axes.text(column, stage, best, ha="center", va="center", fontsize=7, weight=weight)
    axes.set_xticks(
        range(len(places)),
        [_shown(trace, trace.ids[place]) for place in places],
        rotation=45,
        ha="right",
    )
    axes.set_yticks(range(len(ranks)), ["input", *(f"layer {layer}" for layer in range(1, len(ranks)))])
    told = "The likeliest next token after each layer. Bold: it is the actual one; darker: that one ranks higher."
    axes.set_title(told, loc="left", fontsize=8)
    axes.set_xlabel("token that is read")
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
            plot.set_title(f"{layer + 1}.{head + 1}", fontsize=7, pad=2)
    shown = f"the last {len(trace.ids) - first} tokens" if first else "all tokens"
    figure.suptitle(f"Attention weights of layer.head, {shown}; darker: larger", fontsize=8, y=0.94)
    figure.supxlabel("token that is looked at", fontsize=8, y=0.06)
    figure.supylabel("token that looks", fontsize=8, x=0.08)
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
    shown = axes.imshow(table, cmap="RdBu", vmin=-reach, vmax=reach, aspect="auto", interpolation="nearest")
    figure.colorbar(shown, ax=axes, label="value")
    axes.set_title("The vector of each position", loc="left", fontsize=8)
    axes.set_xlabel("number of the vector")
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
    axes.set_xlabel("probability")
    axes.xaxis.set_major_formatter(PercentFormatter(1, None))
    axes.set_title(f"The likeliest tokens after {_shown(trace, trace.ids[step.position], 30)}", loc="left", fontsize=8)
    if step.chosen in [id for id, _, _ in step.alternatives]:
        actual = Patch(color=palette.HEADS[1], label=f"the actual one, {_shown(trace, step.chosen, 30)}")
        axes.legend(handles=[actual], frameon=False, loc="lower right")
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
    """Bits of each token, in rows that leave room for the names."""
    bits = [value if value is not None else 0.0 for value in surprise(trace)][:SURPRISES]
    rows = -(-len(bits) // SURPRISES_A_ROW)
    figure = Figure(figsize=(INCHES, 0.4 + 1.7 * rows), layout="constrained")
    for number, axes in enumerate(figure.subplots(rows, 1, squeeze=False)[:, 0]):
        part = range(number * SURPRISES_A_ROW, min(len(bits), (number + 1) * SURPRISES_A_ROW))
        axes.bar(part, [bits[place] for place in part], color=palette.HEADS[0])
        axes.set_xticks(part, [_shown(trace, trace.ids[place]) for place in part], rotation=90, fontsize=7)
        axes.set_xlim(part[0] - 0.8, part[0] + SURPRISES_A_ROW - 0.2)
        axes.set_ylim(0, max(1.0, *bits) * 1.05)
        axes.set_ylabel("bits")
    shown = f" (the first {SURPRISES} of {len(trace.ids)})" if len(trace.ids) > SURPRISES else ""
    title = f"How surprising each token was{shown}: 1 bit is a coin toss, 10 bits are one chance in a thousand"
    figure.suptitle(title, fontsize=8)
    return figure


FIGURES: dict[str, Callable[[Trace], Figure]] = {
    "lens": _lens,
    "attention": _attention,
    "written": _written,
    "positions": _positions,
    "next": _next,
    "labels": _labels,
    "alignment": _alignment,
    "surprise": _surprise,
    "roll": roll,
}
"""All that `write_figures` may draw."""
