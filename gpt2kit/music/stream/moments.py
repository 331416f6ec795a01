"""A stream of events in readable lines: one line for what happens at one time."""

from collections.abc import Sequence
from typing import NamedTuple

from gpt2kit.music.stream.announcements import spoken
from gpt2kit.music.stream.encoding import times
from gpt2kit.music.stream.events import TIME_SHIFT, VELOCITY


class Moment(NamedTuple):
    """Events of one time, then the time shifts to the next one."""

    seconds: float
    """Since the first event of the stream."""
    events: list[str]
    """Their names in musicians' terms."""


def moments(ids: Sequence[int]) -> list[Moment]:
    """All events of a stream, in order."""
    found: list[Moment] = []
    shifted = False
    for seconds, id in zip(times(ids).tolist(), ids, strict=True):
        is_shift = TIME_SHIFT <= id < VELOCITY
        if not found or (shifted and not is_shift):
            found.append(Moment(seconds, []))
        found[-1].events.append(spoken(id))
        shifted = is_shift
    return found
