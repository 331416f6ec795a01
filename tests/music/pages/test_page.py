"""The page of a piece: what is in the file, and what a browser makes of it."""

import base64
import json
import re
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from gpt2kit.errors import MachineError
from gpt2kit.music.analysis.attended import Attention
from gpt2kit.music.notes import Notes
from gpt2kit.music.pages import palette
from gpt2kit.music.pages.page import piece_of, write_page
from gpt2kit.music.pages.scripts import PARTS

if TYPE_CHECKING:
    from tests.conftest import Browser

EVIL = "</script><script>document.title='gone'</script><img src=x onerror=alert(1)> {{piece}} {{title}} \\1 &amp;\u2028"
THREE = Notes.of([60, 72, 64], [20, 120, 60], [0.5, 2.0, 4.0], [1.5, 3.0, 6.0])
ONLY = "document.getElementById"
PIXELS = """const pixelsOf = (canvas) => {  // by way of a copy: read itself, a canvas would leave the graphics card
        const copy = document.createElement("canvas"), pen = copy.getContext("2d", { willReadFrequently: true });
        copy.width = canvas.width;
        copy.height = canvas.height;
        pen.drawImage(canvas, 0, 0);
        return pen.getImageData(0, 0, copy.width, copy.height).data;
      };"""


def looking_back() -> Attention:
    """Of three notes, in 2 layers of 3 heads: the second looks at the first in head 1 of layer 1, the third in layer 1
    at the first with head 2 and in layer 2 at both with head 3; head 2 also at a fifth of other notes."""
    keys = np.full((3, 2, 3, 2), -1, np.int32)
    weights = np.zeros(keys.shape, np.float32)
    keys[1, 0, 0, 0], weights[1, 0, 0, 0] = 0, 0.8
    keys[2, 0, 1, 0], weights[2, 0, 1, 0] = 0, 0.6
    keys[2, 1, 2], weights[2, 1, 2] = [1, 0], [0.5, 0.25]
    others = np.zeros((3, 2, 3), np.float32)
    others[2, 0, 1] = 0.2
    return Attention(keys, weights, others)


class Reader(HTMLParser):
    """Elements, addresses that would be fetched, and the piece."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.scripts, self.addresses, self.title, self._within = 0, list[str](), "", ""
        self.piece: dict[str, Any] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.scripts += tag == "script"
        self.addresses += [str(values[name]) for name in ("src", "href", "srcset", "data", "action") if name in values]
        self._within = "piece" if values.get("id") == "piece" else tag
        assert tag not in ("img", "link", "iframe", "object", "embed", "base", "form")

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within == "piece":
            self.piece = json.loads(data)
        elif self._within == "title":
            self.title += data


def written(path: Path, notes: Notes, title: str = "A piece", **more: Any) -> str:
    write_page(path, notes, title, **more)
    return path.read_text(encoding="utf-8")


def test_the_page_holds_the_notes_and_asks_for_nothing(tmp_path: Path) -> None:
    text = written(tmp_path / "a.html", THREE, primer_seconds=2.5)
    page = Reader(text)
    assert page.piece["pitch"] == [60, 72, 64]
    assert page.piece["velocity"] == [20, 120, 60]
    assert page.piece["start"] == [500, 2000, 4000]
    assert page.piece["end"] == [1500, 3000, 6000]
    assert page.piece["primer"] == 2.5
    assert page.piece["attention"] is None
    assert page.piece["colours"]["light"][119] == palette.hexadecimal(palette.of_velocity(120))
    assert page.addresses == []
    assert not re.search(r"https?:|//[a-z]|url\(|@import|fetch\(|XMLHttp|WebSocket|import\(", text)
    assert "default-src 'none'" in text


@pytest.mark.parametrize("title", [EVIL, "", "Prélude № 4 — 曲", "😀", "<!--<script>"])
def test_a_title_is_a_title(tmp_path: Path, title: str) -> None:
    text = written(tmp_path / "a.html", THREE, title)
    page, plain = Reader(text), Reader(written(tmp_path / "b.html", THREE))
    assert page.title == page.piece["title"] == title
    assert page.scripts == plain.scripts == 2
    assert page.addresses == []


def test_attention_is_stored_compactly(tmp_path: Path) -> None:
    stored = Reader(written(tmp_path / "a.html", THREE, attention=looking_back())).piece["attention"]
    assert (stored["layers"], stored["heads"], stored["top"], stored["wide"]) == (2, 3, 2, False)
    keys = np.frombuffer(base64.b64decode(stored["keys"]), "<u2").reshape(3, 2, 3, 2)
    weights = np.frombuffer(base64.b64decode(stored["weights"]), np.uint8).reshape(3, 2, 3, 2)
    assert keys[2, 1, 2].tolist() == [1, 0]
    assert keys[0].tolist() == [[[0xFFFF] * 2] * 3] * 2
    assert weights[2, 1, 2].tolist() == [128, 64]
    others = np.frombuffer(base64.b64decode(stored["others"]), np.uint8).reshape(3, 2, 3)
    assert others[2].tolist() == [[0, 51, 0], [0, 0, 0]]


def test_more_notes_than_two_bytes_count_take_four(tmp_path: Path) -> None:
    count = 0xFFFF
    start = np.arange(count) * 0.01
    notes = Notes.of(np.full(count, 60), np.full(count, 64), start, start + 0.01)
    keys = np.full((count, 1, 1, 1), -1, np.int32)
    keys[-1] = count - 2
    attention = Attention(keys, np.zeros(keys.shape, np.float32))
    stored = Reader(written(tmp_path / "a.html", notes, attention=attention)).piece["attention"]
    assert stored["wide"]
    assert np.frombuffer(base64.b64decode(stored["keys"]), "<u4")[[0, -1]].tolist() == [0xFFFFFFFF, count - 2]


def test_a_minute_with_a_model_of_48_heads_stays_under_a_megabyte(tmp_path: Path) -> None:
    count = 700
    start = np.arange(count) * 60 / count
    notes = Notes.of(np.full(count, 60), np.full(count, 64), start, start + 0.1)
    keys = np.full((count, 6, 8, 6), -1, np.int32)
    page = written(tmp_path / "a.html", notes, attention=Attention(keys, np.zeros(keys.shape, np.float32)))
    assert len(page.encode()) < 1_000_000


def test_attention_of_other_notes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="3 notes does not fit 0 notes"):
        write_page(tmp_path / "a.html", Notes.none(), "none", attention=looking_back())
    assert not (tmp_path / "a.html").exists()


def test_the_same_notes_give_the_same_bytes(tmp_path: Path) -> None:
    first = written(tmp_path / "a.html", THREE, attention=looking_back())
    assert first == written(tmp_path / "b.html", THREE, attention=looking_back())


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="cannot be written"):
        write_page(tmp_path / "no" / "a.html", THREE, "A piece")


def test_the_templates_are_part_of_the_package() -> None:
    names = ["page.html", "roll.html", "roll.css", "piano.js", *(f"pianoroll/{name}.js" for name in PARTS)]
    assert all((files("gpt2kit") / "music" / "pages" / name).is_file() for name in names)


# ---- in a browser ----


def attribute(tab: "Browser", element: str, name: str) -> str:
    return tab.value(f"{ONLY}('{element}').getAttribute('{name}')")


def position(tab: "Browser") -> float:
    return float(attribute(tab, "overview", "aria-valuenow"))


def painted(tab: "Browser", colour: str, canvas: str = "roll") -> list[list[float]]:
    """Where on the canvas that colour (#rrggbb) is: the page's x and y, at most 2,000 of them."""
    script = f"""(() => {{
      {PIXELS}
      const canvas = {ONLY}("{canvas}"), box = canvas.getBoundingClientRect(), found = [];
      const pixels = pixelsOf(canvas);
      const [r, g, b] = [1, 3, 5].map((at) => parseInt("{colour}".slice(at, at + 2), 16));
      for (let i = 0; i < pixels.length && found.length < 2000; i += 4)
        if (pixels[i] === r && pixels[i + 1] === g && pixels[i + 2] === b && pixels[i + 3] === 255)
          found.push([box.left + (i / 4) % canvas.width + 0.5, box.top + Math.floor(i / 4 / canvas.width) + 0.5]);
      return found;
    }})()"""
    return tab.value(script)


def middle(places: list[list[float]]) -> tuple[float, float]:
    x, y = np.array(places).mean(axis=0).tolist()
    return x, y


def colour(velocity: int, dark: bool = False) -> str:
    return palette.hexadecimal(palette.of_velocity(velocity, dark))


@pytest.mark.parametrize("dark", [False, True])
def test_notes_are_painted_where_they_sound(tab: "Browser", tmp_path: Path, dark: bool) -> None:
    written(tmp_path / "a.html", THREE, primer_seconds=1.0)
    tab.open(tmp_path / "a.html", dark=dark)
    first, second, third = (middle(painted(tab, colour(velocity, dark))) for velocity in (20, 120, 60))
    assert first[0] < second[0] < third[0]
    assert second[1] < third[1] < first[1]
    assert painted(tab, colour(120, dark), "overview")
    assert painted(tab, "#7fb4e8" if dark else "#2e69a0")  # the line of the primer
    assert tab.value("document.title") == "A piece"


def test_space_plays_and_pauses_and_the_cursor_moves(tab: "Browser", tmp_path: Path) -> None:
    written(tmp_path / "a.html", Notes.of([60, 72], [20, 120], [0.5, 2.0], [1.5, 600.0]))
    tab.open(tmp_path / "a.html")
    before = middle(painted(tab, "#d02f2f"))
    assert position(tab) == 0
    tab.press(" ", 32)
    assert attribute(tab, "play", "aria-label") == "Pause"
    tab.until(f"{ONLY}('overview').getAttribute('aria-valuenow') > 0.3")
    tab.press(" ", 32)
    assert attribute(tab, "play", "aria-label") == "Play"
    stopped = position(tab)
    assert middle(painted(tab, "#d02f2f"))[0] > before[0] + 3
    tab.frame()
    assert position(tab) == stopped


def test_it_plays_to_the_end_stops_and_begins_anew(tab: "Browser", tmp_path: Path) -> None:
    written(tmp_path / "a.html", Notes.of([60], [80], [0.0], [0.2]))
    tab.open(tmp_path / "a.html")
    for _ in range(2):
        tab.press(" ", 32)
        tab.until(f"{ONLY}('play').getAttribute('aria-label') === 'Play'")
        tab.frame()
        assert position(tab) == 0.2


def test_every_note_is_struck_in_time_and_heard(tab: "Browser", tmp_path: Path) -> None:
    """With the clock of the sound: what the page hands to the synthesizer of the browser."""
    notes = Notes.of([48, 60, 96], [30, 80, 120], [0.1, 0.2, 0.4], [0.5, 0.4, 0.6])
    written(tmp_path / "a.html", notes)
    tab.open(tmp_path / "a.html")
    tab.press("+")  # without a user's key a page is silent
    tab.value("roll.piano.open()")
    tab.until("roll.piano.audible()")
    tab.value(
        """(() => {
          window.struck = [];
          window.tones = [];
          const start = AudioBufferSourceNode.prototype.start;
          AudioBufferSourceNode.prototype.start = function (when) {
            const samples = this.buffer.getChannelData(0), peak = samples.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
            window.struck.push([when, peak, samples[0], samples.at(-1)]);
            window.tones.push([this.buffer.sampleRate, [...samples.slice(2000, 2000 + 16384)]]);
            return start.call(this, when);
          };
        })()"""
    )
    tab.press(" ", 32)
    tab.until("window.struck.length >= 3")
    tab.until(f"{ONLY}('play').getAttribute('aria-label') === 'Play'")
    struck = np.array(tab.value("window.struck"))
    assert len(struck) == 3  # each note once
    assert (struck[:, 1] > 0.3).all()
    assert np.isfinite(struck).all()
    assert np.abs(struck[:, 2:]).max() < 1e-3
    assert (np.diff(struck[:, 0]) >= 0).all()
    for pitch, (rate, samples) in zip(notes.pitch.tolist(), tab.value("window.tones"), strict=False):
        frequency = 440 * 2 ** ((pitch - 69) / 12)
        spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 18))
        cents = 1200 * np.log2(np.fft.rfftfreq(1 << 18, 1 / rate)[1:] / frequency)
        near = np.abs(cents) < 150
        assert abs(cents[near][spectrum[1:][near].argmax()]) < 6


def test_arrows_and_the_overview_seek(tab: "Browser", tmp_path: Path) -> None:
    written(tmp_path / "a.html", THREE)
    tab.open(tmp_path / "a.html")
    tab.press("ArrowRight", 39)
    assert position(tab) == 2
    tab.press("ArrowLeft", 37)
    assert position(tab) == 0
    tab.press("End", 35)
    assert position(tab) == 6
    left, top, width = tab.value(
        f"(({{left, top, width}}) => [left, top, width])({ONLY}('overview').getBoundingClientRect())"
    )
    tab.click(left + width / 2, top + 20)
    assert position(tab) == pytest.approx(3, abs=0.1)


def test_pointing_at_a_note_tells_what_it_is(tab: "Browser", tmp_path: Path) -> None:
    written(tmp_path / "a.html", THREE)
    tab.open(tmp_path / "a.html")
    tab.mouse("mouseMoved", *middle(painted(tab, colour(120))))
    tab.frame()
    assert tab.value(f"{ONLY}('tip').hidden") is False
    assert tab.value(f"{ONLY}('tip').textContent") == "C5, velocity 120, 0:02.00 to 0:03.00"
    tab.mouse("mouseMoved", 5, 5)
    tab.frame()
    assert tab.value(f"{ONLY}('tip').hidden") is True


def arcs(tab: "Browser") -> int:
    return int(attribute(tab, "roll", "data-arcs"))


def listed(tab: "Browser") -> list[str]:
    return tab.value(f"[...{ONLY}('keys').querySelectorAll('li')].map((item) => item.innerText.replace(/\\s+/g, ' '))")


def test_a_chosen_note_draws_lines_to_what_was_looked_at(tab: "Browser", tmp_path: Path) -> None:
    written(tmp_path / "a.html", THREE, attention=looking_back())
    tab.open(tmp_path / "a.html")
    assert arcs(tab) == 0
    empty = tab.value(f"{ONLY}('roll').toDataURL()")
    tab.click(*middle(painted(tab, colour(60))))
    assert arcs(tab) == 3  # head 2 to the first note, head 3 to both
    assert tab.value(f"{ONLY}('roll').toDataURL()") != empty
    assert [text.split(" ")[0] for text in listed(tab)] == ["C4", "C5"]
    assert "E4, velocity 60" in tab.value(f"{ONLY}('chosen').textContent")
    tab.value(f"(() => {{ const s = {ONLY}('layer'); s.value = '0'; s.dispatchEvent(new Event('change')); }})()")
    assert arcs(tab) == 1
    tab.value(f"{ONLY}('heads').children[1].click()")
    assert arcs(tab) == 0
    tab.value(f"{ONLY}('heads').children[1].click()")
    tab.press("Escape", 27)
    assert arcs(tab) == 0
    assert attribute(tab, "roll", "data-chosen") == "-1"


def test_lines_are_in_the_colour_of_their_head_and_as_wide_as_their_weight(tab: "Browser", tmp_path: Path) -> None:
    keys = np.full((3, 1, 2, 1), -1, np.int32)
    weights = np.zeros(keys.shape, np.float32)
    keys[2, 0, :, 0] = [0, 1]
    weights[2, 0, :, 0] = [0.9, 0.1]
    written(tmp_path / "a.html", THREE, attention=Attention(keys, weights))
    tab.open(tmp_path / "a.html")
    tab.value(
        """(() => {
          window.widths = {};
          const stroke = CanvasRenderingContext2D.prototype.stroke;
          CanvasRenderingContext2D.prototype.stroke = function () {
            window.widths[this.strokeStyle] = this.lineWidth;
            return stroke.call(this);
          };
        })()"""
    )
    for key in ".", ".", ".":
        tab.press(key)
    widths = tab.value("window.widths")
    assert widths[palette.HEADS[0]] > 3 * widths[palette.HEADS[1]] > 0
    assert palette.HEADS[2] not in widths


def test_the_list_has_shares_of_all_attention(tab: "Browser", tmp_path: Path) -> None:
    """In 2 layers of 3 heads: 0.6 / 6, 0.5 / 6, 0.25 / 6 and 0.2 / 6, and what is left to 1."""
    written(tmp_path / "a.html", THREE, attention=looking_back())
    tab.open(tmp_path / "a.html")
    assert tab.value(f"{ONLY}('scale').hidden")
    tab.click(*middle(painted(tab, colour(60))))
    rows = (
        "[...document.querySelectorAll('#keys li, #rest li')].map((each) => [each.innerText.replace(/\\s+/g, ' '),"
        " [...each.querySelectorAll('.meter span')].reduce((sum, part) => sum + parseFloat(part.style.width), 0)])"
    )
    names, widths = zip(*tab.value(rows), strict=True)
    assert names == ("C4 0:00.50 14%", "C5 0:02.00 8%", "other earlier notes 3%", "no earlier note 74%")
    assert widths == pytest.approx([4 * 85 / 6, 4 * 50 / 6, 0, 0], abs=0.8)  # a byte for each weight
    said = tab.value(f"{ONLY}('scale').innerText")
    assert said == "All rows together are 100% of this note's attention; a full bar is 25%."
    for head in (0, 2):
        tab.value(f"{ONLY}('heads').children[{head}].click()")
    assert [name for name, _ in tab.value(rows)] == ["C4 0:00.50 30%", "other earlier notes 10%", "no earlier note 60%"]
    tab.value(f"{ONLY}('heads').children[1].click()")
    assert tab.value(rows) == []


def test_small_shares_are_less_than_one_percent(tab: "Browser", tmp_path: Path) -> None:
    keys = np.zeros((2, 1, 1, 1), np.int32)
    keys[0] = -1
    weights = np.array([0, 0.008], np.float32).reshape(keys.shape)
    written(
        tmp_path / "a.html", Notes.of([60, 72], [20, 120], [0.0, 1.0], [1.0, 2.0]), attention=Attention(keys, weights)
    )
    tab.open(tmp_path / "a.html")
    for key in ".", ".":
        tab.press(key)
    assert listed(tab) == ["C4 0:00.00 <1%"]
    assert tab.value(f"{ONLY}('rest').innerText.replace(/\\s+/g, ' ')") == "no earlier note 99%"


def test_another_piece_is_shown_on_the_same_page(tab: "Browser", tmp_path: Path) -> None:
    written(tmp_path / "a.html", THREE, attention=looking_back())
    tab.open(tmp_path / "a.html")
    tab.press("End", 35)
    tab.click(*middle(painted(tab, colour(60))))
    other = piece_of(Notes.of([50], [1], [0.0], [1.5]), "Another")
    tab.value(f"roll.load({json.dumps(other)})")
    tab.frame()
    assert position(tab) == 1.5
    assert (attribute(tab, "roll", "data-chosen"), arcs(tab)) == ("-1", 0)
    assert tab.value(f"{ONLY}('title').textContent") == "Another"
    assert painted(tab, colour(1))
    assert not painted(tab, colour(60))
    assert tab.value(f"{ONLY}('layer').offsetParent") is None


def test_the_keyboard_goes_from_note_to_note(tab: "Browser", tmp_path: Path) -> None:
    written(tmp_path / "a.html", THREE, attention=looking_back())
    tab.open(tmp_path / "a.html")
    seen = []
    for key in ".", ".", ".", ".", ",":
        tab.press(key)
        seen.append((attribute(tab, "roll", "data-chosen"), arcs(tab)))
    assert seen == [("0", 0), ("1", 1), ("2", 3), ("2", 3), ("1", 1)]


def test_without_attention_the_page_says_how_to_get_it(tab: "Browser", tmp_path: Path) -> None:
    written(tmp_path / "a.html", THREE)
    tab.open(tmp_path / "a.html")
    assert "gpt2kit music render piece.mid --run RUN" in tab.value(f"{ONLY}('chosen').textContent")
    assert tab.value(f"{ONLY}('layer').offsetParent") is None
    tab.click(*middle(painted(tab, colour(60))))
    assert attribute(tab, "roll", "data-chosen") == "2"


@pytest.mark.parametrize("notes", [Notes.none(), Notes.of([0, 127], [1, 127], [0.0, 3600.0], [1e-3, 3601.0])])
def test_no_notes_and_the_widest_range(tab: "Browser", tmp_path: Path, notes: Notes) -> None:
    written(tmp_path / "a.html", notes)
    tab.open(tmp_path / "a.html")
    for key, code in ((" ", 32), (" ", 32), ("End", 35), (".", 0), ("+", 0), ("-", 0), ("Escape", 27)):
        tab.press(key, code)
    assert attribute(tab, "play", "aria-label") == "Play"


def test_a_hostile_title_is_shown_and_not_run(tab: "Browser", tmp_path: Path) -> None:
    written(tmp_path / "a.html", THREE, EVIL)
    tab.open(tmp_path / "a.html")
    assert tab.value(f"{ONLY}('title').textContent") == EVIL
    assert tab.value("document.images.length") == 0
    assert tab.value("document.title").startswith("</script>")


def test_it_fits_a_phone(tab: "Browser", tmp_path: Path) -> None:
    written(tmp_path / "a.html", THREE, attention=looking_back())
    tab.open(tmp_path / "a.html", 360, 740, mobile=True)
    assert tab.value("document.documentElement.scrollWidth") <= 360
    assert tab.value(f"{ONLY}('clock').scrollWidth <= {ONLY}('clock').clientWidth"), "the clock has room"
    assert tab.value(f"{ONLY}('roll').clientHeight") > 200
    assert painted(tab, colour(20))


WRITTEN = """(() => {
  window.names = new Map();
  const pen = CanvasRenderingContext2D.prototype, { fillText } = pen;
  pen.fillText = function (text, x, y) {
    if (y === 6) names.set(text, [x, x + this.measureText(text).width]);
    return fillText.call(this, text, x, y);
  };
})()"""


def test_the_names_of_lines_are_whole_on_a_phone(tab: "Browser", tmp_path: Path) -> None:
    """Wherever the line of the primer is in view, and next to that of the next event."""
    long = Notes.of([60] * 20, [60] * 20, np.arange(20.0), np.arange(20) + 0.9)
    written(tmp_path / "a.html", long, primer_seconds=9.0)
    tab.open(tmp_path / "a.html", 360, 740, mobile=True)
    tab.value(WRITTEN)
    wide = tab.value(f"{ONLY}('roll').clientWidth")
    piece = json.dumps(piece_of(long, "A piece", 9.0))
    sides = set()
    for now in ("", ", now: 9", ", now: 9.2"):
        for time in np.arange(0, 19, 0.8).tolist():
            tab.value(f"names.clear(); roll.load({{ ...{piece}{now} }}); roll.seek({time})")
            tab.frame()
            names = tab.value("[...names]")
            assert all(56 <= first < last <= wide for _, (first, last) in names)
            places = sorted(place for _, place in names)
            assert all(one[1] <= other[0] for one, other in pairwise(places))
            sides.add(tuple(sorted(name for name, _ in names)))
    assert {("primer",), ("next event", "primer"), ()} <= sides


def test_what_an_empty_roll_says_fits_on_a_phone(tab: "Browser", tmp_path: Path) -> None:
    """Of a piece that is being written; its lines are recorded when the roll is drawn again."""
    page = written(tmp_path / "a.html", Notes.none())
    (tmp_path / "a.html").write_text(page.replace('"primer":', '"now":0.0,"primer":', 1), encoding="utf-8")
    tab.open(tmp_path / "a.html")
    tab.value(
        "(() => { globalThis.lines = []; const { prototype } = CanvasRenderingContext2D, draw = prototype.fillText;"
        " prototype.fillText = function (text, x, ...more) {"
        " const half = this.measureText(text).width / 2;"
        " if (this.textAlign === 'center') lines.push([text, x - half, x + half]);"
        " draw.call(this, text, x, ...more); }; })()"
    )
    tab.send("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=1, mobile=True)
    tab.until("lines.some(([text]) => text.includes('choose'))")
    said = [line for line in tab.value("lines") if line[0][0].isalpha()][-2:]
    assert " ".join(text for text, _, _ in said) == "The piece begins with the event that you choose."
    wide = tab.value("document.getElementById('roll').clientWidth")
    assert all(0 < left < right < wide for _, left, right in said)
