"""Documents of plain text, in parts for the tokenizer: from text files, folders, tables and the Hub."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain
from shlex import quote

from gpt2kit.data import remote
from gpt2kit.data.columns.selection import Selection, select
from gpt2kit.data.documents import contains, split_documents
from gpt2kit.data.lines import can_be_read_twice, cut, text_blocks, unpacked_name
from gpt2kit.data.sources import TABLES, check_table, is_table, read_fields
from gpt2kit.data.tables.headers import is_text, looks
from gpt2kit.data.tables.rows import Columns, count_columns, listed
from gpt2kit.errors import DataError

PART = 1 << 16
"""Characters of a part of a text file, as far as words allow; the last part has the rest."""

PARTS = 50
"""Least number of parts, approximately, of a corpus of one file, as its end is held out; no part is shorter than
`SHORTEST`."""

SHORTEST = 256

LONGEST_WORD = 1 << 16
"""If a part exceeds its size by this many characters without a space, it ends within a word."""

TEXT_FILES = (".txt", ".text", ".md")
"""Files that are read from a folder, in addition to tables."""

ACCEPTED = (
    f"a text file, a folder of them ({' '.join(TEXT_FILES)}), a table ({' '.join(TABLES)}), a glob in quotes, a URL or "
    "hf:owner/name[:config][@split]"
)

WORD = re.compile(r"[ \n](?=\S)")


@dataclass(frozen=True)
class Part:
    """A part of a document: the tokens of its parts, joined, are those of the whole."""

    text: str
    name: str
    """Its position, for messages."""
    begins: bool = True
    """Whether it is the first of its document."""
    document: str = ""
    """The text of the document's first part, which identifies the document; empty if this is the only part."""
    end: float = 0.0
    """For a corpus of one file: the share of the file up to the end of this part; otherwise 0."""
    row: bool = field(default=False, compare=False)
    """Whether it is the row of a table."""
    undivided: bool = field(default=False, compare=False)
    """Whether its file does not contain the separator."""


def read_texts(corpus: Sequence[str], column: str = "", separator: str = "", alone: bool = True) -> Iterator[Part]:
    """Yield every text file, or what is between its separators, and each row of a table as a document, of a corpus of
    files.

    `column` is a table's, by default "text" or the only one of strings; text files have none. A single text file tells
    where its parts end, unless it is not `alone` but of a larger corpus.

    Raises DataError, immediately for a missing file and otherwise at the wrong line, and MachineError without a
    network.
    """
    for word in corpus:
        check_table(word)
    alone = alone and len(corpus) == 1 and not is_table(corpus[0]) and can_be_read_twice(corpus[0])
    return chain.from_iterable(
        _rows(word, column) if is_table(word) else _file(word, separator, alone) for word in corpus
    )


def _file(path: str, separator: str, alone: bool) -> Iterator[Part]:
    # Between separators a document is in memory; a whole file without any need not be.
    undivided = bool(separator) and can_be_read_twice(path) and not contains(text_blocks(path), separator)
    if undivided or not separator:
        parts = _parts(path, text_blocks(path), _length(path, _state(path)) if alone else 0)
        return (replace(part, undivided=True) for part in parts) if undivided else parts
    documents = enumerate(split_documents(text_blocks(path), separator), 1)
    return chain.from_iterable(_parts(f"{path}, document {number}", [text], 0) for number, text in documents)


def select_text(corpus: Sequence[str], column: str = "") -> list[Selection]:
    """The column that `read_texts` takes from each table of a corpus."""
    tables = filter(is_table, corpus)
    text = (lambda row, where: (column,)) if column else _only_column
    numbered = column.isdecimal()
    found = (select(table, lambda row, where: {"text": text(row, where)[0]}, not numbered) for table in tables)
    return list(chain.from_iterable(found))


def is_text_or_table(path: str) -> bool:
    """Whether a file of a folder is read: other files are ignored."""
    return is_table(path) or os.path.splitext(unpacked_name(path))[1].lower() in TEXT_FILES


def _rows(word: str, column: str) -> Iterator[Part]:
    for where, (text,), _ in read_fields(word, (column,) if column else _only_column):
        yield Part(text, where, row=True)


def _only_column(row: dict[str, object], where: str) -> Columns:
    """The column 'text', or the only one of strings, or the only one next to numbers and addresses."""
    strings = {name: value or "" for name, value in row.items() if value is None or isinstance(value, str)}
    called = [name for name in row if name.strip().casefold() == "text"]
    if len(called) == 1:
        return (called[0],)
    texts = [name for name, value in strings.items() if value and not looks([value])]
    if not called and len(texts) == 1:  # a TSV has a header only if the user says so
        if is_text(texts[0]):
            raise DataError(
                f"{where}: the column is called {cut(texts[0])!r}, which looks like a text; name it with --column if "
                f"that is right{count_columns(where, '--column 0')}"
            )
        return (texts[0],)
    likely = max(called or strings, key=lambda name: len(strings[name]), default="NAME")
    raise DataError(
        f"{where}: cannot tell which of the columns {cut(listed(row), 300)} is the text, as "
        f"{'several are' if called else 'none is'} called 'text'; choose it, as in --column {quote(likely)}"
        f"{count_columns(where, '--column 0')}"
    )


def _state(path: str) -> tuple[int, int]:
    """Size and modification time, which detect a changed file; of a URL only the size, if that is known."""
    if remote.is_url(path):
        return remote.size(path) or 0, 0
    found = os.stat(path)
    return found.st_size, found.st_mtime_ns


@lru_cache(maxsize=1)
def _length(path: str, state: tuple[int, int]) -> int:
    """Characters of a file, counted once as long as it does not change."""
    return sum(map(len, text_blocks(path)))


def _parts(name: str, blocks: Iterable[str], length: int) -> Iterator[Part]:
    """The parts of a document, of a known length if it is the whole corpus.

    A part ends before the last white space in front of a word, where a GPT-2 token always ends.
    """
    text, read, first = "", 0, ""
    size = min(PART, max(SHORTEST, length // PARTS)) if length else PART
    for block in chain(blocks, [None]):
        text += block or ""
        while end := _border(text, size, not first) or (0 if block is not None else len(text)):
            read += end
            begins, first = not first, first or text[:end]
            yield Part(text[:end], name, begins, first, read / length if length else 0.0)
            text = text[end:]


def _border(text: str, size: int, begins: bool) -> int:
    """Where the part at the beginning of the text ends; 0 if more text is needed.

    The white space at the beginning of a document does not count, so that only its last part can be blank.
    """
    if begins:
        size += len(text) - len(text.lstrip())
    if len(text) <= size:
        return 0
    end = size
    while end > 0:
        end = max(text.rfind(" ", 0, end), text.rfind("\n", 0, end))
        if end > 0 and WORD.match(text, end):
            return end
    found = WORD.search(text, size)
    if found and found.start() <= size + LONGEST_WORD:
        return found.start()
    return size + LONGEST_WORD if len(text) >= size + LONGEST_WORD else 0
