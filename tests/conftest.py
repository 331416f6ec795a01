"""What all tests share: one thread, no network, tiny models and corpora."""

import importlib.util
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

os.environ["HF_HUB_OFFLINE"] = "1"

import torch  # after the switch that it and the Hub's client read

from gpt2kit.config import ModelConfig
from gpt2kit.data.store import Store, StoreWriter
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.music.notes import Notes

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data"


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Tiny models are faster on one thread."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def seeded() -> None:
    """What a test draws does not depend on the tests before it."""
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reaches for the network fails."""

    def refuse(self: socket.socket, address: Any) -> None:
        raise AssertionError(f"a test wanted to connect to {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def shared_data() -> Callable[[str], Path]:
    """`shared_data(name)`: a file of the real data; the test skips where that is absent, since it may not be copied."""

    def find(name: str) -> Path:
        path = SHARED / name
        if not path.exists():
            pytest.skip(f"real data is not here: {name} of ../shared/data")
        return path

    return find


@pytest.fixture(scope="session")
def tiny_model() -> Callable[..., GPT2]:
    """`tiny_model(vocab=23, seed=1, n_layer=2, ...)`: a GPT-2 whose weights are all random and large enough to matter.

    Under the initial weights of the paper every next token is about as likely as every other.
    """

    def build(vocab: int = 23, seed: int = 1, **shape: Any) -> GPT2:
        model = GPT2(
            ModelConfig(**{"n_layer": 2, "n_head": 2, "n_embd": 16, "n_positions": 48, "dropout": 0} | shape), vocab
        )
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                noise = torch.randn(parameter.shape, generator=generator)
                parameter.copy_(1 + 0.1 * noise if "ln_" in name and name.endswith("weight") else 0.4 * noise)
        return model.eval()

    return build


@pytest.fixture
def store_of(tmp_path: Path) -> Callable[..., Store]:
    """`store_of(rows, split="train", vocab=100)`: the (prompt, target) rows as a split on disk."""

    def write(rows: list[tuple[list[int], list[int]]], split: str = "train", vocab: int = 100) -> Store:
        with StoreWriter(tmp_path, split, vocab) as writer:
            writer.add(rows)
        return Store(tmp_path, split)

    return write


@pytest.fixture
def random_notes() -> Callable[..., Notes]:
    """`random_notes(seed, count=60, seconds=20.0, pitches=(21, 109))`: overlaps and repeated strikes are common."""

    def make(seed: int, count: int = 60, seconds: float = 20.0, pitches: tuple[int, int] = (21, 109)) -> Notes:
        generator = np.random.default_rng(seed)
        start = generator.uniform(0, seconds, count)
        length = generator.choice([0.0004, 0.004, 0.05, 0.4, 2.5], count) * generator.uniform(0.5, 1.5, count)
        pitch, velocity = generator.integers(*pitches, count), generator.integers(1, 128, count)
        return Notes.of(pitch, velocity, start, start + length)

    return make


@pytest.fixture(scope="session")
def little_memory() -> Callable[[], AbstractContextManager[None]]:
    """`with little_memory():` an allocation of more than 256 MB fails, touched or not.

    Elsewhere than on Linux none does.
    """

    @contextmanager
    def limited() -> Iterator[None]:
        if sys.platform != "linux":
            yield
            return
        import resource

        now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        before = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (now + (256 << 20), before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_AS, before)

    return limited


ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def examples() -> Callable[[str], Any]:
    """A task's own examples, from tests/tasks/test_TASK.py: TINY settings, `write_corpus(folder)` and RECORDS."""

    def of(task: str) -> Any:
        path = ROOT / "tests" / "tasks" / f"test_{task}.py"
        spec = importlib.util.spec_from_file_location(f"examples_of_{task}", path)
        assert spec is not None
        assert spec.loader is not None, f"every task needs its {path.name}"
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return of


LABELLED = [{"text": f"{word} {number}", "label": word} for number in range(6) for word in ("good", "bad")]


@pytest.fixture(scope="session")
def prepared(examples: Callable[[str], Any]) -> Callable[..., Any]:
    """`prepared(kind, folder, *settings)`: a task's own examples in `folder`/data, for training and for validation;
    `labelled` is finetune with labels. Returns the tiny recipe."""
    from gpt2kit import preparing, recipe

    def prepare(kind: str, folder: Path, *settings: str) -> Any:
        name = "finetune" if kind == "labelled" else kind
        tiny = recipe.load(name, [*examples(name).TINY, *settings])
        corpus = (
            [examples(name).write_table(folder, LABELLED)]
            if kind == "labelled"
            else examples(name).write_corpus(folder)
        )
        preparing.prepare(tiny, {"train": corpus, "val": corpus}, folder / "data")
        return tiny

    return prepare


@pytest.fixture(scope="session")
def by_heart(tmp_path_factory: pytest.TempPathFactory, examples: Callable[[str], Any]) -> Path:
    """A translate run that knows its few pairs by heart; `corpus.jsonl` and the prepared `data` are beside it."""
    from gpt2kit import pipeline, preparing, recipe

    folder = tmp_path_factory.mktemp("by-heart")
    translate = examples("translate")
    corpus = translate.write_corpus(folder)
    tiny = recipe.load("translate", translate.TINY)
    preparing.prepare(tiny, {"train": corpus, "val": corpus}, folder / "data")
    list(pipeline.train(tiny, folder / "data", folder / "run"))
    return folder / "run"
