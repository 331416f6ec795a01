"""Which split a piece belongs to, by a table in the manner of MAESTRO's csv."""

import csv
import io
import posixpath

from gpt2kit.music.smf import MidiError

SPLITS = {"train": "train", "validation": "val", "val": "val", "test": "test"}


def read_splits(path: str, content: bytes) -> dict[str, str]:
    """Paths of pieces, inside of what holds the table, by their splits: "train", "val" or "test".

    `path` is that of the table, beside which the pieces are looked for. Any other table than one with the columns
    midi_filename and split gives none; rows of other splits are passed over.

    Raises MidiError for a table that is damaged.
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
