"""Compares the ids that the tokenizer of an export gives with the run's."""

import re
from collections.abc import Iterator

from gpt2kit.data.bpe import Bpe
from gpt2kit.errors import counted
from gpt2kit.export.target import Reader
from gpt2kit.selftest.check import Check, raised, within
from gpt2kit.selftest.peer_ids import texts_for
from gpt2kit.selftest.probes import Ids
from gpt2kit.selftest.run_under_test import RunUnderTest
from gpt2kit.tasks.text import TextTask

ROWS = 100
"""Number of rows of the validation split whose texts are compared."""


def checks(subject: RunUnderTest, reader: Reader) -> Iterator[Check]:
    """The check of a reader with a tokenizer, for a run whose ids stand for text; otherwise none."""
    name, task = "ids equal the run's", subject.task
    if not isinstance(task, TextTask):
        return
    bpe, store = task.bpe, subject.store
    texts = [*texts_for(bpe).values()]
    for index in range(min(ROWS, len(store)) if store is not None else 0):
        assert store is not None
        prompt, target = store.row(index * len(store) // min(ROWS, len(store)))
        texts.append(task.vocabulary.render([*prompt, *target]))
    try:
        found = reader.encode(texts)
    except Exception as error:  # any error of a tool that cannot read the tokenizer
        yield raised(name, error, reader.tool)
        return
    if found is None:
        return
    different = [text for text, ids in zip(texts, found, strict=True) if ids != encoded(bpe, text)]
    shown = f"; different: {different[0][:60]!r}" if different else ""
    yield within(name, len(different), 0, f"{reader.tool}, {counted(len(texts), 'text')}{shown}")


def encoded(bpe: Bpe, text: str) -> Ids:
    """The run's ids of a text in which control tokens are recognized."""
    found: Ids = []
    for start, part in enumerate(_parts(bpe, text)):
        found += [bpe.id(part)] if start % 2 else bpe.encode([part])[0]
    return found


def _parts(bpe: Bpe, text: str) -> list[str]:
    """Texts, and between each two of them a control token."""
    names = sorted(map(bpe.token, bpe.special_ids), key=len, reverse=True)
    return re.split(f"({'|'.join(map(re.escape, names))})", text) if names else [text]
