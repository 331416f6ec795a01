"""Read articles and their leads from tables and Wikipedia dumps."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from shlex import quote

from gpt2kit.data.article import Article
from gpt2kit.data.columns.selection import Selection, select
from gpt2kit.data.lines import check_file, unpacked_name
from gpt2kit.data.report import Damage
from gpt2kit.data.sources import TABLES, is_table, read_fields
from gpt2kit.data.tables.headers import is_text
from gpt2kit.data.tables.rows import Columns, Fields, count_columns, listed
from gpt2kit.data.wikipedia.extracted import is_extracted, read_extracted, whole_article
from gpt2kit.errors import DataError

WELL_KNOWN = (
    ("body", "lead"),
    ("document", "summary"),
    ("article", "highlights"),
    ("text", "summary"),
    ("source", "target"),
)
"""Usual column names of a document and its summary, in the order in which they are tried."""

WHOLE = ("title", "text", "text")
"""Columns of whole articles, as wikiextractor writes them: the text begins with its summary."""

SPLIT = "the first paragraph of each text, or all before its first heading, is the summary"

HOW_TO_NAME = "--columns document,summary or --columns title,document,summary"
ACCEPTED = (
    f"a table ({' '.join(TABLES)}), hf:owner/name[:config][@split], wikiextractor's files, a Wikipedia dump (.xml), "
    "or a folder, a glob in quotes or a URL of these"
)


def read_articles(word: str, columns: Columns = ()) -> Iterator[Article]:
    """Stream the articles of a table or a Wikipedia dump, compressed or not, in order.

    `columns` are those of a table: document and summary, or title, document and summary. By default the first row
    decides: a pair of `WELL_KNOWN`, and "title" if there is one.

    Raises DataError, immediately for a missing file and otherwise at the wrong line, and MachineError without a
    network.
    """
    if columns and len(columns) not in (2, 3):
        raise DataError(f"expected 2 or 3 columns, found {len(columns)} ({listed(columns)}); accepted: {HOW_TO_NAME}")
    if is_dump(word):
        if columns:
            raise DataError(f"{word}: a dump has no columns; --columns is for tables")
        return _pages(word)
    if not is_table(word) and is_extracted(word):
        return read_extracted(word)
    return _articles(read_fields(_table(word), columns)) if columns else _well_known_articles(_table(word))


def select_articles(word: str, columns: Columns = ()) -> list[Selection]:
    """The columns that `read_articles` takes from a table; a dump has none."""
    if is_dump(word) or not is_table(word):
        return []
    found = select(word, lambda row, where: _roles(columns or _well_known(row, where)), not _numbered(columns))
    whole = _roles(WHOLE)
    return [replace(each, remarks=(*each.remarks, SPLIT)) if each.taken == whole else each for each in found]


def read_documents(word: str, columns: Columns = ()) -> Iterator[Article]:
    """Like `read_articles`, for titles and documents only: leads may be missing, and those of tables are empty.

    `columns` are those of `read_articles` or the document alone. A dump has no columns, so it ignores those of a run.
    Pages of a dump that are not articles are skipped; a page that cannot be parsed is yielded without a text.
    """
    if len(columns) > 3:
        raise DataError(
            f"expected 1 to 3 columns, found {len(columns)} ({listed(columns)}); accepted: --columns document, "
            f"{HOW_TO_NAME}"
        )
    if is_dump(word):
        return (page for page in _pages(word) if page.body or page.problem is None or isinstance(page.problem, Damage))
    if not is_table(word) and is_extracted(word):
        return read_extracted(word)
    wanted = columns if len(columns) < 2 else columns[:-1]
    return _documents(read_fields(_table(word), wanted or _well_known_document))


def is_dump(path: str) -> bool:
    """Whether a file name is that of XML, compressed or not."""
    return os.path.splitext(unpacked_name(path))[1].lower() == ".xml" and not path.startswith("hf:")


def _pages(word: str) -> Iterator[Article]:
    check_file(word)
    from gpt2kit.data.wikipedia.dump import read_dump  # its parser is not loaded for tables

    return read_dump(word)


def _table(word: str) -> str:
    if not is_table(word):
        raise DataError(f"{word}: cannot be read as articles; accepted: {ACCEPTED}")
    return word


def _articles(rows: Iterable[Fields]) -> Iterator[Article]:
    for name, (*title, document, summary), id in rows:
        yield Article("".join(title), document, summary, name=name, id=id)


def _well_known_articles(word: str) -> Iterator[Article]:
    chosen: list[Columns] = []

    def choose(row: dict[str, object], where: str) -> Columns:
        chosen.append(_well_known(row, where))
        return chosen[0]

    rows = read_fields(word, choose)

    def articles() -> Iterator[Article]:
        for name, (*title, document, summary), id in rows:
            if chosen[0] == WHOLE:
                yield whole_article("".join(title), document, name, id)
            else:
                yield Article("".join(title), document, summary, name=name, id=id)

    return articles()


def has_articles(path: str) -> bool:
    """Whether articles can be read from a file of a folder."""
    return is_dump(path) or is_table(path) or is_extracted(path)


def _documents(rows: Iterable[Fields]) -> Iterator[Article]:
    for name, (*title, document), id in rows:
        yield Article("".join(title), document, "", name=name, id=id)


def _well_known(row: dict[str, object], where: str) -> Columns:
    if names := _found(WELL_KNOWN, row):
        return names
    if all(name in row for name in WHOLE):
        return WHOLE
    pairs = ", ".join("/".join(names) for names in WELL_KNOWN)
    advice = count_columns(where, "--columns 0,1") if any(map(is_text, row)) else ""
    raise DataError(
        f"{where}: cannot tell which columns are document and summary: {listed(row)} include none of the usual pairs "
        f"({pairs}); name them with {_likely(row) or HOW_TO_NAME}{advice}"
    )


def _likely(row: dict[str, object]) -> str:
    """The option that takes the two longest texts of a row, the longer one as the document; empty without them."""
    texts = {name: value for name, value in row.items() if isinstance(value, str) and " " in value}
    longest = sorted(texts, key=lambda name: -len(texts[name]))[:2]
    return f"{HOW_TO_NAME}; as in --columns {quote(','.join(longest))}" if len(longest) == 2 else ""


def _well_known_document(row: dict[str, object], where: str) -> Columns:
    """The document column of a well-known pair if there is one, so that a table is read as when it was prepared."""
    documents = tuple((document,) for document, _ in WELL_KNOWN)
    if names := _found(WELL_KNOWN, row):
        return names[:-1]
    if names := _found(documents, row):
        return names
    raise DataError(
        f"{where}: cannot tell which column is the document: none of {listed(row)} is one of the usual names "
        f"({', '.join(name for (name,) in documents)}); name it with --columns document"
    )


def _roles(columns: Columns) -> dict[str, str]:
    return dict(zip(("title", "document", "summary")[3 - len(columns) :], columns, strict=True))


def _numbered(columns: Columns) -> bool:
    """Whether columns are given by number, as for a TSV without a header."""
    return bool(columns) and all(column.isdecimal() for column in columns)


def _found(choices: Iterable[Columns], row: dict[str, object]) -> Columns:
    """The first choice whose columns all exist, preceded by the title if there is one."""
    names = next((names for names in choices if all(name in row for name in names)), ())
    return ("title", *names) if names and "title" in row else names
