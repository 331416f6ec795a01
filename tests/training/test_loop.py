"""The training loop: the events it reports, and that neither a signal nor a resume changes its numbers.

After a change that is meant to move the golden losses, write them again by

    python tests/training/test_loop.py
"""

import json
import math
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from gpt2kit.config import ModelConfig, TrainConfig
from gpt2kit.data.batches import Batch, RowBatches
from gpt2kit.data.store import Store, StoreWriter
from gpt2kit.errors import DataError
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.training.events import Ended, Start, StepDone, Stopped, Validation
from gpt2kit.training.loop import Loop
from gpt2kit.training.state import STATE_FILE
from gpt2kit.training.validate import SplitLoss, validation_loss

Rows = list[tuple[list[int], list[int]]]
Write = Callable[..., Store]

GOLDEN = Path(__file__).parent / "golden"
VOCAB, EOS = 40, 0
CPU = torch.device("cpu")

BASE = TrainConfig(
    steps=10, batch_tokens=96, lr=1e-2, muon_lr=1e-2, dtype="fp32", compile="off", device="cpu", samples=0
)


def model_of(seed: int = 0, dropout: float = 0.0) -> GPT2:
    torch.manual_seed(seed)
    return GPT2(ModelConfig(n_layer=2, n_head=2, n_embd=32, n_positions=32, dropout=dropout), VOCAB)


def rows_of(count: int = 60, seed: int = 0) -> Rows:
    """Sources of 1 to 12 letters and a separator; the target is the source backwards, up to its eighth letter."""
    rng = np.random.default_rng(seed)
    sources = [rng.integers(2, VOCAB, rng.integers(1, 13)).tolist() for _ in range(count)]
    return [([*source, 1], [*source[::-1][:8], EOS]) for source in sources]


def write(folder: Path, rows: Rows, split: str = "train") -> Store:
    with StoreWriter(folder, split, VOCAB) as writer:
        writer.add(rows)
    return Store(folder, split)


def weights_of(model: nn.Module) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in model.parameters()]


def up_to(step: int, events: Iterator[Any]) -> None:
    """Look at the events of a run until it has done a step."""
    while not isinstance(event := next(events), StepDone) or event.step < step:
        pass


class Kept:
    """What `save_weights` was called with."""

    def __init__(self) -> None:
        self.weights: list[list[Tensor]] = []

    def __call__(self, model: GPT2) -> None:
        self.weights.append(weights_of(model))


def losses(loop: Loop) -> list[float]:
    return [event.loss for event in loop.run(Kept()) if isinstance(event, StepDone)]


@pytest.fixture
def train(store_of: Write) -> Store:
    return store_of(rows_of())


@pytest.fixture
def val(store_of: Write) -> Store:
    return store_of(rows_of(20, seed=1), "val")


def independent_loss(model: GPT2, rows: Rows) -> float:
    """Nats per target token, row by row and without padding."""
    total = 0.0
    for prompt, target in rows:
        logits = model(torch.tensor([[*prompt, *target]]))[0]
        total += F.cross_entropy(logits[len(prompt) - 1 : -1], torch.tensor(target), reduction="sum").item()
    return total / sum(len(target) for _, target in rows)


def golden_losses(optimizer: str, folder: Path) -> list[float]:
    """Ten steps on rows, in fp32 on one thread."""
    torch.set_num_threads(1)
    config = replace(BASE, optimizer=optimizer, label_smoothing=0.1)
    return losses(Loop(model_of(dropout=0.1), write(folder, rows_of()), None, config, folder))


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_golden_losses(optimizer: str, tmp_path: Path) -> None:
    expected = json.loads((GOLDEN / f"rows-{optimizer}.json").read_text())
    assert golden_losses(optimizer, tmp_path) == pytest.approx(expected, rel=1e-3)


def test_every_epoch_sees_every_row_in_an_order_of_its_own(
    train: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[int]] = []

    collate = RowBatches.collate

    def recorded(batches: RowBatches, rows: NDArray[np.int64]) -> Batch:
        seen.append(rows.tolist())
        return collate(batches, rows)

    monkeypatch.setattr(RowBatches, "collate", recorded)
    loop = Loop(model_of(), train, None, replace(BASE, steps=0, epochs=2.0), tmp_path)
    losses(loop)
    del seen[:2]  # it was tried whether the longest batch fits
    first, second = seen[: len(loop.batches)], seen[len(loop.batches) :]
    for epoch in (first, second):
        assert sorted(row for rows in epoch for row in rows) == list(range(60))
    assert first != second


RESUMED = replace(BASE, steps=14, ema=0.9, evaluate_every=4, label_smoothing=0.1)


def numbers(events: Iterator[Any]) -> list[tuple[str, int, float]]:
    """All that a run reports of itself but its speed."""
    return [(type(e).__name__, e.step, e.loss) for e in events if isinstance(e, StepDone | Validation)]


def stopped_at(step: int, events: Iterator[Any]) -> tuple[list[tuple[str, int, float]], Stopped]:
    """The events of a run that gets a SIGTERM while its caller looks at a step."""
    seen: list[Any] = []
    for event in events:
        if isinstance(event, StepDone) and event.step == step:
            os.kill(os.getpid(), signal.SIGTERM)
        if isinstance(event, Stopped):
            return numbers(iter(seen)), event
        seen.append(event)
    raise AssertionError("the run did not stop")


@pytest.mark.parametrize("step", [1, 5, 8, 13])
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_resumed_run_equals_an_uninterrupted_one(
    train: Store, val: Store, tmp_path: Path, optimizer: str, step: int
) -> None:
    """Bit for bit, with dropout and averaged weights; also where it stops at the end of an epoch or at a validation."""
    config = replace(RESUMED, optimizer=optimizer)
    whole, whole_kept = Loop(model_of(dropout=0.2), train, val, config, tmp_path / "whole"), Kept()
    (tmp_path / "whole").mkdir()
    expected = numbers(whole.run(whole_kept))
    assert 8 < len(whole.batches) < 13, "some runs stop in the first epoch, some in the second"

    (tmp_path / "run").mkdir()
    handler = signal.getsignal(signal.SIGTERM)
    first, first_kept = Loop(model_of(dropout=0.2), train, val, config, tmp_path / "run"), Kept()
    before, event = stopped_at(step, first.run(first_kept))
    assert (event.step, event.signal) == (step, signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == handler, "afterwards signals mean what they meant"

    second, kept = Loop(model_of(seed=99, dropout=0.2), train, val, config, tmp_path / "run"), Kept()
    torch.manual_seed(12345)
    second.resume()
    torch.manual_seed(54321)
    assert before + numbers(second.run(kept)) == expected
    assert second.progress.best == whole.progress.best
    for mine, wanted in zip(weights_of(second.learner.model), weights_of(whole.learner.model), strict=True):
        assert torch.equal(mine, wanted)
    validated = [each for each in (4, 8, 12, 14) if each > step]
    assert len(whole_kept.weights) == 4
    assert len(kept.weights) == len(validated)
    assert len(first_kept.weights) == (4 - len(validated) or 1), "without a validation, those of the stop"
    for saved, expected_weights in zip(kept.weights, whole_kept.weights[-len(validated) :], strict=True):
        assert all(map(torch.equal, saved, expected_weights))


def test_a_killed_run_goes_on_from_its_last_save(train: Store, val: Store, tmp_path: Path) -> None:
    config = replace(RESUMED, save_every=3)
    expected = numbers(Loop(model_of(dropout=0.2), train, val, config, tmp_path).run(Kept()))
    events = Loop(model_of(dropout=0.2), train, val, config, tmp_path).run(Kept())
    for event in events:
        if isinstance(event, StepDone) and event.step == 8:
            break  # as if the process were gone: two steps after its save
    again = Loop(model_of(seed=9, dropout=0.2), train, val, config, tmp_path)
    again.resume()
    assert again.progress.step == 6
    assert numbers(again.run(Kept())) == [number for number in expected if number[1] > 6]


def test_the_first_event_of_a_resumed_run_says_where_it_stands(train: Store, tmp_path: Path) -> None:
    stopped_at(3, Loop(model_of(), train, None, BASE, tmp_path).run(Kept()))
    again = Loop(model_of(), train, None, BASE, tmp_path)
    again.resume()
    start = next(again.run(Kept()))
    assert isinstance(start, Start)
    assert (start.step, start.steps) == (3, 10)


def test_a_signal_at_the_last_step_does_not_undo_the_end(train: Store, tmp_path: Path) -> None:
    kept = Kept()
    events = []
    for event in Loop(model_of(), train, None, BASE, tmp_path).run(kept):
        events.append(event)
        if isinstance(event, StepDone) and event.step == 10:
            os.kill(os.getpid(), signal.SIGTERM)
    assert not any(isinstance(event, Stopped) for event in events)
    assert len(kept.weights) == 1


def test_a_second_signal_does_not_wait(train: Store, tmp_path: Path) -> None:
    events = Loop(model_of(), train, None, BASE, tmp_path).run(Kept())
    next(events)
    next(events)
    os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    events.close()  # type: ignore[attr-defined]  # a generator


def test_the_state_of_another_model_is_refused(train: Store, tmp_path: Path) -> None:
    stopped_at(1, Loop(model_of(), train, None, BASE, tmp_path).run(Kept()))
    other = GPT2(ModelConfig(n_layer=1, n_head=2, n_embd=32, n_positions=32), VOCAB)
    with pytest.raises(DataError, match="not the state of this run's model"):
        Loop(other, train, None, BASE, tmp_path).resume()


def test_a_truncated_state_is_refused(train: Store, tmp_path: Path) -> None:
    stopped_at(1, Loop(model_of(), train, None, BASE, tmp_path).run(Kept()))
    path = tmp_path / STATE_FILE
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match="damaged"):
        Loop(model_of(), train, None, BASE, tmp_path).resume()


def test_validation_is_measured_with_the_averaged_weights(train: Store, val: Store, tmp_path: Path) -> None:
    """They stay in place while the caller looks; training then goes on with the plain ones."""
    model, config, kept = model_of(), replace(BASE, ema=0.8, evaluate_every=4), Kept()
    average = weights_of(model)
    validated = []
    for event in Loop(model, train, val, config, tmp_path).run(kept):
        if isinstance(event, StepDone):
            decay = min(0.8, (event.step - 1) / (event.step + 9))
            pairs = zip(average, weights_of(model), strict=True)
            average = [decay * old + (1 - decay) * new for old, new in pairs]
        if isinstance(event, Validation):
            validated.append(event.step)
            for mine, wanted in zip(weights_of(model), average, strict=True):
                torch.testing.assert_close(mine, wanted, atol=1e-6, rtol=1e-5)
            assert validation_loss(model, RowBatches(val, 96, 0), CPU, "fp32") == pytest.approx(event.loss, rel=1e-5)
    assert validated == [4, 8, 10]
    assert len(kept.weights) == 3
    for mine, wanted in zip(kept.weights[-1], average, strict=True):
        torch.testing.assert_close(mine, wanted, atol=1e-6, rtol=1e-5)
    assert not torch.equal(weights_of(model)[0], kept.weights[-1][0])


class Mistake(Exception):
    """Of the caller."""


def before_the_validation(model: GPT2, events: Iterator[Any]) -> list[Tensor]:
    """The weights after the last step before the first validation, at which the events stand afterwards."""
    while not isinstance(event := next(events), Validation):
        if isinstance(event, StepDone):
            weights = weights_of(model)
    assert not torch.equal(weights_of(model)[0], weights[0]), "now the averaged ones are in place"
    return weights


def fail_at_a_validation(loop: Loop) -> None:
    for event in loop.run(Kept()):
        if isinstance(event, Validation):
            raise Mistake


@pytest.mark.parametrize("leave", ["throw", "close", "abandon", "for"])
def test_whoever_leaves_at_a_validation_has_the_last_weights(
    train: Store, val: Store, tmp_path: Path, leave: str
) -> None:
    """Not the averaged ones, which are in place as long as the caller looks at the event."""
    model, config = model_of(), replace(BASE, ema=0.8, evaluate_every=4)
    events = Loop(model, train, val, config, tmp_path).run(Kept())
    expected = before_the_validation(model, events)
    if leave == "throw":
        with pytest.raises(Mistake):
            events.throw(Mistake)  # type: ignore[attr-defined]  # a generator
    elif leave == "close":
        events.close()  # type: ignore[attr-defined]
    elif leave == "abandon":
        del events
    else:
        model = model_of()
        with pytest.raises(Mistake):
            fail_at_a_validation(Loop(model, train, val, config, tmp_path))
    for mine, wanted in zip(weights_of(model), expected, strict=True):
        assert torch.equal(mine, wanted)


@pytest.mark.parametrize("keep", ["best", "last"])
@pytest.mark.parametrize("step", [4, 10])
def test_an_error_while_weights_are_saved_leaves_the_last_ones(
    train: Store, val: Store, tmp_path: Path, keep: str, step: int
) -> None:
    """At the first validation, and at the end of a run without validations."""

    def full(model: GPT2) -> None:
        raise Mistake

    model, config = model_of(), replace(BASE, ema=0.8, evaluate_every=4, keep=keep)
    events = Loop(model, train, val if step == 4 else None, config, tmp_path).run(full)
    up_to(step, events)
    expected = weights_of(model)
    with pytest.raises(Mistake):
        list(events)
    for mine, wanted in zip(weights_of(model), expected, strict=True):
        assert torch.equal(mine, wanted)


def test_without_an_average_the_last_weights_are_saved(train: Store, val: Store, tmp_path: Path) -> None:
    loop, kept = Loop(model_of(), train, val, BASE, tmp_path), Kept()
    assert loop.learner.average is None
    list(loop.run(kept))
    assert len(kept.weights) == 10
    for mine, wanted in zip(kept.weights[-1], weights_of(loop.learner.model), strict=True):
        assert torch.equal(mine, wanted)


@pytest.mark.parametrize("ema", [0.0, 0.5])
def test_the_best_weights_are_kept(store_of: Write, tmp_path: Path, ema: float) -> None:
    """What is learned contradicts the validation split, so that its loss falls first and rises later."""
    train = store_of([([5, 1], [7, 8, EOS]), ([6, 1], [7, 9, EOS])])
    val = store_of([([5, 1], [8, 7, EOS]), ([6, 1], [9, 7, EOS])], "val")
    config = replace(BASE, steps=30, evaluate_every=1, keep="best", ema=ema)
    model, kept = model_of(), Kept()
    validations = [e for e in Loop(model, train, val, config, tmp_path).run(kept) if isinstance(e, Validation)]
    lowest = math.inf
    for event in validations:
        assert event.best == (event.loss < lowest)
        lowest = min(lowest, event.loss)
    assert 1 < len(kept.weights) == sum(event.best for event in validations) < 30
    assert validations[-1].loss > lowest + 0.1
    with torch.no_grad():
        for parameter, best in zip(model.parameters(), kept.weights[-1], strict=True):
            parameter.copy_(best)
    assert validation_loss(model, RowBatches(val, 96, 0), CPU, "fp32") == pytest.approx(lowest, rel=1e-5)


@pytest.mark.parametrize("stop", [0, 7])
def test_patience_ends_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int) -> None:
    """After three validations in a row that were not the lowest, also where the run was stopped between them."""
    losses = iter([3.0, 2.0, 2.5, 2.0, 2.7, 1.0])
    monkeypatch.setattr(Loop, "_validation_loss", lambda self, ends: SplitLoss([(next(losses), 1.0)], 1, 1, 1.0))
    store = write(tmp_path, rows_of())
    config = replace(BASE, steps=100, evaluate_every=2, save_every=1, patience=3, keep="best")
    work, kept = Loop(model_of(), store, store, config, tmp_path), Kept()
    if stop:
        up_to(stop, work.run(kept))
        work = Loop(model_of(), store, store, config, tmp_path)
        work.resume()
    events = list(work.run(kept))
    assert events[-1] == Ended(10, 3)
    assert work.progress.steps == work.progress.step == 10
    assert len(kept.weights) == 2, "those of the first and the second validation"


def test_best_without_a_validation_split_is_the_last(train: Store, tmp_path: Path) -> None:
    kept = Kept()
    list(Loop(model_of(), train, None, replace(BASE, keep="best"), tmp_path).run(kept))
    assert len(kept.weights) == 1


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_three_examples_are_learned_by_heart(store_of: Write, tmp_path: Path, optimizer: str) -> None:
    train = store_of([([5, 6, 1], [7, 8, EOS]), ([6, 5, 1], [9, EOS]), ([5, 5, 1], [8, 8, 8, 7, EOS])])
    found = losses(Loop(model_of(), train, None, replace(BASE, steps=60, optimizer=optimizer), tmp_path))
    assert found[-1] < 0.05


def test_what_is_said_at_the_start_and_at_each_step(train: Store, val: Store, tmp_path: Path) -> None:
    loop = Loop(model_of(), train, val, replace(BASE, evaluate_every=5), tmp_path)
    events = list(loop.run(Kept()))
    start, steps = events[0], [event for event in events if isinstance(event, StepDone)]
    assert start == Start(
        0, 10, len(loop.batches), loop.learner.model.parameter_count(), loop.batches.padding, "cpu", "fp32", False
    )
    assert [event.step for event in steps] == list(range(1, 11))
    assert steps[-1].epoch == pytest.approx(10 / len(loop.batches))
    assert [event.rate for event in steps] == sorted((event.rate for event in steps), reverse=True)
    assert steps[0].rate == 1e-2
    assert all(event.tokens_per_second > 0 for event in steps)
    assert steps[-1].seconds_left == 0
    assert [event.step for event in events if isinstance(event, Validation)] == [5, 10]


def test_a_split_without_targets(store_of: Write, train: Store, tmp_path: Path) -> None:
    empty = store_of([([1, 2, 3], [])], "empty")
    with pytest.raises(DataError, match="no target tokens"):
        losses(Loop(model_of(), empty, None, BASE, tmp_path))
    with pytest.raises(DataError, match="validation split has no target tokens"):
        losses(Loop(model_of(), train, empty, BASE, tmp_path))


if __name__ == "__main__":
    for chosen in ("adamw", "muon"):
        with tempfile.TemporaryDirectory() as scratch:
            text = json.dumps(golden_losses(chosen, Path(scratch)), indent=1)
        (GOLDEN / f"rows-{chosen}.json").write_text(text + "\n", encoding="utf-8")
