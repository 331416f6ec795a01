"""The page answers as `generate` does: whole runs, from the text of an input to the text of its answer."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import gpt2kit
from gpt2kit.live.content import content
from gpt2kit.selftest.run_under_test import opened

if TYPE_CHECKING:
    from tests.live.conftest import EngineInNode

INPUTS: dict[str, list[list[str]]] = {
    "translate": [["I am a student."], ["été 中文 🙂"], ["12.5%"], [" "], ["a cat " * 99]],
    "summarize": [["", "A dog lives here. It sleeps."], ["Cats", "The cat.\n\n" * 60], ["Cats", " "]],
    "lm": [["The robot must"], [""], ["word " * 99]],
    "completion": [["what is 3"], ["what is 中"], [""]],
}
SAMPLED = {"temperature": 1.1, "top_k": 50, "top_p": 0.95, "seed": 5}
LABELLED: dict[str, list[list[str]]] = {
    "labelled": [["fine 3"], ["dull 中 " * 40]],
    "pairs": [["1 is here", "2 is here"]],
    "similar": [["1 or so", "about 3"], ["x " * 60, "about 3"]],
    "choice": [["3 is", "odd", "even"], ["4 is", "even", "odd", "none of them"]],
}

ANSWERS = """(run, inputs, settings) => {
  const opened = new TextRun(run);
  return inputs.map((values, number) => {
    const ids = opened.answer(values, { settings, seed: settings.seed + number });
    let next = ids.next(), count = 0;
    for (; !next.done; next = ids.next()) count++;
    return { count, ...next.value };
  });
}"""


def source_of(task: Any, values: list[str]) -> Any:
    """An input as the task has it."""
    if len(values) == 1 or task.layout.labels:
        return task.parse("\t".join(values))
    return replace(task, title=values[0]).parse(values[1])


@pytest.mark.parametrize("settings", [{"seed": 0}, SAMPLED | {"stop": ("e", "é")}, SAMPLED | {"max_new_tokens": 5}])
@pytest.mark.parametrize("kind", INPUTS)
def test_answers(engine: "EngineInNode", run_of: Callable[..., Path], kind: str, settings: dict[str, Any]) -> None:
    run = content(opened(run_of(kind)), "f32")
    python = gpt2kit.load(run_of(kind))
    config = python.configured(settings)
    sources = [source_of(python.task, values) for values in INPUTS[kind]]
    found = engine(ANSWERS, run, INPUTS[kind], run["generate"] | settings)
    assert asdict(replace(config, max_ratio=config.ratio)) == run["generate"] | settings
    for answer, wanted in zip(found, python.results(sources, replace(config, dtype="fp32")), strict=True):
        end, stops = answer.pop("end"), [python.task.vocabulary.eos, *config.stop_ids]
        assert end in ((*stops, None) if wanted.finished else (None,)), "a text may end an answer, too"
        assert answer == {
            "count": len(wanted.ids[0]),
            "ids": wanted.ids[0],
            "text": wanted.outputs[0],
            "finished": wanted.finished,
            "limit": wanted.limit,
            "circling": wanted.circling,
            "cut": wanted.truncated,
        }


@pytest.mark.parametrize("kind", LABELLED)
def test_labels(engine: "EngineInNode", run_of: Callable[..., Path], kind: str) -> None:
    python = gpt2kit.load(run_of(kind))
    sources = [source_of(python.task, values) for values in LABELLED[kind]]
    body = "(run, inputs) => inputs.map((values) => new TextRun(run).classify(values))"
    found = engine(body, content(opened(run_of(kind)), "f32"), LABELLED[kind])
    for answer, wanted in zip(found, python.results(sources), strict=True):
        assert wanted.probabilities is not None
        chances = dict(zip(answer["answers"], answer["probabilities"], strict=True))
        assert chances == pytest.approx(wanted.probabilities, rel=1e-4)
        assert answer["cut"] == wanted.truncated
