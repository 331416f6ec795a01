"""All that a GPU's rows of the tables need, in one run of ten minutes at most.

    PYTHONPATH=. python benchmarks/gpu.py --out gpu.jsonl [--multi30k PREPARED] [--music PREPARED]
    PYTHONPATH=. python benchmarks/gpu.py --toy                   # a rehearsal on a CPU, in seconds

It needs a clone and no installed package beyond gpt2kit's core (torch, transformers, tokenizers, safetensors, tomli-w
...). Each section runs in a process of its own and has a time limit. The sections are in the order of their importance;
for the last ones there may be no time left. Each row is a line of the JSON file as soon as it is known. A table of all
rows ends the output.

equality   logits, loss, gradients and answers next to the CPU's, for each kind of attention
training   GPT-2 124M on rows of 1,024 tokens, next to Hugging Face's model, compiled and not
decoding   1, 16 and 64 prompts with GPT-2 124M and the recipe multi30k's model, next to the bound of the memory
multi30k   the recipe: its speed, and its whole training with --multi30k
resume     a resumed run next to an uninterrupted one
memory     the probe halves a batch that does not fit
fsdp       FSDP2 on one device
compiled   as equality, with compiled blocks
music      the recipe: its speed, and its whole training with --music
profile    the kernels that take the time
batches    training with more rows a step, in several micro-batches
step       a decode step that torch.compile has compiled: an experiment

Data are folders that `gpt2kit translate prepare --recipe multi30k` and `gpt2kit music prepare` made.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

# Libraries that ask for CUDA while they are imported must not initialize it: sections are forked from this process.
os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"

import torch._dynamo  # noqa: F401 - once for all sections, as it takes seconds; the next one too
import transformers.models.gpt2.modeling_gpt2  # noqa: F401
from sections import decoding, equality, machine, memory, profiling, recipes, resume, training
from sections.work import GRACE, Figures, Section, Work, played

SECTIONS: dict[str, tuple[Section, float]] = {
    "machine": (machine.ceilings, 30),
    "equality": (equality.eager, 60),
    "training": (training.against_peers, 170),
    "decoding": (decoding.batches, 80),
    "multi30k": (recipes.multi30k, 170),
    "resume": (resume.resumed, 30),
    "memory": (memory.out_of_memory, 40),
    "fsdp": (memory.sharded, 40),
    "profile": (profiling.kernels, 75),
    "compiled": (equality.compiled, 120),
    "music": (recipes.music, 100),
    "step": (decoding.compiled_step, 100),
    "batches": (training.micro_batches, 120),
}
"""Each section, and the most seconds that it may take."""

LEAST = 12
"""A section starts if at least this number of seconds is left."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("gpu.jsonl"), help="JSON lines, written as they come")
    parser.add_argument("--minutes", type=float, default=9.5, help="the most that all sections take together")
    parser.add_argument("--multi30k", type=Path, help="prepared data of the recipe multi30k: trains it to the end")
    parser.add_argument("--music", type=Path, help="prepared data of the recipe music: trains it to the end")
    parser.add_argument("--only", action="append", choices=list(SECTIONS), help="a section; may be repeated")
    parser.add_argument("--toy", action="store_true", help="small sizes, for a rehearsal on a CPU")
    given = parser.parse_args(arguments)
    found: list[tuple[str, Figures]] = []
    with tempfile.TemporaryDirectory() as folder, given.out.open("w", encoding="utf-8") as out:
        work = Work(given.toy, Path(folder), given.multi30k, given.music)
        for section, figures in all_of(work, given.only or list(SECTIONS), 60 * given.minutes):
            found.append((section, figures))
            write(out, section, figures)
    print(table(found))
    wrong = [figures for _, figures in found if figures["row"] == "failed" or figures.get("equal") is False]
    return 1 if wrong else 0


def all_of(work: Work, names: Sequence[str], seconds: float) -> Iterator[tuple[str, Figures]]:
    """The rows of the sections, in their order, and the seconds of each."""
    ends = time.perf_counter() + seconds
    for name, (section, limit) in SECTIONS.items():
        if name not in names:
            continue
        began = time.perf_counter()
        left = ends - began - GRACE
        if left < LEAST:
            yield name, {"row": "skipped", "reason": f"{max(0, left):.0f} seconds are left"}
            continue
        for figures in played(section, replace(work, ends=began + min(limit, left))):
            yield name, figures
        yield name, {"row": "seconds", "seconds": round(time.perf_counter() - began, 1)}


def write(out: TextIO, section: str, figures: Figures) -> None:
    line = json.dumps({"section": section, **figures}, ensure_ascii=False)
    print(line, flush=True)
    out.write(line + "\n")
    out.flush()


def table(found: Sequence[tuple[str, Figures]]) -> str:
    """A line for each row: section, name, and its figures."""
    lines, before = [""], ""
    width = max((len(figures["row"]) for _, figures in found), default=0)
    for section, figures in found:
        shown = {key: value for key, value in figures.items() if key != "row" and value is not None}
        told = ", ".join(f"{key} {_short(value)}" for key, value in shown.items())
        lines.append(f"{'' if section == before else section:<9} {figures['row']:<{width}}  {told}".rstrip())
        before = section
    return "\n".join(lines)


def _short(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


if __name__ == "__main__":
    sys.exit(main())
