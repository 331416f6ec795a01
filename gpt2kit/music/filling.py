"""The prompts and grammars of gaps that are filled, and of tunes that are accompanied."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from gpt2kit.music.announcements import Gap, Tune
from gpt2kit.music.arrangement import clock_before
from gpt2kit.music.encoding import encode, encode_until, note_events, seconds, without_wait
from gpt2kit.music.events import BEGIN, NOTE_OFF, STEPS_A_SECOND, TIME_SHIFT, VELOCITY, quantised
from gpt2kit.music.given import GivenGrammar, Scheduled, schedule
from gpt2kit.music.grammar import EventGrammar
from gpt2kit.music.keyboard import continued
from gpt2kit.music.notes import Notes, Surroundings


def prompt_before(around: Surroundings) -> list[int]:
    """The events before a gap, without the wait for its beginning, and the first announcement of what follows it."""
    ids = encode_until(around, around.until)
    begins = clock_before(ids) < int(quantised(around.until))
    before = [BEGIN, *without_wait(ids[begins]).tolist()]
    return [*before, *_gap(around).due(_steps(before))]


def gap_grammar(prompt: Sequence[int], around: Surroundings) -> GivenGrammar:
    """New notes are struck within the gap; the answer ends when all of them are let go."""
    gap, now = _gap(around), _steps(prompt)
    gap.due(now)  # is in the prompt
    given = [(step - now, ids) for step, ids in _after(around, prompt)]
    return GivenGrammar(EventGrammar(prompt), given, [gap], now, gap.start - now, gap.end - now)


def tune_grammar(prompt: Sequence[int], tune: Notes) -> GivenGrammar:
    """New notes accompany a tune from its beginning to its end."""
    ids = encode(tune)
    end = int(quantised(tune.duration))
    announcer = Tune(quantised(tune.start).tolist(), tune.pitch.tolist())
    return GivenGrammar(EventGrammar(prompt, end), schedule(ids), [announcer])


def new_notes(prompt: Sequence[int], ids: Sequence[int], given: Notes) -> Notes:
    """The notes of an answer that were not given. A key is struck once in a step, so that a note is known by both."""
    found = continued(prompt, ids, 0.0).new
    known = set(zip(given.pitch.tolist(), quantised(given.start).tolist(), strict=True))
    places = zip(found.pitch.tolist(), quantised(found.start).tolist(), strict=True)
    is_new = np.array([place not in known for place in places], np.bool_)
    return Notes(found.pitch[is_new], found.velocity[is_new], found.start[is_new], found.end[is_new])


def _gap(around: Surroundings) -> Gap:
    following = around.pitch[around.start >= around.resume].tolist()
    return Gap(int(quantised(around.until)), int(quantised(around.resume)), following)


def _after(around: Surroundings, prompt: Sequence[int]) -> Iterator[Scheduled]:
    """The given events that the prompt does not contain: none before the end of the prompt."""
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
