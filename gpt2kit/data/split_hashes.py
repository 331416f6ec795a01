"""Hashes of what a split has, by which duplicates and leaks are found in bounded memory: they are in temporary files,
and those of a part of a split in files of their own until all parts are compared."""

from array import array
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gpt2kit import files
from gpt2kit.data.bare import bare
from gpt2kit.data.hashes import Hashes, text_hashes
from gpt2kit.data.report import SplitReport
from gpt2kit.data.sampled_lines import mostly, sampled_lines

U64 = NDArray[np.uint64]


class SplitHashes:
    """The hashes of one split, or of a part of it; temporary files are in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.keys, self.bare, self.mirrors, self.rows, self.lines = (Hashes(folder) for _ in range(5))
        """Of the keys of the records, as they are and without case and punctuation, of their mirrors, of the rows, and
        of sampled lines of the keys."""
        self.lines_of = array("I")
        """The number of sampled lines of each text; of the training split only the lines are needed."""

    @property
    def _kinds(self) -> dict[str, Hashes]:
        return {"keys": self.keys, "bare": self.bare, "mirrors": self.mirrors, "rows": self.rows, "lines": self.lines}

    def look(self, texts: Sequence[str], keys: U64, mirrors: Sequence[str]) -> None:
        """Add the texts of records, whose hashes are `keys`, and those of their mirrors, if they have any."""
        self.keys.append(keys)
        self.bare.append(text_hashes(map(bare, texts)))
        if any(mirrors):
            self.mirrors.append(text_hashes(text.strip().encode() for text in mirrors))

    def look_at_lines(self, texts: Iterable[str], counted: bool) -> None:
        """Add a sample of the lines of texts, and if they are `counted` the number of those of each text."""
        for lines in map(sampled_lines, texts):
            self.lines.append(lines)
            if counted:
                self.lines_of.append(len(lines))

    def close(self) -> None:
        """Drop the hashes, and the temporary files that they are in."""
        for hashes in self._kinds.values():
            hashes.close()

    def save(self, path: Path) -> None:
        """Write the hashes to files whose names begin with `path`."""
        with files.writing(path):
            for kind, hashes in self._kinds.items():
                with path.with_name(f"{path.name}.{kind}").open("wb") as file:
                    for block in hashes.blocks():
                        file.write(block.tobytes())
            path.with_name(f"{path.name}.lines-of").write_bytes(self.lines_of.tobytes())

    def add_saved(self, path: Path) -> None:
        """Append the hashes that `save` has written."""
        for kind, hashes in self._kinds.items():
            with path.with_name(f"{path.name}.{kind}").open("rb") as file:
                while len(block := np.fromfile(file, np.uint64, hashes.at_once)):
                    hashes.append(block)
        self.lines_of.frombytes(path.with_name(f"{path.name}.lines-of").read_bytes())

    def count_duplicates(self, report: SplitReport) -> None:
        """Complete the report of the split by its rows that are equal to earlier ones."""
        report.duplicates = report.rows - self.rows.distinct()

    def compare(self, training: "SplitHashes", report: SplitReport) -> None:
        """Count the rows whose source is also in the training split, but written differently, and other leaks."""
        exactly = self.keys.within(training.keys)
        report.nearly_leaked = int((self.bare.within(training.bare) & ~exactly).sum())
        if len(self.mirrors) and len(training.mirrors):
            report.leaks = self._shared_roles(training)
        if self.lines_of:
            most = mostly(self.lines.within(training.lines), np.array(self.lines_of))
            if copied := int((most & ~exactly).sum()):
                report.leaks["parts of documents of which most lines are in train"] = copied

    def _shared_roles(self, training: "SplitHashes") -> dict[str, int]:
        """The number of rows by the role that one of their sides has in the training split."""
        with (
            closing(_pairs(self.mirrors, self.keys)) as reverses,
            closing(_pairs(training.keys, training.mirrors)) as pairs,
        ):
            reversed_pairs = reverses.within(pairs)
        found = {
            "pairs that are in train the other way round": reversed_pairs,
            "sources that are targets in train": self.keys.within(training.mirrors),
            "targets that are sources in train": self.mirrors.within(training.keys),
            "targets that are also targets in train": self.mirrors.within(training.mirrors),
        }
        return {shared: int(rows.sum()) for shared, rows in found.items() if rows.any()}


def _pairs(first: Hashes, second: Hashes) -> Hashes:
    """A hash of each pair of hashes, which depends on their order."""
    pairs = Hashes(first.folder)
    for one, other in zip(first.blocks(), second.blocks(), strict=True):
        pairs.append(one * np.uint64(0x9E3779B97F4A7C15) + other)
    return pairs
