"""Any ids that a model may write: every task makes an answer of them, of any length, and says them again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpt2kit import recipe, tasks
from gpt2kit.data.layouts import Stream
from gpt2kit.tasks.base import Task
from gpt2kit.tasks.formats.labelled import Labelled

Hold = Callable[[Callable[[bytes], object], bytes], object]
Examples = Callable[[str], Any]
ROWS = [{"text": f"text {number}", "label": "ab"[number % 2]} for number in range(4)]


@pytest.fixture(scope="module")
def fitted(examples: Examples, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Task[Any, Any]]:
    """Every task by its name, and one that tells labels."""
    found: dict[str, Task[Any, Any]] = {}
    for name in tasks.names():
        folder, module = tmp_path_factory.mktemp(name), examples(name)
        loaded = recipe.load(name, module.TINY).task
        corpus = module.write_corpus(folder)
        found[name] = loaded.fit(corpus, loaded.read(corpus), folder, 64)
    folder = tmp_path_factory.mktemp("labels")
    table = folder / "a.tsv"
    table.write_text("text\tlabel\n" + "".join(f"{row['text']}\t{row['label']}\n" for row in ROWS), encoding="utf-8")
    labelled = recipe.load("finetune", examples("finetune").TINY).task.infer_task([str(table)])
    assert isinstance(labelled, Labelled)
    found["labels"] = labelled.fit([str(table)], labelled.read([str(table)]), folder, 64)
    return found


@pytest.mark.parametrize("name", [*tasks.names(), "labels"])
@given(content=st.binary(max_size=600))
def test_any_ids_are_an_answer(
    hold: Hold, place: Path, fitted: dict[str, Task[Any, Any]], name: str, content: bytes
) -> None:
    """Read by the tasks as answers, as text to be shown, and counted."""
    task = fitted[name]
    numbers = np.frombuffer(content[: len(content) // 2 * 2], np.uint16)
    ids = (numbers % task.vocabulary.size).tolist()

    def parse(content: bytes) -> object:
        answer = task.decode(ids)
        assert answer == task.decode(ids), "and always the same"
        if isinstance(task.layout, Stream):
            task.layout.units(ids)
            assert len(task.layout.recent(ids, 16)) <= 16
        return (task.vocabulary.render(ids), answer)

    assert hold(parse, content) is not None
