"""What the values of a column look like."""

import pytest

from gpt2kit.data.columns import checks

SCORES = [f"{n % 51 / 10:.1f}" for n in range(120)]
TEXTS = [f"A text with number {n}." for n in range(40)]


@pytest.mark.parametrize(
    ("labels", "column", "found"),
    [
        (SCORES, "label", True),
        (["0.0", "3.7", "2.3"], "label", True),
        ([f"{n / 7:.3f}" for n in range(40)], "label", True),
        ([str(n % 101) for n in range(200)], "label", True),
        ([str(n % 101) for n in range(2000)], "score", True),
        ([str(n % 101) for n in range(2000)], "label", False),
        ([str(n % 77) for n in range(2000)], "intent", False),
        ([str(n % 5 + 1) for n in range(200)], "rating", False),
        ([f"{n % 5 + 1}.0" for n in range(200)], "stars", False),
        ([str(n % 10 / 2) for n in range(60)], "rating", False),
        (["0.5", "1.5"], "label", False),
        ([*SCORES, "none"], "label", True),
        (["0.5", "1.7", "none"], "label", False),
        (["a", "b", "c"], "label", False),
    ],
)
def test_scores(labels: list[str], column: str, found: bool) -> None:
    assert checks.are_scores(labels, column) == found


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([str(n) for n in range(30)], True),
        ([f"tweet_{n}" for n in range(30)], True),
        (["a1b2-c3", "d4e5-f6", "07a8-b9"], True),
        (["1", "2", "2"], False),
        (["Anna", "Berta", "Carl"], False),
        (["1.5", "2.25", "3.1"], False),
        (["room 1", "room 2", "room 3"], False),
        (["1", "2"], False),
    ],
)
def test_identifiers(values: list[str], found: bool) -> None:
    assert checks.are_identifiers(values) == found


@pytest.mark.parametrize(
    ("labels", "of_pairs", "missing"),
    [
        (["entailment", "neutral", "contradiction", "-"], True, ("-",)),
        (["+", "-", "0"], False, ()),
        (["-", "x"], False, ()),
        (["0", "1", "2", "-1", "-1"], True, ("-1",)),
        (["-1", "0", "1"] * 10, False, ()),
        (["-1", *["0", "1", "2"] * 30], False, ("-1",)),
        (["-1", "1"] * 10, True, ()),
        (["nan", *["a", "b"] * 10], False, ("nan",)),
        (["nan", "a", "b"], False, ()),
        (["yes", "no", "N/A", "N/A"], False, ("N/A",)),
    ],
)
def test_missing_labels(labels: list[str], of_pairs: bool, missing: tuple[str, ...]) -> None:
    assert checks.missing_labels(labels, of_pairs) == missing


def test_labels_to_ask_about() -> None:
    assert checks.doubtful_labels(["-1", "0", "1", "1"], ()) == ["-1"]
    assert checks.doubtful_labels(["-", "0", "1", "1"], ("-",)) == []
    assert checks.doubtful_labels(["-1", "1", "1"], ()) == []
    assert checks.spelled_alike(["Good", "bad", "good", "Good"]) == ["Good", "good"]
    assert checks.are_measured(["0.5", "1", "2"])
    assert not checks.are_measured(["1", "2", "3"])
    assert not checks.are_measured(["0.5", "x"])


@pytest.mark.parametrize(
    ("answers", "count_from"),
    [
        ([(0, 2), (1, 2)], 0),
        ([(2, 2), (1, 2)], 1),
        ([(3, 4), (3, 3)], 1),
        ([(0, 2), (2, 2)], 0),
        ([(0, 2), (2, 2)] * 5, None),
        ([(0, 2), *[(1, 2), (2, 2)] * 9], 1),
        ([(1, 2)], 0),
        ([(1, 4), (2, 4), (3, 4)], None),
    ],
)
def test_what_answers_count_from(answers: list[tuple[int, int]], count_from: int | None) -> None:
    assert checks.count_from(answers) == count_from


def test_labels_and_texts() -> None:
    moods, numbers = ["sad", "happy"] * 20, [str(n) for n in range(40)]
    columns = {"": numbers, "quote": TEXTS, "mood": moods, "source": ["web", "wiki"] * 20, "same": ["x"] * 40}
    assert checks.label_columns(columns) == ["mood"]
    assert checks.text_columns(columns) == ["quote"]
    assert checks.guess(columns) == "text=quote,label=mood"
    assert checks.guess({"a": TEXTS, "b": [*reversed(TEXTS)]}) == "prompt=a,completion=b"
    assert checks.guess({"a": TEXTS, "b": [*reversed(TEXTS)], "c": moods}) == "premise=a,hypothesis=b,label=c"
    assert checks.guess({"a": TEXTS}) == "text=a"
    assert checks.guess({"a": moods}) == ""


def test_a_first_line_that_is_data() -> None:
    moods = ["sad", "happy"] * 20
    assert checks.is_data(["sad", "So it goes"], {"sad": moods, "So it goes": TEXTS})
    assert checks.is_data(["7", "So it goes"], {"7": ["8"], "So it goes": ["x"]})
    assert checks.is_data(["x", "It was so good to see you."], {"x": [], "It was so good to see you.": []})
    assert not checks.is_data(["mood", "what they said", ""], {"mood": moods, "what they said": TEXTS, "": []})


@pytest.mark.parametrize(
    ("value", "number"), [("2,5", 2.5), ("$3.99", 3.99), ("40 %", 40), ("1,2,3", None), ("x", None), ("-0.5", -0.5)]
)
def test_numbers_as_people_write_them(value: str, number: float | None) -> None:
    found = checks.number(value)
    assert found == number or (number is None and found != found)


def test_scores_with_decimal_commas() -> None:
    assert checks.are_scores([f"{n % 51 / 10}".replace(".", ",") for n in range(120)])


def test_labels_of_equal_numbers() -> None:
    assert checks.spelled_alike(["0", "1", "1.0"]) == ["1", "1.0"]


def test_labels_that_may_mean_none() -> None:
    assert checks.doubtful_labels(["pos", "neg", "unlabeled", "None"], ()) == ["unlabeled", "None"]
    assert checks.missing_labels(["pos", "neg", "--"]) == ("--",)


def test_dates_are_not_texts() -> None:
    columns = {"at": [f"Mon Apr {n % 28} 22:19:45 2009" for n in range(40)], "said": TEXTS}
    assert checks.text_columns(columns) == ["said"]
