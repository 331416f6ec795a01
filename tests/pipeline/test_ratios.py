"""The limit of an answer by the length of its prompt, as the targets of a corpus need it."""

from collections.abc import Callable

import pytest

from gpt2kit.config import EXTRA_TOKENS, GenerateConfig
from gpt2kit.data import store as stores
from gpt2kit.data.store import Store
from gpt2kit.decoding.answer import new_token_limit
from gpt2kit.pipeline.ratios import SLACK, beyond, fitting_ratio, longer

StoreOf = Callable[..., Store]


def rows(*lengths: tuple[int, int], times: int = 1) -> list[tuple[list[int], list[int]]]:
    """Rows with these numbers of tokens in prompt and target."""
    return [([1] * prompt, [2] * target) for prompt, target in lengths] * times


@pytest.fixture(autouse=True)
def few_rows_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "SCANNED_ROWS", 7)


def test_short_targets_keep_the_least_ratio(store_of: StoreOf) -> None:
    assert fitting_ratio(store_of(rows((10, 12), (3, 16), (20, 30)))) == 2.0
    assert fitting_ratio(store_of([])) == 2.0


def test_a_small_corpus_needs_what_its_longest_target_needs(store_of: StoreOf) -> None:
    store = store_of(rows((10, 12), (10, 76), (20, 30)))
    assert fitting_ratio(store) == SLACK * (76 - EXTRA_TOKENS) / 10


def test_one_row_of_a_thousand_may_be_longer(store_of: StoreOf) -> None:
    good, bad = rows((10, 56), times=1999), rows((2, 400))
    assert fitting_ratio(store_of([*good, *bad])) == SLACK * 4
    assert fitting_ratio(store_of([*good[:998], *bad])) == SLACK * (400 - EXTRA_TOKENS) / 2


@pytest.mark.parametrize("ratio", [0.5, 2.0, 3.3])
def test_those_beyond_are_those_that_decoding_would_cut(store_of: StoreOf, ratio: float) -> None:
    lengths = [(prompt, target) for prompt in range(1, 9) for target in range(10, 60)]
    config = GenerateConfig(max_ratio=ratio, max_new_tokens=1000)
    cut = sum(target > new_token_limit(prompt, 10_000, config) for prompt, target in lengths)
    assert beyond(store_of(rows(*lengths)), config) == {f"generate.max_ratio = {ratio:g}": cut}


def test_every_limit_is_counted_by_itself(store_of: StoreOf) -> None:
    store = store_of(rows((10, 40), (10, 30), (50, 31), (50, 29)))
    config = GenerateConfig(max_ratio=1.5, max_new_tokens=30)
    assert beyond(store, config) == {"generate.max_new_tokens = 30": 2, "generate.max_ratio = 1.5": 1}
    assert beyond(store, GenerateConfig()) == {}


def test_a_limit_comes_with_a_setting_that_allows_longer_answers() -> None:
    """That of the corpus where it is known and higher."""
    config = GenerateConfig(max_ratio=2.5, max_new_tokens=30)
    told = longer(["max_ratio", "max_new_tokens", "window"], config, 4.93)
    assert told == {
        "generate.max_ratio = 2.5": "generate.max_ratio=4.93",
        "generate.max_new_tokens = 30": "generate.max_new_tokens=60",
        "the end of the window": "",
    }
    for fitting in (None, 2.5):
        assert longer(["max_ratio"], config, fitting) == {"generate.max_ratio = 2.5": "generate.max_ratio=5"}
