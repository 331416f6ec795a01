"""What a section of gpu.py is given, and how it runs: in a process of its own, for a limited time."""

import ctypes
import gc
import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from turns import device_idle, reason

from gpt2kit.config import ModelConfig
from gpt2kit.model.device import pick_device

Figures = dict[str, Any]
"""One row of the table: `row` names it."""

GRACE = 5
"""Seconds that a section may take beyond its limit before it is killed: it looks at the clock between measurements."""

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Work:
    """The sizes and the data of all sections."""

    toy: bool
    """Sizes for a rehearsal on a CPU, which takes seconds."""
    folder: Path
    """A temporary folder of the whole invocation."""
    multi30k: Path | None = None
    """Prepared data of the recipe multi30k."""
    music: Path | None = None
    """Prepared data of the recipe music."""
    ends: float = float("inf")
    """When the section has to end, by `time.perf_counter`."""

    @cached_property
    def device(self) -> torch.device:
        return pick_device("auto")

    def late(self, seconds: float = 0) -> bool:
        """Whether this number of seconds more would be too many."""
        return time.perf_counter() + seconds > self.ends

    @property
    def gpt2(self) -> ModelConfig:
        """GPT-2 124M, or its toy."""
        if self.toy:
            return ModelConfig(n_layer=2, n_head=2, n_embd=32, n_positions=64, dropout=0.0)
        return ModelConfig(size="gpt2", dropout=0.0)

    @property
    def vocabulary(self) -> int:
        return 211 if self.toy else 50257


Section = Callable[[Work], Iterator[Figures]]


def cleared() -> None:
    """Give up the memory of the measurement before; peaks are counted from here."""
    gc.collect()
    if "torch._dynamo" in sys.modules:
        torch.compiler.reset()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peak_gib() -> float | None:
    """The most that tensors have held on the GPU since `cleared`; None on a CPU."""
    return round(torch.cuda.max_memory_allocated() / 2**30, 2) if torch.cuda.is_available() else None


def seconds_of(work: Callable[[], object]) -> float:
    """Wall time, the device's work included."""
    device_idle()
    started = time.perf_counter()
    work()
    device_idle()
    return time.perf_counter() - started


def played(section: Section, work: Work) -> Iterator[Figures]:
    """The figures of a section, which runs in its own process until it ends, fails or has to be killed."""
    context: Any = multiprocessing.get_context(start_method())
    mine, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_play, args=(section, work, theirs))
    process.start()
    theirs.close()
    try:
        while mine.poll(max(0.0, work.ends + GRACE - time.perf_counter())):
            try:
                yield mine.recv()
            except EOFError:
                process.join()
                if process.exitcode:
                    yield {"row": "failed", "reason": f"the process ended with code {process.exitcode}"}
                return
        yield {"row": "cut off", "reason": "the time of this section is over"}
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid or 0, signal.SIGKILL)  # with the compiler's processes
        process.kill()
        process.join()


NOT_INITIALIZED = 3
"""CUDA_ERROR_NOT_INITIALIZED of cuda.h."""


def start_method() -> str:
    """fork, which is fast; spawn if a library has initialized CUDA in this process, as forked ones could not use it."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "fork"
    return "fork" if driver.cuDeviceGetCount(ctypes.byref(ctypes.c_int())) == NOT_INITIALIZED else "spawn"


def _play(section: Section, work: Work, pipe: Connection) -> None:
    os.setsid()
    try:
        for figures in section(work):
            pipe.send(figures)
    except Exception as error:  # whatever it is: the other sections continue, and the table says why this one did not
        traceback.print_exc()
        pipe.send({"row": "failed", "reason": reason(error)})
    sys.stdout.flush()
    pipe.close()
