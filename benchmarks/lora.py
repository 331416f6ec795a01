"""What memory fine-tuning GPT-2 124M takes beyond its weights: all of them learning, or adapters of rank 8.

    python benchmarks/lora.py [--rows 1] [--length 256] [--checkpointing]

Three AdamW steps on random ids, each program in a process of its own; memory is the most that the process has held,
less what it held with the weights loaded (a GPU: that was allocated). The third program has three new tokens, which
learn too.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch
from machine import record
from turns import memory

from gpt2kit.config import ModelConfig, TrainConfig
from gpt2kit.model import lora
from gpt2kit.model.device import autocast, keep_memory, pick_device, pick_dtype
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.loss import TargetLoss
from gpt2kit.model.vocabulary import grow_vocabulary
from gpt2kit.training import optim
from gpt2kit.training.checkpointing import checkpoint_blocks
from gpt2kit.training.objective import LanguageModelObjective

VOCABULARY, RANK, NEW, STEPS = 50257, 8, 3, 3
PROGRAMS = ("full", "LoRA", "LoRA and new tokens")


def held_now() -> float:
    """GiB."""
    if torch.cuda.is_available():
        return torch.cuda.memory_allocated() / 2**30
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) / 2**20


def work(order: dict[str, Any]) -> dict[str, float]:
    """One program, in a process of its own."""
    device = pick_device("auto")
    dtype = pick_dtype("auto", device)
    keep_memory(device)
    torch.manual_seed(0)
    model = GPT2(ModelConfig(size="gpt2", dropout=0.0), VOCABULARY)
    if order["program"] == PROGRAMS[2]:
        grow_vocabulary(model, VOCABULARY + NEW)
    if order["program"] != PROGRAMS[0]:
        lora.adapt(model, RANK, 16.0, ("c_attn",), model.vocab_size - VOCABULARY)
    model = model.to(device).train()
    if order["checkpointing"]:
        checkpoint_blocks(model)
    before = held_now()
    objective, optimizers = LanguageModelObjective(model, TargetLoss()).train(), optim.build(model, TrainConfig())
    ids = torch.randint(VOCABULARY, (order["rows"], order["length"] + 1), device=device)
    targets = torch.arange(order["rows"] * order["length"], device=device)
    seconds = []
    for _ in range(STEPS):
        started = time.perf_counter()
        with autocast(device, dtype):
            loss, _ = objective(ids[:, :-1], targets, ids[:, 1:].flatten())
        (loss / len(targets)).backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        seconds.append(time.perf_counter() - started)
    learning = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    return {"beyond_gib": memory() - before, "weights_gib": before, "learning": learning, "seconds": min(seconds)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1)
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--checkpointing", action="store_true")
    arguments = parser.parse_args()
    found = {}
    for program in PROGRAMS:
        order = json.dumps({"program": program, **vars(arguments)})
        done = subprocess.run(
            [sys.executable, __file__, "--worker", order], stdout=subprocess.PIPE, text=True, check=True
        )
        found[program] = {key: round(value, 3) for key, value in json.loads(done.stdout.splitlines()[-1]).items()}
    shares = {name: round(each["beyond_gib"] / found["full"]["beyond_gib"], 3) for name, each in found.items()}
    record("lora", {"rank": RANK, **vars(arguments), "programs": found, "share_of_full": shares})


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        print(json.dumps(work(json.loads(sys.argv[2]))))
    else:
        main()
