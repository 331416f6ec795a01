"""The shared knobs: their defaults hold, and every value out of range is refused in words."""

import dataclasses
import math
from dataclasses import fields, replace
from typing import Any

import pytest

from gpt2kit.config import SIZES, GenerateConfig, ModelConfig, TrainConfig, duration

SECTIONS = (ModelConfig, TrainConfig, GenerateConfig)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_knob_has_a_default_a_meaning_and_no_way_to_change_it(section: Any) -> None:
    config = section()
    for each in fields(section):
        assert each.metadata["help"], each.name
        choices = each.metadata["choices"]
        assert not choices or each.default in choices, each.name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(config, each.name, each.default)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        *(({name: 0}, "at least 1") for name in ("n_layer", "n_head", "n_embd", "n_positions")),
        ({"n_layer": -1}, "at least 1"),
        ({"n_head": 3, "n_embd": 16}, "n_head = 3 does not divide n_embd = 16"),
        ({"n_inner": -1}, "n_inner"),
        ({"dropout": 1.0}, "dropout"),
        ({"dropout": -0.1}, "dropout"),
        ({"dropout": math.nan}, "dropout"),
        ({"block": 0}, "(block|compression) = 0; expected at least 1"),
        ({"compression": 0}, "(block|compression) = 0; expected at least 1"),
        (
            {"attention": ""},
            "unknown kind ''; expected one of full, relative, relative-local, local, compressed, or a comma-separated",
        ),
        ({"attention": "sparse"}, "attention = 'sparse': unknown kind 'sparse'; expected one of full, relative, "),
        ({"attention": "full,lokal,full", "n_layer": 3}, "unknown kind 'lokal'"),
        ({"attention": "local,full,", "n_layer": 3}, "unknown kind ''"),
        (
            {"attention": "local,full", "n_layer": 3},
            r"has 2 kinds; expected .* comma-separated list of n_layer = 3 of them",
        ),
        ({"attention": "local,relative-local", "n_layer": 2}, "local and relative-local cannot be in one model"),
        ({"attention": "local,full", "size": "gpt2"}, "has 2 kinds; expected .*n_layer = 12"),
    ],
)
def test_a_model_that_cannot_be(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ModelConfig(**values)


def test_a_released_size_sets_the_shape() -> None:
    config = ModelConfig(size="gpt2-medium", n_layer=1, n_embd=64)
    assert (config.n_layer, config.n_head, config.n_embd) == (24, 16, 1024)
    assert {size: shape["n_embd"] // shape["n_head"] for size, shape in SIZES.items()} == dict.fromkeys(SIZES, 64)
    assert replace(config, dropout=0.5).n_layer == 24


def test_every_layer_has_a_kind_of_attention() -> None:
    assert ModelConfig(n_layer=3).kinds == ("full",) * 3
    assert ModelConfig(n_layer=1, attention="local").kinds == ("local",)
    mixed = ModelConfig(n_layer=3, attention=" local, compressed,relative")
    assert mixed.attention == "local,compressed,relative"
    assert mixed.kinds == ("local", "compressed", "relative")
    assert ModelConfig(n_layer=3, attention="full,full,full") == ModelConfig(n_layer=3), "one way to say one thing"


def test_the_width_inside_the_mlp() -> None:
    assert ModelConfig(n_embd=64).inner == 256
    assert ModelConfig(n_embd=64, n_inner=100).inner == 100


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"steps": -1}, "steps"),
        ({"least_steps": -1}, "least_steps"),
        ({"budget_steps": -1}, "budget_steps"),
        ({"epochs": 0.0}, "epochs"),
        ({"epochs": math.nan}, "epochs"),
        ({"batch_tokens": 0}, "batch_tokens"),
        ({"accumulate": 0}, "accumulate"),
        ({"lr": 0.0}, r"^lr = 0\.0; expected a number above 0"),
        ({"muon_lr": -1.0}, r"muon_lr = -1\.0; expected a number above 0"),
        ({"beta2": 1.0}, "beta2"),
        ({"beta2": -0.1}, "beta2"),
        ({"warmup": 1.0}, "warmup"),
        ({"warmup": -0.1}, "warmup"),
        ({"final_lr": 1.1}, "final_lr"),
        ({"final_lr": -0.1}, "final_lr"),
        ({"label_smoothing": 1.0}, "label_smoothing"),
        ({"label_smoothing": -0.1}, "label_smoothing"),
        ({"ema": 1.0}, "ema"),
        ({"ema": -0.1}, "ema"),
        ({"clip": -1.0}, "clip"),
        ({"weight_decay": -0.1}, "weight_decay"),
        ({"evaluate_every": -1}, "evaluate_every = -1; expected at least 0"),
        ({"save_every": -1}, "save_every = -1; expected at least 0"),
        ({"samples": -1}, "samples"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**32}, "seed = 4294967296; expected 0 to 4294967295"),
        ({"budget": "30m", "steps": 5}, "budget = '30m' and steps = 5 exclude each other: set steps = 0"),
        *(
            ({"budget": nonsense}, "is not a duration above 0; accepted: 90s, 30m, 2h or 1h30m")
            for nonsense in ("30", "m", "0s", "-5m", "30 m", "5m1h", "1.5h", "half an hour", "1h30", "9" * 999 + "s")
        ),
    ],
)
def test_a_training_that_cannot_be(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TrainConfig(**values)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("1h30m", 5400), ("1h30s", 3630), ("1h2m3s", 3723)]
)
def test_lengths_of_time(text: str, seconds: float) -> None:
    assert duration(text) == seconds
    assert TrainConfig(budget=text).budget == text


@pytest.mark.parametrize(
    "values",
    [{"final_lr": 1.0}, {"final_lr": 0.0}, {"warmup": 0.0}, {"clip": 0.0}, {"ema": 0.0}, {"weight_decay": 0.0}],
)
def test_the_ends_of_the_ranges_are_inside(values: dict[str, Any]) -> None:
    assert TrainConfig(**values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"beams": 0}, "beams"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**32}, "seed = 4294967296; expected 0 to 4294967295"),
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": math.nan}, "temperature"),
        ({"top_k": -1, "temperature": 1.0}, "top_k"),
        ({"top_p": 1.1, "temperature": 1.0}, "top_p"),
        ({"top_p": -0.1, "temperature": 1.0}, "top_p"),
        ({"max_new_tokens": 0}, "max_new_tokens"),
        ({"batch_rows": -1}, "batch_rows"),
        ({"stop_ids": (3, -1)}, "stop_ids"),
        ({"repetition_penalty": 0.0}, "repetition_penalty"),
        ({"knn": -0.1}, "knn = -0.1; expected at least 0 and less than 1"),
        ({"knn": 1.0}, "knn = 1.0; expected at least 0 and less than 1"),
        ({"knn_neighbors": 0}, "knn_neighbors = 0; expected at least 1"),
        ({"knn_temperature": 0.0}, r"knn_temperature = 0.0; expected a number above 0"),
        ({"mbr": -1}, "mbr = -1; expected at least 0"),
        ({"mbr": 1, "temperature": 1.0}, r"mbr = 1: one sample has no others .* expected 0 \(off\), or 2 or more"),
        ({"mbr": 16, "beams": 4}, "mbr = 16, beams = 4: mbr samples instead of searching: set beams = 1 or mbr = 0"),
        (
            {"mbr": 16},
            r"mbr = 16, temperature = 0: mbr compares samples: set a temperature above 0, such as 0\.7, or mbr = 0",
        ),
        ({"repetition_penalty": 1.2, "beams": 2}, "set beams = 1"),
        ({"penalty_on": "answer"}, "penalty_on = 'answer' needs a repetition_penalty"),
        (
            {"roll": True, "beams": 2},
            r"beam search does not support output longer than the window \(roll\): set beams = 1",
        ),
        ({"max_ratio": -1.0}, "max_ratio"),
        ({"beams": 2, "temperature": 1.0}, "beam search does not sample"),
        ({"top_k": 5}, "they have no effect on greedy decoding"),
        ({"top_p": 0.9}, "they have no effect on greedy decoding"),
        ({"top_k": 5, "beams": 4}, "they have no effect on greedy decoding"),
    ],
)
def test_a_decoding_that_cannot_be(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GenerateConfig(**values)


@pytest.mark.parametrize(
    "values",
    [{"temperature": 1.0, "top_p": 0.0}, {"temperature": 0.5, "top_k": 3, "top_p": 0.9}, {"beams": 4}, {"knn": 0.3}],
)
def test_decodings_that_can_be(values: dict[str, Any]) -> None:
    assert GenerateConfig(**values)
