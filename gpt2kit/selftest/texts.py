"""Checks of a run's tokenizer: it is the one of the training, and it is lossless."""

from collections.abc import Iterator, Sequence

from gpt2kit.data.bpe import Bpe
from gpt2kit.data.prepare import fit_rows
from gpt2kit.data.report import SplitReport
from gpt2kit.data.store import Store
from gpt2kit.errors import counted
from gpt2kit.runs.prepared import Prepared
from gpt2kit.runs.task_folder import TASK_FILE
from gpt2kit.selftest.check import Check, skipped, within
from gpt2kit.selftest.run_under_test import RunUnderTest
from gpt2kit.tasks.text import TextTask

MOST_TOKENS = 1_000_000
"""Number of rows of the validation split that are checked; more would show nothing new."""

IdLists = tuple[list[int], list[int]]


def tokenizer_as_recorded(subject: RunUnderTest) -> Check:
    """Compare its fingerprint, and its number of tokens with the model's."""
    name, vocabulary = "tokenizer as recorded", subject.task.vocabulary
    (fingerprint, tokens), size = subject.run.made_with, subject.model.vocab_size
    wrong = []
    if not vocabulary.has_fingerprint(fingerprint):
        wrong.append(f"fingerprint {vocabulary.fingerprint()}, {TASK_FILE} says {fingerprint}")
    if vocabulary.size != tokens:
        wrong.append(f"{counted(vocabulary.size, 'token')}, {TASK_FILE} says {tokens}")
    if vocabulary.size != size:
        wrong.append(f"{counted(vocabulary.size, 'token')}, the model knows {size}")
    return within(name, len(wrong), 0, "; ".join(wrong) or f"{fingerprint}, {counted(tokens, 'token')}")


def round_trip(subject: RunUnderTest) -> Check:
    """Decode and encode the validation split again; if its texts were stored, prepare them again."""
    name, store, task = "validation round trip", subject.store, subject.task
    if store is None:
        return skipped(name, subject.without)
    rows = list(_rows(store))
    if store.has_texts:
        wrong = _prepared_again(subject, store, rows)
        return within(name, wrong, 0, f"of {len(rows):,} rows, their texts prepared again")
    if isinstance(task, TextTask):
        lost, other = _of_text(task.bpe, rows)
        cut = Prepared(store.folder).report["splits"][store.split]["cut"]
        inside = f"; {cut:,} were cut, perhaps within a word" if cut else ""
        remark = f"of {len(rows):,} rows, text to ids and back{inside}"
        return within(name, lost or other, 0 if lost else cut, remark)
    wrong = sum(list(task.encode_target(task.decode(target))) != target for _, target in rows if target)
    return within(name, wrong, 0, f"of {len(rows):,} rows, ids to a piece and back")


def _rows(store: Store) -> Iterator[IdLists]:
    """The first rows."""
    tokens = 0
    for index in range(len(store)):
        row = store.row(index)
        tokens += len(row[0]) + len(row[1])
        yield row
        if tokens >= MOST_TOKENS:
            return


def _prepared_again(subject: RunUnderTest, store: Store, rows: Sequence[IdLists]) -> int:
    """The number of stored records whose rows would differ now."""
    prepared = Prepared(store.folder)
    task, window = prepared.unchecked_task.opened(subject.run.path), prepared.report["window"]
    found: list[IdLists] = []
    for texts in store.texts():
        record = task.restored(texts)
        found += [
            (list(prompt), list(target))
            for prompt, target in fit_rows([record], task.encode([record]), task.layout, window, SplitReport())
        ]
        if len(found) >= len(rows):
            break
    return sum(one != other for one, other in zip(found, rows, strict=False)) + len(rows) - len(found)


def _of_text(bpe: Bpe, rows: Sequence[IdLists]) -> tuple[int, int]:
    """The number of rows whose text is not restored from its ids, and of those whose text would have other ids."""
    lost = other = 0
    for row in rows:
        parts = [part for ids in row for part in between(ids, bpe.special_ids)]
        texts = [bpe.decode(part) for part in parts]
        again = bpe.encode(texts)
        lost += [bpe.decode(ids) for ids in again] != texts
        other += again != parts
    return lost, other


def between(ids: Sequence[int], special: frozenset[int]) -> Iterator[list[int]]:
    """The runs of ids between control tokens."""
    part: list[int] = []
    for id in ids:
        if id in special:
            if part:
                yield part
            part = []
        else:
            part.append(id)
    if part:
        yield part
