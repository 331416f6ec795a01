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
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import record
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from gpt2kit.model.device import autocast, pick_dtype
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.music import transform
from gpt2kit.music.announcements import Gap, Tune
from gpt2kit.music.arrangement import announced, clock_before, gap_place, is_shift, tune_of, tune_places
from gpt2kit.music.events import BEGIN, NOTE_OFF, STEPS_A_SECOND, TIME_SHIFT, VELOCITY, VOCABULARY, Ids
from gpt2kit.music.given import GivenGrammar
from gpt2kit.music.grammar import EventGrammar
from gpt2kit.music.pairing import matched
from gpt2kit.pipeline.opening import model_in, opened_run

Chosen = NDArray[np.bool_]

PAST, FUTURE = 400, 900
"""Events before a gap that the model reads, and from its begin on that the announcements are taken from."""


@dataclass
class Compared:
    """Sums of nats of the same events, without and with announcements."""

    without: list[float] = field(default_factory=list)
    given: list[float] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)

    def add(self, without: float, given: float, count: int) -> None:
        self.without.append(without)
        self.given.append(given)
        self.counts.append(count)

    def json(self) -> dict[str, Any]:
        events = sum(self.counts)
        gains = np.array(self.without) - np.array(self.given)
        mean = float(gains.sum()) / events
        rest = gains - mean * np.array(self.counts)
        return {
            "without": round(sum(self.without) / events, 4),
            "given": round(sum(self.given) / events, 4),
            "gain": round(mean, 4),
            "standard_error": round(math.sqrt(float((rest**2).sum())) / events, 4),
            "events": events,
            "of": len(gains),
        }


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
        yield window, Gap(begin, begin + steps, window[ons[own[ons] >= begin + steps]].tolist())


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


def automata(window: Ids, gap: Gap) -> tuple[EventGrammar, GivenGrammar]:
    """What generation asks in a gap: without and with what is given inside and after it."""
    clock = clock_before(window)
    first = gap_place(window, gap.start)
    begun = int(clock[first])
    given = (np.arange(len(window)) >= first) & ~is_shift(window) & ~hidden(window, gap)
    late = (clock >= gap.end) & (struck_at(window) < first)  # releases of what was struck before the gap or after it
    given &= (clock < gap.end) | late | (window < NOTE_OFF) | (window >= VELOCITY)
    events = [(int(clock[place]) - begun, [int(window[place])]) for place in np.flatnonzero(given)]
    prompt = window[:first].tolist()
    return EventGrammar(prompt), GivenGrammar(EventGrammar(prompt), events, wait=gap.start - begun)


def allowed(automaton: EventGrammar | GivenGrammar, window: Ids, first: int, stop: int, size: int) -> Tensor:
    """What an automaton adds to the logits [T, V] of the events of a window from `first` on; 0 elsewhere."""
    bias_TV = np.zeros((len(window), size), np.float32)
    for place in range(first, stop):
        automaton.weigh(bias_TV[place])
        automaton.accept(int(window[place]))
    return torch.from_numpy(bias_TV)


@torch.inference_mode()
def nats(model: GPT2, ids: Ids, dtype: str, bias_TV: Tensor | None = None) -> NDArray[np.float64]:
    """The loss of each of the ids that fit into the model's window; the first one has none."""
    ids_BT = torch.from_numpy(ids[: model.config.n_positions + 1].astype(np.int64))[None]
    with autocast(torch.device("cpu"), dtype):
        logits_TV = model(ids_BT[:, :-1])[0].float()
    if bias_TV is not None:
        logits_TV = logits_TV + bias_TV[1 : len(logits_TV) + 1]
    found = F.cross_entropy(logits_TV, ids_BT[0, 1:], reduction="none").double().numpy()
    return np.concatenate(([np.inf], found))


def compare(model: GPT2, window: Ids, given: Gap | Tune, counted: Chosen, dtype: str, into: Compared) -> None:
    """Add the loss of the events that count, as far as they fit into the model's window in both forms."""
    arranged = announced(window, [given])
    places = np.flatnonzero(arranged < VOCABULARY)  # of the window's events
    chosen = np.flatnonzero(counted & (np.arange(len(window)) > 0) & (places <= model.config.n_positions))
    if not len(chosen):
        return
    end = int(chosen[-1]) + 1
    window, arranged = window[:end], arranged[: places[end - 1] + 1]
    without, with_ = nats(model, window, dtype), nats(model, arranged, dtype)[places[:end]]
    into.add(float(without[chosen].sum()), float(with_[chosen].sum()), len(chosen))


def compare_drawn(model: GPT2, window: Ids, gap: Gap, counted: Chosen, dtype: str, into: Compared) -> None:
    """The same among the events that the grammar allows."""
    arranged = announced(window, [gap])
    places = np.flatnonzero(arranged < VOCABULARY)
    chosen = np.flatnonzero(counted & (places <= model.config.n_positions))
    if not len(chosen):
        return
    end, first = int(chosen[-1]) + 1, gap_place(window, gap.start)
    plain, both = automata(window, gap)
    bias_TV = allowed(plain, window, first, end, model.vocab_size)[:end]
    without = nats(model, window[:end], dtype, bias_TV)
    arranged = arranged[: places[end - 1] + 1]
    bias_AV = torch.zeros(len(arranged), model.vocab_size)
    bias_AV[torch.from_numpy(places[:end])] = allowed(both, window, first, end, model.vocab_size)[:end]
    with_ = nats(model, arranged, dtype, bias_AV)[places[:end]]
    chosen = chosen[np.isfinite(without[chosen]) & np.isfinite(with_[chosen])]
    into.add(float(without[chosen].sum()), float(with_[chosen].sum()), len(chosen))


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
            compare(model, window, copy(gap), counted, dtype, infilling)
            compare_drawn(model, window, copy(gap), counted, dtype, drawn)
        for _ in range(arguments.gaps):
            start = int(noise.integers(max(1, len(ids) - model.config.n_positions)))
            window = transform.crop(ids, start, model.config.n_positions + 1).astype(np.int32)
            others = of_others(window, tune_places(window))
            compare(model, window, tune_of(window), others, dtype, accompaniment)
    figures = {"run": run.path.name, "seconds": arguments.seconds, "gaps": arguments.gaps, "seed": arguments.seed}
    found = {"infilling": infilling, "infilling_drawn": drawn, "accompaniment": accompaniment}
    figures |= {"dtype": dtype, **{name: each.json() for name, each in found.items()}}
    if arguments.smoke:
        print(json.dumps(figures))
    else:
        record("infill", figures)


if __name__ == "__main__":
    main()
