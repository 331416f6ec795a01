"""Tables whose names are those of text files."""

import csv
import os
from itertools import islice

from gpt2kit.data.lines import can_be_read_twice, text_lines, unpacked_name
from gpt2kit.data.tables.delimited import NAMED

SAMPLE = 50
LEAST = 5
"""With fewer lines, equal numbers of fields say little."""

ENDINGS = {"\t": ".tsv", ",": ".csv", ";": ".csv", "|": ".csv"}
LABEL = "__label__"


def table_in_text(path: str) -> str:
    """What a text file seems to be if it is a table, with the remedy; empty for text, a folder and a pipe."""
    lines = [line for line in islice(text_lines(path), SAMPLE) if line.strip()] if can_be_read_twice(path) else []
    if len(lines) < LEAST:
        return ""
    if all(line.startswith(LABEL) for line in lines):
        return f"its lines begin with {LABEL}, as for fastText; put the labels and the texts into two columns of a CSV"
    found = next((separator for separator in ENDINGS if _splits(lines, separator)), "")
    name = f"{os.path.splitext(unpacked_name(path))[0]}{ENDINGS.get(found, '')}"
    return f"its lines look like a table, with {NAMED[found]} between the columns; name it {name}" if found else ""


def _splits(lines: list[str], separator: str) -> bool:
    """Whether all lines have the same fields: with tabs, or with few different values in the first or last one, and
    without the space that follows a comma in a sentence."""
    try:
        rows = (
            [line.split(separator) for line in lines]
            if separator == "\t"
            else [*csv.reader(lines, delimiter=separator)]
        )
    except csv.Error:
        return False
    if len({len(row) for row in rows}) > 1 or len(rows[0]) < 2:
        return False
    few = any(len({row[place] for row in rows}) * 2 <= len(rows) for place in (0, -1))
    return separator == "\t" or (few and not any(field.startswith(" ") for row in rows for field in row))
