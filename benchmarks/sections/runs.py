"""Short trainings of the real loop on random ids, for sections that compare their losses."""

from dataclasses import replace
from typing import Any

import torch
from train import Row, random_ids

from gpt2kit.config import ModelConfig, TrainConfig
from gpt2kit.data.store import Store
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.training import events
from gpt2kit.training.loop import Loop
from sections.work import Work


def loop_of(work: Work, shape: ModelConfig, rows: int, name: str, **knobs: Any) -> Loop:
    """A run on batches of `rows` whole windows; the same weights and batches each time."""
    width = shape.n_positions
    data = work.folder / f"ids-{rows}-{width}"
    if not data.is_dir():
        random_ids(data, Row(shape, work.vocabulary, rows, width))
    config = replace(TrainConfig(batch_tokens=rows * width, compile="off", lr=1e-3), **knobs)
    torch.manual_seed(0)
    folder = work.folder / name
    folder.mkdir(exist_ok=True)
    return Loop(GPT2(shape, work.vocabulary), Store(data, "train"), None, config, folder)


def losses(loop: Loop, most: int = 10**6) -> list[float]:
    """The losses of the first `most` steps."""
    found = list[float]()
    for event in loop.run(lambda model: None):
        if isinstance(event, events.StepDone):
            found.append(event.loss)
            if len(found) == most:
                break
    return found


def apart(mine: list[float], other: list[float]) -> float:
    """The largest difference of two losses."""
    return max(abs(one - two) for one, two in zip(mine, other, strict=True))
