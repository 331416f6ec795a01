"""Minimum Bayes risk, against plain loops over sacreBLEU's own scores of sentences."""

import random
from typing import Any

import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from gpt2kit.metrics.consensus import METRICS, consensus

TEXT = "Un homme en chemise bleue se tient sur une échelle . l'herbe (verte) « la », 3,5 est-il"
"""Words, numbers and signs."""
THEIRS: dict[str, Any] = {"chrf": CHRF(), "bleu": BLEU(effective_order=True)}


def texts(seed: int, count: int, most: int = 14) -> list[str]:
    """Sentences of the same words, some of them short, empty or twice there."""
    drawn = random.Random(seed)
    made = [" ".join(drawn.choices(TEXT.split(), k=drawn.randint(0, most))) for _ in range(count)]
    return [*made, *drawn.choices(made, k=count // 3)]


def similarity(metric: str, text: str, reference: str) -> float:
    score: float = THEIRS[metric].sentence_score(text, [reference]).score
    return score


@pytest.mark.parametrize("metric", METRICS)
def test_every_pair_has_the_score_of_sacrebleu(metric: str) -> None:
    given = [*texts(0, 9), "", " ", "a", "a b", " a  b\tc ", "\u3000é\n", "no word in common"]
    for text, row in zip(given, METRICS[metric](given), strict=True):
        assert row.tolist() == pytest.approx([similarity(metric, text, reference) for reference in given])


def test_texts_without_spaces_are_tokenized_by_their_letters() -> None:
    given = ["一个人在爬山", "一个男人在爬山", "两只狗在雪地里玩"]
    theirs = BLEU(tokenize="zh", effective_order=True)
    for text, row in zip(given, METRICS["bleu"](given), strict=True):
        assert row.tolist() == pytest.approx([theirs.sentence_score(text, [other]).score for other in given])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("seed", range(3))
def test_the_choice_is_that_of_a_plain_loop(metric: str, seed: int) -> None:
    given = texts(seed, 6)
    means = []
    for place, text in enumerate(given):
        others = given[:place] + given[place + 1 :]
        means.append(sum(similarity(metric, text, other) for other in others) / len(others))
    found = consensus(given, metric)
    assert means[found] == pytest.approx(max(means))
    assert found == given.index(given[found]), "the first one of equals"


def test_what_most_say_wins() -> None:
    assert consensus(["a cat", "un chien court", "un chat court", "un chien court"], "chrf") == 1
    assert consensus(["a", "b", "c"], "chrf") == 0, "the first one, if none has anything in common with another"
    assert consensus(["same", "same"], "bleu") == 0
    assert consensus(["", ""], "chrf") == consensus(["", ""], "bleu") == 0
