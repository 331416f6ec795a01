"""`--help`: every option of every command says its default and its choices, in the form that a reader expects."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from rich.text import Text

from gpt2kit import samples, tasks
from gpt2kit.cli.app import build, run
from gpt2kit.cli.options import DEVICES, SPLITS
from gpt2kit.recipe import knobs

Capture = pytest.CaptureFixture[str]

NATIVE = ("help", "install_completion", "show_completion")
"""Options that Typer adds."""

ONE_RUN = "The run whose model is used."
"""The help of a --run of which a second one is refused."""


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with its words."""
    yield path, command
    for name, each in getattr(command, "commands", {}).items():
        yield from commands(each, (*path, name))


def parameters() -> Iterator[tuple[str, Any, str]]:
    """Every option and argument: its command and name, the parameter, and its line of help."""
    for path, command in commands(typer.main.get_command(build())):
        context = typer.Context(command, info_name=" ".join(path))
        for each in command.get_params(context):
            if each.name not in NATIVE:
                yield " ".join((*path, max(each.opts, key=len))), each, " ".join(each.get_help_record(context))


ALL = list(parameters())


def is_switch(parameter: Any) -> bool:
    return bool(getattr(parameter, "is_flag", False))


def test_every_option_says_its_default() -> None:
    """But for switches, which are off, and what is required."""
    for _, parameter, line in ALL:
        has_default = re.search(r"\[default: [^\]]+\]", line) is not None
        assert has_default or is_switch(parameter) or parameter.required, line
        assert not (has_default and parameter.required), line


def test_every_option_is_a_sentence_with_its_value_in_capitals() -> None:
    for _, parameter, line in ALL:
        assert parameter.help.endswith("."), line
        assert parameter.help[0].isupper(), line
        assert "TASK" not in line or parameter.name == "task", f"{line}: the task's name takes its place"
        metavar = parameter.metavar
        values = metavar == "" if is_switch(parameter) else "|" in metavar or metavar == metavar.upper() != ""
        assert values, line
        several = getattr(parameter, "multiple", False) and parameter.help != ONE_RUN
        assert not several or "May be repeated." in parameter.help, line


def test_brackets_are_shown() -> None:
    """Typer reads help as the markup of rich, which takes [words] for styles unless they are escaped."""
    for _, parameter, line in ALL:
        assert Text.from_markup(parameter.help).plain == parameter.help.replace("\\[", "["), line


def test_all_commands_are_looked_at() -> None:
    verbs = {name.split()[1] for name, _, _ in ALL if name.split()[0] in tasks.names()}
    assert verbs == {"prepare", "show", "train", "generate", "augment", "evaluate", "render", "infill", "accompany"}
    assert {"demo", "merge", "inspect", "explore", "doctor", "selftest", "recipes"} <= {
        name.split()[0] for name, _, _ in ALL
    }
    assert len(ALL) > 200


def test_closed_sets_of_values_are_listed() -> None:
    """Devices, splits, demos, and the choices of a task's knob, each in the option that takes one."""
    seen = set()
    for name, parameter, line in ALL:
        words = name.split()
        option, task = words[-1], words[0]
        knob = knobs(tasks.find(task)).get(parameter.name) if task in tasks.names() and len(words) == 3 else None
        accepted: tuple[str, ...] = {"--device": DEVICES, "--split": SPLITS}.get(option, ())
        if name == "demo task":
            accepted = tuple(each for each in tasks.names() if samples.sample(each).is_dir())
        if knob is not None and option == f"--{knob.name}":
            accepted = knob.metadata["choices"]
        assert all(re.search(rf"\b{re.escape(value)}\b", line) for value in accepted), line
        seen |= {option} if accepted else set()
    assert seen == {"--device", "--split", "task", "--cut", "--tokenize", "--instruments"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("translate prepare", ["--out -o DIR", "[default: (data/translate)]", "[default: (fr, or the recipe's)]"]),
        ("translate train", ["Train on N GPUs, or with N processes on the CPU.", "[default: (runs/translate)]"]),
        ("lm train", ["do not train the embeddings and the first N blocks", "[default: (random weights)]"]),
        (
            "music generate",
            [
                "pip install 'gpt2kit[flac]'.",
                "--seconds SECONDS",
                "[default: 60.0]",
                "[default: piece.mid]",
                "[default: sound]",
            ],
        ),
        ("summarize prepare", ["head|head-tail|tfidf|long", "[default: (256, or the recipe's)]"]),
        ("summarize generate", ["[default: (the run's task.cut)]", "[default: (the run's generate.beams)]"]),
        ("translate evaluate", ["[default: (val)]", "[default: (all)]"]),
    ],
)
def test_what_a_user_reads(words: str, said: list[str], capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert run([*words.split(), "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert all(each in shown for each in said), shown
