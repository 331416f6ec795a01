"""Text from parallel files, tables and the Hub: the only import of `datasets`."""

import glob
import hashlib
import logging
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import islice, zip_longest
from typing import Any

from gpt2kit.data.lines import check_file, cut, text_lines, unpacked_name
from gpt2kit.data.remote import failure, is_url, whole
from gpt2kit.data.tables.json_rows import is_array, is_json, json_rows
from gpt2kit.data.tables.pairs import SAMPLE, Opened, Pair, delimited_pairs, row_pairs
from gpt2kit.data.tables.rows import (
    Choice,
    Columns,
    Fields,
    TableRow,
    by_name,
    csv_rows,
    delimited_remarks,
    pick_fields,
    tsv_fields,
    tsv_rows,
    unnamed_columns,
)
from gpt2kit.errors import DataError, MachineError, UserError, counted

TABLES = (".tsv", ".csv", ".jsonl", ".json", ".parquet")
ACCEPTED = f"two parallel text files, one table ({' '.join(TABLES)}) or hf:owner/name[:config][@split]"
"""In place of a file there may be a folder, a glob or a URL: `parallel_files` knows them."""
LANGUAGE_PREFIX = re.compile(r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*=")
HUB_NAME = re.compile(r"hf:(?P<name>[\w.-]+/[\w.-]+)(:(?P<config>[^:@]+))?(@(?P<split>[^:@]+))?")
ROWS_A_BATCH = 1000


def read_pairs(paths: Sequence[str], columns: Pair | None = None, language: str = "") -> Iterator[Pair]:
    """Stream pairs (source, target) of text in file order, with at most a few batches in memory.

    `paths` is two parallel text files or one table, as `pair_paths` groups them. `columns` are those of a table, by
    name or by number; by default the header decides, with the `language` of the targets if it is known, and a table
    without a header has them first.

    Raises DataError, immediately for a missing file and otherwise at the wrong line, and MachineError without a
    network.
    """
    if len(paths) == 1 and is_table(paths[0]):
        check_table(paths[0])
        return _table_pairs(paths[0], columns, language)
    if len(paths) != 2 or is_table(paths[0]) or is_table(paths[1]):
        raise DataError(f"{' and '.join(paths) or 'no file'}: cannot be read as pairs; accepted: {ACCEPTED}")
    if columns is not None:
        raise DataError(f"{paths[0]} and {paths[1]} are plain text and have no columns; --columns is for tables")
    for path in paths:
        check_file(path)
    return _parallel_pairs(paths[0], paths[1])


def read_fields(path: str, columns: Columns | Choice) -> Iterator[Fields]:
    """Stream the position of each row of a table and the values of `columns`; a function chooses them by the first row.

    Raises DataError as `read_pairs` does.
    """
    check_table(path)
    if not path.startswith("hf:") and table_kind(path) == ".tsv":
        return tsv_fields(path, columns)
    return pick_fields(_table_rows(path, by_name(columns)), columns)


def read_rows(path: str, header: bool = True) -> Iterator[tuple[str, dict[str, object]]]:
    """The position of each row of a table and all of its columns; a TSV or CSV may lack a `header`.

    Raises DataError as `read_pairs` does.
    """
    check_table(path)
    is_tsv = not path.startswith("hf:") and table_kind(path) == ".tsv"
    return tsv_rows(path, header) if is_tsv else _table_rows(path, header)


def open_pairs(path: str, columns: Pair | None = None, language: str = "") -> Opened:
    """The pairs of a table as `read_pairs` yields them, and how it is read."""
    check_table(path)
    if path.startswith("hf:"):
        return row_pairs(_table_rows(path), columns, path, language)
    kind = table_kind(path)
    if kind in (".tsv", ".csv"):
        return delimited_pairs(path, kind == ".tsv", columns, language)
    found = row_pairs(_table_rows(path), columns, path, language)
    return found._replace(remarks=[*_form(path), *found.remarks])


def table_remarks(path: str, header: bool = True) -> list[str]:
    """Whatever its name does not tell about the way a table is read, as lines for the user."""
    if path.startswith("hf:"):
        return []
    kind = table_kind(path)
    return delimited_remarks(path, kind == ".tsv", header) if kind in (".tsv", ".csv") else _form(path)


def index_columns(path: str) -> list[str]:
    """The columns of a table with a header that are an index without a name of its own, and are not read."""
    if path.startswith("hf:") or (kind := table_kind(path)) not in (".tsv", ".csv"):
        return []
    return unnamed_columns(path, kind == ".tsv")


def pair_paths(arguments: Sequence[str]) -> list[tuple[str, ...]]:
    """Group command-line words into corpora: a table or Hub name is one alone, two plain text files are a pair.

    Raises DataError for a plain text file that is not followed by its partner.
    """
    corpora: list[tuple[str, ...]] = []
    words = iter(arguments)
    for word in words:
        if is_table(word):
            corpora.append((word,))
            continue
        partner = next(words, None)
        if partner is None or is_table(partner):
            raise no_partner(word)
        corpora.append((word, partner))
    return corpora


def no_partner(word: str) -> DataError:
    """The error for a plain text file that is not followed by its translation."""
    return DataError(
        f"{word}: a plain text file must be followed by its translation; accepted: {ACCEPTED}{_hint(word)}"
    )


def _hint(path: str) -> str:
    """Advice for a table under another name, for the end of a message."""
    path = LANGUAGE_PREFIX.sub("", path)
    if not os.path.isfile(path):
        return ""
    lines = list(islice(text_lines(path), SAMPLE))
    if not lines or not all("\t" in line for line in lines):
        return ""
    return f". Its lines have tabs: if it is a table, name it {os.path.splitext(unpacked_name(path))[0]}.tsv"


def is_table(path: str) -> bool:
    """Whether `path` alone is a table, judged by its name after a language prefix as in `de=pairs.tsv`, or by its
    contents if they are JSON objects."""
    path = LANGUAGE_PREFIX.sub("", path)
    return path.startswith("hf:") or table_kind(path) in TABLES


def held_out(source: str, fraction: float) -> bool:
    """Whether a pair belongs to the held-out `fraction` (0 to 1), decided by a hash of its source text alone.

    Equal sources are always in the same split, on any machine, in any order, in any run; a larger fraction includes
    every smaller one.
    """
    if not 0 <= fraction <= 1:
        raise ValueError(f"fraction = {fraction}; expected a number from 0 to 1")
    return fingerprint(source) < fraction * 2**64


def fingerprint(text: str) -> int:
    """64 bits that are equal for equal texts, whatever white space is around them and however accents are composed."""
    text = unicodedata.normalize("NFC", text).strip()
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest(), "big")


def table_kind(path: str) -> str:
    """The lower-case ending of a table's name, before that of a compression; of a file with another ending, .jsonl if
    it contains JSON objects. Of a URL only the name is looked at."""
    ending = _ending(path)
    return ".jsonl" if ending not in TABLES and not is_url(path) and is_json(path) else ending


def check_table(path: str) -> None:
    """Raise DataError for a table that does not exist, and for a wrong name of the Hub."""
    if path.startswith("hf:"):
        _hub_name(path)
    else:
        check_file(path)


def _ending(path: str) -> str:
    return os.path.splitext(unpacked_name(path).lower())[1]


def _form(path: str) -> list[str]:
    """Lines for the user about the form of a file that its name does not tell."""
    if table_kind(path) not in (".jsonl", ".json"):
        return []
    if is_array(path):
        return [f"{path}: read as a JSON array, one object for each row"]
    return [] if _ending(path) in TABLES else [f"{path}: read as JSON lines, by its contents"]


def _parallel_pairs(source_path: str, target_path: str) -> Iterator[Pair]:
    sources, targets = text_lines(source_path), text_lines(target_path)
    last: Pair | None = None
    for number, (source, target) in enumerate(zip_longest(sources, targets), 1):
        if source is None:
            count = number + sum(1 for _ in targets)
            raise _unequal(target_path, count, target, source_path, number - 1, last)
        if target is None:
            count = number + sum(1 for _ in sources)
            raise _unequal(source_path, count, source, target_path, number - 1, last)
        last = source, target
        yield last


def _unequal(longer: str, count: int, first_alone: str, shorter: str, pairs: int, last: Pair | None) -> DataError:
    seen = f"The last pair read is {cut(last[0])!r} with {cut(last[1])!r}." if last else "No pair was read."
    return DataError(
        f"{longer} has {counted(count, 'line')} but {shorter} has {pairs}: line {pairs + 1} of {longer} has no "
        f"counterpart: "
        f"{cut(first_alone)!r}. {seen} Line n of one file must translate line n of the other."
    )


def _table_pairs(path: str, columns: Pair | None, language: str) -> Iterator[Pair]:
    yield from open_pairs(path, columns, language).pairs


def _table_rows(path: str, header: bool = True) -> Iterator[TableRow]:
    """Rows of any table except a TSV."""
    if path.startswith("hf:"):
        return _hub_rows(path, _hub_name(path))
    kind = table_kind(path)
    if kind == ".parquet":
        return _parquet_rows(path)
    return csv_rows(path, header) if kind == ".csv" else json_rows(path)


def _parquet_rows(path: str) -> Iterator[TableRow]:
    if not path.lower().endswith(".parquet"):
        raise DataError(f"{path}: Parquet is compressed internally; unpack this file and use the .parquet in it")
    datasets = _quiet_datasets()
    files = glob.escape(whole(path) if is_url(path) else os.path.abspath(path))  # `datasets` takes it for a pattern
    try:
        yield from _rows(
            path,
            datasets.load_dataset("parquet", data_files=files, split="train", streaming=True, batch_size=ROWS_A_BATCH),
        )
    except (ValueError, OSError, RuntimeError, datasets.exceptions.DatasetsError) as error:  # pyarrow's are among these
        if is_url(path):
            raise failure(path, error) from None
        raise DataError(f"{path}: cannot be read as Parquet: {error}") from None


def _hub_name(path: str) -> re.Match[str]:
    found = HUB_NAME.fullmatch(path)
    if found is None:
        raise DataError(f"{path}: not a dataset name on the Hub; accepted: hf:owner/name[:config][@split]")
    return found


def _hub_rows(path: str, found: re.Match[str]) -> Iterator[TableRow]:
    datasets = _quiet_datasets()
    name, config, split = found["name"], found["config"], found["split"] or "train"
    try:
        yield from _rows(path, datasets.load_dataset(name, config, split=split, streaming=True))
    except Exception as error:  # of `datasets`, pyarrow, fsspec or the HTTP client, which depends on the version
        raise _hub_error(path, name, error) from None


def _hub_error(path: str, name: str, error: Exception) -> UserError:
    if "scripts are no longer supported" in str(error):
        return DataError(
            f"{path}: this dataset is a script, and `datasets` no longer runs scripts. The Hub may keep it as Parquet "
            "on the branch refs/convert/parquet: download the files from "
            f"https://huggingface.co/datasets/{name}/tree/refs%2Fconvert%2Fparquet and use them instead"
        )
    client = type(error).__module__.startswith(("httpx", "aiohttp"))
    if client or isinstance(error, (ConnectionError, TimeoutError)):
        return MachineError(f"{path}: the Hugging Face Hub cannot be reached; local files work without a network")
    return DataError(f"{path}: {type(error).__name__}: {error}")


def _rows(path: str, table: Any) -> Iterator[TableRow]:
    number = 0
    for batch in table.iter(batch_size=ROWS_A_BATCH):
        for values in zip(*batch.values(), strict=True):
            number += 1
            yield f"{path}: row {number}", dict(zip(batch, values, strict=True))


def _quiet_datasets() -> Any:
    """Import `datasets` without its progress bars and log lines: errors are raised as well.

    Its download counts are off too: they call a server on the internet even for a local file.
    """
    import datasets

    datasets.disable_progress_bars()
    datasets.config.HF_UPDATE_DOWNLOAD_COUNTS = False
    for library in ("datasets", "huggingface_hub"):
        logging.getLogger(library).setLevel(logging.CRITICAL)
    return datasets
