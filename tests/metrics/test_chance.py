"""Whether a result is better than guessing: exact probabilities, and verdicts on labels, texts and losses."""

import math
import random
from itertools import product

import pytest

from gpt2kit.metrics.chance import NOTHING, Choices, Labels, Texts, of_stream, probability


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


def labels(counts: dict[tuple[str, str], int]) -> str:
    """The verdict on a confusion matrix: the number of each (reference, answer)."""
    found = Labels()
    for (target, output), count in counts.items():
        for _ in range(count):
            found.add("", output, target, ("ham", "spam"))
    return found.verdict()


@pytest.mark.parametrize(
    "counts",
    [
        pytest.param({("ham", "ham"): 99, ("ham", "spam"): 1}, id="99 of 100 of a single class"),
        pytest.param({("ham", "ham"): 99}, id="all of a single class"),
        pytest.param({("ham", "ham"): 3, ("spam", "ham"): 1}, id="3 of 4"),
        pytest.param({("ham", "ham"): 5, ("spam", "ham"): 5}, id="10 rows"),
        pytest.param({("ham", "ham"): 10, ("spam", "ham"): 9}, id="one row less than a verdict needs"),
    ],
)
def test_of_a_single_class_or_a_few_rows_nothing_is_said(counts: dict[tuple[str, str], int]) -> None:
    assert labels(counts) == ""


@pytest.mark.parametrize(
    "counts",
    [
        pytest.param({("ham", "ham"): 95, ("spam", "spam"): 2, ("spam", "ham"): 3}, id="2 of 5 spam"),
        pytest.param(
            {("ham", "ham"): 965, ("ham", "spam"): 5, ("spam", "spam"): 12, ("spam", "ham"): 18}, id="977 of 1000"
        ),
        pytest.param({("ham", "ham"): 10, ("spam", "spam"): 10}, id="20 of 20"),
        pytest.param({("ham", "ham"): 20, ("spam", "ham"): 60, ("spam", "spam"): 20}, id="less often right than not"),
    ],
)
def test_labels_that_depend_on_their_references(counts: dict[tuple[str, str], int]) -> None:
    """Also if always answering the most frequent label would be right as often, or more often."""
    assert labels(counts) == ""


def test_kappa_is_the_textbook_value() -> None:
    """Agreement 0.700, by chance 0.668: kappa is 0.032 / 0.332 = 0.096; its standard error is 0.100, so z = 0.97."""
    verdict = labels({("ham", "ham"): 64, ("ham", "spam"): 16, ("spam", "ham"): 14, ("spam", "spam"): 6})
    assert verdict == (
        "70 of 100 answers (70.0%) are right, not significantly more than guessing gives (66.8%; Cohen's kappa 0.10, "
        f"z = 1.0): {NOTHING}"
    )


def test_the_same_label_for_all_is_guessing() -> None:
    verdict = labels({("ham", "ham"): 90, ("spam", "ham"): 10})
    assert verdict == f"all 100 answers are 'ham', whatever the source; 90 are right (90.0%): {NOTHING}"
    assert labels({("ham", "none"): 90, ("spam", "none"): 10}).startswith("all 100 answers are 'none'")


def test_labels_that_no_reference_has_are_never_right() -> None:
    verdict = labels({("ham", "one"): 50, ("spam", "other"): 50})
    assert verdict.startswith("0 of 100 answers (0.0%) are right, not significantly more than guessing gives (0.0%;")


def test_labels_of_an_inverted_model_are_no_better_than_guessing() -> None:
    assert "0 of 100 answers (0.0%) are right" in labels({("ham", "spam"): 50, ("spam", "ham"): 50})


def test_13_of_71_in_five_labels() -> None:
    """The 18.3% of a demo that had no time: wrong answers are spread over all labels."""
    found = Labels()
    for number in range(71):
        offset = 0 if number < 13 else 1 + number // 5 % 4
        found.add("", "abcde"[(number + offset) % 5], "abcde"[number % 5], "abcde")
    verdict = found.verdict()
    assert verdict.startswith("13 of 71 answers (18.3%) are right, not significantly more than guessing gives (20.0%;")


@pytest.mark.parametrize("kinds", ["ab", "aaaab", "abcdefgh"])
def test_random_labels_are_called_guessing_19_times_of_20(kinds: str) -> None:
    """The level of the test: about one of 20 models that guess is not recognized."""
    draw = random.Random(0)
    called = 0
    for _ in range(400):
        found = Labels()
        for _ in range(100):
            found.add("", draw.choice(kinds), draw.choice(kinds), kinds)
        called += found.verdict() != ""
    assert 0.92 * 400 < called < 0.98 * 400


@pytest.mark.parametrize(
    ("right", "count", "better"), [(25, 100, False), (30, 100, False), (45, 100, True), (0, 19, True), (0, 20, False)]
)
def test_choices_of_their_own(right: int, count: int, better: bool) -> None:
    """Four each: a quarter is chance, and fewer than 20 questions get no verdict. The answers are positions."""
    found = Choices()
    for number in range(count):
        found.add("", "1" if number < right else "2", "1", [f"{number}{letter}" for letter in "abcd"])
    assert (found.verdict() == "") == better
    assert better or found.verdict().startswith(f"{right} of {count} answers ({right / count:.1%}) are right, not ")
    assert better or " more than guessing gives (25.0%; p = " in found.verdict()


def test_questions_of_different_numbers_of_choices() -> None:
    """Ten of two choices and ten of ten: guessing is right for 30%."""
    found = Choices()
    for number in range(20):
        found.add("", "1" if number < 6 else "2", "1", ["x"] * (2 if number < 10 else 10))
    verdict = found.verdict()
    assert "6 of 20 answers (30.0%) are right, not significantly more than guessing gives (30.0%; p = " in verdict


def test_a_single_choice_is_no_question() -> None:
    found = Choices()
    for _ in range(50):
        found.add("", "1", "1", ["x"])
    assert found.verdict() == ""


SENTENCES = [f"{who} {what} {where}" for who in ("The cat", "A man", "My son") for what in ("sees", "eats", "takes")
             for where in ("bread", "the house", "two birds")]  # fmt: skip


def written(outputs: list[str], targets: list[str] = SENTENCES, sources: list[str] = SENTENCES) -> str:
    found = Texts()
    for source, output, target in zip(sources, outputs, targets, strict=True):
        found.add(source, output, target, ())
    return found.verdict()


def test_texts_that_have_to_do_with_their_sources() -> None:
    assert written(SENTENCES) == ""
    assert written([sentence[:-4] for sentence in SENTENCES]) == ""
    assert written([sentence.split()[-1] for sentence in SENTENCES]) == "", "one word of each is right"


def test_texts_that_have_not() -> None:
    shuffled = random.Random(0).sample(SENTENCES, len(SENTENCES))
    verdict = written(shuffled)
    own, count = (int(word) for word in verdict.split(" answers")[0].split(" of "))
    p = probability(own, count, 0.5)
    assert verdict == (
        f"{own} of {count} answers are nearer to their own reference than to that of another source, not "
        f"significantly more than guessing gives ({count / 2:g}; p = {p:.2f}): {NOTHING}"
    )
    assert 20 <= count <= 27
    assert p > 0.05


def test_the_same_text_or_none_for_all() -> None:
    said = f"whatever the source: {NOTHING}"
    assert written([""] * 27) == f"27 of 27 answers are empty, {said}"
    assert written(["of of"] * 27) == f"27 of 27 answers are the same, 'of of', {said}"
    assert written(["of of"] * 26 + ["a"]) == f"26 of 27 answers are the same, 'of of', {said}"
    assert written(["The cat eats bread"] * 27).startswith("27 of 27 answers are the same, 'The cat eats bread', ")
    assert len(written(["of " * 1000] * 27)) < 200


def test_several_references_of_a_source_are_next_to_each_other_or_a_set_apart() -> None:
    """A model that copies the reference of another source is not saved, and a right one not condemned, by them."""
    many = [f"{sentence} {again}" for sentence in SENTENCES for again in ("now", "today", "again")]
    sources = [sentence for sentence in SENTENCES for _ in range(3)]
    assert written(sources, many, sources) == ""
    apart = [f"{sentence} {again}" for again in ("now", "today") for sentence in SENTENCES]
    assert written(SENTENCES * 2, apart, SENTENCES * 2) == ""
    shuffled = random.Random(0).sample(SENTENCES, len(SENTENCES))
    assert "nearer to their own reference" in written(shuffled * 2, apart, SENTENCES * 2)


def test_a_frequent_reference_for_all_is_guessing() -> None:
    """90% of the references are "yes": always writing it is as near to the reference of another source."""
    targets = ["no" if number % 10 == 3 else "yes" for number in range(200)]
    sources = [str(number) for number in range(200)]
    assert "nearer to their own reference" in written(["yes"] * 200, targets, sources)
    assert written(targets, targets, sources) == ""


def test_of_a_few_texts_nothing_is_said() -> None:
    assert written([""] * 19, SENTENCES[:19], SENTENCES[:19]) == ""
    assert written(SENTENCES[1:20], SENTENCES[:19], SENTENCES[:19]) == ""
    assert Texts().verdict() == ""


def test_equal_references_say_nothing() -> None:
    assert written(["yes"] * 99, ["yes"] * 99, [str(number) for number in range(99)]) == ""


def test_ties_say_nothing() -> None:
    """Nothing of most answers occurs in any reference, and of four the own reference."""
    outputs = SENTENCES[:4] + [f"{number}{number}{number}" for number in range(23)]
    assert written(outputs) == ""


COUNTS, KNOWN = [4000, 2000, 1000, 1000], [4999, 2499, 1249, 1249]
FREQUENCIES = 1.75 * math.log(2)
"""Nats per token if half of the tokens are of one kind, and a quarter of another."""


def test_a_loss_against_the_frequency_of_each_token() -> None:
    assert of_stream(FREQUENCIES - 0.01, 8000, COUNTS, KNOWN) == ""
    assert of_stream(FREQUENCIES + 0.01, 7999, COUNTS, KNOWN) == (
        "the loss over 7,999 tokens is 1.22 nats per token, not below that of token frequencies from the training data "
        f"(1.21): {NOTHING}"
    )


@pytest.mark.parametrize(("nats", "predicted"), [(9.0, 999), (math.inf, 8000), (math.nan, 8000)])
def test_a_loss_over_a_few_tokens_or_one_that_is_not_finite_gets_no_verdict(nats: float, predicted: int) -> None:
    assert of_stream(nats, predicted, COUNTS, KNOWN) == ""
    assert of_stream(9.0, 1000, COUNTS, KNOWN) != ""


def test_a_token_that_was_never_seen_is_unlikely_not_impossible() -> None:
    assert of_stream(9.0, 3000, [0, 3000], [1000, 0]) != ""
    assert of_stream(6.5, 3000, [0, 3000], [1000, 0]) == ""
