"""Training GPT-2 124M on rows of 1,024 tokens: gpt2kit's loop and Hugging Face's model, compiled and not."""

import io
import statistics
from collections.abc import Iterator
from typing import Any

import torch
from peers import trainers
from report import known_gpu, versions
from train import PEAKS, Row, random_ids
from turns import Program, Settings, Turn, reason

from gpt2kit.model import hf
from gpt2kit.model.gpt2 import GPT2
from sections.work import Figures, Work, cleared, peak_gib

GOAL = 550_000
"""Tokens/s of gpt2kit on a device of the class of an H200."""

COMPILING_SECONDS = 40
"""What a program may take to compile and warm up."""


class Enough(Exception):
    """Ends a program that would train for ever."""


class Windows(Turn):
    """Takes a program's ticks in this process: a warm-up, then windows that are timed one after the other."""

    def __init__(self, seconds: float, windows: int, warm_units: int, warm_seconds: float) -> None:
        super().__init__(io.StringIO(), seconds, warm_units, warm_seconds)
        self.wanted, self.found = windows, list[dict[str, Any]]()

    def send(self, message: dict[str, Any]) -> None:
        if "seconds" in message:
            self.found.append(message)

    def _wait(self) -> None:
        if len(self.found) == self.wanted:
            raise Enough
        self.untimed = 1
        self._start()

    @property
    def rates(self) -> list[float]:
        return [window["count"] / window["seconds"] for window in self.found]


def measured(program: Program, settings: Settings, work: Work) -> Figures:
    """Tokens/s of a program: the median of three windows, and all of them."""
    cleared()
    turn = Windows(0.02, 2, 2, 0) if work.toy else Windows(2.5, 3, trainers.CHECK, 1.5)
    try:
        program(settings, turn)
    except Enough:
        pass
    except Exception as error:  # whatever it is: the other programs continue
        return {"failed": reason(error)}
    rates = [round(rate) for rate in turn.rates]
    figures = {"tokens_per_second": round(statistics.median(rates)), "each_window": rates, "peak_gib": peak_gib()}
    return figures | turn.notes


def prepared(work: Work, rows: int) -> tuple[Settings, float]:
    """What every program is told, and the FLOP of a token: 6 N' + 12 L d T, as in train.py."""
    folder = work.folder / f"training-{rows}"
    config, width = work.gpt2, work.gpt2.n_positions
    torch.manual_seed(0)
    model = GPT2(config, work.vocabulary)
    if not folder.is_dir():
        (folder / "weights").mkdir(parents=True)
        hf.save(folder / "weights", model, eos=0)
        random_ids(folder / "data", Row(config, work.vocabulary, rows, width))
    flop = 6 * (model.parameter_count() - model.transformer.wpe.weight.numel())
    train = {"lr": 6e-4, "optimizer": "adamw", "label_smoothing": 0.0, "ema": 0.0, "batch_tokens": rows * width}
    settings = {"weights": str(folder / "weights"), "data": str(folder / "data"), "count": "positions", "train": train}
    return settings, flop + 12 * config.n_layer * config.n_embd * width


def against_peers(work: Work) -> Iterator[Figures]:
    rows = 2 if work.toy else 32
    settings, flop = prepared(work, rows)
    peak, compiles = known_gpu(PEAKS), [False] if work.toy else [True, False]
    for compiled in compiles:
        form = "compiled" if compiled else "eager"
        seconds = COMPILING_SECONDS if compiled else COMPILING_SECONDS / 4
        own = settings | {"train": settings["train"] | {"compile": "on" if compiled else "off"}}
        ours = 0.0
        for name, program, told in (
            ("gpt2kit", trainers.gpt2kit, own),
            ("transformers", trainers.huggingface_loop, settings | {"compile": compiled}),
        ):
            if work.late(seconds):
                yield {"row": f"{name} {form}", "skipped": "no time left"}
                continue
            figures = measured(program, told, work)
            rate = figures.get("tokens_per_second", 0)
            if peak:
                figures["of_peak"] = round(rate * flop / peak, 3)
            if name == "gpt2kit":
                ours = rate
                figures["of_goal"] = round(rate / GOAL, 3)
            elif rate:
                figures |= {"gpt2kit_over_it": round(ours / rate, 3), "version": versions("transformers")[name]}
            yield {"row": f"{name} {form}", "rows": rows, **figures}


def micro_batches(work: Work) -> Iterator[Figures]:
    """The same with more rows a step, divided as the probe chooses and otherwise."""
    rows = 4 if work.toy else 128
    settings, flop = prepared(work, rows)
    peak = known_gpu(PEAKS)
    for accumulate in (1, 2) if work.toy else (1, 2, 4, 8):
        row = {"row": f"{rows} rows, accumulate from {accumulate}"}
        if work.late(COMPILING_SECONDS / 2):
            yield row | {"skipped": "no time left"}
            continue
        train = settings["train"] | {"accumulate": accumulate, "compile": "off" if work.toy else "on"}
        figures = measured(trainers.gpt2kit, settings | {"train": train}, work)
        if peak and "tokens_per_second" in figures:
            figures["of_peak"] = round(figures["tokens_per_second"] * flop / peak, 3)
        yield row | figures
