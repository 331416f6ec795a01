"""Windows: in training a ring cut anew each epoch, in validation every token of every document once."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from numpy.random import Generator
from torch.nn import functional as F

from gpt2kit.config import ModelConfig, TrainConfig
from gpt2kit.data.store import Store
from gpt2kit.data.streams import DocumentWindows, Ids, StreamBatches, StreamBatching
from gpt2kit.errors import DataError
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.training.events import StepDone, Validation
from gpt2kit.training.loop import Loop
from gpt2kit.training.validate import validation_loss

Write = Callable[..., Store]
LENGTHS = [1, 40, 3, 17, 2, 33, 8]
BEGIN, END, VOCAB = 0, 1, 300
BASE = TrainConfig(steps=8, batch_tokens=32, lr=1e-2, dtype="fp32", compile="off", device="cpu", evaluate_every=4)


@pytest.fixture
def store(store_of: Write) -> Store:
    """Documents in which every id between their ends is another one."""
    ids = iter(range(2, VOCAB))
    return store_of([([BEGIN], [*(next(ids) for _ in range(length)), END]) for length in LENGTHS])


def plain(ring: Ids, start: int, length: int, noise: Generator) -> Ids:
    return ring.take(range(start, start + length), mode="wrap")


def model_of() -> GPT2:
    torch.manual_seed(0)
    return GPT2(ModelConfig(n_layer=1, n_head=2, n_embd=16, n_positions=16, dropout=0.1), VOCAB)


def test_given_ids_carry_no_loss(store_of: Write) -> None:
    """In training windows; the loss is divided by all tokens."""
    store = store_of([([3, 9, 4], [8, 5, 6, 1])])
    rows = (batches := StreamBatching(6, plain, given=8).training(store, 6, 0)).epoch(0)[0]
    batch = batches.collate(rows)
    window = [*batch.ids_BT[0].tolist(), int(store.ids[(rows[0, 0] + 6) % 7])]
    assert batch.labels_N.tolist() == [id for id in window[1:] if id < 8]
    assert batch.positions_N.tolist() == [place for place, id in enumerate(window[1:]) if id < 8]
    assert batches.targets(rows) == 6
    validation = StreamBatching(6, plain, given=8).validation(store, 6)
    assert validation.collate(validation.epoch(0)[0]).labels_N.tolist() == [9, 4, 8, 5, 6, 1]


def test_an_empty_split_has_no_windows(store_of: Write) -> None:
    windows = StreamBatching(6, plain).validation(store_of([]), 6)
    assert (len(windows), windows.epoch(0), len(windows.in_order()), windows.epoch_tokens) == (0, [], 0, 0)


def test_training_windows_may_be_shorter_than_those_of_validation(store: Store) -> None:
    batching = StreamBatching(16, plain, shorter=8)
    training, validation = batching.training(store, 32, 0), batching.validation(store, 32)
    assert {length - 1 for rows in training.epoch(0) for length in training.lengths(rows)} == {8}
    assert [len(rows) for rows in training.epoch(0)][:1] == [4], "a batch has twice as many places of the data"
    assert max(length - 1 for rows in validation.epoch(0) for length in validation.lengths(rows)) == 16


def test_an_epoch_reads_the_ring_once(store: Store) -> None:
    batches = StreamBatches(store, 10, 40, 0, plain)
    for number in range(3):
        read = []
        for rows in batches.epoch(number):
            batch = batches.collate(rows)
            assert batch.ids_BT.shape == (len(rows), 10)
            assert torch.equal(batch.positions_N, torch.arange(batch.ids_BT.numel())), "every position has a target"
            assert torch.equal(batch.labels_N.view(-1, 10)[:, :-1], batch.ids_BT[:, 1:])
            assert batches.targets(rows) == batches.tokens(rows) == batch.tokens == batch.labels_N.numel()
            assert len(rows) <= 4
            read += [token for token in batch.ids_BT.flatten().tolist() if token > END]
        assert len(read) == len(set(read)), "no token twice"
        assert len(read) > sum(LENGTHS) - 10, "and what is left out is shorter than a window"
    assert batches.epoch_tokens == sum(batches.tokens(rows) for rows in batches.epoch(0))


def test_epochs_are_cut_elsewhere_and_seeds_reproduce(store: Store) -> None:
    def starts(seed: int, number: int) -> list[int]:
        return [int(start) for rows in StreamBatches(store, 10, 40, seed, plain).epoch(number) for start in rows[:, 0]]

    assert starts(0, 1) == starts(0, 1)
    phases = {min(starts(seed, number)) for seed in range(2) for number in range(4)}
    assert len(phases) > 3


def test_a_crop_has_noise_of_its_own(store: Store) -> None:
    def crop(ring: Ids, start: int, length: int, noise: Generator) -> Ids:
        return noise.integers(2, VOCAB, length)

    batches = StreamBatches(store, 10, 1000, 0, crop)
    (first,), (second,) = batches.epoch(0), batches.epoch(1)
    again = [batches.collate(rows).ids_BT for rows in (first, first, second)]
    assert torch.equal(again[0], again[1]), "the same row is the same crop, in whatever order batches are made"
    assert len({tuple(row) for ids in (again[0], again[2]) for row in ids.tolist()}) == 2 * len(first)


@pytest.mark.parametrize("window", [1, 2, 7, 16, 100])
def test_validation_predicts_every_token_once(store: Store, window: int) -> None:
    windows = DocumentWindows(store, window, 32)
    predicted = []
    for rows in windows.epoch(0):
        batch = windows.collate(rows)
        assert batch.ids_BT.shape[1] <= window
        assert batch.labels_N.numel() == windows.targets(rows) == batch.tokens
        before = batch.ids_BT.flatten()[batch.positions_N]
        predicted += list(zip(before.tolist(), batch.labels_N.tolist(), strict=True))
    expected: list[tuple[int, int]] = []
    for index in range(len(LENGTHS)):
        document = [id for part in store.row(index) for id in part]
        expected += pairwise(document)
    assert sorted(predicted) == sorted(expected)
    assert windows.epoch_tokens == len(expected)
    assert 0 <= windows.padding < 1


def test_the_loss_of_a_split_is_that_of_its_documents(store: Store) -> None:
    model = model_of().eval()
    total = targets = 0.0
    for index in range(len(LENGTHS)):
        document = torch.tensor([id for part in store.row(index) for id in part])
        for start in range(0, len(document) - 1, 16):
            piece = document[start : start + 17]
            with torch.no_grad():
                total += float(F.cross_entropy(model(piece[None, :-1])[0], piece[1:], reduction="sum"))
            targets += len(piece) - 1
    found = validation_loss(model, DocumentWindows(store, 16, 64), torch.device("cpu"), "fp32")
    assert found == pytest.approx(total / targets, rel=1e-6)


def test_windows_in_order_end_with_the_short_ends_of_documents(store: Store) -> None:
    """As people read them: `epoch` has the shortest first."""
    windows = DocumentWindows(store, 16, 64)
    rows = windows.in_order()
    assert sorted(rows.tolist()) == sorted(row for part in windows.epoch(0) for row in part.tolist())
    lengths = windows.lengths(rows).tolist()
    whole = [3, 17, 17, 5, 17, 4, 17, 17, 10]
    assert lengths == [*whole, 10, 3, 3]
    assert all(one < two for part in (rows[:9, 0], rows[9:, 0]) for one, two in pairwise(part.tolist()))


@pytest.mark.parametrize(("window", "stride"), [(16, 16), (16, 8), (16, 1), (7, 3), (100, 50)])
def test_a_stride_gives_every_token_more_to_look_back_at(store: Store, window: int, stride: int) -> None:
    """Each token but a document's first is predicted once, behind `window - stride` others or all that there are."""
    model, windows = model_of().eval(), DocumentWindows(store, window, 64, stride)
    seen: list[int] = []
    for rows in windows.epoch(0):
        batch = windows.collate(rows)
        places = batch.positions_N % batch.ids_BT.shape[1]
        for place, label, row in zip(places, batch.labels_N, batch.positions_N // batch.ids_BT.shape[1], strict=True):
            text = batch.ids_BT[row, : place + 1].tolist()
            (at,) = (
                at
                for document in documents(store)
                for at in range(len(text), len(document))
                if document[at] == label and document[at - len(text) : at] == text
            )
            assert len(text) >= min(at, window - stride + 1)
            seen.append(int(label))
    assert sorted(seen) == sorted(id for document in documents(store) for id in document[1:])
    assert windows.epoch_tokens == len(seen)
    assert 0 <= windows.padding < 1
    if window == 16:
        found = validation_loss(model, windows, torch.device("cpu"), "fp32")
        assert found == pytest.approx(by_sliding(model, documents(store), window, stride), rel=1e-6)


def documents(store: Store) -> list[list[int]]:
    return [[id for part in store.row(index) for id in part] for index in range(len(store))]


def by_sliding(model: GPT2, texts: list[list[int]], window: int, stride: int) -> float:
    """The loss as `transformers` documents it: windows a stride apart, each scored where it is new."""
    total, count = 0.0, 0
    for text in texts:
        scored = 1
        for begin in range(0, len(text), stride):
            end = min(begin + window + 1, len(text))
            if end > scored:
                piece = torch.tensor(text[begin:end])
                with torch.no_grad():
                    losses_T = F.cross_entropy(model(piece[None, :-1])[0], piece[1:], reduction="none")
                total += float(losses_T[scored - begin - 1 :].sum())
                count += end - scored
                scored = end
    return total / count


def test_rows_without_a_prompt_go_on_with_a_document(store_of: Write) -> None:
    store = store_of([([], [5, 6]), ([], [7]), ([0], [8, 9]), ([0], [10]), ([], [11, 12]), ([], [13])])
    assert store.document_ends().tolist() == [3, 6, 11]
    windows = DocumentWindows(store, 10, 100)
    assert windows.epoch_tokens == 2 + 2 + 4
    assert store_of([]).document_ends().tolist() == []


def losses(work: Loop, stop: int | None = None) -> list[tuple[int, float]]:
    found = []
    for event in work.run(lambda model: None):
        if isinstance(event, StepDone | Validation):
            found.append((event.step, event.loss))
        if stop is not None and isinstance(event, StepDone) and event.step == stop:
            break
    return found


@pytest.mark.parametrize("knobs", [{}, {"accumulate": 2}])
def test_training_on_windows_goes_on_where_it_stopped(store: Store, tmp_path: Path, knobs: dict[str, Any]) -> None:
    config, layout = replace(BASE, save_every=1, **knobs), StreamBatching(16, plain)
    whole = losses(Loop(model_of(), store, store, config, tmp_path, batching=layout))
    assert whole[-1][1] < whole[0][1]
    losses(Loop(model_of(), store, store, config, tmp_path, batching=layout), stop=6)
    again = Loop(model_of(), store, store, config, tmp_path, batching=layout)
    again.resume()
    assert again.progress.step == 5, "what was not saved is done again"
    assert losses(again) == whole[-4:]


def test_a_window_is_never_longer_than_the_data(store_of: Write) -> None:
    batches = StreamBatches(store_of([([0], [5, 6, 1])]), 100, 1000, 0, plain)
    (rows,) = batches.epoch(0)
    assert batches.collate(rows).ids_BT.shape == (1, 3)


def test_no_tokens_are_an_error(store_of: Write) -> None:
    with pytest.raises(DataError, match="nothing to train on: the training split has fewer than 2 tokens"):
        StreamBatches(store_of([]), 10, 40, 0, plain)
