"""What the tests of music share: random performances, MIDI files made event by event, and a browser.

The browser is a headless Chromium, driven over a pipe by the DevTools protocol: enough of it to look at one page.

https://chromedevtools.github.io/devtools-protocol/
"""

import base64
import fcntl
import io
import json
import os
import select
import shutil
import subprocess
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mido
import pretty_midi
import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATIENCE = 60.0
"""Seconds for any one answer, on a busy machine."""


def installed() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One tab. `problems` collects what the console complained of and every request but that of the file itself."""

    def __init__(self, commands: int, answers: int) -> None:
        self.problems: list[str] = []
        self._commands, self._answers = commands, answers
        self._buffer = b""
        self._number = 0
        self._session = ""
        self._loaded = False
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: object) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self._note(answer)

    def open(self, path: Path, width: int = 1280, height: int = 900, dark: bool = False, mobile: bool = False) -> None:
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self._loaded = False
        self.send("Page.navigate", url=path.as_uri())
        while not self._loaded:
            self._note(self._receive())
        self.frame()

    def value(self, script: str) -> Any:
        """What a JavaScript expression gives; awaited if it is a promise."""
        result = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def frame(self) -> None:
        """Let the page paint what it has asked to."""
        self.value("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")

    def until(self, script: str) -> None:
        end = time.monotonic() + PATIENCE
        while not self.value(script):
            assert time.monotonic() < end, f"never true: {script}"
            time.sleep(0.02)

    def press(self, key: str, code: int = 0) -> None:
        text = {"text": key} if len(key) == 1 else {}
        for kind in ("keyDown", "keyUp"):
            more = text if kind == "keyDown" else {}
            self.send("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **more)
        self.frame()

    def mouse(self, kind: str, x: float, y: float) -> None:
        pressed = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
        self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **pressed)

    def click(self, x: float, y: float) -> None:
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.mouse(kind, x, y)
        self.frame()

    def picture(self, path: Path) -> None:
        shot = self.send("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._answers], [], [], PATIENCE)
            part = os.read(self._answers, 1 << 20) if ready else b""
            assert part, "the browser has gone or does not answer"
            self._buffer += part
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)

    def _note(self, event: dict[str, Any]) -> None:
        method, parameters = event.get("method"), event.get("params", {})
        if method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Runtime.exceptionThrown":
            self.problems.append(str(parameters["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.problems.append(str(parameters["args"]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.problems.append(parameters["entry"]["text"])
        elif method == "Network.requestWillBeSent" and parameters.get("type") != "Document":
            self.problems.append(f"requested {parameters['request']['url'][:200]}")


@contextmanager
def browser(program: str, folder: Path) -> Iterator[Browser]:
    """A browser whose profile lies in `folder`."""
    theirs_in, commands = os.pipe()
    answers, theirs_out = os.pipe()
    # The protocol's pipes are descriptors 3 and 4, which may be taken here: first out of the way, then into place.
    far_in, far_out = (fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (theirs_in, theirs_out))

    def place() -> None:
        os.dup2(far_in, 3)
        os.dup2(far_out, 4)

    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"]
    flags += ["--mute-audio", "--remote-debugging-pipe", f"--user-data-dir={folder}", "about:blank"]
    process = subprocess.Popen(
        [program, *flags],
        pass_fds=(3, 4),
        preexec_fn=place,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for end in (theirs_in, theirs_out, far_in, far_out):
        os.close(end)
    try:
        yield Browser(commands, answers)
    finally:
        os.close(commands)
        os.close(answers)
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = installed()
    if program is None:
        pytest.skip("no Chromium or Chrome is installed")
    with browser(program, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Browser]:
    """A browser that must have had nothing to complain of when the test ends."""
    chromium.problems.clear()
    yield chromium
    assert chromium.problems == []


Track = Iterable[mido.Message | mido.MetaMessage]
Row = tuple[int, int, float, float]
"""pitch, velocity, start, end"""


@pytest.fixture
def midi_file() -> Callable[..., bytes]:
    """`midi_file(track, ..., division=480, type=1)`: the bytes of a file; times are ticks since the message before."""

    def make(*tracks: Track, division: int = 480, type: int = 1) -> bytes:
        file = mido.MidiFile(ticks_per_beat=division, type=type)
        file.tracks.extend(mido.MidiTrack(track) for track in tracks)
        written = io.BytesIO()
        file.save(file=written)
        return written.getvalue()

    return make


@pytest.fixture
def plainly_heard() -> Callable[..., list[float]]:
    """`plainly_heard(notes, moves, last)`: when notes (pitch, start, end) end whose pedal `moves` (when, value)."""

    def hear(notes: list[tuple[int, float, float]], moves: list[tuple[float, int]], last: float) -> list[float]:
        """`apply_sustain_control_changes` of note-seq; movements at one instant keep their order."""
        ends = [end for _, _, end in notes]
        happenings: list[tuple[float, int, int]] = [(when, 0, value) for when, value in moves]
        happenings += [(start, 1, index) for index, (_, start, _) in enumerate(notes)]
        happenings += [(end, 2, index) for index, (_, _, end) in enumerate(notes)]
        is_down, active = False, list[int]()
        for moment, kind, what in sorted(happenings, key=lambda happening: happening[:2]):
            if kind == 0:
                is_down = what >= 64
                if not is_down:
                    for index in [index for index in active if ends[index] < moment]:
                        ends[index] = moment
                        active.remove(index)
            elif kind == 1:
                if is_down:
                    for index in [index for index in active if notes[index][0] == notes[what][0]]:
                        ends[index] = moment
                        active.remove(index)
                active.append(what)
            elif not is_down and what in active:
                active.remove(what)
        for index in active:
            ends[index] = last
        return ends

    return hear


@pytest.fixture
def oracle(plainly_heard: Callable[..., list[float]]) -> Callable[[bytes], tuple[list[Row], int]]:
    """What pretty_midi reads, with the pedal by the plain rule: notes of pianos, and how many others there are."""

    def read(content: bytes) -> tuple[list[Row], int]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file = pretty_midi.PrettyMIDI(io.BytesIO(content))
        pianos = [piano for piano in file.instruments if not piano.is_drum and piano.program < 8]
        times = [note.end for piano in pianos for note in piano.notes]
        moves = [sorted((c.time, c.value) for c in piano.control_changes if c.number == 64) for piano in pianos]
        last = max([*times, *(time for movements in moves for time, _ in movements)], default=0.0)
        found = []
        for piano, movements in zip(pianos, moves, strict=True):
            notes = sorted(piano.notes, key=lambda note: note.start)
            ends = plainly_heard([(note.pitch, note.start, note.end) for note in notes], movements, last)
            found += [
                (note.pitch, note.velocity, float(note.start), float(end))
                for note, end in zip(notes, ends, strict=True)
                if end > note.start
            ]
        return sorted(found), sum(len(other.notes) for other in file.instruments if other not in pianos)

    return read
