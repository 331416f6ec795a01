"""How fast gpt2kit trains, beside its peers: the same weights, data, dtype and threads, in turn, in one run.

    python benchmarks/train.py --data PREPARED_FOLDER           # every row; the folder is only for the first
    python benchmarks/train.py --row tokens-4x256 --rounds 5
    python benchmarks/train.py --pairs train.en train.fr --row multi30k-6x256

Every program warms up (compiling is never measured), stays in a process of its own and has a turn in every round;
figures are medians over the rounds, ratios are medians of the rounds' ratios. The rows:

multi30k-6x256  the recipe `translate` on sentence pairs; tokens of the rows a second, padding left out. Peer: Hugging
                Face's Trainer (grouped by length, padded a batch). gpt2kit once with the peer's AdamW and plain loss,
                once with what the recipe says: Muon, label smoothing and averaged weights.
tokens-4x256    language modelling on 16 x 256 tokens a step, random ids, loss on every position, no dropout. Peers: a
                plain GPT-2 (all logits, compiled as a whole) and Hugging Face's GPT2LMHeadModel, compiled and not.
gpt2-124M       the same with the smallest released model, 4 x 256 tokens a step.
gpu-gpt2-124M   the same with rows of 1,024 tokens and many rows a step; needs a GPU.

FLOP a token are 6 N' + 12 L d T: N' weights without positions, L layers, width d, T tokens a row; every program is
given that count, whatever it computes. `of peak` is their share of a large matrix product's speed, which is measured
in turn too, or of the published peak of a GPU that is known.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import record
from peers.trainers import CHECK, PROGRAMS
from report import (
    add_options,
    chosen,
    failures,
    known_gpu,
    protocol,
    ratio,
    ratios,
    table,
    versions,
)
from turns import Plan, Player, Settings, play, serve

from gpt2kit import load_recipe, prepare
from gpt2kit.config import SIZES, ModelConfig
from gpt2kit.data.store import Store, StoreWriter
from gpt2kit.model import hf
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.runs.prepared import Prepared

PEAKS = {"H200": 989e12, "H100": 989e12, "A100": 312e12}
"""Dense bf16 FLOP/s of the vendor's data sheets."""

PRODUCT = "product"

BATCHES = 64
"""Different batches of random ids."""


@dataclass(frozen=True)
class Row:
    """What is trained on: `rows` x `width` random ids a step, or sentence pairs where there are none."""

    model: ModelConfig
    vocabulary: int = 0
    rows: int = 0
    width: int = 0
    gpu: bool = False


def rows(gpu_rows: int) -> dict[str, Row]:
    small = ModelConfig(n_layer=4, n_head=4, n_embd=256, n_positions=256, dropout=0.0)
    gpt2 = ModelConfig(size="gpt2", dropout=0.0)
    return {
        "multi30k-6x256": Row(load_recipe("translate").model),
        "tokens-4x256": Row(small, 8192, 16, 256),
        "gpt2-124M": Row(gpt2, 50257, 4, 256),
        "gpu-gpt2-124M": Row(gpt2, 50257, gpu_rows, SIZES["gpt2"]["n_positions"], gpu=True),
    }


def players(row: Row, settings: Settings) -> list[Player]:
    if not row.width:
        plain_loss: Settings = {"optimizer": "adamw", "label_smoothing": 0.0, "ema": 0.0}
        adamw = settings | {"train": settings["train"] | plain_loss}
        found = [
            Player("gpt2kit, AdamW", "gpt2kit", adamw, ours=True),
            Player("gpt2kit, as the recipe", "gpt2kit", settings, ours=True),
            Player("transformers Trainer", "trainer", adamw | {"compile": False}),
            Player("transformers Trainer, compiled", "trainer", adamw | {"compile": True}),
        ]
    else:
        found = [
            Player("gpt2kit", "gpt2kit", settings, ours=True),
            Player("plain PyTorch, compiled", "plain", settings),
            Player("transformers, compiled", "huggingface", settings | {"compile": True}),
            Player("transformers", "huggingface", settings | {"compile": False}),
        ]
    return [*found, Player("matrix product", PRODUCT, settings)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a folder that `gpt2kit translate prepare` made")
    parser.add_argument("--pairs", nargs=2, metavar=("EN", "FR"), help="two text files to prepare instead")
    add_options(parser, list(rows(1)), seconds=4)
    parser.add_argument("--warm", type=float, default=6, help="seconds of warm-up after the first step")
    parser.add_argument("--gpu-rows", type=int, default=32, help="rows of 1,024 tokens a step in the GPU's row")
    parser.add_argument("--peak", type=float, help="dense bf16 FLOP/s of the GPU, where it is not known")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.rounds, arguments.seconds, arguments.warm = 1, 0, 0
    for name, row in rows(arguments.gpu_rows).items():
        if name not in (arguments.row or [name]):
            continue
        print(f"\n{name}")
        if row.gpu and not torch.cuda.is_available():
            print("empty: there is no GPU")
        elif not row.width and not (arguments.data or arguments.pairs):
            print("empty: it needs --data or --pairs")
        else:
            with tempfile.TemporaryDirectory() as folder:
                measure(name, row, arguments, Path(folder))


def measure(name: str, row: Row, arguments: argparse.Namespace, folder: Path) -> None:
    data, vocabulary = _data(row, arguments, folder)
    torch.manual_seed(0)
    model = GPT2(row.model, vocabulary)
    weights = folder / "weights"
    weights.mkdir()
    hf.save(weights, model, eos=0)
    settings: Settings = {"weights": str(weights), "data": str(data), **_training(row)}
    found = chosen(players(row, settings), arguments.only)
    plan = Plan(arguments.rounds, arguments.seconds, CHECK, arguments.warm, arguments.threads)
    play(__file__, found, plan)
    store = Store(data, "train")
    counted = model.parameter_count() - model.transformer.wpe.weight.numel()
    flop = 6 * counted + 12 * row.model.n_layer * row.model.n_embd * (row.width or store.tokens / len(store))
    peak = arguments.peak or known_gpu(PEAKS)
    trainers = [player for player in found if player.program != PRODUCT]
    figures = {player.name: _figures(player, found, flop, peak) for player in found}
    print(_table(found, figures))
    print(failures(found), end="")
    if not arguments.smoke:
        described = {
            "row": name,
            "model": {"n_layer": row.model.n_layer, "n_head": row.model.n_head, "n_embd": row.model.n_embd},
            "weights": model.parameter_count(),
            "vocabulary": vocabulary,
            "data": f"{row.rows} x {row.width} random ids a step" if row.width else f"{len(store)} sentence pairs",
            "flop_per_token": round(flop),
            "peers": versions("transformers", "accelerate"),
        }
        record("train", {**described, **protocol(plan), "programs": figures, "ratios": ratios(trainers)})


def _training(row: Row) -> Settings:
    """What every program is told."""
    recipe = load_recipe("translate").train
    if not row.width:
        return {"count": "tokens", "train": {"lr": recipe.lr, "batch_tokens": recipe.batch_tokens}}
    plain_loss = {"optimizer": "adamw", "label_smoothing": 0.0, "ema": 0.0}
    return {"count": "positions", "train": {"lr": 6e-4, "batch_tokens": row.rows * row.width, **plain_loss}}


def _data(row: Row, arguments: argparse.Namespace, folder: Path) -> tuple[Path, int]:
    """The prepared folder, and how many tokens there are."""
    if row.width:
        random_ids(folder / "data", row)
        return folder / "data", row.vocabulary
    if arguments.data:
        return arguments.data, Prepared.open(arguments.data).task.vocabulary.size
    prepare(load_recipe("translate"), {"train": arguments.pairs}, folder / "data")
    return folder / "data", Prepared.open(folder / "data").task.vocabulary.size


def random_ids(folder: Path, row: Row) -> None:
    """Seeded ids, low ones likelier, so that the loss can fall. A prompt of one id: every position has a target."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    ids = (row.vocabulary * rng.random((BATCHES * row.rows, row.width + 1)) ** 3).astype(np.int64).tolist()
    with StoreWriter(folder, "train", row.vocabulary) as writer:
        writer.add((line[:1], line[1:]) for line in ids)


def _figures(player: Player, players: list[Player], flop: float, peak: float | None) -> dict[str, Any]:
    """Of one program; one that failed has its reason instead."""
    if not player.done:
        return {"failed": player.failed}
    figures: dict[str, Any] = {}
    if player.program == PRODUCT:
        flop = 1.0  # its counts are FLOP already
    else:
        figures["tokens_per_second"] = round(player.rate, 1)
        figures["each_round"] = [round(rate, 1) for rate in player.rates]
    figures["gflops"] = round(player.rate * flop / 1e9, 1)
    product = next((other for other in players if other.program == PRODUCT and other.done), None)
    if peak:
        figures["of_peak"] = round(player.rate * flop / peak, 4)
    elif product:
        figures["of_peak"] = round(ratio(player, product) * flop, 4)
    held = {"cores": round(player.cores, 2), "memory_gib": round(player.turns[-1]["memory_gib"], 2)}
    return figures | held | player.notes


def _table(players: list[Player], figures: dict[str, dict[str, Any]]) -> str:
    columns = {
        "tokens/s": ("tokens_per_second", ",.0f"),
        "GFLOP/s": ("gflops", ",.0f"),
        "of peak": ("of_peak", ".0%"),
        f"loss at step {CHECK}": ("loss", ".3f"),
        "padding": ("padding", ".1%"),
        "dtype": ("dtype", ""),
        "cores": ("cores", ".1f"),
        "GiB": ("memory_gib", ".1f"),
    }
    return table([player for player in players if player.program != PRODUCT], players, figures, columns)


if __name__ == "__main__":
    if sys.argv[1:] == ["--worker"]:
        serve(PROGRAMS)
    else:
        main()
