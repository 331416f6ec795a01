"""infill and accompany on the command line."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pretty_midi import PrettyMIDI

import gpt2kit
from gpt2kit.cli.app import run
from gpt2kit.errors import UserError
from gpt2kit.music.midi import read_midi, write_midi
from gpt2kit.music.notes import Notes, concatenated
from gpt2kit.music.playing.steering import Wish
from gpt2kit.pipeline.fill import accompany_midi, check_gap, infill_midi

Capture = pytest.CaptureFixture[str]
Examples = Callable[[str], Any]


def tune(seed: int) -> Notes:
    pitch = [60 + (7 * seed + 5 * note) % 24 for note in range(32)]
    return Notes.of(pitch, [62] * 32, [note / 8 for note in range(32)], [note / 8 + 0.1 for note in range(32)])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, examples: Examples) -> Path:
    """A run of two steps that has seen announcements; `plain` beside it has seen none."""
    folder = tmp_path_factory.mktemp("infill")
    (folder / "corpus").mkdir()
    for number in range(3):
        write_midi(folder / "corpus" / f"{number}.mid", tune(number))
    settings = [setting for setting in examples("music").TINY if not setting.startswith("task.")]
    settings += [
        "train.steps=2",
        "train.evaluate_every=2",
        "train.samples=0",
        "generate.temperature=1",
        "generate.seed=0",
    ]
    words = [word for setting in settings for word in ("--set", setting)]
    corpus, data = str(folder / "corpus"), str(folder / "data")
    assert run(["music", "prepare", corpus, "--val", corpus, "--out", data]) == 0
    assert run(["music", "train", data, "--out", str(folder / "run"), "--infill", "0.5", *words]) == 0
    assert run(["music", "train", data, "--out", str(folder / "plain"), "--infill", "0", *words]) == 0
    return folder / "run"


@pytest.fixture
def workplace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    write_midi(tmp_path / "tune.mid", tune(9))
    return tmp_path


def told(words: list[str], capsys: Capture, code: int = 0) -> Any:
    """What a command writes to stdout as JSON; its error where it fails."""
    capsys.readouterr()
    assert run([*words, "--json"]) == code
    out, err = capsys.readouterr()
    return json.loads(out) if code == 0 else json.loads(err.splitlines()[-1])["error"]["message"]


def test_a_gap_is_filled(trained: Path, workplace: Path, capsys: Capture) -> None:
    words = ["music", "infill", "tune.mid", "--run", str(trained), "--from", "1", "--to", "2.5", "--no-sound"]
    found = told([*words, "--samples", "2", "--seed", "3", "-o", "x.mid"], capsys)
    whole = read_midi("tune.mid").notes
    for number, each in enumerate(found, 1):
        notes = read_midi(f"x-{number}.mid").notes
        inside = (notes.start >= 0.999) & (notes.start < 2.5)
        assert (each["from"], each["to"], each["replaced"], each["new_notes"]) == (1.0, 2.5, 12, inside.sum())
        assert each["seed"] == 2 + number
        assert notes.start[~inside].tolist() == whole.start[(whole.start < 1) | (whole.start >= 2.5)].tolist()
    assert sorted(path.name for path in workplace.iterdir()) == ["tune.mid", "x-1.mid", "x-2.mid", "x.html"]


@pytest.mark.parametrize("verb", ["infill", "accompany"])
def test_it_is_said_if_only_the_end_of_what_is_before_was_used(
    verb: str, trained: Path, workplace: Path, capsys: Capture
) -> None:
    words = ["music", verb, "tune.mid", "--run", str(trained), "--no-sound", "--overwrite", "-o", "x.mid"]
    message = "x.mid: what is given before is longer than the model's window; only its end was used"
    for begin, end, is_cut in (("0", "0.5", False), ("3", "3.5", True)):
        assert run([*words, "--from", begin, "--to", end]) in (0, 5)
        assert (message in capsys.readouterr().err.splitlines()) is is_cut


def test_a_tune_is_accompanied(trained: Path, workplace: Path, capsys: Capture) -> None:
    found = told(["music", "accompany", "tune.mid", "--run", str(trained), "--no-sound", "-o", "x.mid"], capsys)
    notes, given = read_midi("x.mid").notes, read_midi("tune.mid").notes
    assert len(notes) == len(given) + found["new_notes"]
    both = set(zip(notes.pitch.tolist(), notes.start.tolist(), notes.end.tolist(), strict=True))
    assert both >= set(zip(given.pitch.tolist(), given.start.tolist(), given.end.tolist(), strict=True))


def page_of(path: str) -> Any:
    return json.loads(Path(path).read_text("utf-8").partition('id="data">')[2].partition("</script>")[0])


def test_several_fillings_have_a_page(trained: Path, workplace: Path, capsys: Capture) -> None:
    """Its figures, and the wish, are of the notes in the gap."""
    words = ["music", "infill", "tune.mid", "--run", str(trained), "--from", "1", "--to", "2.5", "--no-sound"]
    found = told(
        [*words, "--samples", "2", "--velocity", "120", "--notes-per-second", "20", "--seed", "1", "-o", "x.mid"],
        capsys,
    )
    page = page_of("x.html")
    assert page["facts"].startswith("2 fillings of tune.mid · run · ")
    for each, shown in zip(found, page["samples"], strict=True):
        new = read_midi(each["midi"]).notes.sliced(1.0, 2.5)
        assert shown["outside"] == [[0, 1], [2.5, pytest.approx(3.975, abs=0.5)]]
        assert shown["given"] is None
        assert each["steered"]["velocity"]["played"] == pytest.approx(new.velocity.mean())
        assert each["steered"]["notes_per_second"] == {"wished": 20, "played": pytest.approx(len(new) / 1.5)}
        assert ["wish, mean velocity", f"120 wished, {new.velocity.mean():.1f} played"] in shown["facts"]
        assert each["median_velocity"] == np.median(new.velocity)
        assert each["notes_per_second"] == round(len(new) / 1.5, 2)
        assert ["notes a second", f"{len(new) / 1.5:.1f}"] in shown["facts"]
        assert each["page"] == "x.html"


def test_several_accompaniments_have_a_page(trained: Path, workplace: Path, capsys: Capture) -> None:
    """The tune is marked in it, and not counted; a wish is for the new notes alone."""
    words = ["music", "accompany", "tune.mid", "--run", str(trained), "--no-sound", "--from", "1", "--to", "2"]
    found = told(
        [*words, "--samples", "2", "--velocity", "10", "--notes-per-second", "20", "--seed", "1", "-o", "x.mid"], capsys
    )
    given = read_midi("tune.mid").notes
    for each, shown in zip(found, page_of("x.html")["samples"], strict=True):
        notes = read_midi(each["midi"]).notes
        is_given = np.isin(np.arange(len(notes)), shown["given"])
        assert notes.start[is_given].tolist() == given.start.tolist()
        new = notes.velocity[~is_given]
        assert (each["from"], each["to"], each["tune_notes"], each["new_notes"]) == (1.0, 2.0, 32, len(new))
        assert ((notes.start[~is_given] >= 1) & (notes.start[~is_given] < 2)).all()
        assert each["steered"]["velocity"] == {"wished": 10, "played": pytest.approx(new.mean())}
        assert each["notes_per_second"] == len(new), "in one second"


def test_a_version_without_new_notes_is_named(
    trained: Path, workplace: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gpt2kit.pipeline.fill.new_notes", lambda *_: Notes.none())
    for name, words in (
        ("infilled", ["infill", "--from", "1", "--to", "2.5"]),
        ("accompanied", ["accompany", "--to=1.5"]),
    ):
        assert run(["music", words[0], "tune.mid", *words[1:], "--run", str(trained), "--no-sound", "--json"]) == 5
        out, err = capsys.readouterr()
        assert json.loads(out)["short"] == "the model played no new notes in 1.5 seconds"
        assert f"{name}.mid: the model played no new notes in 1.5 seconds" in err


def test_only_the_tune_is_accompanied(trained: Path, workplace: Path, capsys: Capture) -> None:
    left = Notes.of([40, 43], [50, 50], [0.0, 2.0], [1.9, 3.9])
    write_midi(workplace / "both.mid", concatenated([tune(9), left]))
    words = ["music", "accompany", "both.mid", "--run", str(trained), "--no-sound", "--to", "0.5"]
    assert run([*words, "--tune-only", "-o", "x.mid"]) == 0
    said = capsys.readouterr().err
    assert "both.mid: the tune is the highest voice, 31 notes; others: 2 left out, 1 kept\n" in said
    assert read_midi("x.mid").notes.sliced(0.6).pitch.min() == 43
    found = told([*words, "-o", "y.mid"], capsys)
    assert found["notes"] == 34 + found["new_notes"]
    assert (found["tune_notes"], found["to"]) == (31, 0.5)


def test_what_other_instruments_play_stays(trained: Path, workplace: Path, capsys: Capture) -> None:
    """Unheard, or with --instruments all heard; then it is in the picture, too."""
    content = (workplace / "tune.mid").read_bytes()
    (workplace / "guitar.mid").write_bytes(content.replace(b"\xc0\x00", b"\xc0\x18"))
    both = PrettyMIDI("tune.mid")
    both.instruments.append(PrettyMIDI("guitar.mid").instruments[0])
    both.write("both.mid")
    words = ["--run", str(trained), "--no-sound"]
    assert run(["music", "accompany", "both.mid", *words, "--to", "0.3", "-o", "x.mid"]) == 0
    said = capsys.readouterr().err
    assert "both.mid: kept in the file, but not heard by the model, another instrument: 32" in said
    infill = ["music", "infill", "guitar.mid", *words, "--from", "1", "--to", "3"]
    assert "--instruments all reads them as piano" in told([*infill, "-o", "y.mid"], capsys, 3)
    found = told([*infill, "--instruments", "all", "--seed", "1", "-o", "y.mid"], capsys)
    assert found["replaced"] == 16
    assert found["notes"] == 16 + found["new_notes"]
    (workplace / "cut.mid").write_bytes(content[:-8])
    salvaged = ["music", "accompany", "cut.mid", *words, "--to", "0.3", "-o", "z.mid"]
    assert "--salvage uses what is whole" in told(salvaged, capsys, 3)
    assert told([*salvaged, "--salvage"], capsys)["notes"] > 30


def test_in_python(trained: Path, workplace: Path) -> None:
    engine = gpt2kit.load(trained)
    given = read_midi("tune.mid").notes
    notes = infill_midi(engine, "tune.mid", "x.mid", 1.0, 2.5, wish=Wish(velocity=60))
    assert notes == read_midi("x.mid").notes
    outside = given.start[(given.start < 1) | (given.start >= 2.5)]
    assert notes.start[(notes.start < 0.999) | (notes.start >= 2.499)].tolist() == outside.tolist()
    notes = accompany_midi(engine, "tune.mid", "y.mid", begin=1.0, end=2.0)
    assert notes == read_midi("y.mid").notes
    assert set(given.start) <= set(notes.start)
    with pytest.raises(UserError, match="end 1: must be after begin 3"):
        infill_midi(engine, "tune.mid", "z.mid", 3.0, 1.0)
    with pytest.raises(UserError, match=r"end 1: must be at least 0\.1"):
        accompany_midi(engine, "tune.mid", "z.mid", 3.0, 1.0)


def test_the_card_names_commands_that_run(trained: Path, workplace: Path, capsys: Capture) -> None:
    later = tune(3)
    write_midi(workplace / "piece.mid", Notes(later.pitch, later.velocity, 4 * later.start, 4 * later.end))
    card = (trained / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^gpt2kit music (?:infill|accompany) .*$", card, re.MULTILINE)
    assert [command.split()[2] for command in commands] == ["infill", "accompany"]
    for command in commands:
        words = command.replace("--run run", f"--run {trained}").split()
        assert run([*words[1:], "--no-sound", *(["--to", "1"] if "accompany" in words else [])]) == 0
        assert Path(words[-1]).is_file()
    assert "infill" not in (trained.parent / "plain" / "README.md").read_text("utf-8").partition("## Data")[0]


@pytest.mark.parametrize("verb", [["infill", "--from", "1", "--to", "2"], ["accompany"]])
def test_a_run_that_has_not_learned_it_is_refused(
    trained: Path, workplace: Path, capsys: Capture, verb: list[str]
) -> None:
    words = ["music", *verb, "tune.mid", "--run", str(trained.parent / "plain"), "--no-sound", "-o", "x.mid"]
    write_midi(workplace / "x.mid", tune(8))
    before = (workplace / "x.mid").read_bytes()
    message = told([*words, "--overwrite"], capsys, 2)
    assert message.endswith("has not learned to fill gaps or to accompany: task.infill is 0; train with --infill 0.25")
    assert (workplace / "x.mid").read_bytes() == before
    assert run([*words, "--overwrite"]) == 2
    assert "--overwrite replaces" not in capsys.readouterr().err


REFUSED = [
    (["--from", "-1", "--to", "2"], 2, "--from -1: must be 0 seconds or more"),
    (["--from", "nan", "--to", "2"], 2, "--from nan: must be 0 seconds or more"),
    (["--from", "2", "--to", "1"], 2, "--to 1: must be after --from 2"),
    (["--from", "1", "--to", "1.05"], 2, "a gap lasts from 0.1 to 15 seconds"),
    (["--from", "0", "--to", "16"], 2, "fill a longer one in parts"),
    (["--from", "1", "--to", "nan"], 2, "a gap lasts from 0.1 to 15 seconds"),
    (["--from", "3", "--to", "9"], 2, "--to 9: tune.mid ends after 3.98 seconds; to continue a piece, use generate"),
    (["--from", "1", "--to", "2", "-o", "tune.mid", "--overwrite"], 2, "tune.mid is an input of this command"),
    (["--from", "1", "--to", "2", "-o", "x.wav"], 2, "--out x.wav: expected a name that ends with .mid"),
]


def test_a_gap_may_last_to_the_end_that_the_message_names() -> None:
    with pytest.raises(UserError, match=r"end 4: x\.mid ends after 2\.95 seconds"):
        check_gap(1.0, 4.0, 2.946, "x.mid")
    check_gap(1.0, 2.95, 2.946, "x.mid")
    check_gap(1.0, 2.944, 2.944, "x.mid")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--from", "2", "--to", "2.05"], "--to 2.05: must be at least 0.1 seconds after --from 2"),
        (["--from", "-1"], "--from -1: must be 0 seconds or more"),
        (["--from", "4"], "--from 4: tune.mid ends after 3.98 seconds"),
        (["--to", "nan"], "--to nan: must be at least 0.1 seconds after --from 0"),
        (["--velocity", "0"], "--velocity 0: must be 1 to 127"),
        (["--samples", "2", "-o", "tune.mid", "--overwrite"], "tune.html is not replaced"),
    ],
)
def test_mistakes_of_an_accompaniment(workplace: Path, capsys: Capture, words: list[str], message: str) -> None:
    (workplace / "tune.html").write_text("mine")
    assert message in told(["music", "accompany", "tune.mid", "--run", "nowhere", "--no-sound", *words], capsys, 2)


@pytest.mark.parametrize(("words", "code", "message"), REFUSED)
def test_mistakes_are_told_before_the_model_is_read(
    workplace: Path, capsys: Capture, words: list[str], code: int, message: str
) -> None:
    before = (workplace / "tune.mid").read_bytes()
    found = told(["music", "infill", "tune.mid", "--run", "nowhere", "--no-sound", *words], capsys, code)
    assert message in found
    assert [path.read_bytes() for path in workplace.iterdir()] == [before]
