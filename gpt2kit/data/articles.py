"""Articles with their leads, from tables and from dumps of Wikipedia."""

import os
from collections.abc import Iterable, Iterator

from gpt2kit.data.article import Article
from gpt2kit.data.lines import check_file, unpacked_name
from gpt2kit.data.sources import TABLES, is_table, read_fields
from gpt2kit.data.tables import Columns, Fields, listed
from gpt2kit.errors import DataError

WELL_KNOWN = (
    ("body", "lead"),
    ("document", "summary"),
    ("article", "highlights"),
    ("text", "summary"),
    ("source", "target"),
)
"""What the columns of a document and its summary are called, in the order in which they are looked for."""

HOW_TO_NAME = "--columns document,summary or --columns title,document,summary"
ACCEPTED = f"a table ({' '.join(TABLES)}), hf:owner/name[:config][@split] or a Wikipedia dump (.xml)"


def read_articles(word: str, columns: Columns = ()) -> Iterator[Article]:
    """Articles of a table or a Wikipedia dump, packed or not, in order, streamed.

    `columns` are those of a table: document and summary, or title, document and summary. Without them the first row
    tells: `WELL_KNOWN`, and "title" where there is one.

    Raises DataError, at once for a missing file and else at the line that is wrong, and MachineError without a network.
    """
    if columns and len(columns) not in (2, 3):
        raise DataError(f"{len(columns)} columns are named ({listed(columns)}); accepted: {HOW_TO_NAME}")
    if is_dump(word):
        if columns:
            raise DataError(f"{word}: a dump has no columns to name, only tables do")
        check_file(word)
        from gpt2kit.data.wikidump import read_dump  # its parser is not loaded for tables

        return read_dump(word)
    if not is_table(word):
        raise DataError(f"{word}: cannot be read as articles; accepted: {ACCEPTED}")
    return _articles(read_fields(word, columns or _well_known))


def is_dump(path: str) -> bool:
    """Whether a name is that of XML, packed or not."""
    return os.path.splitext(unpacked_name(path))[1].lower() == ".xml" and not path.startswith("hf:")


def _articles(rows: Iterable[Fields]) -> Iterator[Article]:
    for name, (*title, document, summary) in rows:
        yield Article("".join(title), document, summary, name=name)


def _well_known(row: dict[str, object], where: str) -> Columns:
    for names in WELL_KNOWN:
        if all(name in row for name in names):
            return ("title", *names) if "title" in row else names
    pairs = ", ".join("/".join(names) for names in WELL_KNOWN)
    raise DataError(
        f"{where}: which columns are document and summary? None of the well-known names are there ({pairs}), but "
        f"{listed(row)}; name them: {HOW_TO_NAME}"
    )
