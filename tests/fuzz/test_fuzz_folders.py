"""Prepared folders and runs of which a file says anything: read as they are, or refused, and never believed."""

import json
import random
import shutil
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gpt2kit
from gpt2kit import recipe
from gpt2kit.pipeline.evaluation_sets import _kept
from gpt2kit.runs.folder import Run
from gpt2kit.runs.prepared import Prepared
from gpt2kit.tasks.base import decode_row
from gpt2kit.training import events

Hold = Callable[[Callable[[bytes], object], bytes], object]
Examples = Callable[[str], Any]

SEEDS = st.integers(0, 2**32 - 1)
"""Of what becomes of a file: drawn part by part it would take far longer, and no part is more telling than another."""

ODD: list[Any] = [
    *(None, True, -1, 0, 1, 2, 0.5, 1e308, 10**9, 10**18, 10**40, "", "x", "../x", [], {}, [[]], {"a": 1}),
    *("é\x1b", "lm", "gpt2", float("nan"), float("inf")),
]


def changed(chance: random.Random, value: Any) -> Any:
    """A JSON value of which one part, at any depth, is another, is missing or has company."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key, way = chance.choice(sorted(value)), chance.random()
        if way < 0.1:
            return {name: each for name, each in value.items() if name != key}
        return value | ({f"{key}2": value[key]} if way < 0.2 else {key: changed(chance, value[key])})
    if isinstance(value, list) and value and chance.random() < 0.7:
        index = chance.randrange(len(value))
        return [*value[:index], changed(chance, value[index]), *value[index + 1 :]]
    return chance.choice(ODD)


def damaged(chance: random.Random, content: bytes) -> bytes:
    """Of JSON and what begins with it another value; of anything some other bytes, or fewer."""
    way = chance.random()
    with suppress(ValueError):  # it is no JSON, or several of them
        if way < 0.6:
            return json.dumps(changed(chance, json.loads(content))).encode()
    if way < 0.6 and content[8:9] == b"{":  # safetensors
        length = int.from_bytes(content[:8], "little")
        header = json.dumps(changed(chance, json.loads(content[8 : 8 + length]))).encode()
        return len(header).to_bytes(8, "little") + header + content[8 + length :]
    bad = bytearray(content)
    for _ in range(chance.randrange(5) if bad else 0):
        bad[chance.randrange(len(bad))] = chance.randrange(256)
    return bytes(bad[: chance.randrange(len(bad) + 1)] if way < 0.75 else bad)


class Folder:
    """A folder that can be put back to what it was."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files = {each.name: each.read_bytes() for each in sorted(path.iterdir()) if each.is_file()}

    def put(self, changes: dict[str, bytes]) -> None:
        for path in self.path.iterdir():
            if path.is_file() and path.name not in self.files:
                path.unlink()
        for name, content in (self.files | changes).items():
            (self.path / name).write_bytes(content)


@pytest.fixture(scope="module", params=["translate", "summarize", "lm"])
def prepared(request: pytest.FixtureRequest, examples: Examples, place: Path) -> Folder:
    module = examples(request.param)
    folder = place / f"data-{request.param}"
    corpus = module.write_corpus(place)
    gpt2kit.prepare(recipe.load(request.param, module.TINY), {"train": corpus, "val": corpus}, folder, True)
    return Folder(folder)


@settings(max_examples=100)
@given(seed=SEEDS)
def test_any_prepared_folder_is_read_or_refused(hold: Hold, prepared: Folder, seed: int) -> None:
    folder = prepared.path
    chance = random.Random(seed)
    name = chance.choice([*prepared.files])

    def parse(content: bytes) -> object:
        prepared.put({name: content})
        data = Prepared.open(folder)
        task = data.task
        for split in ("train", "val"):
            store = data.store(split)
            store.check_ids(task.vocabulary.size)
            store.document_ends()
            store.digest()
            for index in range(len(store)):
                decode_row(task, *store.row(index))
            list(_kept(task, store) if store.has_texts else ())
            if task.layout.continues:
                store.names()
            data.set_name(split)
        return data.window

    hold(parse, damaged(chance, prepared.files[name]))
    prepared.put({})


@pytest.fixture(scope="module")
def finished(by_heart: Path, place: Path) -> Folder:
    folder = Path(shutil.copytree(by_heart, place / "finished"))
    return Folder(folder)


@settings(max_examples=100)
@given(seed=SEEDS)
def test_any_run_is_loaded_or_refused(hold: Hold, finished: Folder, seed: int) -> None:
    folder = finished.path
    chance = random.Random(seed)
    name = chance.choice([*finished.files])

    def parse(content: bytes) -> object:
        finished.put({name: content})
        opened = gpt2kit.load(folder)
        return opened("good morning", max_new_tokens=2, device="cpu")

    hold(parse, damaged(chance, finished.files[name]))
    finished.put({})


@pytest.fixture(scope="module")
def stopped(examples: Examples, place: Path) -> Folder:
    """A run that is to go on."""
    module = examples("translate")
    corpus = module.write_corpus(place)
    tiny = recipe.load("translate", [*module.TINY, "train.save_every=1", "train.ema=0.9", "model.n_embd=8"])
    data, run = place / "data-stopped", place / "stopped"
    gpt2kit.prepare(tiny, {"train": corpus, "val": corpus}, data, True)
    for event in gpt2kit.train(tiny, data, run):
        if getattr(event, "step", 0) == 3:
            break
    return Folder(run)


@settings(max_examples=100)
@given(seed=SEEDS)
def test_any_run_goes_on_or_is_refused(hold: Hold, stopped: Folder, seed: int) -> None:
    run = stopped.path
    chance = random.Random(seed)
    name = chance.choice([*stopped.files])

    def parse(content: bytes) -> object:
        stopped.put({name: content})
        resumed = recipe.build(run.name, recipe.apply(Run(run).recipe.table(), []))
        with closing(gpt2kit.train(resumed, run.parent / "data-stopped", run, resume=True)) as stream:  # type: ignore[type-var]  # a generator
            return next(stream)

    start = hold(parse, damaged(chance, stopped.files[name]))
    assert start is None or isinstance(start, events.Start)
    stopped.put({})
