"""Gaps and accompaniments while decoding: what the automaton lets a model write is what training has shown it."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from gpt2kit.decoding.grammar import Automaton
from gpt2kit.music.analysis import skyline
from gpt2kit.music.notes import Accompanied, Notes, Surroundings
from gpt2kit.music.playing import filling
from gpt2kit.music.stream import encoding
from gpt2kit.music.stream.announcements import AHEAD, SIZE, name, of_gap
from gpt2kit.music.stream.encoding import decode, encode
from gpt2kit.music.stream.events import BEGIN, quantised
from gpt2kit.music.windows.arrangement import announced, tune_of


def piece(seed: int) -> Notes:
    """Ten seconds of one piano: no key is struck again within half a second; chords, rests and held notes."""
    generator = np.random.default_rng(seed)
    start = np.sort(generator.uniform(0, 10, 50))
    pitch = 30 + generator.permutation(50)
    return decode(
        encode(Notes.of(pitch, generator.integers(20, 110, 50), start, start + generator.uniform(0.05, 2, 50)))
    )


def around(notes: Notes, begin: float, end: float) -> Surroundings:
    kept = (notes.start < begin) | (notes.start >= end)
    return Surroundings(notes.pitch[kept], notes.velocity[kept], notes.start[kept], notes.end[kept], begin, end)


def choices(automaton: Automaton) -> Iterator[list[int]]:
    """The ids that are allowed, until the answer is over."""
    bias = np.zeros(SIZE, np.float32)
    while not automaton.over:
        automaton.weigh(bias)
        yield np.flatnonzero(np.isfinite(bias)).tolist()


def performed(automaton: Automaton, seed: int) -> list[int]:
    """An answer of a model that knows nothing."""
    generator, ids = np.random.default_rng(seed), []
    for allowed in choices(automaton):
        ids.append(int(generator.choice(allowed)))
        automaton.accept(ids[-1])
        assert len(ids) < 5000
    return ids


@pytest.mark.parametrize(("begin", "end"), [(3.0, 7.0), (2.51, 3.0), (0.0, 4.0), (6.0, 10.0), (4.0, 4.1)])
@pytest.mark.parametrize("seed", range(6))
def test_a_gap_is_announced_as_in_training(seed: int, begin: float, end: float) -> None:
    """The piece itself, arranged as for training, is an answer that is allowed, event by event."""
    notes = piece(seed)
    given = around(notes, begin, end)
    ids = np.array([BEGIN, *encode(notes)], np.int32)
    steps = quantised(notes.start).tolist()
    trained = announced(ids, of_gap(round(end * 100), steps, notes.pitch.tolist())).tolist()
    prompt = filling.prompt_before(given)
    assert prompt == trained[: len(prompt)]
    automaton, rest = filling.gap_grammar(prompt, given), iter(trained[len(prompt) :])
    answer = []
    for allowed in choices(automaton):
        answer.append(next(rest))
        assert answer[-1] in allowed, name(answer[-1])
        automaton.accept(answer[-1])
    hidden = (notes.start >= begin) & (notes.start < end)
    new = filling.new_notes(prompt, answer, given)
    for field in ("pitch", "velocity", "start", "end"):
        assert getattr(new, field).tolist() == pytest.approx(getattr(notes, field)[hidden].tolist())


@pytest.mark.parametrize("seed", range(10))
def test_any_answer_keeps_what_is_given(seed: int) -> None:
    """New notes are struck in the gap, and no key is struck while a given note holds it, or the other way round."""
    given = around(piece(seed), 3.0, 7.0)
    prompt = filling.prompt_before(given)
    ids = performed(filling.gap_grammar(prompt, given), seed)
    new = filling.new_notes(prompt, ids, given)
    assert len(new)
    assert ((new.start >= 3.0) & (new.start < 7.0)).all()
    for pitch, start, end in zip(new.pitch, new.start, new.end, strict=True):
        same = given.pitch == pitch
        assert ((given.end[same] <= start) | (given.start[same] >= end)).all()
    known = {(key, round(at * 100)) for key, at in zip(given.pitch.tolist(), given.start.tolist(), strict=True)}
    whole = decode([*prompt, *ids])
    played = {(key, round(at * 100)) for key, at in zip(whole.pitch.tolist(), whole.start.tolist(), strict=True)}
    until = new.end.max()
    assert {note for note in known if note[1] < round(until * 100)} <= played


def chosen(notes: Notes, which: NDArray[np.bool_]) -> Notes:
    return Notes(notes.pitch[which], notes.velocity[which], notes.start[which], notes.end[which])


def accompanied(
    notes: Notes, begin: float = 0.0, tune: NDArray[np.bool_] | None = None, finish: float = np.inf
) -> Accompanied:
    tune = np.ones(len(notes), np.bool_) if tune is None else tune
    return Accompanied(notes.pitch, notes.velocity, notes.start, notes.end, begin, finish, tune)


@pytest.mark.parametrize("begin", [0.0, 4.0])
@pytest.mark.parametrize("seed", range(6))
def test_a_tune_is_announced_as_in_training(seed: int, begin: float) -> None:
    """The piece itself, arranged as for training, is an answer that is allowed, event by event."""
    notes = piece(seed)
    notes = chosen(notes, notes.end <= notes.end[skyline.tune(notes)].max())
    tune = accompanied(chosen(notes, skyline.tune(notes)), begin)
    assert tune.duration == notes.duration
    if begin:  # what is before the accompaniment is all given
        early = notes.start < begin
        lead = skyline.tune(notes)
        tune = accompanied(chosen(notes, early | lead), begin, lead[early | lead])
    ids = np.array([BEGIN, *encode(notes)], np.int32)
    whole = announced(ids, tune_of(ids)).tolist()
    prompt = filling.prompt_with_tune(tune)
    assert prompt == whole[: len(prompt)]
    assert encoding.seconds(prompt) <= begin
    rest = iter(whole[len(prompt) :])
    automaton, answer = filling.tune_grammar(prompt, tune), []
    for allowed in choices(automaton):
        answer.append(next(rest))
        assert answer[-1] in allowed, name(answer[-1])
        automaton.accept(answer[-1])
    assert not list(rest)
    new = filling.new_notes(prompt, answer, tune)
    assert len(new) == len(notes) - len(tune) > 0


@pytest.mark.parametrize("seed", range(6))
def test_any_accompaniment_has_all_of_the_tune(seed: int) -> None:
    tune = accompanied(chosen(piece(seed), skyline.tune(piece(seed))))
    prompt = filling.prompt_with_tune(tune)
    ids = performed(filling.tune_grammar(prompt, tune), seed)
    found, new = decode([*prompt, *ids]), filling.new_notes(prompt, ids, tune)
    assert len(found) == len(tune) + len(new)
    assert new.duration <= tune.duration
    notes = set(zip(found.pitch.tolist(), found.start.tolist(), found.end.tolist(), strict=True))
    assert notes > set(zip(tune.pitch.tolist(), tune.start.tolist(), tune.end.tolist(), strict=True))


def test_what_follows_a_gap_at_the_end_of_a_piece() -> None:
    """Nothing."""
    given = around(piece(0), 8.0, 12.0)
    prompt = filling.prompt_before(given)
    assert max(*prompt, *performed(filling.gap_grammar(prompt, given), 0)) < AHEAD
