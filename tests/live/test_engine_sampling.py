"""The page's samplers, function by function against gpt2kit/decoding/sampling.py: the same ids are drawn."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from gpt2kit.config import GenerateConfig
from gpt2kit.decoding import sampling

Engine = Callable[..., Any]

DRAWS = 200

SETTINGS: list[dict[str, Any]] = [
    {"temperature": 1.0},
    {"temperature": 0.7, "top_k": 5},
    {"temperature": 1.3, "top_p": 0.9},
    {"temperature": 0.8, "top_k": 40, "top_p": 0.5},
    {"temperature": 2.5, "top_k": 1},
    {"temperature": 0.1, "top_p": 0.0},
    {"temperature": 1.0, "top_k": 10**6, "top_p": 1e-9},
]

UNPACK = "const unpack = (values) => Float32Array.from(values, (value) => value ?? -Infinity);"


def logits_of(seed: int, size: int) -> Tensor:
    """Some are impossible, and many are equal: each is one of about 30 values, zeros of both signs included."""
    noise = np.random.default_rng(seed)
    values = np.round(noise.normal(0, 3, size) * 2) / 2
    values[noise.random(size) < 0.1] = -np.inf
    values[noise.random(size) < 0.1] = -0.0
    return torch.from_numpy(values.astype(np.float32))


def packed(logits: Tensor) -> list[float | None]:
    """As JSON, which has no infinity."""
    return [None if value == -torch.inf else value for value in logits.tolist()]


@pytest.mark.parametrize("size", [7, 300])
@pytest.mark.parametrize("settings", SETTINGS)
def test_draws(engine: Engine, settings: dict[str, Any], size: int) -> None:
    config = GenerateConfig(**settings)
    uniform = torch.rand(DRAWS, generator=torch.Generator().manual_seed(1))
    known = {"temperature": config.temperature, "top_k": config.top_k, "top_p": config.top_p}
    body = f"""(rows, settings, uniform) => rows.map((row) => {{
        {UNPACK}
        const chances = probabilities(unpack(row), settings);
        return [chances, uniform.map((number) => draw(chances, number))];
    }})"""
    rows = [logits_of(seed, size) for seed in range(8)]
    found = engine(body, [packed(row) for row in rows], known, uniform.tolist())
    for logits, (chances, tokens) in zip(rows, found, strict=True):
        wanted = sampling.probabilities(logits[None], config)
        torch.testing.assert_close(torch.tensor([chances], dtype=torch.float32), wanted, rtol=1e-5, atol=0)
        assert tokens == sampling.draw(wanted.expand(DRAWS, -1), uniform).tolist()


@pytest.mark.parametrize("penalty", [1.2, 0.7, 3.0])
def test_a_penalty(engine: Engine, penalty: float) -> None:
    body = f"""(logits, seen, penalty) => {{
        {UNPACK}
        const found = unpack(logits);
        penalise(found, new Set(seen), penalty);
        return found;
    }}"""
    logits, seen = logits_of(3, 50), [2, 3, 5, 7, 11, 13, 17, 19]
    mask = torch.zeros(1, 50, dtype=torch.bool)
    mask[0, seen] = True
    found = engine(body, packed(logits), seen, penalty)
    assert [*map(float, found)] == sampling.penalise(logits[None], mask, penalty)[0].tolist()


@pytest.mark.parametrize("grouped", [60, 40])
def test_the_probability_of_an_impossible_id_stays_in_its_group(engine: Engine, grouped: int) -> None:
    """Ids beyond those with a group are in group 0."""
    noise = np.random.default_rng(4)
    logits = torch.from_numpy(noise.normal(0, 2, 60).astype(np.float32))
    bias = torch.from_numpy(np.where(noise.random(60) < 0.5, -np.inf, 0).astype(np.float32))
    groups = torch.from_numpy(noise.integers(0, 3, 60))
    bias[groups == 2] = -torch.inf  # a group without a possible id
    body = f"""(logits, bias, groups) => {{
        {UNPACK}
        const found = unpack(logits);
        withinGroups(found, unpack(bias), groups);
        return found;
    }}"""
    found = engine(body, packed(logits), packed(bias), groups.tolist()[:grouped])
    groups[grouped:] = 0
    wanted = sampling.within_groups(logits[None], bias[None], groups[None])[0]
    torch.testing.assert_close(torch.tensor(found), wanted, rtol=1e-5, atol=1e-6)
