"""Crops, transposes and stretches streams without decoding them to notes."""

import numpy as np
from numpy.typing import ArrayLike

from gpt2kit.music.stream.encoding import note_events, stream_of
from gpt2kit.music.stream.events import BEGIN, NOTE_OFF, TIME_SHIFT, VELOCITY, VOCABULARY, Ids
from gpt2kit.music.stream.pairing import matched


def sounding_velocity(ids: ArrayLike, position: int) -> int | None:
    """The VELOCITY in force before `position`, for a crop that begins there; None if its piece has none before."""
    stream = np.asarray(ids)
    width = 256  # velocity changes every few notes: found quickly, however long the stream
    while position > 0:
        before = stream[max(0, position - width) : position]
        found = np.flatnonzero((before >= VELOCITY) & (before < VOCABULARY))
        if len(found):
            last = int(before[found[-1]])
            return last if last < BEGIN else None
        position -= width
    return None


def crop(ids: ArrayLike, start: int, length: int) -> Ids:
    """At most `length` events from `start` on, the first of which is the VELOCITY in force there.

    It is left out if no velocity is in force or the crop begins with its own VELOCITY or BEGIN. NOTE_OFFs of notes
    struck before the crop stay: decoding skips them.
    """
    stream = np.asarray(ids, np.int32)
    velocity = sounding_velocity(stream, start)
    if velocity is None or (start < len(stream) and VELOCITY <= stream[start] < VOCABULARY):
        return stream[start : start + length]
    return np.concatenate((np.array([velocity], np.int32), stream[start : start + length - 1]))


def transpose(ids: ArrayLike, semitones: int) -> Ids:
    """Every note higher by `semitones`, or the unchanged stream if one would leave 0 to 127.

    All or nothing, since a chord with one unchanged voice would be another chord.
    """
    stream = np.asarray(ids, np.int32)
    is_note = (stream >= 0) & (stream < TIME_SHIFT)
    pitches = stream[is_note] & 127
    if not len(pitches) or pitches.min() + semitones < 0 or pitches.max() + semitones > 127:
        return stream
    return np.where(is_note, stream + np.int32(semitones), stream)


def stretch(ids: ArrayLike, factor: float) -> Ids:
    """The same played slower (`factor` over 1) or faster: absolute steps are scaled and rounded again, halves up.

    The result for a piece equals the encoding of its notes at the stretched times. Crops and several pieces in a row
    are accepted too: each counts from its own beginning, and orphaned NOTE_OFFs, notes without an end, and time at the
    end stay.
    """
    stream = np.asarray(ids, np.int32)
    if factor == 1:
        return stream
    marks = np.flatnonzero((stream >= BEGIN) | (stream < 0))
    parts, begin = [], 0
    for mark in [*marks.tolist(), len(stream)]:
        if mark > begin:
            parts.append(_stretched(stream[begin:mark], factor))
        parts.append(stream[mark : mark + 1])
        begin = mark + 1
    return np.concatenate(parts)


def _stretched(stream: Ids, factor: float) -> Ids:
    events = note_events(stream.astype(np.int64))
    steps = np.floor(events.steps * factor + 0.5).astype(np.int64)
    ons, offs = matched(events.ids)
    steps[offs] = np.maximum(steps[offs], steps[ons] + 1)
    total = max(int(np.floor(events.total * factor + 0.5)), int(steps.max(initial=0)))
    return stream_of(steps, events.ids, np.where(events.ids < NOTE_OFF, events.bins, 0), total)
