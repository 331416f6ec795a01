"""What the page of a run that plays shows and sounds while it is used: touched, held, and continued event by event."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gpt2kit.music.pages import palette

if TYPE_CHECKING:
    from tests.live.conftest import PianoPage

COUNT_STRUCK = """globalThis.struck = 0;
const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (when) {
  if (this.context.state === "running") struck++;
  start.call(this, when);
};"""
"""The number of keys that have been heard."""
PHONE = (390, 844)


def test_the_first_tap_on_a_touch_screen_is_heard(piano: "PianoPage", piano_file: Path) -> None:
    """Without a warning that sound is not allowed: it is from the moment when the finger is lifted."""
    tab = piano.tab
    script = tab.send("Page.addScriptToEvaluateOnNewDocument", source=COUNT_STRUCK)["identifier"]
    tab.send("Emulation.setTouchEmulationEnabled", enabled=True)
    tab.open(piano_file, *PHONE, mobile=True)
    piano.settled()
    x, y = piano.place("[data-pitch='65']")
    assert not tab.value("navigator.userActivation.hasBeenActive")
    for number in (1, 2):
        tab.send("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        assert piano.down() == [65]
        tab.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        tab.until(f"struck === {number}")
    tab.send("Emulation.setTouchEmulationEnabled", enabled=False)
    tab.send("Page.removeScriptToEvaluateOnNewDocument", identifier=script)
    assert piano.notes().pitch.tolist() == [65, 65]


def test_a_key_that_is_held_grows_in_the_roll(piano: "PianoPage") -> None:
    tab, colour = piano.tab, palette.hexadecimal(palette.of_velocity(72))
    time = "Number(document.getElementById('overview').getAttribute('aria-valuenow'))"
    piano.letter("a", "keyDown")
    tab.until(f"{time} > 0.4")
    first = piano.columns(colour, 3)
    piano.letter("d")
    now = tab.value(time)
    tab.until(f"{time} > {now + 0.4}")
    second = piano.columns(colour, 3)
    assert 0 < len(first) < len(second)
    piano.letter("a", "keyUp")
    notes = piano.notes()
    assert notes.pitch.tolist() == [60, 64]
    assert notes.end[0] == pytest.approx(notes.duration)
    assert notes.end[0] > now + 0.4


def test_the_list_of_events_scrolls_to_its_end(piano: "PianoPage") -> None:
    tab, shown = piano.tab, "document.getElementById('so-far')"
    hidden = f"({shown}.scrollHeight - {shown}.clientHeight)"
    at_end = f"{hidden} > 50 && {hidden} - {shown}.scrollTop < 2"
    tab.send("Emulation.setDeviceMetricsOverride", width=PHONE[0], height=PHONE[1], deviceScaleFactor=1, mobile=True)
    piano.set(ten_seed=5, ten_temperature=1.0, go_seconds=2)
    piano.click("#go-on")
    piano.finished()
    piano.settled()
    piano.click("#events summary")
    tab.until(at_end)
    tab.value(f"void ({shown}.scrollTop = 0)")
    count = tab.value(f"{shown}.querySelectorAll('.tok').length")
    tab.value("document.querySelector('#sides button').click()")
    tab.until(f"{shown}.querySelectorAll('.tok').length === {count + 1}")
    assert tab.value(at_end)
