"""README's commands and Python, run as they stand, on the embedded samples where it names a corpus."""

import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SAMPLE = ROOT / "gpt2kit" / "samples" / "translate" / "train.tsv"
ARTICLES = ROOT / "gpt2kit" / "samples" / "summarize" / "heldout.jsonl"
MUSIC = ROOT / "gpt2kit" / "samples" / "music" / "piano.zip"
LIKED = {"good": ["fine", "a joy", "well made", "funny"], "bad": ["dull", "a mess", "too long", "sad"]}
SETUP = ("pip install . && gpt2kit demo", "pip install -e '.[dev]' && pytest")
"""The two commands that set everything up: one is how this test came to run, tests/cli/test_demo.py is the other."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    lines = [line for block in blocks("sh") for line in block.split("\n") if line.strip()]
    return [line for line in lines if not line.startswith(SETUP)]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `multi30k`, `wikipedia`, MAESTRO's zip and files to work on, taken from the embedded samples."""
    folder = tmp_path_factory.mktemp("readme")
    pairs = [line.split("\t") for line in SAMPLE.read_text(encoding="utf-8").split("\n") if line]
    (folder / "multi30k").mkdir()
    for split, part in {"train": pairs[:300], "val": pairs[300:310], "test_2016_flickr": pairs[310:316]}.items():
        for column, language in enumerate(("en", "fr")):
            text = "".join(f"{pair[column]}\n" for pair in part)
            (folder / "multi30k" / f"{split}.{language}").write_text(text, encoding="utf-8")
    shutil.copy(MUSIC, folder / "maestro-v2.0.0-midi.zip")
    with zipfile.ZipFile(MUSIC) as archive:
        first = next(name for name in archive.namelist() if name.endswith((".mid", ".midi")))
        (folder / "opening.mid").write_bytes(archive.read(first))
    articles = ARTICLES.read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "wikipedia").mkdir()
    for split, rows in {"train": articles[:60], "val": articles[60:70]}.items():
        with lzma.open(folder / "wikipedia" / f"{split}.jsonl.xz", "wt", encoding="utf-8") as file:
            file.writelines(rows)
    (folder / "article.txt").write_text(json.loads(articles[70])["body"], encoding="utf-8")
    reviews = [(f"It was {word}.", label) for label, words in LIKED.items() for word in words]
    table = "".join(f"{text},{label}\n" for text, label in reviews * 10)
    (folder / "reviews.csv").write_text(f"text,label\n{table}", encoding="utf-8")
    (folder / "sentences.en").write_text("The cat sat.\n\nGood morning\n", encoding="utf-8")
    return folder


def run(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "OMP_NUM_THREADS": "1"}
    nothing = subprocess.DEVNULL
    return subprocess.run(
        words, cwd=folder, env=environment, stdin=nothing, capture_output=True, text=True, check=False
    )


def test_the_readme_has_commands() -> None:
    assert [line for line in commands() if "translate train" in line]
    assert all(any(line.startswith(setup) for line in "\n".join(blocks("sh")).split("\n")) for setup in SETUP)


def test_commands_and_python_run_as_written(workplace: Path) -> None:
    for command in commands():
        done = run(["bash", "-c", command], workplace)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
    assert len((workplace / "sentences.fr").read_text(encoding="utf-8").split("\n")) == 4
    assert {f"piece{kind}" for kind in (".mid", ".wav", ".png", ".html")} <= {path.name for path in workplace.iterdir()}
    for block in blocks("python"):
        done = run([sys.executable, "-c", block], workplace)
        assert done.returncode == 0, f"{block}\n{done.stderr}"
