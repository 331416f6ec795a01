"""The embedded English-French corpus: what its generator writes, held out as promised, and covering what it claims."""

import importlib
import re
import unicodedata
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "gpt2kit" / "samples" / "translate"


class Pair(NamedTuple):
    english: str
    french: str


def read(name: str) -> list[Pair]:
    lines = (SAMPLE / name).read_bytes().decode("utf-8").removesuffix("\n").split("\n")
    return [Pair(*line.split("\t")) for line in lines]  # fails on a line with more or less than one tab


TRAIN = read("train.tsv")
HELDOUT = read("heldout.tsv")
ILLUSTRATED = [
    ("I am a student", "je suis étudiant"),
    ("let them eat cake", "qu'ils mangent du gâteau"),
    ("good morning", "bonjour"),
]


def plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())


def words(text: str) -> list[str]:
    return [word for word in (part.strip(".,?!") for part in text.lower().split()) if word]


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    if not (ROOT / "tools" / "sample_pairs.py").exists():
        pytest.skip("the generator is not part of a source distribution")
    monkeypatch.syspath_prepend(str(ROOT / "tools"))


@pytest.mark.usefixtures("tools")
def test_the_files_are_what_the_generator_writes() -> None:
    written: dict[str, str] = importlib.import_module("sample_pairs").contents()
    assert sorted(written) == ["heldout.tsv", "train.tsv"]
    for name, text in written.items():
        assert (SAMPLE / name).read_bytes() == text.encode(), f"{name}: run python tools/sample_pairs.py"


def test_sizes() -> None:
    assert 5_000 <= len(TRAIN) <= 7_000
    assert 400 <= len(HELDOUT) <= 500
    assert sum((SAMPLE / name).stat().st_size for name in ("train.tsv", "heldout.tsv")) < 600_000


@pytest.mark.parametrize("side", [0, 1], ids=["english", "french"])
def test_no_heldout_sentence_is_trained_on(side: int) -> None:
    assert not {pair[side] for pair in HELDOUT} & {pair[side] for pair in TRAIN}
    assert not {plain(pair[side]) for pair in HELDOUT} & {plain(pair[side]) for pair in TRAIN}


@pytest.mark.parametrize("side", [0, 1], ids=["english", "french"])
def test_every_heldout_word_is_trained_on(side: int) -> None:
    known = {word for pair in TRAIN for word in words(pair[side])}
    assert not {word for pair in HELDOUT for word in words(pair[side])} - known


def test_each_english_sentence_occurs_once() -> None:
    counts = Counter(plain(pair.english) for pair in TRAIN + HELDOUT)
    assert counts.most_common(1)[0][1] == 1


@pytest.mark.parametrize("pair", ILLUSTRATED)
def test_the_pairs_of_the_illustrated_gpt2_are_in_train(pair: tuple[str, str]) -> None:
    assert pair in TRAIN


PHENOMENA = {
    "elision of l'": r"\bl'\w",
    "elision of n'": r"\bn'\w",
    "elision of j'": r"\bj'\w",
    "elision of qu'": r"\bqu'\w",
    "elision of d'": r"\bd'\w",
    "negation": r"\bne \w+ pas\b",
    "negation with de": r"\bn'\w+ pas (de |d')",
    "du": r"\bdu \w",
    "des": r"\bdes \w",
    "au": r"\bau \w",
    "aux": r"\baux \w",
    "plural adjective": r"\b(les|mes|ces|tes|nos) (petits|vieux|nouveaux) \w+s\b",
    "plural feminine adjective": r"\b(petites|vieilles|belles) \w+s\b",
    "plural in -x": r"\b(chevaux|oiseaux|journaux|gâteaux)\b",
    "bel, vieil, nouvel": r"\b(bel|vieil|nouvel) [aeiouéh]",
    "blanche": r"\bblanches?\b",
    "heureuse": r"\bheureuses?\b",
    "de before a preposed plural adjective": r"\bde (vieux|vieilles|nouveaux|nouvelles|petite?s|grande?s)\b",
    "mon before a vowel": r"\b[mts]on (orange|école|assiette|horloge|infirmière|actrice)\b",
    "demonstratives": r"\bcet [aeiouéh]",
    "yes/no question": r"^Est-ce qu.* \?$",
    "où": r"^Où .* \?$",
    "pourquoi": r"^Pourquoi .* \?$",
    "qui": r"^Qui .* \?$",
    "near future": r"\b(va|vont|vais) \w+(er|re|ir)\b",
    "passé composé with avoir": r"\b(a|ai|ont|avons) (mangé|vu|acheté|lu|pris)\b",
    "passé composé with être, feminine": r"\best (allée|arrivée|partie|restée|tombée|revenue)\b",
    "passé composé with être, plural": r"\bsont (allé|arrivé|parti|resté|tombé|revenu)e?s\b",
    "imparfait": r"\bétai(s|t|ent)\b",
    "futur simple": r"\b(sera|ira|mangera)\b",
    "let's": r"^(Mangeons|Allons|Dansons|Lisons)\b",
    "let them": r"^Qu'ils \w+ent\b",
    "because": r"\bparce qu'(il|elle)s?\b",
    "but": r" mais ",
    "numbers": r"\b(deux|trois|quatre|cinq) \w+[sx]\b",
}


@pytest.mark.parametrize("pattern", PHENOMENA.values(), ids=PHENOMENA.keys())
def test_each_phenomenon_occurs(pattern: str) -> None:
    assert sum(bool(re.search(pattern, pair.french)) for pair in TRAIN) >= 5


KINDS = [r"^Est-ce ", r"\bn[e']", r"^Où ", r"^Qui ", r"^Qu'", r" mais ", r"parce qu", r"^Il y a ", r"^Pourquoi "]


@pytest.mark.parametrize("pattern", KINDS)
def test_the_kinds_of_sentences_are_held_out_too(pattern: str) -> None:
    assert any(re.search(pattern, pair.french) for pair in HELDOUT)


def test_french_is_elided_and_contracted() -> None:
    vowel = "[aeiouàâéèêîôûœh]"
    wrong = rf"\b(l[ea]|[jdn]e|que|[mts]a|ce) {vowel}|\bde les?\b|\bà les?\b|\bpas (du|des|un|une)\b|\bdes (petit|vie)"
    offenders = [pair.french for pair in TRAIN + HELDOUT if re.search(wrong, pair.french, flags=re.IGNORECASE)]
    assert not offenders


def test_the_text_is_clean() -> None:
    for english, french in TRAIN + HELDOUT:
        for text in (english, french):
            assert unicodedata.is_normalized("NFC", text)
            assert text == " ".join(text.split())
            assert text.isprintable()
            assert "’" not in text
        assert 1 <= len(words(english)) <= 14
        if (english, french) not in ILLUSTRATED:
            assert re.fullmatch(r"[A-Z].*[^ ][.?]", english)
            assert re.fullmatch(r"[A-ZÀÉ].*([^ ]\.| \?)", french)
            assert english.endswith("?") == french.endswith("?")
