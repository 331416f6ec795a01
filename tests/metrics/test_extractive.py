"""Baselines that extract: documented choices by hand, the greedy oracle against all choices there are."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
import pytest

from gpt2kit.metrics.extractive import lead, oracle, random_sentences, tfidf, tfidf_order
from gpt2kit.metrics.rouge import Rouge
from gpt2kit.metrics.sentences import sentences
from gpt2kit.metrics.words import ngrams, words

ARTICLE = """== History ==
The town was founded in 1920. It grew fast. A railway came later.
== Economy ==
Most people farm. The harbour of Ville is the largest of its coast. Ships from Ville go far. They return late.
== People ==
Famous people include Éa Dó. They live elsewhere."""
METHODS: list[Callable[[str], str]] = [
    lead,
    random_sentences,
    lambda document: tfidf(document, "Ville"),
    lambda document: oracle(document, "The largest harbour"),
]
ALL = pytest.mark.parametrize("method", METHODS)


def closeness(chosen: Sequence[str], reference: str) -> float:
    """ROUGE-1 + ROUGE-2 F1, from their definition, without bigrams over the ends of sentences."""
    total = 0.0
    for size in (1, 2):
        ours = sum((Counter(ngrams(words(sentence), size)) for sentence in chosen), Counter[tuple[str, ...]]())
        theirs = Counter(ngrams(words(reference), size))
        hits = (ours & theirs).total()
        if hits:
            precision, recall = hits / ours.total(), hits / theirs.total()
            total += 2 * precision * recall / (precision + recall)
    return total


def made_up(generator: np.random.Generator, count: int) -> list[str]:
    letters = "abcdefgh"
    return [
        " ".join(letters[place] * 2 for place in generator.integers(0, 8, generator.integers(1, 7))) + "."
        for _ in range(count)
    ]


@ALL
@pytest.mark.parametrize("document", ["", " \n", "== Heading =="])
def test_of_nothing_comes_nothing(method: Callable[[str], str], document: str) -> None:
    assert method(document) == ""


@ALL
@pytest.mark.parametrize("document", ["largest", "Largest Ville.", "largest harbour 東京。"])
def test_of_one_sentence_comes_the_sentence(method: Callable[[str], str], document: str) -> None:
    assert method(document) == document


@ALL
def test_what_comes_is_sentences_of_the_document_each_once(method: Callable[[str], str]) -> None:
    found = sentences(method(ARTICLE))
    assert len(set(found)) == len(found) > 0
    assert set(found) <= set(sentences(ARTICLE))


def test_lead_is_the_first_sentences_of_the_body() -> None:
    assert lead(ARTICLE) == "The town was founded in 1920. It grew fast. A railway came later."
    assert lead(ARTICLE, 4).endswith("later. Most people farm.")
    assert lead(ARTICLE, 0) == ""
    assert lead("今日は晴れ。明日は雨。終わり。", 2) == "今日は晴れ。 明日は雨。"


def test_random_sentences_keep_the_order_of_the_document() -> None:
    order = sentences(ARTICLE)
    drawn = {random_sentences(ARTICLE, seed=seed) for seed in range(20)}
    assert len(drawn) > 10
    for text in drawn:
        places = [order.index(sentence) for sentence in sentences(text)]
        assert places == sorted(places)
        assert len(places) == 3


def test_random_sentences_are_decided_by_document_and_seed_alone() -> None:
    first = random_sentences(ARTICLE, seed=1)
    random_sentences("Another. One. In. Between.")
    assert random_sentences(ARTICLE, seed=1) == first
    others = [random_sentences(f"{ARTICLE} The end number {number}.", seed=1) for number in range(10)]
    assert len(set(others)) > 1


def test_every_sentence_is_drawn_as_often() -> None:
    counts = Counter(sentence for seed in range(3000) for sentence in sentences(random_sentences(ARTICLE, 3, seed)))
    assert set(counts) == set(sentences(ARTICLE))
    assert all(count == pytest.approx(1000, rel=0.15) for count in counts.values())


@pytest.mark.parametrize("n", [9, 50])
def test_a_document_may_have_too_few_sentences(n: int) -> None:
    assert random_sentences(ARTICLE, n) == lead(ARTICLE, n) == " ".join(sentences(ARTICLE))


def test_a_lone_surrogate_is_no_obstacle() -> None:
    assert random_sentences("\ud800 one.") == "\ud800 one."


def test_tfidf_by_hand() -> None:
    """Red is in two of four paragraphs, fox in one, the in all."""
    texts = ["The red hat.", "The red, red car.", "The fox is the one.", "The end."]
    assert tfidf_order(texts, "The Red Fox") == [1, 2, 0, 3]  # 2 log 2 = log 4 > log 2 > 0: equal ones in order
    assert tfidf_order(texts, "fox") == [2, 0, 1, 3]
    assert tfidf_order(texts, "the") == [0, 1, 2, 3]
    assert tfidf_order(texts, "") == [0, 1, 2, 3]
    assert tfidf_order([], "fox") == []
    assert tfidf_order(["only one"], "fox") == [0]


@pytest.mark.parametrize("seed", range(20))
def test_tfidf_is_the_formula(seed: int) -> None:
    generator = np.random.default_rng(seed)
    texts, title = [" ".join(made_up(generator, 3)) for _ in range(8)], made_up(generator, 1)[0]
    scores = [0.0] * len(texts)
    for word in sorted(set(words(title))):
        having = [word in words(text) for text in texts]
        for place, text in enumerate(texts):
            if having[place]:
                scores[place] += words(text).count(word) * math.log(len(texts) / sum(having))
    order = tfidf_order(texts, title)
    assert sorted(order) == list(range(len(texts)))
    assert [scores[place] for place in order] == pytest.approx(sorted(scores, reverse=True))


def test_tfidf_takes_the_best_paragraph_up_to_its_budget() -> None:
    best = (
        "Most people farm. The harbour of Ville is the largest of its coast. Ships from Ville go far. They return late."
    )
    assert tfidf(ARTICLE, "Ville", 21) == best
    assert tfidf(ARTICLE, "Ville", 20) == best.removesuffix(" They return late.")
    assert tfidf(ARTICLE, "Ville", 21 + 6) == f"{best} The town was founded in 1920."
    assert tfidf(ARTICLE, "Dó", 5) == "Famous people include Éa Dó."
    assert tfidf(ARTICLE, "Ville", 1) == "Most people farm."


@pytest.mark.parametrize("seed", range(30))
def test_the_best_of_all_choices_is_at_least_as_close_as_the_oracle(seed: int) -> None:
    generator = np.random.default_rng(seed)
    order, reference = made_up(generator, 7), " ".join(made_up(generator, 2))
    for n in (1, 2, 3):
        choices = [chosen for size in range(n + 1) for chosen in combinations(order, size)]
        best = max(closeness(chosen, reference) for chosen in choices)
        found = closeness(sentences(oracle(" ".join(order), reference, n)), reference)
        assert found <= best + 1e-9
        assert found >= max(closeness([sentence], reference) for sentence in order) - 1e-9
        assert n > 1 or found == pytest.approx(best)


@pytest.mark.parametrize("seed", range(30))
def test_the_oracle_is_greedy(seed: int) -> None:
    """Step by step, from the definition."""
    generator = np.random.default_rng(seed)
    order, reference = made_up(generator, 10), " ".join(made_up(generator, 3))
    chosen: list[int] = []
    best = 0.0
    for _ in range(3):
        rest = [place for place in range(len(order)) if place not in chosen]
        value, place = max((closeness([order[one] for one in [*chosen, place]], reference), -place) for place in rest)
        if value <= best + 1e-12:
            break
        best = value
        chosen.append(-place)
    assert oracle(" ".join(order), reference) == " ".join(order[place] for place in sorted(chosen))


def test_the_oracle_stops_where_more_is_worse() -> None:
    assert oracle(ARTICLE, "A railway came. It grew fast.") == "It grew fast. A railway came later."
    assert oracle(ARTICLE, "It grew fast.") == "It grew fast."
    assert oracle(ARTICLE, "nothing of this kind") == "The harbour of Ville is the largest of its coast."  # of
    assert oracle(ARTICLE, "xyz") == oracle(ARTICLE, "") == ""
    assert oracle(ARTICLE, "It grew fast.", 0) == ""


def test_the_oracle_beats_the_others() -> None:
    reference = "A town with the largest harbour of the coast, founded in 1920."
    outputs = [oracle(ARTICLE, reference), lead(ARTICLE), random_sentences(ARTICLE), tfidf(ARTICLE, "Ville")]
    closest, *others = [Rouge()(output, reference)["ROUGE-1"] for output in outputs]
    assert all(closest > other for other in others)
