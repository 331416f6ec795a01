"""Weights in training are tensors of their own, and the file that they were read from is no longer in memory."""

from collections.abc import Callable
from pathlib import Path

import torch

from gpt2kit.model import hf
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.training.memory import leave_file


def test_weights_of_a_file_become_tensors_of_their_own(tiny_model: Callable[..., GPT2], tmp_path: Path) -> None:
    hf.save(tmp_path, tiny_model(), eos=0)
    model = hf.load(tmp_path)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    assert not all(parameter.untyped_storage().resizable() for parameter in model.parameters())
    leave_file(model)
    for name, parameter in model.named_parameters():
        assert parameter.untyped_storage().resizable()
        assert torch.equal(parameter, before[name])
        assert parameter.requires_grad


def test_other_weights_stay_where_they_are(tiny_model: Callable[..., GPT2]) -> None:
    model = tiny_model()
    places = [parameter.data_ptr() for parameter in model.parameters()]
    leave_file(model)
    assert [parameter.data_ptr() for parameter in model.parameters()] == places
