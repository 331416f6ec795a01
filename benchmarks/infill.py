"""How much a model gains from what is given: for infilling, and for accompaniment; one line of figures.

    python benchmarks/infill.py runs/piano [--data data/maestro] [--seconds 5] [--gaps 2] [--seed 0] [--smoke]

From each validation piece some gaps of a few seconds are taken at random. The nats per event of what is in a gap are
computed twice by the same model: with what follows the gap announced, and given the past alone. NOTE_OFFs of notes
struck before the gap do not count, since they are given, nor does the last wait, which ends with a given note. Both are
also computed as `generate` draws: among the events that the grammar allows, which with both sides given ends each wait
where a given event comes. Events that it does not allow are left out there.

For accompaniment the same is done with windows whose tune is announced, or not. Counted are the events of the other
notes, and no wait that ends with a note of the tune.
"""

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from machine import record
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from gpt2kit.decoding.sampling import within_groups
from gpt2kit.model.device import autocast, pick_dtype
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.music.playing.given import GivenGrammar
from gpt2kit.music.playing.grammar import EventGrammar
from gpt2kit.music.stream import transform
from gpt2kit.music.stream.announcements import Announced, of_gap
from gpt2kit.music.stream.events import BEGIN, NOTE_OFF, STEPS_A_SECOND, TIME_SHIFT, VELOCITY, VOCABULARY, Ids, Steps
from gpt2kit.music.stream.pairing import matched
from gpt2kit.music.windows.arrangement import announced, clock_before, is_shift, tune_of, tune_places
from gpt2kit.pipeline.opening import model_in, opened_run

Chosen = NDArray[np.bool_]
Nats = NDArray[np.float64]

KINDS = "NOTE_ON", "NOTE_OFF", "TIME_SHIFT", "VELOCITY"

PAST, FUTURE = 400, 900
"""Events before a gap that the model reads, and from its begin on that the announcements are taken from."""


class Drawn(NamedTuple):
    """What a grammar adds to the logits, and the groups that share what it makes impossible."""

    bias_TV: Tensor
    group_TV: Tensor


class Gap(NamedTuple):
    start: int
    """The step at which it begins."""
    end: int
    """The step at which the first given note after it may be struck."""
    announcements: list[Announced]


@dataclass
class Compared:
    """Nats of the same events, without and with announcements."""

    without: list[Nats] = field(default_factory=list)
    given: list[Nats] = field(default_factory=list)
    ids: list[Ids] = field(default_factory=list)
    left: list[Steps] = field(default_factory=list)
    """Steps from each event to the end of its gap."""

    def add(self, without: Nats, given: Nats, ids: Ids, left: Steps) -> None:
        self.without.append(without)
        self.given.append(given)
        self.ids.append(ids)
        self.left.append(left)

    def json(self, seconds: int = 0) -> dict[str, Any]:
        """With the gain in each of the last `seconds` of the gaps, the last one first."""
        without, given, left = np.concatenate(self.without), np.concatenate(self.given), np.concatenate(self.left)
        gains = without - given
        kinds = np.searchsorted([NOTE_OFF, TIME_SHIFT, VELOCITY], np.concatenate(self.ids), side="right")
        rest = [float((a - b - gains.mean()).sum()) for a, b in zip(self.without, self.given, strict=True)]
        figures = {
            "without": round(float(without.mean()), 4),
            "given": round(float(given.mean()), 4),
            "gain": round(float(gains.mean()), 4),
            "standard_error": round(math.hypot(*rest) / len(gains), 4),
            "events": len(gains),
            "of": len(rest),
            "by_kind": {KINDS[of]: round(float(gains[kinds == of].mean()), 4) for of in np.unique(kinds).tolist()},
        }
        spans = [(left > STEPS_A_SECOND * n) & (left <= STEPS_A_SECOND * (n + 1)) for n in range(seconds)]
        return figures | ({"by_second": [round(float(gains[span].mean()), 4) for span in spans]} if seconds else {})


def gaps(ids: Ids, steps: int, count: int, noise: np.random.Generator) -> Iterator[tuple[Ids, Gap]]:
    """Windows with one gap of `steps` each, at random places of a piece."""
    clock = clock_before(ids)
    earliest, latest = 2 * STEPS_A_SECOND, int(clock[-1]) - steps - 2 * STEPS_A_SECOND
    for _ in range(count if latest > earliest else 0):
        start = int(noise.integers(earliest, latest))
        first = max(0, gap_place(ids, start) - PAST)
        window = transform.crop(ids, first, PAST + FUTURE).astype(np.int32)
        begin = start - int(clock[first])
        own = clock_before(window)
        ons = np.flatnonzero(window < NOTE_OFF)
        due = of_gap(begin + steps, own[ons].tolist(), window[ons].tolist())
        yield window, Gap(begin, begin + steps, due)


def gap_place(ids: Ids, start: int) -> int:
    """Where the events of a gap begin: after the last event before the step `start`, and before the wait from there."""
    place = int(np.searchsorted(clock_before(ids), start))
    shifts = is_shift(ids)
    while place > 0 and shifts[place - 1]:
        place -= 1
    return place


def hidden(window: Ids, gap: Gap) -> Chosen:
    """The events of a window that belong to what is in its gap."""
    clock, shifts = clock_before(window), is_shift(window)
    first = gap_place(window, gap.start)
    ends = clock + np.where(shifts, window - (TIME_SHIFT - 1), 0)
    inside = (np.arange(len(window)) >= first) & (ends < gap.end)
    struck = struck_at(window)
    return inside & ~(_is_off(window) & (struck < first))


def of_others(window: Ids, tune: NDArray[np.intp]) -> Chosen:
    """The events of a window that do not belong to its tune, given the places of the tune's NOTE_ONs."""
    own = np.zeros(len(window), np.bool_)
    own[tune] = True
    struck = struck_at(window)
    own |= _is_off(window) & (struck >= 0) & own[struck]
    # A VELOCITY, and a wait, belongs to the note after it.
    for place in range(len(window) - 2, -1, -1):
        if TIME_SHIFT <= window[place] < BEGIN:
            own[place] = own[place + 1]
    return ~own & (window < BEGIN)


def struck_at(window: Ids) -> NDArray[np.int64]:
    """The place of the NOTE_ON that each NOTE_OFF ends; -1 for other events, and if that is before the window."""
    notes = np.flatnonzero(window < TIME_SHIFT)
    ons, offs = matched(window[notes].astype(np.int64))
    found = np.full(len(window), -1, np.int64)
    found[notes[offs]] = notes[ons]
    return found


def _is_off(window: Ids) -> Chosen:
    return (window >= NOTE_OFF) & (window < TIME_SHIFT)


def automata(window: Ids, gap: Gap) -> tuple[GivenGrammar, GivenGrammar]:
    """What generation asks in a gap: without and with what is given inside and after it."""
    clock = clock_before(window)
    first = gap_place(window, gap.start)
    begun = int(clock[first])
    given = (np.arange(len(window)) >= first) & ~is_shift(window) & ~hidden(window, gap)
    late = (clock >= gap.end) & (struck_at(window) < first)  # releases of what was struck before the gap or after it
    given &= (clock < gap.end) | late | (window < NOTE_OFF) | (window >= VELOCITY)
    events = [(int(clock[place]) - begun, [int(window[place])]) for place in np.flatnonzero(given)]
    prompt = window[:first].tolist()
    without, both = (GivenGrammar(EventGrammar(prompt), each, wait=gap.start - begun) for each in ([], events))
    return without, both


def allowed(automaton: GivenGrammar, window: Ids, first: int, stop: int, size: int) -> Drawn:
    """What an automaton asks for the events of a window from `first` on, up to `stop`; nothing before."""
    drawn = Drawn(torch.zeros(stop, size), torch.zeros(stop, size, dtype=torch.int64))
    for place in range(first, stop):
        automaton.weigh(drawn.bias_TV[place].numpy())
        groups = automaton.groups
        if groups is not None:
            drawn.group_TV[place, : len(groups)] = torch.from_numpy(groups)
        automaton.accept(int(window[place]))
    return drawn


@torch.inference_mode()
def nats(model: GPT2, ids: Ids, dtype: str, drawn: Drawn | None = None) -> Nats:
    """The loss of each of the ids that fit into the model's window; the first one has none."""
    ids_BT = torch.from_numpy(ids[: model.config.n_positions + 1].astype(np.int64))[None]
    with autocast(torch.device("cpu"), dtype):
        logits_TV = model(ids_BT[:, :-1])[0].float()
    if drawn is not None:
        bias_TV, group_TV = (each[1 : len(logits_TV) + 1] for each in drawn)
        logits_TV = within_groups(logits_TV, bias_TV, group_TV) + bias_TV
    found = F.cross_entropy(logits_TV, ids_BT[0, 1:], reduction="none").double().numpy()
    return np.concatenate(([np.inf], found))


def compare(
    model: GPT2, window: Ids, due: list[Announced], counted: Chosen, dtype: str, into: Compared, end: int = 0
) -> None:
    """Add the loss of the events that count, as far as they fit into the model's window in both forms.

    `end` is the step at which a gap ends.
    """
    arranged = announced(window, due)
    places = np.flatnonzero(arranged < VOCABULARY)  # of the window's events
    chosen = np.flatnonzero(counted & (np.arange(len(window)) > 0) & (places <= model.config.n_positions))
    if not len(chosen):
        return
    stop = int(chosen[-1]) + 1
    window, arranged = window[:stop], arranged[: places[stop - 1] + 1]
    without, with_ = nats(model, window, dtype), nats(model, arranged, dtype)[places[:stop]]
    into.add(without[chosen], with_[chosen], window[chosen], end - clock_before(window)[chosen])


def compare_drawn(model: GPT2, window: Ids, gap: Gap, counted: Chosen, dtype: str, into: Compared) -> None:
    """The same among the events that the grammar allows."""
    arranged = announced(window, gap.announcements)
    places = np.flatnonzero(arranged < VOCABULARY)
    chosen = np.flatnonzero(counted & (places <= model.config.n_positions))
    if not len(chosen):
        return
    end, first = int(chosen[-1]) + 1, gap_place(window, gap.start)
    plain, both = automata(window, gap)
    without = nats(model, window[:end], dtype, allowed(plain, window, first, end, model.vocab_size))
    arranged = arranged[: places[end - 1] + 1]
    at_events = allowed(both, window, first, end, model.vocab_size)
    drawn = Drawn(*(each.new_zeros(len(arranged), model.vocab_size) for each in at_events))
    for whole, each in zip(drawn, at_events, strict=True):
        whole[torch.from_numpy(places[:end])] = each
    with_ = nats(model, arranged, dtype, drawn)[places[:end]]
    chosen = chosen[np.isfinite(without[chosen]) & np.isfinite(with_[chosen])]
    into.add(without[chosen], with_[chosen], window[chosen], gap.end - clock_before(window)[chosen])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", default="", help="the run's prepared data, if it was moved")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of a gap")
    parser.add_argument("--gaps", type=int, default=2, help="gaps, and windows with a tune, from each piece")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--smoke", action="store_true", help="print the figures, and do not keep them")
    arguments = parser.parse_args()
    run = opened_run(arguments.run, arguments.data)
    model = model_in(run.path).eval()
    dtype = pick_dtype("auto", torch.device("cpu"))
    store = run.prepared.store("val")
    ends = store.document_ends()
    infilling, drawn, accompaniment = Compared(), Compared(), Compared()
    for number, (begin, end) in enumerate(zip((0, *ends[:-1]), ends, strict=True)):
        ids = np.asarray(store.ids[begin:end]).astype(np.int32)
        noise = np.random.default_rng((arguments.seed, number))
        for window, gap in gaps(ids, round(arguments.seconds * STEPS_A_SECOND), arguments.gaps, noise):
            counted = hidden(window, gap)
            compare(model, window, gap.announcements, counted, dtype, infilling, gap.end)
            compare_drawn(model, window, gap, counted, dtype, drawn)
        for _ in range(arguments.gaps):
            start = int(noise.integers(max(1, len(ids) - model.config.n_positions)))
            window = transform.crop(ids, start, model.config.n_positions + 1).astype(np.int32)
            others = of_others(window, tune_places(window))
            compare(model, window, tune_of(window), others, dtype, accompaniment)
    figures = {"run": run.path.name, "seconds": arguments.seconds, "gaps": arguments.gaps, "seed": arguments.seed}
    seconds = math.floor(arguments.seconds)
    found = {"infilling": infilling.json(seconds), "infilling_drawn": drawn.json(seconds)}
    figures |= {"dtype": dtype, **found, "accompaniment": accompaniment.json()}
    if arguments.smoke:
        print(json.dumps(figures))
    else:
        record("infill", figures)


if __name__ == "__main__":
    main()
