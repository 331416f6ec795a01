"""Prompts and grammars for filling gaps and for accompanying tunes."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from gpt2kit.music.notes import Accompanied, Notes, Surroundings
from gpt2kit.music.playing.given import GivenGrammar, Scheduled
from gpt2kit.music.playing.grammar import EventGrammar
from gpt2kit.music.stream.announcements import AHEAD, LEAD, Announced, of_gap, of_tune
from gpt2kit.music.stream.encoding import encode, encode_until, note_events, seconds, without_wait
from gpt2kit.music.stream.events import BEGIN, NOTE_OFF, STEPS_A_SECOND, TIME_SHIFT, VELOCITY, quantised
from gpt2kit.music.stream.keyboard import continued
from gpt2kit.music.windows.arrangement import announced, clock_before


def prompt_before(around: Surroundings) -> list[int]:
    """The events before a gap, without the wait for its beginning, and what is announced up to there."""
    ids = encode_until(around, around.until)
    begins = clock_before(ids) < int(quantised(around.until))
    return [BEGIN, *announced(without_wait(ids[begins]), _of_gap(around)).tolist()]


def prompt_with_tune(part: Accompanied) -> list[int]:
    """The events before an accompaniment, without the wait for its beginning, and what is announced up to there."""
    return [BEGIN, *announced(without_wait(encode_until(part, part.until)), _of_tune(part)).tolist()]


def gap_grammar(prompt: Sequence[int], around: Surroundings) -> GivenGrammar:
    """New notes are struck within the gap; the answer ends when all of them are let go."""
    now = _steps(prompt)
    given = [(step - now, ids) for step, ids in _after(around, prompt)]
    begin, end = (int(quantised(at)) - now for at in (around.until, around.resume))
    ahead, struck = _still_due(_of_gap(around), prompt), _struck_before(around, now)
    return GivenGrammar(EventGrammar(prompt), given, ahead, begin, end, struck, LEAD)


def tune_grammar(prompt: Sequence[int], part: Accompanied) -> GivenGrammar:
    """New notes are struck in the part that is accompanied. They end with the piece, or when the model lets them go."""
    now = _steps(prompt)
    given = [(step - now, ids) for step, ids in _after(part, prompt)]
    begin, struck = int(quantised(part.until)) - now, _struck_before(part, now)
    ahead = _still_due(_of_tune(part), prompt)
    if part.finish < part.duration:
        finish = int(quantised(part.finish)) - now
        return GivenGrammar(EventGrammar(prompt), given, ahead, begin, finish, struck, LEAD, patient=True)
    end = max((step for step, _ in given), default=0)
    return GivenGrammar(EventGrammar(prompt, end), given, ahead, begin, None, struck, LEAD, patient=True)


def new_notes(prompt: Sequence[int], ids: Sequence[int], given: Notes) -> Notes:
    """The notes of an answer that were not given. A key is struck at most once in a step: the two identify a note."""
    found = continued(prompt, ids, 0.0).new
    known = set(zip(given.pitch.tolist(), quantised(given.start).tolist(), strict=True))
    places = zip(found.pitch.tolist(), quantised(found.start).tolist(), strict=True)
    is_new = np.array([place not in known for place in places], np.bool_)
    return Notes(found.pitch[is_new], found.velocity[is_new], found.start[is_new], found.end[is_new])


def _of_gap(around: Surroundings) -> list[Announced]:
    return of_gap(int(quantised(around.resume)), quantised(around.start).tolist(), around.pitch.tolist())


def _of_tune(part: Accompanied) -> list[Announced]:
    return of_tune(quantised(part.start[part.tune]).tolist(), part.pitch[part.tune].tolist())


def _still_due(announcements: Sequence[Announced], prompt: Sequence[int]) -> list[Announced]:
    """The announcements that the prompt does not contain, on the clock of the answer."""
    said, now = sum(id >= AHEAD for id in prompt), _steps(prompt)
    return [(step - now, ids) for step, ids in announcements[said:]]


def _struck_before(given: Notes, now: int) -> list[tuple[int, int]]:
    """The steps since `now`, and the keys, of the given notes that were struck up to then."""
    steps = quantised(given.start) - now
    return [(step, pitch) for step, pitch in zip(steps.tolist(), given.pitch.tolist(), strict=True) if step <= 0]


def _after(around: Notes, prompt: Sequence[int]) -> Iterator[Scheduled]:
    """The given events that the prompt does not contain; none is earlier than its end."""
    whole = note_events(encode(around).astype(np.int64))
    passed = Counter(id for id in prompt if id < TIME_SHIFT)
    earliest = _steps(prompt)
    for id, step, bin in zip(whole.ids.tolist(), whole.steps.tolist(), whole.bins.tolist(), strict=True):
        if passed[id]:
            passed[id] -= 1
        else:
            yield max(earliest, step), [id] if id >= NOTE_OFF else [VELOCITY - 1 + bin, id]


def _steps(ids: Sequence[int]) -> int:
    return round(seconds(ids) * STEPS_A_SECOND)
