"""MIDI: files under wrong names, odd meta events, and primers that nobody could go on from."""

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import mido
import pytest

from gpt2kit.music.corpus.sources import Failed, Piece, pieces
from gpt2kit.music.midi import parse_midi, read_midi, write_midi
from gpt2kit.music.midi_file.smf import MidiError
from gpt2kit.music.notes import Notes
from gpt2kit.music.stream import encoding

Refusal = Callable[..., str]

NOTE = [mido.Message("note_on", note=60, velocity=64), mido.Message("note_on", note=60, velocity=0, time=480)]


def file_of(*messages: mido.Message | mido.MetaMessage) -> bytes:
    file = mido.MidiFile()
    file.tracks.append(mido.MidiTrack(messages))
    written = io.BytesIO()
    file.save(file=written)
    return written.getvalue()


def packed(content: bytes) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("a.mid", content)
    return written.getvalue()


def test_files_under_a_wrong_name(tmp_path: Path) -> None:
    """Each has its reason, and the others are read."""
    whole = file_of(*NOTE)
    folder = tmp_path / "music"
    for name, content in {
        "empty.mid": b"",
        "zip.mid": packed(whole),
        "wav.mid": b"RIFF\x24\0\0\0WAVEfmt ",
        "page.mid": b"<html>404",
        "half.mid": whole[: len(whole) // 2],
        "good.mid": whole,
        "text.txt": b"no music",
    }.items():
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "folder.mid").mkdir()
    (folder / "folder.mid" / "inside.mid").write_bytes(file_of(*NOTE, *NOTE))
    os.mkfifo(folder / "pipe.mid")
    reasons = {Path(item.name).name: item.reason for item in pieces([str(folder)]) if isinstance(item, Failed)}
    assert reasons == {
        **dict.fromkeys(("empty.mid", "zip.mid", "wav.mid", "page.mid"), "not a MIDI file"),
        "half.mid": "cut short",
        "pipe.mid": "not a regular file",
    }
    found = [Path(item.name).name for item in pieces([str(folder)]) if isinstance(item, Piece)]
    assert sorted(found) == ["good.mid", "inside.mid"]


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's own word is what is told; for root, who may read everything, it is put into its mouth."""
    path = tmp_path / "locked.mid"
    path.write_bytes(file_of(*NOTE))
    path.chmod(0)

    def denied(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    if os.geteuid() == 0:
        monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(MidiError, match=r"locked\.mid: cannot be read: Permission denied"):
        read_midi(path)


@pytest.mark.parametrize(
    "odd",
    [
        b"\xff\x58\x04\x05\x03\x18\x08",  # 5/8
        b"\xff\x58\x04\x00\x00\x00\x00",  # 0/1
        b"\xff\x58\x04\xff\xff\xff\xff",  # 255 / 2**255
        b"\xff\x58\x01\x04",  # too short
        b"\xff\x59\x02\x63\x00",  # 99 sharps
        b"\xff\x59\x02\x80\x07",  # 128 flats, in no mode
        b"\xff\x59\x00",  # of no length
        b"\xff\x7f\x00",  # a sequencer's own, of nothing
        b"\xff\x60\x03abc",  # a kind that nobody knows
        b"\xff\x01\x04\xff\xfe\x80\x81",  # a text in no encoding
        b"\xff\x54\x05\xff\xff\xff\xff\xff",  # an offset beyond a day
    ],
    ids=lambda odd: odd.hex(),
)
def test_odd_signatures(odd: bytes) -> None:
    """They say how notes are written down, not when they sound: the notes are those of a file without."""
    body = b"\0" + odd + b"\0\x90\x3c\x40\x60\x3c\0\0\xff\x2f\0"
    content = b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk" + len(body).to_bytes(4, "big") + body
    found = parse_midi(content).notes
    assert (found.pitch.tolist(), found.start.tolist(), found.end.tolist()) == ([60], [0.0], [0.1])


def test_one_note_beyond_the_piano(tmp_path: Path) -> None:
    """Keys that no piano has are notes as others; one alone is a piece."""
    for pitch in (0, 20, 109, 127):
        path = tmp_path / f"{pitch}.mid"
        write_midi(path, Notes.of([pitch], [64], [0.0], [1.0]))
        notes = read_midi(path).notes
        assert notes.pitch.tolist() == [pitch]
        assert encoding.decode(encoding.encode(notes).tolist()).pitch.tolist() == [pitch]


def test_a_primer_behind_silence(tmp_path: Path, refusal: Refusal) -> None:
    """A minute and a half of it is an event a second; a part of it that is nothing but silence is refused."""
    path = tmp_path / "late.mid"
    write_midi(path, Notes.of([60, 62], [64, 64], [90.0, 90.5], [90.4, 91.0]))
    ids = encoding.encode(read_midi(path).notes).tolist()
    assert len(ids) < 90 + 10
    assert encoding.decode(ids).start.tolist() == [90.0, 90.5]
    words = ["music", "generate", "--run", "nowhere", "--out", str(tmp_path / "new.mid"), "--prime", str(path)]
    message = refusal(*words, "--prime-seconds", "10")
    assert message == f"{path}: no piano notes in its first 10 seconds"


def test_a_primer_of_drums(tmp_path: Path, refusal: Refusal) -> None:
    path = tmp_path / "drums.mid"
    path.write_bytes(file_of(*(message.copy(channel=9) for message in NOTE)))
    message = refusal("music", "generate", "--run", "nowhere", "--out", str(tmp_path / "new.mid"), "--prime", str(path))
    assert message == f"{path}: no piano notes: drums: 1"
