"""Compares the tokenizer of an export with the run's: the spelling of tokens, and the ids of texts."""

import re
from collections.abc import Iterator
from itertools import zip_longest

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
    """The check of a reader with a tokenizer, for a run whose ids stand for text; otherwise none.

    Texts are of several kinds, rows of the validation split, and each token that is text by itself, for the merges.
    """
    name, task = "ids equal the run's", subject.task
    if not isinstance(task, TextTask):
        return
    bpe, store = task.bpe, subject.store
    spelled = [bpe.token(id) for id in range(bpe.vocab_size)]
    alone = [bpe.decode([id]) for id in range(bpe.vocab_size) if id not in bpe.special_ids]
    texts = [*texts_for(bpe).values(), *(text for text in alone if text and "\ufffd" not in text)]
    for index in range(min(ROWS, len(store)) if store is not None else 0):
        assert store is not None
        prompt, target = store.row(index * len(store) // min(ROWS, len(store)))
        texts.append(task.vocabulary.render([*prompt, *target]))
    try:
        if (theirs := reader.tokens()) is None:
            return
        found = reader.encode(texts)
    except Exception as error:  # any error of a tool that cannot read the tokenizer
        yield raised(name, error, reader.tool)
        return
    wanted = [encoded(bpe, text) for text in texts]
    different = [text for text, ids, equal in zip(texts, found, wanted, strict=True) if ids != equal]
    different += [str(token or other) for other, token in zip_longest(theirs, spelled) if token != other]
    shown = f"; different: {different[0][:60]!r}" if different else ""
    what = f"{counted(len(spelled), 'token')} and {counted(len(texts), 'text')}"
    yield within(name, len(different), 0, f"{reader.tool}, {what}{shown}")


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
