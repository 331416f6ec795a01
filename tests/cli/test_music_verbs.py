"""music on the command line: what is written, what is refused before any work, and what is told."""

import json
import math
import re
import sys
import wave
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from pretty_midi import ControlChange, Instrument, Note, PrettyMIDI
from torch.nn import functional as F

import gpt2kit
from gpt2kit.cli.app import run
from gpt2kit.errors import UserError
from gpt2kit.music.analysis.copying import TrainingPieces
from gpt2kit.music.analysis.judge import judge
from gpt2kit.music.audio.sound import write_wav
from gpt2kit.music.marked import Marked
from gpt2kit.music.midi import read_midi, to_pretty_midi, write_midi
from gpt2kit.music.notes import Notes, pitch_name
from gpt2kit.music.playing.grammar import Timed
from gpt2kit.music.stream import encoding, events
from gpt2kit.pipeline.play import continue_midi, play

Capture = pytest.CaptureFixture[str]
Examples = Callable[[str], Any]
RandomNotes = Callable[..., Notes]

MORE = [
    "train.steps=12",
    "train.evaluate_every=12",
    "generate.roll=true",
    "generate.temperature=1",
    "generate.seed=0",
    "train.samples=0",
]
KINDS = (".mid", ".wav", ".png")


def tune(seed: int) -> Notes:
    """Four seconds in which something happens all the time."""
    pitch = [60 + (7 * seed + 5 * note) % 24 for note in range(32)]
    return Notes.of(pitch, [62] * 32, [note / 8 for note in range(32)], [note / 8 + 0.1 for note in range(32)])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, examples: Examples) -> Path:
    """A run of a few steps; `corpus` and the prepared `data` are beside it."""
    folder = tmp_path_factory.mktemp("music")
    (folder / "corpus").mkdir()
    table = ["midi_filename,split"]
    for number, split in enumerate(["train", "train", "validation", "validation", "test"]):
        write_midi(folder / "corpus" / f"{number}.mid", tune(number))
        table.append(f"{number}.mid,{split}")
    (folder / "corpus" / "splits.csv").write_text("\n".join(table), encoding="utf-8")
    settings = [setting for setting in examples("music").TINY if not setting.startswith("task.")]
    words = [word for setting in [*settings, *MORE] for word in ("--set", setting)]
    assert run(["music", "prepare", str(folder / "corpus"), "--out", str(folder / "data")]) == 0
    assert run(["music", "train", str(folder / "data"), "--out", str(folder / "run"), *words]) == 0
    return folder / "run"


@pytest.fixture
def workplace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """No sound is computed and no picture drawn: their files name their kind."""

    def write_wav(path: Path, notes: Notes) -> str:
        path.write_bytes(b"RIFF %b LIST ISFT gpt2kit" % notes.start.tobytes())
        return "none"

    def write_roll(path: Path, piece: Marked, title: str = "") -> None:
        path.write_bytes(b"\x89PNG Software\0gpt2kit %b" % piece.notes.start.tobytes())

    def write_flac(path: Path, notes: Notes) -> str:
        path.write_bytes(b"fLaC software=gpt2kit %b" % notes.start.tobytes())
        return "none"

    monkeypatch.setattr("gpt2kit.music.audio.flac.require", lambda: None)
    monkeypatch.setattr("gpt2kit.music.audio.sound.write_flac", write_flac)
    monkeypatch.setattr("gpt2kit.music.audio.sound.write_wav", write_wav)
    monkeypatch.setattr("gpt2kit.music.pages.roll.write_roll", write_roll)


def told(words: list[str], capsys: Capture, code: int = 0) -> Any:
    """What a command writes to stdout as JSON; its error where it fails."""
    capsys.readouterr()
    assert run([*words, "--json"]) == code
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    if code not in (0, 5):
        assert out == ""
        return json.loads(err)["error"]["message"]
    return json.loads(out)


def generated(trained: Path, capsys: Capture, *words: str) -> Any:
    return told(["music", "generate", "--run", str(trained), *words], capsys)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


# prepare


@pytest.mark.parametrize(("good", "bad", "code"), [(2, 0, 0), (2, 1, 5), (0, 2, 3)])
def test_damaged_files_decide_the_exit_code(
    workplace: Path, capsys: Capture, random_notes: RandomNotes, good: int, bad: int, code: int
) -> None:
    (workplace / "corpus").mkdir()
    for number in range(good):
        write_midi(workplace / "corpus" / f"good{number}.mid", random_notes(number))
    for number in range(bad):
        (workplace / "corpus" / f"bad{number}.mid").write_bytes(b"MThd")
    words = ["music", "prepare", "corpus", "--val", "corpus", "--out", "data"]
    found = told(words, capsys, code)
    if code == 3:
        assert "nothing to train on" in found
        assert not (workplace / "data").exists()
    else:
        assert found["train"]["rows"] == good
        assert found["train"]["damaged"] == bad


def test_salvaged_files_are_used_and_decide_the_exit_code_too(
    workplace: Path, capsys: Capture, random_notes: RandomNotes
) -> None:
    write_midi(workplace / "whole.mid", random_notes(1))
    write_midi(workplace / "cut.mid", random_notes(2))
    (workplace / "cut.mid").write_bytes((workplace / "cut.mid").read_bytes()[:-30])
    words = ["music", "prepare", "whole.mid", "cut.mid", "--val", "whole.mid"]
    found = told([*words, "--out", "without"], capsys, 5)["train"]
    assert (found["rows"], found["damaged"]) == (1, 1)
    assert found["examples"]["damaged or cut short"][0].endswith(
        "lacks 30 of its 432 bytes; --salvage uses what is whole"
    )
    found = told([*words, "--salvage", "--out", "with"], capsys, 5)["train"]
    assert (found["rows"], found["damaged"], found["partly_read"]) == (2, 0, 1)
    assert run([*words, "--salvage", "--out", "again"]) == 5
    assert "train: files read up to their damage: 1, such as cut.mid: track 2 of 2 lacks 30" in capsys.readouterr().err


def test_a_primer_of_another_instrument_or_a_damaged_one_is_read_on_request(
    trained: Path, workplace: Path, capsys: Capture, silent: None
) -> None:
    write_midi(workplace / "piano.mid", Notes.of([60, 62], [64, 64], [0.0, 0.5], [0.5, 1.0]))
    content = (workplace / "piano.mid").read_bytes()
    (workplace / "guitar.mid").write_bytes(content.replace(b"\xc0\x00", b"\xc0\x18"))
    (workplace / "cut.mid").write_bytes(content[:-8])
    words = ["music", "generate", "--run", str(trained), "--seconds", "0.2", "--no-sound", "--out"]
    advice = "guitar.mid: no piano notes: another instrument: 2; --instruments all reads them as piano"
    assert told([*words, "0.mid", "--prime", "guitar.mid"], capsys, 3) == advice
    assert told([*words, "1.mid", "--prime", "guitar.mid", "--instruments", "lute"], capsys, 2).startswith(
        "--instruments lute: "
    )
    told([*words, "2.mid", "--prime", "guitar.mid", "--instruments", "all"], capsys)
    told([*words, "3.mid", "--prime", "guitar.mid", "--set", "task.instruments=all"], capsys)
    assert told([*words, "4.mid", "--prime", "cut.mid"], capsys, 3).endswith("; --salvage uses what is whole")
    told([*words, "5.mid", "--prime", "cut.mid", "--salvage"], capsys)
    assert read_midi("5.mid").notes.pitch[0] == 60
    assert told(["music", "render", "guitar.mid"], capsys, 3) == advice
    assert told(["music", "render", "guitar.mid", "--instruments", "all"], capsys)["notes"] == 2
    assert told(["music", "render", "cut.mid", "--salvage"], capsys)["notes"] == 1


# evaluate


def documents(corpus: Path, *numbers: int) -> list[list[int]]:
    ids = [encoding.encode(read_midi(corpus / f"{number}.mid").notes).tolist() for number in numbers]
    return [[events.BEGIN, *each, events.END] for each in ids]


def nats(trained: Path, pieces: list[list[int]], window: int = 64) -> float:
    """What every event but a piece's first costs, predicted from what its window holds before it."""
    model, total = gpt2kit.load(trained).model, 0.0
    for ids in pieces:
        for start in range(0, len(ids) - 1, window):
            part = torch.tensor(ids[start : start + window + 1])
            with torch.no_grad():
                total += F.cross_entropy(model(part[None, :-1])[0], part[1:], reduction="sum").item()
    return total


@pytest.mark.parametrize(
    ("words", "numbers", "name"),
    [
        ([], (2, 3), "corpus:val"),
        (["--split", "test"], (4,), "corpus:test"),
        (["--limit", "1"], (2,), "corpus:val"),
        (["--limit", "9"], (2, 3), "corpus:val"),
        (["--on", "3.mid"], (3,), "3.mid"),
        (["--on", "4.mid", "--on", "0.mid"], (4, 0), "4.mid,0.mid"),
        (["--on", "4.mid", "--on", "0.mid", "--limit", "1"], (4,), "4.mid,0.mid"),
    ],
)
def test_the_loss_by_each_unit(
    trained: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
    words: list[str],
    numbers: tuple[int, ...],
    name: str,
) -> None:
    """Nats of the whole, window by window, over the events, notes and seconds of the documents."""
    monkeypatch.chdir(trained.parent / "corpus")
    monkeypatch.setattr("gpt2kit.model.device.native_bf16", lambda device: False)
    found = told(["music", "evaluate", "--run", str(trained), "--samples", "0", *words], capsys)
    assert "samples" not in found
    pieces = documents(trained.parent / "corpus", *numbers)
    total = nats(trained, pieces)
    counts = {
        "event": sum(len(piece) - 1 for piece in pieces),
        "note": 32 * len(numbers),
        "second": sum(encoding.seconds(piece) for piece in pieces),
    }
    values = {unit: score["value"] for unit, score in found["scores"].items()}
    assert values == {f"nats per {unit}": pytest.approx(total / count, rel=1e-5) for unit, count in counts.items()}
    assert found["count"] == len(numbers)
    set_name, ids, rest = found["signature"].split("|", 2)
    assert (set_name, len(ids)) == (f"set:{name}", len("ids:12345678"))
    assert rest.startswith(f"n:{len(numbers)}|window:64|")
    assert found["scores"]["nats per event"]["signature"] == f"n:{counts['event']}"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--seconds", "0"], 2, "--seconds 0: must be more than 0, and at most 6 hours in all"),
        (["--set", "task.transpose=0"], 2, "--set task.transpose: it was fixed when the data was prepared"),
        (["--split", "nothing"], 3, "has no nothing split: its splits are train, val"),
        (["--on", "nowhere.mid"], 3, "nowhere.mid"),
        (["--on", "broken.mid"], 3, "broken.mid has no documents to evaluate on"),
    ],
)
def test_what_cannot_be_scored(
    trained: Path, workplace: Path, capsys: Capture, words: list[str], code: int, message: str
) -> None:
    (workplace / "broken.mid").write_bytes(b"MThd")
    assert message in told(["music", "evaluate", "--run", str(trained), *words], capsys, code)


def test_samples_are_judged(trained: Path, workplace: Path, capsys: Capture) -> None:
    """What is played is what `generate` writes; it is compared with what was scored, and with the training pieces."""
    options = ["--samples", "3", "--seconds", "2", "--seed", "4"]
    found = told(["music", "evaluate", "--run", str(trained), *options], capsys)["samples"]
    assert found["signature"] == "n:3|seconds:2|t:1|k:0|p:1|seed:4|beside:corpus:val"
    generated(trained, capsys, *options, "--no-sound", "--out", "x.mid")
    played = [read_midi(workplace / f"x-{number}.mid").notes for number in (1, 2, 3)]
    corpus = trained.parent / "corpus"
    training = TrainingPieces((f"{corpus}/{number}.mid", tune(number)) for number in (0, 1))
    expected = judge(played, [tune(2), tune(3)], training)
    for told_one, figure in zip(found["statistics"], expected.figures, strict=True):
        assert told_one["name"] == figure.name
        assert told_one["sample"] == pytest.approx(figure.sample, rel=0.05, abs=0.02)
    assert found["copied"]["notes"] == expected.copied.notes
    assert found["copied"]["piece"] in training.names
    assert found["held_out_copied"] == expected.held_out_copied


def test_a_table_of_splits_is_kept(trained: Path, workplace: Path, capsys: Capture) -> None:
    """With a corpus for validation, what a table has for validation or test does not become training data; and of a
    corpus to score on one of its splits can be taken."""
    corpus, others = trained.parent / "corpus", workplace / "others"
    others.mkdir()
    write_midi(others / "a.mid", tune(7))
    found = told(["music", "prepare", str(corpus), "--val", str(others), "--out", "data"], capsys)
    assert (found["train"]["rows"], found["val"]["rows"]) == (2, 1)
    assert found["train"]["dropped"] == {"in another split of the corpus": 3}
    words = ["music", "evaluate", "--run", str(trained), "--samples", "0", "--on", str(corpus)]
    for split, pieces in (("test", 1), ("train", 2), ("", 5)):
        signature = told([*words, *(["--split", split] if split else [])], capsys)["signature"]
        assert f"set:corpus{':' * bool(split)}{split}|" in signature
        assert f"|n:{pieces}|" in signature


def test_a_damaged_file_among_those_to_score(trained: Path, workplace: Path, capsys: Capture) -> None:
    (workplace / "pieces").mkdir()
    (workplace / "pieces" / "broken.mid").write_bytes(b"MThd")
    write_midi(workplace / "pieces" / "good.mid", tune(1))
    words = ["music", "evaluate", "--run", str(trained), "--samples", "0", "--on", "pieces"]
    assert run(words) == 5
    out, err = capsys.readouterr()
    assert "1 dropped" in err
    assert "broken.mid" in err
    assert "nats per event" in out


def test_lines_for_people(trained: Path, capsys: Capture) -> None:
    assert run(["music", "evaluate", "--run", str(trained), "--samples", "2", "--seconds", "2"]) == 0
    out = capsys.readouterr().out
    for name in ("nats per note", "notes a second", "pitch classes", "longest passage also in training"):
        assert f"\n{name}" in out


def test_folders_without_names(trained: Path, workplace: Path, capsys: Capture) -> None:
    """As they were prepared before there were any."""
    (trained.parent / "data" / "train.names").rename(workplace / "names")
    try:
        words = ["music", "evaluate", "--run", str(trained), "--samples", "1", "--seconds", "1"]
        assert "train.names has names of 0 of 2 documents: prepare the data again" in told(words, capsys, 3)
    finally:
        (workplace / "names").rename(trained.parent / "data" / "train.names")


# train


def test_augmentation_is_decided_when_training(trained: Path, workplace: Path, capsys: Capture) -> None:
    data = str(trained.parent / "data")
    small = ("train.steps=3", "train.samples=0", "model.n_layer=1", "model.n_embd=32")
    settings = [word for setting in small for word in ("--set", setting)]
    losses = []
    for name, words in [("a", ["--stretch=0.1"]), ("b", ["--transpose=0"]), ("c", ["--set", "task.transpose=7"])]:
        assert run(["music", "train", data, "--out", name, *settings, *words]) == 0
        lines = (workplace / name / "metrics.jsonl").read_text().splitlines()
        losses.append([json.loads(line).get("loss") for line in lines])
    assert losses[0] != losses[1] != losses[2] != losses[0]
    assert json.loads((workplace / "b" / "task.json").read_text())["settings"]["transpose"] == 0
    capsys.readouterr()
    words = ["music", "prepare", data, "--out", "d", "--set", "task.transpose=1"]
    assert "--set task.transpose: the data is the same for all its values; set it for train" in told(words, capsys, 2)


# generate


def test_a_piece_is_written_as_midi_sound_and_picture(trained: Path, workplace: Path, capsys: Capture) -> None:
    words = ["--seconds", "3", "--out", "new/x.mid", "--json"]
    capsys.readouterr()
    assert run(["music", "generate", "--run", str(trained), *words]) == 0
    out, said = capsys.readouterr()
    found = json.loads(out)
    assert sorted(contents(workplace / "new")) == ["x.mid", "x.png", "x.wav"]
    notes = read_midi(workplace / "new" / "x.mid").notes
    assert (found["midi"], found["wav"], found["png"]) == tuple(f"new/x{kind}" for kind in (".mid", ".wav", ".png"))
    assert (found["notes"], found["primer_seconds"]) == (len(notes), 0.0)
    assert found["seconds"] == pytest.approx(notes.duration, abs=0.01)
    assert 0 < notes.duration < 4, "the last shift takes a second at most"
    with wave.open(str(workplace / "new" / "x.wav")) as sound:
        assert sound.getnframes() / sound.getframerate() > notes.duration
    synthesizer = write_wav(workplace / "again.wav", notes)
    assert f"new/x.wav: sound by {synthesizer}\n" in said
    with Image.open(workplace / "new" / "x.png") as picture:
        assert min(picture.size) > 50


@pytest.mark.parametrize("seconds", [0.001, 0.015, 1.0, 7.5])
def test_a_piece_lasts_as_long_as_was_asked(trained: Path, seconds: float) -> None:
    """Nothing begins at its end, where all keys are let go; neither BEGIN nor END nor PAD is played."""
    opened = gpt2kit.load(trained, {"max_new_tokens": 5000})
    for result in play(opened, Notes.none(), seconds, 4):
        (ids,) = result.ids
        assert max(ids) < events.BEGIN
        assert result.finished
        assert encoding.seconds(ids) == pytest.approx(math.ceil(100 * seconds) / 100)
        after = ids[max(place for place, id in enumerate(ids) if 256 <= id < 356) + 1 :]
        assert all(events.NOTE_OFF <= id < events.TIME_SHIFT for id in after)
        struck, released = Counter(id for id in ids if id < 128), Counter(id - 128 for id in ids if 128 <= id < 256)
        assert struck == released


@pytest.mark.parametrize("seconds", [0.001, 0.015, 1.0, 7.5])
def test_without_a_grammar_the_event_that_reaches_the_end_is_the_last(trained: Path, seconds: float) -> None:
    """Neither BEGIN nor END nor PAD is played then, either."""
    opened = gpt2kit.load(trained, {"max_new_tokens": 5000, "grammar": False})
    for result in play(opened, Notes.none(), seconds, 4):
        (ids,) = result.ids
        assert max(ids) < events.BEGIN
        stalled = len(ids) >= Timed.patience and encoding.seconds(ids[-Timed.patience :]) == 0
        assert stalled or encoding.seconds(ids) >= seconds
        assert encoding.seconds(ids[:-1]) < seconds


@pytest.mark.usefixtures("silent")
def test_one_run_plays(trained: Path, workplace: Path, capsys: Capture) -> None:
    assert run(["music", "generate", "--run", str(trained), "-r", "runs/b", "--out", "two.mid"]) == 2
    assert f"--run {trained} --run runs/b: music is played by one run" in capsys.readouterr().err
    assert not Path("two.mid").exists()


def test_a_seed_gives_the_same_file(trained: Path, workplace: Path, capsys: Capture) -> None:
    for name, seed in [("a", "1"), ("b", "1"), ("c", "2")]:
        generated(trained, capsys, "--seconds", "6", "--seed", seed, "--out", f"{name}.mid")
    files = contents(workplace)
    assert files["a.mid"] == files["b.mid"] != files["c.mid"]


@pytest.mark.usefixtures("silent")
def test_samples_are_numbered(trained: Path, workplace: Path, capsys: Capture) -> None:
    """Sample i is that of the seed + i."""
    found = generated(trained, capsys, "--seconds", "2", "--samples", "3", "--seed", "4", "--out", "x.mid")
    assert [each["midi"] for each in found] == ["x-1.mid", "x-2.mid", "x-3.mid"]
    assert sorted(contents(workplace)) == sorted(["x.html", *(f"x-{n}{kind}" for n in (1, 2, 3) for kind in KINDS)])
    generated(trained, capsys, "--seconds", "2", "--seed", "5", "--out", "alone.mid")
    files = contents(workplace)
    assert files["alone.mid"] == files["x-2.mid"]
    assert len({files[f"x-{n}.mid"] for n in (1, 2, 3)}) == 3


FREE = ["--set", "generate.grammar=false"]
ONLY_TIME = [*FREE, "--set", "generate.ban_ids=" + ",".join(map(str, [*range(256), *range(356, 388)]))]


@pytest.mark.usefixtures("silent")
def test_a_piece_that_is_too_short_is_written_and_named(
    trained: Path, workplace: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So is one without notes; the exit code says that not all is as asked."""
    words = ["music", "generate", "--run", str(trained), "--seconds", "2", "--seed", "1", "--out", "x.mid"]
    found = told([*words, *ONLY_TIME], capsys, 5)
    assert (found["notes"], found["short"]) == (0, "the model played no notes in 2 seconds")
    assert sorted(contents(workplace)) == sorted(f"x{kind}" for kind in KINDS)
    monkeypatch.setattr(Timed, "patience", 1)
    assert run([*words, *FREE, "--samples", "2"]) == 5
    said = capsys.readouterr().err
    why = "the model wrote events without any time between them, which generate.grammar = true prevents"
    for name in ("x-1.mid", "x-2.mid"):
        assert re.search(rf"^{name}: only [01]\.\d of 2 seconds: {why}$", said, re.MULTILINE)
        assert (workplace / name).is_file()
    assert run([*words, "--overwrite"]) == 0, "with its grammar"
    assert "only" not in capsys.readouterr().err


@pytest.mark.usefixtures("silent")
def test_samples_of_evaluate_that_lack_something_are_counted(trained: Path, capsys: Capture) -> None:
    words = ["music", "evaluate", "--run", str(trained), "--samples", "3", "--seconds", "2"]
    assert run([*words, *ONLY_TIME, "--json"]) == 5
    out, err = capsys.readouterr()
    assert json.loads(out)["samples"]["short"] == 3
    assert "samples: 3 of 3 lack something, as in: the model played no notes in 2 seconds" in err


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("how", [["--temperature", "0"], ["--temperature", "0.01"], ["--top-k", "1"]])
def test_cautious_sampling_plays_for_the_whole_time(
    trained: Path, workplace: Path, capsys: Capture, copied: Callable[[Path], Path], how: list[str]
) -> None:
    """Temperature 0 with a recipe that limits sampling, too."""
    folder = copied(trained)
    text = (folder / "recipe.toml").read_text(encoding="utf-8")
    assert "top_p = 1.0\n" in text
    (folder / "recipe.toml").write_text(text.replace("top_p = 1.0", "top_p = 0.9"), encoding="utf-8")
    found = generated(folder, capsys, "--seconds", "40", "--out", "x.mid", *how)
    onsets = [0.0, *read_midi(workplace / "x.mid").notes.start, 40.0]
    assert found["notes"] > 3
    assert max(later - earlier for earlier, later in pairwise(onsets)) <= 5.01


def test_wishes_are_compared_with_the_file(trained: Path, workplace: Path, capsys: Capture) -> None:
    """The model of a few steps plays anything; so it is steered far."""
    words = ["--seconds", "8", "--seed", "1", "--no-sound", "--notes-per-second", "5", "--velocity", "100"]
    found = generated(trained, capsys, *words)
    notes = read_midi(workplace / "piece.mid").notes
    density, velocity = len(notes) / 8, float(notes.velocity.mean())
    assert found["steered"]["notes_per_second"] == {"wished": 5, "played": pytest.approx(density, rel=0.02)}
    assert found["steered"]["velocity"] == {"wished": 100, "played": pytest.approx(velocity, rel=0.02)}
    free = generated(trained, capsys, "--seconds", "8", "--seed", "1", "--no-sound", "--out", "free.mid")
    assert "steered" not in free
    others = read_midi(workplace / "free.mid").notes
    assert abs(density - 5) < abs(len(others) / 8 - 5)
    assert abs(velocity - 100) < abs(others.velocity.mean() - 100)
    assert run(["music", "generate", "--run", str(trained), *words, "--overwrite"]) == 0
    said = f"notes a second: 5 wished, {density:.1f} played; mean velocity: 100 wished, {velocity:.1f} played"
    assert f"piece.mid: {said}\n" in capsys.readouterr().err


def test_a_steered_continuation_counts_its_own_notes(trained: Path, workplace: Path, capsys: Capture) -> None:
    write_midi(workplace / "tune.mid", tune(1))
    words = ["--prime", "tune.mid", "--seconds", "4", "--seed", "1", "--no-sound", "--alone", "--velocity", "20"]
    found = generated(trained, capsys, *words)
    notes = read_midi(workplace / "piece.mid").notes
    assert found["steered"] == {"velocity": {"wished": 20, "played": pytest.approx(notes.velocity.mean(), rel=0.02)}}


def test_without_sound(trained: Path, workplace: Path, capsys: Capture) -> None:
    (workplace / "x.png").write_text("mine")
    found = generated(trained, capsys, "--seconds", "2", "--no-sound", "--out", "x.mid")
    assert sorted(contents(workplace)) == ["x.mid", "x.png"]
    assert (workplace / "x.png").read_text() == "mine"
    assert found["midi"] == "x.mid"
    assert "wav" not in found


@pytest.mark.usefixtures("silent")
def test_samples_have_a_page_to_compare_them(trained: Path, workplace: Path, capsys: Capture) -> None:
    """Its figures, and those in JSON, are of the music after the primer; one sample has no page, but figures."""
    write_midi(workplace / "tune.mid", tune(0))
    words = ["--prime", "tune.mid", "--prime-seconds", "1", "--seconds", "30", "--samples", "2", "--seed", "4"]
    found = generated(trained, capsys, *words, "--no-sound", "--out", "x.mid")
    assert sorted(contents(workplace)) == ["tune.mid", "x-1.mid", "x-2.mid", "x.html"]
    page = json.loads((workplace / "x.html").read_text("utf-8").partition('id="data">')[2].partition("</script>")[0])
    assert page["facts"] == "2 continuations of tune.mid · run · temperature 1"
    corpus = trained.parent / "corpus"
    training = TrainingPieces((f"{corpus}/{number}.mid", tune(number)) for number in (0, 1))
    for each, shown in zip(found, page["samples"], strict=True):
        whole = read_midi(workplace / each["midi"]).notes
        new = whole.sliced(each["primer_seconds"])
        assert shown["pitch"] == whole.pitch.tolist()
        assert shown["outside"] == [[0, each["primer_seconds"]]]
        assert each["primer_seconds"] == pytest.approx(1, abs=0.2)
        assert [(file["name"], file["address"]) for file in shown["files"]] == [(".mid", each["midi"])]
        assert each["page"] == "x.html"
        assert each["notes_per_second"] == pytest.approx(len(new) / 30, abs=0.005)
        assert each["median_velocity"] == sorted(new.velocity)[len(new) // 2] or len(new) % 2 == 0
        assert (each["lowest"], each["highest"]) == (pitch_name(new.pitch.min()), pitch_name(new.pitch.max()))
        copied = training.longest_copied(new)
        assert copied.notes > 1
        start = each["primer_seconds"] + copied.start
        assert each["copied"] == copied.json() | {
            "start": pytest.approx(start, abs=1e-3),
            "seconds": pytest.approx(copied.seconds, abs=1e-3),
        }
        assert shown["copied"][0] == pytest.approx(start, abs=1e-3)
    alone = generated(trained, capsys, *words, "--samples", "1", "--no-sound", "--out", "y.mid")
    assert {key: alone[key] for key in ("lowest", "highest", "notes_per_second", "median_velocity")} == {
        key: found[0][key] for key in ("lowest", "highest", "notes_per_second", "median_velocity")
    }
    assert "page" not in alone
    assert not (workplace / "y.html").exists()


@pytest.mark.usefixtures("silent")
def test_a_page_without_the_training_data(
    trained: Path, workplace: Path, capsys: Capture, copy_run: Callable[[Path, Path], Path]
) -> None:
    moved = copy_run(trained, workplace / "moved")
    described = json.loads((moved / "run.json").read_text(encoding="utf-8"))
    (moved / "run.json").write_text(json.dumps(described | {"data": "nowhere"}), encoding="utf-8")
    words = ["music", "generate", "--run", str(moved), "--samples", "2", "--seconds", "1", "--out", "x.mid"]
    assert [each["copied"] for each in told(words, capsys)] == [None, None]
    assert "not measured: the training data is not there" in (workplace / "x.html").read_text(encoding="utf-8")
    (workplace / "y.html").write_text("mine")
    words = ["music", "generate", "--run", "nowhere", "--samples", "2", "--out", "y.mid", "--overwrite"]
    assert "y.html is not replaced: gpt2kit did not write it as a page" in told(words, capsys, 2)
    for path in workplace.glob("x-*"):
        path.unlink()
    assert "x.html already exists; choose another name, or replace" in told([*words[:-2], "x.mid"], capsys, 2)


@pytest.mark.usefixtures("silent")
def test_sound_as_flac(trained: Path, workplace: Path, capsys: Capture) -> None:
    words = ["--seconds", "6", "--seed", "1", "--flac", "--out", "x.mid"]
    found = generated(trained, capsys, *words)
    assert sorted(contents(workplace)) == ["x.flac", "x.mid", "x.png"]
    assert found["flac"] == "x.flac"
    assert "wav" not in found
    found = told(["music", "render", "x.mid", "--flac", "--overwrite"], capsys)
    assert (found["flac"], found["page"]) == ("x.flac", "x.html")
    assert sorted(contents(workplace)) == ["x.flac", "x.html", "x.mid", "x.png"]
    generated(trained, capsys, *words, "--overwrite")
    (workplace / "x.flac").write_bytes(b"fLaC mine")
    words = ["music", "generate", "--run", "nowhere", "--flac", "--out", "x.mid", "--overwrite"]
    assert "x.flac is not replaced: gpt2kit did not write it as a sound" in told(words, capsys, 2)


@pytest.mark.parametrize("verb", ["generate", "render"])
def test_flac_without_its_package(workplace: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)
    write_midi(workplace / "x.mid", tune(3))
    words = ["music", verb, *(["--run", "nowhere", "--out", "y.mid"] if verb == "generate" else ["x.mid"])]
    message = told([*words, "--flac"], capsys, 4)
    assert message == "FLAC files need the package soundfile: pip install 'gpt2kit[flac]'"
    assert list(contents(workplace)) == ["x.mid"]


@pytest.mark.usefixtures("silent")
def test_the_size_of_a_long_wav_is_announced(
    trained: Path, workplace: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it is written; that of a FLAC file, or of a WAV file that is kept, is not."""
    write_midi(workplace / "x.mid", Notes.of([60], [64], [5399.0], [5400.0]))
    for words, announced in ((["--flac"], False), ([], True), ([], False)):
        assert run(["music", "render", "x.mid", *words]) == 0
        said = capsys.readouterr().err
        message = "x.wav: 90 minutes of sound take 953 MB; --flac writes about a third of that"
        assert (message in said) is announced
    write_midi(workplace / "x.mid", Notes.of([60], [64], [595.0], [596.0]))
    assert run(["music", "render", "x.mid", "--overwrite"]) == 0
    assert "minutes of sound" not in capsys.readouterr().err

    def interrupted(*_: object) -> None:
        raise UserError("before any work")

    monkeypatch.setattr("gpt2kit.pipeline.play.play", interrupted)
    words = ["music", "generate", "--run", str(trained), "--seconds", "660", "--samples", "2", "--seed", "0"]
    assert run(words) == 2
    assert "each of 2 .wav files: 11 minutes of sound take 117 MB" in capsys.readouterr().err


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("seconds", [None, 0.5, 1.3, 4.0])
def test_a_primer_goes_on(trained: Path, workplace: Path, capsys: Capture, seconds: float | None) -> None:
    """The piece begins with the primer, unrounded, up to the very cut; --alone leaves out just that. The whole tune is
    longer than the window."""
    write_midi(workplace / "primer.mid", tune(9))
    primer = read_midi(workplace / "primer.mid").notes
    words = ["--seconds", "3", "--seed", "0", "--prime", "primer.mid"]
    words += ["--prime-seconds", str(seconds)] if seconds else []
    whole = generated(trained, capsys, *words, "--out", "whole.mid")
    alone = generated(trained, capsys, *words, "--alone", "--out", "alone.mid")
    begun = min(seconds or 4.0, 3.98)
    assert (whole["primer_seconds"], alone["primer_seconds"]) == (begun, 0.0)
    notes, new = (read_midi(workplace / name).notes for name in ("whole.mid", "alone.mid"))
    before, given = notes.start < begun, primer.start < begun
    for name in ("pitch", "velocity", "start"):
        assert getattr(notes, name)[before].tolist() == getattr(primer, name)[given].tolist()
    over = primer.end[given] <= begun
    assert notes.end[before][over].tolist() == primer.end[given][over].tolist()
    last = notes.sliced(begun)
    assert len(last) == len(new) > 0
    assert (last.pitch.tolist(), last.velocity.tolist()) == (new.pitch.tolist(), new.velocity.tolist())
    assert last.start == pytest.approx(new.start, abs=2e-3)


@pytest.mark.usefixtures("silent")
def test_the_last_chord_is_let_go_by_the_model(trained: Path, workplace: Path, capsys: Capture) -> None:
    """Held by the pedal, which lifts after twenty seconds: the continuation begins when the keys are up."""
    midi = PrettyMIDI(resolution=220, initial_tempo=90.0)
    piano = Instrument(0)
    piano.notes = [Note(70, pitch, 0.5, 1.004) for pitch in (48, 60, 64)]
    piano.control_changes = [ControlChange(64, 127, 0.0), ControlChange(64, 0, 20.0)]
    midi.instruments.append(piano)
    midi.write("primer.mid")
    found = generated(trained, capsys, "--seconds", "2", "--seed", "3", "--prime", "primer.mid", "--out", "x.mid")
    assert found["primer_seconds"] == 1.01
    notes = read_midi(workplace / "x.mid").notes
    chord = notes.start < 1.01
    assert notes.pitch[chord].tolist() == [48, 60, 64]
    assert (notes.end[chord] <= 1.01 + 2 + 1 + 0.01).all(), "the last shift takes a second at most"
    assert len(set(notes.end[chord].tolist())) == 1, "they end with the pedal"
    assert (notes.end[chord] > 1.01).all()
    assert not chord.all()


@pytest.mark.usefixtures("silent")
def test_a_continuation_is_continued(trained: Path, workplace: Path, capsys: Capture) -> None:
    """Each time with one more track; --overwrite knows the file, and never takes it while it is the primer."""
    write_midi(workplace / "0.mid", tune(9))
    for number in range(2):
        words = ["--seconds", "1", "--seed", "0", "--no-sound", "--prime", f"{number}.mid"]
        generated(trained, capsys, *words, "--out", f"{number + 1}.mid")
        generated(trained, capsys, *words, "--out", f"{number + 1}.mid", "--overwrite")
    names = [instrument.name for instrument in PrettyMIDI("2.mid").instruments]
    assert names == ["Piano", "gpt2kit", "gpt2kit"]
    before = contents(workplace)
    words = ["music", "generate", "--run", "nowhere", "--prime", "2.mid", "--no-sound", "--out", "2.mid", "--overwrite"]
    assert "2.mid is an input of this command, and is not replaced" in told(words, capsys, 2)
    assert contents(workplace) == before


def test_a_primer_is_continued_in_python(trained: Path, workplace: Path) -> None:
    write_midi(workplace / "primer.mid", tune(9))
    engine = gpt2kit.load(trained)
    notes = continue_midi(engine, "primer.mid", "x.mid", seconds=2, prime_seconds=1)
    assert notes == read_midi("x.mid").notes
    primer = read_midi("primer.mid").notes
    assert notes.start[notes.start < 1].tolist() == primer.start[primer.start < 1].tolist()
    assert 2 < notes.duration < 4.1
    assert isinstance(engine("primer.mid", max_new_tokens=8), Notes)


@pytest.mark.usefixtures("silent")
def test_a_primer_longer_than_the_window_is_told(trained: Path, workplace: Path, capsys: Capture) -> None:
    write_midi(workplace / "primer.mid", tune(9))
    words = ["music", "generate", "--run", str(trained), "--seconds", "1", "--prime", "primer.mid"]
    assert run([*words, "--out", "x.mid"]) == 0
    assert "the primer is longer than the model's window; only its end was used" in capsys.readouterr().err
    assert run([*words, "--prime-seconds", "0.3", "--out", "y.mid"]) == 0
    assert "longer than" not in capsys.readouterr().err


def test_music_has_no_beam_search(trained: Path, workplace: Path, capsys: Capture) -> None:
    words = ["music", "generate", "--run", str(trained), "--temperature", "0", "--set", "generate.beams=4"]
    message = "[generate] beam search does not support output longer than the window (roll): set beams = 1"
    assert told(words, capsys, 3) == message
    assert contents(workplace) == {}


REFUSED = [
    (["--seconds", "0"], 2, "--seconds 0: must be more than 0, and at most 6 hours in all"),
    (["--seconds", "-1"], 2, "must be more than 0, and at most 6 hours in all"),
    (["--seconds", "nan"], 2, "must be more than 0, and at most 6 hours in all"),
    (["--seconds", "inf"], 2, "must be more than 0, and at most 6 hours in all"),
    (["--seconds", "21601"], 2, "must be more than 0, and at most 6 hours in all"),
    (["--seconds", "21599", "--prime", "late.mid"], 2, "after a primer of"),
    (["--out", "primer.mid/x.mid"], 4, "primer.mid: cannot be written to"),
    (["--prime", "primer.mid", "--prime-seconds", "0"], 2, "--prime-seconds 0: must be more than 0"),
    (["--prime", "primer.mid", "--prime-seconds", "nan"], 2, "must be more than 0"),
    (["--prime", "late.mid", "--prime-seconds", "1"], 3, "late.mid: no piano notes in its first 1 seconds"),
    (["--prime", "empty.mid"], 3, "empty.mid: no piano notes"),
    (["--prime", "nowhere.mid"], 3, "nowhere.mid: cannot be read: No such file or directory"),
    (["--prime", "broken.mid"], 3, "broken.mid"),
    (["--prime", "full.mid", "--prime-seconds", "1"], 3, "full.mid: no free channel: all 15 channels"),
    (["--out", "x.wav"], 2, "--out x.wav: expected a name that ends with .mid"),
    (["--out", "x"], 2, "expected a name that ends with .mid"),
    (["--notes-per-second", "0"], 2, "--notes-per-second 0: must be 0.2 to 50"),
    (["--notes-per-second", "nan"], 2, "--notes-per-second nan: must be 0.2 to 50"),
    (["--velocity", "128"], 2, "--velocity 128: must be 1 to 127"),
    (["--velocity", "0"], 2, "--velocity 0: must be 1 to 127"),
    (["--flac", "--no-sound"], 2, "--flac and --no-sound: give one of them"),
]


@pytest.mark.parametrize(("words", "code", "message"), REFUSED)
def test_mistakes_are_told_before_the_model_is_read(
    workplace: Path, capsys: Capture, words: list[str], code: int, message: str
) -> None:
    """There is no run here: that would be told next."""
    write_midi(workplace / "primer.mid", tune(9))
    write_midi(workplace / "late.mid", Notes.of([60], [64], [2.0], [3.0]))
    write_midi(workplace / "empty.mid", Notes.none())
    (workplace / "broken.mid").write_bytes(b"MThd")
    full = PrettyMIDI()
    full.instruments = [Instrument(0) for _ in range(15)]
    for instrument in full.instruments:
        instrument.notes.append(Note(70, 60, 0.0, 5.0))
    full.write("full.mid")
    before = contents(workplace)
    assert message in told(["music", "generate", "--run", "nowhere", *words], capsys, code)
    assert contents(workplace) == before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("samples", [1, 2])
def test_what_exists_is_left_as_it_is(workplace: Path, capsys: Capture, kind: str, samples: int) -> None:
    name = f"x{kind}" if samples == 1 else f"x-2{kind}"
    (workplace / name).write_text("mine")
    words = ["music", "generate", "--run", "nowhere", "--samples", str(samples), "--out", "x.mid"]
    assert f"{name} already exists; choose another name, as --overwrite does not replace it" in told(words, capsys, 2)
    assert f"{name} is not replaced: gpt2kit did not write it as" in told([*words, "--overwrite"], capsys, 2)
    assert contents(workplace) == {name: b"mine"}
    (workplace / name).write_bytes(b"")
    assert f"{name} already exists; choose another name, or replace it with --overwrite" in told(words, capsys, 2)


@pytest.mark.usefixtures("silent")
def test_what_exists_is_replaced_when_told(trained: Path, workplace: Path, capsys: Capture) -> None:
    generated(trained, capsys, "--seconds", "1", "--seed", "0", "--out", "x.mid")
    before = contents(workplace)
    generated(trained, capsys, "--seconds", "9", "--seed", "1", "--out", "x.mid", "--overwrite")
    assert sorted(contents(workplace)) == sorted(f"x{kind}" for kind in KINDS)
    assert all(content != before[name] for name, content in contents(workplace).items())


@pytest.mark.usefixtures("silent")
def test_what_is_replaced_is_said_when_it_is(trained: Path, workplace: Path, capsys: Capture) -> None:
    """Not by a command that then fails."""

    def replaced(run_folder: Path, *words: str) -> tuple[int, list[str]]:
        code = run(["music", "generate", "--run", str(run_folder), "--seconds", "1", "--seed", "0", *words])
        return code, [line for line in capsys.readouterr().err.splitlines() if line.startswith("--overwrite replaces")]

    names = {".mid": "a performance", ".wav": "a sound", ".png": "a picture"}
    said = [f"--overwrite replaces x-{number}{kind}: {name}" for number in (1, 2) for kind, name in names.items()]
    words = ["--samples", "2", "--out", "x.mid"]
    assert replaced(trained, *words) == (0, [])
    code, lines = replaced(workplace / "nowhere", *words, "--overwrite")
    assert code > 0
    assert lines == []
    assert replaced(trained, *words, "--overwrite") == (0, [*said, "--overwrite replaces x.html: a page"])


# render


def embedded(page: Path) -> dict[str, Any]:
    """The piece that a page holds."""
    text = page.read_text(encoding="utf-8")
    begin = text.index('{"title":')
    piece: dict[str, Any] = json.JSONDecoder().raw_decode(text[begin:])[0]
    return piece


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("attention", [False, True])
def test_a_page_with_and_without_attention(trained: Path, workplace: Path, capsys: Capture, attention: bool) -> None:
    """The tune is longer than the model's window."""
    write_midi(workplace / "tune.mid", tune(9))
    before = (workplace / "tune.mid").read_bytes()
    words = ["--run", str(trained)] if attention else []
    found = told(["music", "render", "tune.mid", "--primer", "1.5", *words], capsys)
    assert (found["page"], found["wav"], found["png"]) == ("tune.html", "tune.wav", "tune.png")
    assert (found["notes"], found["primer_seconds"]) == (32, 1.5)
    assert sorted(contents(workplace)) == ["tune.html", "tune.mid", "tune.png", "tune.wav"]
    assert (workplace / "tune.mid").read_bytes() == before
    piece = embedded(workplace / "tune.html")
    assert piece["pitch"] == tune(9).pitch.tolist()
    assert (piece["title"], piece["primer"]) == ("tune", 1.5)
    if attention:
        assert (piece["attention"]["layers"], piece["attention"]["heads"]) == (1, 2)
    else:
        assert piece["attention"] is None


@pytest.mark.usefixtures("silent")
def test_several_pieces(workplace: Path, capsys: Capture) -> None:
    for name in ("a", "b"):
        write_midi(workplace / f"{name}.mid", tune(3))
    assert [each["page"] for each in told(["music", "render", "a.mid", "b.mid"], capsys)] == ["a.html", "b.html"]


@pytest.mark.parametrize("words", [["a.mid", "a.midi"], ["a.mid", "a.mid"]])
def test_pieces_of_one_name(workplace: Path, capsys: Capture, words: list[str]) -> None:
    for name in words:
        write_midi(workplace / name, tune(3))
    before = contents(workplace)
    message = f"{words[0]} and {words[1]} would both be rendered as a.html: rename one"
    assert message in told(["music", "render", *words], capsys, 2)
    assert contents(workplace) == before


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("kind", [".wav", ".png", ".html"])
def test_rendering_replaces_only_when_told(workplace: Path, capsys: Capture, kind: str) -> None:
    write_midi(workplace / "a.mid", tune(3))
    write_midi(workplace / "b.mid", tune(3))
    (workplace / f"b{kind}").write_text("mine")
    told(["music", "render", "a.mid", "b.mid"], capsys)
    assert (workplace / f"b{kind}").read_bytes() == b"mine"
    assert all((workplace / f"{name}{other}").is_file() for name in "ab" for other in (".wav", ".png", ".html"))
    before = contents(workplace)
    said = told(["music", "render", "a.mid", "b.mid", "--overwrite"], capsys, 2)
    assert f"b{kind} is not replaced: gpt2kit did not write it as" in said
    assert contents(workplace) == before
    (workplace / f"b{kind}").unlink()
    told(["music", "render", "b.mid"], capsys)
    before = contents(workplace)
    write_midi(workplace / "b.mid", Notes.of([60], [64], [0.0], [1.0]))
    told(["music", "render", "a.mid", "b.mid", "--overwrite"], capsys)
    assert (workplace / f"b{kind}").read_bytes() != before[f"b{kind}"]


@pytest.mark.parametrize(
    ("name", "message"),
    [("empty.mid", "no piano notes"), ("nowhere.mid", "No such file"), ("broken.mid", "broken.mid")],
)
def test_what_cannot_be_rendered(workplace: Path, capsys: Capture, name: str, message: str) -> None:
    write_midi(workplace / "empty.mid", Notes.none())
    (workplace / "broken.mid").write_bytes(b"MThd")
    before = contents(workplace)
    assert message in told(["music", "render", name], capsys, 3)
    assert contents(workplace) == before


def test_one_of_several_cannot_be_rendered(workplace: Path, capsys: Capture) -> None:
    write_midi(workplace / "good.mid", tune(3))
    (workplace / "broken.mid").write_bytes(b"MThd")
    assert run(["music", "render", "broken.mid", "good.mid"]) == 5
    assert "broken.mid" in capsys.readouterr().err
    assert (workplace / "good.html").is_file()


@pytest.mark.parametrize("primer", ["nan", "-1", "inf"])
def test_a_primer_that_cannot_be_marked(workplace: Path, capsys: Capture, primer: str) -> None:
    write_midi(workplace / "a.mid", tune(3))
    before = contents(workplace)
    message = told(["music", "render", "a.mid", "--primer", primer], capsys, 2)
    assert message == f"--primer {primer}: must be 0 seconds or more"
    assert contents(workplace) == before


@pytest.mark.usefixtures("silent")
def test_what_is_no_piano_is_told(workplace: Path, capsys: Capture) -> None:
    midi = to_pretty_midi(tune(3))
    violin = Instrument(program=40)
    violin.notes.append(Note(80, 60, 0.0, 1.0))
    midi.instruments.append(violin)
    midi.write("duet.mid")
    assert run(["music", "render", "duet.mid"]) == 0
    assert "duet.mid: notes left out, another instrument: 1" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["generate"], ["render", "tune.mid"], ["accompany", "tune.mid"], ["evaluate"]])
def test_a_run_of_another_task_is_refused(workplace: Path, by_heart: Path, capsys: Capture, words: list[str]) -> None:
    write_midi(workplace / "tune.mid", tune(3))
    message = told(["music", *words, "--run", str(by_heart)], capsys, 3)
    assert message == f"{by_heart} is a run of translate, not of music"
