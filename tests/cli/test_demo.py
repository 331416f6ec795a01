"""The demo takes the same way as a real run; here on a model that is too small to translate."""

import json
import re
import shlex
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import gpt2kit
from gpt2kit import recipe
from gpt2kit.cli import demo, progress
from gpt2kit.cli.app import run
from gpt2kit.errors import PARTLY_DONE
from gpt2kit.recipe import Recipe
from gpt2kit.training import events

Capture = pytest.CaptureFixture[str]
SMALL = ["model.n_layer=1", "model.n_head=2", "model.n_embd=16", "train.steps=3", "train.evaluate_every=3"]
SHORT = [
    "train.budget=",
    "train.dtype=fp32",
    "train.compile=off",
    "generate.max_new_tokens=4",
    "generate.batch_rows=512",
]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The demo's recipe, shrunk, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    load = recipe.load

    def shrunk(name: str, settings: Any = (), task: str | None = None) -> Recipe:
        return load(name, [*settings, *SMALL, *SHORT] if name.startswith("demo-") else settings, task)

    monkeypatch.setattr(recipe, "load", shrunk)
    return tmp_path


@pytest.fixture
def learned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Call every result better than guessing: three steps teach nothing."""
    for kind in ("Labels", "Texts"):
        monkeypatch.setattr(f"gpt2kit.metrics.chance.{kind}.verdict", lambda _: "")
    monkeypatch.setattr("gpt2kit.pipeline.chance.of_documents", lambda *_: "")


@pytest.mark.usefixtures("learned")
def test_it_prepares_trains_scores_and_shows(small: Path, capsys: Capture) -> None:
    assert run(["demo", "--json"]) == 0
    out, err = capsys.readouterr()
    scores = json.loads(out)
    assert scores["scores"].keys() == {"BLEU", "chrF++"}
    assert scores["signature"].startswith("set:embedded held-out sample|n:")
    assert scores["run"] == "runs/demo-translate"
    shown = err.partition("None of these sentences was in the training data")[2]
    assert shown.count("    reference  ") == shown.count("    model      ") == demo.SHOWN
    assert "gpt2kit translate generate --run runs/demo-translate" in err
    assert "gpt2kit translate prepare YOUR.en YOUR.fr" in err
    report = json.loads((small / "data" / "demo-translate" / "prepare.json").read_text(encoding="utf-8"))
    assert report["splits"]["val"]["leaked"] == 0
    assert report["splits"]["train"]["dropped"] == report["splits"]["val"]["dropped"] == {}
    assert isinstance(gpt2kit.load("runs/demo-translate")("Good morning"), str)


@pytest.mark.usefixtures("learned")
def test_of_music_a_piece_is_left(small: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpt2kit.cli.performance.demonstration.DEMO_SECONDS", 1.0)
    assert run(["demo", "music", "--json"]) == 0
    out, err = capsys.readouterr()
    scores = json.loads(out)
    assert scores["scores"].keys() == {"nats per event", "nats per note", "nats per second"}
    assert scores["signature"].startswith("set:piano.zip:val|ids:")
    assert {path.suffix for path in (small / "runs" / "demo-music").glob("piece.*")} == {".mid", ".wav", ".png"}
    assert "gpt2kit music render runs/demo-music/piece.mid --run runs/demo-music" in err
    report = json.loads((small / "data" / "demo-music" / "prepare.json").read_text(encoding="utf-8"))
    assert report["splits"]["train"]["dropped"] == report["splits"]["val"]["dropped"] == {}


@pytest.mark.usefixtures("learned")
def test_a_piece_without_notes_is_said(small: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpt2kit.cli.performance.demonstration.DEMO_SECONDS", 1.0)
    monkeypatch.setattr("gpt2kit.pipeline.play.shortfall", lambda _, seconds: f"nothing in {seconds:g} seconds")
    assert run(["demo", "music", "--json"]) == PARTLY_DONE
    err = capsys.readouterr().err
    assert "runs/demo-music/piece.mid: nothing in 1 seconds\n" in err
    assert "gpt2kit music render runs/demo-music/piece.mid" in err


@pytest.mark.usefixtures("learned")
def test_of_summaries_the_scores_stand_beside_extracts(small: Path, capsys: Capture) -> None:
    assert run(["demo", "summarize", "--json"]) == 0
    out, err = capsys.readouterr()
    scores = json.loads(out)
    assert {"ROUGE-1", "ROUGE-2", "ROUGE-L", "ROUGE-Lsum"} <= scores["scores"].keys()
    assert scores["beside"].keys() == {"lead-3", "random-3", "tf-idf", "oracle", "reference"}
    assert scores["beside"]["oracle"]["ROUGE-1"]["value"] > scores["beside"]["random-3"]["ROUGE-1"]["value"] > 0
    assert scores["count"] == 100
    assert "None of these documents was in the training data" in err
    assert "gpt2kit summarize generate --run runs/demo-summarize --file YOUR.txt" in err


def test_a_second_demo_leaves_the_first(small: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("data/demo-translate", "runs/demo-translate", "runs/demo-translate-2"):
        (small / name).mkdir(parents=True)
        (small / name / "mine").touch()
    training: Callable[[Iterator[Any]], Iterator[Any]] = progress.training

    def stopped(stream: Iterator[Any]) -> Iterator[Any]:
        for event in training(stream):
            if isinstance(event, events.StepDone):
                signal.raise_signal(signal.SIGINT)
            yield event

    monkeypatch.setattr(progress, "training", stopped)
    assert run(["demo"]) == 130
    said = capsys.readouterr().err
    assert "gpt2kit translate train data/demo-translate-2 --out runs/demo-translate-3 --resume\n" in said
    assert "gpt2kit translate generate --run runs/demo-translate-3\n" in said
    assert isinstance(gpt2kit.load("runs/demo-translate-3")("Good morning"), str)
    assert (small / "runs" / "demo-translate-3" / "state.safetensors").is_file()
    assert sorted(path.name for path in (small / "runs" / "demo-translate").iterdir()) == ["mine"]


def test_an_unknown_task_names_those_that_have_a_demo(small: Path, capsys: Capture) -> None:
    assert run(["demo", "poetry"]) == 2
    assert "error no demo of 'poetry'; accepted: finetune, lm, music, summarize, translate" in capsys.readouterr().err
    assert list(small.iterdir()) == []


@pytest.mark.usefixtures("learned")
def test_a_language_model_rambles(small: Path, capsys: Capture) -> None:
    assert run(["demo", "lm", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["scores"].keys() >= {"perplexity per token", "bits per byte"}
    assert "From an empty prompt it writes:" in err
    assert 'gpt2kit lm generate --run runs/demo-lm "The river rises"' in err


@pytest.mark.usefixtures("learned")
def test_ten_lines_learn_on_top_of_a_language_model(small: Path, capsys: Capture) -> None:
    assert run(["demo", "finetune", "--json"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found["run"] == "runs/demo-finetune"
    assert found["from_random_weights"]["run"] == "runs/demo-finetune-2"
    assert found["count"] == found["from_random_weights"]["count"] == 71
    assert found["scores"].keys() == {"accuracy", "macro F1", "Matthews correlation"}
    described = json.loads((small / "runs" / "demo-finetune" / "run.json").read_text(encoding="utf-8"))
    assert described["init"] == "../demo-lm"
    assert "5 labels: building, landscape, living thing, person, transport" in err or "None of these sentences" in err
    assert "finetune prepare YOUR.csv --out data/mine --tokenizer runs/demo-lm\n" in err
    assert "finetune train data/mine --out runs/mine --init runs/demo-lm\n" in err


def test_a_demo_that_learned_nothing_says_so(small: Path, capsys: Capture) -> None:
    """And how to train longer, which is a command that works; the model that they start from is the one to name."""
    assert run(["demo", "finetune"]) == PARTLY_DONE
    err = capsys.readouterr().err
    assert "Next:" not in err
    assert re.search(r"WARNING .*(all 71|\d+ of 71) answers .*: the model has learned nothing", err)
    assert "Its model has learned nothing, perhaps because other programs used the processor." in err
    command = err.rstrip().split("\n")[-1].strip()
    assert command == (
        "gpt2kit finetune train data/demo-finetune --out runs/demo-finetune-3 --recipe demo-finetune "
        "--init runs/demo-lm --set train.steps=9"
    )
    words = shlex.split(command)[1:]
    assert run([*words, *(word for setting in [*SMALL[:3], *SHORT] for word in ("--set", setting))]) == 0
    card = (small / "runs" / "demo-finetune" / "README.md").read_text(encoding="utf-8")
    assert "**No better than guessing:** `" in card


@pytest.mark.parametrize(
    ("task", "evidence"),
    [
        ("lm", r"the loss over [\d,]+ tokens is \d+\.\d\d nats per token, not below that of token frequencies"),
        ("translate", r"\d+ of \d+ answers are (the same|empty|nearer).*: the model has learned nothing"),
    ],
    ids=["loss", "texts"],
)
def test_a_demo_that_learned_nothing_says_so_of_a_loss_and_of_texts(
    small: Path, capsys: Capture, task: str, evidence: str
) -> None:
    assert run(["demo", task]) == PARTLY_DONE
    err = capsys.readouterr().err
    assert re.search(rf"WARNING {evidence}", err)
    assert f"train data/demo-{task} --out runs/demo-{task}-2 --recipe demo-{task} --set train.steps=9" in err


@pytest.mark.parametrize(
    ("settings", "longer"),
    [
        (["train.budget=70s", "train.steps=0"], "train.budget=210s"),
        (["train.budget=", "train.steps=40"], "train.steps=120"),
        (["train.budget=", "train.steps=0", "train.epochs=2.5"], "train.epochs=7.5"),
    ],
)
def test_longer_is_three_times_as_long(
    by_heart: Path, copied: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch, settings: list[str], longer: str
) -> None:
    folder = copied(by_heart)
    monkeypatch.chdir(folder.parent)
    table = recipe.apply(recipe.load(str(folder / "recipe.toml")).table(), settings)
    (folder / "recipe.toml").write_text(recipe.build("translate", table).toml(), encoding="utf-8")
    assert demo._longer("translate", folder, None).endswith(f"--recipe demo-translate --set {longer}")


def test_a_demo_stopped_after_its_training_says_how_to_use_it(
    small: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "_scored", interrupted)
    assert run(["demo", "lm"]) == 130
    assert "the model is trained; to use it:\n  gpt2kit lm generate --run runs/demo-lm\n" in capsys.readouterr().err
    assert isinstance(gpt2kit.load("runs/demo-lm")("The river"), str)
