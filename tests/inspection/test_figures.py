"""Figures: pictures of the right kind, with something in them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gpt2kit.inspection import figures
from gpt2kit.inspection.figures import write_figures
from gpt2kit.inspection.subject import Subject
from gpt2kit.inspection.trace import trace_of

Make = Callable[..., Subject]


@pytest.fixture(autouse=True)
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes the longer the finer it is."""
    monkeypatch.setattr(figures, "DOTS", 50)


@pytest.mark.parametrize(("task", "own"), [("translate", "alignment"), ("music", "roll")])
def test_each_figure_is_drawn(subject: Make, task: str, own: str, tmp_path: Path) -> None:
    paths = write_figures(tmp_path, trace_of(subject(task)))
    assert sorted(paths) == sorted(tmp_path.iterdir())
    assert {"lens", "attention", "written", "positions", "next", own} <= {path.stem for path in paths}
    for path in paths:
        with Image.open(path) as image:
            assert image.width > 150
            assert np.asarray(image.convert("L")).std() > 3


def test_of_labels(labelled: Make, tmp_path: Path) -> None:
    assert "labels" in {path.stem for path in write_figures(tmp_path, trace_of(labelled("label", "It was good.")))}


def test_text_of_any_kind_is_drawn(subject: Make, tmp_path: Path) -> None:
    """Without a warning for a character that the font has not, and nothing of it is a formula."""
    write_figures(tmp_path, trace_of(subject("lm", source="$x_1$ 中文 שלום 😀 \\alpha", steps=3)))
