"""The figure of a performance: axes in seconds and notes, the primer, heads, and shares that add up to 100%."""

import re
from collections.abc import Callable

import numpy as np
import pytest

from gpt2kit.inspection.performance import roll_of
from gpt2kit.inspection.performance_figure import roll
from gpt2kit.inspection.subject import Subject
from gpt2kit.inspection.trace import trace_of
from gpt2kit.music.analysis.attended import Attention, Shares, shares
from gpt2kit.music.notes import Notes
from gpt2kit.music.pages import palette
from gpt2kit.music.stream.events import END

Make = Callable[..., Subject]
HALF_A_PERCENT = np.array([0.005], np.float32)


def test_axes_and_legend_say_what_is_drawn(subject: Make) -> None:
    made = subject("music", steps=12, ban_ids=[END])
    notes, begun, _ = roll_of(made)
    figure = roll(trace_of(made))
    above, below, velocities = figure.axes
    assert above.get_xlabel() == "seconds"
    assert "C4" in [label.get_text() for label in above.get_yticklabels()]
    assert {text.get_text().strip(): text.get_position()[0] for text in above.texts} == {
        "primer": begun,
        "by the model": begun,
    }
    drawn = [
        tuple(round(255 * part) for part in colour[:3]) for colour in np.asarray(above.collections[0].get_facecolor())
    ]
    assert drawn == [palette.of_velocity(velocity) for velocity in notes.velocity.tolist()]
    assert velocities.get_ylabel() == "velocity"
    heads = [text.get_text() for text in figure.legends[0].get_texts()]
    assert heads == [f"head {head + 1}" for head in range(made.engine.model.config.n_head)]
    assert below.get_ylim()[0] > below.get_ylim()[1], "the note with the largest share is above"


def test_the_list_is_of_the_last_note_and_adds_up(subject: Make) -> None:
    made = subject("music", steps=0)
    notes, _, attention = roll_of(made)
    figure = roll(trace_of(made))
    above, below, _ = figure.axes
    assert not above.texts, "there is no part of the model's"
    assert "C5 at 1.50 s" in figure.get_suptitle()
    looked = shares(attention, len(notes) - 1)
    assert len(below.get_yticks()) == len(looked.keys)
    width = sum(bar.get_width() for bars in below.containers for bar in bars)
    found = re.fullmatch(r"share of attention; other earlier notes (\d+)%, no earlier note (\d+)%", below.get_xlabel())
    assert found is not None
    assert 100 * width + int(found[1]) + int(found[2]) == pytest.approx(100, abs=1.1)  # both are rounded


def test_a_small_share_is_not_called_none(subject: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def small(attention: Attention, note: int) -> Shares:
        found = shares(attention, note)
        return Shares(found.keys[:1], found.weights[:1], 0 * found.others, HALF_A_PERCENT)

    monkeypatch.setattr("gpt2kit.inspection.performance_figure.shares", small)
    below = roll(trace_of(subject("music", steps=0))).axes[1]
    assert below.get_xlabel() == "share of attention; other earlier notes 0%, no earlier note <1%"


def test_a_performance_without_notes(subject: Make) -> None:
    figure = roll(trace_of(subject("music", source=Notes.none(), steps=0)))
    assert [text.get_text() for text in figure.axes[0].texts] == ["no notes"]
