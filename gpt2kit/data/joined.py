"""The arrays of several files that are read as one."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

OPEN = 32
"""Files that are memory-mapped at a time: each takes a file descriptor, and a process may have few."""


class Joined:
    """A one-dimensional array whose files are mapped when they are needed; it does what an array does as far as this
    package asks: length, slices, elements at any places, and the methods below.

    A slice within one file is a view of it; everything else is a copy. Memory holds a few bytes for each file.
    """

    def __init__(
        self, paths: Sequence[Path], dtype: np.dtype[Any], counts: Sequence[int], added: Sequence[int] = ()
    ) -> None:
        """`counts` are the elements of each file, and `added` what is added to them, if it is not 0."""
        self.dtype, self.ends, self.added = dtype, np.cumsum(np.array(counts, np.int64)), added
        self.length = int(self.ends[-1]) if len(self.ends) else 0

        @lru_cache(OPEN)
        def mapped(number: int) -> NDArray[Any]:
            return np.memmap(paths[number], dtype, "r", shape=(counts[number],))

        self._mapped = mapped

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, places: Any) -> Any:
        if isinstance(places, slice):
            start, stop, step = places.indices(self.length)
            if step != 1:
                return self._at(np.arange(start, stop, step))
            found = list(self._slices(start, stop))
            return found[0] if len(found) == 1 else np.concatenate([np.empty(0, self.dtype), *found])
        chosen = self._at(np.asarray(places))
        return chosen if chosen.ndim else chosen[()]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self[:], dtype=dtype)

    def take(self, places: Any, mode: str) -> NDArray[Any]:
        """The elements at places [N] of a ring, as `ndarray.take` with the mode "wrap"."""
        if mode != "wrap":
            raise ValueError(f"mode = {mode!r}; expected 'wrap'")
        return self._at(np.asarray(places) % self.length)

    def searchsorted(self, value: int, side: str) -> int:
        """As `ndarray.searchsorted`, with the side "right", of elements that are sorted."""
        if side != "right":
            raise ValueError(f"side = {side!r}; expected 'right'")
        return bisect_right(self, value)

    def first(self, count: int) -> "Joined":
        """Only the first elements."""
        found = object.__new__(Joined)
        found.__dict__ |= self.__dict__ | {"length": min(count, self.length)}
        return found

    def _slices(self, start: int, stop: int) -> Iterator[NDArray[Any]]:
        """The parts of a slice, each within one file."""
        number = int(np.searchsorted(self.ends, start, "right"))
        while start < stop:
            begin, end = (int(self.ends[number - 1]) if number else 0), int(self.ends[number])
            if end > begin:
                found = self._mapped(number)[start - begin : min(stop, end) - begin]
                yield found + self.added[number] if self.added else found
            start, number = max(start, end), number + 1

    def _at(self, places: NDArray[Any]) -> NDArray[Any]:
        """The elements at places of any shape; negative ones count from the end."""
        places = np.flatnonzero(places) if places.dtype == bool else places
        flat = np.where(places < 0, places + self.length, places).ravel()
        if len(flat) and not 0 <= flat.min() <= flat.max() < self.length:
            raise IndexError(f"place {flat.max()} of {self.length}")
        numbers = np.searchsorted(self.ends, flat, "right")
        found = np.empty(len(flat), self.dtype)
        order = np.argsort(numbers, kind="stable")
        for of_one in np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1) if len(flat) else []:
            number = int(numbers[of_one[0]])
            begin = int(self.ends[number - 1]) if number else 0
            found[of_one] = self._mapped(number)[flat[of_one] - begin] + (self.added[number] if self.added else 0)
        return found.reshape(places.shape)
