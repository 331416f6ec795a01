"""Sources and neighbors from the command line: tables, JSON, and what is refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gpt2kit
from gpt2kit.cli.app import run
from gpt2kit.pipeline.datastore import FILE

Capture = pytest.CaptureFixture[str]
Prepared = Callable[..., Any]


@pytest.fixture(scope="module")
def translator(by_heart: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, in which the states may be kept."""
    return Path(shutil.copytree(by_heart.parent, tmp_path_factory.mktemp("sources") / "project")) / "run"


def trained(kind: str, prepared: Prepared, folder: Path) -> str:
    tiny = prepared(kind, folder, "train.steps=2", "train.evaluate_every=2", "train.samples=0")
    list(gpt2kit.train(tiny, folder / "data", folder / "run"))
    return str(folder / "run")


def test_a_translation_and_its_sources(translator: Path, capsys: Capture) -> None:
    assert run(["translate", "generate", "--run", str(translator), "--sources", "good morning"]) == 0
    answer, heading, *rows = capsys.readouterr().out.splitlines()
    assert answer == "bonjour"
    assert heading.split() == ["token", "distance", "example", "its", "source", "its", "answer"]
    assert rows[0].split() == ["bo", "0.03", "3", "good", "morning", "[bo]njour<|endoftext|>"]
    assert sum(not row.startswith(" ") for row in rows) == 3, "a token is named once"
    assert (translator / FILE).is_file()


def test_the_same_as_json(translator: Path, capsys: Capture) -> None:
    assert run(["translate", "generate", "--run", str(translator), "--sources", "--json", "good morning", ""]) == 0
    found, empty = map(json.loads, capsys.readouterr().out.splitlines())
    assert [each["token"] for each in found["sources"]] == ["bo", "njo", "ur"]
    nearest = found["sources"][1]["sources"][0]
    assert nearest.pop("distance") < 0.1
    shown = {"example": 3, "position": 2, "source": "good morning", "before": "bo", "token": "njo"}
    assert nearest == shown | {"after": "ur<|endoftext|>"}
    assert "sources" not in empty


def test_neighbors_are_named_in_the_signature_of_a_score(translator: Path, capsys: Capture) -> None:
    assert run(["translate", "evaluate", "--run", str(translator), "--knn", "0.25", "--json"]) == 0
    assert "|knn:0.25|neighbors:8|T:" in json.loads(capsys.readouterr().out)["signature"]
    assert run(["translate", "evaluate", "--run", str(translator), "--json"]) == 0
    assert "knn" not in json.loads(capsys.readouterr().out)["signature"]


def test_text_names_documents(prepared: Prepared, tmp_path: Path, capsys: Capture) -> None:
    folder = trained("lm", prepared, tmp_path)
    assert run(["lm", "generate", "--run", folder, "--sources", "--length", "2", "The robot"]) == 0
    _, heading, *rows = capsys.readouterr().out.splitlines()
    assert heading.split() == ["token", "distance", "document,", "token", "its", "text"]
    assert "text.txt, " in rows[0]


def test_music_names_the_piece_of_each_second(prepared: Prepared, tmp_path: Path, capsys: Capture) -> None:
    words = ["music", "generate", "--run", trained("music", prepared, tmp_path), "--seconds", "3", "--no-sound"]
    words += ["--seed", "1", "--sources", "--out", str(tmp_path / "new.mid")]
    assert run(words) == 0
    heading, *rows = capsys.readouterr().out.splitlines()
    assert heading.split() == ["second", "events", "piece", "its", "second", "distance"]
    assert rows[0].split()[0] == "0"
    assert "tune.mid" in rows[0]
    assert run([*words, "--json", "--overwrite"]) == 0
    found = json.loads(capsys.readouterr().out)["sources"]
    assert {origin["name"].rsplit("/", 1)[-1] for each in found for origin in each["sources"]} == {"tune.mid"}
    assert all({"second", "token", "id", "sources"} == set(each) for each in found)


def test_what_is_refused(translator: Path, prepared: Prepared, tmp_path: Path, capsys: Capture) -> None:
    words = ["translate", "generate", "--run", str(translator), "good morning"]
    assert run([*words, "--data", "somewhere"]) == 2
    assert "--data somewhere: only --sources and --knn read the training data; leave it out" in capsys.readouterr().err
    assert run([*words, "--sources", "--data", str(tmp_path / "nowhere")]) == 3
    assert "no longer exists; if it was moved, name its new place with --data DIR" in capsys.readouterr().err
    assert run([*words, "--knn", "1"]) == 3
    assert "knn = 1.0; expected at least 0 and less than 1" in capsys.readouterr().err.replace("\n", " ")
    labels = trained("labelled", prepared, tmp_path)
    assert run(["finetune", "generate", "--run", labels, "--sources", "fine 1"]) == 2
    assert "a classifier generates no tokens" in capsys.readouterr().err
    zero_shot = ["translate", "generate", "--zero-shot", "--init", str(translator), "--sources", "good morning"]
    assert run(zero_shot) == 2
    assert "not loaded from a run" in capsys.readouterr().err


def test_inspect_shows_them_for_any_answer(translator: Path, tmp_path: Path, capsys: Capture) -> None:
    words = ["inspect", str(translator), "good morning", "--target", "bonjour", "--sources"]
    page = tmp_path / "page.html"
    assert run([*words, "--json"]) == 0
    assert [each["sources"][0]["example"] for each in json.loads(capsys.readouterr().out)["sources"]] == [3] * 3
    assert run([*words, "--text"]) == 0
    assert "[bo]njour<|endoftext|>" in capsys.readouterr().out
    assert run([*words, "--out", str(page)]) == 0
    shown = page.read_text(encoding="utf-8")
    assert "<td>good morning → bonjo<mark>ur</mark>&lt;|endoftext|&gt;</td>" in shown
    assert run([*words[:-1], "--out", str(page), "--overwrite"]) == 0
    assert 'id="sources"' not in page.read_text(encoding="utf-8")
