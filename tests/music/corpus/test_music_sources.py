"""Words to pieces: folders and archives of every kind, splits, duplicates, and what is damaged."""

import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from gpt2kit.errors import DataError
from gpt2kit.music.corpus import archives
from gpt2kit.music.corpus.sources import ABSENT, DUPLICATE, Failed, Passed, Piece, Skipped, pieces
from gpt2kit.music.corpus.splits import read_splits
from gpt2kit.music.midi import LARGEST_FILE, write_midi
from gpt2kit.music.midi_file.smf import MidiError
from gpt2kit.music.notes import Notes
from gpt2kit.music.stream.encoding import encode

Files = dict[str, bytes]
Pack = Callable[[Path, Files], str]
CSV = """\
canonical_composer,canonical_title,split,year,midi_filename
A. Berg,"Sonata, Op. 1",train,2018,2018/one.midi
A. Berg,Sonata,validation,2018,2018/two.midi
A. Berg,Sonata,test,2018,2018/three.midi
A. Berg,Sonata,,2018,2018/four.midi
"""


@pytest.fixture
def midi(tmp_path: Path) -> Callable[[int], bytes]:
    """`midi(number)`: a file of two notes, another for every number."""

    def make(number: int) -> bytes:
        path = tmp_path / "made.mid"
        write_midi(path, Notes.of([60, 62], [64, 64], [0.0, 0.5 + number / 100], [0.4, 9.0]))
        content = path.read_bytes()
        path.unlink()
        return content

    return make


def in_folder(place: Path, files: Files) -> str:
    for name, content in files.items():
        path = place / "music" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return str(place / "music")


def in_zip(place: Path, files: Files) -> str:
    with zipfile.ZipFile(place / "music.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return str(place / "music.zip")


def in_tar(place: Path, files: Files, kind: str = "") -> str:
    path = place / f"music.tar{'.' * bool(kind)}{kind}"
    with tarfile.open(path, f"w:{kind}") as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return str(path)


PACKS: dict[str, Pack] = {
    "folder": in_folder,
    "zip": in_zip,
    "tar": in_tar,
    "tar.gz": partial(in_tar, kind="gz"),
    "tar.bz2": partial(in_tar, kind="bz2"),
    "tar.xz": partial(in_tar, kind="xz"),
}


def found(*words: str) -> dict[str, Piece | str]:
    """Pieces, or the reason why there is none, by name."""

    def told(item: Failed | Skipped) -> str:
        return f"{item.reason}: {item.detail}" if isinstance(item, Failed) and item.detail else item.reason

    items = (item for item in pieces(words) if not isinstance(item, Passed))
    return {item.name: item if isinstance(item, Piece) else told(item) for item in items}


def splits(*words: str) -> dict[str, str]:
    return {
        name.rpartition("/")[2]: item.split if isinstance(item, Piece) else item for name, item in found(*words).items()
    }


@pytest.mark.parametrize("kind", PACKS)
def test_every_kind_of_archive_gives_the_same(tmp_path: Path, midi: Callable[[int], bytes], kind: str) -> None:
    files = {
        "b/two.MID": midi(2),
        "one.midi": midi(1),
        "text.txt": b"?",
        "b/._two.mid": b"of macOS",
        "cut.mid": midi(3)[:60],
    }
    word = PACKS[kind](tmp_path, files)
    by_name = found(word)
    assert set(by_name) == {f"{word}/{name}" for name in ("b/two.MID", "one.midi", "cut.mid")}
    piece = by_name[f"{word}/one.midi"]
    assert isinstance(piece, Piece)
    assert piece.notes.start.tolist() == [0.0, 0.51]
    assert piece.ids.tolist() == encode(piece.notes).tolist()
    assert "lacks" in str(by_name[f"{word}/cut.mid"])


@pytest.mark.parametrize("kind", PACKS)
def test_a_table_decides_the_splits_of_the_pieces_beside_it(
    tmp_path: Path, midi: Callable[[int], bytes], kind: str
) -> None:
    """Though in a tar it may come last. A row without a split says nothing of its piece."""
    files = {f"maestro/2018/{name}.midi": midi(number) for number, name in enumerate(("one", "two", "four"))}
    word = PACKS[kind](tmp_path, files | {"maestro/maestro.csv": CSV.encode()})
    assert splits(word) == {
        "one.midi": "train",
        "two.midi": "val",
        "three.midi": ABSENT,
        "four.midi": "",
    }


def test_other_tables_say_nothing(tmp_path: Path, midi: Callable[[int], bytes]) -> None:
    word = in_zip(tmp_path, {"a.mid": midi(1), "prices.csv": b"name,price\na.mid,3\n"})
    assert set(splits(word)) == {"a.mid"}


def test_a_damaged_table_is_told_and_the_pieces_are_read(tmp_path: Path, midi: Callable[[int], bytes]) -> None:
    word = in_zip(tmp_path, {"a.mid": midi(1), "maestro.csv": b"midi_filename,split\n\xff\xfe,train\n"})
    assert "damaged table" in splits(word)["maestro.csv"]
    assert splits(word)["a.mid"] == ""


def test_a_table_with_wrong_quotes() -> None:
    with pytest.raises(MidiError, match="damaged table"):
        read_splits("maestro.csv", b'midi_filename,split\n"a')


def test_a_table_in_utf16_is_named() -> None:
    content = "midi_filename,split\na.mid,val\n".encode("utf-16")
    with pytest.raises(MidiError) as caught:
        read_splits("a.csv", content)
    assert "UTF-16 text, by its byte order mark; only UTF-8 text is accepted" in str(caught.value.args)


def test_an_empty_table_gives_none() -> None:
    assert read_splits("maestro.csv", b"") == {}


def test_the_same_music_is_taken_once_whatever_its_file(tmp_path: Path, midi: Callable[[int], bytes]) -> None:
    again = midi(1) + b"and something after"
    folder = in_folder(tmp_path, {"a.mid": midi(1), "b.mid": again, "c.mid": midi(2)})
    archive = in_zip(tmp_path, {"d.mid": midi(2)})
    assert [type(item) for item in pieces([folder, archive])] == [Piece, Skipped, Piece, Skipped]
    assert splits(folder, archive)["b.mid"] == splits(folder, archive)["d.mid"] == DUPLICATE


def test_words_can_be_mixed_and_keep_their_order(tmp_path: Path, midi: Callable[[int], bytes]) -> None:
    single = tmp_path / "single.mid"
    single.write_bytes(midi(1))
    words = [
        in_zip(tmp_path, {"z.mid": midi(2)}),
        str(single),
        in_folder(tmp_path, {"b.mid": midi(3), "a.mid": midi(4)}),
    ]
    assert list(found(*words)) == [f"{words[0]}/z.mid", str(single), f"{words[2]}/a.mid", f"{words[2]}/b.mid"]


def test_drums_alone_are_no_piece(tmp_path: Path, midi_file: Callable[..., bytes]) -> None:
    import mido

    track = [mido.Message(kind, note=36, velocity=9, time=9, channel=9) for kind in ("note_on", "note_off")]
    word = in_zip(tmp_path, {"drums.mid": midi_file(track), "empty.mid": midi_file([])})
    assert splits(word) == {"drums.mid": "no piano notes: drums: 1", "empty.mid": "no piano notes"}


@pytest.mark.parametrize("word", ["missing", "missing.mid", "text.txt", "nothing", "nul\0.mid"])
def test_what_can_be_no_source_is_refused_before_anything_is_read(tmp_path: Path, word: str) -> None:
    (tmp_path / "text.txt").write_text("text")
    os.mkfifo(tmp_path / "nothing")
    with pytest.raises(
        DataError, match=r"accepted: a folder, a zip or tar archive, or a MIDI file \(.mid .midi .rmi .kar\)"
    ):
        pieces([str(tmp_path / word)])


@pytest.mark.parametrize("name", ["music.zip", "music.tar", "music.tgz", "music.tar.xz"])
def test_an_archive_that_is_none_is_told_and_the_next_is_read(
    tmp_path: Path, midi: Callable[[int], bytes], name: str
) -> None:
    (tmp_path / name).write_bytes(b"no archive at all")
    (tmp_path / "other.mid").write_bytes(midi(1))
    bad, good = pieces([str(tmp_path / name), str(tmp_path / "other.mid")])
    assert isinstance(bad, Failed)
    assert "cannot be unpacked" in bad.reason
    assert bad.name == str(tmp_path / name)
    assert isinstance(good, Piece)


@pytest.mark.parametrize("pack", [in_folder, in_zip, in_tar])
def test_a_source_without_music_is_told(tmp_path: Path, pack: Pack) -> None:
    word = pack(tmp_path, {"read.me": b"text"})
    assert found(word) == {word: "contains no MIDI file"}


def test_an_archive_cut_short_gives_what_is_whole(tmp_path: Path, midi: Callable[[int], bytes]) -> None:
    generator = np.random.default_rng(0)
    files = {f"{number}.mid": midi(number) + generator.bytes(50_000) for number in range(4)}
    word = in_tar(tmp_path, files, "gz")
    content = Path(word).read_bytes()
    Path(word).write_bytes(content[: len(content) * 5 // 8])
    items = found(word)
    assert [name for name, item in items.items() if isinstance(item, Piece)] == [f"{word}/0.mid", f"{word}/1.mid"]
    assert "cannot be unpacked" in str(items[word])


def test_a_damaged_member_does_not_stop_the_others(tmp_path: Path, midi: Callable[[int], bytes]) -> None:
    word = in_zip(tmp_path, {"a.mid": midi(1), "b.mid": midi(2)})
    content = bytearray(Path(word).read_bytes())
    content[content.index(b"a.mid") + 15] ^= 0xFF
    Path(word).write_bytes(content)
    items = found(word)
    assert "cannot be unpacked" in str(items[f"{word}/a.mid"])
    assert isinstance(items[f"{word}/b.mid"], Piece)


def test_a_locked_member_and_a_rare_method(tmp_path: Path, midi: Callable[[int], bytes]) -> None:
    word = in_zip(tmp_path, {"a.mid": midi(1)})
    content = bytearray(Path(word).read_bytes())
    content[6] |= 1  # the bit for "encrypted", in both headers
    content[content.index(b"PK\1\2") + 8] |= 1
    Path(word).write_bytes(content)
    assert "encrypted" in splits(word)["a.mid"]
    with zipfile.ZipFile(word, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a.mid", bytes(10_000_000))
    assert "unsupported method" in splits(word)["a.mid"]


@pytest.mark.parametrize("pack", [in_folder, in_zip, in_tar])
def test_a_huge_member_is_refused_unread(tmp_path: Path, midi: Callable[[int], bytes], pack: Pack) -> None:
    word = pack(tmp_path, {"bomb.mid": bytes(LARGEST_FILE + 1), "good.mid": midi(1)})
    items = found(word)
    assert "too large for a MIDI file" in str(items[f"{word}/bomb.mid"])
    assert isinstance(items[f"{word}/good.mid"], Piece)


def test_a_member_that_lies_about_its_size(tmp_path: Path) -> None:
    """It says 100 bytes, and unpacks to many more."""
    word = in_zip(tmp_path, {"bomb.mid": bytes(LARGEST_FILE + 1)})
    content = Path(word).read_bytes()
    Path(word).write_bytes(content.replace((LARGEST_FILE + 1).to_bytes(4, "little"), (100).to_bytes(4, "little")))
    assert "cannot be unpacked" in splits(word)["bomb.mid"]


def test_a_tar_without_end_is_not_unpacked(
    tmp_path: Path, midi: Callable[[int], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    word = in_tar(tmp_path, {"a.mid": midi(1), "zeros": bytes(1_000_000), "b.mid": midi(2)}, "gz")
    monkeypatch.setattr(archives, "LARGEST_TAR", 100_000)
    items = found(word)
    assert isinstance(items[f"{word}/a.mid"], Piece)
    assert "larger than 100,000 bytes" in str(items[word])
    assert f"{word}/b.mid" not in items


def test_names_that_lead_elsewhere_write_nothing(tmp_path: Path, midi: Callable[[int], bytes]) -> None:
    for pack in (in_zip, in_tar):
        place = tmp_path / pack.__name__
        place.mkdir()
        word = pack(place, {"../../evil.mid": midi(1), "/etc/evil.mid": midi(2)})
        assert len(found(word)) == 2
        assert [path.name for path in place.iterdir()] == [Path(word).name]
    assert not list(tmp_path.rglob("evil.mid"))


def test_links_in_a_tar_and_loops_in_a_folder(tmp_path: Path, midi: Callable[[int], bytes]) -> None:
    word = in_tar(tmp_path, {"a.mid": midi(1)})
    with tarfile.open(word, "a") as archive:
        link = tarfile.TarInfo("b.mid")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    assert list(found(word)) == [f"{word}/a.mid"]
    folder = Path(in_folder(tmp_path, {"a.mid": midi(2)}))
    (folder / "loop").symlink_to(folder)
    (folder / "b.mid").symlink_to(folder / "b.mid")
    items = found(str(folder))
    assert isinstance(items[f"{folder}/a.mid"], Piece)
    assert "symbolic links" in str(items[f"{folder}/b.mid"])
    assert len(items) == 2


@pytest.mark.parametrize("first_line", ["", "sep=SEPARATOR\r\n", '"sep=SEPARATOR"\n'])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_of_splits_as_excel_writes_it(separator: str, first_line: str) -> None:
    rows = [["composer", "title", "split", "midi_filename"], ["Bach", "Fugue", "validation", "2018/a.midi"]]
    rows.append(["Liszt", '"Étude, no. 3; slow"', "train", "2018/b.midi"])
    text = first_line.replace("SEPARATOR", separator) + "\r\n".join(map(separator.join, rows))
    found = read_splits("maestro/maestro.csv", text.encode("utf-8-sig"))
    assert found == {"maestro/2018/a.midi": "val", "maestro/2018/b.midi": "train"}


@pytest.mark.parametrize("kind", PACKS)
def test_files_of_other_kinds_are_passed_over_by_their_endings(
    tmp_path: Path, midi: Callable[[int], bytes], kind: str
) -> None:
    table = b"midi_filename,split\na.MID,train\n"
    others = ["b.WAV", "c.wav", "README", "prices.csv", ".DS_Store", "d/._a.mid", "e.a\x1bb", ".hidden"]
    files = {"a.MID": midi(1), "f.kar": midi(2), "g.Rmi": midi(3), "h.midi": midi(4), "maestro.csv": table}
    word = PACKS[kind](tmp_path, files | dict.fromkeys(others, b"x,y\n"))
    items = list(pieces([word]))
    assert sum(isinstance(item, Piece) for item in items) == 4
    assert sorted(item.ending for item in items if isinstance(item, Passed)) == [
        *(".csv", ".wav", ".wav", "with another ending", "without an ending", "without an ending"),
        *("written by macOS", "written by macOS"),
    ]


def test_a_karaoke_file_alone_is_read(tmp_path: Path, midi: Callable[[int], bytes]) -> None:
    path = tmp_path / "SONG.KAR"
    path.write_bytes(midi(1))
    assert isinstance(found(str(path))[str(path)], Piece)


def test_other_instruments_and_damaged_files_are_read_on_request(tmp_path: Path, midi: Callable[[int], bytes]) -> None:
    guitar = midi(1).replace(b"\xc0\x00", b"\xc0\x18")
    word = in_folder(tmp_path, {"a.mid": guitar, "b.mid": midi(2)[:-8]})
    advice = "another instrument: 2; --instruments all reads them as piano"
    assert splits(word)["a.mid"] == f"no piano notes: {advice}"
    assert str(splits(word)["b.mid"]).endswith("; --salvage uses what is whole")
    everything = [item for item in pieces([word], "all", salvage=True) if isinstance(item, Piece)]
    assert [(len(item.notes), item.damage[:20]) for item in everything] == [(2, ""), (1, "track 2 of 2 lacks 8")]
