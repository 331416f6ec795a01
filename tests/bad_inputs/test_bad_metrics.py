"""Metrics: what would be scored without a word, and mean something else than it seems."""

import json
from pathlib import Path

import pytest

from gpt2kit.cli.app import run
from gpt2kit.errors import DataError
from gpt2kit.metrics import metrics
from gpt2kit.tasks.record import Record
from gpt2kit.tasks.translate import Sentence, Translate

Capture = pytest.CaptureFixture[str]

STRAIGHT = ["L'eau d'aujourd'hui n'est pas à l'homme.", 'Il dit "non" - et s\'en va...', "Qu'est-ce que c'est ?"]
CURLY = ["L’eau d’aujourd’hui n’est pas à l’homme.", "Il dit “non” – et s’en va…", "Qu’est-ce que c’est ?"]


def test_quotes_of_another_style_are_told(by_heart: Path, tmp_path: Path, capsys: Capture) -> None:
    """Apart from these, all of it is right: BLEU says that next to nothing is."""
    assert metrics.bleu(STRAIGHT, CURLY)[1] < 30
    assert metrics.style_gap(STRAIGHT, CURLY) == pytest.approx(100 - metrics.bleu(STRAIGHT, CURLY)[1])
    assert metrics.style_gap(CURLY, STRAIGHT) > 50
    table = tmp_path / "a.tsv"
    table.write_text("let them eat cake\tqu’ils mangent du gâteau\ngood morning\tbonjour\n", encoding="utf-8")
    words = ["translate", "evaluate", "--run", str(by_heart), "--on", str(table)]
    assert run(words) == 0
    said = capsys.readouterr().err
    assert "points because outputs and references use different quotes or dashes" in said
    assert run([*words, "--json"]) == 0
    (remark,) = json.loads(capsys.readouterr().out)["remarks"]
    assert remark in said


def remarks(outputs: list[str], targets: list[str]) -> list[str]:
    scorer = Translate().scorer()
    for output, target in zip(outputs, targets, strict=True):
        scorer.add(Record(Sentence("", "fr"), target), output)
    return scorer.remarks()


def test_one_style_is_no_remark(by_heart: Path, capsys: Capture) -> None:
    for texts in (STRAIGHT, CURLY):
        assert metrics.style_gap(texts, texts) == 0
        assert remarks(texts, texts) == []
    assert remarks(["Un chat."], ["Un « chien ».\u202f!"]) == [], "it is not the quotes that are wrong"
    table = str(by_heart.parent / "corpus.jsonl")
    assert run(["translate", "evaluate", "--run", str(by_heart), "--on", table, "--json"]) == 0
    assert "remarks" not in json.loads(capsys.readouterr().out)


def test_single_words() -> None:
    """BLEU counts runs of four words, of which there are none: chrF++ stands beside it."""
    assert metrics.bleu(["Bonjour"], ["Bonjour"])[1] == 0
    assert metrics.chrf(["Bonjour"], ["Bonjour"])[1] == pytest.approx(100)
    assert metrics.chrf(["Bonjour"], ["Salut"])[1] < 30


def test_references_the_wrong_way_round() -> None:
    """One list of references for each output, or of all for each reference: here it is one text for each output."""
    for references in ([["a b c d"], ["e"]], [["a b c d", "e"]]):
        with pytest.raises((AttributeError, TypeError, ValueError, DataError)):
            metrics.bleu(["a b c d", "e"], references)  # type: ignore[arg-type]  # which is what is tested


def test_predictions_of_several_lines_are_a_line_each(by_heart: Path, tmp_path: Path) -> None:
    predictions = tmp_path / "said.jsonl"
    table = str(by_heart.parent / "corpus.jsonl")
    words = ["translate", "evaluate", "--run", str(by_heart), "--on", table, "--predictions", str(predictions)]
    assert run(words) == 0
    rows = [json.loads(line) for line in predictions.read_text(encoding="utf-8").split("\n")[:-1]]
    assert [row["n"] for row in rows] == [1, 2, 3, 4]
    assert rows[3]["output"] == rows[3]["target"] == "un\ndeux"
