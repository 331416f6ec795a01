"""The state of a run: all of it comes back, and only where it belongs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.optim import Optimizer

from gpt2kit import tensor_files
from gpt2kit.config import TrainConfig
from gpt2kit.errors import DataError
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.training import optim, state

Build = Callable[..., GPT2]
IDS = torch.arange(12).view(2, 6)


class Run:
    """A model and its optimisers after a few steps."""

    def __init__(self, model: GPT2, optimizer: str = "adamw", average: bool = True, steps: int = 3) -> None:
        self.model = model
        self.optimizers: list[Optimizer] = optim.build(model, TrainConfig(optimizer=optimizer))
        self.average = optim.Average(model, 0.9) if average else None
        for step in range(steps):
            self.step(step)

    def step(self, number: int) -> None:
        self.model(IDS).square().mean().backward()
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        if self.average is not None:
            self.average.update(self.model, number)

    def save(self, path: Path, **progress: Any) -> None:
        state.save(path, self.model, self.average, self.optimizers, progress)

    def load(self, path: Path) -> dict[str, Any]:
        return state.load(path, self.model, self.average, self.optimizers)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_everything_comes_back(tiny_model: Build, tmp_path: Path, optimizer: str) -> None:
    before = Run(tiny_model(), optimizer)
    before.save(tmp_path / "state", step=3, best=None)
    after = Run(tiny_model(seed=9), optimizer, steps=1)
    assert after.load(tmp_path / "state") == {"step": 3, "best": None}
    for number in (3, 4):
        before.step(number)
        after.step(number)
    assert before.average is not None
    assert after.average is not None
    for one, other in zip(before.model.parameters(), after.model.parameters(), strict=True):
        assert torch.equal(one, other)
    for name, kept in before.average.weights.items():
        assert torch.equal(kept, after.average.weights[name])


def test_tensors_are_found_by_name(tiny_model: Build, tmp_path: Path) -> None:
    Run(tiny_model(), "muon").save(tmp_path / "state", step=3)
    tensors, metadata = tensor_files.read_tensors(tmp_path / "state")
    assert tensors["model.transformer.wte.weight"].shape == (23, 16)
    assert tensors["average.transformer.ln_f.bias"].shape == (16,)
    assert tensors["AdamW.transformer.wte.weight.exp_avg"].shape == (23, 16)
    assert tensors["Muon.transformer.h.1.mlp.c_fc.weight.momentum_buffer"].shape == (64, 16)
    assert metadata.keys() == {"progress", "numbers"}, "no generator: noise is drawn anew for each step"


def test_a_state_before_the_first_step(tiny_model: Build, tmp_path: Path) -> None:
    Run(tiny_model(), steps=0).save(tmp_path / "state", step=0)
    run = Run(tiny_model(seed=9), steps=0)
    assert run.load(tmp_path / "state") == {"step": 0}


def test_a_missing_state(tiny_model: Build, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="state is missing"):
        Run(tiny_model()).load(tmp_path / "state")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_state(tiny_model: Build, tmp_path: Path, share: float) -> None:
    run, path = Run(tiny_model()), tmp_path / "state"
    run.save(path)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(share * len(raw))])
    with pytest.raises(DataError, match="damaged"):
        run.load(path)


@pytest.mark.parametrize(
    "shape", [{"n_layer": 1}, {"n_layer": 3}, {"n_embd": 32}, {"n_positions": 24}, {"vocab": 24}, {"n_inner": 16}]
)
def test_the_state_of_another_model(tiny_model: Build, tmp_path: Path, shape: dict[str, int]) -> None:
    Run(tiny_model()).save(tmp_path / "state")
    run = Run(tiny_model(**shape))
    before = [parameter.detach().clone() for parameter in run.model.parameters()]
    with pytest.raises(DataError, match="not the state of this run's model"):
        run.load(tmp_path / "state")
    for parameter, wanted in zip(run.model.parameters(), before, strict=True):
        assert torch.equal(parameter, wanted), "nothing was loaded"


@pytest.mark.parametrize(
    ("saved", "loaded"),
    [
        ({"optimizer": "adamw"}, {"optimizer": "muon"}),
        ({"optimizer": "muon"}, {"optimizer": "adamw"}),
        ({"average": False}, {"average": True}),
        ({"average": True}, {"average": False}),
    ],
)
def test_the_state_of_another_recipe(
    tiny_model: Build, tmp_path: Path, saved: dict[str, Any], loaded: dict[str, Any]
) -> None:
    Run(tiny_model(), **saved).save(tmp_path / "state")
    with pytest.raises(DataError, match="not the state of this run's model and optimiser"):
        Run(tiny_model(), **loaded).load(tmp_path / "state")


def test_weights_are_no_state(tiny_model: Build, tmp_path: Path) -> None:
    from gpt2kit.model import hf

    run = Run(tiny_model())
    hf.save(tmp_path, run.model, eos=0)
    with pytest.raises(DataError, match="not the state"):
        run.load(tmp_path / "model.safetensors")


def test_a_failed_save_keeps_the_last_state(tiny_model: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, path = Run(tiny_model()), tmp_path / "state"
    run.save(path, step=3)
    raw = path.read_bytes()

    def crash(*args: object, **options: object) -> None:
        raise RuntimeError("killed while writing")

    monkeypatch.setattr("safetensors.torch.save_file", crash)
    with pytest.raises(RuntimeError):
        run.save(path, step=4)
    assert path.read_bytes() == raw
    assert list(tmp_path.iterdir()) == [path]
