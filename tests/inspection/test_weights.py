"""The count of every weight."""

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from gpt2kit.config import SIZES, ModelConfig
from gpt2kit.inspection.weights import totals, weights_of
from gpt2kit.model.gpt2 import GPT2


def shaped(vocab: int, labels: tuple[str, ...] = (), **shape: object) -> GPT2:
    with torch.device("meta"):
        return GPT2(ModelConfig(**shape), vocab, labels)  # type: ignore[arg-type]  # keys of the config


def test_the_smallest_gpt2_has_124_439_808() -> None:
    weights = weights_of(shaped(50257, size="gpt2"))
    assert sum(weight.size for weight in weights) == 124_439_808
    parts = totals(weights)
    assert parts["embeddings"] == 50257 * 768 + 1024 * 768
    assert {parts[f"block {number}"] for number in range(1, 13)} == {7_087_872}
    assert parts["end"] == 2 * 768
    assert sum(parts.values()) == 124_439_808


@pytest.mark.parametrize("size", SIZES)
def test_every_released_size_is_counted_as_hugging_face_counts_it(size: str) -> None:
    shape = SIZES[size]
    with torch.device("meta"):
        theirs = GPT2LMHeadModel(GPT2Config(**shape))  # type: ignore[arg-type]  # keys of theirs, too
    assert sum(weight.size for weight in weights_of(shaped(50257, size=size))) == theirs.num_parameters()


def test_shapes_are_those_of_hugging_face() -> None:
    with torch.device("meta"):
        theirs = GPT2LMHeadModel(GPT2Config())
    weights = weights_of(shaped(50257, size="gpt2"))
    assert sorted(weight.shape for weight in weights) == sorted(tuple(each.shape) for each in theirs.parameters())


def test_each_weight_has_its_shape_and_a_meaning() -> None:
    model = shaped(50, labels=("a", "b"), n_layer=4, attention="full,relative,local,compressed", n_head=2, n_embd=8)
    weights = weights_of(model)
    assert [sorted(weight.shape) for weight in weights] == [sorted(each.shape) for each in model.parameters()]
    assert sum(weight.size for weight in weights) == model.parameter_count()
    assert all(weight.meaning for weight in weights)
    assert {weight.part for weight in weights} == {"embeddings", "block 1", "block 2", "block 3", "block 4", "end"}
    assert [weight.name for weight in weights if weight.part == "end"] == ["ln_f.weight", "ln_f.bias", "score.weight"]


def test_a_head_of_its_own_is_counted() -> None:
    weights = weights_of(shaped(50, n_layer=1, n_head=2, n_embd=8, tie_word_embeddings=False))
    assert [(weight.name, weight.size) for weight in weights[-1:]] == [("lm_head.weight", 50 * 8)]
    assert totals(weights)["end"] == 2 * 8 + 50 * 8
    assert weights[-1].meaning.startswith("the head: ")
