"""Whether a result is better than guessing: exact probabilities, and verdicts on labels, texts and losses."""

import math
import random
from itertools import product

import pytest

from gpt2kit.metrics.chance import Labels, Texts, of_stream, probability


@pytest.mark.parametrize("chance", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("successes", [0, 1, 4, 6])
def test_the_probability_is_that_of_all_outcomes_counted(successes: int, chance: float) -> None:
    outcomes = (sum(outcome) for outcome in product((0, 1), repeat=6))
    expected = math.fsum(chance**n * (1 - chance) ** (6 - n) for n in outcomes if n >= successes)
    assert probability(successes, 6, chance) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("successes", "chance", "expected"), [(0, 0.0, 1.0), (1, 0.0, 0.0), (5, 1.0, 1.0), (4, 1.0, 1.0)]
)
def test_the_probability_at_the_ends(successes: int, chance: float, expected: float) -> None:
    assert probability(successes, 5, chance) == expected


def test_the_probability_of_many() -> None:
    assert probability(50_000, 100_000, 0.5) == pytest.approx(0.5, abs=0.01)
    assert probability(51_000, 100_000, 0.5) < 1e-9


def labelled(right: int, count: int, labels: str = "abcde") -> Labels:
    """So many right answers of `count`, whose labels take turns."""
    found = Labels(own_choices=False)
    for number in range(count):
        target = labels[number % len(labels)]
        found.add(target if number < right else "none", target, labels)
    return found


@pytest.mark.parametrize(("right", "count"), [(13, 71), (18, 71), (0, 71), (1, 4), (2, 7)])
def test_labels_at_chance(right: int, count: int) -> None:
    """13 of 71 is the 18.3% of a demo that had no time."""
    verdict = labelled(right, count).verdict()
    assert verdict.startswith(f"{right / count:.1%} of {count} is what guessing gives (")
    assert verdict.endswith("by always answering 'a'): the model has learned nothing of this task")


@pytest.mark.parametrize(("right", "count"), [(25, 71), (62, 71), (71, 71), (4, 4), (1, 1)])
def test_labels_better_than_chance(right: int, count: int) -> None:
    assert labelled(right, count).verdict() == ""


def test_the_most_frequent_label_is_what_guessing_takes() -> None:
    """90% are of one label: 92% of the answers are right, and that is nothing."""
    found = Labels(own_choices=False)
    for number in range(100):
        found.add("many" if number < 92 else "other", "many" if number < 90 else "few", ("many", "few"))
    assert "90.0% of 100 is what guessing gives (90.0% by always answering 'many')" in found.verdict()


@pytest.mark.parametrize(("right", "better"), [(25, False), (30, False), (45, True)])
def test_choices_of_their_own(right: int, better: bool) -> None:
    """Four each: a quarter is chance, although no answer occurs twice."""
    found = Labels(own_choices=True)
    for number in range(100):
        choices = [f"{number}{letter}" for letter in "abcd"]
        found.add(choices[0] if number < right else choices[1], choices[0], choices)
    assert (found.verdict() == "") == better
    assert better or "(25.0% by taking any of the choices)" in found.verdict()


SENTENCES = [f"{who} {what} {where}" for who in ("The cat", "A man", "My son") for what in ("sees", "eats", "takes")
             for where in ("bread", "the house", "two birds")]  # fmt: skip


def written(outputs: list[str]) -> str:
    found = Texts()
    for output, target in zip(outputs, SENTENCES, strict=True):
        found.add(output, target, ())
    return found.verdict()


def test_texts_that_have_to_do_with_their_sources() -> None:
    assert written(SENTENCES) == ""
    assert written([sentence[:-4] for sentence in SENTENCES]) == ""
    assert written([sentence.split()[-1] for sentence in SENTENCES]) == "", "one word of each is right"


def test_texts_that_have_not() -> None:
    shuffled = random.Random(0).sample(SENTENCES, len(SENTENCES))
    for outputs in (["The cat eats bread"] * 27, [""] * 27, ["of of of of of"] * 27, shuffled):
        assert "an answer resembles the reference of another source as much as its own (nearer to its" in written(
            outputs
        )


def test_of_a_few_texts_nothing_is_said() -> None:
    found = Texts()
    for target in SENTENCES[:9]:
        found.add("", target, ())
    assert found.verdict() == ""


def test_equal_references_say_nothing() -> None:
    found = Texts()
    for _ in range(99):
        found.add("yes", "yes", ())
    assert found.verdict() == ""


def test_a_loss_against_the_frequency_of_each_token() -> None:
    """Half of the tokens are of one kind: frequencies give 1.75 bits, that of tokens of which nothing is known 2."""
    counts, known = [4, 2, 1, 1], [4999, 2499, 1249, 1249]
    guess = 1.75 * math.log(2)
    assert of_stream(guess - 0.01, counts, known) == ""
    verdict = of_stream(guess + 0.01, counts, known)
    assert verdict.startswith("1.22 nats per token is what the frequency of each token gives (1.21): the model has")
    assert of_stream(guess + 0.01, counts, [0] * 4) == ""
    assert of_stream(2.01 * math.log(2), counts, [0] * 4) != ""


def test_a_token_that_was_never_seen_is_unlikely_not_impossible() -> None:
    assert of_stream(9.0, [0, 3], [1000, 0]) != ""
    assert of_stream(6.5, [0, 3], [1000, 0]) == ""
