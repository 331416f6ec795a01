"""What a page contains of a run: its model with merged adapters, and no more bytes than the number type needs."""

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from gpt2kit.config import ModelConfig
from gpt2kit.live.content import DTYPES, content, weights
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.selftest.run_under_test import opened

if TYPE_CHECKING:
    from tests.live.conftest import EngineInNode


def test_a_run_with_adapters_answers_as_the_merged_model(engine: "EngineInNode", run_of: Callable[..., Path]) -> None:
    subject = opened(run_of("translate", "train.lora=2", init=run_of("translate")))
    assert subject.base
    ids = [5, 17, 3, 0, 9]
    found = engine(
        "(run, ids) => { const model = new Model(run); return model.prefill(model.newCache(), ids); }",
        content(subject, "f32"),
        ids,
    )
    with torch.no_grad():
        expected = subject.model(torch.tensor([ids]))[0, -1]
    np.testing.assert_allclose(found, expected, atol=1e-4 * float(expected.std()))


def test_the_configuration_is_complete(tiny_model: Callable[..., GPT2]) -> None:
    model = tiny_model(n_layer=2, attention="local,compressed", vocab=31)
    config: dict[str, Any] = json.loads(json.dumps(weights(model, "f16")["config"]))
    assert config.keys() == {field.name for field in fields(ModelConfig)} | {"kinds", "vocab_size", "labels"}
    assert (config["kinds"], config["vocab_size"], config["labels"]) == (["local", "compressed"], 31, [])
    assert (config["n_inner"], config["block"]) == (64, 256)


@pytest.mark.parametrize("dtype", DTYPES)
def test_matrices_have_the_number_type_and_vectors_all_bits(tiny_model: Callable[..., GPT2], dtype: str) -> None:
    model = tiny_model(attention="compressed,relative")
    tensors = weights(model, dtype)["tensors"]
    assert list(tensors) == list(model.state_dict())
    for name, values in model.state_dict().items():
        assert tensors[name]["shape"] == list(values.shape)
        assert tensors[name]["kind"] == (dtype if values.dim() > 1 else "f32")
        assert ("scales" in tensors[name]) == (tensors[name]["kind"] == "int8")
    size = {"f32": 4, "f16": 2, "int8": 1}[dtype]
    assert len(tensors["transformer.wte.weight"]["data"]) == -(-23 * 16 * size // 3) * 4
