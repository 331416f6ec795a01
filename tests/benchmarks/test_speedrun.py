"""The speedrun: which lengths are run, in which order, and which one counts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.conftest import benchmark


@pytest.fixture(scope="module")
def speedrun() -> Iterator[Any]:
    with benchmark("speedrun") as module:
        yield module


def test_the_shortest_length_at_the_target_counts(speedrun: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions take turns, and no length is run after the first one at the target."""
    ran: list[tuple[str, int, int]] = []

    def run(clone: Any, task: str, data: Path, steps: int, seed: int) -> dict[str, Any]:
        ran.append((clone.name, steps, seed))
        slower = 100 if clone.name == "before" else 0
        return {
            "steps": steps,
            "seed": seed,
            "loss": 2 + (150 + slower - steps + seed) / 100,
            "seconds": steps / 10 + seed,
        }

    monkeypatch.setattr(speedrun, "run", run)
    clones = [
        speedrun.Clone("now", Path("new"), [100, 200, 300], []),
        speedrun.Clone("before", Path("old"), [200, 300], []),
    ]
    runs = speedrun.compete(clones, "translate", Path("data"), 2, 2.0)
    assert ran == [
        *(("now", 100, 0), ("before", 200, 0), ("now", 100, 1), ("before", 200, 1)),
        *(("now", 200, 0), ("before", 300, 0), ("now", 200, 1), ("before", 300, 1)),
    ]
    assert speedrun.summary(runs["now"], 2, 2.0) == {
        "steps": 200,
        "seconds": 20.5,
        "seconds_from_to": [20.0, 21.0],
        "loss": 1.505,
        "losses": [1.5, 1.51],
    }
    assert speedrun.summary(runs["now"], 2, 1.5) == {"steps": None}
    assert speedrun.summary(runs["before"][:-1], 2, 2.0) == {"steps": None}


def test_a_run_is_whole_and_validates_once_at_its_end(speedrun: Any) -> None:
    words = speedrun.words("translate", Path("d"), Path("o"), 700, 2, ["train.lr=1e-3"])
    assert words[:7] == ["translate", "train", "d", "--recipe", "multi30k", "--out", "o"]
    assert [words[at + 1] for at, word in enumerate(words) if word == "--set"] == [
        *("train.lr=1e-3", "train.steps=700", "train.seed=2", "train.evaluate_every=700", "train.samples=0")
    ]
