"""Where the text of an answer ends: before a stop text, and never within a character."""

from itertools import combinations
from pathlib import Path

import pytest

from gpt2kit.data.bpe import Bpe
from gpt2kit.pipeline.endings import Stops, readable, tail, whole
from gpt2kit.tasks.text import TextVocabulary

TEXTS = ["Съешь же ещё этих мягких французских булок.", "これは本です。", "👩🏽‍🚀 in space", "naïve café", "a\ufffd"]


@pytest.fixture(scope="module")
def vocabulary() -> TextVocabulary:
    """A vocabulary of bytes and a few English words."""
    return TextVocabulary(Bpe.train(iter(["the cat and the dog"] * 9), 300, ["<to-fr>"]), Path())


def bytes_of(text: str, vocabulary: TextVocabulary) -> list[int]:
    ids = vocabulary.bpe.encode([text])[0]
    assert len(ids) == len(text.encode()), "one token per byte"
    return ids


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_cut_anywhere_ends_with_a_whole_character(text: str, vocabulary: TextVocabulary) -> None:
    ids = bytes_of(text, vocabulary)
    for count in range(len(ids) + 1):
        found = whole(vocabulary.bpe.decode(ids[:count]), ids[:count], vocabulary)
        assert found == text.encode()[:count].decode(errors="ignore")
        assert text.startswith(found)


def test_bytes_that_are_no_beginning_of_a_character_stay_visible(vocabulary: TextVocabulary) -> None:
    """More tokens would not have completed them: it is the model that was wrong."""
    (first, second) = bytes_of("é", vocabulary)
    assert whole(vocabulary.bpe.decode([second]), [second], vocabulary) == "\ufffd"
    assert whole(vocabulary.bpe.decode([second, first]), [second, first], vocabulary) == "\ufffd"


def test_control_tokens_have_no_bytes(vocabulary: TextVocabulary) -> None:
    (first, second), control = bytes_of("é", vocabulary), vocabulary.bpe.id("<to-fr>")
    assert tail([first, second, control], 2, vocabulary) == "é".encode()
    assert whole(vocabulary.bpe.decode([first, control]), [first, control], vocabulary) == ""


@pytest.mark.parametrize("text", TEXTS)
def test_an_excerpt_begins_and_ends_with_whole_characters(text: str, vocabulary: TextVocabulary) -> None:
    """A U+FFFD that the text itself has stays."""
    ids, control = bytes_of(text, vocabulary), vocabulary.bpe.id("<to-fr>")
    for first, last in combinations(range(len(ids) + 1), 2):
        expected = text.encode()[first:last].decode(errors="ignore")
        assert readable(ids[first:last], vocabulary) == expected
        assert readable([*ids[first:last], control], vocabulary) == f"{expected}<to-fr>"
    assert readable(ids, vocabulary) == text


def stops_of(vocabulary: TextVocabulary, *texts: str) -> Stops:
    return Stops(texts, vocabulary, vocabulary.bpe.decode)


@pytest.mark.parametrize("stop", ["dog", "e d", "the", " and the", "\n", "é", "q"])
def test_the_token_that_completes_a_stop_text_ends_the_answer(stop: str, vocabulary: TextVocabulary) -> None:
    ids, stops = vocabulary.bpe.encode(["a cat and the dog\nsat là, é"])[0], stops_of(vocabulary, "nothing", stop)
    ended = [stops.ended(ids[:count]) for count in range(len(ids) + 1)]
    expected = [stop in vocabulary.bpe.decode(ids[:count]) for count in range(len(ids) + 1)]
    assert ended.index(True) == expected.index(True) if any(expected) else not any(ended)


def test_the_first_that_is_complete_cuts(vocabulary: TextVocabulary) -> None:
    stops = stops_of(vocabulary, "dog", "cat and", "at")
    assert stops.cut("the cat and the dog") == "the c"
    assert stops.cut("the dig") == "the dig"


def test_what_may_begin_a_stop_text_is_held_back(vocabulary: TextVocabulary) -> None:
    stops = stops_of(vocabulary, "###", "\nUser:")
    held = {"a": 0, "a#": 1, "a##": 2, "# a": 0, "a\n": 1, "a\nUser": 5, "a\n#": 1}
    assert {text: stops.held(text) for text in held} == held
