"""How fast a run decodes in gpt2kit and in the tools that it is exported to: the same weights, prompts and threads.

    python benchmarks/elsewhere.py --run RUN_FOLDER --sentences test.en

`gpt2kit export` writes the files of the tools. Each program warms up, stays in a process of its own and has a turn in
every round, a pass over all sentences; figures are medians over the rounds, ratios are medians of the rounds' ratios.
Decoding is greedy, from ids to ids: tokenization and loading are not measured. The rows:

batch1      one prompt at a time
batch16     16 prompts at a time

`equal` is the number of answers equal to those of gpt2kit in fp32. A program whose tool is not installed has no
figures, and a line says why.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from machine import record
from peers.decoders import Ids
from peers.exported import PROGRAMS
from report import add_options, chosen, failures, protocol, ratios, table, versions
from turns import Plan, Player, Settings, play, serve

from gpt2kit.errors import MachineError
from gpt2kit.export.verb import size_of
from gpt2kit.model.device import pick_device, pick_dtype
from gpt2kit.runs.folder import Run

ROWS = {"batch1": 1, "batch16": 16}


@dataclass(frozen=True)
class Export:
    """What `gpt2kit export` is asked for, and the program that decodes with it."""

    name: str
    program: str
    to: str
    dtype: str


EXPORTS = (
    Export("CTranslate2 f32", "ctranslate2", "ctranslate2", "f32"),
    Export("CTranslate2 int8", "ctranslate2", "ctranslate2", "int8"),
    Export("llama.cpp F16", "llama_cpp", "gguf", "f16"),
    Export("llama.cpp Q8_0", "llama_cpp", "gguf", "q8_0"),
    Export("onnxruntime f32", "onnxruntime", "onnx", "f32"),
)


@dataclass(frozen=True)
class Written:
    """An export, or the reason why there is none."""

    path: Path
    megabytes: float = 0.0
    failed: str = ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser, list(ROWS), seconds=3)
    parser.add_argument("--run", type=Path, required=True, help="a run that translates")
    parser.add_argument("--sentences", type=Path, required=True, help="a text file with one sentence a line")
    parser.add_argument("--count", type=int, default=200, help="number of sentences")
    parser.add_argument("--new", type=int, default=64, help="most tokens of an answer")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.rounds, arguments.seconds, arguments.count = 1, 0, 32
    lines = arguments.sentences.read_text(encoding="utf-8").splitlines()[: arguments.count]
    with tempfile.TemporaryDirectory() as folder:
        wanted = [each for each in EXPORTS if not arguments.only or any(part in each.name for part in arguments.only)]
        written = {each.name: export(arguments.run, each, Path(folder)) for each in wanted}
        for name in arguments.row or ROWS:
            print(f"\n{name}", flush=True)
            measure(name, lines, written, arguments, Path(folder))


def export(run: Path, wanted: Export, folder: Path) -> Written:
    """Export the run by the command."""
    path = folder / f"{wanted.to}-{wanted.dtype}"
    words = ["export", run, "--to", wanted.to, "--dtype", wanted.dtype, "--out", path]
    done = subprocess.run([sys.executable, "-m", "gpt2kit", *map(str, words)], capture_output=True, text=True)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        return Written(path, failed=f"not exported: {said[-1] if said else f'exit code {done.returncode}'}"[:200])
    return Written(path, size_of(path) / 1e6)


def players(written: dict[str, Written], run: Path, settings: Settings) -> list[Player]:
    """gpt2kit in fp32 first: the others are compared with its answers."""
    found = []
    for dtype in ("fp32", "bf16"):
        player = Player(f"gpt2kit {dtype}", "gpt2kit", settings | {"weights": str(run), "dtype": dtype}, ours=True)
        try:
            pick_dtype(dtype, pick_device("cpu"))
        except MachineError as error:
            player.failed = str(error)
        found.append(player)
    for each in EXPORTS:
        if each.name in written:
            export = written[each.name]
            found.append(
                Player(each.name, each.program, settings | {"weights": str(export.path)}, failed=export.failed)
            )
    return found


def measure(
    name: str, lines: Sequence[str], written: dict[str, Written], arguments: argparse.Namespace, folder: Path
) -> None:
    run = Run.open(arguments.run)
    task, model = run.task, run.recipe.model
    window = model.n_positions
    prompts: Ids = [task.encode_source(task.parse(line)) for line in lines]
    prompts = [prompt for prompt in prompts if len(prompt) + arguments.new <= window]
    (folder / "prompts.json").write_text(json.dumps(prompts))
    settings: Settings = {
        "prompts": str(folder / "prompts.json"),
        "new": arguments.new,
        "eos": task.vocabulary.eos,
        "window": window,
        "rows": ROWS[name],
    }
    found = chosen(players(written, arguments.run, settings), arguments.only)
    plan = Plan(arguments.rounds, arguments.seconds, 0, 0, arguments.threads)
    play(__file__, found, plan)
    figures = {player.name: figures_of(player, found, written) for player in found}
    print(_table(found, figures))
    print(failures(found), end="", flush=True)
    if not arguments.smoke:
        described = {
            "row": name,
            "model": {"n_layer": model.n_layer, "n_head": model.n_head, "n_embd": model.n_embd},
            "vocabulary": task.vocabulary.size,
            "prompts": len(prompts),
            "prompt_tokens": round(sum(map(len, prompts)) / len(prompts), 1),
            "new_tokens": arguments.new,
            "batch": ROWS[name],
            "peers": versions("ctranslate2", "llama-cpp-python", "onnxruntime"),
        }
        record("elsewhere", {**described, **protocol(plan), "programs": figures, "ratios": ratios(found)})


def figures_of(player: Player, found: Sequence[Player], written: dict[str, Written]) -> dict[str, Any]:
    """Of one program; one that failed has its reason instead. An end token counts as a token."""
    if not player.done:
        return {"failed": player.failed}
    answers: Ids = player.turns[-1]["answers"]
    tokens = sum(min(len(answer) + 1, player.settings["new"]) for answer in answers)
    figures: dict[str, Any] = {
        "sentences_per_second": round(player.rate, 2),
        "tokens_per_second": round(player.rate * tokens / len(answers), 1),
        "each_round": [round(rate, 2) for rate in player.rates],
    }
    if found[0].done:
        pairs = zip(answers, found[0].turns[-1]["answers"], strict=True)
        figures["equal"] = sum(mine == first for mine, first in pairs)
        figures["answers"] = len(answers)
    if player.name in written:
        figures["megabytes"] = round(written[player.name].megabytes, 1)
    held = {"cores": round(player.cores, 2), "memory_gib": round(player.turns[-1]["memory_gib"], 2)}
    return figures | held | player.notes


def _table(found: Sequence[Player], figures: dict[str, dict[str, Any]]) -> str:
    columns = {
        "sentences/s": ("sentences_per_second", ",.1f"),
        "tokens/s": ("tokens_per_second", ",.0f"),
        "equal": ("equal", "d"),
        "of": ("answers", "d"),
        "MB": ("megabytes", ",.1f"),
        "cores": ("cores", ".1f"),
        "GiB": ("memory_gib", ".2f"),
    }
    return table(found, found, figures, columns)


if __name__ == "__main__":
    if sys.argv[1:] == ["--worker"]:
        serve(PROGRAMS)
    else:
        main()
