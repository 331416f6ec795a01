"""Notes as the bytes of a MIDI file: one piano, at 120 beats a minute.

The writer is ours because pretty_midi 0.2.11 sorts notes of one key that are struck at one tick by velocity: the first
to end then has the velocity of another.
"""

import numpy as np
from numpy.typing import NDArray

from gpt2kit.music.midi_file.channels import NOTE_ON, PROGRAM
from gpt2kit.music.midi_file.clock import DEFAULT_BEAT
from gpt2kit.music.midi_file.score import METRE, TRACK_NAME, Message, Score, meta
from gpt2kit.music.midi_file.tracks import TEMPO
from gpt2kit.music.notes import Notes

LONG = 2.5 * 3600
"""Seconds from which on a tick is 10 ms, for pretty_midi reads no more than ten million ticks."""

Ticks = NDArray[np.int64]


def ticks(notes: Notes) -> tuple[Ticks, Ticks, int]:
    """When notes that are first in, first out, start and end, and the number of ticks a second: 1000, or 100 for a long
    piece. Each lasts at least one tick."""
    ticks_a_second = 1000 if notes.duration < LONG else 100
    start = np.rint(notes.start * ticks_a_second).astype(np.int64)
    end = np.maximum(np.rint(notes.end * ticks_a_second).astype(np.int64), start + 1)
    return start, end, ticks_a_second


def midi_bytes(notes: Notes) -> bytes:
    """The file. At one tick, keys are let go before others are struck, and those in the order of the notes."""
    ordered = notes.first_in_first_out()
    start, end, ticks_a_second = ticks(ordered)
    ticks_a_beat = ticks_a_second // 2
    zeros = np.zeros(len(notes), np.int64)
    tick, velocity = np.concatenate((end, start)), np.concatenate((zeros, ordered.velocity))
    pitch = np.concatenate((ordered.pitch, ordered.pitch))
    order = np.argsort(tick, kind="stable")
    rows = zip(tick[order].tolist(), pitch[order].tolist(), velocity[order].tolist(), strict=True)
    head: list[Message] = [(0, meta(TEMPO, DEFAULT_BEAT.to_bytes(3, "big"))), (0, meta(METRE, bytes([4, 2, 24, 8])))]
    piano: list[Message] = [(0, meta(TRACK_NAME, b"Piano")), (0, bytes([PROGRAM, 0]))]
    # A note-on of velocity 0 is a note-off: with running status it saves a byte.
    piano += [(tick, bytes([NOTE_ON, pitch, velocity])) for tick, pitch, velocity in rows]
    return Score(ticks_a_beat.to_bytes(2, "big"), ticks_a_beat, 0.0, (head, piano)).written()
