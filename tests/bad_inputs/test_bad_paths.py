"""The command line: paths of any kind."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import gpt2kit
from gpt2kit.cli import console
from gpt2kit.cli.app import run
from gpt2kit.errors import DataError

Tiny = Callable[[str], list[str]]
Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize("name", ["two words", "été 中文 🎹", "[bold]", "a:b", "'quoted'", "%s {}", "caf\udce9"])
def test_paths_of_any_kind(workplace: Path, by_heart: Path, tiny: Tiny, capsys: Capture, name: str) -> None:
    """The last one is a name that is no UTF-8, as other systems and old archives leave them: weights, which Rust
    reads, cannot lie there, and that is said."""
    console.any_text()
    folder = workplace / name
    folder.mkdir()
    table = shutil.copy(by_heart.parent / "corpus.jsonl", folder / f"{name}.jsonl")
    words = ["--val", str(table), "--out", str(folder / "data"), *tiny("translate"), "--json"]
    assert run(["translate", "prepare", str(table), *words]) == 0
    report = json.loads((folder / "data" / "prepare.json").read_text(encoding="utf-8"))
    assert report["corpora"]["train"] == [str(table)]
    trained = Path(shutil.copytree(by_heart, folder / "run"))
    if "\udce9" in name:
        with pytest.raises(DataError, match="is not valid UTF-8"):
            gpt2kit.load(trained)
        trained = by_heart
    assert gpt2kit.load(trained)("good morning") == "bonjour"
    predictions = folder / "said.jsonl"
    capsys.readouterr()
    words = ["--on", str(table), "--predictions", str(predictions), "--json"]
    assert run(["translate", "evaluate", "--run", str(trained), *words]) == 0
    assert json.loads(capsys.readouterr().out)["signature"].startswith(f"set:{name}.jsonl|n:4|")
    assert len(predictions.read_text(encoding="utf-8").split("\n")) == 5
