"""Scores of translations: each target language its own, with several references."""

from typing import Any

import pytest
import sacrebleu

from gpt2kit.errors import DataError
from gpt2kit.metrics.translations import TranslationScores


def test_each_language_has_its_own_scores() -> None:
    scores = TranslationScores()
    scores.add("fr", "le chat est sur la table", ["le chat est sur la table"])
    scores.add("zh", "我喜欢这本书", ["我喜欢这本书"])
    scores.add("fr", "rien du tout ici non plus", ["le chien dort dans le jardin"])
    found = {score.name: score for score in scores.scores()}
    assert list(found) == ["BLEU fr", "chrF++ fr", "BLEU zh", "chrF++ zh"]
    assert found["BLEU zh"].value == pytest.approx(100)
    assert "tok:zh" in found["BLEU zh"].signature
    french = sacrebleu.corpus_bleu(
        ["le chat est sur la table", "rien du tout ici non plus"],
        [["le chat est sur la table", "le chien dort dans le jardin"]],
    )
    assert found["BLEU fr"].value == pytest.approx(french.score)


def test_the_tokenization_can_be_chosen() -> None:
    scores = TranslationScores("char")
    scores.add("fr", "bonjour", ["bonjour"])
    assert scores.scores()[0].value == pytest.approx(100)
    assert "tok:char" in scores.scores()[0].signature
    assert scores.remarks() == []


def test_identical_answers_have_exactly_100() -> None:
    scores = TranslationScores()
    for target in ("今天天气很好。", "我喜欢在公园里散步。", "这本书很有趣。"):
        scores.add("zh", target, [target])
    assert [score.value for score in scores.scores()] == [100.0, 100.0]


def test_answers_that_are_too_short_for_bleu_are_named() -> None:
    scores = TranslationScores()
    scores.add("fr", "bonjour", ["bonjour"])
    assert [score.value for score in scores.scores()] == [0.0, pytest.approx(100)]
    assert scores.remarks() == ["BLEU is 0, because no answer has four words; chrF++ scores such short answers, too"]
    scores.add("fr", "le chat est ici", ["le chien est ici"])
    assert scores.remarks() == []
    wrong = TranslationScores()
    wrong.add("fr", "bonjour", ["salut"])
    assert wrong.remarks() == []


def test_several_references() -> None:
    scores = TranslationScores()
    outputs, first = (
        ["the cat sat on the mat", "a dog ran away from us"],
        ["a cat was on the mat", "a dog fled from us"],
    )
    second = ["the cat sat on the mat", ""]
    for output, *references in zip(outputs, first, second, strict=True):
        scores.add("en", output, references)
    bleu, chrf = scores.scores()
    lists: Any = [first, [second[0], None]]  # None for a sentence with fewer references, which its annotation lacks
    assert bleu.value == pytest.approx(sacrebleu.corpus_bleu(outputs, lists).score)
    assert chrf.value == pytest.approx(sacrebleu.corpus_chrf(outputs, lists, word_order=2).score)
    assert bleu.signature.startswith("nrefs:var|")
    scores = TranslationScores()
    scores.add("en", outputs[0], [first[0], second[0]])
    assert scores.scores()[0].value == pytest.approx(100)
    assert scores.scores()[0].signature.startswith("nrefs:2|")


def test_remarks_name_the_language_if_there_are_several() -> None:
    scores = TranslationScores()
    scores.add("fr", "l'eau d'aujourd'hui n'est pas là", ["l’eau d’aujourd’hui n’est pas là"])
    (remark,) = scores.remarks()
    assert remark.startswith("BLEU loses ")
    scores.add("en", "one two three four", ["one two three four"])
    assert scores.remarks() == [f"fr: {remark}"]


def test_counts_must_match() -> None:
    from gpt2kit.metrics.metrics import bleu

    with pytest.raises(DataError, match="2 outputs but 1 reference:"):
        bleu(["a", "b"], ["a", "b"], [["a"]])
