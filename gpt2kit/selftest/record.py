"""Checks that a run's recorded validation loss can be reproduced from its weights and data."""

import json
from pathlib import Path

import torch

from gpt2kit.config import TrainConfig
from gpt2kit.data.batches import Batching
from gpt2kit.model import hf_config
from gpt2kit.model.device import native_bf16, pick_dtype
from gpt2kit.model.loss import TargetLoss
from gpt2kit.runs.folder import METRICS_FILE
from gpt2kit.selftest.check import Check, skipped, within
from gpt2kit.selftest.run_under_test import RunUnderTest
from gpt2kit.training.distributed import ProcessGroup
from gpt2kit.training.objective import objective_of
from gpt2kit.training.validate import split_loss

EXACT, COMPUTED_ELSEWHERE, ROUNDED = 1e-5, 1e-3, 1e-2
"""Largest accepted difference as a share of the loss, or of 1 if that is more: in fp32; if bf16 may have measured it,
compiled or on a GPU; and of a copy whose weights are stored with fewer bits than training had."""


def reproduced(subject: RunUnderTest, batching: Batching, device: torch.device) -> Check:
    """Measure the loss as in training: same batches, unmerged adapters, and the same dtype if available here."""
    name, config = "validation loss as recorded", subject.recipe.train
    step = subject.run.weights_step if subject.step is None else subject.step
    found = recorded(subject.run.path, config, step)
    if isinstance(found, str):
        return skipped(name, found)
    if subject.store is None:
        return skipped(name, subject.without)
    at, then, part = found
    wanted = "fp32" if config.dtype == "bf16" and not native_bf16(device) else config.dtype
    dtype = pick_dtype(wanted, device)
    subject.learned.to(device)
    objective = objective_of(subject.learned, TargetLoss())
    batches = batching.validation(subject.store, config.batch_tokens)
    now = split_loss(objective, batches, ProcessGroup(device), dtype, config.validate_tokens, part).loss
    stored = hf_config.stored_dtype(subject.run.path)
    share = ROUNDED if stored != "float32" else EXACT if config.dtype == "fp32" else COMPUTED_ELSEWHERE
    rounded = f", weights stored in {stored}" if stored != "float32" else ""
    remark = f"{now:.5f} nats now in {dtype}{rounded}, {then:.5f} at step {at:,}"
    return within(name, abs(now - then), max(1.0, then) * share, remark)


def recorded(run: Path, config: TrainConfig, step: int | None) -> tuple[int, float, int] | str:
    """(step, validation loss, batches) recorded for the weights in a run; or why there is none.

    The batches are 0 unless a time budget cut the validation short. `step` is that of the weights; older runs did not
    store it.
    """
    path = run / METRICS_FILE
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    entries = [json.loads(line) for line in lines if line.endswith("}")]
    entries = [line for line in entries if "validation_loss" in line]
    losses = [
        (int(line["step"]), float(line["validation_loss"]), int(line.get("validation_batches", 0))) for line in entries
    ]
    if step is not None:
        at = [found for found in losses if found[0] == step]
        return at[-1] if at else f"no validation loss was measured at step {step:,}, which the weights are from"
    if not losses:
        return "the run has not measured a validation loss"
    if config.keep == "last":
        return losses[-1]
    best = [found for line, found in zip(entries, losses, strict=True) if line.get("best")]
    return best[-1] if best else min(losses, key=lambda found: found[1])  # older runs do not say which was the best
