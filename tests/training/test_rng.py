"""Noise that depends on the step alone."""

import itertools

import torch

from gpt2kit.training.rng import seed_step


def drawn(seed: int, step: int, rank: int) -> list[float]:
    seed_step(seed, step, rank)
    return torch.rand(4).tolist()


def test_equal_arguments_give_equal_noise() -> None:
    first = drawn(3, 7, 1)
    torch.rand(100)
    assert drawn(3, 7, 1) == first


def test_every_seed_step_and_rank_has_its_own() -> None:
    found = [tuple(drawn(*key)) for key in itertools.product(range(3), range(20), range(3))]
    assert len(set(found)) == len(found) == 180
    assert drawn(0, 1, 2) != drawn(2, 1, 0)
    assert drawn(2**70, 10**9, 2**40) != drawn(2**70, 10**9, 0), "any whole number will do"
