"""Scores of text: those of sacrebleu, under its signature, and never over lists that do not match."""

from collections.abc import Callable, Sequence

import pytest
import sacrebleu

from gpt2kit.errors import DataError
from gpt2kit.metrics.metrics import bleu, chrf

Metric = Callable[[Sequence[str], Sequence[str]], tuple[str, float, str]]

REFERENCES = [
    "Deux jeunes hommes blancs sont dehors près de buissons.",
    "Plusieurs hommes en casque font fonctionner un système de poulies géant.",
    "Une petite fille grimpe dans une maisonnette en bois.",
]
OUTPUTS = [
    "Deux jeunes hommes sont dehors près de buissons.",
    "Plusieurs hommes en casque font fonctionner un système de poulie.",
    "Une petite fille monte dans une maisonnette en bois.",
]
BOTH = pytest.mark.parametrize("metric", [bleu, chrf])


@BOTH
def test_a_perfect_answer_is_100(metric: Metric) -> None:
    assert metric(REFERENCES, REFERENCES)[1] == pytest.approx(100)


@BOTH
def test_nothing_in_common_is_0(metric: Metric) -> None:
    assert metric(["xxxxx"] * 3, REFERENCES)[1] < 1


@BOTH
def test_case_counts(metric: Metric) -> None:
    assert metric([text.upper() for text in REFERENCES], REFERENCES)[1] < 20


def test_the_scores_are_those_of_sacrebleu() -> None:
    name, score, *_ = bleu(OUTPUTS, REFERENCES)
    assert name == "BLEU"
    assert score == pytest.approx(sacrebleu.corpus_bleu(OUTPUTS, [REFERENCES]).score)
    name, score, *_ = chrf(OUTPUTS, REFERENCES)
    assert name == "chrF++"
    assert score == pytest.approx(sacrebleu.corpus_chrf(OUTPUTS, [REFERENCES], word_order=2).score)


def test_bleu_is_over_the_corpus_not_a_mean_of_sentences() -> None:
    short, long = ["Une petite fille court."], REFERENCES[1:2]
    both = bleu([*short, "un"], [*short, *long])[1]
    assert both != pytest.approx((bleu(short, short)[1] + bleu(["un"], long)[1]) / 2, abs=1)


def test_the_signatures_say_what_was_done() -> None:
    version = f"version:{sacrebleu.__version__}"
    assert bleu(OUTPUTS, REFERENCES)[2] == f"nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|{version}"
    assert chrf(OUTPUTS, REFERENCES)[2] == f"nrefs:1|case:mixed|eff:yes|nc:6|nw:2|space:no|{version}"


@BOTH
@pytest.mark.parametrize(
    ("outputs", "references", "said"),
    [
        (2, 3, "2 outputs but 3 references:"),
        (3, 2, "3 outputs but 2 references:"),
        (0, 1, "0 outputs but 1 reference:"),
        (1, 2, "1 output but 2 references:"),
    ],
)
def test_counts_must_match(metric: Metric, outputs: int, references: int, said: str) -> None:
    with pytest.raises(DataError, match=f"^{said}"):
        metric(OUTPUTS[:outputs], REFERENCES[:references])


@BOTH
def test_nothing_to_score(metric: Metric) -> None:
    with pytest.raises(DataError, match="nothing to score"):
        metric([], [])


@BOTH
def test_empty_outputs_count(metric: Metric) -> None:
    assert metric(["", *OUTPUTS[1:]], REFERENCES)[1] < metric(OUTPUTS, REFERENCES)[1]
