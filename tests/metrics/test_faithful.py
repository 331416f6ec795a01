"""What a summary has of its source, against naive search and by hand."""

import numpy as np
import pytest

from gpt2kit.metrics.faithful import Copied, copied, novel_ngrams, unsupported
from gpt2kit.metrics.words import ngrams

SOURCE = "The cat sat on the mat. It slept, and nobody saw it."


def longest_from(summary: list[str], place: int, source: list[str]) -> int:
    """By trying every length."""
    lengths = range(len(summary) - place, 0, -1)
    return next((n for n in lengths if tuple(summary[place : place + n]) in set(ngrams(source, n))), 0)


@pytest.mark.parametrize(
    ("summary", "n", "share"),
    [
        ("The cat sat.", 1, 0),
        ("The dog sat.", 1, 1 / 3),
        ("The dog sat.", 2, 1),
        ("The cat, the cat, the dog!", 2, 2 / 3),  # the cat, cat the, the dog
        ("cat sat on it", 3, 1 / 2),
        ("CAT", 1, 0),
        ("cat", 2, 0),
        ("", 1, 0),
        ("東京", 1, 1),
    ],
)
def test_novel_ngrams_by_hand(summary: str, n: int, share: float) -> None:
    assert novel_ngrams(summary, SOURCE, n) == pytest.approx(share)


def test_of_an_empty_source_everything_is_novel() -> None:
    assert novel_ngrams("a b", "", 1) == 1
    assert copied("a b", "") == Copied(0, 0)
    assert copied("", "a b") == Copied(0, 0)
    assert unsupported("", "") == []


def test_a_copy_is_one_fragment() -> None:
    assert novel_ngrams(SOURCE, SOURCE, 3) == 0
    assert copied(SOURCE, SOURCE) == Copied(longest=12, density=12)


def test_fragments_by_hand() -> None:
    """The cat sat + it slept, of 8 words."""
    found = copied("The cat sat. Then quietly it slept soundly.", SOURCE)
    assert found.longest == 3
    assert found.density == pytest.approx((9 + 4) / 8)


def test_fragments_are_taken_from_the_start_on() -> None:
    """So the longest passage may be cut by one before it."""
    assert copied("a b c d", "a b x b c d") == Copied(longest=3, density=2)


def test_accents_and_scripts_count() -> None:
    assert copied("à été", "a ete").longest == 0
    assert copied("東京都", "東京は").longest == 2


@pytest.mark.parametrize("seed", range(40))
def test_copied_passages_are_those_of_a_naive_search(seed: int) -> None:
    generator = np.random.default_rng(seed)
    summary, source = (generator.choice(list("abc"), generator.integers(0, size)).tolist() for size in (12, 30))
    longest = [longest_from(summary, place, source) for place in range(len(summary))]
    lengths, place = [], 0
    while place < len(summary):
        lengths += [longest[place]] if longest[place] else []
        place += longest[place] or 1
    found = copied(" ".join(summary), " ".join(source))
    assert found.longest == max(longest, default=0)
    assert found.density * len(summary) == pytest.approx(sum(length**2 for length in lengths))


@pytest.mark.parametrize(
    ("summary", "source", "expected"),
    [
        ("It has 1,000 people.", "There were 1000 people.", []),
        ("It has 1 000 people.", "There were 1,000 people.", []),
        ("It has 1000 people.", "There were 100 people, then 10.", ["1000"]),
        ("It rose by 2.50 or 3,7.", "By 2.5, not 3.7, it rose.", []),
        ("It rose by 2.5.", "Of 2 and 5.", ["2.5"]),
        ("It has 1,000.", "Only 1.", ["1,000"]),
        ("In the 1990s, the 5th of 7.", "In 1990 he was 5.", ["7"]),
        ("It was 24.12.2020, 5 and 5.", "On 24 of 12 in 2020.", ["5"]),
    ],
)
def test_numbers(summary: str, source: str, expected: list[str]) -> None:
    assert unsupported(summary, source) == expected


@pytest.mark.parametrize(
    ("summary", "source", "expected"),
    [
        ("He met Marie Curie in Ulm.", "There Marie Curie lived, in Paris.", ["Ulm"]),
        ("He met Curie.", "He met Marie Curie.", []),
        ("He met Marie Miller.", "He met Marie Curie and John Miller.", ["Marie Miller"]),
        ("He met J. K. Rowling and Jean-Luc O'Neill.", "None.", ["J. K. Rowling", "Jean-Luc O'Neill"]),
        ("He met Obama's wife, Michelle, at NASA.", "Obama, at Nasa.", ["Michelle"]),
        ("He saw Cristóbal.", "He saw Cristobal.", ["Cristóbal"]),
        ("He saw Cristo\u0301bal.", "He saw Cristóbal.", []),
        ("He saw Ulm. They saw Ulm.", "He saw.", ["Ulm"]),
        ("Miller came.", "Nobody came.", []),  # nothing tells it from other first words
        ("Miller came, and with Miller a dog.", "Nobody came with a dog.", ["Miller"]),
        ("John Miller came.", "Then John Smith came.", ["John Miller"]),
        ("The Hague is big.", "He saw The Hague, and the sea.", []),
        ("The Beatles sang.", "He saw The Hague, and the sea.", ["Beatles"]),
        ("Then I came, and I saw.", "He did.", []),
        ("Он видел Москву.", "Он видел Киев.", ["Москву"]),
        ("東京に行きました。", "京都", []),
        ("No names here.", "", []),
    ],
)
def test_names(summary: str, source: str, expected: list[str]) -> None:
    assert unsupported(summary, source) == expected


def test_names_then_numbers() -> None:
    assert unsupported("In 1879 he saw Ulm and 7 of Bonn.", "He saw.") == ["Ulm", "Bonn", "1879", "7"]


def test_a_summary_is_supported_by_itself() -> None:
    text = "Dr. Éa Dó-Smith, of the U.S. Senate, paid $1,234.50 in No. 7. She saw 5 100 people in the B52."
    assert unsupported(text, text) == []
