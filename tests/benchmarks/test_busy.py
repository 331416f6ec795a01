"""The benchmark of busy machines: its load ends, the programs differ by their environment only, and the table."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.conftest import benchmark


def test_the_busy_processes_end_also_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def start(*arguments: Any, **named: Any) -> subprocess.Popen[bytes]:
        started.append(popen(*arguments, **named))
        return started[-1]

    with benchmark("busy") as busy:
        monkeypatch.setattr(busy.subprocess, "Popen", start)
        with pytest.raises(KeyboardInterrupt):
            stopped_beside(busy, started)
    assert all(process.poll() is not None for process in started)
    assert len(started) == 2


def stopped_beside(busy: Any, started: list[subprocess.Popen[bytes]]) -> None:
    with busy.busy(2):
        assert [process.poll() for process in started] == [None, None]
        raise KeyboardInterrupt


def test_only_the_first_program_may_choose(tmp_path: Path) -> None:
    with benchmark("busy") as busy:
        chosen, *fixed, trainer = busy.players("training", {}, 2, 9.0)
        assert set(chosen.environment.values()) == {None}
        assert chosen.warm_seconds == 9.0
        for player in fixed:
            assert player.environment["OMP_NUM_THREADS"] == str(player.settings.get("threads", 2))
            waiting = {player.environment[name] for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
            assert waiting in ({None, "300000"}, {None, "PASSIVE"})
        assert trainer.program == "trainer"
        assert [player.name for player in busy.players("decoding", {}, 2, 9.0)] == [
            "chosen",
            *(player.name for player in fixed),
        ]


def test_the_table() -> None:
    line = {"row": "training", "busy": 1, "tokens_per_second": {"chosen": 3100.0, "one thread": 3300.0}}
    with benchmark("busy") as busy:
        head, row = busy.table([line | {"of_best_fixed": 0.939}]).splitlines()
    assert head.split() == ["busy", "chosen", "spinning", "sleeping", "one", "thread", "Trainer", "of", "best", "fixed"]
    assert row.split() == ["training", "1", "3,100", "-", "-", "3,300", "-", "0.939"]
