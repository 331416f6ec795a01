"""Which records of a corpus are held out for validation, if no validation corpus is given."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from gpt2kit import files
from gpt2kit.data.hashes import Hashes, contains
from gpt2kit.data.sources import fingerprint, held_out

DIVIDED = "its reverse is held out, and its source is also in training"


class Divisible(Protocol):
    """The members that dividing needs of a record."""

    @property
    def key(self) -> str: ...
    @property
    def mirror(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def split(self) -> str: ...
    @property
    def problem(self) -> str: ...


Item = TypeVar("Item", bound=Divisible)


def split_of(record: Divisible, share: float) -> str:
    """The split of a record by itself: the one that the corpus names, or by a hash of its key."""
    return str(record.split) or ("val" if held_out(record.key, share) else "train")


HELD_FILE, DIVIDED_FILE, LABELS_FILE = "held.npy", "divided.npy", "labels.json"
"""What the first reading remembers, as it is kept."""


class Division(Generic[Item]):
    """Divides a corpus, which is read twice, into records to train on and a held-out `share`.

    A hash of its key decides on a record, so that equal keys are never divided. Two things depend on other records:

    - A record whose mirror is a held-out key is the reverse of a held-out record. It is held out, too, or left out if
      its own key is also in training. So no held-out text is in training in any role.
    - A label of which all records would be held out stays in training.

    The first reading remembers a few hashes: of the held-out keys, and of the keys whose mirrors may be held out. Those
    of the other keys, with which they are compared at its end, are in a temporary file in `folder`.
    """

    def __init__(self, share: float, folder: Path) -> None:
        self.share, self.folder = share, folder
        self._held = self._divided = np.empty(0, np.uint64)
        self._rare: set[str] = set()

    def save(self, folder: Path) -> None:
        """Write what the first reading has found to a folder."""
        with files.writing(folder):
            folder.mkdir(exist_ok=True)
            np.save(folder / HELD_FILE, self._held)
            np.save(folder / DIVIDED_FILE, self._divided)
        files.write_json(folder / LABELS_FILE, {"rare": sorted(self._rare)})

    @classmethod
    def load(cls, share: float, folder: Path) -> "Division[Item]":
        """A division whose first reading was saved in a folder."""
        found = cls(share, folder)
        found._held, found._divided = (np.load(folder / name) for name in (HELD_FILE, DIVIDED_FILE))
        found._rare = set(files.read_json(folder / LABELS_FILE)["rare"])
        return found

    def usable(self, records: Iterable[Item]) -> Iterator[Item]:
        """The records of the first reading that are certainly trained on."""
        labels: set[str] = set()
        waiting: dict[str, list[Item]] = {}
        with ExitStack() as stack:
            held, doubtful, keys = (stack.enter_context(closing(Hashes(self.folder))) for _ in range(3))
            for record in records:
                if record.problem:
                    continue
                split = split_of(record, self.share)
                if record.mirror and not record.split:
                    key = fingerprint(record.key)
                    if split == "val":
                        held.add(key)
                    elif held_out(record.mirror, self.share):  # perhaps the reverse of a held-out record
                        doubtful.add(key)
                        split = ""
                    else:
                        keys.add(key)
                if split == "train":
                    labels.add(record.label)
                    waiting.pop(record.label, None)
                    yield record
                elif record.label and not record.split and record.label not in labels:
                    waiting.setdefault(record.label, []).append(record)
            self._rare = set(waiting)
            for each in waiting.values():
                yield from each
            self._held, self._divided = held.sorted(), doubtful.shared(keys)

    def read_rest(self, usable: Iterator[Item]) -> None:
        """Finish the first reading where its outcome matters."""
        first = next(usable, None)
        if first is not None and (first.mirror or first.label):
            for _ in usable:
                pass

    def split(self, record: Item) -> str:
        """The split of a record in the second reading."""
        if record.label in self._rare and not record.split:
            return "train"
        split = split_of(record, self.share)
        return "val" if split == "train" and self._reverse(record) and not self._is_divided(record) else split

    def checked(self, records: Iterable[Item]) -> Iterator[Item]:
        """The records of the second reading; one that would be on both sides has a problem."""
        for record in records:
            if record.mirror and not record.problem and self._reverse(record) and self._is_divided(record):
                yield replace(record, problem=DIVIDED)  # type: ignore[type-var]  # records are dataclasses
            else:
                yield record

    def _reverse(self, record: Item) -> bool:
        """Whether a record that is not held out by its key is the reverse of one that is."""
        if not record.mirror or record.split or held_out(record.key, self.share):
            return False
        return held_out(record.mirror, self.share) and _is_among(self._held, record.mirror)

    def _is_divided(self, record: Item) -> bool:
        return _is_among(self._divided, record.key)


def _is_among(known: NDArray[np.uint64], text: str) -> bool:
    return bool(contains(known, np.array([fingerprint(text)], np.uint64))[0])
