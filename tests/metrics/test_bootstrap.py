"""Intervals of a mean, against direct resampling and what is known of normal values."""

import numpy as np
import pytest

from gpt2kit.metrics.bootstrap import interval


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_percentiles_of_resampled_means(seed: int) -> None:
    values = np.random.default_rng(seed + 100).uniform(0, 100, 37)
    draws = np.stack([generator.choice(values, 37) for generator in [np.random.default_rng(seed)] for _ in range(1000)])
    expected = np.percentile(draws.mean(1), [2.5, 97.5])
    assert interval(values.tolist(), seed) == pytest.approx(tuple(expected))


def test_of_normal_values_it_is_about_two_standard_errors_wide() -> None:
    values = np.random.default_rng(0).normal(50, 10, 400)
    low, high = interval(values.tolist())
    error = values.std() / 20
    assert (values.mean() - low) / error == pytest.approx(1.96, abs=0.2)
    assert (high - values.mean()) / error == pytest.approx(1.96, abs=0.2)


def test_it_depends_on_the_seed_alone() -> None:
    values = [1.0, 5.0, 2.0, 9.0]
    assert interval(values, 3) == interval(values, 3)
    assert interval([*values] * 10, 3) != interval([*values] * 10, 4)


def test_equal_values_and_single_ones_leave_no_doubt() -> None:
    assert interval([7.0] * 9) == (7.0, 7.0)
    assert interval([7.0]) == (7.0, 7.0)
