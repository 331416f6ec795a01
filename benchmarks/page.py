"""How large and how fast the page of a run is: `gpt2kit export RUN --to html`, in Node and in headless Chromium.

    npm install --prefix FOLDER onnxruntime-web
    python benchmarks/page.py --run RUN_FOLDER --sentences test.en --onnxruntime-web FOLDER

node        tokens a second of greedy answers from ids to ids, one prompt at a time, beside onnxruntime-web
            (WebAssembly, one thread) in Node with the same weights; both compute in fp32, stay in a process of their
            own and take turns, and figures are medians over the rounds
chromium    the seconds from opening the file until one can type, and until the first translation is complete; tokens
            a second as the page says, with its drawing of words and of what else was likely

Programs that are not installed are left out, and a line says so.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from machine import record

from gpt2kit.export.with_node import Node, node
from gpt2kit.runs.folder import Run

ROOT = Path(__file__).resolve().parents[1]
PEER = Path(__file__).parent / "peers" / "onnxruntime_web.js"
DTYPES = ("f16", "int8")
Ids = list[list[int]]
Greedy = Callable[[Ids, int, int], Ids]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="a run that translates")
    parser.add_argument("--sentences", type=Path, required=True, help="a text file with one sentence a line")
    parser.add_argument("--count", type=int, default=50, help="number of sentences")
    parser.add_argument("--new", type=int, default=64, help="most tokens of an answer")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--onnxruntime-web", type=Path, help="the folder whose node_modules has it")
    parser.add_argument("--smoke", action="store_true", help="one short round, which is not kept")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.rounds, arguments.count = 1, min(2, arguments.count)
    lines = arguments.sentences.read_text(encoding="utf-8").splitlines()[: arguments.count]
    with tempfile.TemporaryDirectory() as name:
        figures = measure(arguments, lines, Path(name))
    if arguments.smoke:
        print(json.dumps(figures))
    else:
        record("page", figures)


def measure(arguments: argparse.Namespace, lines: Sequence[str], folder: Path) -> dict[str, Any]:
    pages = {dtype: export(arguments.run, "html", dtype, folder / f"{dtype}.html") for dtype in DTYPES}
    figures: dict[str, Any] = {
        "megabytes": {dtype: round(page.stat().st_size / 1e6, 1) for dtype, page in pages.items()},
        "sentences": len(lines),
        "rounds": arguments.rounds,
        "load": [round(load, 1) for load in os.getloadavg()],
    }
    if node() is None:
        print("Node.js is not installed: no figures of it", file=sys.stderr)
    else:
        figures["node"] = in_node(arguments, lines, pages["f16"], folder)
    return figures | {"chromium": in_chromium(lines, pages, arguments.rounds)}


def export(run: Path, to: str, dtype: str, path: Path) -> Path:
    """By the command. Raises RuntimeError with what it said."""
    words = ["export", run, "--to", to, "--dtype", dtype, "--out", path, "--yes"]
    done = subprocess.run([sys.executable, "-m", "gpt2kit", *map(str, words)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return path


def in_node(arguments: argparse.Namespace, lines: Sequence[str], page: Path, folder: Path) -> dict[str, Any]:
    run = Run.open(arguments.run)
    task, window = run.task, run.recipe.model.n_positions
    prompts: Ids = [task.encode_source(task.parse(line)) for line in lines]
    prompts = [prompt for prompt in prompts if len(prompt) + arguments.new <= window]
    with ExitStack() as stack:
        reader = stack.enter_context(Node(page))
        programs: dict[str, Greedy] = {"page": reader.greedy}
        if arguments.onnxruntime_web is None:
            print("without --onnxruntime-web there is no comparison", file=sys.stderr)
        else:
            onnx = export(arguments.run, "onnx", "f32", folder / "run.onnx")
            programs["onnxruntime-web"] = stack.enter_context(web(arguments.onnxruntime_web, onnx))
        return take_turns(programs, prompts, arguments.new, task.vocabulary.eos, arguments.rounds)


def take_turns(programs: dict[str, Greedy], prompts: Ids, new: int, stop: int, rounds: int) -> dict[str, Any]:
    """Tokens a second of each program, and the ratio of the first one to the others: medians over the rounds."""
    rates: dict[str, list[float]] = {name: [] for name in programs}
    answers: dict[str, Ids] = {}
    for greedy in programs.values():
        greedy(prompts[:3], new, stop)
    for _ in range(rounds):
        for name, greedy in programs.items():
            began = time.perf_counter()
            answers[name] = greedy(prompts, new, stop)
            rates[name].append(sum(map(len, answers[name])) / (time.perf_counter() - began))
    first, *others = programs
    found: dict[str, Any] = {
        "tokens_per_second": {name: round(statistics.median(each)) for name, each in rates.items()}
    }
    for other in others:
        ratios = [mine / theirs for mine, theirs in zip(rates[first], rates[other], strict=True)]
        same = sum(mine == theirs for mine, theirs in zip(answers[first], answers[other], strict=True))
        found[f"ratio to {other}"] = round(statistics.median(ratios), 2)
        found[f"answers equal to {other}"] = f"{same} of {len(prompts)}"
    return found


@contextmanager
def web(folder: Path, onnx: Path) -> Iterator[Greedy]:
    """onnxruntime-web with an ONNX file."""
    with subprocess.Popen(
        ["node", PEER, folder.resolve(), onnx], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        print(f"onnxruntime-web {_line(process.stdout)['version']}", file=sys.stderr)

        ask, said = process.stdin, process.stdout

        def greedy(prompts: Ids, new: int, stop: int) -> Ids:
            ask.write(json.dumps({"prompts": prompts, "most": new, "stop": stop}) + "\n")
            ask.flush()
            found: Ids = _line(said)
            return found

        yield greedy
        process.stdin.close()


def _line(said: IO[str]) -> Any:
    line = said.readline()
    if not line:
        raise RuntimeError("onnxruntime-web has ended: its error is above")
    return json.loads(line)


TYPE = """(async (text) => {
  const field = document.querySelector('#inputs textarea'), said = document.getElementById('ten-said');
  const began = performance.now();
  said.textContent = '';
  field.value = text;
  field.oninput();
  while (!/tokens? in/.test(said.textContent)) {
    if (performance.now() - began > 30000) throw new Error(`no answer to ${text}: ${said.textContent}`);
    await new Promise((done) => setTimeout(done, 5));
  }
  const [, tokens, seconds] = /([\\d,]+) tokens? in ([\\d.]+) s/.exec(said.textContent);
  return [(performance.now() - began) / 1000, Number(tokens.replace(',', '')), Number(seconds)];
})"""
"""Types a text; gives the seconds until its answer is complete, its tokens, and the seconds that the page says."""


def in_chromium(lines: Sequence[str], pages: dict[str, Path], rounds: int) -> dict[str, Any]:
    sys.path.insert(0, str(ROOT))
    from tests.conftest import browser, installed

    program = installed()
    if program is None:
        print("no Chromium is installed: no figures of it", file=sys.stderr)
        return {}
    figures = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile, browser(program, Path(profile)) as tab:
        for dtype, page in pages.items():
            opened, first, rates = [], [], []
            for _ in range(rounds):
                tab.open(page)
                tab.until("document.getElementById('so-far').innerText !== ''")
                opened.append(tab.value("performance.now()") / 1000)
                found = []
                for line in lines:
                    tab.until("document.getElementById('busy').textContent === ''")  # figures of the last answer
                    found.append(tab.value(f"{TYPE}({json.dumps(line)})"))
                first.append(found[0][0])
                rates.append(sum(tokens for _, tokens, _ in found) / sum(seconds for *_, seconds in found))
            figures[dtype] = {
                "usable_after_seconds": round(statistics.median(opened), 2),
                "first_translation_seconds": round(statistics.median(first), 2),
                "tokens_per_second": round(statistics.median(rates)),
            }
    return figures


if __name__ == "__main__":
    main()
