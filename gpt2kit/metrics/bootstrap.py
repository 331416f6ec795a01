"""Confidence interval of a mean over examples: how far it varies with other examples of the same kind."""

from collections.abc import Sequence

RESAMPLES = 1000
AT_ONCE = 10_000
"""Values drawn at once."""
COVERED = 95
"""Percentage of the resampled means in the interval."""


def interval(values: Sequence[float], seed: int = 0) -> tuple[float, float]:
    """Lowest and highest of the middle 95% of means of as many values (N,), N > 0, drawn 1,000 times with replacement.

    The percentile bootstrap (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993).
    """
    import numpy as np

    array = np.asarray(values, np.float64)
    generator = np.random.default_rng(seed)
    together = max(1, AT_ONCE // len(array))
    counts = [min(together, RESAMPLES - done) for done in range(0, RESAMPLES, together)]
    means = [array[generator.integers(len(array), size=(count, len(array)))].mean(axis=1) for count in counts]
    low, high = np.percentile(np.concatenate(means), [(100 - COVERED) / 2, (100 + COVERED) / 2])
    return float(low), float(high)
