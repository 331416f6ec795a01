"""The states of the training data: which they are, when they are computed again, and what is refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import gpt2kit
from gpt2kit import tensor_files
from gpt2kit.data.layouts import Stream
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError, MachineError, UserError
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.pipeline import datastore
from gpt2kit.pipeline.datastore import FILE
from gpt2kit.pipeline.engine import Engine

Examples = Callable[[str], Any]


@pytest.fixture
def run(by_heart: Path, tmp_path: Path) -> Path:
    """A run and its data to damage."""
    shutil.copytree(by_heart.parent, tmp_path / "project", ignore=shutil.ignore_patterns("sources"))
    return tmp_path / "project" / "run"


@torch.no_grad()
def states_by_hand(model: GPT2, store: Store, is_stream: bool) -> dict[int, Tensor]:
    """By place: the state before each target, from the whole text before it, or in a stream from as much as fits."""
    window, found, begin, document = model.config.n_positions, {}, 0, 0
    for row in range(len(store)):
        end = int(store.ends[row])
        document = begin if store.prompts[row] or not row else document
        for place in range(begin, end):
            if is_stream:
                since = place - document
                # Windows begin at 0, W / 2, W, ...: the first that reaches as far.
                start = document + max(0, -(-(since - window) // (window // 2))) * (window // 2)
            else:
                start = begin
            if place > (document if is_stream else begin + int(store.prompts[row]) - 1):
                ids = torch.tensor(store.ids[start:place].astype("int64"))[None]
                found[place] = model.hidden(ids)[0, -1]
        begin = end
    return found


@pytest.mark.parametrize("kind", ["translate", "lm", "music", "completion", "summarize"])
def test_the_states_are_those_before_all_targets(
    kind: str, prepared: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datastore, "pick_dtype", lambda asked, device: "fp32")  # as those by hand
    tiny = prepared(kind, tmp_path, "train.steps=2", "train.evaluate_every=2", "train.samples=0")
    list(gpt2kit.train(tiny, tmp_path / "data", tmp_path / "run"))
    engine = gpt2kit.load(tmp_path / "run")
    found = engine.datastore()
    expected = states_by_hand(engine.model, found.store, isinstance(engine.task.layout, Stream))
    assert sorted(found.places_N.tolist()) == sorted(expected)
    states = found.neighbors.states
    for index, place in enumerate(found.places_N.tolist()):
        off = (states.at(torch.tensor(index)) - expected[place]).abs().max()
        assert off <= 1e-4 + float(states.scales_N[index]) / 2
        assert found.neighbors.tokens_N[index] == found.store.ids[place]


def test_progress_counts_all_states(run: Path) -> None:
    seen: list[tuple[int, int]] = []
    found = gpt2kit.load(run).datastore(lambda done, of: seen.append((done, of)))
    assert seen[-1] == (len(found.places_N), len(found.places_N))
    assert seen == sorted(seen)


def test_a_state_costs_a_byte_per_dimension_and_eight(run: Path) -> None:
    engine = gpt2kit.load(run)
    count = len(engine.datastore().places_N)
    size = (run / FILE).stat().st_size
    assert size <= count * (engine.model.config.n_embd + 8) + 1000
    assert 490_000 * (192 + 8) + 1000 < 100e6


def computed(run: Path, **moved: Any) -> bool:
    """Whether opening the datastore of a run computes it."""
    calls: list[int] = []
    gpt2kit.load(run, **moved).datastore(lambda done, of: calls.append(done))
    return bool(calls)


def test_it_is_computed_once(run: Path) -> None:
    assert computed(run)
    first = (run / FILE).read_bytes()
    assert not computed(run)
    moved = shutil.move(run.parent / "data", run.parent / "elsewhere")
    assert not computed(run, data=moved)
    (run / FILE).unlink()
    assert computed(run, data=moved)
    assert (run / FILE).read_bytes() == first


def test_other_weights_have_other_states(run: Path) -> None:
    engine = gpt2kit.load(run)
    before = engine.datastore().neighbors.states.levels_ND
    with torch.no_grad():
        engine.model.transformer.wpe.weight.mul_(1.1)
    changed = Engine(engine.task, engine.model, engine.config, engine.run)
    assert not torch.equal(changed.datastore().neighbors.states.levels_ND, before)
    assert computed(run), "the file has those of the changed weights"


@pytest.mark.parametrize("damage", ["cut", "flipped", "text", "empty"])
def test_a_damaged_file_is_computed_again(run: Path, damage: str) -> None:
    assert computed(run)
    whole = (run / FILE).read_bytes()
    flipped = bytearray(whole)
    flipped[-10] ^= 1
    damaged = {"cut": whole[:-9], "flipped": bytes(flipped), "text": b"a text", "empty": b""}
    (run / FILE).write_bytes(damaged[damage])
    assert computed(run)
    assert (run / FILE).read_bytes() == whole


def test_a_computation_that_ends_early_leaves_nothing(run: Path) -> None:
    def stop(done: int, of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gpt2kit.load(run).datastore(stop)
    assert not (run / FILE).exists()


def test_a_run_that_cannot_be_written_has_sources_all_the_same(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise MachineError("index.safetensors: cannot be written: No space left on device")

    monkeypatch.setattr(tensor_files, "write_tensors", full)
    found = gpt2kit.load(run).datastore()
    assert "No space left" in found.unkept
    assert len(found.places_N)


def test_more_states_than_memory_are_refused(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datastore, "free_memory", lambda device: 1000)
    with pytest.raises(MachineError, match=r"target tokens take 0\.0 GB, and 0\.0 GB of memory are free"):
        gpt2kit.load(run).datastore()


def test_data_that_is_gone_or_changed_is_refused(run: Path) -> None:
    data = run.parent / "data"
    shutil.move(data, run.parent / "elsewhere")
    with pytest.raises(DataError, match=r"no longer exists; if it was moved, name its new place with --data DIR"):
        gpt2kit.load(run).datastore()
    shutil.move(run.parent / "elsewhere", data)
    counts = json.loads((data / "train.json").read_text())
    (data / "train.json").write_text(json.dumps(counts | {"rows": counts["rows"] - 1}))
    with pytest.raises(DataError, match=r"does not have the data that .* was trained on: it is other data, or"):
        gpt2kit.load(run).datastore()
    (data / "train.json").write_text(json.dumps(counts))
    ids = bytearray((data / "train.ids").read_bytes())
    ids[4] ^= 1
    (data / "train.ids").write_bytes(ids)
    with pytest.raises(DataError, match=r"train.ids is damaged: it is not as prepare wrote it"):
        gpt2kit.load(run).datastore()


def test_only_a_run_that_generates_has_one(run: Path, prepared: Callable[..., Any], tmp_path: Path) -> None:
    engine = gpt2kit.load(run)
    with pytest.raises(UserError, match="not loaded from a run"):
        Engine(engine.task, engine.model, engine.config).datastore()
    (tmp_path / "labels").mkdir()
    tiny = prepared("labelled", tmp_path / "labels", "train.steps=2", "train.evaluate_every=2", "train.samples=0")
    list(gpt2kit.train(tiny, tmp_path / "labels" / "data", tmp_path / "labels" / "run"))
    with pytest.raises(UserError, match="a classifier generates no tokens"):
        next(gpt2kit.load(tmp_path / "labels" / "run").results(["fine 1"], traced=1))
