"""The piano roll: the places and colours of notes, the primer, rows, titles."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from gpt2kit.errors import MachineError
from gpt2kit.music.marked import Marked
from gpt2kit.music.notes import Notes
from gpt2kit.music.pages import palette, roll, roll_grid, roll_marks
from gpt2kit.music.pages.roll import clock, write_roll

Pixels = NDArray[np.uint8]
PLOT = slice(roll_grid.LEFT + 2, roll_grid.WIDTH - roll_grid.RIGHT - 2)


def drawn(path: Path, notes: Notes, primer_seconds: float = 0.0, title: str = "") -> Pixels:
    write_roll(path, Marked(notes, primer_seconds), title)
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGB"))


def columns(pixels: Pixels, colour: tuple[int, int, int]) -> list[int]:
    """The first and last column of the plot with that colour, counted from the plot's left edge."""
    found = np.flatnonzero((pixels[roll_grid.TOP :, PLOT] == colour).all(axis=2).any(axis=0))
    return [int(found[0]) + 2, int(found[-1]) + 2] if len(found) else []


def rows(pixels: Pixels, colour: tuple[int, int, int]) -> list[int]:
    found = np.flatnonzero((pixels[roll_grid.TOP :, PLOT] == colour).all(axis=2).any(axis=1))
    return [int(found[0]), int(found[-1])]


def test_notes_are_at_their_time_in_the_colour_of_their_velocity(tmp_path: Path) -> None:
    notes = Notes.of([60, 72, 64], [20, 120, 60], [0.0, 2.0, 9.0], [1.0, 4.0, 10.0])
    pixels = drawn(tmp_path / "a.png", notes)
    second = (roll_grid.WIDTH - roll_grid.LEFT - roll_grid.RIGHT) / 10
    loud = columns(pixels, palette.of_velocity(120))
    assert loud == pytest.approx([2 * second, 4 * second], abs=3)
    assert columns(pixels, palette.of_velocity(20))[1] == pytest.approx(second, abs=3)
    assert rows(pixels, palette.of_velocity(120))[1] < rows(pixels, palette.of_velocity(60))[0]
    assert rows(pixels, palette.of_velocity(60))[1] < rows(pixels, palette.of_velocity(20))[0]


def test_the_primer_is_shaded_up_to_its_line_and_nothing_without_one(tmp_path: Path) -> None:
    notes = Notes.of([60, 72], [64, 64], [0.0, 9.0], [1.0, 10.0])
    second = (roll_grid.WIDTH - roll_grid.LEFT - roll_grid.RIGHT) / 10
    pixels = drawn(tmp_path / "a.png", notes, 2.5)
    assert columns(pixels, roll.GIVEN)[1] == pytest.approx(2.5 * second, abs=4)
    assert columns(pixels, roll_marks.BORDER) == pytest.approx([2.5 * second] * 2, abs=4)
    named = np.flatnonzero((pixels[: roll_grid.TOP - 26, PLOT] == roll_marks.BORDER).all(axis=2).any(axis=0))
    assert named.min() < 2.5 * second - 60, "the primer has its name above it"
    assert named.max() > 2.5 * second + 60, "and so has the new part"
    plain = drawn(tmp_path / "b.png", notes)
    assert columns(plain, roll.GIVEN) == columns(plain, roll_marks.BORDER) == []


def test_what_is_kept_around_a_part_is_shaded(tmp_path: Path) -> None:
    """With a line at both ends, and names above where there is room."""
    notes = Notes.of([60, 72], [64, 64], [0.0, 9.0], [1.0, 10.0])
    second = (roll_grid.WIDTH - roll_grid.LEFT - roll_grid.RIGHT) / 10
    for name, end, names in (("a", 5.0, 3), ("b", 2.6, 1)):
        write_roll(tmp_path / f"{name}.png", Marked(notes, 2.5, end))
        with Image.open(tmp_path / f"{name}.png") as picture:
            pixels = np.asarray(picture.convert("RGB"))
        shaded = (pixels[roll_grid.TOP :, PLOT] == roll.GIVEN).all(axis=2).any(axis=0)
        assert shaded[: int(2.4 * second)].mean() > 0.99, "but for the lines of times"
        assert shaded[int((end + 0.1) * second) :].mean() > 0.99
        assert not shaded[int(2.55 * second) : int((end - 0.05) * second)].any()
        lines = columns(pixels, roll_marks.BORDER)
        assert lines == pytest.approx([2.5 * second, end * second], abs=4)
        written = (pixels[: roll_grid.TOP - 26, PLOT] == roll_marks.BORDER).all(axis=2).any(axis=0)
        places = np.flatnonzero(written)
        assert 1 + (np.diff(places) > 60).sum() == names


def test_given_notes_among_new_ones_are_grey(tmp_path: Path) -> None:
    """And a legend says so, which other pictures do not have."""
    notes = Notes.of([60, 72], [64, 120], [0.0, 5.0], [2.0, 10.0])
    second = (roll_grid.WIDTH - roll_grid.LEFT - roll_grid.RIGHT) / 10
    write_roll(tmp_path / "a.png", Marked(notes, given=np.array([True, False])), "a jig by g, q and p")
    with Image.open(tmp_path / "a.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    assert columns(pixels, palette.GIVEN) == pytest.approx([0, 2 * second], abs=4)
    assert columns(pixels, palette.of_velocity(120)) == pytest.approx([5 * second, 10 * second], abs=6)
    legend = (pixels[: roll_grid.TOP] == palette.GIVEN).all(axis=2)
    assert legend.sum() > 200
    written = (pixels[: roll_grid.TOP, roll_grid.LEFT : 700] < 250).any(axis=(1, 2))
    borders = np.flatnonzero(np.diff(written)).tolist()
    assert len(borders) >= 4
    assert borders[2] - borders[1] > 6, "the legend is apart from the title"
    assert not (drawn(tmp_path / "b.png", notes)[: roll_grid.TOP] == palette.GIVEN).all(axis=2).any()


def test_a_long_piece_breaks_into_rows_of_a_minute(tmp_path: Path) -> None:
    start = np.arange(150.0)
    notes = Notes.of(np.full(150, 60), np.full(150, 90), start, start + 0.5)
    one = drawn(tmp_path / "a.png", notes.sliced(0, 60))
    three = drawn(tmp_path / "b.png", notes, 70)
    assert one.shape[1] == three.shape[1] == roll_grid.WIDTH
    assert 1.8 * one.shape[0] < three.shape[0] < 3 * one.shape[0]
    assert columns(three, roll.GIVEN)[1] > 1500  # the first row is all primer
    assert (
        len(np.flatnonzero((three == roll_marks.BORDER).all(axis=2).sum(axis=0) > 100)) <= 4
    )  # one line, in the second


def test_a_day_of_music_makes_a_picture_of_bounded_size(tmp_path: Path) -> None:
    pixels = drawn(tmp_path / "a.png", Notes.of([60, 60], [90, 90], [0.0, 86400.0], [1.0, 86401.0]))
    assert pixels.shape[0] < 8 * 700


@pytest.mark.parametrize("pitches", [[0], [127], [0, 127], [60], [21, 108]])
def test_any_range_of_pitches_is_in_view(tmp_path: Path, pitches: list[int]) -> None:
    count = len(pitches)
    pixels = drawn(tmp_path / "a.png", Notes.of(pitches, [127] * count, [0.0] * count, [1.0] * count))
    height = pixels.shape[0] - roll_grid.TOP - roll_grid.BOTTOM
    assert height >= 36 * 4
    first, last = rows(pixels, palette.of_velocity(127))
    assert 0 <= first <= last < height


def test_a_piece_without_notes_is_a_picture_that_says_so(tmp_path: Path) -> None:
    pixels = drawn(tmp_path / "a.png", Notes.none())
    titled = drawn(tmp_path / "b.png", Notes.none(), title="no notes")
    assert (pixels == titled).all()
    assert (pixels[: roll_grid.TOP, : roll_grid.WIDTH // 2] < 100).any()


ONE_NOTE = Notes.of([60], [90], [0.0], [1.0])


@pytest.fixture(scope="module")
def untitled(tmp_path_factory: pytest.TempPathFactory) -> Pixels:
    return drawn(tmp_path_factory.mktemp("untitled") / "a.png", ONE_NOTE)


@pytest.mark.parametrize("title", ["x" * 10_000, "line\nbreak\x00", "Pièce n° 3 ♯ 曲", "</script>"])
def test_any_title_fits(tmp_path: Path, untitled: Pixels, title: str) -> None:
    pixels, legend = drawn(tmp_path / "a.png", ONE_NOTE, title=title), untitled
    corner = slice(roll_grid.WIDTH - 460, None)
    assert (pixels[: roll_grid.TOP, corner] == legend[: roll_grid.TOP, corner]).all()


def test_the_same_notes_give_the_same_bytes(tmp_path: Path) -> None:
    notes = Notes.of([60, 72], [64, 64], [0.0, 9.0], [1.0, 10.0])
    for name in ("a.png", "b.png"):
        write_roll(tmp_path / name, Marked(notes, 3.0), "twice")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_many_notes_are_drawn_some_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = np.arange(101.0)
    notes = Notes.of(40 + np.arange(101) % 40, 1 + np.arange(101), start, start + 3)
    write_roll(tmp_path / "a.png", Marked(notes))
    monkeypatch.setattr(roll, "AT_A_TIME", 20)
    write_roll(tmp_path / "b.png", Marked(notes))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="cannot be written"):
        write_roll(tmp_path / "no" / "a.png", Marked(Notes.none()))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (0.5, "0:00.5"), (59.96, "1:00"), (61, "1:01"), (600, "10:00"), (3723, "1:02:03")],
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text
