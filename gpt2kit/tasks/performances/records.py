"""The records of MIDI files, those included that could not be read."""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpt2kit.data.report import Damage, PassedOver
from gpt2kit.tasks.record import Record

if TYPE_CHECKING:
    from gpt2kit.music.corpus.sources import Found
    from gpt2kit.music.notes import Notes
    from gpt2kit.music.stream.events import Ids


@dataclass(frozen=True, repr=False)
class Performance(Record["Notes", "Notes"]):
    """A piece whose events were encoded when its file was read."""

    events: "Ids | None" = None


def performance(file: "Found") -> Performance:
    """The record of a file: a piece, or the reason why there is none."""
    from gpt2kit.music import notes
    from gpt2kit.music.corpus.sources import Failed, Passed, Piece

    nothing: Notes = notes.Notes.none()
    if isinstance(file, Piece):
        return Performance(
            nothing,
            file.notes,
            file.ids,
            key=key_of(file.ids.astype("=u4").tobytes()),
            split=file.split,
            skipped=file.counts(),
            name=f"{file.name}: {file.damage}" if file.damage else file.name,
        )
    if isinstance(file, Passed):
        return Performance(nothing, nothing, problem=PassedOver(f"files passed over, {file.ending}"), name=file.name)
    detail = file.detail if isinstance(file, Failed) else ""
    problem = Damage(file.reason) if isinstance(file, Failed) else file.reason
    name = f"{file.name}: {detail}" if detail else file.name
    return Performance(nothing, nothing, key=key_of(b""), split=file.split, problem=problem, name=name)


def key_of(events: bytes) -> str:
    """Equal for files with the same events, which belong in one split."""
    return hashlib.blake2b(events).hexdigest()
