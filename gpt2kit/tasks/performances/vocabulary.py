"""The vocabulary of performance events."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gpt2kit.errors import DataError
from gpt2kit.tasks.vocabulary import Line, Vocabulary

EVENTS_FILE = "events.tsv"
"""The vocabulary, for people and to compare two folders: the id and the name of every event."""


@dataclass(frozen=True)
class EventVocabulary(Vocabulary):
    """The performance events, and the announcements of given notes, which folders of older versions do not have."""

    folder: Path

    @property
    def size(self) -> int:
        path = self.folder / EVENTS_FILE
        try:
            return path.read_bytes().count(b"\n")
        except OSError as error:
            raise DataError(f"{path}: {error.strerror}; expected the vocabulary, which prepare writes") from None

    @property
    def announces(self) -> bool:
        """Whether it has announcements of given notes."""
        from gpt2kit.music.stream import announcements

        return self.size >= announcements.SIZE

    @property
    def eos(self) -> int:
        from gpt2kit.music.stream import events

        return events.END

    def fingerprint(self) -> str:
        return "performance events, 388 + 3" + (f" + {self.size - 391}" if self.announces else "")

    def copy_files(self, folder: Path, window: int) -> None:
        shutil.copyfile(self.folder / EVENTS_FILE, folder / EVENTS_FILE)

    def extends(self, folder: Path) -> bool:
        theirs = folder / EVENTS_FILE
        return theirs.is_file() and (self.folder / EVENTS_FILE).read_bytes().startswith(theirs.read_bytes())

    def render(self, ids: Sequence[int]) -> str:
        """One line for each moment, with its time since the first one."""
        return "\n".join(map(str, self.lines(ids)))

    def lines(self, ids: Sequence[int]) -> list[Line]:
        from gpt2kit.music.stream.moments import moments

        return [Line(f"{moment.seconds:8.2f} s", moment.events) for moment in moments(ids)]

    def spell(self, id: int) -> str:
        from gpt2kit.music.stream import announcements

        return announcements.spoken(id)
