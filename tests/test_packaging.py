"""The wheel, built without a network, unpacked and used far from the checkout."""

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    return Path(next(WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])))


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def use(unpacked: Path, words: list[str], folder: Path) -> str:
    """What Python prints with the unpacked wheel before all else."""
    environment = os.environ | {"PYTHONPATH": str(unpacked)}
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_it_has_the_package_the_recipes_and_the_samples(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / "gpt2kit").rglob("*.py")}
    recipes = {f"gpt2kit/recipes/{path.name}" for path in (ROOT / "recipes").glob("*.toml")}
    samples = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "gpt2kit" / "samples").rglob("*")
        if path.suffix in (".tsv", ".zip", ".gz", ".jsonl", ".txt")
    }
    assert recipes
    assert len(samples) == 21
    pages = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "gpt2kit").rglob("*")
        if path.suffix in (".html", ".css", ".js")
    }
    assert {"gpt2kit/head.html", "gpt2kit/music/pages/page.html", "gpt2kit/inspection/page/page.html"} <= pages
    assert "gpt2kit/model/modeling_gpt2kit.py" in sources, "it is copied into run folders"
    assert sources | recipes | samples | pages | {"gpt2kit/py.typed"} <= names
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"gpt2kit"}
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".tmp", ".safetensors"))]


def test_its_metadata_is_the_project_s(wheel: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    with zipfile.ZipFile(wheel) as archive:
        texts = {
            name.split("/")[1]: archive.read(name).decode() for name in archive.namelist() if ".dist-info/" in name
        }
    assert f"Version: {project['version']}\n" in texts["METADATA"]
    assert "Requires-Python: >=3.11\n" in texts["METADATA"]
    assert "gpt2kit = gpt2kit.__main__:main" in texts["entry_points.txt"]
    required = [
        line for line in texts["METADATA"].split("\n") if line.startswith("Requires-Dist") and "extra" not in line
    ]
    assert len(required) == len(project["dependencies"])
    assert any("transformers" in line for line in required)


def test_it_works_far_from_the_checkout(unpacked: Path, tmp_path: Path) -> None:
    listed = use(unpacked, ["-m", "gpt2kit", "recipes"], tmp_path)
    assert all(path.stem in listed for path in (ROOT / "recipes").glob("*.toml"))
    script = (
        "import json, sys, gpt2kit\n"
        "from importlib.resources import files\n"
        "from gpt2kit import recipe\n"
        "sample = files('gpt2kit') / 'samples' / 'translate' / 'heldout.tsv'\n"
        "found = [gpt2kit.__file__, str(recipe._folder()), recipe.load('translate').name]\n"
        "sys.stdout.write(json.dumps([*found, len(sample.read_text('utf-8'))]))\n"
    )
    package, recipes, name, length = json.loads(use(unpacked, ["-c", script], tmp_path))
    assert Path(package).parent == unpacked / "gpt2kit"
    assert Path(recipes) == unpacked / "gpt2kit" / "recipes"
    assert name == "translate"
    assert length > 1000
