"""How fast gpt2kit decodes, beside its peers: the same weights, prompts and threads, in turn, in one run.

    python benchmarks/decode.py --run RUN_FOLDER --pairs test.en test.fr      # every row; both are for translation
    python benchmarks/decode.py --row gpt2-124M-batch1 --rounds 5

Every program warms up, stays in a process of its own and has a turn in every round; figures are medians over the
rounds, ratios are medians of the rounds' ratios. From ids to ids: tokenisation and loading are left out for everybody.
The rows:

gpt2-124M-batch1            GPT-2 124M (random weights): 32 random ids, then exactly 128 new ones, greedily; tokens/s
gpt2-124M-batch16           the same with 16 prompts at once
multi30k-translate-greedy   a trained run and real sentences, a pass over all of them; sentences/s, and BLEU
multi30k-translate-beam4    the same with 4 beams
gpu-gpt2-124M-batch1, -64   256 new tokens in bf16; needs a GPU. `bound` is what its memory allows: every step reads the
                            weights and the keys and values of all rows once

`same` is the share of answers equal to the first program's, gpt2kit in fp32. Beam searches of three systems normalise
lengths in three ways, and low precision decides near-ties differently, so there it is below 1 and BLEU is the check.
The peers decode --peer-rows sequences of similar length at a time (prompts times beams); gpt2kit goes by its defaults.
llama.cpp's Q8_0 has 8-bit weights in blocks of 32.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import record
from peers.decoders import PROGRAMS, Ids
from peers.exported import llama_cpp
from report import add_options, chosen, failures, known_gpu, protocol, ratios, table, versions
from turns import Plan, Player, Settings, play, serve

from gpt2kit.config import GenerateConfig, ModelConfig
from gpt2kit.errors import MachineError
from gpt2kit.model import hf, hf_config
from gpt2kit.model.device import pick_device, pick_dtype
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.runs.folder import Run
from gpt2kit.tasks.record import Record

BANDWIDTHS = {"H200": 4.8e12, "H100": 3.35e12, "A100": 2.0e12}
"""Bytes/s of the vendor's data sheets."""

PROMPT = 32


@dataclass(frozen=True)
class Row:
    """Prompts of random ids, or sentences where there are none."""

    prompts: int = 0
    new: int = 128
    beams: int = 1
    gpu: bool = False


ROWS = {
    "gpt2-124M-batch1": Row(1),
    "gpt2-124M-batch16": Row(16),
    "multi30k-translate-greedy": Row(new=64),
    "multi30k-translate-beam4": Row(new=64, beams=4),
    "gpu-gpt2-124M-batch1": Row(1, new=256, gpu=True),
    "gpu-gpt2-124M-batch64": Row(64, new=256, gpu=True),
}


def players(row: Row, settings: Settings) -> list[Player]:
    found = []
    for dtype in ["bf16"] if row.gpu else _own_dtypes():
        player = Player(f"gpt2kit {dtype}", "gpt2kit", settings | {"dtype": dtype}, ours=True)
        try:
            pick_dtype(dtype, pick_device("auto"))
        except MachineError as error:
            player.failed = str(error)
        found.append(player)
    theirs = ["bfloat16"] if row.gpu else ["float32", "bfloat16"] if row.prompts else ["float32"]
    for dtype in theirs:
        found.append(Player(f"transformers {dtype}", "huggingface", settings | {"dtype": dtype}))
    if row.gpu:
        static = settings | {"dtype": "bfloat16", "cache": "static"}
        found.append(Player("transformers bfloat16, static cache", "huggingface", static))
    for dtype in [*theirs, "float16" if row.gpu else "int8"]:
        found.append(Player(f"CTranslate2 {dtype}", "ctranslate2", settings | {"dtype": dtype}))
    if not row.gpu and row.beams == 1:  # its Python package has no beam search, and its wheel computes on CPUs
        rows = min(settings["rows"], row.prompts or settings["rows"])
        found.append(Player("llama.cpp Q8_0", "llama_cpp", settings | {"weights": settings["gguf"], "rows": rows}))
    return found


def _own_dtypes() -> list[str]:
    """Every arithmetic that the recipes know, fp32 first: the others are compared with its answers."""
    choices = next(field for field in fields(GenerateConfig) if field.name == "dtype").metadata["choices"]
    return sorted(set(choices) - {"auto"}, key=lambda dtype: (dtype != "fp32", dtype))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser, list(ROWS), seconds=3)
    parser.add_argument("--run", type=Path, help="a folder that `gpt2kit translate train` made")
    parser.add_argument("--pairs", nargs=2, type=Path, metavar=("EN", "FR"), help="sentences, and their references")
    parser.add_argument("--sentences", type=int, default=1000, help="so many of them")
    parser.add_argument("--peer-rows", type=int, default=256, help="sequences that peers decode at a time: best here")
    parser.add_argument("--bandwidth", type=float, help="bytes/s of the GPU's memory, where it is not known")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.rounds, arguments.seconds, arguments.sentences = 1, 0, 100
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.row or ROWS:
            row = ROWS[name]
            print(f"\n{name}", flush=True)
            if row.gpu and not torch.cuda.is_available():
                print("empty: there is no GPU")
            elif not row.prompts and not (arguments.run and arguments.pairs):
                print("empty: it needs --run and --pairs")
            else:
                measure(name, row, arguments, Path(folder))


def measure(name: str, row: Row, arguments: argparse.Namespace, folder: Path) -> None:
    weights, prompts, records, eos = _random(row, folder) if row.prompts else _sentences(arguments)
    (folder / "prompts.json").write_text(json.dumps(prompts))
    converted, gguf = folder / f"{weights.name}-ct2", folder / f"{weights.name}.gguf"
    settings: Settings = {
        "weights": str(weights),
        "converted": str(converted),
        "gguf": str(gguf),
        "window": PROMPT + row.new if row.prompts else hf_config.read(weights)[0].n_positions,
        "prompts": str(folder / "prompts.json"),
        "beams": row.beams,
        "length_penalty": GenerateConfig.length_penalty,
        "new": row.new,
        "eos": eos,
        "rows": arguments.peer_rows // row.beams,
    }
    found = chosen(players(row, settings), arguments.only)
    for program, script, path in (("ctranslate2", "ct2.py", converted), ("llama_cpp", "numbered_gguf.py", gguf)):
        asked = [player for player in found if player.program == program]
        if asked and not path.exists() and (problem := _convert(script, weights, path)):
            for player in asked:
                player.failed = player.failed or problem
    plan = Plan(arguments.rounds, arguments.seconds, 0, 0, arguments.threads)
    play(__file__, found, plan)
    bound = _bound(row, weights, arguments.bandwidth) if row.gpu else None
    scores = _scores(found, arguments.run, records)
    figures = {player.name: _figures(player, found, scores, bound) for player in found}
    unit = "tokens" if row.prompts else "sentences"
    print(_table(found, figures, unit))
    print(failures(found), end="", flush=True)
    if not arguments.smoke:
        config, vocabulary, _ = hf_config.read(weights)
        described = {
            "row": name,
            "model": {"n_layer": config.n_layer, "n_head": config.n_head, "n_embd": config.n_embd},
            "vocabulary": vocabulary,
            "prompts": len(prompts),
            "prompt_tokens": round(sum(map(len, prompts)) / len(prompts), 1),
            "new_tokens": row.new,
            "beams": row.beams,
            "counted": unit,
            "peer_rows": arguments.peer_rows,
            "peers": versions("transformers", "ctranslate2", "llama-cpp-python"),
        }
        record("decode", {**described, **protocol(plan), "programs": figures, "ratios": ratios(found)})


def _random(row: Row, folder: Path) -> tuple[Path, Ids, list[Record[Any, Any]], int]:
    """GPT-2 124M as it is before training, and prompts of random ids; there is no end token."""
    weights = folder / "gpt2-124M"
    vocabulary = 50257
    if not weights.is_dir():
        weights.mkdir()
        torch.manual_seed(0)
        hf.save(weights, GPT2(ModelConfig(size="gpt2"), vocabulary), eos=vocabulary - 1)
    prompts = np.random.default_rng(0).integers(vocabulary, size=(row.prompts, PROMPT)).tolist()
    return weights, prompts, [], -1


def _sentences(arguments: argparse.Namespace) -> tuple[Path, Ids, list[Record[Any, Any]], int]:
    """The run, its prompts for the sentences, and the sentences with their references."""
    task = Run.open(arguments.run).task
    pairs = task.read(list(map(str, arguments.pairs)))
    records = list(islice((pair for pair in pairs if not pair.problem), arguments.sentences))
    return arguments.run, [task.encode_source(pair.source) for pair in records], records, task.vocabulary.eos


def _convert(script: str, weights: Path, converted: Path) -> str:
    """Write the weights for a peer in a process of its own; the reason why it could not, or nothing."""
    command = [sys.executable, str(Path(__file__).parent / "peers" / script), str(weights), str(converted)]
    done = subprocess.run(command, capture_output=True, text=True)
    lines = [line for line in done.stderr.split("\n") if line.strip()]
    return f"not converted: {lines[-1] if lines else done.returncode}"[:200] if done.returncode else ""


def _bound(row: Row, weights: Path, bandwidth: float | None) -> float | None:
    """Tokens/s at which the memory of the GPU is read without a pause: bf16 weights, keys and values at every step."""
    bandwidth = bandwidth or known_gpu(BANDWIDTHS)
    if not bandwidth:
        return None
    model = hf.load(weights)
    keys_and_values = 2 * model.config.n_layer * model.config.n_embd * 2
    step = 2 * model.parameter_count() + row.prompts * (PROMPT + row.new / 2) * keys_and_values
    return row.prompts * bandwidth / step


def _scores(found: list[Player], run: Path, records: list[Record[Any, Any]]) -> dict[str, float]:
    """BLEU by program."""
    if not records:
        return {}
    task = Run.open(run).task
    targets = [pair.target for pair in records]
    return {
        player.name: round(task.score([task.decode(ids) for ids in _answers(player)], targets)[0].value, 2)
        for player in found
        if player.done
    }


def _answers(player: Player) -> Ids:
    answers: Ids = player.turns[-1]["answers"]
    return answers


def _figures(player: Player, found: list[Player], scores: dict[str, float], bound: float | None) -> dict[str, Any]:
    """Of one program; one that failed has its reason instead."""
    if not player.done:
        return {"failed": player.failed}
    figures: dict[str, Any] = {"per_second": round(player.rate, 2)}
    figures["each_round"] = [round(rate, 2) for rate in player.rates]
    if bound:
        figures["of_bound"] = round(player.rate / bound, 4)
    if found[0].done:
        pairs = list(zip(_answers(player), _answers(found[0]), strict=True))
        figures["same"] = round(sum(mine == first for mine, first in pairs) / len(pairs), 4)
    if player.name in scores:
        figures["BLEU"] = scores[player.name]
    held = {"cores": round(player.cores, 2), "memory_gib": round(player.turns[-1]["memory_gib"], 2)}
    return figures | held | player.notes


def _table(players: list[Player], figures: dict[str, dict[str, Any]], unit: str) -> str:
    columns = {
        f"{unit}/s": ("per_second", ",.1f"),
        "of bound": ("of_bound", ".0%"),
        "same": ("same", ".1%"),
        "BLEU": ("BLEU", ".2f"),
        "cores": ("cores", ".1f"),
        "GiB": ("memory_gib", ".1f"),
    }
    return table(players, players, figures, columns)


if __name__ == "__main__":
    if sys.argv[1:] == ["--worker"]:
        serve(PROGRAMS | {"llama_cpp": llama_cpp})
    else:
        main()
