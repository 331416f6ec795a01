"""Paths in a run: relative where a project can be moved as a whole, absolute where nothing else leads there."""

import os
from pathlib import Path

import pytest

from gpt2kit.errors import DataError
from gpt2kit.runs import places


def folder(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def test_a_path_is_relative_to_the_run(tmp_path: Path) -> None:
    run, data = folder(tmp_path / "runs" / "x"), folder(tmp_path / "data" / "x")
    assert places.recorded(data, run) == "../../data/x"
    assert places.found("../../data/x", run) == data


def test_a_path_is_relative_wherever_the_command_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, data = folder(tmp_path / "runs" / "x"), folder(tmp_path / "data" / "x")
    monkeypatch.chdir(data)
    assert places.recorded(Path("."), Path("../../runs/x")) == "../../data/x"
    monkeypatch.chdir(tmp_path / "runs")
    assert places.found("../../data/x", Path("x")) == data == places.found(str(data), run)


def test_with_nothing_but_the_root_in_common_a_path_is_absolute(tmp_path: Path) -> None:
    assert places.recorded(Path("/usr"), folder(tmp_path / "run")) == os.path.realpath("/usr")


@pytest.mark.skipif(os.name == "nt", reason="needs links")
def test_links(tmp_path: Path) -> None:
    """A link to the data stays a link; a run that is reached by one counts from where it really is."""
    data, run = folder(tmp_path / "disk" / "corpus"), folder(tmp_path / "deep" / "er" / "x")
    (tmp_path / "data").symlink_to(data)
    (tmp_path / "runs").symlink_to(run.parent)
    assert places.recorded(tmp_path / "data", run) == "../../../data"
    assert places.recorded(tmp_path / "data", tmp_path / "runs" / "x") == "../../../data"
    assert places.found("../../../data", tmp_path / "runs" / "x") == tmp_path / "data"


def test_a_model_is_a_folder_or_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, base = folder(tmp_path / "runs" / "x"), folder(tmp_path / "runs" / "base")
    assert places.model_place("../base", run, False) == str(base)
    assert places.model_place("gpt2", run, True) == places.model_place("gpt2", run, None) == "gpt2"
    monkeypatch.chdir(tmp_path)
    assert places.model_place("runs/base", run, False) == "runs/base", "as older runs have it"
    for name, of_hub in (("../gone", False), ("../gone", None), (str(tmp_path / "runs" / "gone"), None)):
        with pytest.raises(DataError, match=r"the model .*runs.gone, no longer exists; .* with --base DIR"):
            places.model_place(name, run, of_hub)
