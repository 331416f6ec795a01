"""What passes and what does not."""

import json
import math

import pytest

from gpt2kit.selftest.check import Check, skipped, within


@pytest.mark.parametrize(
    ("figure", "passed"), [(0.0, True), (0.5, True), (0.51, False), (math.nan, False), (math.inf, False)]
)
def test_a_figure_passes_up_to_its_limit(figure: float, passed: bool) -> None:
    check = within("a check", figure, 0.5, "remark")
    assert check.passed is passed
    told = json.loads(json.dumps(check.json(), allow_nan=False))
    assert told["figure"] == (figure if math.isfinite(figure) else None)
    assert (told["name"], told["passed"], told["limit"], told["remark"]) == ("a check", passed, 0.5, "remark")


def test_what_cannot_be_asked_neither_passes_nor_fails() -> None:
    assert skipped("a check", "why") == Check("a check", None, None, None, "why")
