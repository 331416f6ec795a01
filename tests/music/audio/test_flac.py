"""FLAC files: the samples of the WAV file, and what is said without the package or with a full disk."""

import sys
import wave
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gpt2kit.errors import MachineError, UserError
from gpt2kit.music.audio import flac, sound
from gpt2kit.music.notes import Notes
from gpt2kit.overwriting import FLAC, SOUND

CHORD = Notes.of([60, 64, 67], [50, 70, 90], [0.0, 0.1, 0.2], [0.5, 0.5, 0.6])
RATE = 8000


def test_it_has_the_samples_of_the_wav(tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    path = tmp_path / "a.flac"
    assert sound.write_flac(path, CHORD, RATE) == sound.write_wav(tmp_path / "a.wav", CHORD, RATE)
    with wave.open(str(tmp_path / "a.wav")) as file:
        expected = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    assert (tmp_path / "a.wav").stat().st_size - 80 < sound.wav_bytes(CHORD.duration, RATE) == 4 * len(expected)
    samples, rate = soundfile.read(path, dtype="int16")
    assert rate == RATE
    assert np.array_equal(samples, expected)
    assert path.stat().st_size < 0.7 * sound.wav_bytes(CHORD.duration, RATE)
    assert FLAC.wrote(path)
    assert not SOUND.wrote(path)
    soundfile.write(str(path), samples, RATE)
    assert not FLAC.wrote(path), "one of another program"
    with pytest.raises(UserError, match="accepted are 8000 to 96000"):
        sound.write_flac(path, CHORD, 7999)


class Full(RuntimeError):
    """As soundfile says that a disk is full."""


def soundfile_with(monkeypatch: pytest.MonkeyPatch, frames: int, error: Exception | None) -> None:
    """A module that writes a file in which it finds so many frames."""

    class Writer:
        def __init__(self, path: str, *_: object, **__: object) -> None:
            Path(path).touch()

        def __enter__(self) -> "Writer":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def write(self, samples: Any) -> None:
            assert samples.shape[1] == 2
            if error is not None:
                raise error

    module: Any = ModuleType("soundfile")
    module.SoundFile, module.SoundFileError = Writer, Full
    module.info = lambda path: SimpleNamespace(frames=frames)
    monkeypatch.setitem(sys.modules, "soundfile", module)


@pytest.mark.parametrize(
    ("frames", "error", "message"),
    [(2**63 - 1, None, "the disk may be full"), (20800, Full("System error."), r"System error\.")],
)
def test_a_full_disk_is_noticed_when_writing_and_when_closing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, frames: int, error: Exception | None, message: str
) -> None:
    soundfile_with(monkeypatch, frames, error)
    with pytest.raises(MachineError, match=rf"a\.flac: cannot be written: {message}"):
        sound.write_flac(tmp_path / "a.flac", CHORD, RATE)
    assert list(tmp_path.iterdir()) == []
    soundfile_with(monkeypatch, 20800, None)
    sound.write_flac(tmp_path / "a.flac", CHORD, RATE)


def test_without_the_package_the_command_that_installs_it_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(MachineError, match=r"pip install 'gpt2kit\[flac\]'"):
        sound.write_flac(tmp_path / "a.flac", CHORD)
    with pytest.raises(MachineError):
        flac.require()
    assert list(tmp_path.iterdir()) == []
