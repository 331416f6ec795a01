"""Announcements: ids by which a stream of events says beforehand which given notes will sound.

Some notes of a piece are given, such as those after a gap that is to be filled, or a tune that is to be accompanied;
others are the model's. All are in one stream, at their own times. So that the model can prepare for the given ones,
the stream names them before they sound, in two forms that are inserted between events and take no time:

- When a gap begins, and of a long one again when 16 and 8 seconds are left: UNTIL, how long it lasts from here, and the
  AHEADs of the first notes after it, in order.
- Of a tune each note's AHEAD, two seconds before it sounds.

That controls come a fixed time before their notes is from the Anticipatory Music Transformer (Thickstun et al. 2023);
that what follows a gap is put before its content, from Bavarian et al. 2022. Repeating it is our own: local attention
looks back 128 to 256 events, which are three to six seconds of MAESTRO.

    AHEAD  391 to 478    a given note of key 21 to 108 comes
    UNTIL  479 to 542    quarters of a second, 0 to 63, until the gap ends
"""

from dataclasses import dataclass, field

from gpt2kit.music import events
from gpt2kit.music.events import STEPS_A_SECOND

LOWEST, HIGHEST = 21, 108
"""The keys of a piano."""
AHEAD = events.VOCABULARY
UNTIL = AHEAD + HIGHEST - LOWEST + 1
UNTILS = 64
SIZE = UNTIL + UNTILS
"""Ids of events and announcements together."""

QUARTER = STEPS_A_SECOND // 4
REMINDER = 8 * STEPS_A_SECOND
"""The last announcement of a gap is this many steps before its end; the one before it twice as many, and so on."""
FOLLOWING = 20
"""Notes after a gap that are announced."""
LEAD = 2 * STEPS_A_SECOND
"""Steps from the announcement of a tune's note to the note."""


def ahead(pitch: int) -> int:
    """The announcement of a pitch; one outside of the piano has that of the nearest octave inside."""
    if pitch < LOWEST:
        pitch = LOWEST + (pitch - LOWEST) % 12
    elif pitch > HIGHEST:
        pitch = HIGHEST - (HIGHEST - pitch) % 12
    return AHEAD + pitch - LOWEST


def until(steps: int) -> int:
    """The announcement of a time, to the nearest quarter of a second."""
    return UNTIL + min(UNTILS - 1, max(0, (steps + QUARTER // 2) // QUARTER))


def name(id: int) -> str:
    """AHEAD_60 (a pitch), UNTIL_8 (quarters of a second), or the name of an event."""
    if AHEAD <= id < SIZE:
        return f"UNTIL_{id - UNTIL}" if id >= UNTIL else f"AHEAD_{id - AHEAD + LOWEST}"
    if id >= SIZE:
        raise ValueError(f"an event or an announcement is a number from 0 to {SIZE - 1}, not {id}")
    return events.name(id)


def spoken(id: int) -> str:
    """The same in musicians' terms: C4 ahead, until 2.00 s, or as an event is."""
    if AHEAD <= id < UNTIL:
        return events.spoken(id - AHEAD + LOWEST).removesuffix("on") + "ahead"
    return f"until {(id - UNTIL) / 4:.2f} s" if UNTIL <= id < SIZE else events.spoken(id)


@dataclass
class Tune:
    """Announces given notes one by one."""

    steps: list[int]
    """The steps at which they are struck, in order."""
    pitches: list[int]
    said: int = field(default=0, init=False)

    def due(self, now: int) -> list[int]:
        """The ids to insert when the clock is at the step `now`; each is returned once."""
        first = self.said
        while self.said < len(self.steps) and self.steps[self.said] - LEAD <= now:
            self.said += 1
        return [ahead(pitch) for pitch in self.pitches[first : self.said]]


@dataclass
class Gap:
    """Announces what follows a gap."""

    start: int
    """The step at which it begins."""
    end: int
    """The step at which the first given note after it may be struck."""
    pitches: list[int]
    """The given notes that follow, in the order in which they are struck; only the first ones are announced."""
    next: int = field(default=-1, init=False)
    """The step of the next announcement."""

    def due(self, now: int) -> list[int]:
        """The ids to insert when the clock is at the step `now`, first before the time moves into the gap."""
        if now < self.next or now >= self.end:
            return []
        left, reminder = self.end - max(now, self.start), REMINDER
        while 2 * reminder < left:
            reminder *= 2
        self.next = self.end - reminder if reminder < left else self.end
        return [until(self.end - now), *map(ahead, self.pitches[:FOLLOWING])]
