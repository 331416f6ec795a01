"""augment: adds what trained runs answer to prepared data, as examples to train on.

Answers to the sources of the training split are sequence-level distillation (Kim and Rush 2016,
https://arxiv.org/abs/1606.07947); with those of runs of the other direction, whose answers become sources, it is data
diversification (Nguyen et al. 2020, https://arxiv.org/abs/1911.01986).
"""

import io
import math
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, cast

from gpt2kit import files, overwriting, recipe
from gpt2kit.data.bare import bare
from gpt2kit.data.lines import check_file
from gpt2kit.data.prepare import RECORDS_A_BATCH, fit_rows, row_hash
from gpt2kit.data.report import SplitReport
from gpt2kit.data.store import IdRow, StoreWriter
from gpt2kit.errors import DataError, UserError
from gpt2kit.pipeline import answers as answering
from gpt2kit.pipeline.answers import Said
from gpt2kit.pipeline.evaluation_sets import stored_records
from gpt2kit.pipeline.opening import load_run, opened_run
from gpt2kit.pipeline.prepare import ignore
from gpt2kit.runs.folder import Run
from gpt2kit.runs.kinds import PREPARED
from gpt2kit.runs.prepared import REPORT_FILE, Prepared
from gpt2kit.runs.task_folder import TASK_FILE
from gpt2kit.tasks.base import Task, decode_row
from gpt2kit.tasks.record import Question, Record
from gpt2kit.tasks.text import TextPairs, TextTask

SCORED, SCORED_CHARACTERS = 1000, 1 << 18
"""Answers that are scored against the truth, and characters of their inputs: scores of long documents take long."""

SHOWN = 2
"""Examples of added rows in a report."""

UNKNOWN = "input that its ids do not tell"

Progress = Callable[[str, int, int, float], None]
"""(run, answers so far, of how many, seconds left)."""


@dataclass
class Added:
    """What one run has added, and why its other answers were left out: each is counted once, by the first reason."""

    origin: str
    """The run."""
    weight: float
    asked: int = 0
    """Different inputs."""
    answers: int = 0
    """Examples that its answers make: an answer may be one in each direction."""
    added: int = 0
    rows: int = 0
    """Rows of the added examples, by their weight."""
    equal: int = 0
    """Answers that are the truth."""
    duplicates: int = 0
    """Examples that are already there, from the data or from another answer, and are not the truth."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Answers that are not fit to be learned, and inputs that were not asked, by the reason."""
    cut: int = 0
    """Rows whose source was cut to fit into the window."""
    confidence: float | None = None
    """The mean confidence of the answers."""
    length_ratio: float | None = None
    """Characters of the answers over those of the truth."""
    scored: int = 0
    scores: dict[str, float] = field(default_factory=dict)
    """Scores of the first `scored` answers against the truth."""
    labels: dict[str, int] = field(default_factory=dict)
    """The labels of a classifier's answers that were added."""
    examples: list[tuple[str, str, str | None]] = field(default_factory=list)
    """The first (input, answer, truth) that made an example; None where the truth is not known."""

    def leave_out(self, counts: Mapping[str, int]) -> None:
        for reason, count in counts.items():
            self.left_out[reason] = self.left_out.get(reason, 0) + count

    def json(self) -> dict[str, Any]:
        return asdict(self)


def augment(
    data: str | Path,
    runs: Sequence[str | Path],
    out: str | Path,
    *,
    input: str | Path = "",
    settings: Mapping[str, Any] | None = None,
    answers: int = 1,
    confidence: float = 0.0,
    weights: Mapping[str, float] | None = None,
    overwrite: bool = False,
    progress: Progress = ignore,
    **task_settings: Any,
) -> list[Added]:
    """Write the prepared folder `data` with the answers of `runs` added to its training split to `out`; returns what
    each run has added.

    The runs answer the sources of the training split, or the inputs of the file `input`. `settings` are [generate] keys
    for all runs. `answers` is the number of answers to each input: samples, or the best of beam search. Those with a
    confidence (the probability of a label, or the geometric mean of those of an answer's tokens) below `confidence` are
    left out, as are examples that are there already, and those whose source or pair is in val or test. `weights` says
    how often each example of a run, or of `data`, occurs: 2 for twice, 0.5 for a half of them, chosen by a hash.
    `task_settings` are the language of the answers (`to`) and the `columns` of `input`.

    Memory holds the texts of the training split and all answers. Answers are kept in the folder `out` + ".part" until
    all are complete, so that the same call continues after an interruption. A failure leaves `out` unchanged;
    `overwrite` replaces prepared data, and nothing else.

    Raises DataError for a folder that is damaged or of another task, UserError for arguments that do not fit.
    """
    prepared, path = Prepared.open(data), Path(out)
    opened = [opened_run(run) for run in runs]
    weighted = _weights(str(data), [str(run) for run in runs], weights or {})
    if not opened:
        raise UserError("runs: give at least one, whose answers are added")
    if not 0 <= confidence < 1:
        raise UserError(f"confidence = {confidence:g}; expected at least 0 and less than 1")
    if "columns" in task_settings and not input:
        raise UserError("--columns names those of a table of --input: add one, or leave out --columns")
    for run in opened:
        _check_kind(run, prepared)
    inputs = [str(data), *(str(run) for run in runs), str(input)]
    overwriting.check_folder(path, overwrite, PREPARED, inputs)
    store = prepared.store("train")
    store.check_ids(prepared.task.vocabulary.size)
    prepared.check_copied()
    records = _inputs(prepared, str(input), task_settings) if input else _examples(prepared)
    unknown = 0 if input else len(store) - len(records)
    asked = [_questions(run, prepared.task, records, task_settings) for run in opened]
    held_out = HeldOut.of(prepared)
    with _kept_answers(path) as parts:
        found = []
        for run, questions in zip(opened, asked, strict=True):
            sources = list(dict.fromkeys(question.source for question in questions))
            said = answering.answers(
                load_run(run, dict(settings or {})),
                sources,
                answers,
                parts,
                scored=confidence > 0,
                progress=partial(progress, str(run.path)),
            )
            found.append(dict(zip(sources, said, strict=True)))
        added = [Added(str(run.path), weight) for run, weight in zip(opened, weighted[1:], strict=True)]
        with overwriting.new_folder(path, overwrite, PREPARED, inputs) as folder:
            writing = _Writing(prepared, folder, held_out, confidence)
            for report, run, questions, said_by_source in zip(added, opened, asked, found, strict=True):
                _measure(report, run.task, questions, said_by_source)
                report.leave_out({UNKNOWN: unknown} if unknown else {})
            writing.write(weighted[0], added, asked, found)
    return added


@contextmanager
def _kept_answers(out: Path) -> Iterator[Path]:
    """The folder of the answers so far, which one process at a time uses; on success it is removed."""
    parts = out.with_name(f"{out.name}.part")
    files.writable_folder(parts)
    with files.held(parts):
        try:
            yield parts
            for kept in parts.glob(answering.PATTERN):
                kept.unlink()
        finally:
            with suppress(OSError):  # it is not empty
                parts.rmdir()


def _check_kind(run: Run, prepared: Prepared) -> None:
    """Raises unless the run's answers are of the same kind as those of the data."""
    if run.task_name != prepared.task_name:
        raise DataError(f"{run.path} is a run of {run.task_name}, and {prepared.path} is data for {prepared.task_name}")
    if prepared.task.layout.continues or not isinstance(prepared.task, TextTask):
        raise UserError(f"{prepared.path} has whole documents, or no texts: there are no answers that could be added")
    if type(run.task) is not type(prepared.task):
        kinds = [getattr(task, "kind", type(task).__name__) for task in (run.task, prepared.task)]
        raise DataError(
            f"{run.path} was trained on another kind of data ({kinds[0]}) than {prepared.path} ({kinds[1]})"
        )


def _weights(data: str, runs: Sequence[str], given: Mapping[str, float]) -> list[float]:
    """The weight of the data and of each run. Raises UserError for another name, or a weight that is not possible."""
    data, *runs = known = [str(Path(name)) for name in (data, *runs)]
    by_name = {str(Path(name)): weight for name, weight in given.items()}
    for name, weight in by_name.items():
        if name not in known:
            raise UserError(f"weight of {name}: no run or data of this command; accepted: {', '.join(known)}")
        if not math.isfinite(weight) or weight < 0 or (name != data and weight == 0):
            least = "0 or more" if name == data else "more than 0; to leave out a run, do not name it"
            raise UserError(f"weight of {name} = {weight:g}; expected {least}")
    return [by_name.get(name, 1.0) for name in known]


def _inputs(prepared: Prepared, file: str, given: Mapping[str, Any]) -> list[Record[Any, Any]]:
    """The inputs of a file, but for empty ones, as records without a target."""
    check_file(file)
    task = prepared.task
    settled = recipe.values(task) | task.merge_settings(dict(given))
    reader = recipe.build_section(type(task), "task", settled).opened(prepared.path)
    found = [Record(source, None) for source in reader.inputs(file, io.BytesIO()) if not reader.blank(source)]
    if not found:
        raise DataError(f"{file} has no inputs")
    return found


def _examples(prepared: Prepared) -> list[Record[Any, Any]]:
    """The training examples whose sources can be told from their ids.

    They cannot if a template made the prompts, or where a cut went through a character.
    """
    task, store = prepared.task, prepared.store("train")
    found = []
    for prompt, target in map(store.row, range(len(store))):
        source, answer = decode_row(task, prompt, target)
        if task.encode_source(source) == prompt:
            found.append(Record(source, answer))
    if not found:
        raise UserError(f"{prepared.path}: the inputs cannot be told from its ids; give them with --input FILE")
    return found


def _questions(
    run: Run, data: Any, records: Sequence[Record[Any, Any]], given: Mapping[str, Any]
) -> list[Question[Any, Any]]:
    """What a run is asked. Raises UserError if there is nothing."""
    try:
        found = [*cast(TextTask[Any, Any], run.task).questions(records, data, given)]
    except UserError as error:
        raise type(error)(f"{run.path}: {error}") from None
    if not found:
        raise UserError(f"{run.path}: there is nothing that this run could answer about the data")
    return found


@dataclass
class HeldOut:
    """The texts of the splits that are not trained on, without their case and punctuation."""

    sources: set[bytes] = field(default_factory=set)
    pairs: set[tuple[bytes, ...]] = field(default_factory=set)

    @classmethod
    def of(cls, prepared: Prepared) -> "HeldOut":
        found = cls()
        for split in prepared.report["splits"]:
            if split != "train":
                for record in stored_records(prepared, prepared.task, split)[1]:
                    source, pair = found._of(prepared.task, record)
                    found.sources.add(source)
                    found.pairs.add(pair)
        return found

    def problem(self, task: Task[Any, Any], record: Record[Any, Any]) -> str:
        """Why an example must not be trained on; empty if it may be."""
        source, pair = self._of(task, record)
        if source in self.sources:
            return "source is in val or test"
        return "pair is in val or test, the other way round" if pair in self.pairs else ""

    @staticmethod
    def _of(task: Task[Any, Any], record: Record[Any, Any]) -> tuple[bytes, tuple[bytes, ...]]:
        whole = task.text_of(record.source) if isinstance(task, TextPairs) else task.show(record.source)
        source = bare(whole)
        return source, tuple(sorted((source, bare(task.tell(record.target)))))


class _Writing:
    """Writes the folder: the data as it is, then the examples of each run."""

    def __init__(self, prepared: Prepared, folder: Path, held_out: HeldOut, confidence: float) -> None:
        self.prepared, self.folder, self.held_out, self.confidence = prepared, folder, held_out, confidence
        self.task, self.store = prepared.task, prepared.store("train")
        self.window = self.task.layout.row_limit(prepared.window)
        if not self.window:
            raise DataError(f"{prepared.path / REPORT_FILE} lacks the window: prepare the data again")
        self.known: dict[int, bool] = {}
        """Whether a row is written, by its hash: of a row that is accepted, the weight may leave out all copies."""

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
        made = before | {"splits": splits, "origins": origins}
        Prepared.create(self.folder, self.prepared.task_name, self.task.opened(self.folder), made)

    def _copy_files(self) -> None:
        """The tokenizer, val and test, as they are."""
        own = ("train.", TASK_FILE, REPORT_FILE)
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
                report.equal += _is_true(question, answer)
                reason = answer.problem
                if not reason and answer.confidence is not None and answer.confidence < self.confidence:
                    reason = f"confidence below {self.confidence:g}"
                if reason := reason or self.held_out.problem(self.task, record):
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
                is_true = _is_true(question, answer)
                if row_hash(*row) in self.known:
                    report.duplicates += not is_true
                    continue
                report.added += 1
                if not is_true and len(report.examples) < SHOWN:
                    report.examples.append((self.task.show(question.source), answer.text, question.truth))
                if layout.labels:
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


def _is_true(question: Question[Any, Any], answer: Said) -> bool:
    return question.truth is not None and answer.text.strip() == str(question.truth).strip()


def _measure(
    report: Added, task: Task[Any, Any], questions: Sequence[Question[Any, Any]], said: Mapping[Any, Sequence[Said]]
) -> None:
    """What is known of all answers, and the scores of the first."""
    report.asked = len(said)
    known = [each.confidence for every in said.values() for each in every if each.confidence is not None]
    report.confidence = sum(known) / len(known) if known else None
    pairs = [(question, answer) for question in questions if question.truth for answer in said[question.source][:1]]
    if not pairs:
        return
    report.length_ratio = sum(len(answer.text) for _, answer in pairs) / sum(len(str(q.truth)) for q, _ in pairs)
    scorer, characters = task.scorer(), 0
    for question, answer in pairs[:SCORED]:
        scorer.add(Record(question.source, question.truth), answer.text)
        report.scored += 1
        characters += len(repr(question.source))
        if characters > SCORED_CHARACTERS:
            break
    report.scores = {score.name: score.value for score in scorer.scores() if not score.system}
