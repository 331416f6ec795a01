"""Tokenizers and checkpoints that do not fit together, or claim what they have not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpt2kit
from gpt2kit import files, recipe
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError
from gpt2kit.runs.prepared import Prepared

Refusal = Callable[..., str]


@pytest.fixture
def data(workplace: Path, examples: Callable[[str], Any]) -> Path:
    """Pairs, prepared."""
    translate = examples("translate")
    corpus = translate.write_corpus(workplace)
    gpt2kit.prepare(recipe.load("translate", translate.TINY), {"train": corpus, "val": corpus}, workplace / "data")
    return workplace / "data"


@pytest.mark.parametrize("split", ["train", "val"])
def test_ids_beyond_the_vocabulary(workplace: Path, data: Path, refusal: Refusal, split: str) -> None:
    """Refused before there is a run, and not by an index in the first step, or on a GPU by none. Folders of older
    versions have no digests, by which the damage itself is noticed."""
    path, train = data / f"{split}.ids", ["translate", "train", "data", "--out", "run"]
    ids = np.fromfile(path, np.uint16)
    ids[len(ids) // 2] = 40_000
    ids.tofile(path)
    size = Prepared.open(data).task.vocabulary.size
    message = refusal(*train, "--set", "model.n_positions=64")
    assert message == f"data/{split}.ids is damaged: it is not as prepare wrote it; prepare the data again"
    counts = files.read_json(data / f"{split}.json")
    files.write_json(data / f"{split}.json", {key: value for key, value in counts.items() if key != "digests"})
    message = refusal(*train, "--set", "model.n_positions=64")
    wrong = f"data/{split}.ids contains the id 40000, but the tokenizer's ids end at {size - 1}"
    assert message == f"{wrong}: prepare the data again"
    assert not (workplace / "run").exists()


def test_ids_are_looked_at_part_by_part(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(data, "train")
    largest = int(store.ids.max())
    for at_once in (1, 7, 1 << 20):
        monkeypatch.setattr("gpt2kit.data.store.SCANNED_IDS", at_once)
        store.check_ids(largest + 1)
        with pytest.raises(
            DataError, match=f"contains the id {largest}, but the tokenizer's ids end at {largest - 1}:"
        ):
            store.check_ids(largest)


def test_a_tokenizer_with_gaps(data: Path) -> None:
    """The last ids would lie beyond the embedding's rows."""
    path = data / "tokenizer.json"
    described = json.loads(path.read_text(encoding="utf-8"))
    vocabulary = described["model"]["vocab"]
    vocabulary[max(vocabulary, key=vocabulary.__getitem__)] = 9999
    path.write_text(json.dumps(described), encoding="utf-8")
    with pytest.raises(DataError, match=r"tokenizer\.json is damaged: its \d+ tokens have ids up to 9999"):
        Prepared.open(data)
