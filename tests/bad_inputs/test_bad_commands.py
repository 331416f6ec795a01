"""The command line: knobs and options that nothing reads, and paths of any kind."""

import ast
import inspect
import json
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from gpt2kit import engine, tasks
from gpt2kit.cli import app, console, demo, merge
from gpt2kit.cli.app import run
from gpt2kit.config import GenerateConfig, ModelConfig, TrainConfig
from gpt2kit.errors import DataError
from gpt2kit.recipe import knobs

PACKAGE = Path(engine.__file__).parent
Tiny = Callable[[str], list[str]]
Capture = pytest.CaptureFixture[str]


@cache
def attributes_read() -> frozenset[str]:
    """Names that the package reads of objects anywhere but in the files that declare the knobs."""
    paths = [path for path in PACKAGE.rglob("*.py") if path.name != "config.py"]
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in paths]
    nodes = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    return frozenset(node.attr for node in nodes if isinstance(node.ctx, ast.Load))


DECLARED = [*(ModelConfig, TrainConfig, GenerateConfig), *map(tasks.find, tasks.names())]


@pytest.mark.parametrize("kind", DECLARED, ids=lambda kind: kind.__name__)
def test_every_knob_is_read(kind: type[Any]) -> None:
    """What each one does is tested where it is done; here, that none of them does nothing."""
    read_in_config = {"size", "attention"}  # these set or become others
    unread = knobs(kind).keys() - attributes_read() - read_in_config
    assert not unread
    assert "nonsense" not in attributes_read()


def options() -> Iterator[tuple[str, Callable[..., None], str]]:
    """(verb, its function, name) of every option that a command has."""
    own = [verb for each in app.OWN.values() for verb in each.values()]
    for verb in (*app.COMMON.values(), *own, merge.merge, demo.demo):
        for name in inspect.signature(verb).parameters:
            if name != "flags":  # which are a task's knobs
                yield f"{verb.__module__}.{verb.__name__} {name}", verb, name


@pytest.mark.parametrize(("verb", "name"), [pytest.param(*option, id=id) for id, *option in dict.fromkeys(options())])
def test_every_option_is_read(verb: Callable[..., None], name: str) -> None:
    body = ast.parse(inspect.getsource(verb)).body[0]
    assert isinstance(body, ast.FunctionDef)
    inside = (node for statement in body.body for node in ast.walk(statement))
    assert any(isinstance(node, ast.Name) and node.id == name for node in inside)


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
            engine.load(trained)
        trained = by_heart
    assert engine.load(trained)("good morning") == "bonjour"
    predictions = folder / "said.jsonl"
    capsys.readouterr()
    words = ["--pairs", str(table), "--predictions", str(predictions), "--json"]
    assert run(["translate", "evaluate", "--run", str(trained), *words]) == 0
    assert json.loads(capsys.readouterr().out)["signature"].startswith(f"set:{name}.jsonl|n:4|")
    assert len(predictions.read_text(encoding="utf-8").split("\n")) == 5
