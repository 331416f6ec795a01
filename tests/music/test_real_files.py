"""Real files: MAESTRO's against pretty_midi, and odd and damaged ones by name."""

import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gpt2kit.music.editing.primer import primer_of
from gpt2kit.music.editing.splice import continued_file
from gpt2kit.music.midi import parse_midi, read_midi
from gpt2kit.music.midi_file.salvage import salvaged
from gpt2kit.music.midi_file.score import read_score
from gpt2kit.music.midi_file.smf import MidiError, read_chunks
from gpt2kit.music.notes import Notes
from gpt2kit.music.stream import encoding
from gpt2kit.music.stream.keyboard import Continuation

SharedData = Callable[[str], Path]
Row = tuple[int, int, float, float]
"""pitch, velocity, start, end"""
Oracle = Callable[[bytes], tuple[list[Row], int]]

NOTES = {
    "magenta-testdata/example.mid": 8,
    "miditok-tests/empty_note_track.mid": 0,
    "muspy-tests/empty.mid": 0,
    "muspy-tests/key-signatures.mid": 30,
    "muspy-tests/multichannel.mid": 4,
    "muspy-tests/multiple-copyrights.mid": 0,
    "muspy-tests/multitrack.mid": 4,
    "muspy-tests/ticks-per-beat-480.mid": 0,
    "muspy-tests/time-signatures.mid": 11,
    "note-seq-testdata/english1.mid": 148,
    "note-seq-testdata/english3.mid": 1350,
    "note-seq-testdata/example.mid": 8,
    "note-seq-testdata/example_complex.mid": 579,
    "symusic-corrupted/issue78_dump_abc.mid": 129,
    "symusic-corrupted/issue90.mid": 554,
}
"""How many piano notes the readable files of midi-odd hold."""

CUT = "crlf-mangled-maestro/missing"
REASONS = {
    f"{CUT}1_MIDI-Unprocessed_03_R1_2009_03-08_ORIG_MID--AUDIO_03_R1_2009_03_R1_2009_03_WAV.midi": "lacks 1 of",
    f"{CUT}1_MIDI-Unprocessed_16_R3_2011_MID--AUDIO_R3-D5_02_Track02_wav.midi": "lacks 1 of",
    f"{CUT}1_MIDI-Unprocessed_Schubert10-12_MID--AUDIO_18_R2_2018_wav.midi": "lacks 1 of",
    f"{CUT}1_MIDI-Unprocessed_XP_01_R1_2004_04-05_ORIG_MID--AUDIO_01_R1_2004_06_Track06_wav.midi": "lacks 1 of",
    f"{CUT}1_ORIG-MIDI_02_7_7_13_Group__MID--AUDIO_18_R1_2013_wav--3.midi": "lacks 1 of",
    f"{CUT}1_ORIG-MIDI_03_7_8_13_Group__MID--AUDIO_15_R2_2013_wav--2.midi": "lacks 1 of",
    f"{CUT}5_MIDI-Unprocessed_Schubert4-6_MID--AUDIO_10_R2_2018_wav.midi": "lacks 5 of",
    f"{CUT}8_MIDI-UNPROCESSED_04-07-08-10-12-15-17_R2_2014_MID--AUDIO_04_R2_2014_wav.midi": "lacks 8 of",
    "muspy-tests/zero-ticks-per-beat.mid": "0 ticks",
    "symusic-corrupted/Issue104_Bizarre_Love_Triangle2.mid": "track 5 of 26",
}
"""Of the others, a part of what is said."""


def rows(notes: Notes) -> list[Row]:
    columns = (notes.pitch, notes.velocity, notes.start, notes.end)
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


@pytest.fixture
def odd(shared_data: SharedData) -> Path:
    return shared_data("midi-odd")


@pytest.fixture
def performances(shared_data: SharedData) -> list[bytes]:
    """The shortest validation performance of each year, of MAESTRO."""
    shortest: dict[str, tuple[float, str]] = {}
    with zipfile.ZipFile(shared_data("maestro/maestro-v2.0.0-midi-train-validation.zip")) as archive:
        table = archive.read("maestro-v2.0.0/maestro-v2.0.0.csv").decode()
        for row in csv.DictReader(io.StringIO(table)):
            if row["split"] == "validation":
                found = (float(row["duration"]), f"maestro-v2.0.0/{row['midi_filename']}")
                shortest[row["year"]] = min(found, shortest.get(row["year"], found))
        return [archive.read(name) for _, name in shortest.values()]


def test_every_odd_file_gives_notes_or_a_reason(odd: Path) -> None:
    names = {path.relative_to(odd).as_posix() for path in odd.glob("*/*")}
    assert names == NOTES.keys() | REASONS.keys()
    assert len(names) == 25
    for name, count in NOTES.items():
        assert (name, len(read_midi(odd / name).notes)) == (name, count)
    for name, reason in REASONS.items():
        with pytest.raises(MidiError, match=reason) as caught:
            read_midi(odd / name)
        assert "\n" not in str(caught.value)
        assert str(odd / name) in str(caught.value)


def test_odd_files_note_for_note_as_pretty_midi_reads_them(odd: Path, oracle: Oracle) -> None:
    """All but one without a track, which pretty_midi cannot read."""
    for name in NOTES.keys() - {"muspy-tests/ticks-per-beat-480.mid"}:
        content = (odd / name).read_bytes()
        assert (name, rows(parse_midi(content).notes)) == (name, oracle(content)[0])


def test_the_whole_part_of_damaged_performances_is_that_of_the_originals(odd: Path, shared_data: SharedData) -> None:
    """All but the one whose original is in the test split. What is read ends a few events before the first byte lost at
    the latest, and begins like the original."""
    archive = zipfile.ZipFile(shared_data("maestro/maestro-v2.0.0-midi-train-validation.zip"))
    originals = {name.rpartition("/")[2]: name for name in archive.namelist()}
    compared = 0
    for path in sorted(odd.glob("crlf-mangled-maestro/*")):
        name = path.name.partition("_")[2]
        if name not in originals:
            continue
        original = archive.read(originals[name])
        chunks, damage = salvaged(path.read_bytes())
        (whole,) = read_chunks(original).tracks[1:]
        lost = whole.index(b"\r\n")
        assert (path.name, 0 <= lost - len(chunks.tracks[1]) < 64) == (path.name, True)
        assert whole.startswith(chunks.tracks[1])
        assert len(damage) == 1
        assert parse_midi(path.read_bytes(), salvage=True).damage == damage[0]
        compared += 1
    assert compared == 7


def test_performances_note_for_note_as_pretty_midi_reads_them(performances: list[bytes], oracle: Oracle) -> None:
    """To the last bit, with the pedal folded into the lengths; none of these meets an exception."""
    assert len(performances) == 10
    for content in performances:
        assert rows(parse_midi(content).notes) == oracle(content)[0]


def test_events_of_real_files_are_on_time(odd: Path, performances: list[bytes]) -> None:
    contents = [*performances, *((odd / name).read_bytes() for name in NOTES)]
    for content in contents:
        notes = parse_midi(content).notes.first_in_first_out()
        ids = encoding.encode(notes)
        played = encoding.decode(ids)
        assert encoding.encode(played).tolist() == ids.tolist()
        mine, theirs = (np.lexsort((each.end, each.start, each.pitch)) for each in (notes, played))
        assert notes.pitch[mine].tolist() == played.pitch[theirs].tolist()
        assert np.abs(notes.start[mine] - played.start[theirs]).max(initial=0) <= 0.005 + 1e-9


def test_performances_of_maestro_are_continued(performances: list[bytes]) -> None:
    """Their messages are written to the byte; up to a cut, their notes stay to the last bit."""
    for content in performances:
        score = read_score(content)
        assert score.written() == content
        primer = primer_of(content, 20.0)
        open_notes = primer.opening.end > 20.0
        releases = dict.fromkeys(primer.opening.pitch[open_notes].tolist(), 20.5)
        written = continued_file(primer, Continuation(Notes.of([60], [64], [20.1], [20.4]), releases))
        cut = score.clock().first(20.0)
        for old, new in zip(score.tracks, read_score(written).tracks, strict=False):
            unchanged = [each for each in old if each[0] < cut]
            assert new[: len(unchanged)] == unchanged
        found = parse_midi(written).notes
        before = found.start < 20.0
        for name in ("pitch", "velocity", "start"):
            assert getattr(found, name)[before].tolist() == getattr(primer.opening, name).tolist()
        assert found.end[before][~open_notes].tolist() == primer.opening.end[~open_notes].tolist()
        assert found.end[before][open_notes] == pytest.approx(20.5, abs=0.002)
        assert found.start[~before] == pytest.approx([20.1], abs=0.002)
