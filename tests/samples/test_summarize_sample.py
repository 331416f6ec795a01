"""The embedded articles: what their program writes, held out as promised, with leads that their bodies bear out."""

import gzip
import json
import re
import unicodedata
from collections import Counter
from itertools import product
from pathlib import Path
from random import Random

import pytest

from gpt2kit.samples.summarize import writing
from gpt2kit.samples.summarize.drawing import COUNTRIES, COUNTS, drawn
from gpt2kit.samples.summarize.grammar import Kind, kinds
from gpt2kit.samples.summarize.names import COMMON, SYLLABLES, Names
from gpt2kit.samples.summarize.telling import ALTERNATIVES, Teller, filled
from gpt2kit.samples.summarize.writing import Article

SAMPLE = Path(writing.__file__).parent
TEXTS = {
    "train.jsonl": gzip.decompress((SAMPLE / "train.jsonl.gz").read_bytes()).decode("utf-8"),
    "heldout.jsonl": (SAMPLE / "heldout.jsonl").read_bytes().decode("utf-8"),
}
TRAIN, HELDOUT = ([Article(**json.loads(line)) for line in text.splitlines()] for text in TEXTS.values())
KINDS = kinds()
EACH_KIND = pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
NOT_ENDS = {"starts", "middles", "he", "she"}
ENDS = [end for sort, ends in SYLLABLES.items() if sort not in NOT_ENDS for end in ends]
NAME = re.compile(
    "({})({})({})".format(*("|".join(parts) for parts in (SYLLABLES["starts"], SYLLABLES["middles"], ENDS))),
    re.IGNORECASE,
)
OPENERS = {"The", "It", "He", "She", "Designed"}
"""Words that a sentence of a lead may begin with."""
NATIVE_TO = {native: country for country, native in COUNTRIES.items()}


def words(*texts: str) -> list[str]:
    return re.findall(r"[\w,]*\w", " ".join(texts))


def invented(article: Article) -> set[str]:
    return {word.lower() for word in words(*article) if NAME.fullmatch(word)}


def sentences(article: Article) -> list[str]:
    lines = [line for line in article.body.split("\n") if not line.startswith("==")]
    return [sentence for line in lines for sentence in re.split(r"(?<=\.) ", line)]


def every_way(template: str) -> list[str]:
    """The sentence with each choice of its alternatives."""
    parts = [part.split("|") if number % 2 else [part] for number, part in enumerate(ALTERNATIVES.split(template))]
    return ["".join(chosen) for chosen in product(*parts)]


def test_the_files_are_what_the_program_writes() -> None:
    """The text, not the bytes of the archive: those depend on the library that packs it."""
    assert writing.contents() == TEXTS, "run python -m gpt2kit.samples.summarize.writing"


def test_sizes() -> None:
    assert len(TRAIN) == 3000
    assert len(HELDOUT) == 100
    assert sum(path.stat().st_size for path in SAMPLE.rglob("*") if path.is_file()) < 1_500_000


def test_lengths() -> None:
    for article in TRAIN + HELDOUT:
        assert 15 <= len(article.lead.split()) <= 40
        headings = re.findall(r"^== [A-Z][a-z ]+ ==$", article.body, flags=re.MULTILINE)
        assert 1 <= len(headings) <= 2
        assert article.body.count("==") == 2 * len(headings)
        assert 60 <= len(article.body.replace("==", "").split()) <= 160
        assert all(len(sentence.split()) < 30 for sentence in sentences(article))


def test_the_text_is_clean() -> None:
    for article in TRAIN + HELDOUT:
        for text in article:
            assert unicodedata.is_normalized("NFC", text)
            assert text.replace("\n", " ") == " ".join(text.split())
            assert text.replace("\n", "").isprintable()
            assert not re.search(r"[\[\]{}|@’]| [,.]|\.\.|\b(\w+) \1\b", text)
        for sentence in [*sentences(article), *re.split(r"(?<=\.) ", article.lead)]:
            assert re.fullmatch(r"[A-Z0-9].*\.", sentence)


def test_a_or_an() -> None:
    for article in TRAIN + HELDOUT:
        for found, after in re.findall(r"\b([Aa]n?) (\w+)", f"{article.lead} {article.body}"):
            assert (found.lower() == "an") == bool(re.match(r"[aeioAEIOU]|un[^i]|8|11$|18$|hour", after)), after


def test_no_two_articles_are_alike() -> None:
    for field in zip(*(TRAIN + HELDOUT), strict=True):
        assert len(set(field)) == len(field)


def test_no_name_of_a_heldout_article_occurs_in_another() -> None:
    trained = set().union(*(invented(article) for article in TRAIN))
    for article in HELDOUT:
        assert invented(Article(article.title, "", ""))
        assert not invented(article) & trained
    counts = Counter(name for article in TRAIN + HELDOUT for name in invented(article))
    assert counts.most_common(1)[0][1] == 1


def test_every_other_heldout_word_is_trained_on() -> None:
    known = {word for article in TRAIN for word in words(*article)}
    for article in HELDOUT:
        new = {word for word in words(*article) if word not in known and word.lower() not in invented(article)}
        assert all(word[0].isdigit() for word in new)


def test_the_body_bears_out_the_lead() -> None:
    for article in TRAIN + HELDOUT:
        told = words(article.title, article.body)
        for word in words(article.lead):
            if (word[0].isupper() and word not in OPENERS) or word[0].isdigit():
                assert word in told or NATIVE_TO.get(word) in told, (word, article)
        for count in re.findall(rf"\b({'|'.join(COUNTS)})\b(?! times)", article.lead):
            assert count in article.body.lower()


def test_the_body_names_what_it_is_about() -> None:
    for article in TRAIN + HELDOUT:
        assert article.title.lower() in article.body.lower()


def test_the_lead_is_no_copy() -> None:
    """No sentence of a lead occurs in its body, and the first three sentences of a body are another text."""
    overlaps = []
    for article in HELDOUT:
        assert not set(re.split(r"(?<=\.) ", article.lead)) & set(sentences(article))
        first, lead = Counter(words(*sentences(article)[:3])), Counter(words(article.lead))
        overlaps.append(2 * (first & lead).total() / (first.total() + lead.total()))
    assert sum(overlaps) / len(overlaps) < 0.4


@EACH_KIND
def test_what_a_lead_may_need_can_be_said_in_many_ways(kind: Kind) -> None:
    for section in kind.sections:
        for fact in section.facts:
            assert len(set(fact.sentences)) == len(fact.sentences) >= (8 if fact.is_needed else 2)


@EACH_KIND
def test_every_way_to_say_a_fact_can_be_told(kind: Kind) -> None:
    dice = Random(0)
    facts = drawn(kind.draws, Names(dice), dice)
    facts["title"] = filled(kind.title, facts)
    for fact in (fact for section in kind.sections for fact in section.facts):
        for template in (way for sentence in fact.sentences for way in every_way(sentence)):
            assert re.fullmatch(r"[A-Z0-9][^\[\]{}|]*[^ ]\.", Teller(kind, facts, dice).told(template))


def test_titles_of_clubs_are_counted() -> None:
    club = next(kind for kind in KINDS if kind.name == "club")
    said = {fact.value: fact.sentences for section in club.sections for fact in section.facts if fact.key == "times"}
    assert list(said) == ["once", "twice", "three times"]
    for count, told in enumerate(said.values(), 1):
        assert all(len(set(re.findall(r"\{(first|other|third)\}", template))) == count for template in told)


def test_names_are_drawn_once() -> None:
    names = Names(Random(0))
    assert len({names.new("bird") for _ in range(500)}) == 500
    assert names.new("place").istitle()
    assert all(names.new(sort).islower() for sort in COMMON)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("a {x} {y}", "an old owl"),
        ("A {y} and a one-eyed unicorn", "An owl and a one-eyed unicorn"),
        ("a {n}-metre mast, a {m}-metre one", "an 18-metre mast, a 180-metre one"),
        ("is {of}", "is of an owl"),
    ],
)
def test_fields_and_articles_are_filled_in(template: str, text: str) -> None:
    facts = {"x": "old", "y": "owl", "n": "18", "m": "180", "of": "of a {y}"}
    assert filled(template, facts) == text
