"""Files that run code when Python unpickles them: none of them is opened so, whatever it is called."""

import pickle
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch

import gpt2kit
from gpt2kit import recipe
from gpt2kit.data.hub import fetch
from gpt2kit.errors import DataError, UserError
from gpt2kit.model import hf, hf_config
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.training import state

Build = Callable[..., GPT2]


class Payload:
    """Unpickled, it leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> Any:
        return Path.touch, (Path(self.path),)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """What the payload would leave."""
    return tmp_path / "it ran"


@pytest.fixture
def planted(trace: Path) -> dict[str, bytes]:
    """The payload as `pickle` and as `torch.save` write it, each of which would run."""
    archive = trace.parent / "archive"
    torch.save({"weight": Payload(trace)}, archive)
    kinds = {"pickle": pickle.dumps({"weight": Payload(trace)}), "torch": archive.read_bytes()}
    for load in (lambda: pickle.loads(kinds["pickle"]), lambda: torch.load(archive, weights_only=False)):
        load()
        assert trace.exists(), "or this would prove nothing"
        trace.unlink()
    archive.unlink()
    return kinds


@pytest.mark.parametrize("kind", ["pickle", "torch"])
@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors", "model.pt", "shard.safetensors"])
def test_pickled_weights_are_refused(
    tiny_model: Build, tmp_path: Path, planted: dict[str, bytes], trace: Path, kind: str, name: str
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    hf_config.write(folder, tiny_model(), 0)
    (folder / name).write_bytes(planted[kind])
    (folder / "training_args.bin").write_bytes(planted[kind])
    if name.startswith("shard"):
        index = '{"weight_map": {"transformer.wte.weight": "shard.safetensors"}}'
        (folder / "model.safetensors.index.json").write_text(index, encoding="utf-8")
    with pytest.raises(DataError, match=r"pickled weights only, which can run code|not a safetensors file"):
        hf.load(folder)
    with pytest.raises(DataError, match=r"is a file; expected a folder .*; pickled weights are not accepted"):
        fetch(str(folder / name))
    assert not trace.exists()


@pytest.mark.parametrize("kind", ["pickle", "torch"])
def test_a_pickled_state_is_refused(
    tiny_model: Build, tmp_path: Path, planted: dict[str, bytes], trace: Path, kind: str
) -> None:
    path = tmp_path / state.STATE_FILE
    path.write_bytes(planted[kind])
    with pytest.raises(DataError, match="damaged or not a safetensors file"):
        state.load(path, tiny_model(), None, [])
    assert not trace.exists()


@pytest.mark.parametrize("name", ["tokenizer.json", "task.json", "config.json", "recipe.toml", "run.json", "train.ids"])
def test_a_run_has_no_file_that_is_unpickled(
    by_heart: Path, tmp_path: Path, planted: dict[str, bytes], trace: Path, name: str
) -> None:
    for source in (by_heart, by_heart.parent / "data"):
        (tmp_path / source.name).mkdir()
        for path in source.iterdir():
            (tmp_path / source.name / path.name).write_bytes(path.read_bytes())
    place = tmp_path / ("data" if name == "train.ids" else "run") / name
    place.write_bytes(planted["pickle"])
    resumed = recipe.load("translate")
    for work in (
        lambda: gpt2kit.load(tmp_path / "run"),
        lambda: list(gpt2kit.train(resumed, tmp_path / "data", tmp_path / "run", resume=True)),
    ):
        with suppress(UserError):
            work()
    assert not trace.exists()


def test_no_work_unpickles(examples: Callable[[str], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Preparing, training, going on and answering: none of it asks for a pickle."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something was unpickled")

    translate = examples("translate")
    corpus = translate.write_corpus(tmp_path)
    tiny = recipe.load("translate", [*translate.TINY, "train.steps=4", "train.save_every=1"])
    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    monkeypatch.setattr(torch, "load", refuse)
    gpt2kit.prepare(tiny, {"train": corpus, "val": corpus}, tmp_path / "data")
    for event in gpt2kit.train(tiny, tmp_path / "data", tmp_path / "run"):
        if getattr(event, "step", 0) == 3:
            break
    list(gpt2kit.train(tiny, tmp_path / "data", tmp_path / "run", resume=True))
    assert isinstance(gpt2kit.load(tmp_path / "run")("good morning"), str)


def test_nothing_that_runs_is_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of a folder of the Hub weights and JSON are taken, neither pickles nor programs."""
    asked: list[str] = []

    def snapshot(name: str, allow_patterns: list[str]) -> str:
        asked.extend(allow_patterns)
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    assert fetch("owner/name") == tmp_path
    assert asked
    assert all(pattern.endswith((".safetensors", ".json", "merges.txt")) for pattern in asked)
