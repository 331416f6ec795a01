"""What the grammar of music costs: events/s of a trained run with it and without it, in turn, in one process.

    python benchmarks/grammar.py --run runs/piano [--rounds 7] [--smoke]

Each turn decodes --events events of 1 and of 16 pieces from the same seeds; figures are medians over the rounds, and
`ratio` is the median of the rounds' ratios. The events differ, as the grammar forbids some. Below 1, the grammar costs
time. `automaton_us` is what the automaton itself takes per event, without the model.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from machine import record

import gpt2kit
from gpt2kit.decoding.grammar import Automaton
from gpt2kit.music.notes import Notes
from gpt2kit.music.playing.grammar import EventGrammar
from gpt2kit.music.stream.events import BEGIN, END, PAD, VOCABULARY

FOREVER = 10**9
"""Steps of a piece that no limit in time ends."""


def free(prompt: Sequence[int]) -> None:
    """No automaton: any event may follow any other."""


def lasting(prompt: Sequence[int]) -> Automaton:
    return EventGrammar(prompt, FOREVER)


def events_a_second(
    model: Any, config: Any, pieces: int, make: Callable[[Sequence[int]], Automaton | None]
) -> tuple[float, list[list[int]]]:
    started = time.perf_counter()
    ids = [result.ids[0] for result in model.results([Notes.none()] * pieces, config, make)]
    return sum(map(len, ids)) / (time.perf_counter() - started), ids


def automaton_microseconds(ids: Sequence[int]) -> float:
    grammar, bias = lasting([BEGIN]), np.zeros(VOCABULARY, np.float32)
    started = time.perf_counter()
    for id in ids:
        grammar.weigh(bias)
        grammar.accept(id)
    return 1e6 * (time.perf_counter() - started) / len(ids)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="a run of music")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--events", type=int, default=1500, help="events of each piece")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--smoke", action="store_true", help="one short round, which is not kept")
    arguments = parser.parse_args()
    rounds, events = (1, 100) if arguments.smoke else (arguments.rounds, arguments.events)
    torch.set_num_threads(arguments.threads)
    model = gpt2kit.load(arguments.run)
    settings = {"ban_ids": [BEGIN, END, PAD], "max_new_tokens": events, "roll": True}
    figures: dict[str, Any] = {"run": arguments.run.name, "events": events, "rounds": rounds}
    for pieces in (1, 16):
        turns: dict[str, list[float]] = {"free": [], "grammar": []}
        for round in range(-1, rounds):  # the first one warms up
            config = model.configured(settings | {"seed": 100 * max(0, round)})
            for name, make in (("free", free), ("grammar", lasting)):
                speed, ids = events_a_second(model, config, pieces, make)
                if round >= 0:
                    turns[name].append(speed)
        ratios = [with_it / without for without, with_it in zip(turns["free"], turns["grammar"], strict=True)]
        figures[f"pieces_{pieces}"] = {name: round_figure(median(speeds)) for name, speeds in turns.items()}
        figures[f"pieces_{pieces}"]["ratio"] = round_figure(median(ratios))
    figures["automaton_us"] = round_figure(median(automaton_microseconds(ids[0]) for _ in range(5)))
    if arguments.smoke:
        print(figures)
    else:
        record("grammar", figures)


def round_figure(value: float) -> float:
    return float(f"{value:.4g}")


if __name__ == "__main__":
    main()
