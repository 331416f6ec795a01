"""Benchmarks of whole commands: their figures, and how commands are started."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.conftest import benchmark


@pytest.fixture(scope="module")
def in_turn() -> Iterator[Any]:
    with benchmark("in_turn") as script:
        yield script


def test_figures_are_medians_of_the_rounds(in_turn: Any) -> None:
    seconds = {"torch": [1.0, 2.0, 4.0], "ours": [0.5, 3.0, 4.0]}
    assert in_turn.figures(seconds, "torch") == {
        "torch": {"seconds": 2.0, "spread": [1.0, 4.0], "ratio to torch": 1.0},
        "ours": {"seconds": 3.0, "spread": [0.5, 4.0], "ratio to torch": 1.0},
    }


def test_commands_are_started_in_turn(in_turn: Any, tmp_path: Path) -> None:
    started = tmp_path / "started"
    write = f"import sys; print(sys.argv[1]); open({str(started)!r}, 'a').write(sys.argv[1])"
    commands = {name: [sys.executable, "-c", write, name] for name in "ab"}
    seconds, printed = in_turn.take_turns(commands, 2)
    assert {name: len(own) for name, own in seconds.items()} == {"a": 2, "b": 2}
    assert printed == {"a": "a\n", "b": "b\n"}
    assert started.read_text() == "ababab"


def test_a_command_that_fails_is_named(in_turn: Any) -> None:
    with pytest.raises(SystemExit, match=r"bad ended with code 3: no$"):
        in_turn.take_turns({"bad": [sys.executable, "-c", "import sys; sys.stderr.write('no'); sys.exit(3)"]}, 1)
