"""The splits that parts have, until they become those of a prepared folder."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gpt2kit import files
from gpt2kit.data.report import SplitReport
from gpt2kit.data.split_hashes import SplitHashes
from gpt2kit.data.store import KINDS, Store, joined_counts


@dataclass
class Written:
    """One split: the folders of its parts in order, each with files that are called by the split."""

    split: str
    hashes: SplitHashes
    report: SplitReport = field(default_factory=SplitReport)
    places: list[Path] = field(default_factory=list)

    def add(self, place: Path, report: SplitReport) -> None:
        """Add the next part."""
        self.report.add(report)
        self.hashes.add_saved(place / self.split)
        self.places.append(place)

    def store(self, folder: Path) -> Store:
        """The parts, which are below a folder, as one."""
        names = (str((place / self.split).relative_to(folder)) for place in self.places)
        return Store(folder, self.split, joined_counts(dict(zip(names, self._counts(), strict=True))))

    def move(self, folder: Path) -> None:
        """Move the files of the parts to a folder, and list them there; those of a single part keep their names."""
        names = [self.split]
        if len(self.places) > 1:
            names = [f"{self.split}-{number:05}" for number in range(len(self.places))]
        counts = dict(zip(names, self._counts(), strict=True))
        files.write_json(folder / f"{self.split}.json", counts.get(self.split) or joined_counts(counts))
        for place, name in zip(self.places, names, strict=True):
            for kind in KINDS:
                if (path := place / f"{self.split}.{kind}").exists():
                    os.replace(path, folder / f"{name}.{kind}")

    def _counts(self) -> list[dict[str, Any]]:
        return [files.read_json(place / f"{self.split}.json") for place in self.places]


def compare(splits: Mapping[str, Written]) -> None:
    """Complete the reports by what only all parts together tell: duplicates, and leaks from training."""
    for split, written in splits.items():
        written.hashes.count_duplicates(written.report)
        if split != "train":
            written.hashes.compare(splits["train"].hashes, written.report)
    for written in splits.values():
        written.hashes.close()
