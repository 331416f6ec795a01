"""The weights that a run folder holds: of the newest or the best validation, and without one those of the stop."""

import math
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch

from gpt2kit.config import ModelConfig, TrainConfig
from gpt2kit.data.batches import RowBatches
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.training.distributed import ProcessGroup
from gpt2kit.training.kept import KeptWeights
from gpt2kit.training.plan import Plan
from gpt2kit.training.progress import Progress
from gpt2kit.training.step import Learner
from gpt2kit.training.validate import SplitLoss

CPU = torch.device("cpu")


@dataclass
class Folder:
    """The values of one weight in every model that was saved."""

    values: list[float] = field(default_factory=list)

    def __call__(self, model: GPT2) -> None:
        self.values.append(model.transformer.ln_f.bias[0].item())


@pytest.fixture
def learner(store_of: Any) -> Learner:
    """A learner whose averaged weights are told apart from its own: 7 and 1."""
    torch.manual_seed(0)
    model = GPT2(ModelConfig(n_layer=1, n_head=2, n_embd=16, n_positions=32), 40)
    config = TrainConfig(steps=9, batch_tokens=96, dtype="fp32", compile="off", device="cpu", ema=0.9)
    learner = Learner(model, RowBatches(store_of([([1], [5, 0])] * 9, vocab=40), 96, 0), config, ProcessGroup(CPU))
    assert learner.average is not None
    with torch.no_grad():
        model.transformer.ln_f.bias.fill_(1.0)
        learner.average.weights["transformer.ln_f.bias"].fill_(7.0)
    return learner


def progress_at(step: int, best: float) -> Progress:
    return Progress(Plan(9), 3, step=step, best=best)


def found(*losses: float, of: int = 1) -> SplitLoss:
    """A validation on the first of some batches, each with one target."""
    return SplitLoss([(loss, 1.0) for loss in losses], len(losses), of, len(losses) / of)


@pytest.mark.parametrize(("keep", "saved"), [("last", 3), ("best", 1)])
def test_a_validation_saves_the_weights_that_it_was_made_with(learner: Learner, keep: str, saved: int) -> None:
    folder = Folder()
    kept = KeptWeights(learner, keep, folder)
    for step, loss in ((3, 2.5), (6, 2.75), (9, 3.0)):
        with learner.averaged():
            assert kept.validated(progress_at(step, best=math.inf if step == 3 else 2.5), found(loss)) == (step == 3)
    assert folder.values == [7.0] * saved
    kept.stopped(progress_at(9, best=2.5))
    kept.finished(progress_at(9, best=2.5))
    assert folder.values == [7.0] * saved, "they are there already"


@pytest.mark.parametrize("keep", ["last", "best"])
@pytest.mark.parametrize("end", ["stopped", "finished"])
def test_without_a_validation_the_current_weights_are_saved(learner: Learner, keep: str, end: str) -> None:
    """The averaged ones, and the model goes on with its own."""
    folder = Folder()
    getattr(KeptWeights(learner, keep, folder), end)(progress_at(2, best=math.inf))
    assert folder.values == [7.0]
    assert learner.model.transformer.ln_f.bias[0].item() == 1.0


def test_the_last_weights_of_a_killed_process_are_saved_by_the_next(learner: Learner) -> None:
    """It was killed between its last state and its last weights."""
    for keep, saved in (("last", [7.0]), ("best", [])):
        folder = Folder()
        KeptWeights(learner, keep, folder).finished(progress_at(9, best=2.5))
        assert folder.values == saved


@pytest.mark.parametrize(("keep", "best"), [("last", 2.5), ("best", math.inf)])
def test_a_stop_replaces_the_weights_of_later_steps(learner: Learner, keep: str, best: float) -> None:
    """The process that took these was killed before it saved a state, and the log forgets them."""
    folder, progress = Folder(), progress_at(4, best=2.5)
    KeptWeights(learner, keep, folder, outdated=True).stopped(progress)
    assert folder.values == [7.0]
    assert progress.best == best, "with best, the weights with the lowest loss are gone"


@pytest.mark.parametrize("keep", ["last", "best"])
def test_a_validation_replaces_the_weights_of_later_steps(learner: Learner, keep: str) -> None:
    folder = Folder()
    kept = KeptWeights(learner, keep, folder, outdated=True)
    assert kept.validated(progress_at(4, best=2.5), found(2.25))
    kept.stopped(progress_at(5, best=2.25))
    assert len(folder.values) == 1


def test_only_the_main_process_saves(learner: Learner, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder()
    monkeypatch.setattr(learner, "group", ProcessGroup(CPU, rank=1, size=2))
    kept = KeptWeights(learner, "last", folder)
    assert kept.validated(progress_at(3, best=math.inf), found(2.5))
    kept.finished(progress_at(9, best=2.5))
    assert folder.values == []


@pytest.mark.parametrize(("part", "best"), [(3.0, False), (1.5, True)])
def test_a_validation_that_was_cut_short_is_compared_on_its_own_batches(
    learner: Learner, part: float, best: bool
) -> None:
    """The first batch is an easy one, which is why a loss on it alone is below the mean of all."""
    folder, progress = Folder(), progress_at(3, best=math.inf)
    kept = KeptWeights(learner, "best", folder)
    assert kept.validated(progress, found(2.0, 4.0, 6.0, of=3))
    assert kept.validated(progress, found(part, of=3)) == best
    assert (progress.best, progress.waited) == (4.0, 1 - best), "the lowest loss is that of a whole validation"
    assert len(folder.values) == 1 + best
    assert kept.validated(progress, found(1.9, 9.0, of=3)) is False, "compared with the whole one, not with the part"
    assert kept.validated(progress, found(2.0, 4.0, 5.7, of=3))
    assert progress.best == 3.9


def test_a_resumed_run_knows_only_the_lowest_loss(learner: Learner) -> None:
    """So that one which was cut short cannot be compared with it."""
    kept = KeptWeights(learner, "best", Folder())
    assert not kept.validated(progress_at(6, best=4.0), found(4.5))
    assert not kept.validated(progress_at(6, best=4.0), found(3.5, of=3))
    assert kept.validated(progress_at(6, best=4.0), found(3.5))


def test_a_part_is_better_than_nothing(learner: Learner) -> None:
    """A budget without time for a whole validation: the newest weights are kept."""
    folder, progress = Folder(), progress_at(3, best=math.inf)
    kept = KeptWeights(learner, "best", folder)
    assert kept.validated(progress, found(3.0, of=3))
    assert kept.validated(progress, found(3.5, of=3))
    kept.finished(progress)
    assert (progress.best, len(folder.values)) == (math.inf, 2)
