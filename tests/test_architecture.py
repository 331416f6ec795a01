"""The house rules, read from the source: which file opens which door, and which way imports point."""

import ast
import functools
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import gpt2kit
from gpt2kit import tasks

PACKAGE = Path(__file__).parents[1] / "gpt2kit"

DOORS: dict[str, tuple[str, ...]] = {
    "transformers": ("model/transformers_door.py", "model/modeling_gpt2kit.py"),
    "peft": ("model/peft_door.py",),
    "datasets": ("data/sources.py",),
    "fsspec": ("data/remote.py",),
    "pyarrow": (),
    "tokenizers": ("data/bpe.py",),
    "tiktoken": ("data/bulk.py",),
    "safetensors": ("tensor_files.py",),
    "filelock": ("files.py",),
    "huggingface_hub": ("data/hub.py",),
    "sacrebleu": ("metrics/metrics.py",),
    "rouge_score": ("metrics/rouge.py",),
    "sklearn": ("metrics/labels.py",),
    "nltk": (),
    "tomli_w": ("recipe.py",),
    "typer": ("cli/",),
    "rich": ("cli/console.py",),
    "torch.distributed": ("training/distributed.py", "training/launch.py", "training/sharded_state.py"),
    "torch": (
        "model/",
        "data/batches.py",
        "data/examples.py",
        "data/streams.py",
        "training/",
        "decoding/",
        "inspection/attribution.py",
        "inspection/neurons.py",
        "inspection/outlook.py",
        "inspection/continuing.py",
        "inspection/grammar.py",
        "pipeline/train.py",
        "pipeline/merge.py",
        "pipeline/complete.py",
        "pipeline/datastore.py",
        "selftest/",
        "export/",
        "tensor_files.py",
    ),
    "numpy": (
        "data/",
        "training/",
        "metrics/",
        "tasks/",
        "music/",
        "decoding/grammar.py",
        "inspection/",
        "export/",
        "live/",
    ),
    "ctranslate2": ("export/ctranslate2.py",),
    "onnx": ("export/onnx.py",),
    "onnxruntime": ("export/with_onnxruntime.py",),
    "onnxscript": ("export/onnx.py",),
    "torch.onnx": ("export/onnx.py",),
    "tensorboard": ("training/tensorboard.py",),
    "pretty_midi": ("music/midi.py", "samples/music/performing.py"),
    "symusic": (),
    "mido": (),
    "fluidsynth": ("music/audio/sound.py",),
    "tinysoundfont": ("music/audio/sound.py",),
    "soundfile": ("music/audio/flac.py",),
    "PIL": (),
    "matplotlib": (
        "inspection/figures.py",
        "inspection/performance_figure.py",
        "music/pages/font.py",
        "music/pages/roll.py",
        "music/pages/roll_marks.py",
    ),
    "mwparserfromhell": ("data/wikipedia/wikitext.py",),
    "gguf": ("export/gguf_file.py",),
    "llama_cpp": ("export/with_llama_cpp.py",),
    "pickle": (),
}
"""Third-party modules (and one that runs code it reads) by the only files that may import them; a part of one module
stands for itself."""

CORE = {
    "config",
    "errors",
    "files",
    "tensor_files",
    "overwriting",
    "model",
    "data",
    "music",
    "training",
    "decoding",
    "metrics",
}
IMPORTS: dict[str, set[str]] = {
    "errors": set(),
    "config": set(),
    "digests": set(),
    "files": {"errors"},
    "tensor_files": {"digests", "errors", "files"},
    "overwriting": {"errors", "files"},
    "html": set(),
    "system": set(),
    "model": {"config", "errors", "files", "system", "tensor_files"},
    "data": {"decoding", "errors", "files", "metrics"},  # of decoding, the type of a grammar
    "metrics": {"errors"},
    "decoding": {"config", "errors", "model", "system"},
    "training": {"config", "data", "digests", "errors", "files", "model", "system", "tensor_files"},
    "music": {"data", "errors", "files", "html", "overwriting"},
    "samples": set(),
    "tasks": {"config", "data", "errors", "metrics", "music"},
    "recipe": {"config", "errors", "tasks"},
    "runs": {
        "config",
        "data",
        "decoding",
        "digests",
        "errors",
        "files",
        "model",
        "overwriting",
        "recipe",
        "tasks",
        "tensor_files",
    },
    "pipeline": CORE | {"digests", "recipe", "runs", "system", "tasks"},
    "inspection": CORE - {"training"} | {"html", "pipeline", "tasks"},
    "selftest": CORE | {"pipeline", "recipe", "runs", "tasks"},
    "live": {"config", "data", "html", "inspection", "model", "music", "pipeline", "selftest", "tasks"},
    "export": CORE | {"html", "live", "pipeline", "recipe", "runs", "selftest", "tasks"},
    "doctor": {"model", "music", "system", "tasks", "training"},
    "cli": CORE | {"doctor", "export", "inspection", "pipeline", "recipe", "runs", "samples", "selftest", "tasks"},
    "__main__": {"cli"},
    "__init__": {"model", "pipeline", "recipe", "tasks"},
}
"""What each part of gpt2kit may import of gpt2kit, itself aside."""

STREAMS_OWNER = "cli/console.py"

KNOW_TASKS = ("tasks/", "samples/")
"""The only folders that spell the name of a task."""
OTHER_MEANINGS = {("music/pages/visualizer.py", "music")}
"""Where a word that is also the name of a task is something else: here a key of another program's format."""


def imported(tree: ast.AST, path: str) -> Iterator[tuple[int, str]]:
    """(line, absolute module) of every import, also inside functions, under TYPE_CHECKING and by name.

    `from a import b` gives a.b, as b may be a module.
    """
    package = ["gpt2kit", *Path(path).parent.parts]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and called(node) in ("import_module", "__import__") and node.args:
            name = node.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield node.lineno, name.value


def door_to(module: str) -> str:
    """The longest name in DOORS that the module is or is inside of; "" when there is none."""
    parts = module.split(".")
    names = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((name for name in names if name in DOORS), "")


def called(node: ast.Call) -> str:
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def part_of(path: str) -> str:
    """model/gpt2.py -> model, recipe.py -> recipe."""
    return path.split("/")[0].removesuffix(".py")


parsed = functools.cache(ast.parse)
"""The syntax tree of a source, which several rules read; nothing changes it."""


def violations(sources: Mapping[str, str]) -> list[str]:
    """What breaks a rule, as "path:line: reason"; `sources` are texts by their path inside the package."""
    found = []
    for path, source in sources.items():
        tree = parsed(source)
        part = part_of(path)
        if Path(path).name in ("utils.py", "helpers.py", "common.py", "misc.py"):
            found.append(f"{path}:1: a file is named for what it does")
        if not ast.get_docstring(tree):
            found.append(f"{path}:1: no docstring")
        if part not in IMPORTS:
            found.append(f"{path}:1: this test does not know the part {part}: say what it may import")
            continue
        for line, module in imported(tree, path):
            first, *rest = module.split(".")
            if first == "gpt2kit":
                other = rest[0] if rest else "__init__"
                if other in IMPORTS and other not in (part, *IMPORTS[part]):
                    found.append(f"{path}:{line}: {part} must not know {other}")
                elif other not in IMPORTS:
                    found.append(f"{path}:{line}: {module} is not a part of gpt2kit")
            elif (door := door_to(module)) and not path.startswith(DOORS[door]):
                found.append(f"{path}:{line}: the door to {door} is {' '.join(DOORS[door]) or 'nowhere'}")
        found += [f"{path}:{line}: {what}" for line, what in forbidden(tree, path)]
    return found


def forbidden(tree: ast.AST, path: str) -> Iterator[tuple[int, str]]:
    """Printing outside the console, opening pickled files, and the names of tasks outside their places."""
    names = [] if path.startswith(KNOW_TASKS) else tasks.names()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value in names and (path, node.value) not in OTHER_MEANINGS:
            yield node.lineno, f"the name of the task {node.value}"
        if isinstance(node, ast.Call) and called(node) in ("print", "pprint") and isinstance(node.func, ast.Name):
            yield node.lineno, "print"
        if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
            continue
        name = f"{node.value.id}.{node.attr}"
        if name in ("sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__") and path != STREAMS_OWNER:
            yield node.lineno, f"{name}: only {STREAMS_OWNER} prints"
        if name in ("torch.load", "torch.save"):
            yield node.lineno, f"{name}: nothing is pickled"


@functools.cache
def package_sources() -> dict[str, str]:
    paths = sorted(PACKAGE.rglob("*.py"))
    return {path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def needed(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a module that run; not those under TYPE_CHECKING."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            yield from (inner for each in node.orelse for inner in (each, *needed(each)))
        else:
            yield node
            yield from needed(node)


def imports_between(sources: Mapping[str, str]) -> dict[str, set[str]]:
    """For each file the files of the package that it imports when it runs, at its top or inside functions."""
    modules = {
        ".".join(["gpt2kit", *Path(path).with_suffix("").parts]).removesuffix(".__init__"): path for path in sources
    }
    found: dict[str, set[str]] = {}
    for path, source in sources.items():
        names = {
            name
            for node in needed(parsed(source))
            if isinstance(node, ast.Import | ast.ImportFrom | ast.Call)
            for _, name in imported(node, path)
        }
        files = {modules.get(name) or modules.get(name.rpartition(".")[0]) for name in names}
        found[path] = {file for file in files if file}
    return found


def cycles(graph: Mapping[str, set[str]]) -> list[str]:
    """Import cycles as "a -> b -> a"; where files are tangled up, at least one of them."""
    found: dict[frozenset[str], str] = {}
    done: set[str] = set()

    def follow(path: str, way: list[str]) -> None:
        if path in way:
            circle = [*way[way.index(path) :], path]
            found.setdefault(frozenset(circle), " -> ".join(circle))
        elif path not in done:
            for other in sorted(graph[path]):
                follow(other, [*way, path])
            done.add(path)

    for path in sorted(graph):
        follow(path, [])
    return sorted(found.values())


def test_the_package_keeps_the_rules() -> None:
    sources = package_sources()
    assert len(sources) > 30
    assert violations(sources) == []


def test_no_import_cycle() -> None:
    assert cycles(imports_between(package_sources())) == []


@pytest.mark.parametrize(
    ("sources", "circle"),
    [
        ({"a.py": "import gpt2kit.b", "b.py": "from gpt2kit import a"}, "a.py -> b.py -> a.py"),
        ({"a.py": "def f():\n    from gpt2kit.b import x", "b.py": "import gpt2kit.a"}, "a.py -> b.py -> a.py"),
        ({"a.py": "import gpt2kit.b", "b.py": "if X:\n    import gpt2kit.a"}, "a.py -> b.py -> a.py"),
        ({"a.py": "import gpt2kit.b", "b.py": "if TYPE_CHECKING:\n    import gpt2kit.a"}, ""),
        ({"p/a.py": "from gpt2kit.p import b", "p/b.py": "from .a import x"}, "p/a.py -> p/b.py -> p/a.py"),
        ({"p/__init__.py": "import gpt2kit.a", "a.py": "from gpt2kit.p import y"}, "a.py -> p/__init__.py -> a.py"),
        ({"a.py": "import gpt2kit.b", "b.py": "import gpt2kit.c", "c.py": "import os"}, ""),
    ],
)
def test_a_cycle_is_found(sources: dict[str, str], circle: str) -> None:
    assert cycles(imports_between(sources)) == ([circle] if circle else [])


def test_no_module_is_called_like_a_public_name() -> None:
    """An imported submodule takes the place of a name that it shares."""
    top = {Path(path).parts[0].removesuffix(".py") for path in package_sources()}
    assert top.isdisjoint(gpt2kit.__all__)


@functools.cache
def opened() -> dict[str, set[str]]:
    """For each door the files that open it."""
    files: dict[str, set[str]] = {door: set() for door in DOORS}
    for path, source in package_sources().items():
        for _, module in imported(parsed(source), path):
            if door := door_to(module):
                files[door].add(path)
    return files


@pytest.mark.parametrize("door", DOORS)
def test_every_door_is_in_use(door: str) -> None:
    """A rule about a file that is gone would guard nothing."""
    assert all(any(path.startswith(place) for path in opened()[door]) for place in DOORS[door])


@pytest.mark.parametrize(
    ("path", "line", "reason"),
    [
        ("model/hf.py", "import transformers", "the door to transformers is model/transformers_door.py"),
        (
            "tasks/new.py",
            "from transformers.models.gpt2 import GPT2Config",
            "the door to transformers is model/transformers_door.py",
        ),
        ("tasks/new.py", "import torch", "the door to torch is"),
        ("tasks/new.py", "def f():\n    from torch.nn import functional", "the door to torch is"),
        ("tasks/new.py", "from gpt2kit.model.gpt2 import GPT2", "tasks must not know model"),
        ("tasks/new.py", "from gpt2kit import pipeline", "tasks must not know pipeline"),
        ("tasks/new.py", "from ..training import loop", "tasks must not know training"),
        ("tasks/new.py", "from .. import decoding", "tasks must not know decoding"),
        ("tasks/new.py", "import gpt2kit.runs.folder as f", "tasks must not know runs"),
        ("tasks/new.py", "import gpt2kit", "tasks must not know __init__"),
        ("tasks/new.py", "import datasets", "the door to datasets is data/sources.py"),
        ("data/tables/rows.py", "import pyarrow.parquet", "the door to pyarrow is nowhere"),
        ("data/prepare.py", "from tokenizers import Tokenizer", "the door to tokenizers is data/bpe.py"),
        ("data/prepare.py", "from gpt2kit.tasks.base import Task", "data must not know tasks"),
        ("data/prepare.py", "if TYPE_CHECKING:\n    from gpt2kit.recipe import Recipe", "data must not know recipe"),
        ("model/hf.py", "from safetensors.torch import load_file", "the door to safetensors is tensor_files.py"),
        ("model/hf.py", "importlib.import_module('huggingface_hub')", "the door to huggingface_hub is data/hub.py"),
        ("pipeline/engine.py", "__import__('sacrebleu')", "the door to sacrebleu is metrics/metrics.py"),
        ("tasks/new.py", "from rouge_score import rouge_scorer", "the door to rouge_score is metrics/rouge.py"),
        ("music/corpus/sources.py", "import symusic", "the door to symusic is nowhere"),
        (
            "data/wikipedia/dump.py",
            "import mwparserfromhell",
            "the door to mwparserfromhell is data/wikipedia/wikitext.py",
        ),
        ("tasks/new.py", "from pretty_midi import PrettyMIDI", "the door to pretty_midi is music/midi.py"),
        ("music/midi.py", "import mido", "the door to mido is nowhere"),
        ("music/stream/events.py", "from gpt2kit.tasks.base import Task", "music must not know tasks"),
        ("pipeline/train.py", "import typer", "the door to typer is cli/"),
        ("cli/reports.py", "from rich.table import Table", "the door to rich is cli/console.py"),
        ("cli/recipes.py", "import tomli_w", "the door to tomli_w is recipe.py"),
        (
            "training/loop.py",
            "import torch.distributed as dist",
            "the door to torch.distributed is training/distributed.py",
        ),
        (
            "training/loop.py",
            "from torch import distributed",
            "the door to torch.distributed is training/distributed.py",
        ),
        ("training/loop.py", "from gpt2kit.cli import console", "training must not know cli"),
        ("training/loop.py", "print('step')", "print"),
        ("training/loop.py", "import sys\nsys.stderr.write('step')", "sys.stderr: only cli/console.py prints"),
        ("cli/reports.py", "import sys\nsys.stdout.write('x')", "sys.stdout: only cli/console.py prints"),
        ("cli/console.py", "print('x')", "print"),
        ("recipe.py", "from gpt2kit.model.gpt2 import GPT2", "recipe must not know model"),
        ("config/knobs.py", "import numpy", "the door to numpy is"),
        ("runs/folder.py", "from gpt2kit.pipeline import engine", "runs must not know pipeline"),
        ("training/state.py", "import torch\ntorch.load('x')", "torch.load: nothing is pickled"),
        ("training/state.py", "import pickle", "the door to pickle is nowhere"),
        ("cli/app.py", 'OWN = {"lm": 1}', "the name of the task lm"),
        ("model/utils.py", "", "a file is named for what it does"),
        ("plugins/loader.py", "", "this test does not know the part plugins"),
    ],
)
def test_a_broken_rule_is_found(path: str, line: str, reason: str) -> None:
    found = violations({path: f'"""A made-up file."""\n{line}\n'})
    assert len(found) == 1
    assert found[0].startswith(f"{path}:")
    assert reason in found[0]


def test_a_file_without_a_docstring_is_found() -> None:
    assert violations({"files.py": "X = 1\n"}) == ["files.py:1: no docstring"]


def test_allowed_imports_are_not_complained_about() -> None:
    text = '"""A made-up file."""\nimport json\nfrom .bpe import Bpe\nfrom gpt2kit.errors import DataError\n'
    assert violations({"data/new.py": text}) == []


def test_config_needs_no_package() -> None:
    """The knobs are read before anything is loaded, and by tasks that must not load anything."""
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    packages = {name.split(">")[0].split("<")[0].replace("-", "_") for name in project["dependencies"]}
    for path in (*(path for path in package_sources() if path.startswith("config/")), "errors.py"):
        modules = {module for _, module in imported(parsed(package_sources()[path]), path)}
        tops = {module.split(".")[0] for module in modules if not module.startswith("gpt2kit.config.")}
        assert tops.isdisjoint(packages | {"gpt2kit"})
