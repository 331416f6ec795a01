"""Figures of labels, by their formulas."""

import math

import pytest

from gpt2kit.errors import DataError
from gpt2kit.metrics.labels import label_scores


def test_two_labels_by_hand() -> None:
    """True positives 3, false positives 1, false negatives 2, true negatives 4."""
    references = ["y"] * 5 + ["n"] * 5
    outputs = ["y"] * 3 + ["n"] * 2 + ["y"] + ["n"] * 4
    values = {score.name: score.value for score in label_scores(outputs, references)}
    assert values["accuracy"] == pytest.approx(70)
    assert values["macro F1"] == pytest.approx(50 * (2 * 3 / (2 * 3 + 1 + 2) + 2 * 4 / (2 * 4 + 2 + 1)))
    assert values["Matthews correlation"] == pytest.approx((3 * 4 - 1 * 2) / math.sqrt(4 * 5 * 5 * 6))


def test_one_label_everywhere() -> None:
    values = {score.name: score.value for score in label_scores(["a", "a"], ["a", "b"])}
    assert values["accuracy"] == 50
    assert values["Matthews correlation"] == 0


@pytest.mark.filterwarnings("error")
def test_one_label_that_is_always_right_gives_no_warning() -> None:
    values = {score.name: score.value for score in label_scores(["a", "a"], ["a", "a"])}
    assert values == {"accuracy": 100, "macro F1": 100, "Matthews correlation": 0}


def test_counts_must_agree() -> None:
    with pytest.raises(DataError):
        label_scores(["a"], ["a", "b"])
    with pytest.raises(DataError):
        label_scores([], [])
