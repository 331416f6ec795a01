"""What a model wrote, as a piano plays it."""

import numpy as np

from gpt2kit.music.notes import Notes
from gpt2kit.music.stream import encoding, events, keyboard


def test_what_a_model_wrote_is_played_on_one_piano() -> None:
    """A key that is struck again was let go; without overlaps of one pitch it is what decoding gives."""
    on, off, wait = events.NOTE_ON + 60, events.NOTE_OFF + 60, events.TIME_SHIFT + 99
    twice = keyboard.played([on, wait, on, wait, off, wait, off])
    assert twice == Notes.of([60, 60], [62, 62], [0.0, 1.0], [1.0, 2.0])
    forgotten = keyboard.played([on, *[wait] * 30, on, wait])
    assert forgotten == Notes.of([60, 60], [62, 62], [0.0, 30.0], [5.0, 31.0])
    held = keyboard.played([on, *[wait] * 30, off])
    assert held == Notes.of([60], [62], [0.0], [30.0]), "what is let go was held"
    scale = Notes.of(range(40, 80), [62] * 40, np.arange(40) * 0.1, np.arange(40) * 0.1 + 0.35)
    assert keyboard.played(encoding.encode(scale)) == encoding.decode(encoding.encode(scale))


def test_any_stream_is_played() -> None:
    generator = np.random.default_rng(0)
    for _ in range(300):
        notes = keyboard.played(generator.integers(-3, 400, generator.integers(0, 200)))
        for pitch in set(notes.pitch.tolist()):
            chosen = notes.pitch == pitch
            assert (notes.start[chosen][1:] >= notes.end[chosen][:-1]).all(), "one key at a time"


def name_ids(*names: str) -> list[int]:
    by_name = {events.name(id): id for id in range(events.VOCABULARY)}
    return [by_name[name] for name in names]


def test_a_continuation_lets_go_what_the_prompt_left_open() -> None:
    """60 is let go, 62 is struck again, 64 is forgotten; 65 was let go in the prompt; 67 is struck at the very cut."""
    prompt = name_ids(*(f"NOTE_ON_{pitch}" for pitch in (60, 62, 64, 65)), *["TIME_SHIFT_100"] * 8, "NOTE_OFF_65")
    new = name_ids("NOTE_ON_67", "TIME_SHIFT_50", "NOTE_OFF_60", "NOTE_OFF_67", "NOTE_ON_62", *["TIME_SHIFT_100"] * 9)
    found = keyboard.continued([events.BEGIN, *prompt], new, 8.0)
    assert found.releases == {60: 8.5, 62: 8.5, 64: 13.0}, "five seconds after the prompt at most"
    assert found.new == Notes.of([67, 62], [62, 62], [8.0, 8.5], [8.5, 13.5])


def test_a_note_open_at_the_end_of_a_continuation_ends_there() -> None:
    found = keyboard.continued(name_ids("NOTE_ON_60", "TIME_SHIFT_10"), name_ids("TIME_SHIFT_70"), 0.1)
    assert (found.releases, len(found.new)) == ({60: 0.8}, 0)


def test_a_key_struck_at_the_cut_where_the_prompt_ends_with_it() -> None:
    """The prompt's own keystroke has no length before the model strikes the key again: two keystrokes all the same."""
    found = keyboard.continued(name_ids("NOTE_ON_60"), name_ids("NOTE_ON_60", "TIME_SHIFT_20", "NOTE_OFF_60"), 0.0)
    assert found.releases == {60: 0.0}
    assert found.new == Notes.of([60], [62], [0.0], [0.2])
