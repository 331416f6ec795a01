"""The splits of pieces, from a table like MAESTRO's csv."""

import csv
import io
import posixpath

from gpt2kit.music.smf import MidiError

SPLITS = {"train": "train", "validation": "val", "val": "val", "test": "test"}


def read_splits(path: str, content: bytes) -> dict[str, str]:
    """The splits of pieces, by their paths within the table's container: "train", "val" or "test".

    `path` is that of the table, next to which the pieces are expected. A table without the columns midi_filename and
    split gives none; rows of other splits are skipped.

    Raises MidiError for a damaged table.
    """
    try:
        rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        if not {"midi_filename", "split"} <= set(rows.fieldnames or ()):
            return {}
        pairs = [(row["midi_filename"] or "", SPLITS.get((row["split"] or "").strip().lower())) for row in rows]
    except (csv.Error, UnicodeDecodeError) as error:
        raise MidiError("damaged table", str(error)) from None
    folder = posixpath.dirname(path)
    return {posixpath.normpath(posixpath.join(folder, name)): split for name, split in pairs if name and split}
