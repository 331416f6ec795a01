"""Given events come at their times, whatever the model wants; what it adds is in order with them."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch

from gpt2kit.decoding.sampling import within_groups
from gpt2kit.music.notes import FIELDS, Notes
from gpt2kit.music.playing.given import GivenGrammar, schedule
from gpt2kit.music.playing.grammar import EventGrammar
from gpt2kit.music.stream.announcements import SIZE, of_gap, of_tune
from gpt2kit.music.stream.encoding import decode, encode, encode_until, seconds, without_wait
from gpt2kit.music.stream.events import BEGIN, END, quantised
from gpt2kit.music.stream.keyboard import played
from gpt2kit.music.windows.arrangement import announced

RandomNotes = Callable[..., Notes]
Canonical = Callable[[Sequence[int]], list[int]]

ON, OFF, SHIFT, LOUD = 0, 128, 255, 355  # ON + 60, OFF + 60, SHIFT + 12 steps, LOUD + 20 (a bin)


def wanted(grammar: GivenGrammar, seed: int) -> list[int]:
    """An answer of a model with strong wishes of its own."""
    generator, bias, ids = np.random.default_rng(seed), np.zeros(SIZE, np.float32), list[int]()
    weights = generator.choice([0.01, 1, 100], 5)[np.digitize(np.arange(SIZE), [128, 256, 356, 388])]
    while not grammar.over:
        grammar.weigh(bias)
        assert set(np.unique(bias)) <= {0, -np.inf}
        chances = weights * (bias == 0)
        ids.append(int(generator.choice(SIZE, p=chances / chances.sum())))
        grammar.accept(ids[-1])
    return ids


def rows(notes: Notes) -> set[tuple[int, int, int, int]]:
    """(pitch, bin, first step, last step) of each note."""
    return set(
        zip(
            notes.pitch.tolist(),
            ((notes.velocity.astype(int) - 1) // 4).tolist(),
            quantised(notes.start).tolist(),
            quantised(notes.end).tolist(),
            strict=True,
        )
    )


@pytest.mark.parametrize("seed", range(12))
def test_all_given_notes_are_played_at_their_times(
    seed: int, separate_notes: RandomNotes, canonical: Canonical
) -> None:
    """Among new ones, and in the order of `encode`; the last are longer than a new note may be."""
    given = separate_notes(seed, 60, 12.0)
    long = Notes.of([20, 110], [40, 90], [0.0, 1.0], [14.5, 14.0])
    given = Notes.of(*(np.concatenate((getattr(given, key), getattr(long, key))) for key in FIELDS))
    ids = wanted(GivenGrammar(EventGrammar([BEGIN], 2000), schedule(encode(given))), seed)
    notes = played(ids)
    assert rows(decode(encode(given))) <= rows(notes)
    assert encode(notes).tolist() == canonical(ids)
    assert len(notes) > len(given)


def test_after_a_prompt_whose_notes_are_let_go_later(separate_notes: RandomNotes) -> None:
    """What sounds at a cut ends when it did, if that is given; the new notes follow the old clock."""
    piece = separate_notes(5, 300, 20.0)
    prompt = [BEGIN, *encode_until(piece, 8.0).tolist()]
    now = EventGrammar(prompt)
    assert len(now.struck) > 3
    whole = encode(piece).tolist()
    later = [(step - 800, each) for step, each in schedule(whole) if step >= 800]
    grammar = GivenGrammar(EventGrammar(prompt, 1800), later)
    assert grammar.grammar.kept == set(now.struck)
    ids = wanted(grammar, 1)
    assert rows(decode(whole)) <= rows(decode([*prompt, *ids]))


@pytest.mark.parametrize("seed", range(4))
def test_a_tune_is_announced_as_in_training(seed: int, separate_notes: RandomNotes) -> None:
    tune = separate_notes(seed, 25, 9.0)
    announcements = of_tune(quantised(tune.start).tolist(), tune.pitch.tolist())
    grammar = GivenGrammar(EventGrammar([BEGIN], 1400), schedule(encode(tune)), announcements)
    ids = wanted(grammar, seed)
    events = np.array([id for id in ids if id < BEGIN], np.int32)
    assert len(ids) == len(events) + len(tune)
    last = int(np.flatnonzero((events >= 256) & (events < 356))[-1]) + 1  # nothing is announced at the very end
    assert announced(events[:last], announcements).tolist() == ids[: last + len(tune)]
    assert rows(decode(encode(tune))) <= rows(played(events))


@pytest.mark.parametrize("seed", range(4))
def test_a_gap_is_announced_as_in_training(seed: int, separate_notes: RandomNotes) -> None:
    """On the clock of the answer, whatever the model plays."""
    prompt = [BEGIN, *without_wait(encode_until(separate_notes(seed, 200, 20.0), 8.0)).tolist()]
    begun = round(seconds(prompt) * 100)
    end = 2500 - begun
    announcements = of_gap(end, [end - 1, end, end + 40, end + 100], [59, 60, 64, 67])
    ids = wanted(GivenGrammar(EventGrammar(prompt), [], announcements, 812 - begun, end), seed)
    events = np.array([*prompt[1:], *(id for id in ids if id < BEGIN)], np.int32)
    on_its_clock = [(step + begun, due) for step, due in announcements]
    assert announced(events, on_its_clock).tolist() == [*prompt[1:], *ids]
    assert sum(id >= BEGIN for id in ids) == 2, "those struck within a second after the end"


def choices(grammar: GivenGrammar) -> set[int]:
    bias = np.zeros(SIZE, np.float32)
    grammar.weigh(bias)
    return set(np.flatnonzero(bias == 0).tolist())


def accepted(grammar: GivenGrammar, *ids: int) -> set[int]:
    """What may come after these ids, each of which is allowed."""
    for id in ids:
        assert id in choices(grammar), id
        grammar.accept(id)
    return choices(grammar)


def given(*scheduled: tuple[int, Sequence[int]], prompt: Sequence[int] = (BEGIN,), end: int = 1000) -> GivenGrammar:
    return GivenGrammar(EventGrammar(prompt, end), scheduled)


def test_no_shift_is_longer_than_the_time_to_the_next_given_event() -> None:
    grammar = given((130, [LOUD + 9, ON + 60]), (150, [OFF + 60]))
    assert {id for id in choices(grammar) if 256 <= id < 356} == set(range(SHIFT + 1, SHIFT + 101))
    assert {id for id in accepted(grammar, SHIFT + 100) if 256 <= id < 356} == set(range(SHIFT + 1, SHIFT + 31))
    assert accepted(grammar, SHIFT + 30) == {*range(LOUD + 1, LOUD + 33)}, "a lower key may come before it"
    assert accepted(grammar, LOUD + 9) == set(range(21, 61))
    found = accepted(grammar, ON + 60)
    assert {id for id in found if 256 <= id < 356} == set(range(SHIFT + 1, SHIFT + 21))
    assert OFF + 60 not in found
    assert ON + 60 not in found


def test_another_velocity_is_for_a_lower_key() -> None:
    grammar = given((0, [LOUD + 9, ON + 22]))
    assert accepted(grammar, LOUD + 5) == {ON + 21}
    assert accepted(grammar, ON + 21) == {LOUD + 9}
    assert accepted(grammar, LOUD + 9) == {ON + 22}
    assert choices(given((0, [LOUD + 9, ON + 21]))) == {LOUD + 9}


def test_a_new_note_on_a_key_that_is_to_be_struck_is_let_go() -> None:
    grammar = given((50, [LOUD + 9, ON + 60]))
    assert accepted(grammar, LOUD + 9, ON + 50, ON + 60, SHIFT + 50) == {OFF + 50, OFF + 60}
    found = accepted(grammar, OFF + 60)
    assert ON + 60 in found
    assert OFF + 50 not in found


def test_what_is_due_comes_before_what_is_given() -> None:
    grammar = given((500, [LOUD + 9, ON + 100]), (1000, [OFF + 100, ON + 80]), end=2000)
    found = accepted(grammar, LOUD + 9, ON + 50, ON + 60)
    for step in range(1, 11):
        found = accepted(grammar, SHIFT + 100)
        found = accepted(grammar, ON + 100) if step == 5 else found
    assert found == {OFF + 50}
    assert accepted(grammar, OFF + 50) == {OFF + 60}
    assert accepted(grammar, OFF + 60) == {OFF + 100}
    assert ON + 80 in accepted(grammar, OFF + 100)


def test_ids_that_are_no_events_are_inserted_as_they_are() -> None:
    grammar = given((0, [400, 391]), (40, [399]), (70, [LOUD + 3, ON + 40]), end=71)
    assert accepted(grammar) == {400}
    assert accepted(grammar, 400) == {391}
    assert SHIFT + 40 in accepted(grammar, 391)
    assert accepted(grammar, SHIFT + 40) == {399}
    assert {id for id in accepted(grammar, 399) if 256 <= id < 356} == set(range(SHIFT + 1, SHIFT + 31))
    assert accepted(grammar, SHIFT + 30, LOUD + 3, ON + 40, SHIFT + 1) == {OFF + 40}
    grammar.accept(OFF + 40)
    assert grammar.over


def test_no_key_is_struck_twice_within_30_ms() -> None:
    """Neither just before a given note of that key, nor just after one, in the answer or before it."""
    found = {}
    for step in [*range(10), *range(12, 17)]:
        note = [(10, [LOUD + 9, ON + 60]), (11, [OFF + 60])]
        grammar = GivenGrammar(EventGrammar([BEGIN]), note, struck=[(0, 70), (-2, 71), (-3, 72), (-4, 73)])
        if step > 11:
            accepted(grammar, SHIFT + 10, LOUD + 9, ON + 60, SHIFT + 1, OFF + 60)
        accepted(grammar, *([SHIFT + step - grammar.grammar.now] if step else []))
        found[step] = accepted(grammar, LOUD + 4)
    barred = {key: {step for step, keys in found.items() if key not in keys} for key in (60, 70, 71, 72, 73)}
    assert barred == {60: {7, 8, 9, 12, 13, 14}, 70: {0, 1, 2, 3}, 71: {0, 1}, 72: {0}, 73: set()}


def test_a_lower_key_that_is_barred_needs_no_velocity() -> None:
    """If no other key can be struck before a given one, no velocity but its own is offered."""
    grammar = given((0, [LOUD + 9, ON + 22]), (2, [ON + 21]))
    assert choices(grammar) == {LOUD + 9}


def test_a_model_that_would_wait_longer_waits_for_what_is_given() -> None:
    """Otherwise new notes would fill the time to each given event."""
    grammar = given((30, [LOUD + 9, ON + 60]), (200, [OFF + 60]))
    choices(grammar)
    assert grammar.otherwise == SHIFT + 30
    accepted(grammar, SHIFT + 30)
    assert grammar.otherwise == LOUD + 9
    accepted(grammar, LOUD + 3)
    assert grammar.otherwise is None, "a new note follows its velocity"
    accepted(grammar, ON + 50)
    assert grammar.otherwise == LOUD + 9
    accepted(grammar, LOUD + 9)
    assert grammar.otherwise is None, "it may be that of a new note"
    accepted(grammar, ON + 60)
    assert grammar.otherwise is None, "the next event is more than a second later"
    accepted(grammar, SHIFT + 100)
    assert grammar.otherwise == SHIFT + 70


def announcing(*scheduled: tuple[int, Sequence[int]], end: int = 1000, lead: int = 100) -> GivenGrammar:
    """A grammar whose given notes have been announced."""
    return GivenGrammar(EventGrammar([BEGIN], end), scheduled, lead=lead, patient=True)


def test_a_model_that_wants_an_announced_note_waits_for_it() -> None:
    """Otherwise it would play the note early, or other notes instead."""
    grammar = announcing((150, [LOUD + 9, ON + 60]), (180, [OFF + 60]))
    assert ON + 60 in accepted(grammar, LOUD + 9), "it is announced 100 steps ahead"
    assert ON + 60 not in accepted(grammar, ON + 50, SHIFT + 60)
    assert chance_for(grammar, ON + 60) == {SHIFT + 90: 1}
    found = accepted(grammar, LOUD + 3)
    assert {id for id in found if id >= 256} == {SHIFT + 90}, "the velocity may be that of the announced note"
    assert chance_for(grammar, ON + 60) == {SHIFT + 90: 1}
    accepted(grammar, ON + 55, SHIFT + 90)
    assert chance_for(grammar, ON + 60) == {LOUD + 9: 1}
    assert accepted(grammar, LOUD + 3) == {*range(21, 60), LOUD + 9} - {50, 55}
    assert chance_for(grammar, ON + 60) == {LOUD + 9: 1}
    accepted(grammar, LOUD + 9, ON + 60)
    assert chance_for(grammar, OFF + 60) == {SHIFT + 30: 1}, "its end comes by itself, too"


def test_in_a_gap_a_model_that_wants_an_announced_note_waits_a_little() -> None:
    """As long as it would wait, but not beyond the next given event."""
    grammar = GivenGrammar(EventGrammar([BEGIN]), [(50, [LOUD + 9, ON + 60]), (80, [OFF + 60])], new_until=40, lead=100)
    assert ON + 60 not in choices(grammar)
    assert chance_for(grammar, ON + 60) == {SHIFT + step: pytest.approx(1 / 49, abs=1e-5) for step in range(1, 50)}
    assert {id for id in accepted(grammar, LOUD + 3) if id >= 256} == {SHIFT + 1}, (
        "the velocity may be that of the note"
    )
    assert chance_for(grammar, ON + 60) == {SHIFT + 1: 1}


def chance_for(grammar: GivenGrammar, id: int) -> dict[int, float]:
    """The probability of each possible id if the model is sure of one that is impossible."""
    bias = np.zeros(SIZE, np.float32)
    grammar.weigh(bias)
    assert bias[id] == -np.inf
    groups, group_1V = grammar.groups, torch.zeros(1, SIZE, dtype=torch.long)
    assert groups is not None
    group_1V[0, : len(groups)] = torch.from_numpy(groups)
    logits_1V, bias_1V = torch.zeros(1, SIZE), torch.from_numpy(bias)[None]
    logits_1V[0, id] = 60
    found_V = (within_groups(logits_1V, bias_1V, group_1V) + bias_1V).softmax(-1)[0]
    return {
        place: round(float(found_V[place]), 6) for place in found_V.nonzero()[:, 0].tolist() if found_V[place] > 1e-6
    }


@pytest.mark.parametrize("seed", range(4))
def test_announced_notes_are_played_at_their_times(
    seed: int, separate_notes: RandomNotes, canonical: Canonical
) -> None:
    given = separate_notes(seed, 60, 12.0)
    ids = wanted(announcing(*schedule(encode(given)), end=2000), seed)
    notes = played(ids)
    assert rows(decode(encode(given))) <= rows(notes)
    assert encode(notes).tolist() == canonical(with_velocities(ids))


def with_velocities(ids: Sequence[int]) -> list[int]:
    """The stream with the VELOCITY in force before each NOTE_ON, and none elsewhere."""
    found, in_force = list[int](), list[int]()
    for id in ids:
        if 356 <= id < 388:
            in_force = [id]
        else:
            found += [*in_force, id] if id < 128 else [id]
    return found


def test_what_is_due() -> None:
    grammar = given((0, [400]), (5, [LOUD + 9, ON + 60]), (9, [OFF + 60]))
    assert grammar.due == 400
    assert accepted(grammar, 400)
    assert grammar.due is None
    accepted(grammar, SHIFT + 5)
    assert grammar.due == LOUD + 9
    accepted(grammar, LOUD + 9)
    assert grammar.due == ON + 60
    accepted(grammar, ON + 60)
    assert grammar.due is None
    accepted(grammar, SHIFT + 4)
    assert grammar.due == OFF + 60


def test_the_model_does_not_end_a_piece_before_what_is_given() -> None:
    grammar = GivenGrammar(EventGrammar([BEGIN]), [(100, [LOUD + 9, ON + 60]), (120, [OFF + 60])])
    assert END not in accepted(grammar, LOUD + 4, ON + 50, SHIFT + 50, OFF + 50)
    assert END not in accepted(grammar, ON + 50, SHIFT + 50, OFF + 50, LOUD + 9, ON + 60, SHIFT + 20)
    assert END in accepted(grammar, OFF + 60)


def test_what_cannot_be_given() -> None:
    with pytest.raises(ValueError, match="a note is given at step 1000, and the music ends at 1000"):
        given((1000, [LOUD + 9, ON + 60]))
    with pytest.raises(ValueError, match="steps of 0 or more, not -1"):
        given((-1, [LOUD + 9, ON + 60]))
