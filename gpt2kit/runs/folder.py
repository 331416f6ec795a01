"""What a prepared folder and a run folder say of themselves, by which mistaken ones are known."""

import importlib.metadata
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gpt2kit import files, recipe, tasks
from gpt2kit.errors import DataError, UserError
from gpt2kit.recipe import Recipe
from gpt2kit.tasks.base import Task

TASK_FILE, RECIPE_FILE, RUN_FILE, METRICS_FILE = "task.json", "recipe.toml", "run.json", "metrics.jsonl"
DATA_FILE, SAMPLES_FILE, SCORES_FILE = "data.json", "samples.json", "scores.json"
REPORT_FILE = "prepare.json"
"""Of a prepared folder: what became of every corpus."""


def save_task(folder: Path, name: str, task: Task[Any, Any]) -> None:
    settings = recipe.values(task)
    vocabulary = task.vocabulary
    made = {"vocab_size": vocabulary.size, "fingerprint": vocabulary.fingerprint()}
    described = {"task": name, "settings": settings, **made}
    files.write_json(folder / TASK_FILE, described)


def load_task(folder: Path) -> tuple[str, Task[Any, Any]]:
    """The task of a prepared folder or a run. Raises DataError when its tokenizer is not the one it was made with."""
    name, task, (fingerprint, vocab_size) = described_task(folder)
    found = task.vocabulary
    if (found.fingerprint(), found.size) != (fingerprint, vocab_size):
        raise DataError(
            f"{folder}: its tokenizer is not the one that its ids were made with ({found.fingerprint()} with "
            f"{found.size} tokens, {TASK_FILE} says {fingerprint} with {vocab_size})"
        )
    return name, task


def described_task(folder: Path) -> tuple[str, Task[Any, Any], tuple[str, int]]:
    """The task of a folder with the tokenizer that is there now, and (fingerprint, tokens) of the one it had."""
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder")
    described = files.read_json(folder / TASK_FILE)
    try:
        name, settings = described["task"], described["settings"]
        made_with = (described["fingerprint"], described["vocab_size"])
    except KeyError as error:
        raise DataError(f"{folder / TASK_FILE}: {error} is missing") from None
    if not (isinstance(name, str) and isinstance(settings, dict)):
        raise DataError(f"{folder / TASK_FILE} is damaged: task is a name, and settings are a table")
    return name, recipe.build_section(tasks.find(name), "task", settings).specialize().opened(folder), made_with


def describe_run(folder: Path, resolved: Recipe, data: Path, name: str, task: Task[Any, Any], init: str | None) -> None:
    """All of a run folder that is known before the first step."""
    task.vocabulary.copy_files(folder)
    save_task(folder, name, task)
    files.write_text(folder / RECIPE_FILE, replace(resolved, task=task).toml())
    described = {
        "data": str(data.resolve()),
        "prepared": _identity(data, task.vocabulary.fingerprint()),
        "init": init,
        "init_of_hub": init is not None and not Path(init).is_dir(),
        "gpt2kit": importlib.metadata.version("gpt2kit"),
        "torch": importlib.metadata.version("torch"),
        "finished": False,
    }
    files.write_json(folder / RUN_FILE, described)
    files.write_json(folder / DATA_FILE, _data_report(files.read_json(data / REPORT_FILE)))


def data_report(run: Path) -> dict[str, Any] | None:
    """How the data of a run was prepared; of an older one, which did not keep that, as long as the data is there."""
    if (run / DATA_FILE).is_file():
        return files.read_json(run / DATA_FILE)
    path = Path(files.read_json(run / RUN_FILE)["data"]) / REPORT_FILE
    return _data_report(files.read_json(path)) if path.is_file() else None


def _data_report(report: dict[str, Any]) -> dict[str, Any]:
    """What a run keeps of how its data was prepared: no examples, and corpora by their names without their folders."""
    corpora = {
        split: [word if word.startswith("hf:") else Path(word).name for word in corpus]
        for split, corpus in report["corpora"].items()
    }
    splits = {
        split: {key: value for key, value in counts.items() if key != "examples"}
        for split, counts in report["splits"].items()
    }
    return {"corpora": corpora, "window": report.get("window", 0), "splits": splits}


def _identity(data: Path, fingerprint: str) -> dict[str, Any]:
    """By which a folder that was prepared anew is known: its tokenizer and its counts."""
    counts = {split: files.read_json(data / f"{split}.json") for split in ("train", "val")}
    return {"tokenizer": fingerprint, **counts}


ELSEWHERE = ("device", "parallel", "checkpointing", "tensorboard")
"""Knobs of [train] that a resumed run may change: where it is computed, not what."""


def _described(run: Path) -> dict[str, Any]:
    """run.json. Raises DataError when it is not what `describe_run` writes."""
    described = files.read_json(run / RUN_FILE)
    wanted: dict[str, Any] = {"data": str, "prepared": dict, "init": str | None, "finished": bool}
    for key, kind in wanted.items():
        if key not in described or not isinstance(described[key], kind):
            raise DataError(f"{run / RUN_FILE} is damaged: {key} = {described.get(key)!r}")
    return described


def check_resumable(run: Path, data: Path, resolved: Recipe, task: Task[Any, Any]) -> None:
    """Raises when the run is finished or would go on as another run than it was."""
    described = _described(run)
    if described["finished"]:
        raise UserError(f"{run} is finished; to train on, start a new run with --init {run}")
    before, now = recipe_of(run).table(), resolved.table()
    sections = ("train",) if described["init"] else ("model", "train")  # the shape of an --init is not the recipe's
    knobs = [(part, key) for part in sections for key in now[part] if part != "train" or key not in ELSEWHERE]
    knobs += [("task", key) for key in recipe.read_by("train", task)]
    changed = [f"{part}.{key}" for part, key in knobs if now[part][key] != before[part].get(key)]
    if changed:
        raise UserError(f"{run} was started with other values of {', '.join(changed)}: a resumed run keeps its own")
    if described["data"] != str(data.resolve()):
        raise UserError(f"{run} was started on {described['data']}, not on {data}")
    if described["prepared"] != _identity(data, task.vocabulary.fingerprint()):
        raise DataError(f"{data} was prepared anew after {run} was started on it: start again with --overwrite")


def init_of(run: Path) -> str | None:
    """What the run's first weights were taken from; None when they were random."""
    init: str | None = _described(run)["init"]
    return init


def finish_run(run: Path) -> None:
    """Write down that there is nothing left to resume."""
    files.write_json(run / RUN_FILE, files.read_json(run / RUN_FILE) | {"finished": True})


def data_of(run: Path, task: Task[Any, Any]) -> Path:
    """The prepared folder that a run was trained on. Raises DataError when it now means something else."""
    data = Path(_described(run)["data"])
    if load_task(data)[1].vocabulary.fingerprint() != task.vocabulary.fingerprint():
        raise DataError(f"{data} was prepared anew with another tokenizer than that of {run}: give a corpus instead")
    return data


def data_as_it_was(run: Path, data: Path | None = None) -> Path:
    """The prepared folder of a run, or where it is now. Raises DataError unless it is what training began on."""
    described = files.read_json(run / RUN_FILE)
    data = data or Path(described["data"])
    if not data.is_dir():
        raise DataError(f"{data} is not there any more")
    if _identity(data, described_task(data)[2][0]) != described["prepared"]:
        raise DataError(f"{data} is not what it was when {run} was started on it: it was prepared anew")
    return data


def recipe_of(run: Path) -> Recipe:
    """The resolved recipe of a run."""
    return recipe.load(str(run / RECIPE_FILE))


def forget_after(run: Path, step: int) -> None:
    """Drop what a killed run logged after its last save: those steps are done again."""
    path = run / METRICS_FILE
    if path.is_file():
        lines = path.read_bytes().decode("utf-8", "replace").split("\n")
        kept = [line for line in lines if line.endswith("}") and _step_of(line) <= step]
        files.write_text(path, "".join(f"{line}\n" for line in kept))


def _step_of(line: str) -> float:
    """The step that a line of the log is about; beyond all steps where the line is damaged."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return math.inf


SHOWN, LONGEST_SHOWN = 3, 2000
"""Samples that a run keeps, and how many characters of each text."""


def keep_samples(run: Path, origin: str, rows: Sequence[tuple[str, str, str]]) -> None:
    """The first of these (source, output, reference); `origin` says when they were made, or how."""
    if rows:
        kept = [[text[:LONGEST_SHOWN] for text in row] for row in rows[:SHOWN]]
        files.write_json(run / SAMPLES_FILE, {"from": origin, "rows": kept})


def keep_scores(run: Path, evaluation: dict[str, Any]) -> None:
    """An evaluation as `--json` tells it, by its signature; the last one stands last."""
    path = run / SCORES_FILE
    known = files.read_json(path) if path.is_file() else {}
    known.pop(evaluation["signature"], None)
    files.write_json(path, known | {evaluation["signature"]: evaluation})
