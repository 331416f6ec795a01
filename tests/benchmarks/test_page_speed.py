"""The benchmark of pages: its figures, and one short round of it."""

import argparse
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gpt2kit.export.verb import export
from gpt2kit.export.with_node import node
from tests.benchmarks.conftest import benchmark
from tests.conftest import installed


@pytest.fixture(scope="module")
def speed() -> Iterator[Any]:
    with benchmark("page") as script:
        yield script


def test_figures_are_medians_of_the_rounds(speed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.accumulate([0, 1, 0, 2, 0, 2, 0, 2, 0, 4, 0, 4])  # seconds of each pass, in turns
    monkeypatch.setattr(speed.time, "perf_counter", lambda: next(clock))
    programs = {"page": lambda *_: [[1, 2], [3, 4]], "other": lambda *_: [[1, 2], [3, 5]]}
    assert speed.take_turns(programs, [[7], [8]], 9, 0, 3) == {
        "tokens_per_second": {"page": 2, "other": 2},
        "ratio to other": 1.0,
        "answers equal to other": "1 of 2",
    }


def test_a_short_round(speed: Any, by_heart: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if node() is None or installed() is None:
        pytest.skip("Node.js or Chromium is not installed")

    def written(run: Path, to: str, dtype: str, path: Path) -> Path:
        export(run, to, path, dtype)
        return path

    monkeypatch.setattr(speed, "export", written)
    monkeypatch.setattr(speed, "DTYPES", ("f16",))
    arguments = argparse.Namespace(run=by_heart, new=20, rounds=1, onnxruntime_web=None)
    found = speed.measure(arguments, ["I am a student", "good morning"], tmp_path)
    assert found["megabytes"]["f16"] == pytest.approx((tmp_path / "f16.html").stat().st_size / 1e6, abs=0.05)
    assert list(found["node"]["tokens_per_second"]) == ["page"]
    assert set(found["chromium"]["f16"]) == {
        "usable_after_seconds",
        "first_translation_seconds",
        "tokens_per_second",
    }
    assert all(value > 0 for value in found["chromium"]["f16"].values())
