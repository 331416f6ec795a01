"""Prepared folders as objects. Each of their files is read once, when first needed."""

import math
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from gpt2kit import digests, files
from gpt2kit.data.columns.selection import Selection
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError
from gpt2kit.runs.task_folder import TaskFolder, save_task
from gpt2kit.tasks.base import Task

REPORT_FILE = "prepare.json"


class Prepared(TaskFolder):
    """A folder that prepare wrote: a task, the ids of each split, and the report."""

    expected = "prepared data, which `gpt2kit TASK prepare` writes"
    mark = "prepare.json"

    @classmethod
    def create(cls, path: Path, name: str, task: Task[Any, Any], report: dict[str, Any]) -> Self:
        """Complete a folder that already has the ids of its splits and the tokenizer."""
        save_task(path, name, task)
        files.write_json(path / REPORT_FILE, report | {digests.KEY: _report_digest(report)})
        return cls(path)

    @cached_property
    def report(self) -> dict[str, Any]:
        """The corpora, the window, and the counts and examples of each split."""
        report = files.read_json(self.path / REPORT_FILE)
        if report.get(digests.KEY, (known := _report_digest(report))) != known:
            raise DataError(
                f"{self.path / REPORT_FILE} is damaged: it is not as prepare wrote it; prepare the data again"
            )
        return report

    @property
    def selections(self) -> list[Selection]:
        """The columns that were taken from each table; none if an earlier version prepared the data."""
        return [Selection(**each) for each in self.report.get("columns", [])]

    @property
    def window(self) -> int:
        """Tokens of the window that rows were cut to; 0 if the report lacks it."""
        window = self.report.get("window", 0)
        if not isinstance(window, int):
            raise DataError(f"{self.path / REPORT_FILE} is damaged: window = {window!r}; prepare the data again")
        return window

    @property
    def max_ratio(self) -> float | None:
        """The value of generate.max_ratio that fits the training split; None if the report lacks it."""
        return ratio_in(self.report, self.path / REPORT_FILE)

    @cached_property
    def _counts(self) -> dict[str, dict[str, Any]]:
        return {}

    def counts(self, split: str) -> dict[str, Any]:
        """The rows and tokens of a split, from its counts file."""
        if split not in self._counts:
            if not (self.path / f"{split}.json").exists() and split not in self.report.get("splits", {}):
                known = f"its splits are {', '.join(self.report.get('splits', {}))}; choose one of them"
                way = f"prepare it again with --{split} CORPUS" if split in ("val", "test") else known
                raise DataError(f"{self.path} has no {split} split: {way}, or score a corpus with evaluate --on CORPUS")
            self._counts[split] = files.read_json(self.path / f"{split}.json")
        return self._counts[split]

    @cached_property
    def _stores(self) -> dict[str, Store]:
        return {}

    def store(self, split: str) -> Store:
        """The ids of a split. Raises DataError for a file that is missing or damaged."""
        if split not in self._stores:
            self._stores[split] = Store(self.path, split, self.counts(split))
        return self._stores[split]

    @property
    def identity(self) -> dict[str, Any]:
        """The tokenizer and the counts: if they differ, the folder was prepared again. Of parts there is a digest."""
        counts = {split: dict(self.counts(split)) for split in ("train", "val")}
        for each in counts.values():
            if "parts" in each:
                each["parts"] = digests.of_object({"parts": each["parts"]})
        return {"tokenizer": self.made_with[0], **counts}

    def set_name(self, split: str) -> str:
        """The name of a split in signatures: its corpus and the split."""
        corpora = self.report.get("corpora")
        corpus = corpora.get(split, corpora.get("train")) if isinstance(corpora, dict) else None
        if not isinstance(corpus, list) or not all(isinstance(word, str) for word in corpus):
            path = self.path / REPORT_FILE
            raise DataError(f"{path} lacks the names of the corpora: prepare the data again")
        return f"{corpus_name(corpus)}:{split}"

    def summary(self) -> dict[str, Any]:
        """The part of the report that a run keeps: without examples, and with names of corpora instead of paths."""
        corpora = {
            split: [word if word.startswith("hf:") else Path(word).name for word in corpus]
            for split, corpus in self.report["corpora"].items()
        }
        splits = {
            split: {key: value for key, value in counts.items() if key != "examples"}
            for split, counts in self.report["splits"].items()
        }
        ratio = {} if self.max_ratio is None else {"max_ratio": self.max_ratio}
        origins = {"origins": _named(self.report["origins"])} if "origins" in self.report else {}
        return {"corpora": corpora, "window": self.report.get("window", 0), **ratio, "splits": splits, **origins}


def _named(origins: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The origins of augmented data with their rows, and with names instead of paths."""
    return [
        {"origin": Path(each["origin"]).name, "weight": each["weight"], "rows": each["rows"]}
        | ({"origins": _named(each["origins"])} if "origins" in each else {})
        for each in origins
    ]


def _report_digest(report: dict[str, Any]) -> str:
    """The digest of a report without the paths of its corpora, which change when a project is moved."""
    return digests.of_object({key: report.get(key) for key in ("window", "splits")})


def corpus_name(corpus: Sequence[str]) -> str:
    """A corpus's name from those of its files, for signatures."""
    return ",".join(Path(word).name for word in corpus)


def ratio_in(summary: dict[str, Any], path: Path) -> float | None:
    """The max_ratio of a report or of its summary, read from `path`; None if it lacks it."""
    ratio = summary.get("max_ratio")
    if ratio is not None and not (isinstance(ratio, int | float) and 0 < ratio < math.inf):
        raise DataError(f"{path} is damaged: max_ratio = {ratio!r}; expected a number above 0")
    return ratio
