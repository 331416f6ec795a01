"""Reads the words of a command line as pieces of music with their splits, one at a time and in a fixed order."""

import hashlib
import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gpt2kit.data.report import Damage
from gpt2kit.music.corpus.archives import Member, check_word, ending, is_midi, members
from gpt2kit.music.corpus.splits import read_splits
from gpt2kit.music.midi import others_on_request, parse_midi
from gpt2kit.music.midi_file.smf import MidiError
from gpt2kit.music.notes import Notes
from gpt2kit.music.stream import encoding, events

SALVAGED = Damage("files read up to their damage")


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
    """The number of its notes that ended without a note-off of their own, by what ended them."""
    damage: str
    """What is wrong with a file that was read up to its damage; "" for an intact file."""

    def counts(self) -> dict[str, int]:
        """What was left out or is remarkable, in words."""
        counts = {f"notes left out, {reason}": count for reason, count in self.dropped.items()} | self.noticed
        counts |= {"data bytes above 127, taken as 127": self.clipped} if self.clipped else {}
        return counts | ({SALVAGED: 1} if self.damage else {})


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


class Passed(NamedTuple):
    """A file that is not MIDI."""

    name: str
    ending: str
    """In words, such as ".wav" and "without an ending"."""


Found = Piece | Failed | Skipped | Passed

DUPLICATE = "the same events as an earlier piece"
ABSENT = "in the table of splits, but not there"


def pieces(words: Sequence[str], instruments: str = "piano", salvage: bool = False) -> Iterator[Found]:
    """All MIDI files of folders, zip and tar archives, and single files, read as by `read_midi`; at most one is in
    memory. Other files are passed over.

    A csv with the columns midi_filename and split, like MAESTRO's, gives the splits of the pieces next to it.

    Raises DataError immediately for a word that is missing or of another kind.
    """
    for word in words:
        check_word(word)
    return _pieces(words, (instruments, salvage))


def _pieces(words: Sequence[str], how: tuple[str, bool]) -> Iterator[Found]:
    seen: set[bytes] = set()
    for word in words:
        with members(word) as found:
            splits, failed, tables = _splits(found)
            yield from failed
            present = set()
            for member in found:
                if member.path and not is_midi(member.path):
                    if member.path not in tables:
                        yield Passed(member.name, ending(member.path))
                    continue
                path = posixpath.normpath(member.path)
                present.add(path)
                yield _piece(member, splits.get(path, ""), seen, how)
            if not present:
                yield Failed(word, "", "contains no MIDI file")
            absent = ((path, split) for path, split in splits.items() if path not in present)
            yield from (Skipped(f"{word}/{path}", split, ABSENT) for path, split in absent)


def _splits(found: Sequence[Member]) -> tuple[dict[str, str], list[Failed], set[str]]:
    """The splits from the tables, the tables that cannot be read, and the paths of both."""
    splits: dict[str, str] = {}
    failed, tables = [], set()
    for member in found:
        if member.path.lower().endswith(".csv"):
            try:
                named = read_splits(member.path, member.read())
            except MidiError as error:
                failed.append(Failed(member.name, "", error.kind, error.detail))
                tables.add(member.path)
                continue
            splits |= named
            tables |= {member.path} if named else set()
    return splits, failed, tables


def _piece(member: Member, split: str, seen: set[bytes], how: tuple[str, bool]) -> Piece | Failed | Skipped:
    name = member.name
    try:
        notes, dropped, clipped, noticed, damage = parse_midi(member.read(), *how)
    except MidiError as error:
        return Failed(name, split, error.kind, error.detail)
    if not len(notes):
        return Failed(name, split, "no piano notes", others_on_request(dropped))
    ids = encoding.encode(notes)
    digest = hashlib.blake2b(ids.astype("<i4").tobytes(), digest_size=16).digest()
    if digest in seen:
        return Skipped(name, split, DUPLICATE)
    seen.add(digest)
    return Piece(name, split, notes, ids, dropped, clipped, noticed, damage)
