"""Reads the words of a command line as pieces of music with their splits, one at a time and in a fixed order."""

import hashlib
import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gpt2kit.music import encoding, events
from gpt2kit.music.archives import Member, check_word, is_midi, members
from gpt2kit.music.midi import parse_midi
from gpt2kit.music.notes import Notes
from gpt2kit.music.smf import MidiError
from gpt2kit.music.splits import read_splits


@dataclass(frozen=True)
class Piece:
    name: str
    """Its source: the word, and the path inside it."""
    split: str
    """"train", "val" or "test", as a table says; otherwise empty."""
    notes: Notes
    ids: events.Ids
    """The notes as events (N,), without BEGIN and END."""
    dropped: dict[str, int]
    """The number of notes left out, by reason."""
    clipped: int
    """Number of data bytes above 127, which were read as 127."""
    noticed: dict[str, int]
    """The number of its notes that something else than a note-off ended, by what it was."""


class Failed(NamedTuple):
    """A file without notes, or an archive that cannot be read to its end."""

    name: str
    split: str
    """As in Piece."""
    reason: str
    """The reason, the same for all such files."""
    detail: str = ""
    """The details of this file."""


class Skipped(NamedTuple):
    """A piece that is left out though it is not faulty."""

    name: str
    split: str
    """As in Piece."""
    reason: str


DUPLICATE = "the same events as an earlier piece"
ABSENT = "in the table of splits, but not there"


def pieces(words: Sequence[str]) -> Iterator[Piece | Failed | Skipped]:
    """All MIDI files of folders, zip and tar archives, and single files; at most one is in memory.

    A csv with the columns midi_filename and split, like MAESTRO's, gives the splits of the pieces next to it.

    Raises DataError immediately for a word that is missing or of another kind.
    """
    for word in words:
        check_word(word)
    return _pieces(words)


def _pieces(words: Sequence[str]) -> Iterator[Piece | Failed | Skipped]:
    seen: set[bytes] = set()
    for word in words:
        with members(word) as found:
            splits, failed = _splits(found)
            yield from failed
            present = set()
            for member in found:
                if member.path and not is_midi(member.path):
                    continue
                path = posixpath.normpath(member.path)
                present.add(path)
                yield _piece(member, splits.get(path, ""), seen)
            if not present:
                yield Failed(word, "", "contains no MIDI file")
            absent = ((path, split) for path, split in splits.items() if path not in present)
            yield from (Skipped(f"{word}/{path}", split, ABSENT) for path, split in absent)


def _splits(found: Sequence[Member]) -> tuple[dict[str, str], list[Failed]]:
    """The splits from the tables, and the tables that cannot be read."""
    splits: dict[str, str] = {}
    failed = []
    for member in found:
        if member.path.lower().endswith(".csv"):
            try:
                splits |= read_splits(member.path, member.read())
            except MidiError as error:
                failed.append(Failed(member.name, "", error.kind, error.detail))
    return splits, failed


def _piece(member: Member, split: str, seen: set[bytes]) -> Piece | Failed | Skipped:
    name = member.name
    try:
        notes, dropped, clipped, noticed = parse_midi(member.read())
    except MidiError as error:
        return Failed(name, split, error.kind, error.detail)
    if not len(notes):
        others = ", ".join(f"{reason}: {count:,}" for reason, count in dropped.items())
        return Failed(name, split, "no piano notes" if others else "no notes", others)
    ids = encoding.encode(notes)
    digest = hashlib.blake2b(ids.astype("<i4").tobytes(), digest_size=16).digest()
    if digest in seen:
        return Skipped(name, split, DUPLICATE)
    seen.add(digest)
    return Piece(name, split, notes, ids, dropped, clipped, noticed)
