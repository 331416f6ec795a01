"""Whether the page of a run answers as the run does: every sentence of a test set, in Node and in headless Chromium.

    python benchmarks/page_answers.py --run RUN_FOLDER --sentences test.en --references test.fr

equal       the greedy answers of a page (f32, f16, int8) that are the text of `gpt2kit generate` with fp32: by ids in
            Node, and as the page shows them after a text was typed in Chromium
bleu        of the run's answers, and of those of each page

Programs that are not installed are left out, and a line says so.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from machine import record
from page import ROOT, TYPE, export

import gpt2kit
from gpt2kit.export.with_node import Node, node
from gpt2kit.metrics.metrics import bleu

DTYPES = ("f32", "f16", "int8")
SHOWN = "document.getElementById('so-far').textContent.split(/\\s+/).filter(Boolean).join(' ')"
GREEDY = {"dtype": "fp32", "beams": 1, "temperature": 0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="a run that translates")
    parser.add_argument("--sentences", type=Path, required=True, help="a text file with one sentence a line")
    parser.add_argument("--references", type=Path, required=True, help="their translations")
    arguments = parser.parse_args()
    lines, references = (
        path.read_text(encoding="utf-8").splitlines() for path in (arguments.sentences, arguments.references)
    )
    record("page_answers", measure(arguments.run, lines, references))


def measure(run: Path, lines: Sequence[str], references: Sequence[str]) -> dict[str, Any]:
    answers: list[str] = gpt2kit.load(run, GREEDY)(lines)
    figures: dict[str, Any] = {"sentences": len(lines), "bleu": {"run": scored(answers, references)}}
    equal: dict[str, dict[str, int]] = {"node": {}, "chromium": {}}
    with tempfile.TemporaryDirectory() as folder:
        for dtype in DTYPES:
            page = export(run, "html", dtype, Path(folder) / f"{dtype}.html")
            if (found := in_node(page, lines)) is not None:
                equal["node"][dtype] = sum(map(str.__eq__, found, answers))
                figures["bleu"][dtype] = scored(found, references)
            if (shown := in_chromium(page, lines)) is not None:
                equal["chromium"][dtype] = sum(
                    one == " ".join(two.split()) for one, two in zip(shown, answers, strict=True)
                )
    return figures | {"equal": equal}


def in_node(page: Path, lines: Sequence[str]) -> list[str] | None:
    if node() is None:
        print("Node.js is not installed: no figures of it", file=sys.stderr)
        return None
    with Node(page) as reader:
        return reader.answers([[line] for line in lines], temperature=0)


def in_chromium(page: Path, lines: Sequence[str]) -> list[str] | None:
    sys.path.insert(0, str(ROOT))
    from tests.conftest import browser, installed

    program = installed()
    if program is None:
        print("no Chromium is installed: no figures of it", file=sys.stderr)
        return None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile, browser(program, Path(profile)) as tab:
        tab.open(page)
        tab.until("document.getElementById('so-far').innerText !== ''")
        tab.value("document.getElementById('ten-temperature').value = 0")
        return [tab.value(f"{TYPE}({json.dumps(line)}).then(() => {SHOWN})") for line in lines]


def scored(answers: Sequence[str], references: Sequence[str]) -> float:
    return round(bleu(answers, references).value, 2)


if __name__ == "__main__":
    main()
