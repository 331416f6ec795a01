"""Musical statistics of performances, and the distance of samples from real music.

The features, and the comparison of their distance to real music with that within real music, follow Yang and Lerch, "On
the evaluation of generative models in music" (Neural Computing and Applications 32, 2020); the entropy of pitch classes
is that of Wu and Yang, "The Jazz Transformer on the front line" (ISMIR 2020). Unlike the first, histograms are pooled
over a set and compared by the Jensen-Shannon distance, which needs no choice of a kernel and is also meaningful for a
handful of samples.

Many of these figures depend on the amount of music: an hour has a wider range than a minute. So reference pieces are
cut into excerpts as long as the samples.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpt2kit.errors import DataError
from gpt2kit.music.notes import Notes
from gpt2kit.music.stream.events import STEPS_A_SECOND, VELOCITY_BINS, quantised, velocity_bin

Counts = NDArray[np.int64]
Shares = NDArray[np.float64]

SPLITS = 50
"""Number of random splits of the reference that measure the distance of real music from real music."""


def sounding_seconds(notes: Notes) -> float:
    """Seconds during which at least one note sounds."""
    heard_until = np.concatenate(([0.0], np.maximum.accumulate(notes.end)[:-1])) if len(notes) else notes.end
    return float(np.maximum(notes.end - np.maximum(notes.start, heard_until), 0).sum())


def density(notes: Notes) -> float:
    """Notes struck per second of `sounding_seconds`."""
    return len(notes) / sounding_seconds(notes)


def polyphony(notes: Notes) -> float:
    """Average number of notes that sound while any does; their lengths include the pedal."""
    return float((notes.end - notes.start).sum()) / sounding_seconds(notes)


def pitch_range(notes: Notes) -> float:
    """Semitones from the lowest to the highest note."""
    return float(notes.pitch.max()) - float(notes.pitch.min())


def pitch_class_entropy(notes: Notes) -> float:
    """Bits, 0 to log2(12): low if a piece keeps to its key, which histograms pooled over many keys do not show."""
    shares = _shares(pitch_classes(notes))
    return float(-(shares * np.log2(np.where(shares > 0, shares, 1))).sum())


def pitch_classes(notes: Notes) -> Counts:
    """The number of notes of each pitch class (12,), from C on."""
    return np.bincount(notes.pitch % 12, minlength=12)


def velocities(notes: Notes) -> Counts:
    """The number of notes in each velocity bin (32,) of `events`."""
    return np.bincount(velocity_bin(notes.velocity) - 1, minlength=VELOCITY_BINS)


def onset_intervals(notes: Notes) -> Counts:
    """The number of intervals between onsets of 0, 1, ... 99 steps of 10 ms, and of 1 s or longer (101,).

    Onsets are rounded to steps first: a model's onsets are whole steps, so those of other music must be too.
    """
    steps = np.diff(quantised(notes.start))
    return np.bincount(np.minimum(steps, STEPS_A_SECOND), minlength=STEPS_A_SECOND + 1)


NUMBERS: dict[str, Callable[[Notes], float]] = {
    "notes a second": density,
    "sounding notes": polyphony,
    "pitch range": pitch_range,
    "pitch-class entropy": pitch_class_entropy,
}
HISTOGRAMS: dict[str, Callable[[Notes], Counts]] = {
    "pitch classes": pitch_classes,
    "velocities": velocities,
    "inter-onset intervals": onset_intervals,
}


@dataclass(frozen=True)
class Figure:
    """One statistic of samples and of the reference."""

    name: str
    sample: float | list[float]
    """For numbers the mean over the samples; for a histogram the share of each bin in all of them."""
    reference: float | list[float]
    distance: float
    """For numbers |sample - reference| / reference; for histograms the Jensen-Shannon distance, 0 to 1."""
    real: float | None
    """The median distance of as much real music from other real music; None for a reference of a single piece."""
    real_high: float | None
    """The 90th percentile of those distances."""

    def json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        values = "" if isinstance(self.sample, list) else f"{self.sample:.2f}, real {self.reference:.2f}; "
        scale = "" if self.real is None else f" (among real music {self.real:.3f}, seldom over {self.real_high:.3f})"
        return f"{self.name}: {values}distance {self.distance:.3f}{scale}"


def compare(samples: Sequence[Notes], reference: Sequence[Notes], seed: int = 0) -> list[Figure]:
    """Each of `NUMBERS` and `HISTOGRAMS` of the samples against the reference; performances without notes are left out.

    How close real music is to other real music comes from `SPLITS` random splits of the reference pieces: excerpts of
    one half, as many as there are samples, against those of the other half.

    Raises DataError if one side has no notes.
    """
    samples, reference = ([notes for notes in side if len(notes)] for side in (samples, reference))
    if not samples or not reference:
        raise DataError(f"no notes in {'the reference' if samples else 'the samples'}: nothing can be compared")
    length = float(np.mean([notes.duration for notes in samples]))
    cut = [excerpts(notes, length) for notes in reference]
    piece = np.repeat(np.arange(len(cut)), [len(parts) for parts in cut])
    real = [part for parts in cut for part in parts]
    splits = _splits(piece, len(samples), seed)
    return [_figure(name, kind, samples, real, splits) for name, kind in (NUMBERS | HISTOGRAMS).items()]


def excerpts(notes: Notes, seconds: float) -> list[Notes]:
    """A performance cut into parts of this length; a rest of less than half of it is dropped, unless it is the only
    part."""
    if notes.duration < 1.5 * seconds:
        return [notes.sliced(0, seconds)] if len(notes.sliced(0, seconds)) else [notes]
    count = int(notes.duration / seconds + 0.5)
    parts = [notes.sliced(part * seconds, (part + 1) * seconds) for part in range(count)]
    return [part for part in parts if len(part)]


def jensen_shannon(first: Shares, second: Shares) -> float:
    """The distance of two distributions (N,), 0 for equal ones and 1 for disjoint ones.

    The root of the divergence to the base 2 (Lin, "Divergence measures based on the Shannon entropy", 1991): a metric
    (Endres and Schindelin, 2003).
    """
    middle = (first + second) / 2
    divergence = 0.0
    for shares in (first, second):
        some = shares > 0
        divergence += 0.5 * float((shares[some] * np.log2(shares[some] / middle[some])).sum())
    return float(np.sqrt(max(divergence, 0.0)))


Split = tuple[NDArray[np.intp], NDArray[np.intp]]
"""The drawn excerpts of one half, and all of the other half."""


def _splits(piece: NDArray[np.intp], count: int, seed: int) -> list[Split]:
    """`piece` (N,) is the index of each excerpt's piece: no piece is in both halves.

    As samples are separate pieces, one excerpt of each piece is drawn before a second one of any.
    """
    pieces = int(piece[-1]) + 1
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(SPLITS if pieces > 1 else 0):
        is_first = np.zeros(pieces, np.bool_)
        is_first[generator.permutation(pieces)[: pieces // 2]] = True
        order = generator.permutation(np.flatnonzero(is_first[piece]))
        _, firsts = np.unique(piece[order], return_index=True)
        others = np.setdiff1d(np.arange(len(order)), firsts)
        drawn = order[np.concatenate((generator.permutation(firsts), others))]
        found.append((drawn[:count], np.flatnonzero(~is_first[piece])))
    return found


def _figure(
    name: str,
    kind: Callable[[Notes], float] | Callable[[Notes], Counts],
    samples: Sequence[Notes],
    real: Sequence[Notes],
    splits: Sequence[Split],
) -> Figure:
    of_samples, of_real = (np.array([kind(notes) for notes in side], np.float64) for side in (samples, real))
    within = [_distance(_pooled(of_real[drawn]), _pooled(of_real[others])) for drawn, others in splits]
    sample, reference = _pooled(of_samples), _pooled(of_real)
    return Figure(
        name,
        sample.tolist(),
        reference.tolist(),
        _distance(sample, reference),
        float(np.median(within)) if within else None,
        float(np.quantile(within, 0.9)) if within else None,
    )


def _pooled(values: Shares) -> Shares:
    """The mean of numbers (N,), as (); the shares of counts (N, bins), as (bins,)."""
    return np.asarray(values.mean()) if values.ndim == 1 else _shares(values.sum(0))


def _shares(counts: NDArray[Any]) -> Shares:
    """Counts as shares of their sum; all 0 if there are none."""
    return counts / max(float(counts.sum()), 1.0)


def _distance(first: Shares, second: Shares) -> float:
    if first.ndim:
        return jensen_shannon(first, second)
    # A reference of only one pitch, or one key, has a figure of 0.
    return abs(float(first) - float(second)) / max(abs(float(second)), 1e-9)
