"""The Worker of a page, in Node: the answer comes before the figures, whatever was asked first."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gpt2kit
from gpt2kit.live.content import content
from gpt2kit.live.page import worker_script
from gpt2kit.selftest.run_under_test import opened

OFF: dict[str, list[Any]] = {"heads": [], "attentions": [], "mlps": []}
HOST = """
const { worker, run, asked, answers } = JSON.parse(require("fs").readFileSync(0, "utf-8")), said = [];
let next = 0, left = answers;
const send = () => { const turn = ++next; onmessage({ data: { turn, ...asked[turn - 1] } }); };
globalThis.postMessage = ({ turn, part, found, error }) => {
  if (error) throw new Error(error);
  if (turn === 0) return;
  const { kind, then } = asked[turn - 1];
  said.push(structuredClone([kind, part ? "part" : found, part ?? null]));
  if (part && then) for (; asked[turn - 1].then; asked[turn - 1].then--) send();
  if (!part && --left === 0) process.stdout.write(JSON.stringify(said), () => process.exit());
};
(0, eval)(worker);
onmessage({ data: { turn: 0, kind: "open", question: JSON.stringify(run) } });
for (const { first } of asked) if (first) send();
"""


@pytest.fixture
def worker(run_of: Callable[..., Path]) -> Callable[..., list[list[Any]]]:
    """`worker(kind, questions)`: what the Worker says to questions, in order: [kind, "part" or the answer, the part].
    It looks for messages after every step. With `then`, so many later questions arrive with the first part of this one;
    those with `first` arrive at the beginning. `outdated` of them are never answered."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed")

    def said(kind: str, *asked: dict[str, Any], outdated: int = 0) -> list[list[Any]]:
        script = worker_script(plays=False)
        eager = script.replace("PAUSE_EVERY = 12", "PAUSE_EVERY = -1").replace("SAY_EVERY = 150", "SAY_EVERY = -1")
        assert eager.count(" = -1") >= 2
        given: dict[str, Any] = {"worker": eager, "run": content(opened(run_of(kind)), "f32"), "asked": asked}
        given["answers"] = len(asked) - outdated
        done = subprocess.run([node, "-e", HOST], input=json.dumps(given), capture_output=True, text=True, timeout=180)
        assert done.returncode == 0, done.stderr
        found: list[list[Any]] = json.loads(done.stdout)
        return found

    return said


def test_an_answer_interrupts_the_figures(worker: Callable[..., list[list[Any]]], run_of: Callable[..., Path]) -> None:
    values, settings = ["I am a student"], {"temperature": 0}
    look = {"values": values, "answer": [], "end": None, "off": OFF}
    write = {"values": values, "given": [], "off": OFF, "settings": settings, "seed": 0}
    said = worker(
        "translate",
        {"kind": "look", "question": look, "first": True, "then": 1},
        {"kind": "answer", "question": write},
    )
    kinds = [(kind, found == "part") for kind, found, _ in said]
    assert kinds[0] == ("look", True), "what comes next is said before the figures"
    assert kinds[-1] == ("look", False)
    assert {*kinds[1:-1]} == {("answer", True), ("answer", False)}
    answer, view = said[-2][1], said[-1][1]
    assert answer["text"] == gpt2kit.load(run_of("translate"), {"dtype": "fp32"})(values[0])
    assert view["view"]["tokens"]
    assert view["sides"] == said[0][2]["sides"]


def test_words_are_weighed_after_the_figures(worker: Callable[..., list[list[Any]]]) -> None:
    """One after the other: the words that are known are said at once."""
    question = {"values": ["3 is here", "7 lives"], "off": OFF}
    said = worker(
        "pairs",
        {"kind": "weigh", "question": question, "first": True},
        {"kind": "look", "question": question, "first": True},
    )
    done = [kind for kind, found, _ in said if found != "part"]
    assert done == ["look", "weigh"]
    known = [
        [word["without"] is not None for text in part["texts"] for word in text["words"]]
        for kind, _, part in said
        if kind == "weigh" and part
    ]
    assert known == [[place < count for place in range(5)] for count in range(1, 6)]


def test_a_later_question_ends_the_figures_of_an_earlier_one(
    worker: Callable[..., list[list[Any]]], run_of: Callable[..., Path]
) -> None:
    look = {"values": ["The robot"], "answer": [], "end": None, "off": OFF}
    other = look | {"values": ["The robot must"]}
    said = worker(
        "lm",
        {"kind": "look", "question": look, "first": True, "then": 1},
        {"kind": "look", "question": other},
        outdated=1,
    )
    engine = gpt2kit.load(run_of("lm"), {"dtype": "fp32"})
    views = [found["view"]["tokens"] for _, found, _ in said if found != "part"]
    assert views == [engine.task.encode_source("The robot must")]
