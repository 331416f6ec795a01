"""What may follow in a stream of events: all that performances are made of, and nothing that cannot be."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from importlib.resources import as_file

import numpy as np

from gpt2kit.music.corpus.sources import Piece, pieces
from gpt2kit.music.notes import Notes
from gpt2kit.music.playing.grammar import LATER, EventGrammar, Timed
from gpt2kit.music.stream.encoding import encode, seconds
from gpt2kit.music.stream.events import BEGIN, END, PAD, VOCABULARY, name
from gpt2kit.music.stream.keyboard import played
from gpt2kit.samples import sample

RandomNotes = Callable[..., Notes]
Canonical = Callable[[Sequence[int]], list[int]]

ON, OFF, SHIFT, LOUD = 0, 128, 255, 355  # ON + 60, OFF + 60, SHIFT + 12 steps, LOUD + 20 (a bin)
CHORD = [BEGIN, SHIFT + 10, LOUD + 20, ON + 60, ON + 64, SHIFT + 50]


class Unlimited(EventGrammar):
    longest_pause = longest_held = most_notes = 10**9
    again = 0


def allowed(grammar: EventGrammar | Timed, size: int = VOCABULARY) -> set[int]:
    bias = np.full(size, 7, np.float32)
    grammar.weigh(bias)
    assert set(np.unique(bias)) <= {0, -np.inf}
    return set(np.flatnonzero(bias == 0).tolist())


def after(*ids: int, end: int | None = None, kind: type[EventGrammar] = EventGrammar) -> EventGrammar:
    """The grammar after BEGIN and these events of an answer."""
    grammar = kind([BEGIN], end)
    for id in ids:
        assert id in allowed(grammar), name(id)
        grammar.accept(id)
    return grammar


def shifts(ids: set[int], first: int = 1) -> int:
    """The longest shift, of which all shorter ones from `first` on are allowed, too."""
    found = {id - SHIFT for id in ids if 256 <= id < 356}
    assert found == set(range(first, first + len(found)))
    return max(found, default=0)


def test_a_piece_begins_with_a_velocity_or_time() -> None:
    assert allowed(after()) == {*range(256, 388)}


def test_only_keys_that_are_down_are_let_go_and_only_others_struck() -> None:
    found = allowed(EventGrammar(CHORD))
    assert {id - OFF for id in found if OFF <= id < 256} == {60, 64}
    assert {id for id in found if id < 128} == set(range(21, 109)) - {60, 64}


def test_a_note_follows_a_velocity() -> None:
    found = allowed(EventGrammar(CHORD))
    assert {id for id in found if 356 <= id < 388} == set(range(356, 388))
    found = allowed(EventGrammar([*CHORD, LOUD + 3]))
    assert found == set(range(21, 109)) - {60, 64}


def test_the_notes_of_a_step_are_in_order() -> None:
    grammar = after(SHIFT + 10, LOUD + 20, ON + 50, ON + 60, ON + 64, SHIFT + 50)
    grammar.accept(OFF + 60)
    found = allowed(grammar)
    assert {id for id in found if OFF <= id < 256} == {OFF + 64}
    assert ON + 60 in found, "the same key, struck again"
    grammar.accept(ON + 60)
    found = allowed(grammar)
    assert not {id for id in found if OFF <= id < 256}
    assert {id for id in found if id < 128} == set(range(61, 109)) - {64}
    grammar.accept(ON + 108)
    assert allowed(grammar) == set(range(256, 356)), "no key is higher"


def test_a_shift_may_follow_any_shift() -> None:
    assert shifts(allowed(after(SHIFT + 100))) == 100
    assert shifts(allowed(after(SHIFT + 99))) == 100
    assert shifts(allowed(EventGrammar([*CHORD, SHIFT + 3]))) == 100


def test_a_key_is_struck_again_after_50_ms() -> None:
    grammar = after(LOUD + 9, ON + 60, ON + 70, SHIFT + 2, OFF + 60, SHIFT + 2, OFF + 70)
    assert {id for id in allowed(grammar) if id < 128} == set(range(21, 109)) - {60, 70}
    grammar.accept(SHIFT + 1)
    assert {id for id in allowed(grammar) if id < 128} == set(range(21, 109))
    held = after(LOUD + 9, ON + 60, SHIFT + 100, OFF + 60)
    assert ON + 60 in allowed(held), "at once after a long note"
    prompted = EventGrammar([BEGIN, LOUD + 9, ON + 60, SHIFT + 2, OFF + 60, SHIFT + 1])
    assert ON + 60 not in allowed(prompted)
    prompted.accept(SHIFT + 2)
    assert ON + 60 in allowed(prompted)


def groups(grammar: EventGrammar) -> tuple[set[int], set[int]]:
    """The possible ids that get the probability of impossible NOTE_ONs, and of impossible NOTE_OFFs."""
    found = allowed(grammar)
    assert {grammar.groups[id] for id in range(128)} == {1}
    impossible = [grammar.groups[id] for id in range(OFF, 256) if id not in found]
    assert set(impossible) == {2}
    return {id for id in found if grammar.groups[id] == 1}, {id for id in found if grammar.groups[id] == 2}


def test_what_is_impossible_leaves_its_probability_to_the_same_intent() -> None:
    """To let go a key that is up may mean one that is down, but not one that was just struck; else nothing happens."""
    waits = {*range(256, 356)}
    grammar = after(LOUD + 9, ON + 50, ON + 60)
    grammar.accept(SHIFT + 4)
    assert groups(grammar) == (set(range(21, 109)) - {50, 60}, waits)
    assert {OFF + 50, OFF + 60} <= allowed(grammar)
    grammar.accept(SHIFT + 1)
    assert groups(grammar)[1] == {OFF + 50, OFF + 60}
    grammar.accept(ON + 80)
    grammar.accept(SHIFT + 1)
    assert groups(grammar)[1] == {OFF + 50, OFF + 60}
    grammar.accept(OFF + 60)
    assert groups(grammar)[1] == waits, "what comes earlier in the step is past"
    grammar.accept(SHIFT + 1)
    assert groups(grammar)[1] == {OFF + 50}
    assert groups(EventGrammar([BEGIN, LOUD + 9, ON + 60, SHIFT + 9]))[1] == {OFF + 60}


def test_a_wait_beyond_the_end_is_one_until_the_end() -> None:
    """Otherwise all events would share its probability, and the last moments would be full of notes."""

    def later(grammar: EventGrammar) -> set[int]:
        grammar.weigh(np.zeros(VOCABULARY, np.float32))
        return {id for id, group in enumerate(grammar.groups) if group == LATER}

    rest = after(LOUD + 9, ON + 60, SHIFT + 10, OFF + 60, end=30)
    assert later(rest) == set(range(SHIFT + 20, 356))
    held = after(LOUD + 9, ON + 60, SHIFT + 10, end=30)
    assert (groups(held)[1], later(held)) == ({OFF + 60}, set(range(SHIFT + 20, 356)))
    new = after(LOUD + 9, ON + 60, SHIFT + 3, end=30)
    assert (groups(new)[1], later(new)) == (set(range(256, SHIFT + 27)), set(range(SHIFT + 27, 356)))
    last = after(SHIFT + 26, LOUD + 9, ON + 60, SHIFT + 3, end=30)
    assert (groups(last)[1], later(last)) == ({256}, set()), "the only wait is what both mean"
    assert later(EventGrammar(CHORD, 101)) == later(EventGrammar(CHORD)) == set()
    assert later(after(end=30)) == set(), "a piece without notes is not yet over"


def test_silence_ends_and_so_does_a_note() -> None:
    waiting = after(*[SHIFT + 100] * 4, SHIFT + 70)
    waiting.accept(LOUD + 4)
    waiting.accept(ON + 60)
    assert shifts(allowed(waiting)) == 100
    for _ in range(4):
        waiting.accept(SHIFT + 100)
    waiting.accept(SHIFT + 30)
    waiting.accept(OFF + 60)
    assert shifts(allowed(waiting)) == 70
    waiting.accept(SHIFT + 70)
    assert not [id for id in allowed(waiting) if 128 <= id < 356]
    held = after(LOUD + 4, ON + 60, SHIFT + 100, ON + 40)
    for _ in range(8):
        held.accept(SHIFT + 100)
        held.accept(ON + 70)
        held.accept(SHIFT + 10)
        held.accept(OFF + 70)
    assert shifts(allowed(held)) == 20
    held.accept(SHIFT + 20)
    assert allowed(held) == {OFF + 40, OFF + 60}, "after ten seconds nothing but the release, in order"
    held.accept(OFF + 60)
    assert shifts(allowed(held)) == 100
    held.accept(SHIFT + 100)
    assert allowed(held) == {OFF + 40}


def test_keys_that_are_due_together_are_let_go_in_order() -> None:
    grammar = after(LOUD + 4, ON + 50, ON + 60, SHIFT + 20, ON + 40)
    for _ in range(9):
        grammar.accept(SHIFT + 100)
        grammar.accept(ON + 80)
        grammar.accept(OFF + 80)
    grammar.accept(SHIFT + 80)
    assert allowed(grammar) == {OFF + 40, OFF + 50}
    grammar.accept(OFF + 50)
    assert allowed(grammar) == {OFF + 60}


def test_five_seconds_hold_250_notes() -> None:
    grammar = EventGrammar([BEGIN, LOUD + 9], 1000)
    for step in range(25):
        for key in range(10):
            grammar.accept(ON + 30 + 5 * key)
        grammar.accept(SHIFT + 10)
        assert bool({id for id in allowed(grammar) if id < 128 or id >= 356}) != (step == 24)
        for key in range(10):
            grammar.accept(OFF + 30 + 5 * key)
    for _ in range(2):
        assert allowed(grammar) == set(range(SHIFT + 1, SHIFT + 101))
        grammar.accept(SHIFT + 100)
    grammar.accept(SHIFT + 49)
    assert allowed(grammar) == set(range(SHIFT + 1, SHIFT + 101))
    grammar.accept(SHIFT + 1)
    assert ON + 60 in allowed(grammar)


def test_the_end_in_time() -> None:
    grammar = after(LOUD + 9, ON + 64, ON + 67, SHIFT + 100, OFF + 67, ON + 60, SHIFT + 70, end=200)
    assert shifts(allowed(grammar)) == 30
    grammar.accept(ON + 72)
    assert shifts(allowed(grammar)) == 30
    grammar.accept(SHIFT + 30)
    for key in (60, 64, 72):
        assert allowed(grammar) == {OFF + key}
        assert not grammar.over
        grammar.accept(OFF + key)
    assert grammar.over


def test_without_an_end_in_time_the_model_ends_a_piece_when_all_keys_are_up() -> None:
    assert END not in allowed(after())
    assert END not in allowed(after(LOUD + 1, ON + 60, SHIFT + 1))
    assert END in allowed(after(LOUD + 1, ON + 60, SHIFT + 1, OFF + 60))
    assert END not in allowed(after(LOUD + 1, ON + 60, SHIFT + 1, OFF + 60, LOUD + 2))
    assert END not in allowed(after(LOUD + 1, ON + 60, SHIFT + 1, OFF + 60, end=100))
    assert not after(LOUD + 1, ON + 60, SHIFT + 1, OFF + 60).over


def test_a_prompt_in_which_notes_of_one_pitch_overlap() -> None:
    """Each is let go; then the key may be struck."""
    grammar = EventGrammar([BEGIN, LOUD + 9, ON + 60, SHIFT + 5, ON + 60, SHIFT + 5])
    for _ in range(2):
        found = allowed(grammar)
        assert OFF + 60 in found
        assert ON + 60 not in found
        grammar.accept(OFF + 60)
    found = allowed(grammar)
    assert OFF + 60 not in found
    assert ON + 60 in found


def test_a_note_off_the_piano_is_let_go_and_not_struck_again() -> None:
    grammar = EventGrammar([BEGIN, LOUD + 9, ON + 20, ON + 109, SHIFT + 5])
    assert {OFF + 20, OFF + 109} <= allowed(grammar)
    grammar.accept(OFF + 20)
    grammar.accept(OFF + 109)
    assert {id for id in allowed(grammar) if id < 128} == set(range(21, 109))


def test_keys_of_a_prompt_may_stay_down_for_as_long_as_others() -> None:
    grammar = EventGrammar([BEGIN, LOUD + 9, ON + 60, *[SHIFT + 100] * 12])
    assert shifts(allowed(grammar)) == 100


def test_ids_beyond_the_events_are_neither_allowed_nor_noticed() -> None:
    grammar = EventGrammar(CHORD)
    before = allowed(grammar, 500)
    assert max(before) < BEGIN
    for id in (BEGIN, END, PAD, 391, 499):
        grammar.accept(id)
    assert allowed(grammar, 500) == before


def violations(ids: Sequence[int], kind: type[EventGrammar] = Unlimited) -> list[str]:
    grammar, bias, found = kind([BEGIN]), np.zeros(VOCABULARY, np.float32), []
    for id in ids:
        grammar.weigh(bias)
        if bias[id] != 0:
            found.append(name(id))
        grammar.accept(id)
    return found


def test_all_that_encode_writes_is_allowed(separate_notes: RandomNotes) -> None:
    for seed in range(6):
        notes = separate_notes(seed, 600)
        assert len(notes) > 400
        assert violations([*encode(notes).tolist(), END]) == []


def test_where_notes_of_one_pitch_overlap_the_later_ones_are_not_allowed(random_notes: RandomNotes) -> None:
    """A key cannot be struck while it is down. In a million notes of MAESTRO, four were."""
    for seed in range(4):
        notes = random_notes(seed, 600)
        found = violations(encode(notes).tolist())
        assert len(found) > 10
        assert all(id.startswith("NOTE_ON_") for id in found)


def test_every_event_of_the_sample_pieces_is_allowed() -> None:
    """Within the limits, too: no pause, no note is too long."""
    with as_file(sample("music")) as folder:
        (archive,) = folder.glob("*.zip")
        events = [piece.ids.tolist() for piece in pieces([str(archive)]) if isinstance(piece, Piece)]
    assert sum(map(len, events)) > 20_000
    for ids in events:
        assert violations([*ids, END], EventGrammar) == []


def test_any_choice_of_what_is_allowed_plays_on_until_the_end(canonical: Canonical) -> None:
    """There is always a choice, and what is played is what `encode` writes of it."""
    for seed in range(30):
        generator, bias = np.random.default_rng(seed), np.zeros(VOCABULARY, np.float32)
        grammar, ids = EventGrammar([BEGIN], 1500), list[int]()
        weights = generator.choice([0.02, 1, 30], 4)[np.digitize(np.arange(VOCABULARY), [128, 256, 356])]
        while not grammar.over:
            grammar.weigh(bias)
            chances = weights * (bias == 0)
            ids.append(int(generator.choice(VOCABULARY, p=chances / chances.sum())))
            grammar.accept(ids[-1])
        assert seconds(ids) == 15
        notes = played(ids)
        assert encode(notes).tolist() == canonical(ids)
        assert len(notes) > 3
        assert all((np.diff(notes.start[notes.pitch == key]) > 0.045).all() for key in range(128))
        assert max(np.diff(notes.start), default=0) <= 5.005
        assert (notes.end - notes.start).max() <= 10.005


def test_without_a_grammar_only_time_and_what_is_no_event_are_left() -> None:
    timed = Timed([BEGIN], 120)
    assert allowed(timed, 500) == set(range(BEGIN))
    for id in [*range(60, 130), SHIFT + 100, *range(60, 159)]:
        timed.accept(id)
        assert not timed.over
    waiting = deepcopy(timed)
    waiting.accept(3)
    assert waiting.over, "a hundred events"
    timed.accept(SHIFT + 19)
    assert not timed.over
    timed.accept(SHIFT + 1)
    assert timed.over
