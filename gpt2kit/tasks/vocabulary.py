"""The interface of what ids mean: text for one task, events for another."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

GAP = "  "
"""Between two ids that are not text, where they are shown on one line."""


class Line(NamedTuple):
    """Ids that people read together, such as the events of one moment."""

    heading: str
    """What they have in common, such as their time."""
    names: list[str]
    """One for each id."""

    def __str__(self) -> str:
        return GAP.join((self.heading, *self.names))


class Vocabulary(ABC):
    """The meaning of a task's ids."""

    @property
    @abstractmethod
    def size(self) -> int: ...

    @property
    @abstractmethod
    def eos(self) -> int:
        """The id that ends an answer."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Equal for two folders whose ids have the same meaning."""

    def has_fingerprint(self, recorded: str) -> bool:
        """Whether a folder that recorded this fingerprint means the same ids; earlier versions may compute another."""
        return recorded == self.fingerprint()

    @abstractmethod
    def copy_files(self, folder: Path, window: int) -> None:
        """Copy its files into the folder of a model with this window."""

    @abstractmethod
    def extends(self, folder: Path) -> bool:
        """Whether every id of the model in `folder` means the same here."""

    @abstractmethod
    def render(self, ids: Sequence[int]) -> str:
        """Ids in readable form, control tokens included."""

    @abstractmethod
    def spell(self, id: int) -> bytes | str:
        """One id: its bytes of text, or the name of a control token or an event."""

    def lines(self, ids: Sequence[int]) -> list[Line]:
        """The ids in lines, if that is how people read them; empty for text, whose lines are its own."""
        return []

    def unknown(self) -> list[str]:
        """Parts of a text that no id represents, so that they would be lost."""
        return []
