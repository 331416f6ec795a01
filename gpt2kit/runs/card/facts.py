"""The facts of a run that its card is based on."""

import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from gpt2kit import files
from gpt2kit.config import GenerateConfig
from gpt2kit.errors import DataError
from gpt2kit.model import hf, hf_config, lora
from gpt2kit.recipe import Recipe
from gpt2kit.runs.folder import METRICS_FILE, SAMPLES_FILE, SCORES_FILE, Run
from gpt2kit.tasks.text import TextTask

ROWS = 12
"""Most points of a curve."""


@dataclass(frozen=True)
class Point:
    """A row of the training curve; losses in nats per target token."""

    step: int
    epoch: float
    loss: float | None
    """The mean since the previous row."""
    validation_loss: float | None


@dataclass(frozen=True)
class Facts:
    """One run at one moment."""

    run: Path
    task_name: str
    task: Any
    recipe: Recipe
    described: dict[str, Any]
    """run.json."""
    parameters: int
    adapters: bool
    data: dict[str, Any] | None
    """How the corpora were prepared; None in an older run whose data is gone."""
    curve: list[Point]
    scores: list[dict[str, Any]]
    """Evaluations, the latest first."""
    samples: dict[str, Any] | None
    generate: GenerateConfig
    """[generate] of the recipe, with the limits of length that the training data needs."""

    @property
    def name(self) -> str:
        return self.run.resolve().name

    @property
    def loads_in_transformers(self) -> bool:
        """Whether transformers loads both the folder's model and its tokenizer as they are."""
        return self.theirs and isinstance(self.task, TextTask)

    @property
    def theirs(self) -> bool:
        """Whether transformers loads the weights as they are in the folder."""
        return not self.adapters and (not self.custom_code or (self.run / hf_config.MODELING).is_file())

    @property
    def custom_code(self) -> bool:
        """Whether transformers needs code that it does not include."""
        return self.recipe.model.attention != "full"


def facts(run: Run) -> Facts:
    """The facts of a run as it is now. Raises DataError for a folder that is not a run."""
    name, task, recipe = run.task_name, run.unchecked_task, run.recipe
    adapters = run.weights == lora.ADAPTER or (recipe.train.lora > 0 and not run.weights)
    evaluations = _read(run.path / SCORES_FILE) or {}
    return Facts(
        run.path,
        name,
        task,
        recipe,
        run.record,
        hf.parameter_count(run.path),
        adapters,
        run.data_summary,
        curve(run),
        list(evaluations.values())[::-1],
        _read(run.path / SAMPLES_FILE),
        recipe.generate.fitted(run.max_ratio),
    )


def _read(path: Path) -> dict[str, Any] | None:
    return files.read_json(path) if path.is_file() else None


def curve(run: Run) -> list[Point]:
    """The run's losses at its validations, or evenly spread if there are none, or too many."""
    path = run.path / METRICS_FILE
    try:
        return _curve(path.read_text(encoding="utf-8").splitlines() if path.is_file() else [])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{path} is damaged: {error}") from None


def _curve(lines: list[str]) -> list[Point]:
    entries = [json.loads(line) for line in lines if line.endswith("}")]
    steps = [line for line in entries if "loss" in line]
    validated = {line["step"]: line["validation_loss"] for line in entries if "validation_loss" in line}
    ends = sorted(validated) or [line["step"] for line in steps]
    while len(ends) > ROWS:
        ends = ends[::-1][::2][::-1]  # keeps the last one
    return [_point(steps, start, end, validated.get(end)) for start, end in pairwise([0, *ends])]


def _point(steps: list[dict[str, Any]], start: int, end: int, validation_loss: float | None) -> Point:
    part = [line for line in steps if start < line["step"] <= end]
    mean = sum(line["loss"] for line in part) / len(part) if part else None
    return Point(end, part[-1]["epoch"] if part else 0.0, mean, validation_loss)
