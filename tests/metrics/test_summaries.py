"""Summaries scored one by one: figures against those of each example, and how little is kept of it."""

import gc
import sys
from importlib.metadata import version

import numpy as np
import pytest

from gpt2kit.metrics.bootstrap import interval
from gpt2kit.metrics.extractive import lead, oracle, random_sentences, tfidf
from gpt2kit.metrics.faithful import faithfulness, unsupported
from gpt2kit.metrics.rouge import Rouge
from gpt2kit.metrics.score import Score
from gpt2kit.metrics.summaries import EMPTY, EXTRACTS, REFERENCE, Example, SummaryScores

BODY = "It was founded in 1920. It grew fast. A railway came later. Most people farm. The harbour of Ville is large."
EXAMPLES = [
    Example("Ville", BODY, "Ville is a town with a large harbour."),
    Example("Oak", "It grows slowly. People make ships of it. It lives long. Boars eat its fruit.", "Oak is a tree."),
    Example("", "A cat sat. A dog ran. A bird flew. A fish swam.", "A cat sat on a mat in 1999."),
]
OUTPUTS = ["Ville was founded in 1921.", "It grows slowly.", "A cat ran."]
FAITHFUL = [
    *("novel 1-grams %", "novel 2-grams %", "novel 3-grams %", "longest copied span, words", "copied density"),
    "unsupported names and numbers",
]
ROUGE = ["ROUGE-1", "ROUGE-2", "ROUGE-L", "ROUGE-Lsum"]


def figures() -> dict[tuple[str, str], Score]:
    scores = SummaryScores()
    for output, example in zip(OUTPUTS, EXAMPLES, strict=True):
        scores.add(output, example)
    return {(figure.system, figure.name): figure for figure in scores.scores()}


def test_every_system_has_its_figures_the_model_first() -> None:
    expected = [("", name) for name in (*ROUGE, EMPTY, *FAITHFUL)]
    expected += [(system, name) for system in EXTRACTS for name in ROUGE]
    assert list(figures()) == [*expected, *((REFERENCE, name) for name in (EMPTY, *FAITHFUL))]


def test_rouge_is_the_mean_over_the_examples() -> None:
    found, rouge = figures(), Rouge()
    summaries = {
        "": OUTPUTS,
        "lead-3": [lead(each.body) for each in EXAMPLES],
        "random-3": [random_sentences(each.body) for each in EXAMPLES],
        "tf-idf": [tfidf(each.body, each.title) for each in EXAMPLES],
        "oracle": [oracle(each.body, each.reference) for each in EXAMPLES],
    }
    for system, outputs in summaries.items():
        scores = [rouge(output, each.reference) for output, each in zip(outputs, EXAMPLES, strict=True)]
        for name in ROUGE:
            values = [score[name] for score in scores]
            assert found[system, name].value == pytest.approx(np.mean(values))
            assert found[system, name].interval == interval(values)


def test_faithfulness_is_that_of_title_and_body() -> None:
    found = figures()
    for system, summaries in {"": OUTPUTS, REFERENCE: [each.reference for each in EXAMPLES]}.items():
        pairs = [(text, f"{each.title}\n{each.body}") for text, each in zip(summaries, EXAMPLES, strict=True)]
        values = [faithfulness(*pair, unsupported(*pair)) for pair in pairs]
        for name in FAITHFUL:
            assert found[system, name].value == pytest.approx(np.mean([value[name] for value in values]))
    assert found["", "unsupported names and numbers"].value == pytest.approx(1 / 3)  # 1921
    assert found[REFERENCE, "unsupported names and numbers"].value == pytest.approx(1 / 3)  # 1999


def test_what_is_told_of_one_summary() -> None:
    told = SummaryScores().add(OUTPUTS[0], EXAMPLES[0])
    assert list(told) == [*ROUGE, *FAITHFUL, "unsupported"]
    assert told["unsupported"] == ["1921"]
    assert told["ROUGE-1"] == Rouge()(OUTPUTS[0], EXAMPLES[0].reference)["ROUGE-1"]


@pytest.mark.parametrize("empty", ["", " \n", "..."])
def test_a_summary_without_words_is_not_faithful(empty: str) -> None:
    """It is counted, and has no share in the means of the others; its ROUGE is 0."""
    scores = SummaryScores()
    for output in (OUTPUTS[0], empty, empty, empty):
        told = scores.add(output, EXAMPLES[0])
    assert told == {**dict.fromkeys(ROUGE, 0), "unsupported": []}
    found = {(figure.system, figure.name): figure for figure in scores.scores()}
    alone = {(figure.system, figure.name): figure for figure in one_of(OUTPUTS[0]).scores()}
    assert found["", EMPTY].value == 75
    assert found[REFERENCE, EMPTY].value == 0
    for name in FAITHFUL:
        assert found["", name].value == alone["", name].value
        assert "|n:1|" in found["", name].signature
    assert found["", "ROUGE-1"].value == pytest.approx(alone["", "ROUGE-1"].value / 4)


def test_nothing_but_summaries_without_words() -> None:
    """No mean of nothing is made up."""
    names = [figure.name for figure in one_of("").scores() if not figure.system]
    assert names == [*ROUGE, EMPTY]


def test_of_a_long_sentence_the_first_words_are_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a document, a reference and an output; every sign is a word. The comparison of all would take hours."""
    monkeypatch.setattr("gpt2kit.metrics.summaries.LONGEST", 200)
    sentence, scores = "山" * 20_000, SummaryScores()
    told = scores.add(sentence, Example("", sentence, sentence))
    assert [told[name] for name in ROUGE] == [pytest.approx(100)] * 4
    assert told["longest copied span, words"] == 200


def one_of(output: str) -> SummaryScores:
    scores = SummaryScores()
    scores.add(output, EXAMPLES[0])
    return scores


def test_signatures() -> None:
    found = figures()
    how = "words:1000|mean:examples|n:3|ci:95%-bootstrap-1000|seed:0"
    rouge = f"score:F1|tok:unicode-words|case:lc|stem:no|sent:no|version:{version('rouge-score')}|{how}"
    assert found["", "ROUGE-1"].signature == found["oracle", "ROUGE-1"].signature == rouge
    assert found["", "copied density"].signature == how


def held(root: object) -> int:
    """Bytes of an object and of all that it refers to."""
    found, left = dict[int, int](), [root]
    while left:
        if id(one := left.pop()) not in found and not isinstance(one, type):
            found[id(one)] = sys.getsizeof(one)
            left += gc.get_referents(one)
    return sum(found.values())


def test_an_example_is_kept_as_its_numbers_alone() -> None:
    """Eight bytes for each figure, whatever the texts; an array has room for a few more than it holds."""
    scores = SummaryScores()

    def kept(count: int) -> int:
        for number in range(count):
            scores.add(f"{OUTPUTS[0]} {number}", EXAMPLES[0]._replace(body=f"{BODY} {'More is said. ' * 9}{number}"))
        return sum(held(value) for name, value in vars(scores).items() if name != "rouge")

    before = kept(20)
    assert kept(40) - before < 1.25 * 8 * 40 * len(scores.scores())
