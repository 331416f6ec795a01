"""The command line from its words to its exit code: what is printed where, and what a mistake gets for an answer."""

import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import pytest

import gpt2kit
from gpt2kit import recipe, tasks
from gpt2kit.__main__ import main
from gpt2kit.cli import progress
from gpt2kit.cli.app import run
from gpt2kit.data.store import Store
from gpt2kit.decoding.answer import length_penalty
from gpt2kit.runs.prepared import Prepared
from gpt2kit.training import events

Capture = pytest.CaptureFixture[str]
Examples = Callable[[str], Any]

HEAVY = {"torch", "tokenizers", "transformers", "datasets", "numpy", "pyarrow", "huggingface_hub"}
HEAVY |= {"sacrebleu", "rouge_score", "matplotlib"}
LIGHT = [
    *(["--help"], ["translate", "--help"], ["translate", "train", "--help"], ["demo", "-h"], ["--version"]),
    *(["lm", "--help"], ["finetune", "train", "--help"], ["merge", "--help"]),
    *(["inspect", "--help"], ["explore", "--help"], ["doctor", "--help"], ["selftest", "--help"]),
    *(["recipes"], ["recipes", "show", "translate"], ["nonsense"], ["demo", "nonsense"], ["recipes", "show", "no"]),
]


@pytest.fixture
def workplace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def settings(examples: Examples) -> list[str]:
    """The tiny recipe as --set words."""
    return [word for setting in examples("translate").TINY for word in ("--set", setting)]


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def type_in(monkeypatch: pytest.MonkeyPatch, typed: bytes, terminal: bool = False) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(typed), encoding="utf-8")
    monkeypatch.setattr(stdin, "isatty", lambda: terminal)
    monkeypatch.setattr("sys.stdin", stdin)


def error_of(words: list[str], capsys: Capture) -> dict[str, Any]:
    """The error of a command that fails, which --json writes to stderr and which is nothing else."""
    capsys.readouterr()
    code = run([*words, "--json"])
    out, err = capsys.readouterr()
    assert out == ""
    answer: dict[str, Any] = json.loads(err)
    assert answer["ok"] is False
    assert answer["error"]["code"] == code
    assert "Traceback" not in err
    error: dict[str, Any] = answer["error"]
    return error


# what costs nothing


def test_help_and_recipes_load_nothing_heavy() -> None:
    script = (
        "import contextlib, io, json, sys\n"
        "from gpt2kit.cli.app import run\n"
        "found = {}\n"
        "for words in json.loads(sys.argv[1]):\n"
        "    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):\n"
        "        run(words)\n"
        "    found[' '.join(words)] = sorted(set(json.loads(sys.argv[2])) & sys.modules.keys())\n"
        "sys.stdout.write(json.dumps(found))\n"
    )
    words = [json.dumps(LIGHT), json.dumps(sorted(HEAVY))]
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {" ".join(words): [] for words in LIGHT}


def test_help_names_tasks_verbs_and_options(capsys: Capture) -> None:
    def shown(*words: str) -> str:
        assert run(list(words)) == 0
        return capsys.readouterr().out

    assert all(word in shown("--help") for word in ("translate", "demo", "recipes"))
    assert all(word in shown("translate", "-h") for word in ("prepare", "train", "generate", "evaluate"))
    assert all(
        word in shown("translate", "prepare", "--help") for word in ("--val", "--columns", "--tokenizer", "--to")
    )
    assert "--beams" in shown("translate", "evaluate", "--help")
    assert "--resume" in shown("translate", "train", "--help")
    assert "--columns" not in shown("translate", "train", "--help")


def test_version(capsys: Capture) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"{version('gpt2kit')}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["translate", "prepare"], "Missing argument"),
        (["translate", "train", "--epochs", "3"], "No such option"),
        (["translate", "train", "a", "b"], "unexpected extra argument"),
        (["translate", "generate", "--beams", "many", "x"], "--beams"),
        (["translate", "evaluate", "--limit", "0"], "--limit"),
        (["recipes", "shw", "translate"], "No such command 'shw'"),
    ],
)
def test_wrong_usage(words: list[str], message: str, capsys: Capture) -> None:
    assert run(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in " ".join(err.replace("│", " ").split())


def test_recipes_are_listed(capsys: Capture) -> None:
    """Each with a whole sentence."""
    assert run(["recipes"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in recipe.shipped())
    column = out.index("description")
    words = " ".join(line[column:] for line in out.splitlines()).split()
    for name in recipe.shipped():
        sentence = recipe.description(name)
        assert sentence.endswith(".")
        assert sentence in " ".join(words)


def test_a_task_alone_on_a_terminal_shows_its_help(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `gpt2kit` alone does."""
    type_in(monkeypatch, b"", terminal=True)
    code = run([])
    assert "Usage: gpt2kit [OPTIONS]" in capsys.readouterr().out
    for name in tasks.names():
        assert run([name]) == code
        out = capsys.readouterr().out
        assert f"Usage: gpt2kit {name} [OPTIONS] COMMAND" in out
        assert f"Without a command, `gpt2kit {name} ...` means `gpt2kit {name} generate ...`." in " ".join(out.split())
        assert all(verb in out for verb in ("prepare", "train", "generate", "evaluate"))


def test_a_misspelled_verb_is_asked_about(capsys: Capture) -> None:
    found = error_of(["translate", "trian", "data/x"], capsys)
    assert found["code"] == 2
    assert "Did you mean `gpt2kit translate train`?" in found["message"]
    assert run(["tranlsate", "train"]) == 2
    assert "Did you mean 'translate'?" in capsys.readouterr().err


@pytest.mark.parametrize("name", recipe.shipped())
def test_a_shown_recipe_is_the_recipe(name: str, capsys: Capture) -> None:
    assert run(["recipes", "show", name]) == 0
    out = capsys.readouterr().out
    assert recipe.build(name, tomllib.loads(out)) == recipe.load(name)
    knobs = [line for line in out.split("\n") if " = " in line and not line.startswith("name = ")]
    assert all(" # " in line for line in knobs)
    assert all(re.search(r"; (the default|default .+, set by the recipe)\]$", line) for line in knobs)


def test_a_shown_recipe_has_its_settings(capsys: Capture) -> None:
    settings = ["model.size=gpt2-xl", "train.lr=1e-30", 'task.languages=["fr", "de"]', "task.tokenizer='a\"b\\c é'"]
    assert run(["recipes", "show", "translate", *(word for s in settings for word in ("--set", s))]) == 0
    shown = recipe.build("translate", tomllib.loads(capsys.readouterr().out))
    assert shown == recipe.load("translate", settings)


def test_a_recipe_error_is_data_s_fault(capsys: Capture) -> None:
    assert run(["recipes", "show", "multi3k"]) == 3
    assert "did you mean multi30k?" in capsys.readouterr().err
    assert error_of(["translate", "prepare", "a", "b", "--recipe", "x.toml"], capsys)["code"] == 3
    assert (
        "did you mean vocab?" in error_of(["translate", "prepare", "a", "b", "--set", "task.vocb=1"], capsys)["message"]
    )


# the four verbs


def test_the_whole_way(
    workplace: Path, settings: list[str], examples: Examples, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the README, with the default folders."""
    pairs = examples("translate").PAIRS[:3]
    for column, language in enumerate(("en", "fr")):
        write(workplace / f"train.{language}", "".join(f"{pair[column]}\n" for pair in pairs))
    assert (
        run(["translate", "prepare", "train.en", "train.fr", "--val", "train.en", "train.fr", *settings, "--json"]) == 0
    )
    out, err = capsys.readouterr()
    prepared = json.loads(out)
    assert (prepared["train"]["rows"], prepared["val"]["rows"], prepared["out"]) == (3, 3, "data/translate")
    assert "written to data/translate" in err
    assert run(["translate", "train", *without_task(settings), "--json"]) == 0
    out, err = capsys.readouterr()
    trained = json.loads(out)
    assert trained["run"] == "runs/translate"
    assert trained["validation_loss"] < 0.1
    assert "gpt2kit translate generate --run runs/translate" in err
    assert run(["translate", "good morning"]) == 0
    assert capsys.readouterr().out == "bonjour\n"
    type_in(monkeypatch, b"I am a student\n\nlet them eat cake")
    assert run(["translate"]) == 0
    assert capsys.readouterr().out == "je suis étudiant\n\nqu'ils mangent du gâteau\n"
    assert run(["translate", "evaluate"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("BLEU 100.00  nrefs:1|")
    assert ":val|n:3|decode:t:0.0" in " ".join(err.split())
    assert run(["translate", "evaluate", "--on", "train.en", "train.fr", "--beams", "4", "--limit", "2", "--json"]) == 0
    scored = json.loads(capsys.readouterr().out)
    assert scored["signature"].startswith("set:train.en,train.fr|n:2|decode:beam4|alpha:0.6|")
    assert run(["translate", "evaluate", "--predictions", "said.jsonl"]) == 0
    assert len((workplace / "said.jsonl").read_text(encoding="utf-8").split("\n")) == 4


def without_task(settings: list[str]) -> list[str]:
    values = [value for value in settings[1::2] if not value.startswith("task.")]
    return [word for value in values for word in ("--set", value)]


def test_columns_of_a_table(by_heart: Path, workplace: Path, settings: list[str], capsys: Capture) -> None:
    table = write(workplace / "a.csv", "id,fr,en\n1,bonjour,good morning\n")
    assert run(["translate", "prepare", table, "--val", table, "--columns", "en,fr", *settings, "--out", "d"]) == 0
    store, task = Store(workplace / "d", "train"), Prepared.open(workplace / "d").task
    assert task.decode_source(store.row(0)[0]).text == "good morning"
    capsys.readouterr()
    assert run(["translate", "evaluate", "--run", str(by_heart), "--on", table, "--columns", "en,fr"]) == 0
    assert "chrF++ 100.00" in capsys.readouterr().out
    named = ["translate", "evaluate", "--run", str(by_heart), "--on", table, "--columns", "en,frr"]
    assert "did you mean 'fr'?" in error_of(named, capsys)["message"]


def test_lines_in_are_lines_out(
    by_heart: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whatever is in them: a blank line, an odd line end, an answer of two lines, a literal separator."""
    lines = [
        "\ufeffgood morning",
        "",
        "two lines",
        "  ",
        "in\u2028side",
        "a\u0085b",
        "\x0b",
        "<to-fr>",
        "good morning\r",
    ]
    typed = "".join(f"{line}\n" for line in lines).encode()
    type_in(monkeypatch, typed)
    assert run(["translate", "--run", str(by_heart)]) == 0
    answers = capsys.readouterr().out.split("\n")
    assert len(answers) == len(lines) + 1
    assert answers[:4] == ["bonjour", "", "un deux", ""]
    assert answers[8] == "bonjour"
    (tmp_path / "lines").write_bytes(typed)
    for words in (["--file", str(tmp_path / "lines")], ["-f", "-"]):
        type_in(monkeypatch, typed)
        assert run(["translate", "--run", str(by_heart), *words]) == 0
        assert capsys.readouterr().out.split("\n") == answers


def test_arguments_are_inputs(by_heart: Path, capsys: Capture) -> None:
    assert run(["translate", "--run", str(by_heart), "two lines", "", "good morning"]) == 0
    assert capsys.readouterr().out == "un deux\n\nbonjour\n"
    assert run(["translate", "generate", "--run", str(by_heart), "--", "--help"]) == 0
    assert len(capsys.readouterr().out.split("\n")) == 2
    assert run(["translate", "generate", "--run", str(by_heart), "--to", "fr", "good morning"]) == 0
    assert capsys.readouterr().out == "bonjour\n"


def test_nothing_in_is_nothing_out(by_heart: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    type_in(monkeypatch, b"")
    assert run(["translate", "--run", str(by_heart)]) == 0
    assert capsys.readouterr().out == ""


def test_a_terminal_is_answered_line_by_line(by_heart: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    type_in(monkeypatch, b"good morning\n\ntwo lines\n", terminal=True)
    assert run(["translate", "--run", str(by_heart)]) == 0
    out, err = capsys.readouterr()
    assert out == "bonjour\n\nun deux\n"
    assert "Ctrl-D ends" in err


def test_json_answers(by_heart: Path, capsys: Capture) -> None:
    words = ["translate", "--run", str(by_heart), "--json", "two lines", "", "word " * 500]
    assert run(words) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    total = rows[0]["log_probability"]
    assert total == pytest.approx(-0.236, abs=0.05), "known by heart"
    tokens = len(gpt2kit.load(by_heart).task.encode_target("un\ndeux"))
    assert rows[0] == {
        "input": "two lines",
        "output": "un\ndeux",
        "answers": [
            {"text": "un\ndeux", "score": total / length_penalty(tokens, 0.6), "log_probability": total},
        ],
        "log_probability": total,
        "finished": True,
        "truncated": False,
        "circling": False,
    }
    assert (rows[1]["input"], rows[1]["output"]) == ("", "")
    assert rows[1]["answers"] == [{"text": "", "score": None, "log_probability": None}], "the model was not asked"
    assert rows[2]["truncated"] is True


def test_the_best_answers_come_first(by_heart: Path, capsys: Capture) -> None:
    words = ["translate", "--run", str(by_heart), "--beams", "3", "--nbest", "2", "good morning"]
    assert run(words) == 0
    assert capsys.readouterr().out.startswith("bonjour\n")
    assert run([*words, "--json"]) == 0
    answers = json.loads(capsys.readouterr().out)["answers"]
    assert len(answers) == 2
    assert answers[0]["score"] > answers[1]["score"]


# mistakes


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--nbest", "2"], 2, "--nbest 2: expected 1 to the number of beams, which is 1; add --beams 2 or more"),
        (
            ["--nbest", "5", "--beams", "4"],
            2,
            "--nbest 5: expected 1 to the number of beams, which is 4; add --beams 5 or more",
        ),
        (["--beams", "4", "--temperature", "0.7"], 3, "beam search does not sample"),
        (["--top-k", "5"], 3, "top_k and top_p need a temperature above 0"),
        (["--temperature", "-1"], 3, "temperature = -1.0; expected at least 0"),
        (["--device", "cuda:99"], 4, "device = 'cuda:99'"),
        (["--device", "abacus"], 4, "device = 'abacus': expected auto, cpu, cuda, cuda:1 or mps"),
        (["--to", "de"], 2, "does not translate into 'de'; accepted: fr"),
        (["--set", "model.n_layer=1"], 2, "only generate.… and task.… can be set now"),
        (["--set", "generate.beems=2"], 3, "did you mean beams?"),
        (["--set", "task.too=de"], 3, "did you mean to?"),
        (["--set", "beams"], 3, "expected section.key=value"),
        (["--file", "nowhere.en"], 3, "nowhere.en: no such file"),
        (["--file", "."], 3, ". is a directory; a file is needed"),
    ],
)
def test_a_mistake_when_asking(
    by_heart: Path, workplace: Path, capsys: Capture, words: list[str], code: int, message: str
) -> None:
    text = [] if "--file" in words else ["good morning"]
    found = error_of(["translate", "generate", "--run", str(by_heart), *words, *text], capsys)
    assert (found["code"], message in found["message"]) == (code, True), found["message"]


def test_more_beams_do_not_help_to_print_nothing(by_heart: Path, capsys: Capture) -> None:
    found = error_of(["translate", "generate", "--run", str(by_heart), "--nbest", "0", "good morning"], capsys)
    assert found["message"] == "--nbest 0: expected 1 to the number of beams, which is 1"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["generate", "--run", "nowhere", "x"], 3, "nowhere is not a directory"),
        (["generate", "x"], 3, "runs/translate is not a directory; expected a run, which `gpt2kit TASK train` writes"),
        (
            ["train"],
            3,
            "data/translate is not a directory; expected prepared data, which `gpt2kit TASK prepare` writes",
        ),
        (["train", "--resume"], 3, "runs/translate/recipe.toml"),
        (["train", "d", "--resume", "--init", "x"], 2, "--resume continues a run as it is"),
        (["train", "d", "--resume", "--overwrite"], 2, "--resume continues a run as it is"),
        (["train", "d", "--resume", "auto", "--overwrite"], 2, "--resume continues a run as it is"),
        (["train", "--resume=d"], 2, "--resume=d: expected on, which is what --resume alone means, or auto"),
        (["train", "--resume", "auto"], 3, "data/translate is not a directory; expected prepared data"),
        (["train", "d", "--set", "task.vocab=300"], 2, "--set task.vocab: it was fixed when the data was prepared"),
        (["generate", "--set", "task.vocab=1", "x"], 2, "--set task.vocab: it was fixed when the data was prepared"),
        (["evaluate"], 3, "runs/translate is not a directory"),
        (["prepare", "no.en", "no.fr"], 3, "no.en: no such file"),
        (["prepare", "no.en"], 3, "no.en: no such file"),
        (["prepare", "no.tsv", "--val", "v.en", "--out", "x"], 3, "no.tsv: no such file"),
        (["prepare", "no.tsv", "--to", "french!"], 3, "'french!' is not a language code"),
    ],
)
def test_a_mistake_before_there_is_anything(
    workplace: Path, capsys: Capture, words: list[str], code: int, message: str
) -> None:
    found = error_of(["translate", *words], capsys)
    assert (found["code"], message in found["message"]) == (code, True), found["message"]
    assert not list(workplace.rglob("*.tmp"))


def test_files_of_different_length(workplace: Path, settings: list[str], capsys: Capture) -> None:
    write(workplace / "a.en", "one\ntwo\nthree\n")
    write(workplace / "a.fr", "un\ndeux\n")
    assert run(["translate", "prepare", "a.en", "a.fr", *settings]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    said = " ".join(err.split())
    assert all(part in said for part in ("a.en", "a.fr", "line 3", "'three'", "Line n of one file must translate"))
    assert all(part in said for part in ("'two'", "'deux'")), "the last pair that was read, on both sides"
    assert sorted(path.name for path in workplace.iterdir()) == ["a.en", "a.fr", "data"]
    assert list((workplace / "data").iterdir()) == []


def test_a_wrong_byte_is_named(
    by_heart: Path, workplace: Path, settings: list[str], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workplace / "a.tsv").write_bytes("good\tbon\ncafé\tcaf\n".encode("latin-1"))
    found = error_of(["translate", "prepare", "a.tsv", *settings], capsys)
    assert (found["code"], "a.tsv:2: byte 0xe9 at offset 12" in found["message"]) == (3, True), found["message"]
    type_in(monkeypatch, b"good\nbon \xff\n")
    found = error_of(["translate", "--run", str(by_heart)], capsys)
    assert "standard input:2: byte 0xff at offset 9" in found["message"]


def test_drops_are_told(workplace: Path, settings: list[str], capsys: Capture) -> None:
    write(workplace / "a.tsv", "good\tbon\n\tvide\n \t\ngood\tbon\n")
    assert run(["translate", "prepare", "a.tsv", "--val", "a.tsv", "--out", "d", *settings]) == 0
    said = capsys.readouterr().err
    assert "train: 1 dropped, source empty, such as" in said
    assert "train: 1 dropped, both sides empty, such as" in said
    assert "val: sources that are also in train: 2 of 2, such as good" in " ".join(said.replace("'", "").split())
    report = json.loads((workplace / "d" / "prepare.json").read_text(encoding="utf-8"))["splits"]["train"]
    assert report["dropped"] == {"source empty": 1, "both sides empty": 1}
    assert "vide" in report["examples"]["source empty"][0]


def test_an_output_that_exists_is_left(workplace: Path, settings: list[str], capsys: Capture) -> None:
    write(workplace / "a.tsv", "good\tbon\n")
    (workplace / "d").mkdir()
    write(workplace / "d" / "thesis.txt", "ten years")
    words = ["translate", "prepare", "a.tsv", "--val", "a.tsv", "--out", "d", *settings]
    found = error_of(words, capsys)
    assert found == {
        "code": 2,
        "message": "d already exists; choose another --out, as --overwrite does not replace it: it is not prepared "
        "data, it has thesis.txt",
    }
    assert (workplace / "d" / "thesis.txt").read_text(encoding="utf-8") == "ten years"
    assert error_of([*words, "--overwrite"], capsys) == {
        "code": 2,
        "message": "d is not replaced: it is not prepared data, it has thesis.txt; choose another --out",
    }
    assert (workplace / "d" / "thesis.txt").read_text(encoding="utf-8") == "ten years"
    (workplace / "d" / "thesis.txt").unlink()
    assert run(words) == 0
    assert run([*words, "--overwrite"]) == 0
    train = ["translate", "train", "d", "--out", "d", *without_task(settings)]
    for more in ([], ["--overwrite"]):
        assert error_of([*train, *more], capsys)["code"] == 2
        assert (workplace / "d" / "train.ids").is_file()


# signals and pipes


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGUSR1, 128 + signal.SIGUSR1)]
)
def test_a_signal_saves_and_the_printed_command_goes_on(
    workplace: Path,
    settings: list[str],
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
    code: int,
) -> None:
    write(workplace / "a.tsv", "good\tbon\nyes\toui\n")
    assert run(["translate", "prepare", "a.tsv", "--val", "a.tsv", "--out", "my data", *settings]) == 0
    training: Callable[[Iterator[Any]], Iterator[Any]] = progress.training

    def interrupted(stream: Iterator[Any]) -> Iterator[Any]:
        for event in training(stream):
            if isinstance(event, events.StepDone) and event.step == 3:
                signal.raise_signal(number)
            yield event

    short = ["--set", "train.steps=6", "--set", "train.lr=1e-3"]
    with monkeypatch.context() as patch:
        patch.setattr(progress, "training", interrupted)
        words = ["translate", "train", "my data", "--out", "r", *without_task(settings), *short]
        assert run(words) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert "stopped after step 3, state saved; to continue:" in err
    resume, _, generate = (line.strip() for line in err.rstrip().split("\n")[-3:])
    assert generate == "gpt2kit translate generate --run r"
    assert run([*shlex.split(generate)[1:], "yes"]) == 0, "there was no validation, and yet there are weights"
    changed = error_of(["translate", "train", "my data", "--out", "r", "--resume", "--set", "train.lr=1"], capsys)
    message = "r was started with other values of train.lr, which --resume cannot change"
    assert changed == {"code": 2, "message": message}
    assert run(shlex.split(resume)[1:]) == 0
    assert "continuing after step 3" in capsys.readouterr().err
    assert run(["translate", "--run", "r", "yes"]) == 0
    again = error_of(["translate", "train", "my data", "--out", "r", "--resume"], capsys)
    assert "r is finished; to train it further, start a new run with --init r" in again["message"]


def test_ctrl_c_elsewhere(workplace: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gpt2kit.pipeline.prepare.prepare", interrupted)
    assert run(["translate", "prepare", "a.tsv"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


@pytest.mark.parametrize("place", ["gpt2kit.tasks.find", "gpt2kit.cli.app.command"])
def test_ctrl_c_while_the_command_line_is_built(place: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, interrupt)
    assert run(["translate", "prepare", "a.tsv"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_ctrl_c_while_modules_are_loaded(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gpt2kit.cli.app", Interrupting("app"))
    handler = signal.getsignal(signal.SIGINT)
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with pytest.raises(SystemExit, match="130"):
            main()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL, "one more Ctrl-C prints no traceback either"
    finally:
        signal.signal(signal.SIGINT, handler)
    assert capsys.readouterr().err == "interrupted\n"


class Interrupting(ModuleType):
    """A module that Ctrl-C interrupts while it is imported."""

    def __getattr__(self, name: str) -> Any:
        interrupt()


def interrupt(*_: Any, **__: Any) -> NoReturn:
    raise KeyboardInterrupt


def test_ctrl_c_before_the_first_step(
    workplace: Path, settings: list[str], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(workplace / "a.tsv", "good\tbon\nyes\toui\n")
    assert run(["translate", "prepare", "a.tsv", "--val", "a.tsv", *settings]) == 0
    words = ["translate", "train", *without_task(settings), "--set", "train.steps=2"]

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    for where, message in (
        ("gpt2kit.pipeline.train.first_model", "interrupted before the first step: nothing was trained or written\n"),
        (
            "gpt2kit.training.loop.Loop.fit",
            "interrupted before the first save; to start the training again:\n"
            "  gpt2kit translate train data/translate --out runs/translate --resume\n",
        ),
    ):
        capsys.readouterr()
        with monkeypatch.context() as patch:
            patch.setattr(where, interrupted)
            assert run(words) == 130
        assert capsys.readouterr().err.endswith(message)
    assert run(["translate", "train", "--resume"]) == 0


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(36, "File name too long", "a" * 300), "a" * 300 + ": File name too long"),
        (OSError(5, "Input/output error"), "Input/output error"),
        (PermissionError(13, "Permission denied", b"caf\xe9"), "caf\udce9: Permission denied"),
    ],
)
def test_what_the_system_refuses_is_no_bug(
    workplace: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, error: OSError, message: str
) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("gpt2kit.pipeline.prepare.prepare", refused)
    assert error_of(["translate", "prepare", "a.tsv"], capsys) == {"code": 4, "message": message}


def test_a_bug_is_not_dressed_up(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("gpt2kit.pipeline.prepare.prepare", broken)
    with pytest.raises(ZeroDivisionError):
        run(["translate", "prepare", "a.tsv"])


def test_a_closed_pipe_ends_generating(
    by_heart: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read, write_end = os.pipe()
    os.close(read)
    with os.fdopen(write_end, "w") as stdout:
        monkeypatch.setattr("sys.stdout", stdout)
        code = run(["translate", "--run", str(by_heart), "good morning", "two lines"])
        monkeypatch.undo()
    assert code == 141
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("words", [["recipes", "show", "translate"], ["recipes"], ["--version"]])
def test_a_closed_pipe_leaves_no_traceback(words: list[str]) -> None:
    """In a process of its own, where Python flushes once more at its end."""
    read, write_end = os.pipe()
    os.close(read)
    try:
        command = [sys.executable, "-m", "gpt2kit", *words]
        done = subprocess.run(command, stdout=write_end, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(write_end)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_split_that_was_not_prepared(by_heart: Path, capsys: Capture) -> None:
    assert run(["translate", "evaluate", "--run", str(by_heart), "--split", "test"]) == 3
    err = capsys.readouterr().err
    assert "has no test split: prepare it again with --test CORPUS, or score a corpus with evaluate --on CORPUS" in err
