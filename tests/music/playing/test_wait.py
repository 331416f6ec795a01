"""The wait for the beginning of a continuation."""

import numpy as np
import pytest

from gpt2kit.music.playing.grammar import EventGrammar, Timed
from gpt2kit.music.playing.wait import AfterWait
from gpt2kit.music.stream.events import BEGIN, NOTE_OFF, TIME_SHIFT, VELOCITY, VOCABULARY, name


def allowed(grammar: AfterWait) -> list[int]:
    bias = np.zeros(VOCABULARY, np.float32)
    grammar.weigh(bias)
    return np.flatnonzero(bias == 0).tolist()


def names(grammar: AfterWait) -> list[str]:
    return [name(id) for id in allowed(grammar)]


def prompt() -> list[int]:
    return [BEGIN, VELOCITY + 9, 60]


def test_the_first_shift_goes_to_the_beginning_or_beyond() -> None:
    grammar = AfterWait(EventGrammar(prompt(), 1000), 30)
    assert names(grammar) == [f"TIME_SHIFT_{steps}" for steps in range(30, 101)]
    grammar.accept(TIME_SHIFT + 29)
    assert NOTE_OFF + 60 in allowed(grammar)
    assert 62 in allowed(grammar)


def test_a_long_wait_is_whole_seconds_first() -> None:
    grammar = AfterWait(EventGrammar(prompt(), 1000), 230)
    for _ in range(2):
        assert names(grammar) == ["TIME_SHIFT_100"]
        grammar.accept(TIME_SHIFT + 99)
    assert names(grammar) == [f"TIME_SHIFT_{steps}" for steps in range(30, 101)]
    assert not grammar.over


def test_a_wait_that_is_longer_than_any_pause() -> None:
    """The grammar wants a note after five seconds, and a key let go after ten."""
    grammar = AfterWait(EventGrammar(prompt(), 2000), 1250)
    for _ in range(12):
        assert names(grammar) == ["TIME_SHIFT_100"]
        grammar.accept(TIME_SHIFT + 99)
    assert "TIME_SHIFT_50" in names(grammar)
    grammar.accept(TIME_SHIFT + 49)
    assert not any(each.startswith("TIME_SHIFT") for each in names(grammar))


@pytest.mark.parametrize("automaton", [EventGrammar, Timed])
def test_without_a_wait_everything_is_as_without_it(automaton: type[EventGrammar] | type[Timed]) -> None:
    plain, bias = automaton(prompt(), 100), np.zeros(VOCABULARY, np.float32)
    plain.weigh(bias)
    grammar = AfterWait(automaton(prompt(), 100), 0)
    assert allowed(grammar) == np.flatnonzero(bias == 0).tolist()
    grammar.accept(TIME_SHIFT + 99)
    assert grammar.over or NOTE_OFF + 60 in allowed(grammar)
