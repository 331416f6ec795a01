"""A performance with the attention of each note: the piano roll of the page, and the public visualiser."""

import json
from pathlib import Path

from gpt2kit import files
from gpt2kit.inspection.subject import Subject
from gpt2kit.music.analysis.attended import Attention
from gpt2kit.music.notes import Notes
from gpt2kit.music.pages.page import piece_of
from gpt2kit.music.pages.visualizer import visualised
from gpt2kit.music.stream import encoding
from gpt2kit.pipeline.play import event_rows, looked_back

MOST_NOTES = 2000
"""Only the end of a longer piece is shown: every note includes the attention of all heads."""


def performed(subject: Subject) -> list[int]:
    """The whole piece and its continuation, as far as it is shown: including the part that exceeds the window."""
    notes = subject.source
    if len(notes) > MOST_NOTES:
        notes = notes.sliced(float(notes.start[-MOST_NOTES]))
    return [*subject.engine.task.encode_source(notes), *subject.ids[subject.prompt :]]


def roll_of(subject: Subject) -> tuple[Notes, float, Attention]:
    """The notes, where the model's own begin (seconds), and the attention of each."""
    ids = performed(subject)
    begun = encoding.seconds(ids[: len(ids) - (len(subject.ids) - subject.prompt)])
    notes: Notes = subject.engine.task.decode(ids)
    return notes, begun, looked_back(subject.engine, ids)


def piece_view(subject: Subject) -> dict[str, object]:
    """The data for the page's piano roll."""
    notes, begun, attention = roll_of(subject)
    made = len(subject.ids) > subject.prompt
    return piece_of(notes, subject.name, begun if made and len(subject.source) else 0.0, attention)


def write_visualizer(path: Path, subject: Subject) -> None:
    """Write the public visualiser's file. Raises MachineError if `path` cannot be written."""
    ids = performed(subject)
    files.write_text(path, json.dumps(visualised(ids[1:], event_rows(subject.engine, ids)), separators=(",", ":")))
