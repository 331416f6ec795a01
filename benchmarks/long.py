"""What a long window costs: full attention beside T-DMCA's local and compressed layers, by length, training steps.

    python benchmarks/long.py                               # 1,024 to 32,768 tokens
    python benchmarks/long.py --length 1024 --length 8192 --rounds 5

Each step trains on one row of random ids of that length: forward, backward and AdamW, with the loss on the last 512
positions, as for a summary after its article. Every program and length runs in its own process in every round, so that
peak memory is its own. Figures are medians over the rounds; ratios of time are medians of the rounds' ratios. The
programs:

full             GPT-2's attention in every layer, in the fused kernel, which never holds all attention weights
full, as written the same as three plain products, as in 2018: every layer keeps a weight for each pair of positions
T-DMCA           local,compressed,local,compressed,local (Liu et al. 2018): blocks of 256, compression by 3
no attention     queries, keys and values are computed and added: the cost of everything except attention

`GiB` is the peak memory of the process (on a GPU: allocated memory), `steps` the part of it that the steps added.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

import torch
from curves import draw
from machine import record
from torch import Tensor
from turns import device_idle, memory

from gpt2kit import system as allowance
from gpt2kit.config import ModelConfig, TrainConfig
from gpt2kit.model import attention
from gpt2kit.model.device import autocast, keep_memory, pick_device, pick_dtype
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.loss import TargetLoss
from gpt2kit.training import optim
from gpt2kit.training.memory import is_out_of_memory
from gpt2kit.training.objective import LanguageModelObjective

LAYERS, WIDTH, HEADS, VOCABULARY = 5, 256, 4, 8192
LOSS = 512
"""The number of positions with a target, at the end of the row."""

LENGTHS = [1024, 2048, 4096, 8192, 16384, 32768]
PROGRAMS = {
    "full": "full",
    "full, as written": "full",
    "T-DMCA": "local,compressed,local,compressed,local",
    "no attention": "full",
}
FULL, WRITTEN, OURS, NOTHING = PROGRAMS
SHARE_OF_FREE = 0.9
"""The share of the free memory that a process may take, so that only this process fails."""


def work(order: dict[str, Any]) -> dict[str, Any]:
    """One program at one length, in a process of its own: seconds of each step, and memory."""
    torch.set_num_threads(order["threads"])
    device = pick_device("auto")
    dtype = pick_dtype("auto", device)
    keep_memory(device)
    free = allowance.memory()
    if device.type == "cpu" and free:
        resource.setrlimit(resource.RLIMIT_DATA, (int(SHARE_OF_FREE * free[1]), resource.RLIM_INFINITY))
    if order["program"] in REPLACED:
        attention.causal_attention = REPLACED[order["program"]]
    try:
        return {"dtype": dtype, **_steps(order, device, dtype)}
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return {"failed": "out of memory"}


def _as_written(query: Tensor, key: Tensor, value: Tensor, table_HSK: Tensor | None = None) -> Tensor:
    return attention.short_attention(query, key, value)


def _nothing(query: Tensor, key: Tensor, value: Tensor, table_HSK: Tensor | None = None) -> Tensor:
    return query + key + value


REPLACED = {WRITTEN: _as_written, NOTHING: _nothing}
"""Of these programs the attention is not the package's own."""


def _steps(order: dict[str, Any], device: torch.device, dtype: str) -> dict[str, Any]:
    length, kinds = order["length"], PROGRAMS[order["program"]]
    torch.manual_seed(0)
    shape = {"n_layer": LAYERS, "n_head": HEADS, "n_embd": WIDTH, "n_positions": length}
    model = GPT2(ModelConfig(**shape, dropout=0.0, attention=kinds), VOCABULARY).to(device).train()
    if order["compile"]:
        for block in model.transformer.blocks():
            block.compile()
    objective = LanguageModelObjective(model, TargetLoss(0.0, order["compile"])).train()
    optimizers = optim.build(model, TrainConfig())
    ids = torch.randint(VOCABULARY, (1, length + 1), device=device)
    targets = torch.arange(length - min(LOSS, length), length, device=device)
    seconds: list[float] = []
    losses: list[float] = []
    before = memory()
    began = time.perf_counter()
    while len(seconds) < 1 + order["steps"] or time.perf_counter() - began < order["seconds"]:
        device_idle()
        started = time.perf_counter()
        with autocast(device, dtype):
            loss, plain = objective(ids[:, :-1], targets, ids[0, 1:][targets])
        (loss / len(targets)).backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        losses.append(float(plain) / len(targets))
        device_idle()
        seconds.append(time.perf_counter() - started)
        if len(seconds) == 1:  # the first finds memory and kernels, and is not counted
            began = time.perf_counter()
    held = memory()
    return {"seconds": seconds[1:], "gib": held, "step_gib": held - before, "first_loss": losses[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--length", type=int, action="append", help="may be repeated; by default 1,024 to 32,768")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=2, help="the least number of steps timed in a process")
    parser.add_argument("--seconds", type=float, default=5, help="about how long a process is timed")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--compile", action="store_true", help="torch.compile each block, as long runs do")
    parser.add_argument("--smoke", action="store_true", help="one short round, which is not kept")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.rounds, arguments.steps, arguments.seconds = 1, 1, 0
    lengths = sorted(arguments.length or LENGTHS)
    turns: dict[str, dict[int, list[dict[str, Any]]]] = {name: {length: [] for length in lengths} for name in PROGRAMS}
    for length in lengths:
        for _ in range(arguments.rounds):
            for name in PROGRAMS:
                if not any("failed" in turn for turn in turns[name][length]):
                    turns[name][length].append(_in_a_process(name, length, arguments))
    figures = {name: {length: _figures(found) for length, found in by.items()} for name, by in turns.items()}
    print(_table(figures, lengths))
    if arguments.smoke:
        return
    described = {
        "model": {"n_layer": LAYERS, "n_head": HEADS, "n_embd": WIDTH},
        "vocabulary": VOCABULARY,
        "kinds": PROGRAMS,
        "loss_positions": LOSS,
        "dtype": next(turn["dtype"] for found in turns[OURS].values() for turn in found if "dtype" in turn),
        "compile": arguments.compile,
    }
    protocol = {"rounds": arguments.rounds, "seconds": arguments.seconds, "threads": arguments.threads}
    record("long", {**described, **protocol, "programs": figures, "ratios": _ratios(figures, lengths)})
    draw("long")


def _in_a_process(name: str, length: int, arguments: argparse.Namespace) -> dict[str, Any]:
    order = {"program": name, "length": length} | {
        key: getattr(arguments, key) for key in ("steps", "seconds", "threads", "compile")
    }
    done = subprocess.run([sys.executable, __file__, "--worker", json.dumps(order)], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        return {"failed": f"ended with {done.returncode}"}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _figures(turns: list[dict[str, Any]]) -> dict[str, Any]:
    """Figures of one program at one length: medians over the rounds of the median step of each."""
    if failed := [turn["failed"] for turn in turns if "failed" in turn]:
        return {"failed": failed[0]}
    rounds = [statistics.median(turn["seconds"]) for turn in turns]
    return {
        "seconds": round(statistics.median(rounds), 4),
        "each_round": [round(each, 4) for each in rounds],
        "gib": round(statistics.median(turn["gib"] for turn in turns), 3),
        "step_gib": round(statistics.median(turn["step_gib"] for turn in turns), 3),
        "first_loss": round(turns[0]["first_loss"], 4),
    }


def _ratios(
    figures: dict[str, dict[int, dict[str, Any]]], lengths: list[int]
) -> dict[str, dict[int, dict[str, float]]]:
    """T-DMCA's time (the median of the rounds' ratios) and memory as shares of each other program's."""
    found: dict[str, dict[int, dict[str, float]]] = {name: {} for name in figures if name != OURS}
    for name, by_length in found.items():
        for length in lengths:
            mine, other = figures[OURS][length], figures[name][length]
            if "failed" not in mine and "failed" not in other:
                rounds = zip(mine["each_round"], other["each_round"], strict=True)
                shares = {key: round(mine[key] / other[key], 3) for key in ("gib", "step_gib")}
                by_length[length] = {"seconds": round(statistics.median(a / b for a, b in rounds), 3), **shares}
    return found


def _table(figures: dict[str, dict[int, dict[str, Any]]], lengths: list[int]) -> str:
    shares = _ratios(figures, lengths)
    heads = f"{'length':>7}  {'':<16}  {'s/step':>8}  {'us/token':>8}  {'GiB':>6}  {'steps':>6}"
    lines = [f"{heads}  T-DMCA takes of it: time, GiB, steps'"]
    for length in lengths:
        for name, by in figures.items():
            mine = by[length]
            if "failed" in mine:
                lines.append(f"{length:>7,}  {name:<16}  {mine['failed']}")
                continue
            each = f"{mine['seconds']:>8.3f}  {mine['seconds'] / length * 1e6:>8.1f}"
            line = f"{length:>7,}  {name:<16}  {each}  {mine['gib']:>6.2f}  {mine['step_gib']:>6.2f}"
            if share := shares.get(name, {}).get(length):
                line += f"  {share['seconds']:>5.2f}  {share['gib']:>5.2f}  {share['step_gib']:>5.2f}"
            lines.append(line)
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        print(json.dumps(work(json.loads(sys.argv[2]))))
    else:
        main()
