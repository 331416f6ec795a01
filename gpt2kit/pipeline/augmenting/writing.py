"""Writes prepared data with the examples that the answers of runs make."""

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from gpt2kit.data.prepare import RECORDS_A_BATCH, fit_rows, row_hash
from gpt2kit.data.report import SplitReport
from gpt2kit.data.store import IdRow, StoreWriter
from gpt2kit.errors import DataError
from gpt2kit.pipeline.augmenting.added import Added, is_true
from gpt2kit.pipeline.augmenting.answers import Said
from gpt2kit.pipeline.augmenting.held_out import HeldOut
from gpt2kit.runs.kinds import PREPARED
from gpt2kit.runs.prepared import REPORT_FILE, Prepared
from gpt2kit.runs.task_folder import TASK_FILE
from gpt2kit.tasks.record import Question, Record

SHOWN = 2
"""Examples of added rows in a report."""


class Writing:
    """Writes the folder: the data as it is, then the examples of each run."""

    def __init__(self, prepared: Prepared, folder: Path, held_out: HeldOut, confidence: float) -> None:
        self.prepared, self.folder, self.held_out, self.confidence = prepared, folder, held_out, confidence
        self.task, self.store = prepared.task, prepared.store("train")
        self.window = self.task.layout.row_limit(prepared.window)
        if not self.window:
            raise DataError(f"{prepared.path / REPORT_FILE} lacks the window: prepare the data again")
        self.known: dict[int, bool] = {}
        """Whether a row is written, by its hash: of a row that is accepted, the weight may leave out all copies."""
        self.labeled: set[int] = set()
        """Inputs with a label, of the data or of a run before, by their hashes: another one would contradict it."""

    def write(
        self,
        weight: float,
        added: Sequence[Added],
        asked: Sequence[Sequence[Question[Any, Any]]],
        found: Sequence[Mapping[Any, Sequence[Said]]],
    ) -> None:
        """Write the rows of the data, as often as their `weight` says, then those of each run; completes `added`."""
        self._copy_files()
        with StoreWriter(self.folder, "train", self.task.vocabulary.size) as writer:
            for start in range(0, len(self.store), RECORDS_A_BATCH):
                places = range(start, min(start + RECORDS_A_BATCH, len(self.store)))
                writer.add(self._weighted(map(self.store.row, places), weight))
            self.known = {hashed: written for hashed, written in self.known.items() if written}
            if self.task.layout.labels and weight:
                rows_of_data = map(self.store.row, range(len(self.store)))
                self.labeled = {row_hash(prompt, ()) for prompt, _ in rows_of_data}
            of_data = writer.rows
            for report, questions, said in zip(added, asked, found, strict=True):
                examples = self._fit(report, questions, said)
                while batch := list(islice(examples, RECORDS_A_BATCH)):
                    rows = writer.rows
                    writer.add(self._weighted(self._new(report, batch), report.weight))
                    report.rows += writer.rows - rows
            if not writer.rows:
                raise DataError("none of the answers can be added, and the data has weight 0: nothing to train on")
            counts = {"rows": writer.rows, "tokens": writer.tokens, "prompt_tokens": writer.prompt_tokens}
            counts["duplicates"] = writer.rows - sum(self.known.values())
        before = self.prepared.report
        origins: list[dict[str, Any]] = [{"origin": str(self.prepared.path), "weight": weight, "rows": of_data}]
        if "origins" in before:
            origins[0]["origins"] = before["origins"]
        splits = before["splits"] | {"train": before["splits"]["train"] | counts}
        origins += [each.json() for each in added]
        parts = {"parts": before["parts"] | {"train": 1}} if "parts" in before else {}
        made = before | parts | {"splits": splits, "origins": origins}
        Prepared.create(self.folder, self.prepared.task_name, self.task.opened(self.folder), made)

    def _copy_files(self) -> None:
        """The tokenizer, val and test, as they are."""
        own = ("train.", *(f"{part.name}." for part in self.store.parts), TASK_FILE, REPORT_FILE)
        foreign = {*PREPARED.foreign(self.prepared.path)}
        for path in sorted(self.prepared.path.iterdir()):
            if path.is_file() and path.name not in foreign and not path.name.startswith((*own, ".")):
                shutil.copyfile(path, self.folder / path.name)

    def _fit(
        self, report: Added, questions: Iterable[Question[Any, Any]], said: Mapping[Any, Sequence[Said]]
    ) -> Iterator[tuple[Question[Any, Any], Said, Record[Any, Any]]]:
        """The answers that are fit to be learned, with the examples that they make; counts the others."""
        for question in questions:
            for answer in said[question.source]:
                record = question.learned(answer.text)
                report.answers += 1
                report.equal += is_true(question, answer)
                reason = answer.problem
                if not reason and answer.confidence is not None and answer.confidence < self.confidence:
                    reason = f"confidence below {self.confidence:g}"
                given_target = question.truth is None and record.source != question.source
                if reason := reason or self.held_out.problem(self.task, record, given_target):
                    report.leave_out({reason: 1})
                else:
                    yield question, answer, record

    def _new(
        self, report: Added, examples: Sequence[tuple[Question[Any, Any], Said, Record[Any, Any]]]
    ) -> Iterator[IdRow]:
        """The rows of examples, as prepare makes them, but for those that are there already."""
        assert self.window is not None
        layout, fitted = self.task.layout, SplitReport()
        encoded = self.task.encode([record for _, _, record in examples])
        for (question, answer, record), (prompt, target) in zip(examples, encoded, strict=True):
            for row in fit_rows([record], [(prompt, layout.learned(target))], layout, self.window, fitted):
                true = is_true(question, answer)
                if row_hash(*row) in self.known:
                    report.duplicates += not true
                    continue
                if row_hash(prompt, ()) in self.labeled:
                    report.leave_out({"text that has another label": 1})
                    continue
                report.added += 1
                if not true and len(report.examples) < SHOWN:
                    report.examples.append((self.task.show(question.source), answer.text, question.truth))
                if layout.labels:
                    self.labeled.add(row_hash(prompt, ()))
                    report.labels[record.target] = report.labels.get(record.target, 0) + 1
                yield row
        report.leave_out(fitted.dropped)
        report.cut += fitted.cut

    def _weighted(self, rows: Iterable[IdRow], weight: float) -> Iterator[IdRow]:
        """Rows as often as their weight says: of its fraction, a hash decides."""
        whole, rest = divmod(weight, 1)
        for row in rows:
            hashed = row_hash(*row)
            times = int(whole) + (hashed < rest * 2**64)
            self.known[hashed] = times > 0
            yield from [row] * times
