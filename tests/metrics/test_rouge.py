"""ROUGE: rouge-score's own numbers where its words and sentences are right, and right ones where they are not."""

import subprocess
import sys
from importlib.metadata import version

import numpy as np
import pytest
from rouge_score.rouge_scorer import RougeScorer

from gpt2kit.metrics.rouge import Rouge, signatures

KINDS = {"ROUGE-1": "rouge1", "ROUGE-2": "rouge2", "ROUGE-L": "rougeL", "ROUGE-Lsum": "rougeLsum"}
VOCABULARY = [
    *(
        "the",
        "of",
        "was",
        "were",
        "running",
        "runs",
        "runner",
        "jumped",
        "jumping",
        "city",
        "cities",
        "happily",
        "happy",
    ),
    *("generalisation", "general", "relational", "conditional", "hopping", "ties", "1990", "dogs", "dog", "sky"),
]


def scored(output: str, reference: str) -> dict[str, float]:
    return Rouge()(output, reference)


def made_up(generator: np.random.Generator) -> list[str]:
    """Sentences in small letters."""
    return [
        " ".join(generator.choice(VOCABULARY, generator.integers(1, 12)).tolist()) + generator.choice([".", "!", "?"])
        for _ in range(generator.integers(1, 5))
    ]


def test_on_plain_english_the_numbers_are_those_of_rouge_score() -> None:
    generator = np.random.default_rng(0)
    theirs, ours = RougeScorer(list(KINDS.values())), Rouge()
    for _ in range(30):
        output, reference = made_up(generator), made_up(generator)
        expected = theirs.score("\n".join(reference), "\n".join(output))
        found = ours(" ".join(output), " ".join(reference))
        assert found == {name: 100 * expected[kind].fmeasure for name, kind in KINDS.items()}


def test_words_are_compared_as_they_are() -> None:
    assert scored("cities were running", "city runs")["ROUGE-1"] == 0


def test_two_sentences_by_hand() -> None:
    scores = scored("The cat, on a mat!", "The cat sat on the mat.")
    assert scores["ROUGE-1"] == pytest.approx(100 * 2 * 4 / 11)
    assert scores["ROUGE-2"] == pytest.approx(100 * 2 * 1 / 9)
    assert scores["ROUGE-L"] == pytest.approx(100 * 2 * 4 / 11)
    assert scores["ROUGE-Lsum"] == pytest.approx(100 * 2 * 4 / 11)


def test_lsum_looks_at_sentences_and_l_at_the_whole() -> None:
    scores = scored("Dogs bark loudly. Cats sleep here.", "Cats sleep here. Dogs bark loudly.")
    assert scores["ROUGE-L"] == pytest.approx(50)
    assert scores["ROUGE-Lsum"] == pytest.approx(100)


def test_a_heading_in_an_output_counts_in_every_kind() -> None:
    assert all(value < 100 for value in scored("== History ==\nCats sleep here.", "Cats sleep here.").values())


def test_words_with_accents_are_words() -> None:
    """Of "été" and "ôté" rouge-score keeps the t."""
    output, reference = "il a ôté", "il a été"
    assert RougeScorer(["rouge1"]).score(reference, output)["rouge1"].fmeasure == 1
    assert scored(output, reference)["ROUGE-1"] == pytest.approx(100 * 2 / 3)


@pytest.mark.parametrize("text", ["東京は日本の首都です。", "Москва. Столица России.", "दिल्ली भारत की राजधानी है।"])
def test_a_perfect_answer_is_100_in_any_script(text: str) -> None:
    assert RougeScorer(["rouge1"]).score(text, text)["rouge1"].fmeasure == 0
    assert list(scored(text, text).values()) == [pytest.approx(100)] * 4


@pytest.mark.parametrize(
    ("output", "reference"), [("", ""), ("", "a word"), ("a word", ""), ("...", "a word"), ("", "。")]
)
def test_without_words_the_score_is_0(output: str, reference: str) -> None:
    assert list(scored(output, reference).values()) == [0] * 4


def test_one_word_has_no_bigrams() -> None:
    assert list(scored("Bonjour", "bonjour").values()) == [100, 0, 100, 100]


def test_the_signatures_say_what_was_done() -> None:
    assert signatures().keys() == KINDS.keys()
    rest = f"version:{version('rouge-score')}"
    assert signatures()["ROUGE-L"] == f"score:F1|tok:unicode-words|case:lc|stem:no|sent:no|{rest}"
    assert signatures()["ROUGE-Lsum"] == f"score:F1|tok:unicode-words|case:lc|stem:no|sent:rules|{rest}"


def test_no_data_of_nltk_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: object, **__: object) -> None:
        raise LookupError("not downloaded")

    monkeypatch.setattr("nltk.data.find", absent)
    monkeypatch.setattr("nltk.download", absent)
    assert scored("Cities. He is running.", "A city. He runs.")["ROUGE-Lsum"] > 0


def test_nothing_heavy_is_loaded_before_it_is_needed() -> None:
    """A task imports these files, and the command line all tasks."""
    lines = [
        "import sys",
        "from gpt2kit.metrics import extractive, faithful, rouge",
        "print(*{'rouge_score', 'nltk', 'absl', 'numpy', 'sacrebleu', 'torch'}.intersection(sys.modules))",
    ]
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
