"""The curves hold what the events said; a resumed run takes back what it does again."""

import sys
from pathlib import Path
from typing import Any

import pytest

from gpt2kit.errors import MachineError
from gpt2kit.training.events import Start, StepDone, Validation
from gpt2kit.training.tensorboard import FOLDER, Board


def step(number: int, loss: float) -> StepDone:
    return StepDone(number, 9, 1.0, loss, 0.125, 1000.0, 60.0, 0.5)


def curves(run: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read: Any = EventAccumulator(str(run / FOLDER))
    read.Reload()
    return {name: [(one.step, one.value) for one in read.Scalars(name)] for name in read.Tags()["scalars"]}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of tensorboard's own imports
def test_what_was_said_is_what_is_drawn(tmp_path: Path) -> None:
    with Board(tmp_path, 0) as board:
        board.show(Start(0, 9, 1, 1, 0.0, "cpu", "fp32", False))
        for number in range(1, 6):
            board.show(step(number, 10.0 - number))
        board.show(Validation(5, 2.5, True))
    with Board(tmp_path, 3) as board:
        board.show(step(4, 1.0))
    found = curves(tmp_path)
    assert found["loss/train"] == [(1, 9.0), (2, 8.0), (3, 7.0), (4, 1.0)]
    assert found["rate"][0] == (1, 0.125)
    assert found["speed/share of peak"][0] == (1, 0.5)
    assert found["speed/tokens per second"][0] == (1, 1000.0)
    assert "loss/validation" in found


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(MachineError, match=r"pip install 'gpt2kit\[tensorboard\]'"):
        Board(tmp_path, 0)
    assert not (tmp_path / FOLDER).exists()
