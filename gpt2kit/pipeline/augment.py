"""augment: adds what trained runs answer to prepared data, as examples to train on.

Answers to the sources of the training split are sequence-level distillation (Kim and Rush 2016,
https://arxiv.org/abs/1606.07947); with those of runs of the other direction, whose answers become sources, it is data
diversification (Nguyen et al. 2020, https://arxiv.org/abs/1911.01986).
"""

import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, cast

from gpt2kit import files, overwriting, recipe
from gpt2kit.data.lines import check_file
from gpt2kit.errors import DataError, UserError
from gpt2kit.pipeline.augmenting import answers as answering
from gpt2kit.pipeline.augmenting.added import Added, measure
from gpt2kit.pipeline.augmenting.held_out import HeldOut
from gpt2kit.pipeline.augmenting.writing import Writing
from gpt2kit.pipeline.dealing import dealing, serve
from gpt2kit.pipeline.opening import load_run, opened_run
from gpt2kit.pipeline.prepare import ignore
from gpt2kit.runs.folder import Run
from gpt2kit.runs.kinds import PREPARED
from gpt2kit.runs.prepared import Prepared
from gpt2kit.tasks.base import decode_row
from gpt2kit.tasks.record import Question, Record
from gpt2kit.tasks.text import TextTask
from gpt2kit.training.distributed import ProcessGroup

UNKNOWN = "input that its ids do not tell"

MOST_WEIGHT = 1000
"""Copies of an example; more are most likely a mistake, and would fill the disk."""

Progress = Callable[[str, int, int, float], None]
"""(run, answers so far, of how many, seconds left)."""


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
    group: ProcessGroup | None = None,
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

    The processes of a `group` share the answering. All of them call this; the list of all but the main one is empty.

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
    if group is not None and not group.is_main:
        for run in opened:
            serve(load_run(run, dict(settings or {})), group)
        return []
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
            engine = load_run(run, dict(settings or {}))
            with dealing(engine, group):
                said = answering.answers(
                    engine,
                    sources,
                    answers,
                    parts,
                    scored=confidence > 0,
                    progress=partial(progress, str(run.path)),
                )
            found.append(dict(zip(sources, said, strict=True)))
        added = [Added(str(run.path), weight) for run, weight in zip(opened, weighted[1:], strict=True)]
        with overwriting.new_folder(path, overwrite, PREPARED, inputs) as folder:
            writing = Writing(prepared, folder, held_out, confidence)
            for report, run, questions, said_by_source in zip(added, opened, asked, found, strict=True):
                measure(report, run.task, questions, said_by_source)
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
        if weight > MOST_WEIGHT:
            raise UserError(f"weight of {name} = {weight:g}; expected at most {MOST_WEIGHT:,} times each example")
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
