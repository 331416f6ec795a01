"""Performances: primers, crops, splits, and what the contract test and others take as examples of this task."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import gpt2kit
from gpt2kit import recipe
from gpt2kit.data.report import Damage
from gpt2kit.data.splits import split_of
from gpt2kit.data.store import Store
from gpt2kit.music.corpus.sources import Piece
from gpt2kit.music.midi import write_midi
from gpt2kit.music.notes import Notes
from gpt2kit.music.stream import encoding, events, transform
from gpt2kit.music.windows.augment import window
from gpt2kit.tasks.music import Music
from gpt2kit.tasks.performances.records import Performance, key_of, performance
from gpt2kit.tasks.performances.vocabulary import EVENTS_FILE
from gpt2kit.tasks.record import Record

RandomNotes = Callable[..., Notes]

TUNE = Notes.of([60, 64, 67, 72], [62, 62, 94, 94], [0.0, 0.25, 0.5, 1.0], [0.25, 0.5, 1.0, 2.0])

TINY = [
    *(
        "task.held_out=0.3",
        "task.transpose=0",
        "task.stretch=0",
        "model.n_layer=1",
        "model.n_head=2",
        "model.n_embd=32",
    ),
    *("model.n_positions=64", "model.dropout=0", "train.budget=", "train.steps=150", "train.optimizer=adamw"),
    *("train.lr=1e-2", "train.batch_tokens=256", "train.ema=0", "train.dtype=fp32", "train.compile=off"),
    *("train.evaluate_every=150", "generate.temperature=0", "generate.top_p=1", "generate.roll=false"),
    "generate.max_new_tokens=40",
]
"""Settings under which the tune above is known by heart after seconds."""

RECORDS = [
    Record(TUNE, Notes.of([21, 108], [2, 126], [0.0, 0.0], [0.01, 30.0])),
    Record(Notes.none(), TUNE),
    Record(TUNE, Notes.of([60, 60, 60], [30, 50, 70], [0.0, 0.1, 5.0], [0.1, 0.5, 5.01])),
]
"""What must survive encoding and decoding: times in whole steps, velocities in the middle of their bins."""


def write_corpus(folder: Path) -> list[str]:
    path = folder / "tune.mid"
    write_midi(path, TUNE)
    return [str(path)]


@pytest.fixture
def task() -> Music:
    return Music()


def file_of(record: Performance) -> str:
    return record.name.split(": ")[0].rsplit("/", 1)[-1]


def test_a_folder_with_a_table_of_splits(task: Music, tmp_path: Path, random_notes: RandomNotes) -> None:
    table = ["midi_filename,split"]
    for number, split in enumerate(["train", "validation", "test"]):
        write_midi(tmp_path / f"{split}.mid", random_notes(number))
        table += [f"{split}.mid,{split}", f"broken-{split}.mid,{split}", f"absent-{split}.mid,{split}"]
        table += [f"again-{split}.mid,{split}"]
        (tmp_path / f"broken-{split}.mid").write_bytes(b"MThd")
        (tmp_path / f"again-{split}.mid").write_bytes((tmp_path / "train.mid").read_bytes())
    (tmp_path / "broken.mid").write_bytes(b"MThd")
    (tmp_path / "splits.csv").write_text("\n".join(table))
    records = list(task.read([str(tmp_path)]))
    found = {file_of(record): split_of(record, 1e-9) for record in records}
    assert found.pop("broken.mid") == "train", "no table names it"
    assert found == {
        f"{kind}{name}.mid": split
        for kind in ("", "broken-", "absent-", "again-")
        for name, split in (("train", "train"), ("validation", "val"), ("test", "test"))
    }
    problems = {file_of(record): record.problem for record in records}
    for name, problem in problems.items():
        assert isinstance(problem, Damage) == name.startswith("broken")
    usable = [name for name, problem in problems.items() if not problem]
    assert sorted(usable) == ["again-test.mid", "test.mid", "validation.mid"], "the first of equal pieces is kept"


def test_prepare_reports_damage_by_its_kind_and_names_every_file(tmp_path: Path, random_notes: RandomNotes) -> None:
    """Though what is said of each file is another thing."""
    folder = tmp_path / "MIDI-Unprocessed"
    folder.mkdir()
    for number in range(20):
        write_midi(folder / f"{number:02}.mid", random_notes(number))
        content = (folder / f"{number:02}.mid").read_bytes()
        (folder / f"bad{number:02}.mid").write_bytes(content[: -2 - number])
    report = gpt2kit.prepare(recipe.load("music", TINY), {"train": [str(folder)]}, tmp_path / "data")["train"]
    assert report.dropped == {"damaged or cut short": 20}
    assert report.damaged == 20
    written = json.loads((tmp_path / "data" / "prepare.json").read_text(encoding="utf-8"))["splits"]["train"]
    listed = written["examples"]["damaged or cut short"]
    assert len(set(listed)) == 20
    for number, line in enumerate(listed):
        assert line.startswith(f"{folder}/bad{number:02}.mid: track 2 of 2 lacks {2 + number} of its ")


def test_what_is_salvaged_noticed_and_passed_over_is_counted(tmp_path: Path, random_notes: RandomNotes) -> None:
    """Salvaged files are rows, and named; a note that is never released is not dropped, a text is not a record."""
    folder = tmp_path / "music"
    folder.mkdir()
    for number in range(6):
        write_midi(folder / f"{number}.mid", random_notes(number))
    cut = (folder / "3.mid").read_bytes()[:-40]
    (folder / "3.mid").write_bytes(cut)
    (folder / "notes.txt").write_text("no music")
    settings = [*TINY, "task.salvage=true"]
    reports = gpt2kit.prepare(recipe.load("music", settings), {"train": [str(folder)]}, tmp_path / "data")
    assert sum(report.read for report in reports.values()) == sum(report.rows for report in reports.values()) == 6
    assert reports["train"].left_out["files passed over, .txt"] == 1
    (report,) = (report for report in reports.values() if report.partly_read)
    assert report.has_damage
    assert (report.partly_read, report.damaged, report.dropped) == (1, 0, {})
    assert report.left_out["files read up to their damage"] == 1
    assert report.left_out["notes never released, ended with their track"] >= 1
    (named,) = report.examples["files read up to their damage"]
    assert named.startswith(f"{folder}/3.mid: track 2 of 2 lacks 40 of its ")


def test_what_was_read_is_what_is_written(task: Music, tmp_path: Path, random_notes: RandomNotes) -> None:
    """The ids that reading a file made are those that encoding its notes makes."""
    write_midi(tmp_path / "a.mid", random_notes(1))
    (record,) = task.read([str(tmp_path)])
    ((prompt, target),) = task.encode([record])
    assert [(list(prompt), list(target))] == task.encode([Record(record.source, record.target)])
    assert record.key == key_of(np.array(task.encode_target(record.target)[:-1], np.uint32).tobytes())


def test_a_primer_is_shortened_to_its_end(task: Music, random_notes: RandomNotes) -> None:
    prompt = task.encode_source(random_notes(2, count=200))
    short = task.layout.shorten(prompt, 50)
    assert events.VELOCITY <= short[0] < events.BEGIN, "the velocity in force comes first"
    assert short[1:] == prompt[-len(short) + 1 :]
    assert short[0] == transform.sounding_velocity(prompt, len(prompt) - len(short) + 1)


def test_windows_to_train_on(random_notes: RandomNotes) -> None:
    pieces = [encoding.encode(random_notes(seed, pitches=(30, 90))) for seed in range(3)]
    ring = np.concatenate([[events.BEGIN, *piece, events.END] for piece in pieces])
    pitches = set()
    for start in range(0, len(ring), 7):
        plain = window(ring, start, 40, np.random.default_rng(start), 0, 0.0)
        moved = window(ring, start, 40, np.random.default_rng(start), 3, 0.05)
        assert len(plain) == len(moved) == 40
        velocity = transform.sounding_velocity(ring, start)
        led = velocity is not None and ring[start] < events.VELOCITY
        expected = ring.take(range(start, start + 40), mode="wrap").tolist()
        assert plain.tolist() == ([velocity, *expected[:39]] if led else expected)
        assert moved[0] == plain[0] or plain[0] < events.VELOCITY, "neither a velocity nor a mark is changed"
        assert window(ring, start, 40, np.random.default_rng(start), 3, 0.05).tolist() == moved.tolist()
        pitches |= {int(id) & 127 for id in moved if id < events.TIME_SHIFT}
    assert min(pitches) < 30 <= 90 < max(pitches) + 3


def test_a_share_of_the_windows_has_announcements(random_notes: RandomNotes) -> None:
    ring = np.concatenate([[events.BEGIN, *encoding.encode(random_notes(seed)), events.END] for seed in range(3)])
    plain, half = (Music(transpose=0, stretch=0.0, infill=infill).layout for infill in (0.0, 0.5))
    count = 0
    for start in range(0, len(ring), 10):
        windows = [layout.crop(ring, start, 200, np.random.default_rng(start)) for layout in (plain, half)]
        assert [len(window) for window in windows] == [200, 200]
        assert windows[0].max() < events.VOCABULARY
        count += int(windows[1].max() >= events.VOCABULARY)
        kept = windows[1][windows[1] < events.VOCABULARY]
        assert kept.tolist() == windows[0][: len(kept)].tolist(), "the same events, as far as they fit"
    assert 0.35 < count / len(range(0, len(ring), 10)) < 0.6
    assert half.given == events.VOCABULARY, "announcements carry no loss"


def test_a_folder_of_an_older_version_has_no_announcements(task: Music, tmp_path: Path) -> None:
    new, old = task.fit([], [], tmp_path, 64).vocabulary, tmp_path / "old"
    old.mkdir()
    (old / EVENTS_FILE).write_text("".join(f"{id}\t{events.name(id)}\n" for id in range(events.VOCABULARY)))
    found = task.opened(old).vocabulary
    assert (found.size, found.fingerprint()) == (391, "performance events, 388 + 3")
    assert (new.size, new.fingerprint()) == (479, "performance events, 388 + 3 + 88")
    assert new.extends(old), "a run of an older version can be trained further on new data"
    assert not found.extends(tmp_path)


def test_data_of_an_older_version_teaches_no_announcements(
    task: Music, tmp_path: Path, store_of: Callable[..., Store], random_notes: RandomNotes
) -> None:
    """It is shown, trained on and scored as before, and `train` says that infill has no effect."""
    task.fit([], [], tmp_path, 64)
    store = store_of(task.encode([Record(Notes.none(), random_notes(1, count=300))]))
    new = Music(transpose=0, stretch=0.0, infill=1.0).opened(tmp_path)
    (tmp_path / "old").mkdir()
    lines = (tmp_path / EVENTS_FILE).read_text().splitlines(keepends=True)
    (tmp_path / "old" / EVENTS_FILE).write_text("".join(lines[: events.VOCABULARY]))
    old = new.opened(tmp_path / "old")
    largest = []
    for each in (new, old):
        batches = each.layout.batching(64).training(store, 640, 0)
        largest.append(max(int(batches.collate(rows).ids_BT.max()) for rows in batches.epoch(0)))
    assert largest[0] >= events.VOCABULARY > largest[1]
    assert new.layout.ignored() == []
    (line,) = old.layout.ignored()
    assert line.startswith("task.infill = 1 has no effect: the data was prepared by an older version")
    assert replace(old, infill=0.0).layout.ignored() == []


def test_units(task: Music) -> None:
    document = [events.BEGIN, *task.encode_target(TUNE)]
    assert task.layout.units(document[1:]) == {"event": len(document) - 1, "note": 4, "second": 2.0}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("transpose=13", "transpose = 13; expected 0 to 12"),
        ("stretch=0.5", "stretch = 0.5; expected at least 0"),
        ("infill=1.5", "infill = 1.5; expected 0 to 1"),
    ],
)
def test_settings_that_cannot_be(setting: str, message: str) -> None:
    with pytest.raises(Exception, match=message):
        recipe.load("music", [f"task.{setting}"])


def test_a_run_of_another_kind_is_not_extended(task: Music, tmp_path: Path) -> None:
    fitted = task.fit([], [], tmp_path, 64)
    other = tmp_path / "other"
    other.mkdir()
    assert fitted.vocabulary.extends(tmp_path)
    assert not fitted.vocabulary.extends(other)
    assert "60\tNOTE_ON_60\n" in (tmp_path / "events.tsv").read_text()


def test_an_example_of_a_report(task: Music, tmp_path: Path) -> None:
    write_midi(tmp_path / "a.mid", TUNE)
    (record,) = task.read([str(tmp_path)])
    assert isinstance(record, Performance)
    assert repr(record).endswith("a.mid")
    assert record.skipped == {}


def test_clipped_bytes_are_counted(task: Music, tmp_path: Path) -> None:
    write_midi(tmp_path / "a.mid", Notes.of([60, 64], [93, 94], [0.0, 1.0], [1.0, 2.0]))
    content = (tmp_path / "a.mid").read_bytes()
    assert content.count(bytes([60, 93])) == 1
    (tmp_path / "a.mid").write_bytes(content.replace(bytes([60, 93]), bytes([60, 200])))
    (record,) = task.read([str(tmp_path)])
    assert record.target.velocity.tolist() == [127, 94]
    assert record.skipped == {"data bytes above 127, taken as 127": 1}


def test_the_music_alone_decides_what_is_held_out(task: Music, random_notes: RandomNotes) -> None:
    """About one piece in twenty, the same ones under other names."""

    def split(number: int, name: str, named: str = "") -> str:
        notes = random_notes(number, count=5)
        piece = Piece(name, named, notes, encoding.encode(notes), {}, 0, {}, "")
        return split_of(performance(piece), task.held_out)

    first = [split(number, f"{number}.mid") for number in range(300)]
    assert first == [split(number, f"x/{999 - number}.mid") for number in range(300)]
    assert set(first) == {"train", "val"}
    assert 5 <= first.count("val") <= 28
    assert split(first.index("val"), "a.mid", "train") == "train", "but where a table says another"
    assert split(0, "a.mid", "test") == "test"
