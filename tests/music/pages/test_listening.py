"""The page of several pieces: their figures, what is in the file, and what a browser makes of it."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from gpt2kit.music.analysis.copying import Copied, TrainingPieces
from gpt2kit.music.marked import Marked
from gpt2kit.music.notes import Notes
from gpt2kit.music.pages import palette
from gpt2kit.music.pages.listening import Figures, Sample, write_listening_page
from gpt2kit.overwriting import PAGE

if TYPE_CHECKING:
    from tests.conftest import Browser

EVIL = "</script><script>document.title='gone'</script><img src=x onerror=alert(1)> {{data}} \\1 &amp;"
COPIED = Copied(5, 0.75, 2.0, "corpus.zip/folder/waltz.mid", 12.25, -2)
FIRST = Notes.of([60, 72, 64], [20, 120, 60], [0.5, 2.0, 4.0], [1.5, 3.0, 6.0])
SECOND = Notes.of([40, 90], [30, 90], [0.0, 1.0], [1.0, 3.0])
SAMPLES = [
    Sample("a-1", Marked(FIRST, 1.5), 4.0, 7, ["a-1.mid", "a-1.wav"], COPIED),
    Sample("a-2", Marked(SECOND), 3.0, None, ["a-2.mid"]),
    Sample("a-3", Marked(Notes.none()), 3.0, 9, ["a-3.mid"], Copied(0, 0.0, 0.0, "", 0.0, 0)),
]


def written(path: Path, samples: list[Sample], title: str = "a") -> str:
    write_listening_page(path, title, "3 samples", samples, "not measured: no data")
    return path.read_text(encoding="utf-8")


def data_of(text: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_figures_are_those_of_the_music_after_the_primer() -> None:
    """Two of the three notes are new, in four seconds."""
    figures = SAMPLES[0].figures
    assert figures == Figures(0.5, "E4", "C5", 90.0)
    assert SAMPLES[0].facts("") == [
        ("seed", "7"),
        ("new notes", "2"),
        ("notes a second", "0.5"),
        ("range", "E4 to C5"),
        ("median velocity", "90"),
        ("longest passage also in training", "5 notes (0.8 s) at 2.0 s, as in waltz.mid at 12.2 s, -2 semitones"),
    ]
    assert SAMPLES[1].facts("unknown")[-1] == ("longest passage also in training", "unknown")
    assert SAMPLES[2].facts("") == [("seed", "9"), ("notes", "0"), ("longest passage also in training", "none")]
    assert SAMPLES[2].figures is None


def test_notes_a_second_count_over_the_whole_part() -> None:
    """Two notes in a gap of four seconds, one second of which is silent between them and two after them."""
    notes = Notes.of([60, 64, 67, 72], [60] * 4, [0.0, 2.0, 3.5, 6.0], [2.0, 2.5, 4.0, 7.0])
    sample = Sample("a", Marked(notes, 2.0, 6.0), 4.0, None, [])
    assert sample.figures == Figures(0.5, "E4", "G4", 60.0)
    assert ("notes a second", "0.5") in sample.facts("")


def test_the_model_s_part_may_be_in_the_middle() -> None:
    """And what it shares with a training piece is found in that part alone, on the clock of the whole."""
    pitch, start = [60, 62, 64, 61, 67, 60, 62], [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    notes = Notes.of(pitch, [64] * 7, start, [time + 0.9 for time in start])
    sample = Sample("a", Marked(notes, 2.0, 5.0), 3.0, None, [])
    assert sample.piece.new.pitch.tolist() == [64, 61, 67]
    assert sample.piece.outside == [(0.0, 2.0), (5.0, pytest.approx(6.9))]
    theirs = Notes.of([*pitch, 70, 67, 73], [64] * 10, [*start, 7.0, 8.0, 9.0], [*start[1:], 7.0, 8.0, 9.0, 10.0])
    found = sample.compared(TrainingPieces([("one", theirs)])).copied
    assert found == Copied(3, 2.0, 2.0, "one", 2.0, 0)


def test_the_page_holds_the_pieces_and_asks_for_nothing(tmp_path: Path) -> None:
    text = written(tmp_path / "a.html", SAMPLES)
    data = data_of(text)
    assert data["samples"][0]["pitch"] == [60, 72, 64]
    assert data["samples"][0]["start"] == [500, 2000, 4000]
    assert [sample["copied"] for sample in data["samples"]] == [[2.0, 2.75], None, None]
    assert [sample["outside"] for sample in data["samples"]] == [[[0, 1.5]], [], []]
    assert data["samples"][1]["facts"][-1][1] == "not measured: no data"
    assert not re.search(r"https?:|//[a-z]|url\(|@import|fetch\(|XMLHttp|WebSocket|import\(|<img|<link|<iframe", text)
    assert "default-src 'none'" in text
    assert PAGE.wrote(tmp_path / "a.html")
    assert text == written(tmp_path / "b.html", SAMPLES)


def test_a_file_s_name_is_an_address_next_to_the_page(tmp_path: Path) -> None:
    names = ["javascript:alert(1).mid", "a b#c?.mid", "Prélude № 4.mid", "http://x.mid"]
    files = data_of(written(tmp_path / "a.html", [replace(SAMPLES[1], files=names)]))["samples"][0]["files"]
    assert [each["address"] for each in files] == [
        "javascript%3Aalert%281%29.mid",
        "a%20b%23c%3F.mid",
        "Pr%C3%A9lude%20%E2%84%96%204.mid",
        "http%3A%2F%2Fx.mid",
    ]
    assert {each["name"] for each in files} == {".mid"}


def test_given_notes_among_new_ones(tmp_path: Path) -> None:
    """The figures leave them out, and the page knows them; wishes are told with the figures."""
    piece = Marked(FIRST, given=np.array([True, False, True]))
    sample = Sample("a", piece, 5.0, None, [], wishes=[("wish, mean velocity", "90 wished, 120.0 played")])
    assert sample.facts("unknown") == [
        ("new notes", "1"),
        ("notes a second", "0.2"),
        ("range", "C5 to C5"),
        ("median velocity", "120"),
        ("wish, mean velocity", "90 wished, 120.0 played"),
        ("longest passage also in training", "unknown"),
    ]
    data = data_of(written(tmp_path / "a.html", [sample, SAMPLES[1]]))
    assert [each["given"] for each in data["samples"]] == [[0, 2], None]


# ---- in a browser ----


STOP_THE_CLOCK = "delete window.AudioContext; performance.now = () => 1000"
"""Without sound, the time of the page decides: what plays stays where it began."""


def opened(
    tab: "Browser", path: Path, width: int = 1280, height: int = 900, dark: bool = False, mobile: bool = False
) -> None:
    """Open a page, and wait until the first sample is painted, and with it all that are in view."""
    tab.open(path, width, height, dark, mobile)
    first = "document.querySelector('.sample canvas')"
    tab.until(f"{first}.width === Math.round({first}.clientWidth * devicePixelRatio)")


def playing(tab: "Browser") -> list[int]:
    """The places of the samples that play."""
    pressed = "[...document.querySelectorAll('.sample .play')].map((each) => each.getAttribute('aria-pressed'))"
    return [place for place, on in enumerate(tab.value(pressed)) if on == "true"]


def time_of(tab: "Browser", place: int) -> float:
    minutes, seconds = tab.value(
        f"document.querySelectorAll('.sample .time')[{place}].textContent.split(' / ')[0].split(':')"
    )
    return 60 * int(minutes) + float(seconds)


def painted(tab: "Browser", place: int, colour: str) -> int:
    """Pixels of this colour (#rrggbb) in the picture of a sample."""
    found: int = tab.value(
        f"""(() => {{
          const canvas = document.querySelectorAll(".sample canvas")[{place}], copy = document.createElement("canvas");
          const pen = copy.getContext("2d", {{ willReadFrequently: true }});
          copy.width = canvas.width;
          copy.height = canvas.height;
          pen.drawImage(canvas, 0, 0);
          const pixels = pen.getImageData(0, 0, copy.width, copy.height).data;
          const [r, g, b] = [1, 3, 5].map((at) => parseInt("{colour}".slice(at, at + 2), 16));
          let count = 0;
          for (let i = 0; i < pixels.length; i += 4)
            count += pixels[i] === r && pixels[i + 1] === g && pixels[i + 2] === b;
          return count;
        }})()"""
    )
    return found


@pytest.mark.parametrize("dark", [False, True])
def test_all_pieces_are_painted(tab: "Browser", tmp_path: Path, dark: bool) -> None:
    written(tmp_path / "a.html", SAMPLES)
    opened(tab, tmp_path / "a.html", dark=dark)
    for place, velocity in ((0, 120), (0, 60), (1, 30)):
        assert painted(tab, place, palette.hexadecimal(palette.of_velocity(velocity, dark))) > 20
    assert painted(tab, 0, "#7fb4e8" if dark else "#2e69a0"), "the line of the primer"
    names = tab.value("[...document.querySelectorAll('.sample h2')].map((each) => each.textContent)")
    assert names == ["a-1", "a-2", "a-3"]
    links = tab.value("[...document.querySelectorAll('.sample a')].map((each) => each.href)")
    assert links == [(tmp_path / name).as_uri() for name in ("a-1.mid", "a-1.wav", "a-2.mid", "a-3.mid")]
    assert "12.2 s" in tab.value("document.querySelector('.sample .facts').textContent")


@pytest.mark.parametrize("dark", [False, True])
def test_given_notes_are_painted_in_their_colour(tab: "Browser", tmp_path: Path, dark: bool) -> None:
    written(tmp_path / "a.html", [replace(SAMPLES[0], piece=Marked(FIRST, given=np.array([True, False, True])))])
    opened(tab, tmp_path / "a.html", dark=dark)
    assert painted(tab, 0, palette.hexadecimal(palette.GIVEN_ON_DARK if dark else palette.GIVEN)) > 40
    assert painted(tab, 0, palette.hexadecimal(palette.of_velocity(120, dark))) > 20
    assert painted(tab, 0, palette.hexadecimal(palette.of_velocity(20, dark))) == 0
    assert tab.value("document.getElementById('given').offsetWidth") > 0
    written(tmp_path / "b.html", SAMPLES)
    opened(tab, tmp_path / "b.html")
    assert tab.value("document.getElementById('given').offsetWidth") == 0


def test_one_plays_at_a_time(tab: "Browser", tmp_path: Path) -> None:
    written(tmp_path / "a.html", SAMPLES)
    opened(tab, tmp_path / "a.html")
    tab.value(STOP_THE_CLOCK)
    assert playing(tab) == []
    tab.press(" ", 32)
    assert playing(tab) == [0]
    tab.value("document.querySelectorAll('.sample .play')[1].click()")
    assert playing(tab) == [1]
    label = "document.querySelectorAll('.sample .play')[1].getAttribute('aria-label')"
    assert tab.value(label) == "Pause a-2"
    tab.press(" ", 32)
    assert playing(tab) == []
    assert tab.value(label) == "Play a-2"
    tab.press("ArrowRight", 39)
    assert time_of(tab, 1) == 2
    tab.press("Home", 36)
    assert time_of(tab, 1) == 0
    tab.press(",")
    assert playing(tab) == [0]
    tab.press("3")
    assert playing(tab) == [], "it has no notes"


def test_a_click_in_the_roll_plays_from_there(tab: "Browser", tmp_path: Path) -> None:
    """All rolls have one scale: half of the longest piece, six seconds, is the end of the second."""
    written(tmp_path / "a.html", SAMPLES)
    opened(tab, tmp_path / "a.html")
    tab.value(STOP_THE_CLOCK)
    for place, share, time in ((0, 0.5, 3.0), (1, 0.25, 1.5)):
        box = f"document.querySelectorAll('.sample canvas')[{place}].getBoundingClientRect()"
        left, top, width = tab.value(f"(({{left, top, width}}) => [left + 34, top, width - 44])({box})")
        tab.click(left + share * width, top + 60)
        assert playing(tab) == [place]
        assert time_of(tab, place) == pytest.approx(time, abs=0.06)


def test_the_next_one_follows_if_wanted(tab: "Browser", tmp_path: Path) -> None:
    short, long = (Notes.of([60], [80], [0.0], [end]) for end in (0.2, 600.0))
    samples = [Sample(f"b-{n}", Marked(notes), notes.duration, n, []) for n, notes in enumerate((short, long, short))]
    written(tmp_path / "a.html", samples)
    opened(tab, tmp_path / "a.html")
    tab.press("1")
    tab.until("document.querySelector('.sample .play').getAttribute('aria-pressed') === 'false'")
    assert time_of(tab, 0) == 0.2
    assert playing(tab) == []
    tab.value("document.getElementById('onward').click()")
    tab.press("1")
    tab.until("document.querySelectorAll('.sample .play')[1].getAttribute('aria-pressed') === 'true'")
    assert playing(tab) == [1]


def test_a_gap_in_a_long_piece_is_shown_from_near(tab: "Browser", tmp_path: Path) -> None:
    """All samples with the same time, from 10 seconds before the first gap to 10 after the last; it plays from it."""
    times = [float(time) for time in range(600)]
    notes = Notes.of([60] * 600, [50] * 400 + [120] * 3 + [50] * 197, times, [time + 0.5 for time in times])
    samples = [
        Sample("a-1", Marked(notes, 400.0, 403.0), 3.0, 1, []),
        Sample("a-2", Marked(notes, 400.0, 405.0), 5.0, 2, []),
    ]
    written(tmp_path / "a.html", samples)
    opened(tab, tmp_path / "a.html", 1000, 700)
    tab.value(STOP_THE_CLOCK)
    new = palette.hexadecimal(palette.of_velocity(120))
    assert [time_of(tab, place) for place in (0, 1)] == [390.0, 390.0]
    assert (near := painted(tab, 0, new)) > 100
    found = "document.querySelectorAll('.picture canvas')[1].getBoundingClientRect()"
    left, top, width = (tab.value(f"{found}.{side}") for side in ("left", "top", "width"))
    tab.click(left + 34 + (width - 44) / 5, top + 60)
    assert time_of(tab, 1) == pytest.approx(395, abs=0.06), "a fifth of the 25 seconds from 6:30 on"
    tab.press(" ")
    tab.value("document.getElementById('whole').click()")
    assert painted(tab, 0, new) < near / 10
    tab.press("Home")
    assert time_of(tab, 1) == 0


def test_a_part_that_is_large_is_shown_with_the_whole_piece(tab: "Browser", tmp_path: Path) -> None:
    written(tmp_path / "a.html", SAMPLES)
    opened(tab, tmp_path / "a.html")
    assert tab.value("document.getElementById('part').hidden") is True
    assert time_of(tab, 0) == 0


def test_hostile_names_are_shown_and_not_run(tab: "Browser", tmp_path: Path) -> None:
    hostile = replace(SAMPLES[0], name=EVIL, copied=replace(COPIED, piece=EVIL))
    write_listening_page(tmp_path / "a.html", EVIL, EVIL, [hostile], EVIL)
    opened(tab, tmp_path / "a.html")
    assert tab.value("document.getElementById('title').textContent") == EVIL
    assert tab.value("document.querySelector('.sample h2').textContent") == EVIL
    assert tab.value("document.images.length") == 0
    assert tab.value("document.title").startswith("</script>")


def test_it_fits_a_phone(tab: "Browser", tmp_path: Path) -> None:
    long = replace(COPIED, piece="MIDI-Unprocessed_05_R1_2009_03-05_ORIG_MID--AUDIO_05_R1_2009_05_R1_2009_03_WAV.midi")
    written(tmp_path / "a.html", [replace(SAMPLES[0], name="a_very_long_name" * 6, copied=long), *SAMPLES])
    opened(tab, tmp_path / "a.html", 360, 740, mobile=True)
    assert tab.value("document.documentElement.scrollWidth") <= 360
    assert painted(tab, 0, palette.hexadecimal(palette.of_velocity(120))) > 10
