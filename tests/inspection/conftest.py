"""What the tests of inspection share: subjects of every task."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gpt2kit
from gpt2kit.inspection.subject import Subject, subject_of
from gpt2kit.music.notes import Notes
from gpt2kit.runs.folder import Run

INPUTS: dict[str, Any] = {
    "translate": "I am a <student>",
    "summarize": 'A dog \u05e9\u05dc\u05d5\u05dd & a "cat" live here. They </script> sleep.',
    "lm": "The robot must",
    "finetune": "A line",
    "music": Notes.of([60, 64, 67, 72], [50, 90, 60, 120], [0.0, 0.5, 1.0, 1.5], [0.4, 0.9, 1.4, 2.0]),
}


@pytest.fixture(scope="session")
def subject(run_of: Callable[[str], Path]) -> Callable[..., Subject]:
    """`subject(task, source=None, steps=6, target=None, **settings)`: an input of a task with what follows it."""

    def make(
        task: str, source: Any = None, steps: int | None = 6, target: str | None = None, **settings: Any
    ) -> Subject:
        opened = gpt2kit.load(run_of(task), settings)
        given = INPUTS[task] if source is None else source
        parsed = opened.task.parse(given) if isinstance(given, str) else given
        return subject_of(opened, f"runs/{task}", Run.open(run_of(task)).task_name, parsed, steps, target)

    return make


@pytest.fixture(scope="session")
def answered(subject: Callable[..., Subject]) -> Callable[..., Subject]:
    """`answered(task)`: the same with an answer where a task has one, whatever the model says."""

    def make(task: str) -> Subject:
        given = task in ("translate", "summarize")
        return subject(task, steps=None, target="je suis") if given else subject(task)

    return make


@pytest.fixture(scope="session")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Subject]:
    """`labelled(kind, text)`: a text of a tiny classifier, or a context with choices after tabs."""
    from gpt2kit import recipe

    def make(kind: str, text: str) -> Subject:
        folder = tmp_path_factory.mktemp(kind)
        rows = {
            "text,label": ["It was good.,good", "It was bad.,bad"] * 6,
            "context,choices,answer": ["I eat,an apple|a stone,0", "I throw,an apple|a stone,1"] * 6,
        }
        header = "text,label" if kind == "label" else "context,choices,answer"
        (folder / "rows.csv").write_text("\n".join([header, *rows[header]]) + "\n", encoding="utf-8")
        shape = ["task.vocab=300", "model.n_layer=2", "model.n_head=2", "model.n_embd=32", "model.n_positions=64"]
        train = ["train.budget=", "train.steps=5", "train.dtype=fp32", "train.compile=off", "train.evaluate_every=5"]
        tiny = recipe.load("finetune", [*shape, *train])
        corpus = {"train": [str(folder / "rows.csv")], "val": [str(folder / "rows.csv")]}
        gpt2kit.prepare(tiny, corpus, folder / "data")
        list(gpt2kit.train(tiny, folder / "data", folder / "run"))
        opened = gpt2kit.load(folder / "run")
        return subject_of(opened, "runs/labels", "finetune", opened.task.parse(text))

    return make
