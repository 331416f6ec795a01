"""Words of any script, against rouge-score's own where text is ASCII."""

import unicodedata

import numpy as np
import pytest
from rouge_score.tokenize import tokenize

from gpt2kit.metrics.words import first_words, ngrams, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n.,;!?", []),
        ("Word", ["word"]),
        ("Don't mind the semi-final: 3.14, x_y", ["don", "t", "mind", "the", "semi", "final", "3", "14", "x", "y"]),
        ("L'été à Zürich, ÎLE", ["l", "été", "à", "zürich", "île"]),
        ("東京タワー、3階", ["東", "京", "タ", "ワ", "ー", "3", "階"]),
        ("한국어 문장", ["한국어", "문장"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("Привет, мир", ["привет", "мир"]),
        ("ฉันรักเธอ 42", ["ฉั", "น", "รั", "ก", "เ", "ธ", "อ", "42"]),
        ("ခွေး။", ["ခွေး"]),
        ("བོད་ཡིག", ["བོ", "ད", "ཡི", "ག"]),
        ("أحب هذا", ["أحب", "هذا"]),
    ],
)
def test_words_of_many_scripts(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_an_accent_is_the_same_composed_and_decomposed() -> None:
    text = "Été à la forêt, Zürich"
    assert words(unicodedata.normalize("NFD", text)) == words(text)


@pytest.mark.parametrize("seed", range(20))
def test_of_ascii_they_are_those_of_rouge_score(seed: int) -> None:
    text = "".join(map(chr, np.random.default_rng(seed).integers(0, 128, 500)))
    assert words(text) == tokenize(text, None)


@pytest.mark.parametrize(("n", "expected"), [(1, ["a", "b", "c"]), (2, ["ab", "bc"]), (3, ["abc"]), (4, [])])
def test_ngrams_are_runs_in_order(n: int, expected: list[str]) -> None:
    assert ["".join(gram) for gram in ngrams(["a", "b", "c"], n)] == expected


@pytest.mark.parametrize("text", ["One, two; three.", "été à l'île", "東京は 日本。", "a_b c", "", "...", "क़िला है"])
def test_the_first_words_are_the_first_words(text: str) -> None:
    for n in range(1, len(text) + 2):
        assert words(first_words(text, n)) == words(text)[:n]
    assert first_words(text, len(text) + 1) == text
