"""A trace as tables for a terminal, section by section as on the page."""

import unicodedata
from collections.abc import Sequence

import numpy as np

from gpt2kit.errors import counted
from gpt2kit.inspection.outlook import path
from gpt2kit.inspection.pieces import piece_of
from gpt2kit.inspection.roles import roles_of_trace
from gpt2kit.inspection.trace import Looked, Trace
from gpt2kit.inspection.weights import totals, weights_of
from gpt2kit.inspection.wording import alignment, surprise

COLUMNS = 6
"""Positions next to each other."""

WIDEST = 14
"""Characters per cell."""

LISTED = 5
"""Number of likely tokens shown."""


def text_of(trace: Trace) -> list[str]:
    """All sections."""
    sections = (_model, _input, _stack, _attention, _output, _task)
    return [line for section in sections for line in section(trace)]


def aligned(rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()) -> list[str]:
    """Rows of equal length as lines; columns in `numbers` are right-aligned."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = []
        for place, (cell, width) in enumerate(zip(row, widths, strict=True)):
            room = " " * (width - _width(cell))
            cells.append(room + cell if place in numbers else cell + room)
        lines.append("  " + "  ".join(cells).rstrip())
    return lines


def _width(text: str) -> int:
    """Width in terminal columns."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def _cut(text: str) -> str:
    return text if _width(text) <= WIDEST else text[: WIDEST - 1] + "…"


def _named(trace: Trace, id: int) -> str:
    return _cut(piece_of(trace.subject.engine.task, id).shown) if id >= 0 else ""


def _model(trace: Trace) -> list[str]:
    model = trace.subject.engine.model
    weights = weights_of(model)
    rows = [["weight", "shape", "count"]]
    listed = [each for each in weights if each.part in ("embeddings", "block 1", "end")]
    rows += [[each.name, " x ".join(map(str, each.shape)), f"{each.size:,}"] for each in listed]
    rows += [[part, "", f"{count:,}"] for part, count in totals(weights).items()]
    rows += [["all weights", "", f"{model.parameter_count():,}"]]
    config = model.config
    shape = (
        f"{counted(config.n_layer, 'layer')} x {counted(config.n_head, 'head')} x {config.n_embd}, window "
        f"{config.n_positions:,}"
    )
    remarks = [f"  {remark}" for remark in trace.subject.remarks]
    return [
        f"1 The model: {trace.subject.name}, {shape}, {config.attention} attention",
        *remarks,
        *aligned(rows, (2,)),
    ]


def _input(trace: Trace) -> list[str]:
    rows = [["position", "id", "token", "bytes", "from"]]
    for place, id in enumerate(trace.ids):
        piece = piece_of(trace.subject.engine.task, id)
        whose = "input" if place < trace.subject.prompt else "given" if trace.subject.given else "model"
        rows.append([str(place + 1), str(id), _cut(piece.shown), piece.content[:8].hex(" "), whose])
    return ["", "2 The input and what follows it", *aligned(rows, (0, 1))]


def _stack(trace: Trace) -> list[str]:
    lines = ["", "3 Up the stack: the likeliest next token after each layer, and the rank of the actual one"]
    first = max(0, min(trace.subject.prompt - 1, len(trace.ids) - COLUMNS))
    places = range(first, min(len(trace.ids), first + COLUMNS))
    rows = [["after", *(_named(trace, trace.ids[place]) for place in places)]]
    for stage in reversed(range(len(trace.ranks))):
        cells = []
        for place in places:
            rank = int(trace.ranks[stage, place])
            best = _named(trace, int(trace.lens_ids[stage, place, 0]))
            cells.append(f"{best} #{rank}" if rank else best)
        rows.append([f"layer {stage}" if stage else "input", *cells])
    rows.append(["actual", *(_named(trace, trace.subject.followers[place]) for place in places)])
    lines += aligned(rows)
    written = [["added by", *(f"layer {layer + 1}" for layer in range(len(trace.attention)))]]
    last = places[-1]
    for name, lengths in (("attention", trace.attention), ("MLP", trace.mlp)):
        written.append([name, *(f"{length:.1f}" for length in lengths[:, last])])
    return [*lines, f"  lengths of the vectors added to that of {_named(trace, trace.ids[last])}:", *aligned(written)]


def _attention(trace: Trace) -> list[str]:
    last = len(trace.ids) - 1
    rows = [["layer", "head", "name", "looked at", "", ""]]
    roles = roles_of_trace(trace)
    for number, looked in enumerate(trace.looked):
        for head in range(len(looked.columns)):
            best = list(zip(looked.columns[head, last], looked.weights[head, last], strict=True))[:3]
            cells = [f"{_key(trace, looked, int(key))} {weight:.0%}" for key, weight in best if key >= 0]
            role = roles[number][head]
            name = f"{role.name} {role.share:.0%}" if role else ""
            rows.append([str(number + 1), str(head + 1), name, *cells, *[""] * (3 - len(cells))])
    return [
        "",
        f"4 Attention: what {_named(trace, trace.ids[last])}, the last token, looked at",
        *aligned(rows),
    ]


def _key(trace: Trace, looked: Looked, key: int) -> str:
    first, last = looked.spans[key]
    if first < 0:
        return "(learned)"
    return _cut("".join(_named(trace, id) for id in trace.ids[first : last + 1])) + f"@{first + 1}"


def _output(trace: Trace) -> list[str]:
    config = trace.subject.engine.config
    how = f"temperature {config.temperature:g}, top-k {config.top_k}, top-p {config.top_p:g}"
    how = how if config.temperature else "greedy"
    rows = [["after", "actual", "probability", "rank", "can be drawn", "alternatives"]]
    for step in path(trace, config):
        others = [f"{_named(trace, id)} {share:.1%}" for id, share, _ in step.alternatives if id != step.chosen]
        actual = ["", "", ""]
        if step.chosen >= 0:
            actual = [_named(trace, step.chosen), f"{step.chance:.1%}", str(step.rank)]
        others = others[: LISTED - 1]
        rows.append([_named(trace, trace.ids[step.position]), *actual, str(step.in_play), "  ".join(others)])
    return ["", f"5 The output ({how})", *aligned(rows, (2, 3, 4)), _sum(trace)]


def _sum(trace: Trace) -> str:
    """What the logit of the likeliest token is the sum of, at the first step."""
    found = trace.attribution
    parts = [f"{name} {value:+.1f}" for name, value in found.largest(0, 0, LISTED)]
    after, token = _named(trace, trace.ids[trace.steps[0]]), _named(trace, int(found.ids[0, 0]))
    return f"  the logit of {token} after {after} is {found.logits[0, 0]:.1f}: {', '.join(parts)}, and other parts"


def _task(trace: Trace) -> list[str]:
    subject = trace.subject
    if subject.labels:
        labels = [[name, f"{share:.1%}"] for name, share in subject.labels.items()]
        shares = np.mean([looked.row(len(trace.ids) - 1) for looked in trace.looked], axis=0)
        best = np.argsort(-shares)[:LISTED]
        seen = "  ".join(f"{_named(trace, trace.ids[place])} {shares[place]:.0%}" for place in best)
        return ["", "6 The label", *aligned(labels, (1,)), f"  the last token looked at: {seen}"]
    if subject.engine.task.layout.has_answers and len(subject.ids) > subject.prompt:
        sources, answers, looks = alignment(trace)
        rows = [["word", "looked at"]]
        for answer, shares in zip(answers, looks, strict=True):
            best = np.argsort(-shares)[:3]
            rows.append([_cut(answer.text), "  ".join(f"{sources[at].text} {shares[at]:.0%}" for at in best)])
        return ["", "6 Where the answer comes from", *aligned(rows)]
    known = [bits for bits in surprise(trace) if bits is not None]
    if not known:
        return []
    most = sorted(range(len(known)), key=lambda place: -known[place])[:LISTED]
    largest = "  ".join(f"{_named(trace, trace.ids[place + 1])} {known[place]:.1f}" for place in most)
    return ["", f"6 Surprise: {np.mean(known):.2f} bits per token; largest at {largest}"]
