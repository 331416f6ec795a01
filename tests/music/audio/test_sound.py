"""WAV files: which synthesizer, how long, how loud, and what is refused."""

import sys
import wave
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

from gpt2kit.errors import DataError, MachineError, UserError
from gpt2kit.music.audio import sound
from gpt2kit.music.notes import Notes

RATE = 16000
CHORD = Notes.of([60, 64, 67], [50, 70, 90], [0.0, 0.5, 1.0], [1.5, 1.5, 2.0])


class Keys:
    """A synthesizer that counts keys: while any is down, it gives 0.25; it remembers what was asked of it."""

    made: "list[Keys]"

    def __init__(self, **settings: float) -> None:
        self.settings = settings
        self.down: set[int] = set()
        self.asked: list[tuple[str, int]] = []
        self.frames = 0
        self.made.append(self)

    def sfload(self, path: str) -> int:
        assert Path(path).is_file()
        return 7

    def program_select(self, channel: int, font: int, bank: int, preset: int) -> None:
        assert (channel, font, bank, preset) == (0, 7, 0, 0)

    def noteon(self, channel: int, pitch: int, velocity: int) -> None:
        assert pitch not in self.down
        self.down.add(pitch)
        self.asked.append(("on", self.frames))

    def noteoff(self, channel: int, pitch: int) -> None:
        self.down.remove(pitch)
        self.asked.append(("off", self.frames))

    def generate(self, frames: int) -> memoryview:  # as tinysoundfont has it
        assert frames <= sound.BLOCK
        self.frames += frames
        return memoryview(np.full(2 * frames, 0.25 if self.down else 0, np.float32).tobytes())

    def get_samples(self, frames: int) -> NDArray[np.int16]:  # as pyfluidsynth has it
        self.frames += frames
        return np.full(2 * frames, 8192 if self.down else 0, np.int16)

    def delete(self) -> None:
        pass


Install = Callable[..., list[Keys]]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Install:
    """Puts modules in place of the two synthesizers: `install("fluidsynth")` makes that one work and no other."""
    font = tmp_path / "font.sf2"
    font.touch()
    monkeypatch.setattr(sound, "soundfont", lambda: font)

    def put(*names: str, synth: type[Keys] = Keys) -> list[Keys]:
        synth.made = []
        for name in ("fluidsynth", "tinysoundfont"):
            module = ModuleType(name)
            if name in names:
                module.Synth = synth  # type: ignore[attr-defined]
            monkeypatch.setitem(sys.modules, name, module if name in names else None)
        return synth.made

    return put


def read(path: Path) -> NDArray[np.float64]:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, RATE)
        frames = file.readframes(file.getnframes())
        assert len(frames) == 4 * file.getnframes()
    return np.frombuffer(frames, "<i2").reshape(-1, 2) / 32767


def test_the_built_in_piano_where_nothing_else_is(install: Install, tmp_path: Path) -> None:
    install()
    assert sound.write_wav(tmp_path / "a.wav", CHORD, RATE) == "built-in"
    samples = read(tmp_path / "a.wav")
    assert len(samples) == round((2.0 + sound.TAIL) * RATE)
    assert np.abs(samples).max() == pytest.approx(sound.PEAK, abs=1e-3)
    assert np.abs(samples[-100:]).max() < 2e-3
    assert not np.array_equal(samples[:, 0], samples[:, 1])


@pytest.mark.parametrize("installed", [[], ["tinysoundfont"], ["fluidsynth"], ["fluidsynth", "tinysoundfont"]])
def test_the_synthesizer_that_would_be_heard_is_told(
    install: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, installed: list[str]
) -> None:
    install(*installed)
    assert sound.synthesizer() == sound.write_wav(tmp_path / "a.wav", CHORD, RATE)
    monkeypatch.setattr(sound, "soundfont", lambda: None)
    assert sound.synthesizer() == "built-in"


def test_without_a_soundfont_no_synthesizer_is_tried(
    install: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = install("fluidsynth", "tinysoundfont")
    monkeypatch.setattr(sound, "soundfont", lambda: None)
    assert sound.write_wav(tmp_path / "a.wav", CHORD, RATE) == "built-in"
    assert made == []


@pytest.mark.parametrize(
    ("installed", "chosen"),
    [
        (["fluidsynth", "tinysoundfont"], "fluidsynth"),
        (["fluidsynth"], "fluidsynth"),
        (["tinysoundfont"], "tinysoundfont"),
    ],
)
def test_the_first_that_works_plays_every_key_on_time(
    install: Install, tmp_path: Path, installed: list[str], chosen: str
) -> None:
    made = install(*installed)
    assert sound.write_wav(tmp_path / "a.wav", CHORD, RATE) == chosen
    times = [("on", 0.0), ("on", 0.5), ("on", 1.0), ("off", 1.5), ("off", 1.5), ("off", 2.0)]
    assert made[-1].asked == [(what, round(seconds * RATE)) for what, seconds in times]
    samples = read(tmp_path / "a.wav")
    assert len(samples) == made[-1].frames == round((2.0 + sound.TAIL) * RATE)
    assert np.abs(samples[: 2 * RATE]).min() == pytest.approx(sound.PEAK, abs=1e-3)
    assert not samples[2 * RATE :].any()


class Broken(Keys):
    def generate(self, frames: int) -> memoryview:
        raise RuntimeError("no such function")


class Silent(Keys):
    def generate(self, frames: int) -> memoryview:
        return memoryview(np.zeros(2 * frames, np.float32).tobytes())


class Mad(Keys):
    def generate(self, frames: int) -> memoryview:
        return memoryview(np.full(2 * frames, np.nan, np.float32).tobytes())


class Fontless(Keys):
    def sfload(self, path: str) -> int:
        raise OSError("unreadable")


@pytest.mark.parametrize("synth", [Broken, Silent, Mad, Fontless])
def test_one_that_does_not_work_is_passed_over(install: Install, tmp_path: Path, synth: type[Keys]) -> None:
    install("tinysoundfont", synth=synth)
    assert sound.write_wav(tmp_path / "a.wav", CHORD, RATE) == "built-in"


def test_another_package_of_the_name_is_passed_over(
    install: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install("tinysoundfont")
    monkeypatch.setitem(sys.modules, "fluidsynth", ModuleType("fluidsynth"))
    assert sound.write_wav(tmp_path / "a.wav", CHORD, RATE) == "tinysoundfont"


def test_a_key_struck_while_down_is_let_go_first_and_none_stays_down(install: Install, tmp_path: Path) -> None:
    made = install("tinysoundfont")
    moment = 0.1 / RATE
    notes = Notes.of([60, 60, 62, 62], [80, 80, 80, 80], [0.0, 0.5, 1.0, 1.2], [1.0, 0.8, 1.0 + moment, 1.2 + moment])
    sound.write_wav(tmp_path / "a.wav", notes, RATE)
    kinds = [what for what, _ in made[-1].asked]
    assert kinds == ["on", "off", "on", "off", "on", "off", "on", "off"]
    assert made[-1].down == set()


def test_the_real_tinysoundfont_plays_the_keys_that_are_struck(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is not a dependency, not even of the tests: see `gpt2kit.music.audio.sound`."""
    pytest.importorskip("tinysoundfont")
    monkeypatch.setitem(sys.modules, "fluidsynth", None)
    assert sound.soundfont() is not None
    notes = Notes.of([69, 57], [90, 90], [0.0, 2.0], [1.0, 3.0])
    assert sound.write_wav(tmp_path / "a.wav", notes, RATE) == "tinysoundfont"
    samples = read(tmp_path / "a.wav")
    assert len(samples) == round((3.0 + sound.TAIL) * RATE)
    assert 0.5 < np.abs(samples).max() <= sound.PEAK + 1e-3
    for begin, pitch in [(0.1, 440.0), (2.1, 220.0)]:
        heard = samples[round(begin * RATE) : round((begin + 0.8) * RATE), 0]
        loudest = np.abs(np.fft.rfft(heard)).argmax() / 0.8
        assert loudest / pitch == pytest.approx(round(loudest / pitch), abs=0.02), "the key's note or an overtone"
        assert 1 <= round(loudest / pitch) <= 3
    assert np.abs(samples[-100:]).max() < 0.01


def test_silence_without_notes(install: Install, tmp_path: Path) -> None:
    install()
    sound.write_wav(tmp_path / "a.wav", Notes.none(), RATE)
    samples = read(tmp_path / "a.wav")
    assert len(samples) == sound.TAIL * RATE
    assert not samples.any()


def test_a_whisper_is_not_blown_up(install: Install, tmp_path: Path) -> None:
    install()
    sound.write_wav(tmp_path / "a.wav", Notes.of([60], [1], [0.0], [1.0]), RATE)
    assert 0.01 < np.abs(read(tmp_path / "a.wav")).max() < sound.PEAK


def test_the_same_notes_give_the_same_bytes(install: Install, tmp_path: Path) -> None:
    install()
    for name in ("a.wav", "b.wav"):
        sound.write_wav(tmp_path / name, CHORD, RATE)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


@pytest.mark.parametrize("rate", [0, -1, 7999, 96001])
def test_an_impossible_rate_is_refused(tmp_path: Path, rate: int) -> None:
    with pytest.raises(UserError, match="accepted are 8000 to 96000"):
        sound.write_wav(tmp_path / "a.wav", CHORD, rate)


def test_more_than_a_wav_holds_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a WAV file holds 6\.8 hours"):
        sound.write_wav(tmp_path / "a.wav", Notes.of([60], [80], [7 * 3600.0], [7 * 3600.0 + 1]), 44100)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there(install: Install, tmp_path: Path) -> None:
    install()
    with pytest.raises(MachineError, match="cannot be written"):
        sound.write_wav(tmp_path / "no" / "a.wav", CHORD, RATE)


def test_the_soundfont_is_found_where_pretty_midi_keeps_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "pretty_midi"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('must not be imported')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pretty_midi", raising=False)
    assert sound.soundfont() is None
    (package / "TimGM6mb.sf2").touch()
    assert sound.soundfont() == package / "TimGM6mb.sf2"
