"""Runs whose project, data or base model was moved: what still works, and how the new place is named."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gpt2kit import files, tensor_files
from gpt2kit.cli.app import run

Capture = pytest.CaptureFixture[str]
RunOf = Callable[..., Path]


@pytest.fixture
def project(run_of: RunOf, tmp_path: Path) -> Path:
    """A folder with prepared data, a run and adapters on that run."""
    base = run_of("translate")
    adapters = run_of("translate", "train.lora=2", init=base)
    shutil.copytree(base.parent.parent, tmp_path / "project", ignore=lambda _, names: [n for n in names if "by" in n])
    return tmp_path / "project" / adapters.relative_to(base.parent.parent).parent


def said(words: list[object], capsys: Capture) -> tuple[int, str, str]:
    capsys.readouterr()
    code = run([str(word) for word in words])
    return code, *capsys.readouterr()


def test_a_project_that_was_moved_works_as_before(project: Path, tmp_path: Path, capsys: Capture) -> None:
    before = said(["translate", "generate", "--run", project / "run", "good"], capsys)
    described = files.read_json(project / "run" / "run.json")
    assert described["data"] == "../data"
    assert described["init"].startswith("../../translate-")
    adapter = files.read_json(project / "run" / "adapter_config.json")
    assert Path(adapter["base_model_name_or_path"]).is_absolute(), "peft takes it from the current directory"
    gone = {"base_model_name_or_path": str(tmp_path / "gone")}
    files.write_json(project / "run" / "adapter_config.json", adapter | gone)
    moved = Path(shutil.move(project.parent, tmp_path / "elsewhere")) / project.name
    assert before[0] == 0
    assert said(["translate", "generate", "--run", moved / "run", "good"], capsys) == before
    assert said(["translate", "evaluate", "--run", moved / "run"], capsys)[0] == 0
    assert said(["translate", "show", moved / "run"], capsys)[0] == 0
    card = (moved / "run" / "README.md").read_text(encoding="utf-8")
    assert str(tmp_path) not in card


def test_data_that_was_moved_is_named(project: Path, tmp_path: Path, capsys: Capture) -> None:
    (project / "data").rename(tmp_path / "corpus")
    for words in (["evaluate", "--run", project / "run"], ["show", project / "run"]):
        code, _, err = said(["translate", *words], capsys)
        assert code == 3
        place = f"its prepared data {project / 'data'} no longer exists; if it was moved, name its new place with"
        assert f"{place} --data DIR" in err
        assert said(["translate", *words, "--data", tmp_path / "corpus"], capsys)[0] == 0
        assert said(["translate", *words, "--data", tmp_path / "nowhere"], capsys)[0] == 3


def test_a_base_that_was_moved_is_named(project: Path, tmp_path: Path, capsys: Capture) -> None:
    adapters = project / "run"
    base = (adapters / files.read_json(adapters / "run.json")["init"]).resolve()
    generate = ["translate", "generate", "--run", adapters, "good"]
    before = said(generate, capsys)
    assert before[0] == 0
    base.rename(tmp_path / "base")
    for words in (generate, ["merge", adapters, "--out", tmp_path / "m"], ["inspect", adapters, "good", "--json"]):
        code, _, err = said(words, capsys)
        assert code == 3
        assert f"{base}, no longer exists; if it was moved, name its new place with --base DIR" in err
        assert said([*words, "--base", tmp_path / "base"], capsys)[0] == 0
    assert said([*generate, "--base", tmp_path / "base"], capsys) == before
    code, out, _ = said(["selftest", adapters, "--base", tmp_path / "base", "--json"], capsys)
    assert code == 0
    assert json.loads(out)["passed"]


def test_another_base_is_refused(project: Path, run_of: RunOf, tmp_path: Path, capsys: Capture) -> None:
    """It has the same shape and vocabulary, so that nothing else would show it."""
    adapters = project / "run"
    base = (adapters / files.read_json(adapters / "run.json")["init"]).resolve()
    other = Path(shutil.copytree(base, tmp_path / "other"))
    tensors, _ = tensor_files.read_tensors(other / "model.safetensors")
    tensors["transformer.ln_f.bias"] += 1
    tensor_files.write_tensors(other / "model.safetensors", tensors, tensor_files.weights_metadata(tensors, None))
    generate = ["translate", "generate", "--run", adapters, "good"]
    code, _, err = said([*generate, "--base", other], capsys)
    assert (code, f"the weights in {other} are not those that its adapters were trained on" in err) == (3, True)
    tensor_files.write_tensors(other / "model.safetensors", tensors, {"format": "pt"})
    assert said([*generate, "--base", other], capsys)[0] == 3, "also if another program has saved it"
    shutil.copyfile(other / "model.safetensors", base / "model.safetensors")
    assert said(generate, capsys)[0] == 0, "its whole file is read only where it was moved"
    tensor_files.write_tensors(base / "model.safetensors", tensors, tensor_files.weights_metadata(tensors, None))
    assert said(generate, capsys)[0] == 3, "it was trained further"


def test_a_place_that_has_no_use_is_refused(project: Path, run_of: RunOf, capsys: Capture) -> None:
    whole = run_of("translate")
    code, _, err = said(["translate", "generate", "--run", whole, "--base", whole, "good"], capsys)
    assert (code, "has no adapters" in err) == (2, True)
    code, _, err = said(["translate", "show", project / "data", "--data", project], capsys)
    assert (code, "--data is for a run" in err) == (2, True)
    words = ["translate", "evaluate", "--zero-shot", "--init", whole, "--on", "x.tsv", "--data", project]
    code, _, err = said(words, capsys)
    assert (code, "--data is for a run" in err) == (2, True)
