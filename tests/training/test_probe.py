"""The micro-batch that fits and the time that a run takes are found before its first step, which changes no number."""

import gc
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.optim import Optimizer

from gpt2kit.config import ModelConfig, TrainConfig
from gpt2kit.data.batches import RowBatches
from gpt2kit.data.store import Store
from gpt2kit.errors import OutOfMemory
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.training import memory, probe
from gpt2kit.training.events import Fitted, StepDone
from gpt2kit.training.loop import Loop

Write = Callable[..., Store]
VOCAB = 40
BASE = TrainConfig(steps=6, batch_tokens=128, lr=1e-2, dtype="fp32", compile="off", device="cpu", ema=0.9)

REFUSALS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes."),
    MemoryError(),
]


@pytest.fixture(autouse=True)
def little_to_collect() -> None:
    """Garbage is collected after each refusal: what was imported is none."""
    gc.freeze()


@pytest.fixture
def train(store_of: Write) -> Store:
    """Rows of one length, so that every batch has eight."""
    rng = np.random.default_rng(0)
    return store_of([([*rng.integers(2, VOCAB, 13).tolist(), 1], [3, 4, 0]) for _ in range(80)], vocab=VOCAB)


class Small(GPT2):
    """A model on a machine where no more than so many rows fit."""

    def __init__(self, fits: int, refusal: Exception = REFUSALS[0], dropout: float = 0.1) -> None:
        torch.manual_seed(0)
        super().__init__(ModelConfig(n_layer=1, n_head=2, n_embd=16, n_positions=32, dropout=dropout), VOCAB)
        self.fits, self.refusal, self.seen = fits, refusal, list[int]()

    def hidden(self, ids_BT: Tensor, left_out_BT: Tensor | None = None, positions_N: Tensor | None = None) -> Tensor:
        self.seen.append(len(ids_BT))
        if len(ids_BT) > self.fits:
            raise self.refusal
        return super().hidden(ids_BT, left_out_BT, positions_N)


def events_of(model: GPT2, train: Store, folder: Path, **knobs: Any) -> list[Any]:
    return list(Loop(model, train, None, replace(BASE, **knobs), folder).run(lambda model: None))


def losses(events: list[Any]) -> list[float]:
    return [event.loss for event in events if isinstance(event, StepDone)]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: type(refusal).__name__)
@pytest.mark.parametrize(("fits", "accumulate"), [(8, 1), (7, 2), (4, 2), (3, 4), (1, 8)])
def test_the_batch_is_halved_until_it_fits(
    train: Store, tmp_path: Path, fits: int, accumulate: int, refusal: Exception
) -> None:
    """The numbers are those of a run that was told so; what was tried before the first step plays no part."""
    model = Small(fits, refusal)
    found = events_of(model, train, tmp_path)
    halved = accumulate.bit_length() - 1
    assert model.seen[:halved] == [8 >> times for times in range(halved)]
    assert set(model.seen[halved:]) == {8 // accumulate}
    assert [event.accumulate for event in found if isinstance(event, Fitted)] == [accumulate] * (accumulate > 1)
    told = events_of(Small(8), train, tmp_path, accumulate=accumulate)
    assert losses(found) == losses(told)
    assert not [event for event in told if isinstance(event, Fitted)]


def test_when_not_even_one_row_fits(train: Store, tmp_path: Path) -> None:
    model = Small(0)
    with pytest.raises(OutOfMemory) as caught:
        events_of(model, train, tmp_path)
    assert model.seen == [8, 4, 2, 1]
    for flag in ("train.accumulate (now 8)", "train.batch_tokens", "train.checkpointing", "model.n_layer"):
        assert flag in str(caught.value)


@pytest.mark.parametrize(("fits", "failures"), [(8, 0), (4, 1), (1, 3)])
def test_garbage_is_collected_after_a_failure_only(
    train: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fits: int, failures: int
) -> None:
    """A full collection costs a sixth of a second; when the first attempt fits, nothing needs it."""
    loop, collected = Loop(Small(fits), train, None, BASE, tmp_path), list[int]()
    monkeypatch.setattr(gc, "collect", lambda: collected.append(1))
    list(loop.fit())
    assert len(collected) == failures


def test_another_error_is_not_taken_for_it(train: Store, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        events_of(Small(0, RuntimeError("mat1 and mat2 shapes cannot be multiplied")), train, tmp_path)
    assert not memory.is_out_of_memory(ValueError("not enough memory"))


def test_a_resumed_run_keeps_what_was_found(train: Store, tmp_path: Path) -> None:
    """Also where all of it would fit by now: other micro-batches would have other noise."""
    whole = losses(events_of(Small(3), train, tmp_path))
    before: list[Any] = []
    for event in Loop(Small(3), train, None, replace(BASE, save_every=2), tmp_path).run(lambda model: None):
        before.append(event)
        if isinstance(event, StepDone) and event.step == 3:
            break  # as if the process were gone
    model = Small(8)
    again = Loop(model, train, None, replace(BASE, save_every=2), tmp_path)
    again.resume()
    after = list(again.run(lambda model: None))
    assert [event.accumulate for event in after if isinstance(event, Fitted)] == [4]
    assert set(model.seen) == {2}, "nothing is tried again"
    assert losses(before)[:2] + losses(after) == whole


def test_what_the_optimisers_will_need_is_held_while_it_is_tried(
    train: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two moments a weight of AdamW, one of Muon; none that are there already. The weights are as they were."""
    held: list[int] = []
    reserve_moments = probe.reserve_moments

    def counted(optimizers: list[Optimizer]) -> list[Tensor]:
        found = reserve_moments(optimizers)
        held.extend(tensor.numel() for tensor in found)
        return found

    monkeypatch.setattr(probe, "reserve_moments", counted)
    loop = Loop(Small(8), train, None, replace(BASE, optimizer="muon"), tmp_path)
    before = {name: parameter.detach().clone() for name, parameter in loop.learner.model.named_parameters()}
    matrices = sum(p.numel() for name, p in loop.learner.model.named_parameters() if ".h." in name and p.dim() == 2)
    list(loop.fit())
    assert sum(held) == 2 * loop.learner.model.parameter_count() - matrices
    for name, parameter in loop.learner.model.named_parameters():
        assert torch.equal(parameter, before[name])
        assert parameter.grad is None
    assert not any(optimizer.state for optimizer in loop.learner.optimizers)


@pytest.mark.parametrize("broken", [False, True])
def test_measuring_leaves_all_as_it_was(train: Store, tmp_path: Path, broken: bool) -> None:
    """The weights, their average and the optimisers; also after an error in the middle of it."""
    loop = Loop(Small(8), train, train, replace(BASE, optimizer="muon"), tmp_path)
    learner, average = loop.learner, loop.learner.average
    assert average is not None
    weights = {name: parameter.detach().clone() for name, parameter in learner.model.named_parameters()}
    computed: list[int] = []
    learner.model.transformer.ln_f.register_forward_pre_hook(lambda *_: computed.append(1))
    if broken:
        loop.validation = RowBatches(train, 16, 0)
        loop.validation.collate = None  # type: ignore[assignment, method-assign]  # whoever calls it fails
        with pytest.raises(TypeError):
            loop.measure(widths=2)
    else:
        measured = loop.measure(widths=2, times=3)
        assert len(measured.steps) == 3
        assert min(measured.steps) > 0
        assert measured.validation > 0
    assert len(computed) == (2 if broken else 3 * (2 + 2))
    for name, parameter in learner.model.named_parameters():
        assert torch.equal(parameter, weights[name])
        assert torch.equal(average.weights[name], weights[name])
    assert not any(optimizer.state for optimizer in learner.optimizers)
    assert loop.progress.step == 0


SCRIPT = """
import json, resource, sys
from pathlib import Path
import torch
from gpt2kit.config import ModelConfig, TrainConfig
from gpt2kit.data.store import Store
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.training.events import Fitted, StepDone
from gpt2kit.training.loop import Loop

folder = Path(sys.argv[1])

def run(accumulate, megabytes):
    torch.manual_seed(0)
    model = GPT2(ModelConfig(n_layer=4, n_head=2, n_embd=64, n_positions=64, dropout=0.1), 40)
    knobs = {"steps": 2, "batch_tokens": 4096, "dtype": "fp32", "compile": "off", "device": "cpu"}
    loop = Loop(model, Store(folder, "train"), None, TrainConfig(accumulate=accumulate, **knobs), folder)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limit = taken + megabytes * 2**20 if megabytes else resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    losses = []
    for event in loop.run(lambda model: None):
        accumulate = event.accumulate if isinstance(event, Fitted) else accumulate
        losses += [event.loss] if isinstance(event, StepDone) else []
    return accumulate, losses

limited = run(1, megabytes=100)
sys.stdout.write(json.dumps([limited, run(limited[0], megabytes=0)]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space")
def test_a_real_limit(store_of: Write, tmp_path: Path, fresh: Callable[..., str]) -> None:
    """A batch takes some 150 MB; a process that may have two thirds of that finds what fits, and trains."""
    rng = np.random.default_rng(0)
    store_of([([*rng.integers(2, VOCAB, 60).tolist(), 1], [3, 4, 0]) for _ in range(128)], vocab=VOCAB)
    limited, told = json.loads(fresh(SCRIPT, str(tmp_path)))
    assert limited[0] in (2, 4, 8)
    assert limited == told
