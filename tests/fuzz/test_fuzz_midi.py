"""MIDI files, their archives and the tables beside them, of any bytes."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gpt2kit.music.corpus.archives import check_word, members
from gpt2kit.music.corpus.sources import pieces
from gpt2kit.music.corpus.splits import SPLITS, read_splits
from gpt2kit.music.midi import LONGEST_HOURS, parse_midi
from gpt2kit.music.midi_file.smf import MidiError
from gpt2kit.music.notes import Notes
from gpt2kit.music.stream.encoding import decode, encode

Hold = Callable[[Callable[[bytes], object], bytes], object]

BYTES = st.one_of(st.integers(0, 255), st.sampled_from([0, 0x3C, 0x40, 0x7F, 0x80, 0x90, 0xB0, 0xF0, 0xF7, 0xFF]))
WAITS = st.sampled_from([b"\0", b"\x60", b"\x81\x00", b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff\x7f"])
EVENTS = st.one_of(
    st.builds(lambda key, hard: bytes([0x90, key, hard]), st.integers(0, 127), st.integers(0, 127)),
    st.builds(lambda key: bytes([0x80, key, 0]), st.integers(0, 127)),
    st.builds(lambda value: bytes([0xB0, 0x40, value]), st.integers(0, 255)),
    st.builds(lambda tempo: b"\xff\x51\x03" + tempo.to_bytes(3, "big"), st.integers(0, 2**24 - 1)),
    st.builds(lambda text, length: bytes([0xFF, 1, length]) + text, st.binary(max_size=8), st.integers(0, 255)),
    st.builds(bytes, st.lists(BYTES, max_size=6)),
)
TRACKS = st.lists(st.tuples(WAITS, EVENTS), max_size=30).map(lambda events: b"".join(map(b"".join, events)))
LENGTHS = st.one_of(st.none(), st.integers(0, 2**32 - 1))


@st.composite
def midi_files(draw: st.DrawFn) -> bytes:
    """Files that are whole as far as their headers, or nearly."""
    tracks = draw(st.lists(TRACKS, max_size=4))
    count = draw(st.one_of(st.just(len(tracks)), st.integers(0, 65535)))
    form, division = (
        draw(st.sampled_from([0, 1, 1, 2, 3])),
        draw(st.sampled_from([0, 1, 96, 480, 32767, 0xE728, 0x8000])),
    )
    parts = [b"MThd\0\0\0\6", *(number.to_bytes(2, "big") for number in (form, count, division))]
    for track in tracks:
        length = draw(LENGTHS)
        parts += [b"MTrk", (len(track) if length is None else length).to_bytes(4, "big"), track]
    content = b"".join(parts)
    return b"RIFF\0\0\0\0RMIDdata" + len(content).to_bytes(4, "little") + content if draw(st.booleans()) else content


@given(content=st.one_of(midi_files(), st.binary(max_size=400)))
def test_any_bytes_are_notes_or_a_reason(hold: Hold, content: bytes) -> None:
    found = hold(parse_midi, content)
    if found is not None:
        notes: Notes = found.notes  # type: ignore[attr-defined]  # a Performance
        assert notes.duration <= LONGEST_HOURS * 3600
        ids = encode(notes).tolist()
        assert encode(decode(ids)).tolist() == ids


def damaged(content: bytes, wrong: list[tuple[int, int]], cut: int) -> bytes:
    """With some bytes set, and without its end."""
    bad = bytearray(content)
    for place, value in wrong:
        bad[place % len(bad)] = value
    return bytes(bad[: len(bad) - cut % len(bad)] if cut else bad)


WRONG = st.lists(st.tuples(st.integers(0, 2**16), BYTES), max_size=4)
NAMES = st.sampled_from(
    ["a.mid", "../../b.mid", "/etc/c.mid", "d/e.midi", "f.csv", "g\x1b.mid", "", ".", "h.mid/i.mid"]
)
SOME = st.sampled_from(
    [b"", b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\0\x0c\0\x90\x3c\x40\x60\x3c\0\0\xff\x2f\0\0", b"x" * 300]
)


def in_zip(files: list[tuple[str, bytes]]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (name, content) in enumerate(files):
            archive.writestr(f"{number}{name}", content)
    return written.getvalue()


def in_tar(files: list[tuple[str, bytes]]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for name, content in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            if not content:
                entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(entry, io.BytesIO(content))
    return written.getvalue()


@st.composite
def archives(draw: st.DrawFn) -> bytes:
    files = draw(st.lists(st.tuples(NAMES, SOME), max_size=4))
    pack = draw(st.sampled_from([in_zip, in_tar, lambda files: gzip.compress(in_tar(files), 1)]))
    return damaged(pack(files), draw(WRONG), draw(st.integers(0, 600)))


@given(content=archives())
def test_any_archive_is_read_without_being_unpacked(hold: Hold, place: Path, content: bytes) -> None:
    def parse(content: bytes) -> object:
        path.write_bytes(content)
        check_word(str(path))
        with members(str(path)) as found:
            for member in found:
                try:
                    member.read()
                except MidiError:
                    continue
        return list(pieces([str(path)]))

    path = place / "archive" / "music.bin"
    path.parent.mkdir(exist_ok=True)
    hold(parse, content)
    assert list(path.parent.iterdir()) == [path]


TABLE = st.lists(st.sampled_from(["midi_filename", "split", ",", "\n", '"', "train", "a.mid", "é", "\0", "\r", "test"]))


@given(content=st.one_of(TABLE.map("".join).map(str.encode), st.binary(max_size=200)))
def test_any_table_gives_splits_or_a_reason(hold: Hold, content: bytes) -> None:
    found = hold(lambda content: read_splits("a/maestro.csv", content), content)
    assert found is None or set(found.values()) <= set(SPLITS.values())  # type: ignore[attr-defined]  # a dict
