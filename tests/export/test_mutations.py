"""Errors of a converter that rounding to few bits would hide: the proof of every format finds them."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gpt2kit.export import formats
from gpt2kit.export.ctranslate2 import EXACT_INT8, CTranslate2, Generator
from gpt2kit.export.proof import Proof
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.overwriting import FolderKind
from gpt2kit.selftest.logits import apart, full
from gpt2kit.selftest.run_under_test import RunUnderTest, opened

ROUNDED = {"safetensors": "bf16", "ctranslate2": "int8", "gguf": "q8_0"}


def without_bias(model: GPT2) -> None:
    torch.nn.init.zeros_(next(iter(model.transformer.blocks())).mlp.c_proj.bias)


def without_last_position(model: GPT2) -> None:
    torch.nn.init.zeros_(model.transformer.wpe.weight[-1])


def without_a_token(model: GPT2) -> None:
    torch.nn.init.zeros_(model.transformer.wte.weight[-1])


@pytest.fixture(scope="module")
def subject(by_heart: Path) -> RunUnderTest:
    return opened(by_heart)


@pytest.fixture(scope="module")
def proof(subject: RunUnderTest) -> Proof:
    return Proof(subject)


@pytest.mark.parametrize("to", ROUNDED)
@pytest.mark.parametrize("change", [None, without_bias, without_last_position, without_a_token])
def test_what_is_written_must_be_the_run(
    subject: RunUnderTest, proof: Proof, tmp_path: Path, to: str, change: Callable[[GPT2], None] | None
) -> None:
    target, dtype, model = formats.target(formats.find(to)), ROUNDED[to], deepcopy(subject.model)
    if change is not None:
        change(model)
    path = tmp_path / "out"
    if isinstance(target.kind, FolderKind):
        path.mkdir()
    target.write(replace(subject, model=model), path, dtype)
    found = list(proof.of(target.readers(subject, path, dtype), dtype, target.stored(subject.model, dtype)))
    exact = [check.passed for check in found if check.name == f"logits equal those of the run's weights in {dtype}"]
    assert exact == [change is None]
    assert all(check.passed is not False for check in found) == (change is None)


def test_scaled_attention_is_rounded_as_ctranslate2_stores_it(
    subject: RunUnderTest, tiny_model: Callable[..., GPT2], tmp_path: Path
) -> None:
    model = tiny_model(subject.model.vocab_size, n_layer=3, scale_attn_by_inverse_layer_idx=True)
    CTranslate2().write(replace(subject, model=model), tmp_path, "int8")
    ids = list(range(5, 25))
    found = Generator(tmp_path, 48, "float32").logits(ids)
    with torch.no_grad():
        assert (
            apart(found, full(CTranslate2().stored(model, "int8"), ids)) < EXACT_INT8 < apart(found, full(model, ids))
        )
