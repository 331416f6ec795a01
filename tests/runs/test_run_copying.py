"""Copies of a run's files: nothing of others, and paths that lead to the same places."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gpt2kit import files
from gpt2kit.runs import copying
from gpt2kit.runs.folder import Run

RunOf = Callable[..., Path]


@pytest.fixture
def new(tmp_path: Path) -> Path:
    folder = tmp_path / "some" / "deeper"
    folder.mkdir(parents=True)
    return folder


def test_what_gpt2kit_wrote_is_copied_without_tensors(run_of: RunOf, copied: Callable[[Path], Path], new: Path) -> None:
    run = copied(run_of("translate"))
    before = {path.name for path in run.iterdir() if path.is_file()}
    for name in (".DS_Store", "notes.txt"):
        (run / name).write_text("mine")
    copying.copy_files(Run(run), new, ("README.md",), finished=False)
    assert {"README.md", "model.safetensors", "state.safetensors", "recipe.toml"} <= before
    assert {path.name for path in new.iterdir()} == before - {"README.md", "model.safetensors", "state.safetensors"}
    assert Run(new).record["finished"] is False


def test_paths_lead_to_the_same_places(run_of: RunOf, new: Path) -> None:
    base = run_of("translate")
    run = Run(run_of("translate", "train.lora=2", init=base))
    copying.copy_files(run, new, ())
    for key, place in (("data", run.data_path), ("init", base)):
        assert (new / Run(new).record[key]).resolve() == place.resolve()


def test_a_name_of_the_hub_stays(run_of: RunOf, copied: Callable[[Path], Path], new: Path) -> None:
    run = copied(run_of("translate"))
    files.write_json(run / "run.json", files.read_json(run / "run.json") | {"init": "me/model", "init_of_hub": True})
    copying.copy_files(Run(run), new, ())
    assert Run(new).record["init"] == "me/model"
