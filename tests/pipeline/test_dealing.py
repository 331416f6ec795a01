"""Inputs that are dealt to several processes, here without any of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gpt2kit
from gpt2kit.errors import UserError
from gpt2kit.pipeline import engine as engines
from gpt2kit.pipeline.dealing import dealing, dealt, serve
from gpt2kit.tasks.translate import Sentence


class Together:
    """Three processes, of which this one also does the work of the others: `serving` makes their answers."""

    size = 3

    def __init__(self, serving: Callable[[Any], Any]) -> None:
        self.serving, self.shares = serving, list[Any]()

    def dealt(self, objects: Any) -> Any:
        self.shares.append(objects)
        return objects[0]

    def collected(self, value: object) -> list[Any]:
        return [value, *map(self.serving, self.shares[-1][1:])]


class One:
    """A process that gets these shares, and keeps what it sends."""

    def __init__(self, *shares: Any) -> None:
        self.shares, self.sent = [*shares], list[Any]()

    def dealt(self, objects: Any) -> Any:
        return self.shares.pop(0)

    def collected(self, value: object) -> list[Any]:
        self.sent.append(value)
        return []


def test_every_process_gets_as_much_of_each_length() -> None:
    sizes = [place % 7 for place in range(40)]
    shares = dealt(sizes, 3)
    assert sorted(place for share in shares for place in share) == [*range(40)]
    assert {len(share) for share in shares} == {13, 14}
    work = [sum(sizes[place] for place in share) for share in shares]
    assert max(work) - min(work) <= max(sizes)
    assert dealt([5], 3) == [[0], [], []]


@pytest.mark.parametrize("settings", [{}, {"temperature": 2.0, "seed": 5}, {"beams": 3}])
def test_answers_are_those_of_one_process(
    by_heart: Path, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the order of the input, over several windows, of which the last is smaller than the number of processes."""
    monkeypatch.setattr(engines, "WINDOW_OF_INPUTS", 2)
    sources = [Sentence(text, "fr") for text in ("good morning", "I am", "a b c d e", "x", "cake", "let them", "eat")]
    engine, other = gpt2kit.load(by_heart, settings), gpt2kit.load(by_heart)
    expected = [(result.outputs, result.seed, result.limit) for result in engine.results(sources)]
    group: Any = Together(lambda share: list(other.window(*share)))
    with dealing(engine, group):
        found = [(result.outputs, result.seed, result.limit) for result in engine.results(sources)]
    assert found == expected
    *asked, ended = group.shares
    assert [[len(sources) for sources, *_ in shares] for shares in asked] == [[2, 2, 2], [1, 0, 0]]
    assert ended == [None] * 3
    assert engine.dealer is None


def test_one_process_serves_until_the_end(by_heart: Path) -> None:
    engine, source = gpt2kit.load(by_heart, {"seed": 0}), Sentence("good morning", "fr")
    group: Any = One(([source], [4], engine.config, False), ([], [], engine.config, False), None)
    serve(engine, group)
    first, second = group.sent
    assert [result.outputs for result in first] == [[engine("good morning")]]
    assert second == []


def test_a_mistake_that_another_process_finds_is_raised_here(by_heart: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*_: Any) -> Any:
        raise UserError("that is wrong")

    engine, served = gpt2kit.load(by_heart, {"seed": 0}), gpt2kit.load(by_heart)
    monkeypatch.setattr(served, "window", wrong)
    other: Any = One(([], [], engine.config, False), None)
    serve(served, other)
    together: Any = Together(lambda share: other.sent[0])
    with pytest.raises(UserError, match="that is wrong"), dealing(engine, together):
        list(engine.results([Sentence("good morning", "fr")]))
