"""The inputs of evaluate: whole documents, or records with a reference, of a corpus or of a prepared split."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gpt2kit.data.prepare import write_splits
from gpt2kit.data.remote import shown
from gpt2kit.data.report import SplitReport, Unsuitable
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError, UserError, counted
from gpt2kit.pipeline.engine import Engine
from gpt2kit.pipeline.prepare import only
from gpt2kit.runs.folder import Run
from gpt2kit.runs.prepared import Prepared, corpus_name
from gpt2kit.tasks.base import Task, decode_row
from gpt2kit.tasks.record import Record


def run_of(engine: Engine) -> Run:
    """The run of an engine. Raises UserError for a pretrained model, which has no run."""
    if engine.run is None:
        raise UserError("this model was not loaded from a run, so it has no prepared data: give a corpus to score")
    return engine.run


def training_store(engine: Engine) -> Store | None:
    """The split that the run was trained on; None if copying from it is not scored.

    Raises DataError if it no longer exists.
    """
    if engine.run is None or not engine.task.about.copies:
        return None
    store = engine.run.prepared.store("train")
    store.verify()
    return store


@dataclass(frozen=True)
class Documents:
    """Whole documents to evaluate."""

    name: str
    store: Store
    report: SplitReport | None
    """The report of reading a corpus; None for prepared data."""


@contextmanager
def documents(
    engine: Engine, corpus: Sequence[str] = (), split: str = "", limit: int | None = None
) -> Iterator[Documents]:
    """The documents of a corpus, or only those of a `split` that it names; without a corpus those of a prepared split,
    by default val.

    Raises DataError if there are none.
    """
    task, corpus = engine.task, list(map(shown, corpus))
    with TemporaryDirectory() as folder:
        if corpus:
            wanted = split or "all"
            belongs = only(split) if split else lambda record: wanted
            records = task.read(task.expand(corpus))
            writers = write_splits(Path(folder), [wanted], records, belongs, task, None)
            name = f"{corpus_name(corpus)}:{split}" if split else corpus_name(corpus)
            found = Documents(name, Store(Path(folder), wanted), writers[wanted].report)
        else:
            split = split or "val"
            prepared = run_of(engine).prepared
            found = Documents(prepared.set_name(split), prepared.store(split), None)
            found.store.check_ids(task.vocabulary.size)
        if not len(found.store):
            reasons = f" ({found.report.reasons()})" if found.report is not None else ""
            raise DataError(f"{found.name} has no documents to evaluate on{reasons}; give others with --on")
        yield found if limit is None else replace(found, store=found.store.first_documents(limit))


def records_to_score(
    engine: Engine, corpus: Sequence[str], split: str, report: SplitReport, limit: int | None = None
) -> tuple[str, Iterator[Record[Any, Any]]]:
    """The name and the records of a corpus, or without one of a prepared split, by default val: those that the
    settings of the command select, and at most `limit` of them. `report` counts the records of a corpus.

    Raises DataError after reading all records if none was selected.
    """
    task = engine.task
    if corpus:
        name, records = corpus_records(task, corpus, report)
    else:
        name, records = stored_records(run_of(engine).prepared, task, split or "val")
    subset = task.subset(engine.given)
    if subset is None:
        return name, islice(records, limit)

    def selected() -> Iterator[Record[Any, Any]]:
        count = found = 0
        for record in records:
            count += 1
            if subset.includes(record):
                found += 1
                yield record
        if not found:
            raise DataError(
                f"{name}: --{subset.name.replace(':', ' ', 1)} selects none of its {counted(count, 'record')}"
            )

    return f"{name}|{subset.name}", islice(selected(), limit)


def corpus_records(
    task: Task[Any, Any], corpus: Sequence[str], report: SplitReport
) -> tuple[str, Iterator[Record[Any, Any]]]:
    """The name of a corpus and its records; `report` counts them and the omitted ones.

    Raises DataError after reading all records if every one was omitted.
    """
    name, files = corpus_name(list(map(shown, corpus))), task.expand(corpus)

    def scorable() -> Iterator[Record[Any, Any]]:
        for record in task.read(files):
            report.read += 1
            if record.problem and not isinstance(record.problem, Unsuitable):
                report.drop(record.problem, record)
            else:
                report.rows += 1
                yield record
        if not report.rows:
            raise DataError(f"{name} has no records to evaluate on ({report.reasons()})")

    return name, scorable()


def _kept(task: Task[Any, Any], store: Store) -> Iterator[Record[Any, Any]]:
    for number, texts in enumerate(store.texts(), 1):
        try:
            yield task.restored(texts)
        except (KeyError, ValueError, TypeError) as error:
            raise DataError(f"{store.folder / store.split}.texts:{number} is damaged: {error!r}") from None


def stored_records(prepared: Prepared, task: Task[Any, Any], split: str) -> tuple[str, Iterator[Record[Any, Any]]]:
    """The name and the records of a prepared split: the stored records if ids do not contain all of them.

    Raises DataError for a split whose ids do not, and which has no stored records, such as train.
    """
    if references := getattr(task, "references", ()):
        named = ",".join(references)
        raise UserError(f"references = {named}: they need the corpus that they translate: give it with --on")
    store, name = prepared.store(split), prepared.set_name(split)
    store.verify()
    if store.has_texts:
        return name, _kept(task, store)
    rows = (store.row(index) for index in range(len(store)))
    records = (Record(*decode_row(task, prompt, target)) for prompt, target in rows)
    if (first := next(records, None)) is not None and task.stored(first) is not None:
        raise DataError(
            f"{name} cannot be scored, because prepare kept only its ids, cut to the window; accepted: another "
            "--split, such as val, or the corpus itself with --on"
        )
    return name, chain([] if first is None else [first], records)
