"""The automata of music in JavaScript allow what those of Python allow, with the same groups and leanings."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gpt2kit.decoding.grammar import Automaton
from gpt2kit.music.notes import Notes, Surroundings
from gpt2kit.music.playing import filling
from gpt2kit.music.playing.given import GivenGrammar
from gpt2kit.music.playing.grammar import EventGrammar, Timed
from gpt2kit.music.playing.steering import Steering, Wish
from gpt2kit.music.playing.wait import AfterWait
from gpt2kit.music.stream import encoding
from gpt2kit.music.stream.announcements import LEAD, SIZE, ahead, name
from gpt2kit.music.stream.events import BEGIN, VOCABULARY
from gpt2kit.pipeline.steered import Steered

ON, OFF, SHIFT, LOUD = 0, 128, 255, 355  # ON + 60, OFF + 60, SHIFT + 12 steps, LOUD + 20 (a bin)

Engine = Callable[..., Any]
RandomNotes = Callable[..., Notes]
Cases = list[tuple[Any, Automaton]]
"""What JavaScript makes an automaton of, and the automaton of Python."""

WATCHED = """
/* The sum of 32-bit numbers, each times an odd number of its own, modulo 2 ** 32. */
const digest = (words) => words.reduce((sum, word, place) => sum + Math.imul(word, 2 * place + 1) >>> 0, 0);
/* At every step the digests of what is added to logits and of the groups; and whether the answer is over. */
function watched(automaton, ids, width) {
  const bias = new Float32Array(width).fill(7), words = new Uint32Array(bias.buffer), found = [];
  for (const id of ids) {
    if (automaton.over) break;
    automaton.weigh(bias);
    found.push([digest(words), automaton.groups && digest(automaton.groups)]);
    automaton.accept(id);
  }
  return [found, automaton.over];
}
"""


def compared(engine: Engine, make: str, cases: Cases, width: int = SIZE, answers: Sequence[Sequence[int]] = ()) -> int:
    """Walk through each automaton as a model with strong wishes would, or by `answers`; the one that `make` makes of
    a `given` in JavaScript must be equal at each step. Returns the number of steps."""
    walks = [
        _walk(automaton, number, width, answers[number] if answers else None)
        for number, (_, automaton) in enumerate(cases)
    ]
    given = [{"given": given, "ids": ids} for (given, _), (ids, _, _) in zip(cases, walks, strict=True)]
    code = f"(data) => {{ {WATCHED} return data.map(({{ given, ids }}) => watched({make}, ids, {width})); }}"
    for (ids, steps, over), each in zip(walks, engine(code, given), strict=True):
        assert each == [steps, over], f"after {ids}"
    return sum(len(ids) for ids, _, _ in walks)


def _walk(
    automaton: Automaton, seed: int, width: int, answer: Sequence[int] | None
) -> tuple[list[int], list[Any], bool]:
    """(ids, the digests before each, whether the answer is over)."""
    generator, bias = np.random.default_rng(seed), np.full(width, 7, np.float32)
    kinds = np.digitize(np.arange(width), [128, 256, 356, 388])
    weights = generator.choice([0.01, 1, 100], 5)[kinds]
    ids, steps = list[int](), list[Any]()
    while not automaton.over and len(ids) < (200 if answer is None else len(answer)):
        automaton.weigh(bias)
        groups = automaton.groups
        steps.append([_digest(bias.view(np.uint32)), None if groups is None else _digest(groups)])
        if answer is None:
            chances = (weights * np.exp(bias)).cumsum()
            ids.append(int(np.searchsorted(chances, generator.random() * chances[-1], "right")))
        else:
            ids.append(answer[len(ids)])
            assert bias[ids[-1]] > -np.inf, name(ids[-1])
        automaton.accept(ids[-1])
    return ids, steps, automaton.over


def _digest(words: NDArray[Any]) -> int:
    odd = 2 * np.arange(len(words)).astype(np.uint64) + 1
    return int((words.astype(np.uint64) * odd).sum() % 2**32)


def prompts(random_notes: RandomNotes) -> list[list[int]]:
    """Beginnings of performances, also with overlapping notes, keys beyond a piano, too many notes and
    announcements."""
    cuts = [encoding.encode_until(random_notes(seed, 90, 12.0, (15, 115)), 4.0 + seed) for seed in range(5)]
    narrow = encoding.encode_until(random_notes(6, 150, 10.0, (60, 66)), 9.0)
    crowded = encoding.encode_until(random_notes(7, 300, 5.0), 5.0)
    begun = [[BEGIN, ahead(60), *ids.tolist()] for ids in [*cuts, narrow, crowded]]
    return [[BEGIN], *begun, [BEGIN, *encoding.without_wait(cuts[2]).tolist()]]


def test_events_that_may_follow(engine: Engine, random_notes: RandomNotes) -> None:
    made = [(prompt, end) for prompt in prompts(random_notes) for end in (None, 500)]
    cases: Cases = [({"prompt": prompt, "end": end}, EventGrammar(prompt, end)) for prompt, end in made]
    assert compared(engine, "new EventGrammar(given.prompt, given.end)", cases) > 150


def test_a_vocabulary_without_announcements_and_a_model_with_more_ids(engine: Engine) -> None:
    for width in (VOCABULARY, 512):
        cases: Cases = [({}, EventGrammar([BEGIN], 600)) for _ in range(3)]
        assert compared(engine, f"new EventGrammar([{BEGIN}], 600)", cases, width) > 150


def test_what_comes_after_a_wait(engine: Engine, random_notes: RandomNotes) -> None:
    made = [(prompt, wait) for prompt in prompts(random_notes) for wait in (0, 135, 620)]
    cases: Cases = [
        ({"prompt": prompt, "wait": wait}, AfterWait(EventGrammar(prompt, wait + 300), wait)) for prompt, wait in made
    ]
    assert compared(engine, "new AfterWait(new EventGrammar(given.prompt, given.wait + 300), given.wait)", cases) > 150


def test_without_a_grammar(engine: Engine) -> None:
    cases: Cases = [({"end": end}, Timed([BEGIN], end)) for end in (10, 1000, 10_000, 10**6)]
    assert compared(engine, "new Timed(given.end)", cases) > 150


@pytest.mark.parametrize("wish", [Wish(2.0, None), Wish(None, 100.0), Wish(None, 20.0), Wish(12.0, 64.0)])
def test_music_leans_towards_a_wish(engine: Engine, random_notes: RandomNotes, wish: Wish) -> None:
    made = [(prompt, wait) for prompt in prompts(random_notes)[::3] for wait in (0, 90)]
    wished = {"notesPerSecond": wish.notes_per_second, "velocity": wish.velocity}
    cases: Cases = [
        (
            {"prompt": prompt, "wait": wait, "wish": wished},
            Steered(AfterWait(EventGrammar(prompt, wait + 900), wait), Steering(wish, prompt, wait)),
        )
        for prompt, wait in made
    ]
    make = """new Steered(
      new AfterWait(new EventGrammar(given.prompt, given.wait + 900), given.wait),
      new Steering(given.wish, given.prompt, given.wait),
    )"""
    assert compared(engine, make, cases) > 150


def gaps(random_notes: RandomNotes) -> list[Surroundings]:
    """The notes around gaps of dense and of sparse pieces: at their beginning, in the middle, to their end. Some are
    longer than a key may be held; in some pieces notes of a key overlap."""
    pieces = [random_notes(seed, 60 if seed % 2 else 15, 12.0, (18, 111)) for seed in range(4)]
    limits = [(0.0, 2.5), (3.0, 3.1), (4.01, 8.0), (7.0, 12.0)]
    made = [(notes, each) for notes in pieces for each in limits]
    made += [(random_notes(seed, 60, 18.0, (50, 62)), (4.0, 4.0 + seed)) for seed in range(1, 15)]
    found = []
    for notes, (begin, end) in made:
        notes = notes.first_in_first_out()
        kept = (notes.start < begin) | (notes.start >= end)
        columns = (notes.pitch[kept], notes.velocity[kept], notes.start[kept], notes.end[kept])
        found.append(Surroundings(*columns, begin, end))
    return found


def around_of(gap: Surroundings) -> dict[str, Any]:
    columns = (gap.pitch, gap.velocity, gap.start, gap.end)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    notes = [{"pitch": pitch, "velocity": velocity, "start": start, "end": end} for pitch, velocity, start, end in rows]
    return {"notes": notes, "until": gap.until, "resume": gap.resume}


def test_the_prompt_of_a_gap(engine: Engine, random_notes: RandomNotes) -> None:
    found = engine("(data) => data.map(promptBefore)", [around_of(gap) for gap in gaps(random_notes)])
    assert found == [filling.prompt_before(gap) for gap in gaps(random_notes)]
    assert any(id >= VOCABULARY for prompt in found for id in prompt)


def test_what_may_be_played_in_a_gap(engine: Engine, random_notes: RandomNotes) -> None:
    """Given notes are announced, and come at their times."""
    given = gaps(random_notes)
    cases: Cases = [(around_of(gap), filling.gap_grammar(filling.prompt_before(gap), gap)) for gap in given]
    assert compared(engine, "gapGrammar(promptBefore(given), given)", cases) > 150


def test_a_gap_is_filled_towards_a_wish(engine: Engine, random_notes: RandomNotes) -> None:
    wish = Wish(6.0, 90.0)

    def steered(gap: Surroundings) -> Automaton:
        prompt = filling.prompt_before(gap)
        grammar = filling.gap_grammar(prompt, gap)
        return Steered(grammar, Steering(wish, prompt, grammar.wait), lambda: grammar.due)

    make = """(() => {
      const prompt = promptBefore(given), grammar = gapGrammar(prompt, given);
      const steering = new Steering({ notesPerSecond: 6, velocity: 90 }, prompt, grammar.wait);
      return new Steered(grammar, steering, () => grammar.due);
    })()"""
    assert compared(engine, make, [(around_of(gap), steered(gap)) for gap in gaps(random_notes)[::4]]) > 150


def test_given_notes_that_rarely_meet_new_ones(engine: Engine) -> None:
    """A new note ends just before a given one of its key, a VELOCITY is that of an announced note, a key is due in the
    step of a given note, and one that sounded before the gap is struck again before its own release."""
    hold = [ON + 40, *[SHIFT + 100] * 4, ON + 90, *[SHIFT + 100] * 4, ON + 91, *[SHIFT + 100] * 2, OFF + 40]
    overlap = [BEGIN, LOUD + 16, ON + 60]
    given = [
        *[([BEGIN], [(150, [LOUD + 16, ON + 60]), (170, [OFF + 60])])] * 3,
        ([BEGIN], [(1000, [LOUD + 9, ON + 60]), (1010, [OFF + 60])]),
        (overlap, [(50, [LOUD + 16, ON + 60]), (60, [OFF + 60]), (70, [OFF + 60])]),
        (overlap, [(50, [LOUD + 16, ON + 60]), (60, [OFF + 60]), (70, [OFF + 60])]),
    ]
    answers = [
        [LOUD + 16, ON + 60, SHIFT + 100, SHIFT + 48, OFF + 60, SHIFT + 2, ON + 60, SHIFT + 20, OFF + 60, SHIFT + 100],
        [SHIFT + 100, LOUD + 16, SHIFT + 1, SHIFT + 49, ON + 60, SHIFT + 20, OFF + 60],
        [SHIFT + 100, LOUD + 5, SHIFT + 1, SHIFT + 49, LOUD + 5, LOUD + 16, ON + 60, SHIFT + 20, OFF + 60],
        [LOUD + 16, *hold, LOUD + 9, ON + 60, SHIFT + 10, OFF + 60],
        [SHIFT + 50, OFF + 60, ON + 60, SHIFT + 10, OFF + 60, SHIFT + 10, SHIFT + 100],
        [SHIFT + 30, OFF + 60, SHIFT + 20, ON + 60, SHIFT + 10, OFF + 60, SHIFT + 10, SHIFT + 100],
    ]
    cases: Cases = [
        (
            {"prompt": prompt, "events": events},
            GivenGrammar(EventGrammar(prompt), events, wait=0, new_until=2000, lead=LEAD),
        )
        for prompt, events in given
    ]
    make = "new GivenGrammar(new EventGrammar(given.prompt), given.events, [], 0, 2000, [])"
    assert compared(engine, make, cases, answers=answers) == sum(map(len, answers))
