"""A performance on the page: the notes, and what they looked back at."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gpt2kit.inspection import performance
from gpt2kit.inspection.performance import performed, piece_view, roll_of, write_visualizer
from gpt2kit.inspection.subject import Subject
from gpt2kit.music.notes import Notes
from gpt2kit.music.stream import encoding
from gpt2kit.music.stream.events import END
from gpt2kit.pipeline.play import looked_back

Make = Callable[..., Subject]


def test_the_notes_and_their_attention(subject: Make) -> None:
    made = subject("music", steps=20)
    notes, begun, attention = roll_of(made)
    assert begun == encoding.seconds(made.engine.task.encode_source(made.source))
    assert notes == encoding.decode([*made.engine.task.encode_source(made.source), *made.ids[made.prompt :]])
    expected = looked_back(made.engine, performed(made))
    np.testing.assert_array_equal(attention.keys, expected.keys)
    assert len(attention.keys) == len(notes)


def test_a_piece_that_is_not_gone_on_with_has_no_primer(subject: Make) -> None:
    assert piece_view(subject("music", steps=0))["primer"] == 0
    assert piece_view(subject("music", steps=9, ban_ids=[END]))["primer"] == 2.0
    assert piece_view(subject("music", source=Notes.none(), steps=9))["primer"] == 0


def test_a_piece_is_shown_beyond_the_window_but_not_without_end(subject: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    start = np.arange(60) * 0.1
    long = Notes.of(60 + np.arange(60) % 12, [64] * 60, start, start + 0.1)
    made = subject("music", source=long, steps=0)
    assert len(made.ids) < len(performed(made))
    assert len(roll_of(made)[0]) == 60
    monkeypatch.setattr(performance, "MOST_NOTES", 25)
    assert len(roll_of(made)[0]) == 25


def test_the_file_of_the_public_visualiser(subject: Make, tmp_path: Path) -> None:
    made = subject("music", steps=0)
    write_visualizer(tmp_path / "a.json", made)
    told = json.loads((tmp_path / "a.json").read_text())
    assert told["music"] == encoding.encode(made.source).tolist()
    assert len(told["attention_weights"]) == made.engine.model.config.n_layer
    assert len(told["attention_weights"][0][0]) == made.engine.model.config.n_head
