"""A piano synthesised with numpy alone, for machines without a synthesizer.

Why not a sampler over the soundfont that pretty_midi ships: its piano is one velocity layer of samples of 0.3 to 0.6
seconds at 22 kHz, then a loop of about one period through a low-pass filter, and it has no keys above 108. Sums of
decaying partials sound fuller, follow the velocity in timbre as well as in loudness, and can be tested by their
spectra.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gpt2kit.music.notes import Notes

Samples = NDArray[np.float32]

MOST_PARTIALS = 48
INAUDIBLE = 1e-4
"""A note this far (80 dB) below its beginning has ended."""
LONGEST_NOTE = 30.0
"""Seconds after which even the lowest string held down is silent: the bound on memory."""
STRIDE = 512
"""Samples per row of the factorised oscillators; near the square root of a note's length."""
RELEASE = 0.09
"""Seconds in which a damper reduces a middle string to 1/e."""
UNDAMPED = 90
"""From this key upwards a piano has no dampers."""
ROOM_SECONDS = 1.1
ROOM_LEVEL = 0.5
DETUNING = 0.35
"""Cents between the strings of one key; their beats make a piano's long tones sound alive."""


def blocks(notes: Notes, sample_rate: int, frames: int, block: int) -> Iterator[Samples]:
    """The sound of `notes` as arrays (up to `block`, 2) with `frames` frames in total; not scaled to a peak.

    Memory is bounded by `block` and LONGEST_NOTE, however long the piece is.
    """
    begins = np.round(notes.start * sample_rate).astype(np.int64)
    waiting = np.zeros((0, 2), np.float32)
    room = _Room(sample_rate, block)
    following = 0
    for offset in range(0, frames, block):
        stop = offset + block
        here = _at_least(waiting, block)
        while following < len(notes) and begins[following] < stop:
            tone = note(
                int(notes.pitch[following]),
                int(notes.velocity[following]),
                float(notes.end[following] - notes.start[following]),
                sample_rate,
            )
            first = int(begins[following]) - offset
            here = _at_least(here, first + len(tone))
            here[first : first + len(tone)] += tone
            following += 1
        waiting = here[block:]
        yield room.add(here[:block])[: frames - offset]


def note(pitch: int, velocity: int, seconds: float, sample_rate: int) -> Samples:
    """One key struck and held for `seconds`, (frames, 2): from silence, through its damping, back to silence."""
    frequency = 440.0 * 2 ** ((pitch - 69) / 12)
    partials, amplitudes = _spectrum(pitch, frequency, velocity, sample_rate)
    fast, slow = _decays(frequency, partials)
    # Each partial has two strings: one takes the hammer's energy away fast, the other, slightly sharp, sounds on.
    sharp = partials * 2 ** (DETUNING / 1200)
    poles = (np.concatenate([-fast, -slow]) + 2j * np.pi * np.concatenate([partials, sharp])) / sample_rate
    phases = 2 * np.pi * np.random.default_rng(pitch).random(len(partials))
    struck = amplitudes * np.exp(1j * phases)
    gains = np.concatenate([0.75 * struck, 0.25 * struck])
    damping = math.inf if pitch >= UNDAMPED else RELEASE * 2 ** ((60 - pitch) / 36)
    held = min(seconds, LONGEST_NOTE)
    rings = math.log(1 / INAUDIBLE)
    length = min(rings / float(slow.min()), held + rings * damping, LONGEST_NOTE)
    frames = max(int(length * sample_rate), 1)
    wave = _oscillate(poles, gains, frames)
    wave += _knock(pitch, velocity, sample_rate, frames)
    _shape(wave, pitch, held, damping, sample_rate)
    return wave[:, None] * _pan(pitch)


def _spectrum(
    pitch: int, frequency: float, velocity: int, sample_rate: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Frequencies (Hz) and amplitudes of the partials, below the highest that `sample_rate` can carry.

    Stiff strings stretch the partials: f_n = n f sqrt(1 + B n^2), B by Rigaud, David and Daudet, "A parametric model of
    piano tuning" (DAFx 2011). The hammer strikes at 1/8 of the string, and a harder stroke reaches higher partials.
    """
    number = np.arange(1, MOST_PARTIALS + 1, dtype=np.float64)
    stiffness = math.exp(-0.0847 * pitch - 5.82) + math.exp(0.0926 * min(pitch, 108) - 13.64)
    partials = number * frequency * np.sqrt((1 + stiffness * number**2) / (1 + stiffness))
    struck = velocity / 127
    reach = 350 + 2600 * struck**1.4 + 0.9 * frequency
    colour = np.abs(np.sin(np.pi * number / 8)) + 0.12
    amplitudes = colour * number**-0.4 * np.exp(-np.maximum(partials - frequency, 0) / reach)
    # A sounding board radiates little under 100 Hz: low strings are heard by their upper partials.
    amplitudes *= 1 / (1 + (70 / partials) ** 2)
    amplitudes *= 0.25 * (0.04 + 0.96 * struck**1.7) / np.sqrt((amplitudes**2).sum())
    amplitudes[partials > 0.45 * sample_rate] = 0
    heard = amplitudes > 1e-4 * amplitudes.max()
    heard[0] = True  # audible or not: a tone has at least one partial
    return partials[heard], amplitudes[heard]


def _decays(frequency: float, partials: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Decay rates (1/s) of the two strings of each partial: higher keys and higher partials decay sooner."""
    slow = 0.22 * (frequency / 261.6) ** 0.72 + 1.1e-7 * partials**2 + 1.5e-4 * partials
    return 3.2 * slow, slow


def _oscillate(poles: NDArray[np.complex128], gains: NDArray[np.complex128], frames: int) -> Samples:
    """Re(sum of gain * exp(pole * t)) for t in 0..frames-1.

    t = STRIDE * row + column splits the exponential into a product, and the sum over partials into one matrix product:
    about fifty times faster than the same number of sin calls.
    """
    rows = -(-frames // STRIDE)
    coarse = gains[None, :] * np.exp(poles[None, :] * (STRIDE * np.arange(rows))[:, None])
    fine = np.exp(poles[:, None] * np.arange(STRIDE)[None, :])
    left = np.concatenate([coarse.real, -coarse.imag], axis=1).astype(np.float32)
    right = np.concatenate([fine.real, fine.imag], axis=0).astype(np.float32)
    return (left @ right).reshape(-1)[:frames]


def _knock(pitch: int, velocity: int, sample_rate: int, frames: int) -> Samples:
    """The thud of key and hammer under the tone: a short burst of dull noise, always the same for a key."""
    length = min(int(0.06 * sample_rate), frames)
    noise = np.random.default_rng(pitch).standard_normal(length + 64).astype(np.float32)
    width = max(int(sample_rate / 1600), 2)
    dull = np.convolve(noise, np.hanning(width + 2)[1:-1] / width, "same")[:length]
    knock = np.zeros(frames, np.float32)
    knock[:length] = dull * np.exp(-np.arange(length) / (0.012 * sample_rate)) * (0.012 * (velocity / 127) ** 2)
    return knock


def _shape(wave: Samples, pitch: int, held: float, damping: float, sample_rate: int) -> None:
    """Attack, damper and an end at exactly 0, in place: without steps, hence without clicks."""
    attack = min(max(int((0.0015 + 0.004 * 2 ** ((40 - pitch) / 24)) * sample_rate), 8), len(wave))
    wave[:attack] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(attack, dtype=np.float32) / attack)
    released = int(held * sample_rate)
    if released < len(wave) and math.isfinite(damping):
        since = np.arange(len(wave) - released, dtype=np.float32) / (damping * sample_rate)
        # A felt needs some milliseconds to land; a bare exponential would begin with a corner.
        wave[released:] *= np.exp(-since * since / (since + 0.15))
    fade = min(int(0.01 * sample_rate), len(wave))
    wave[len(wave) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)


def _pan(pitch: int) -> NDArray[np.float32]:
    """Gains (left, right) of equal power: low keys to the left, as the player hears them."""
    angle = math.pi / 4 * (1 + 0.45 * (pitch - 64) / 44)
    return np.array([math.cos(angle), math.sin(angle)], np.float32)


class _Room:
    """A small room's echo, by overlapping Fourier transforms: decaying noise, different in each ear."""

    def __init__(self, sample_rate: int, block: int) -> None:
        length = int(ROOM_SECONDS * sample_rate)
        time = np.arange(length) / sample_rate
        noise = np.random.default_rng(1).standard_normal((length, 2))
        width = max(int(sample_rate / 5000), 2)
        soft = np.hanning(width + 2)[1:-1]
        noise = np.stack([np.convolve(noise[:, ear], soft, "same") for ear in (0, 1)], axis=1)
        noise *= np.exp(-time * (6.9 / ROOM_SECONDS))[:, None]
        noise[: int(0.012 * sample_rate)] = 0  # the first echo comes from a wall some metres away
        noise *= ROOM_LEVEL / np.sqrt((noise**2).sum(axis=0))
        self._size = 1 << (block + length - 1).bit_length()
        self._response = np.fft.rfft(noise, self._size, axis=0)
        self._tail = np.zeros((length, 2), np.float32)

    def add(self, dry: Samples) -> Samples:
        """`dry` (block, 2) with the echo of all previous blocks."""
        echo = np.fft.irfft(np.fft.rfft(dry, self._size, axis=0) * self._response, self._size, axis=0)
        block, length = len(dry), len(self._tail)
        wet = echo[: block + length].astype(np.float32)
        wet[:length] += self._tail
        self._tail = wet[block : block + length].copy()
        return dry + wet[:block]


def _at_least(samples: Samples, frames: int) -> Samples:
    """`samples`, followed by silence up to `frames`."""
    if len(samples) >= frames:
        return samples
    # Twice the required length, so that a block of many notes is not copied for each of them.
    longer = np.zeros((max(frames, 2 * len(samples)), 2), np.float32)
    longer[: len(samples)] = samples
    return longer
