"""`gpt2kit inspect` from its words to its files, for every task; and what a mistake gets for an answer."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gpt2kit.cli.app import run
from gpt2kit.model import hf
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.music.midi import write_midi
from gpt2kit.music.notes import Notes
from gpt2kit.runs.folder import Run

Capture = pytest.CaptureFixture[str]
RunOf = Callable[[str], Path]
TEXTS = {"translate": "I am a student", "summarize": "A dog. It sleeps.", "lm": "The robot", "finetune": "A line"}


@pytest.fixture
def piece(tmp_path: Path) -> str:
    path = tmp_path / "a piece.mid"
    write_midi(path, Notes.of([60, 64, 67], [64, 64, 64], [0.0, 0.5, 1.0], [0.5, 1.0, 1.5]))
    return str(path)


@pytest.fixture
def words(run_of: RunOf, piece: str) -> Callable[[str], list[str]]:
    """`words(task)`: a model of a task and an input, on the command line."""

    def name(task: str) -> list[str]:
        return ["inspect", str(run_of(task)), piece if task == "music" else TEXTS[task], "--generate", "4"]

    return name


@pytest.mark.parametrize("task", [*TEXTS, "music"])
def test_every_task_has_its_page_tables_and_numbers(
    words: Callable[[str], list[str]], task: str, tmp_path: Path, capsys: Capture
) -> None:
    page = tmp_path / "page.html"
    assert run([*words(task), "--out", str(page)]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert f"{page}: a page that works offline" in err
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert run([*words(task), "--text"]) == 0
    assert capsys.readouterr().out.startswith("1 The model")
    assert run([*words(task), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["model"]["task"] == task
    assert len(told["tokens"]) <= told["prompt"] + 4
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".html"] == ["page.html"]


def test_without_a_word_it_makes_a_page(
    words: Callable[[str], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(words("translate")) == 0
    assert Path("inspect.html").is_file()


def test_figures(words: Callable[[str], list[str]], tmp_path: Path, capsys: Capture) -> None:
    folder = tmp_path / "figures"
    assert run([*words("translate"), "--png", str(folder)]) == 0
    assert {path.name for path in folder.iterdir()} >= {"lens.png", "attention.png"}
    before = (folder / "lens.png").read_bytes()
    assert run([*words("translate"), "--png", str(folder)]) == 2
    assert "already exists" in capsys.readouterr().err
    assert run([*words("translate"), "--png", str(folder), "--overwrite"]) == 0
    assert (folder / "lens.png").read_bytes()[:4] == before[:4]


def test_the_public_visualiser(words: Callable[[str], list[str]], tmp_path: Path) -> None:
    assert run([*words("music"), "--visualizer", str(tmp_path / "a.json")]) == 0
    assert json.loads((tmp_path / "a.json").read_text())["sparse"] is True


def test_a_gpt2_folder_goes_on_with_text(
    run_of: RunOf, tmp_path: Path, tiny_model: Callable[..., GPT2], capsys: Capture
) -> None:
    task = Run.open(run_of("lm")).task
    hf.save(tmp_path, tiny_model(task.vocabulary.size), task.vocabulary.eos)
    task.vocabulary.copy_files(tmp_path, 48)
    assert run(["inspect", str(tmp_path), "The robot", "--json", "--generate", "0"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["model"]["task"] == "lm"
    assert told["followers"][-1] == -1


def test_input_comes_from_a_file_or_from_stdin(
    run_of: RunOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def tokens(*words: str) -> list[int]:
        assert run(["inspect", *words, "--json", "--generate", "0"]) == 0
        return [token["id"] for token in json.loads(capsys.readouterr().out)["tokens"]]

    lm, translate = str(run_of("lm")), str(run_of("translate"))
    (tmp_path / "a.txt").write_text("The robot\nmust\n", encoding="utf-8")
    expected = tokens(lm, "The robot\nmust")
    assert tokens(lm, "--file", str(tmp_path / "a.txt")) == expected
    for words in ([lm, "-"], [lm, "--file", "-"]):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"The robot\nmust\n")))
        assert tokens(*words) == expected
    assert tokens(translate, "--file", str(tmp_path / "a.txt")) == tokens(translate, "The robot")
    assert tokens(lm) == [Run.open(run_of("lm")).task.vocabulary.eos]


def test_settings_and_a_given_answer(run_of: RunOf, capsys: Capture) -> None:
    words = ["inspect", str(run_of("lm")), "The robot", "--json"]
    assert run([*words, "--set", "generate.temperature=0.8", "--set", "generate.top_k=3", "--device", "cpu"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {step["in_play"] for step in told["path"]} == {3}
    assert run([*words, "--target", " moves"]) == 0
    task = Run.open(run_of("lm")).task
    made = [token["id"] for token in json.loads(capsys.readouterr().out)["tokens"]]
    assert made == [*task.encode_source("The robot"), *task.encode_target(" moves")[:-1]]


def test_a_long_input_says_what_was_shown(run_of: RunOf, capsys: Capture) -> None:
    assert run(["inspect", str(run_of("lm")), "long " * 200, "--text"]) == 0
    out, err = capsys.readouterr()
    assert "the window 64" in err
    assert "the window 64" in out


def test_an_existing_page_is_kept(words: Callable[[str], list[str]], tmp_path: Path, capsys: Capture) -> None:
    page = tmp_path / "a.html"
    page.write_text("mine", encoding="utf-8")
    assert run([*words("lm"), "--out", str(page)]) == 2
    assert "already exists" in capsys.readouterr().err
    assert page.read_text(encoding="utf-8") == "mine"
    assert run([*words("lm"), "--out", str(page), "--overwrite"]) == 2
    assert "is not replaced: gpt2kit did not write it as a page" in capsys.readouterr().err
    assert page.read_text(encoding="utf-8") == "mine"
    page.unlink()
    assert run([*words("lm"), "--out", str(page)]) == 0
    before = page.stat().st_ino
    assert run([*words("lm"), "--out", str(page), "--overwrite"]) == 0
    assert page.stat().st_ino != before
    assert "--overwrite replaces" in capsys.readouterr().err


def test_figures_next_to_pictures_of_the_users(
    words: Callable[[str], list[str]], tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "cat.png").write_text("mine", encoding="utf-8")
    assert run([*words("lm"), "--png", str(tmp_path)]) == 0
    assert run([*words("lm"), "--png", str(tmp_path)]) == 2
    assert run([*words("lm"), "--png", str(tmp_path), "--overwrite"]) == 0
    (tmp_path / "lens.png").write_text("mine", encoding="utf-8")
    capsys.readouterr()
    assert run([*words("lm"), "--png", str(tmp_path), "--overwrite"]) == 2
    assert "lens.png is not replaced: gpt2kit did not write it as a picture" in capsys.readouterr().err
    assert (tmp_path / "cat.png").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("task", "more", "code", "message"),
    [
        ("translate", [""], 2, "the input is empty"),
        ("translate", [], 2, "no input: give a text"),
        ("translate", ["I", "am"], 2, "in quotes"),
        ("translate", ["I am", "--file", "a.txt"], 2, "not from both"),
        ("translate", ["--file", "no.txt"], 3, "no such file"),
        ("translate", ["I am", "--visualizer", "a.json"], 2, "--visualizer is for music"),
        ("translate", ["I am", "--generate", "3", "--target", "je"], 2, "--target is the answer: leave out --generate"),
        ("translate", ["I am", "--set", "train.lr=1"], 2, "only generate"),
        ("lm", ["The", "--device", "cuda:77"], 4, "device"),
        ("music", ["a.txt"], 3, "a.txt"),
        ("music", ["-"], 2, "MIDI file"),
        ("music", ["a.mid", "b.mid"], 2, "one is inspected"),
        ("lm", ["The", "--png", "taken"], 2, "takes a folder"),
        ("lm", ["The", "--out", "taken/a.html"], 4, "cannot be written"),
    ],
)
def test_mistakes(
    run_of: RunOf,
    task: str,
    more: list[str],
    code: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("taken").touch()
    assert run(["inspect", str(run_of(task)), *more]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert message in " ".join(err.split())
    assert "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_no_model(tmp_path: Path, capsys: Capture) -> None:
    assert run(["inspect", str(tmp_path), "x"]) == 3
    assert "config.json" in capsys.readouterr().err
