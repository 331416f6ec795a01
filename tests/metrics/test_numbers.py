"""Numbers as values, however they are written."""

import pytest

from gpt2kit.metrics.numbers import numbers


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("1000", [["1000"]]),
        ("1,000", [["1000"]]),
        ("1\u202f000", [["1000"]]),
        ("1 000 000", [["1000000"]]),
        ("12'345", [["12345"]]),
        ("5 100", [["5100"], ["5", "100"]]),
        ("1.234", [["1234"], ["1.234"]]),
        ("0.123", [["0.123"]]),
        ("2.50", [["2.5"]]),
        ("2,5", [["2.5"]]),
        ("3.0", [["3"]]),
        ("007", [["7"]]),
        ("0", [["0"]]),
        ("1,234.56", [["1234.56"]]),
        ("1.234,56", [["1234.56"]]),
        ("24.12.2020", [["24", "12", "2020"]]),
        ("1,2,3", [["1", "2", "3"]]),
        ("٣٤", [["34"]]),
    ],
)
def test_what_a_number_may_mean(text: str, readings: list[list[str]]) -> None:
    (number,) = numbers(f"about {text}.")
    assert number.text == text
    assert number.readings == readings


def test_numbers_are_found_in_order_and_not_inside_words() -> None:
    text = "In 1990, 300 of the B52s (mp3) flew 2.5km in the 1950s, 5th of 1990"
    assert [number.text for number in numbers(text)] == ["1990", "300", "2.5", "1950", "5", "1990"]
    assert list(numbers("none at all")) == []


def test_long_rows_of_digits() -> None:
    assert next(numbers("9" * 100_000)).readings == [["9" * 100_000]]
    assert len(next(numbers("1.2" * 30_000)).readings[0]) == 30_001
