"""Notes as a WAV or FLAC file, with what the machine has: FluidSynth, TinySoundFont, or our own piano.

The only import of pyfluidsynth and tinysoundfont. Neither is required: the first needs a system library, the second
declares a dependency (PyAudio) that fails to build without one.
"""

import importlib.util
import os
import tempfile
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gpt2kit.errors import DataError, UserError
from gpt2kit.files import atomic
from gpt2kit.music.audio import flac, piano
from gpt2kit.music.notes import Notes
from gpt2kit.overwriting import GENERATOR

Samples = NDArray[np.float32]

TAIL = 2.0
"""Seconds after the last note's end, in which strings and room fade out."""
BLOCK = 1 << 17
"""Frames computed at a time: three seconds."""
PEAK = 0.89
"""The loudest sample, -1 dB: converters overshoot between two samples at full scale."""
MOST_GAIN = 8.0
"""Greatest amplification: a very soft piece stays soft; without a bound it would become noise."""
SAMPLE_RATES = range(8000, 96001)
BYTES_PER_FRAME = 4
LARGEST_WAV = 2**32 - 1024
"""Largest file: the format counts its bytes in 32 bits."""


class Player(Protocol):
    """A synthesizer with keys."""

    def strike(self, pitch: int, velocity: int) -> None: ...

    def release(self, pitch: int) -> None: ...

    def render(self, frames: int) -> Samples:
        """The next (frames, 2) samples."""
        ...

    def close(self) -> None: ...


def write_wav(path: Path, notes: Notes, sample_rate: int = 44100) -> str:
    """Write the sound of `notes` as 16-bit stereo, scaled so that its peak is at -1 dB; silence without notes.

    The file lasts TAIL seconds longer than the notes. Memory stays bounded for hours of music; the samples are in a
    temporary file next to `path` until their peak is known.

    Returns the name of the synthesizer: "fluidsynth", "tinysoundfont" or "built-in". Raises UserError for a sample rate
    outside 8,000 to 96,000 Hz, DataError for more music than a WAV file can hold, MachineError if `path` cannot be
    written.
    """
    if wav_bytes(notes.duration, sample_rate) > LARGEST_WAV:
        most = LARGEST_WAV / BYTES_PER_FRAME / sample_rate / 3600
        raise DataError(
            f"{path}: {notes.duration / 3600:.1f} hours of music do not fit: at {sample_rate} Hz a WAV file holds "
            f"{most:.1f} hours"
        )
    with atomic(path) as temporary, _recorded(notes, sample_rate, path.parent) as (name, frames, blocks):
        with wave.open(str(temporary), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(sample_rate)
            file.setnframes(frames)
            for block in blocks:
                file.writeframesraw(block.tobytes())
        _sign(temporary)
    return name


def write_flac(path: Path, notes: Notes, sample_rate: int = 44100) -> str:
    """Write the samples of `write_wav`, compressed without loss, however long the music is.

    Raises the same errors, and MachineError without the package soundfile.
    """
    flac.require()
    with atomic(path) as temporary, _recorded(notes, sample_rate, path.parent) as (name, frames, blocks):
        flac.write(temporary, sample_rate, frames, blocks)
    return name


def wav_bytes(seconds: float, sample_rate: int = 44100) -> int:
    """The size in bytes of a WAV file of this many seconds."""
    return round((seconds + TAIL) * sample_rate) * BYTES_PER_FRAME


@contextmanager
def _recorded(notes: Notes, sample_rate: int, folder: Path) -> Iterator[tuple[str, int, Iterator[NDArray[np.int16]]]]:
    """The name of the synthesizer, the number of frames, and the scaled samples in blocks."""
    if sample_rate not in SAMPLE_RATES:
        raise UserError(
            f"a sample rate of {sample_rate} Hz is not supported; accepted are {SAMPLE_RATES[0]} to {SAMPLE_RATES[-1]}"
        )
    frames = round((notes.duration + TAIL) * sample_rate)
    with tempfile.TemporaryFile(dir=folder) as scratch:
        name, blocks = _sound(notes, sample_rate, frames)
        peak = 0.0
        for block in blocks:
            peak = max(peak, float(np.abs(block).max(initial=0.0)))
            scratch.write(block.astype("<f4").tobytes())
        gain = min(PEAK / peak, MOST_GAIN) if peak else 1.0
        scratch.seek(0)
        raw = iter(lambda: scratch.read(BLOCK * 8), b"")
        yield name, frames, (np.rint(np.frombuffer(part, "<f4") * (gain * 32767)).astype("<i2") for part in raw)


def _sign(path: Path) -> None:
    """Append the name of the software to a WAV file, as a LIST chunk that players skip."""
    name = GENERATOR.encode() + b"\0"
    info = b"INFOISFT" + len(name).to_bytes(4, "little") + name
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.write(b"LIST" + len(info).to_bytes(4, "little") + info)
        file.seek(4)
        file.write((size + len(info)).to_bytes(4, "little"))  # of all that follows these eight bytes


def soundfont() -> Path | None:
    """The General-MIDI soundfont inside pretty_midi's wheel, found without importing the package; None without it."""
    spec = importlib.util.find_spec("pretty_midi")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "TimGM6mb.sf2"
        if path.is_file():
            return path
    return None


def synthesizer() -> str:
    """The name of the synthesizer that `write_wav` would use now."""
    if (found := _player(44100)) is None:
        return "built-in"
    name, player = found
    player.close()
    return name


def _sound(notes: Notes, sample_rate: int, frames: int) -> tuple[str, Iterator[Samples]]:
    """The first synthesizer that works, and its blocks, `frames` long in total."""
    if found := _player(sample_rate):
        name, player = found
        return name, _played(player, notes, sample_rate, frames)
    return "built-in", piano.blocks(notes, sample_rate, frames, BLOCK)


def _player(sample_rate: int) -> tuple[str, Player] | None:
    """The first installed one that works; None if there is none."""
    kinds: dict[str, Callable[[Path, int], Player]] = {"fluidsynth": _FluidSynth, "tinysoundfont": _TinySoundFont}
    if path := soundfont():
        for name, kind in kinds.items():
            if player := _working(kind, path, sample_rate):
                return name, player
    return None


def _working(kind: Callable[[Path, int], Player], path: Path, sample_rate: int) -> Player | None:
    """A player that has just made a sound; None if it is not installed or fails in any way.

    Possible failures: no package, no system library (ImportError or OSError, by version), another package of the same
    name (`pip install fluidsynth` is not pyfluidsynth), a damaged soundfont, silence.
    """
    try:
        player = kind(path, sample_rate)
        player.strike(60, 80)
        heard = player.render(sample_rate // 10)
        player.close()
        if heard.shape != (sample_rate // 10, 2) or not np.isfinite(heard).all() or not heard.any():
            return None
        return kind(path, sample_rate)  # a new one, in which nothing still sounds
    except Exception:
        return None


def _played(player: Player, notes: Notes, sample_rate: int, frames: int) -> Iterator[Samples]:
    """Strike and release the keys at their sample, in blocks of at most BLOCK frames.

    A key struck again while it is down is released first, and only the last of its notes to end releases it: a player
    has one key per pitch.
    """
    pitch = np.concatenate([notes.pitch, notes.pitch]).astype(np.int64)
    velocity = np.concatenate([notes.velocity, np.zeros(len(notes), np.uint8)]).astype(np.int64)
    begins, ends = (np.round(times * sample_rate).astype(np.int64) for times in (notes.start, notes.end))
    # A release in the same sample as its own stroke would come first, and the key would stay down.
    at = np.concatenate([begins, np.maximum(ends, begins + 1)])
    order = np.lexsort((velocity > 0, at))  # releases before strokes of the same moment
    down = [0] * 128
    now = 0
    try:
        for index in order.tolist():
            yield from _rendered(player, int(at[index]) - now)
            now = int(at[index])
            key = int(pitch[index])
            if velocity[index]:
                if down[key]:
                    player.release(key)
                down[key] += 1
                player.strike(key, int(velocity[index]))
            else:
                down[key] -= 1
                if down[key] == 0:
                    player.release(key)
        yield from _rendered(player, frames - now)
    finally:
        player.close()


def _rendered(player: Player, frames: int) -> Iterator[Samples]:
    for begin in range(0, frames, BLOCK):
        yield player.render(min(BLOCK, frames - begin))


class _FluidSynth:
    """pyfluidsynth over the system's FluidSynth: https://github.com/nwhitehead/pyfluidsynth."""

    def __init__(self, path: Path, sample_rate: int) -> None:
        module = importlib.import_module("fluidsynth")
        # It mixes in 16 bits: a low gain avoids clipping.
        self._synth: Any = module.Synth(gain=0.2, samplerate=float(sample_rate))
        loaded = self._synth.sfload(str(path))
        if loaded < 0:
            raise ValueError(f"{path}: not a soundfont")
        self._synth.program_select(0, loaded, 0, 0)

    def strike(self, pitch: int, velocity: int) -> None:
        self._synth.noteon(0, pitch, velocity)

    def release(self, pitch: int) -> None:
        self._synth.noteoff(0, pitch)

    def render(self, frames: int) -> Samples:
        mixed = np.asarray(self._synth.get_samples(frames), np.float32)
        return (mixed / np.float32(32768)).reshape(-1, 2)

    def close(self) -> None:
        self._synth.delete()


class _TinySoundFont:
    """tinysoundfont, which includes its synthesizer: https://github.com/nwhitehead/tinysoundfont-pybind."""

    def __init__(self, path: Path, sample_rate: int) -> None:
        module = importlib.import_module("tinysoundfont")
        self._synth: Any = module.Synth(samplerate=sample_rate)
        self._synth.program_select(0, self._synth.sfload(str(path)), 0, 0)

    def strike(self, pitch: int, velocity: int) -> None:
        self._synth.noteon(0, pitch, velocity)

    def release(self, pitch: int) -> None:
        self._synth.noteoff(0, pitch)

    def render(self, frames: int) -> Samples:
        return np.frombuffer(self._synth.generate(frames), np.float32).reshape(-1, 2).copy()

    def close(self) -> None:
        pass
