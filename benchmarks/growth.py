"""How the peak memory and the time of `prepare` grow with a corpus, beside another clone of gpt2kit, in turn.

    python benchmarks/growth.py pairs ../shared/data/tatoeba/eng-fra.tsv.gz --times 1 2 5 10 --beside OLDER_CLONE
    python benchmarks/growth.py text ../shared/data/wikipedia/train.jsonl.xz --megabytes 250 1000 --beside OLDER_CLONE

`pairs` repeats a table of sentence pairs, and writes the number of the row after both sentences of each pair. `text`
writes the column `body` of a table of articles as one text file, again and again until it has its size, with a number
after each line. So no row and no line is there twice, and the number of different words grows as the corpus does.

Each corpus is prepared by `gpt2kit TASK prepare` in a process of its own, whose largest resident set is the peak. It is
read from /proc: what `getrusage` says of a process includes the one that started it.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from machine import record

from gpt2kit.data.lines import text_lines

HERE = Path(__file__).resolve().parents[1]


PROGRAM = """
import json, re, sys, time
from pathlib import Path

started = time.perf_counter()
import gpt2kit
from gpt2kit.cli.app import run

if Path(gpt2kit.__file__).parents[1] != Path(sys.path[0]):
    sys.exit(f"{gpt2kit.__file__} is not of the clone {sys.path[0]}")

code = run(sys.argv[1:])
used = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time()}
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
print(json.dumps({name: round(value, 1) for name, value in used.items()} | {"peak_mb": round(peak * 1024 / 1e6, 1)}))
sys.exit(code)
"""


def pairs(table: str, times: int) -> Iterator[str]:
    rows = [line.split("\t")[:2] for line in text_lines(table) if line]
    numbers = count()
    for _ in range(times):
        for (source, target), number in zip(rows, numbers, strict=False):
            yield f"{source} {number}\t{target} {number}\n"


def text(table: str, megabytes: int) -> Iterator[str]:
    size, numbers = 0, count()
    while size < megabytes * 10**6:
        for row in text_lines(table):
            for line in json.loads(row)["body"].split("\n"):
                numbered = f"{line} {next(numbers)}\n" if line else "\n"
                size += len(numbered.encode())
                yield numbered
            if size >= megabytes * 10**6:
                return


def written(lines: Iterable[str], path: Path) -> dict[str, Any]:
    with path.open("w", encoding="utf-8") as file:
        rows = sum(1 for line in lines if file.write(line))
    return {"rows": rows, "megabytes": round(path.stat().st_size / 1e6, 1)}


def measured(clone: Path, task: str, corpus: Path, out: Path) -> dict[str, Any]:
    """Prepare a corpus with the package of a clone."""
    # Without -P, the package would be that of the current folder.
    command = [sys.executable, "-P", "-c", PROGRAM, task, "prepare", str(corpus), "--out", str(out), "--json"]
    environment = os.environ | {"PYTHONPATH": str(clone)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{clone}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    report, used = map(json.loads, done.stdout.splitlines())
    shutil.rmtree(out)
    return {"rows": sum(report[split]["rows"] for split in ("train", "val")), **used}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True)
    for kind, option, sizes in (("pairs", "--times", [1, 2, 5, 10]), ("text", "--megabytes", [250, 1000])):
        command = kinds.add_parser(kind)
        command.add_argument("table")
        command.add_argument(option, dest="sizes", type=int, nargs="+", default=sizes)
        command.add_argument("--beside", type=Path, help="another clone, which is measured in turn")
        command.add_argument("--work", type=Path, help="folder for the corpora [default: a temporary one]")
    arguments = parser.parse_args()
    clones = {"now": HERE} | ({"before": arguments.beside.resolve()} if arguments.beside else {})
    task, name, lines = ("translate", "corpus.tsv", pairs) if arguments.kind == "pairs" else ("lm", "corpus.txt", text)
    kept = "growth" if arguments.kind == "pairs" else "growth-text"
    with tempfile.TemporaryDirectory(dir=arguments.work) as folder:
        for size in arguments.sizes:
            corpus = written(lines(arguments.table, size), Path(folder) / name)
            runs = {
                who: measured(clone, task, Path(folder) / name, Path(folder) / "out") for who, clone in clones.items()
            }
            # One record for each size, so that a run that is cut off still counts.
            record(kept, {"table": Path(arguments.table).name, "sizes": {str(size): {"corpus": corpus, **runs}}})


if __name__ == "__main__":
    main()
