"""Words made of tokens, and how much one looked at another."""

from collections.abc import Callable

import numpy as np
import pytest

from gpt2kit.inspection.subject import Subject
from gpt2kit.inspection.trace import trace_of
from gpt2kit.inspection.wording import alignment, answer_words, source_words, surprise

Make = Callable[..., Subject]


def test_words_are_told_by_spaces(subject: Make) -> None:
    made = subject("translate", source="I am\na  <to-fr> (student)", steps=None, target="l'été, oui")
    found = trace_of(made)
    assert [word.text for word in source_words(found)] == ["I", "am", "a", "<to-fr>", "(student)"]
    assert [word.text for word in answer_words(found)] == ["l'été,", "oui"]
    assert answer_words(found)[0].begin == made.prompt - 1


def test_an_alignment_is_the_mean_over_heads_and_the_word_s_tokens(subject: Make) -> None:
    found = trace_of(subject("translate", steps=None, target="je suis"))
    sources, answers, looks = alignment(found)
    assert looks.shape == (len(answers), len(sources))
    weights = np.stack([looked.close.weights for looked in found.looked]).mean((0, 1))
    for answer, row in zip(answers, looks, strict=True):
        mean = weights[answer.begin : answer.end].mean(0)
        expected = [mean[source.begin : source.end].sum() for source in sources]
        np.testing.assert_allclose(row, expected, atol=1e-6)


def test_surprise_is_the_loss_in_bits(subject: Make) -> None:
    found = trace_of(subject("lm"))
    bits = surprise(found)
    assert bits[0] is None
    expected = [-np.log2(found.chances[-1, place]) for place in range(len(found.ids) - 1)]
    assert bits[1:] == pytest.approx(expected)
