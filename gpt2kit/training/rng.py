"""Dropout noise depends on the step, not on what was drawn before: a resumed run does not need a stored generator, and
drawing between two steps (a sample, a probe) changes nothing."""

import numpy as np
import torch


def seed_step(seed: int, step: int, rank: int) -> None:
    """Seed every device's generator for one step of one process; equal arguments give equal noise."""
    # SeedSequence mixes: neighbouring seeds, steps and ranks give unrelated noise.
    mixed = np.random.SeedSequence((seed, step, rank)).generate_state(1, np.uint64)
    seed_devices(int(mixed[0]))


def seed_devices(seed: int) -> None:
    """Seed the generators of all devices in use.

    For devices that are not in use, `torch.manual_seed` formats the stack, which takes a part of a millisecond.
    """
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)
    if torch.backends.mps.is_available():
        torch.mps.manual_seed(seed)
