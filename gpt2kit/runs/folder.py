"""Run folders as objects. Each of their files is read once, when first needed."""

import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

from gpt2kit import digests, files, recipe, tensor_files
from gpt2kit.errors import DataError
from gpt2kit.recipe import Recipe
from gpt2kit.runs import base_model, places
from gpt2kit.runs.log import Log
from gpt2kit.runs.prepared import REPORT_FILE, Prepared, ratio_in
from gpt2kit.runs.task_folder import TaskFolder, save_task
from gpt2kit.tasks.base import Task

RECIPE_FILE, RUN_FILE, METRICS_FILE = "recipe.toml", "run.json", "metrics.jsonl"
DATA_FILE, SAMPLES_FILE, SCORES_FILE = "data.json", "samples.json", "scores.json"

CHECKPOINT = "checkpoint"
"""The key of the step in run.json of a checkpoint, which is a run without the state of its training."""

SHOWN, LONGEST_SHOWN = 3, 2000
"""Number of samples that a run keeps, and characters of each text."""


@dataclass(frozen=True)
class Run(TaskFolder):
    """A run folder: a task, a recipe, the record of its training, weights, scores and samples."""

    moved_data: Path | None = None
    """Where the prepared data is now, if it is not where the run says."""
    moved_base: str = ""
    """Where the model that training started from is now: a folder or a Hub id."""
    expected: ClassVar[str] = "a run, which `gpt2kit TASK train` writes"
    mark: ClassVar[str] = "recipe.toml"

    @classmethod
    def create(cls, path: Path, resolved: Recipe, prepared: Prepared, task: Task[Any, Any], init: str | None) -> Self:
        """Write what is known about a run before its first step."""
        task.vocabulary.copy_files(path, resolved.model.n_positions)
        save_task(path, resolved.task_name, task)
        recipe_text = replace(resolved, task=task).toml()
        files.write_text(path / RECIPE_FILE, recipe_text)
        local = init is not None and Path(init).is_dir()
        record = {
            "data": places.recorded(prepared.path, path),
            "prepared": prepared.identity,
            "init": places.recorded(Path(init), path) if init is not None and local else init,
            "init_of_hub": init is not None and not local,
            "gpt2kit": importlib.metadata.version("gpt2kit"),
            "torch": importlib.metadata.version("torch"),
            "finished": False,
            "recipe": digests.of_recipe(recipe_text),
        }
        if init is not None and resolved.train.lora:
            record[base_model.KEY] = base_model.folder_and_fingerprint(init, whole=True)[1]
        files.write_json(path / RUN_FILE, record)
        files.write_json(path / DATA_FILE, prepared.summary())
        return cls(path)

    @property
    def is_there(self) -> bool:
        """Whether there is a run, as far as one file tells."""
        return (self.path / self.mark).is_file()

    @cached_property
    def record(self) -> dict[str, Any]:
        """run.json: the run's data and initial model, and whether it is finished."""
        record = files.read_json(self.path / RUN_FILE)
        wanted: dict[str, Any] = {"data": str, "prepared": dict, "init": str | None, "finished": bool}
        for key, kind in wanted.items():
            if key not in record or not isinstance(record[key], kind):
                raise DataError(f"{self.path / RUN_FILE} is damaged: {key} = {record.get(key)!r}")
        return record

    @cached_property
    def recipe(self) -> Recipe:
        """The resolved recipe."""
        return recipe.load(str(self.path / RECIPE_FILE))

    @property
    def recorded_recipe(self) -> Recipe | None:
        """The recipe, which must be as training wrote it, except for [generate]; None for a run of an older version,
        which has no digest of it. Raises DataError if it has changed."""
        found = self.recipe
        if "recipe" not in self.record:
            return None
        if not any(self._known_digests):
            raise DataError(
                f"{self.path / RECIPE_FILE} is damaged: it is not as training wrote it; if you changed more than "
                f"[generate] on purpose, delete the key 'recipe' of {RUN_FILE}"
            )
        return found

    @property
    def generation_is_edited(self) -> bool:
        """Whether [generate] of the recipe is not as training wrote it."""
        return "recipe" in self.record and not self._known_digests[0]

    @property
    def _known_digests(self) -> list[bool]:
        """Whether the recipe, and the part of it that training has fixed, are recorded."""
        text = (self.path / RECIPE_FILE).read_text(encoding="utf-8")
        return [digest in self.record["recipe"] for digest in digests.of_recipe(text)]

    @property
    def init(self) -> str | None:
        """The pretrained model that training started from, a folder or a Hub id; None for random weights.

        Raises DataError for a folder that is gone.
        """
        init: str | None = self.record["init"]
        if self.moved_base or init is None:
            return self.moved_base or init
        return places.model_place(init, self.path, self.record.get("init_of_hub"))

    @property
    def base(self) -> str:
        """The model that the adapters were trained on, also for a folder that another program has written."""
        from gpt2kit.model import lora

        if self.moved_base or (self.path / RUN_FILE).is_file():
            return self.init or ""
        return places.model_place(lora.base_of(self.path), self.path, None)

    def base_folder(self) -> Path:
        """The folder of `base`, downloaded if it is of the Hub. Raises DataError if it has other weights by now."""
        expected = self.record.get(base_model.KEY) if (self.path / RUN_FILE).is_file() else None
        folder, found = base_model.folder_and_fingerprint(self.base, bool(expected and self.moved_base))
        if expected and found and found != expected:
            raise DataError(f"{self.path}: the weights in {folder} are not those that its adapters were trained on")
        return folder

    @property
    def data_path(self) -> Path:
        """The folder with the prepared data."""
        return self.moved_data or places.found(self.record["data"], self.path)

    def _existing_data(self) -> Prepared:
        """Raises DataError, which names the folder, if it is gone."""
        if not self.data_path.is_dir():
            raise DataError(
                f"{self.path}: its prepared data {self.data_path} no longer exists; if it was moved, name its new "
                "place with --data DIR"
            )
        return Prepared(self.data_path)

    @property
    def weights(self) -> str:
        """The name of the file with the weights or the adapters; empty before the first save."""
        from gpt2kit.model import hf, lora  # they import torch, which prepare does not need

        return next((name for name in (lora.ADAPTER, hf.WEIGHTS) if (self.path / name).is_file()), "")

    @property
    def weights_step(self) -> int | None:
        """The training step that the weights are from; None without weights, or if their file does not say."""
        step = tensor_files.read_metadata(self.path / self.weights).get(tensor_files.STEP, "") if self.weights else ""
        return int(step) if step.isdecimal() else None

    def has_weights_after(self, step: int) -> bool:
        """Whether the weights are from a later step, or damaged."""
        try:
            saved = self.weights_step
        except DataError:
            return True
        return saved is not None and saved > step

    @cached_property
    def prepared(self) -> Prepared:
        """The folder that the run was trained on. Raises DataError if its ids now have another meaning."""
        prepared = self._existing_data()
        if prepared.task.vocabulary.fingerprint() != self.task.vocabulary.fingerprint():
            raise DataError(
                f"{prepared.path} was prepared again, with another tokenizer than that of {self.path}: give a corpus "
                "instead (evaluate --on)"
            )
        return prepared

    def prepared_as_it_was(self) -> Prepared:
        """The folder that the run was trained on. Raises DataError if anything in it has changed since."""
        prepared = self._existing_data()
        if not self.trained_on(prepared):
            raise DataError(
                f"{prepared.path} does not have the data that {self.path} was trained on: it is other data, or was "
                "prepared again"
            )
        return prepared

    def trained_on(self, prepared: Prepared) -> bool:
        """Whether a folder has the data that the run was trained on, wherever it is.

        The folder may know more about its data than the run has recorded: a newer gpt2kit may have copied it.
        """
        before, now = self.record["prepared"], prepared.identity
        if before.get("tokenizer") != now["tokenizer"]:
            return False
        splits = [(before.get(split), now[split]) for split in ("train", "val")]
        return all(
            isinstance(counts, dict) and all(key in found and found[key] == value for key, value in counts.items())
            for counts, found in splits
        )

    @cached_property
    def data_summary(self) -> dict[str, Any] | None:
        """How the data was prepared. Older runs did not store it: None if their data is gone."""
        if (self.path / DATA_FILE).is_file():
            return files.read_json(self.path / DATA_FILE)
        prepared = Prepared(self.data_path)
        return prepared.summary() if (prepared.path / REPORT_FILE).is_file() else None

    @property
    def max_ratio(self) -> float | None:
        """The value of generate.max_ratio that fits the training data; None if the run does not know it."""
        return ratio_in(self.data_summary or {}, self.path / DATA_FILE)

    def finish(self) -> None:
        """Record that there is nothing left to resume."""
        self.record["finished"] = True
        files.write_json(self.path / RUN_FILE, self.record)

    @property
    def log(self) -> Log:
        """What training measured."""
        return Log(self.path / METRICS_FILE)

    def keep_samples(self, origin: str, rows: Sequence[tuple[str, str, str]]) -> None:
        """Keep the first of these (source, output, reference); `origin` describes when or how they were made."""
        if rows:
            kept = [[text[:LONGEST_SHOWN] for text in row] for row in rows[:SHOWN]]
            files.write_json(self.path / SAMPLES_FILE, {"from": origin, "rows": kept})

    def keep_scores(self, evaluation: dict[str, Any]) -> None:
        """Keep an evaluation, as `--json` prints it, under its signature; the latest one is last."""
        path = self.path / SCORES_FILE
        known = files.read_json(path) if path.is_file() else {}
        known.pop(evaluation["signature"], None)
        files.write_json(path, known | {evaluation["signature"]: evaluation})
