"""What counts as copied: runs of eight ids, wherever they stand, and nothing shorter."""

import random

import numpy as np
import pytest

from gpt2kit.metrics import copied
from gpt2kit.metrics.copied import RUN, RUN_OF_BYTES, copied_share, run_length


def by_hand(training: list[int], texts: list[list[int]]) -> float:
    runs = {tuple(training[start : start + RUN]) for start in range(len(training) - RUN + 1)}
    count = 0
    for text in texts:
        inside = [False] * len(text)
        for start in range(len(text) - RUN + 1):
            if tuple(text[start : start + RUN]) in runs:
                inside[start : start + RUN] = [True] * RUN
        count += sum(inside)
    return count / max(1, sum(map(len, texts)))


@pytest.mark.parametrize("block", [3, 50, 1 << 22])
def test_random_texts_by_hand(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copied, "BLOCK", block)
    draw = random.Random(0)
    training = [draw.randrange(4) for _ in range(3000)]
    texts = [[draw.randrange(4) for _ in range(draw.randrange(40))] for _ in range(50)]
    expected = by_hand(training, texts)
    assert 0 < expected < 1
    assert copied_share(np.array(training, dtype=np.uint16), texts, RUN) == pytest.approx(expected)


def test_all_and_nothing() -> None:
    training = np.arange(100, dtype=np.uint32)
    assert copied_share(training, [list(range(20, 60))], RUN) == 1
    assert copied_share(training, [list(range(20, 20 + RUN - 1))], RUN) == 0
    assert copied_share(training, [list(range(60, 20, -1))], RUN) == 0
    assert copied_share(training, [], RUN) == 0
    assert copied_share(np.empty(0, np.uint16), [[1] * 20], RUN) == 0


def test_runs_of_bytes_are_longer() -> None:
    assert (run_length(257), run_length(8192)) == (RUN_OF_BYTES, RUN)
