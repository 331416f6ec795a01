"""The benchmark of growth: its corpora, and one small round of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.conftest import benchmark


@pytest.fixture(scope="module")
def growth() -> Iterator[Any]:
    with benchmark("growth") as module:
        yield module


def test_no_pair_is_there_twice(growth: Any, tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("a\tb\tremark\nc\td\t\n", encoding="utf-8")
    assert list(growth.pairs(str(tmp_path / "t.tsv"), 2)) == ["a 0\tb 0\n", "c 1\td 1\n", "a 2\tb 2\n", "c 3\td 3\n"]


def test_a_text_has_its_size_and_no_line_twice(growth: Any, tmp_path: Path) -> None:
    bodies = ["one line\n\nanother", "x" * 400_000]
    rows = "".join(json.dumps({"body": body}) + "\n" for body in bodies)
    (tmp_path / "t.jsonl").write_text(rows, encoding="utf-8")
    lines = list(growth.text(str(tmp_path / "t.jsonl"), 1))
    assert 1_000_000 <= sum(map(len, lines)) < 1_500_000
    assert lines[:3] == ["one line 0\n", "\n", "another 1\n"]
    assert len(set(lines)) == len([line for line in lines if line != "\n"]) + 1


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="the peak is read from Linux's /proc")
def test_a_small_corpus_is_measured(growth: Any, tmp_path: Path) -> None:
    rows = [f"this is sentence {n}\tceci est la phrase {n}\n" for n in range(300)]
    assert growth.written(rows, tmp_path / "t.tsv") == {"rows": 300, "megabytes": 0.0}
    found = growth.measured(growth.HERE, "translate", tmp_path / "t.tsv", tmp_path / "out")
    assert found["rows"] == 300
    assert 10 < found["peak_mb"] < 1000
    assert 0 < found["cpu_seconds"] < 60
    assert not (tmp_path / "out").exists()


CLONE = """
import json
from pathlib import Path

def run(words):
    Path(words[4]).mkdir()
    print(json.dumps({"train": {"rows": 5}, "val": {"rows": 2}}))
    return 0
"""


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="the peak is read from Linux's /proc")
def test_the_package_is_that_of_the_clone(growth: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not that of the current folder, nor an installed one."""
    (tmp_path / "gpt2kit/cli").mkdir(parents=True)
    (tmp_path / "gpt2kit/__init__.py").write_text("", encoding="utf-8")
    (tmp_path / "gpt2kit/cli/app.py").write_text(CLONE, encoding="utf-8")
    monkeypatch.chdir(growth.HERE)
    assert growth.measured(tmp_path, "translate", tmp_path / "t.tsv", tmp_path / "out")["rows"] == 7
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit, match="exit code 1"):
        growth.measured(tmp_path / "empty", "translate", tmp_path / "t.tsv", tmp_path / "out")
