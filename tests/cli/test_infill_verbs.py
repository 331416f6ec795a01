"""infill and accompany on the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpt2kit.cli.app import run
from gpt2kit.music.midi import read_midi, write_midi
from gpt2kit.music.notes import Notes

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
    settings += ["train.steps=2", "train.evaluate_every=2", "train.samples=0", "generate.temperature=1"]
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


def test_a_tune_is_accompanied(trained: Path, workplace: Path, capsys: Capture) -> None:
    found = told(["music", "accompany", "tune.mid", "--run", str(trained), "--no-sound", "-o", "x.mid"], capsys)
    notes, given = read_midi("x.mid").notes, read_midi("tune.mid").notes
    assert len(notes) == len(given) + found["new_notes"]
    both = set(zip(notes.pitch.tolist(), notes.start.tolist(), notes.end.tolist(), strict=True))
    assert both >= set(zip(given.pitch.tolist(), given.start.tolist(), given.end.tolist(), strict=True))


@pytest.mark.parametrize("verb", [["infill", "--from", "1", "--to", "2"], ["accompany"]])
def test_a_run_that_has_not_learned_it_is_refused(
    trained: Path, workplace: Path, capsys: Capture, verb: list[str]
) -> None:
    message = told(["music", *verb, "tune.mid", "--run", str(trained.parent / "plain"), "--no-sound"], capsys, 2)
    assert message.endswith("has not learned to fill gaps or to accompany: task.infill is 0; train with --infill 0.25")


REFUSED = [
    (["--from", "-1", "--to", "2"], 2, "--from -1: must be 0 seconds or more"),
    (["--from", "nan", "--to", "2"], 2, "--from nan: must be 0 seconds or more"),
    (["--from", "2", "--to", "1"], 2, "--from 2 --to 1: a gap lasts from 0.1 to 15 seconds"),
    (["--from", "1", "--to", "1.05"], 2, "a gap lasts from 0.1 to 15 seconds"),
    (["--from", "0", "--to", "16"], 2, "fill a longer one in parts"),
    (["--from", "1", "--to", "nan"], 2, "a gap lasts from 0.1 to 15 seconds"),
    (["--from", "3", "--to", "9"], 2, "--to 9: tune.mid ends after 3.98 seconds; to continue a piece, use generate"),
    (["--from", "1", "--to", "2", "-o", "tune.mid", "--overwrite"], 2, "tune.mid is an input of this command"),
    (["--from", "1", "--to", "2", "-o", "x.wav"], 2, "--out x.wav: expected a name that ends with .mid"),
]


@pytest.mark.parametrize(("words", "code", "message"), REFUSED)
def test_mistakes_are_told_before_the_model_is_read(
    workplace: Path, capsys: Capture, words: list[str], code: int, message: str
) -> None:
    before = (workplace / "tune.mid").read_bytes()
    found = told(["music", "infill", "tune.mid", "--run", "nowhere", "--no-sound", *words], capsys, code)
    assert message in found
    assert [path.read_bytes() for path in workplace.iterdir()] == [before]
