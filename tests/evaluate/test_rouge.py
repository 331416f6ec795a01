"""ROUGE: rouge-score's own numbers where its words and sentences are right, and right ones where they are not."""

import subprocess
import sys
from importlib.metadata import version

import numpy as np
import pytest
from rouge_score.rouge_scorer import RougeScorer

from gpt2kit.errors import DataError
from gpt2kit.evaluate.bootstrap import interval
from gpt2kit.evaluate.rouge import RougeScore, rouge

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


def by_name(outputs: list[str], references: list[str], stemmer: bool = False) -> dict[str, RougeScore]:
    return {score.name: score for score in rouge(outputs, references, stemmer)}


def made_up(generator: np.random.Generator) -> list[str]:
    """Sentences in small letters."""
    return [
        " ".join(generator.choice(VOCABULARY, generator.integers(1, 12)).tolist()) + generator.choice([".", "!", "?"])
        for _ in range(generator.integers(1, 5))
    ]


@pytest.mark.parametrize("stemmer", [False, True])
def test_on_plain_english_the_numbers_are_those_of_rouge_score(stemmer: bool) -> None:
    generator = np.random.default_rng(0)
    outputs, references = ([made_up(generator) for _ in range(30)] for _ in range(2))
    theirs = RougeScorer(list(KINDS.values()), use_stemmer=stemmer)
    expected = [theirs.score("\n".join(two), "\n".join(one)) for one, two in zip(outputs, references, strict=True)]
    ours = by_name([" ".join(one) for one in outputs], [" ".join(one) for one in references], stemmer)
    for name, kind in KINDS.items():
        assert ours[name].values == [100 * score[kind].fmeasure for score in expected]


def test_stems_make_a_difference() -> None:
    plain, stemmed = (by_name(["cities were running"], ["city runs"], stemmer) for stemmer in (False, True))
    assert plain["ROUGE-1"].value == 0
    assert stemmed["ROUGE-1"].value == pytest.approx(80)


def test_two_sentences_by_hand() -> None:
    scores = by_name(["The cat, on a mat!"], ["The cat sat on the mat."])
    assert scores["ROUGE-1"].value == pytest.approx(100 * 2 * 4 / 11)
    assert scores["ROUGE-2"].value == pytest.approx(100 * 2 * 1 / 9)
    assert scores["ROUGE-L"].value == pytest.approx(100 * 2 * 4 / 11)
    assert scores["ROUGE-Lsum"].value == pytest.approx(100 * 2 * 4 / 11)


def test_lsum_looks_at_sentences_and_l_at_the_whole() -> None:
    scores = by_name(["Dogs bark loudly. Cats sleep here."], ["Cats sleep here. Dogs bark loudly."])
    assert scores["ROUGE-L"].value == pytest.approx(50)
    assert scores["ROUGE-Lsum"].value == pytest.approx(100)


def test_a_heading_in_an_output_counts_in_every_kind() -> None:
    assert all(score.value < 100 for score in rouge(["== History ==\nCats sleep here."], ["Cats sleep here."]))


def test_words_with_accents_are_words() -> None:
    """Of "été" and "ôté" rouge-score keeps the t."""
    output, reference = "il a ôté", "il a été"
    assert RougeScorer(["rouge1"]).score(reference, output)["rouge1"].fmeasure == 1
    assert by_name([output], [reference])["ROUGE-1"].value == pytest.approx(100 * 2 / 3)


@pytest.mark.parametrize("text", ["東京は日本の首都です。", "Москва. Столица России.", "दिल्ली भारत की राजधानी है।"])
@pytest.mark.parametrize("stemmer", [False, True])
def test_a_perfect_answer_is_100_in_any_script(text: str, stemmer: bool) -> None:
    assert RougeScorer(["rouge1"]).score(text, text)["rouge1"].fmeasure == 0
    assert [score.value for score in rouge([text], [text], stemmer)] == [pytest.approx(100)] * 4


def test_stems_leave_words_with_accents_alone() -> None:
    assert by_name(["étés"], ["été"], stemmer=True)["ROUGE-1"].value == 0
    assert by_name(["the étés were running"], ["the étés were runs"], stemmer=True)["ROUGE-1"].value == 100


@pytest.mark.parametrize(
    ("output", "reference"), [("", ""), ("", "a word"), ("a word", ""), ("...", "a word"), ("", "。")]
)
def test_without_words_the_score_is_0(output: str, reference: str) -> None:
    assert [score.value for score in rouge([output], [reference])] == [0] * 4


def test_one_word_has_no_bigrams() -> None:
    assert [score.value for score in rouge(["Bonjour"], ["bonjour"])] == [100, 0, 100, 100]


def test_the_value_is_the_mean_and_the_interval_is_around_it() -> None:
    generator = np.random.default_rng(1)
    outputs, references = ([" ".join(made_up(generator)) for _ in range(20)] for _ in range(2))
    for score in rouge(outputs, references, seed=5):
        assert len(score.values) == 20
        assert score.value == pytest.approx(np.mean(score.values))
        assert (score.low, score.high) == interval(score.values, 5)
        assert score.low < score.value < score.high


def test_an_example_scores_the_same_in_any_company() -> None:
    outputs, references = ["one two three", "four five"], ["one three", "five six"]
    both = rouge(outputs, references)
    for place in (0, 1):
        alone = rouge([outputs[place]], [references[place]])
        assert [score.values[place] for score in both] == [score.value for score in alone]


def test_the_signatures_say_what_was_done() -> None:
    plain, stemmed = by_name(["a"], ["a"]), by_name(["a"], ["a"], stemmer=True)
    rest = f"mean:examples|ci:95%-bootstrap-1000|seed:0|version:{version('rouge-score')}"
    assert plain["ROUGE-L"].signature == f"score:F1|tok:unicode-words|case:lc|stem:no|sent:no|{rest}"
    assert plain["ROUGE-Lsum"].signature == f"score:F1|tok:unicode-words|case:lc|stem:no|sent:rules|{rest}"
    assert stemmed["ROUGE-1"].signature == f"score:F1|tok:unicode-words|case:lc|stem:porter|sent:no|{rest}"


@pytest.mark.parametrize(("outputs", "references"), [(2, 3), (3, 2), (0, 1)])
def test_counts_must_match(outputs: int, references: int) -> None:
    with pytest.raises(DataError, match=f"{outputs} outputs but {references} references"):
        rouge(["a"] * outputs, ["a"] * references)


def test_nothing_to_score() -> None:
    with pytest.raises(DataError, match="nothing to score"):
        rouge([], [])


def test_no_data_of_nltk_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: object, **__: object) -> None:
        raise LookupError("not downloaded")

    monkeypatch.setattr("nltk.data.find", absent)
    monkeypatch.setattr("nltk.download", absent)
    assert by_name(["Cities. Running."], ["A city. He runs."], stemmer=True)["ROUGE-Lsum"].value > 0


def test_nothing_heavy_is_loaded_before_it_is_needed() -> None:
    """A task imports these files, and the command line all tasks."""
    lines = [
        "import sys",
        "from gpt2kit.evaluate import extractive, faithful, rouge",
        "print(*{'rouge_score', 'nltk', 'absl', 'numpy', 'sacrebleu', 'torch'}.intersection(sys.modules))",
    ]
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
