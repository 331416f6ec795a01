"""Which records of a corpus are held out for validation, if no validation corpus is given."""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Generic, Protocol, TypeVar

import numpy as np

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


class Division(Generic[Item]):
    """Divides a corpus, which is read twice, into records to train on and a held-out `share`.

    A hash of its key decides on a record, so that equal keys are never divided. Two things depend on other records:

    - A record whose mirror is a held-out key is the reverse of a held-out record. It is held out, too, or left out if
      its own key is also in training. So no held-out text is in training in any role.
    - A label of which all records would be held out stays in training.

    The first reading remembers a few hashes: of the held-out keys, and of the keys whose mirrors may be held out.
    """

    def __init__(self, share: float) -> None:
        self.share = share
        self._held: set[int] = set()
        self._doubtful: set[int] = set()
        self._divided: set[int] = set()
        self._rare: set[str] = set()

    def usable(self, records: Iterable[Item]) -> Iterator[Item]:
        """The records of the first reading that are certainly trained on."""
        trained: set[str] = set()
        waiting: dict[str, list[Item]] = {}
        keys = array("Q")
        for record in records:
            if record.problem:
                continue
            split = split_of(record, self.share)
            if record.mirror and not record.split:
                split = self._remember(record, split, keys)
            if split == "train":
                trained.add(record.label)
                waiting.pop(record.label, None)
                yield record
            elif record.label and not record.split and record.label not in trained:
                waiting.setdefault(record.label, []).append(record)
        self._rare = set(waiting)
        for each in waiting.values():
            yield from each
        both = np.intersect1d(np.array(keys, np.uint64), np.fromiter(self._doubtful, np.uint64, len(self._doubtful)))
        self._divided = set(both.tolist())

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

    def _remember(self, record: Item, split: str, keys: "array[int]") -> str:
        """Note a record that has a mirror; the records that may be reverses of held-out ones are not trained on."""
        key = fingerprint(record.key)
        if split == "val":
            self._held.add(key)
        elif held_out(record.mirror, self.share):
            self._doubtful.add(key)
            return ""
        else:
            keys.append(key)
        return split

    def _reverse(self, record: Item) -> bool:
        """Whether a record that is not held out by its key is the reverse of one that is."""
        if not record.mirror or record.split or held_out(record.key, self.share):
            return False
        return held_out(record.mirror, self.share) and fingerprint(record.mirror) in self._held

    def _is_divided(self, record: Item) -> bool:
        return fingerprint(record.key) in self._divided
