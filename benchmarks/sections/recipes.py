"""Recipes as users train them: on prepared data to the end, without it on ids of the same shape for a while."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator

from gpt2kit import load_recipe
from gpt2kit.config import ModelConfig, TrainConfig
from gpt2kit.data.batches import Batching, RowBatching
from gpt2kit.data.store import Store, StoreWriter
from gpt2kit.data.streams import Ids, StreamBatching
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.runs.prepared import Prepared
from gpt2kit.training import events
from gpt2kit.training.loop import Loop
from sections.work import Figures, Work, cleared, peak_gib

SHORT = 15
"""Seconds of a training that only measures its speed."""

TOY: dict[str, Any] = {"n_layer": 2, "n_head": 2, "n_embd": 16, "n_positions": 128, "block": 8}


@dataclass(frozen=True)
class Data:
    """What a recipe is trained on."""

    train: Store
    validation: Store | None
    batching: Batching
    vocabulary: int


def multi30k(work: Work) -> Iterator[Figures]:
    recipe = load_recipe("multi30k")
    model, config = _sizes(work, recipe.model, recipe.train)
    data = _prepared(work.multi30k, model, config) or _pairs(work)
    yield from _trained("multi30k", work, model, config, data, whole=work.multi30k is not None)


def music(work: Work) -> Iterator[Figures]:
    recipe = load_recipe("music")
    model, config = _sizes(work, recipe.model, recipe.train)
    data = _prepared(work.music, model, config) or _stream(work, model.n_positions)
    yield from _trained("music", work, model, config, data, whole=work.music is not None)


def _sizes(work: Work, model: ModelConfig, config: TrainConfig) -> tuple[ModelConfig, TrainConfig]:
    if not work.toy:
        return model, config
    return replace(model, **TOY), replace(config, steps=4, batch_tokens=256, compile="off")


def _prepared(path: Path | None, model: ModelConfig, config: TrainConfig) -> Data | None:
    if path is None:
        return None
    folder = Prepared.open(path)
    batching = folder.task.layout.batching(model.n_positions, config.loss_on, config.window)
    return Data(folder.store("train"), folder.store("val"), batching, folder.task.vocabulary.size)


def _pairs(work: Work) -> Data:
    """As many rows as Multi30k has, about as long, of random ids."""
    folder, rng, vocabulary = work.folder / "pairs", np.random.default_rng(0), 211 if work.toy else 8192
    if not folder.is_dir():
        folder.mkdir()
        lengths = rng.normal(16, 5, (200 if work.toy else 29_000, 2)).clip(4, 60).astype(int).tolist()
        with StoreWriter(folder, "train", vocabulary) as writer:
            writer.add(tuple(rng.integers(vocabulary, size=length).tolist() for length in pair) for pair in lengths)
    return Data(Store(folder, "train"), None, RowBatching(), vocabulary)


def _stream(work: Work, window: int) -> Data:
    folder, vocabulary = work.folder / "stream", 388
    if not folder.is_dir():
        folder.mkdir()
        ids = np.random.default_rng(0).integers(vocabulary, size=5_000 if work.toy else 2_000_000).tolist()
        with StoreWriter(folder, "train", vocabulary) as writer:
            writer.add([([], ids)])
    return Data(Store(folder, "train"), None, StreamBatching(window, _part), vocabulary)


def _part(ring: Ids, start: int, length: int, noise: Generator) -> Ids:
    return ring[np.arange(start, start + length) % len(ring)]


def _trained(
    name: str, work: Work, shape: ModelConfig, config: TrainConfig, data: Data, whole: bool
) -> Iterator[Figures]:
    """A short training in each form; if there is data, a whole one instead of the compiled form."""
    for compile in ("off",) if work.toy or whole else ("off", "on"):
        if not work.late(2 * SHORT):
            yield from _run(f"{name}, compile {compile}", work, shape, replace(config, compile=compile), data, SHORT)
    if whole:
        yield from _run(f"{name}, whole training", work, shape, config, data, float("inf"))


def _run(
    name: str, work: Work, shape: ModelConfig, config: TrainConfig, data: Data, seconds: float
) -> Iterator[Figures]:
    """Train for a while, or to the end; a row for each validation, and one for the speed."""
    cleared()
    short = seconds < float("inf")
    model, folder = GPT2(shape, data.vocabulary), work.folder / name.replace(", ", "-").replace(" ", "-")
    folder.mkdir(exist_ok=True)
    loop = Loop(model, data.train, None if short else data.validation, config, folder, batching=data.batching)
    began, marked, rate, steps = time.perf_counter(), (0.0, 0), 0.0, 0
    figures: Figures = {"row": name, "parameters": model.parameter_count()}
    for event in loop.run(lambda model: None):
        now = time.perf_counter() - began
        if isinstance(event, events.StepDone):
            if event.step == 2 or (event.step == 20 and marked[1] < 20):
                marked = (now, event.step)  # the first steps compile
            figures |= {"step": event.step, "of_steps": event.steps, "loss": round(event.loss, 4)}
            rate, steps = event.tokens_per_second, event.step
            if work.late() or now > seconds + 60 or (now - marked[0] > seconds and event.step > 20):
                break
        elif isinstance(event, events.Validation):
            validated = {"step": event.step, "loss": round(event.loss, 4), "seconds": round(now, 1)}
            yield {"row": f"{name}: validation", **validated}
    taken = time.perf_counter() - began
    per_second = (steps - marked[1]) / max(1e-9, taken - marked[0])
    figures |= {"seconds": round(taken, 1), "steps_per_second": round(per_second, 2), "tokens_per_second": round(rate)}
    if short or steps < loop.progress.steps:
        figures["whole_training_would_take"] = round(loop.progress.steps / max(1e-9, per_second))
    yield figures | {"compiled": loop.learner.compiles, "peak_gib": peak_gib()}
