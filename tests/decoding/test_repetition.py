"""What is said again and again, and what only looks like it."""

import random

import pytest

from gpt2kit.decoding.repetition import LEAST, LONGEST, TIMES, repeats_itself


@pytest.mark.parametrize("length", [1, 2, 3, 7, LONGEST])
@pytest.mark.parametrize("rest", [0, 1])
def test_a_passage_again_and_again(length: int, rest: int) -> None:
    """Whatever stands before it, and wherever in it the answer ends."""
    passage = list(range(length))
    times = max(TIMES, -(-LEAST // length))
    again = [*passage * times, *passage[: rest % length]]
    assert repeats_itself(again)
    assert repeats_itself([90, 91, 92, *again])
    assert not repeats_itself([*again, 90])
    assert not repeats_itself(again[: TIMES * length - 1] if length * TIMES >= LEAST else again[: LEAST - 1])


def test_what_is_not_a_repetition() -> None:
    draw = random.Random(0)
    for _ in range(300):
        assert not repeats_itself([draw.randrange(1000) for _ in range(draw.randrange(300))])
    assert not repeats_itself([])
    assert not repeats_itself([7] * (LEAST - 1))
    assert not repeats_itself([*range(LONGEST + 1)] * TIMES)
