"""The splits of pieces, from a table like MAESTRO's csv."""

import csv
import io
import posixpath
import re

from gpt2kit.data.encodings import not_utf8
from gpt2kit.music.midi_file.smf import MidiError

SEPARATORS = ",;\t"
SEPARATOR_LINE = re.compile(r'"?sep=([,;\t])"?')

SPLITS = {"train": "train", "validation": "val", "val": "val", "test": "test"}


def read_splits(path: str, content: bytes) -> dict[str, str]:
    """The splits of pieces, by their paths within the table's container: "train", "val" or "test".

    `path` is that of the table, next to which the pieces are expected. Its separator is a comma, a semicolon or a tab:
    the most frequent one in the first line, or the one that Excel's line `sep=;` names. A table without the columns
    midi_filename and split gives none; rows of other splits are skipped.

    Raises MidiError for a damaged table.
    """
    try:
        text = content.decode("utf-8-sig")
        first, _, rest = text.partition("\n")
        if declared := SEPARATOR_LINE.fullmatch(first.rstrip("\r")):
            text, first = rest, rest.partition("\n")[0]
        separator = declared[1] if declared else max(SEPARATORS, key=first.count)
        rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        if not {"midi_filename", "split"} <= set(rows.fieldnames or ()):
            return {}
        pairs = [(row["midi_filename"] or "", SPLITS.get((row["split"] or "").strip().lower())) for row in rows]
    except UnicodeDecodeError as error:
        raise MidiError("damaged table", not_utf8(content, 0) or str(error)) from None
    except csv.Error as error:
        raise MidiError("damaged table", str(error)) from None
    folder = posixpath.dirname(path)
    return {posixpath.normpath(posixpath.join(folder, name)): split for name, split in pairs if name and split}
