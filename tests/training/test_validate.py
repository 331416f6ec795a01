"""The loss on a part of a split: which part, how much of it, and by whom."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from gpt2kit.config import ModelConfig, TrainConfig
from gpt2kit.data.batches import Batches, RowBatches
from gpt2kit.data.store import Store
from gpt2kit.data.streams import DocumentWindows
from gpt2kit.errors import DataError
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.loss import TargetLoss
from gpt2kit.training.distributed import ProcessGroup
from gpt2kit.training.events import Validation
from gpt2kit.training.loop import Loop
from gpt2kit.training.objective import LanguageModelObjective
from gpt2kit.training.validate import SplitLoss, evenly_spaced, split_loss, spread, validation_loss

Write = Callable[..., Store]
CPU, VOCAB = torch.device("cpu"), 40


def model_of() -> GPT2:
    torch.manual_seed(0)
    return GPT2(ModelConfig(n_layer=1, n_head=2, n_embd=16, n_positions=32, dropout=0.5), VOCAB)


@pytest.fixture
def val(store_of: Write) -> Store:
    """Rows of 2 to 13 tokens."""
    rng = torch.Generator().manual_seed(1)
    lengths = torch.randint(1, 12, (60,), generator=rng).tolist()
    rows = [([1], [*torch.randint(2, VOCAB, (length,), generator=rng).tolist(), 0]) for length in lengths]
    return store_of(rows, "val", vocab=VOCAB)


def direct(model: GPT2, batches: Batches, chosen: list[Any]) -> float:
    """Nats per target of some batches, row by row."""
    total, count = 0.0, 0
    for rows in chosen:
        batch = batches.collate(rows)
        with torch.no_grad():
            logits = model.eval()(batch.ids_BT).flatten(0, 1)[batch.positions_N]
        total += F.cross_entropy(logits, batch.labels_N, reduction="sum").item()
        count += batch.labels_N.numel()
    return total / count


def test_the_validation_loss_is_nats_per_target_token(val: Store) -> None:
    """As row by row and without padding."""
    model = model_of().train()
    found, total, count = validation_loss(model, RowBatches(val, 64, 0), CPU, "fp32"), 0.0, 0
    model.eval()
    for prompt, target in map(val.row, range(len(val))):
        with torch.no_grad():
            logits = model(torch.tensor([[*prompt, *target]]))[0]
        total += F.cross_entropy(logits[len(prompt) - 1 : -1], torch.tensor(target), reduction="sum").item()
        count += len(target)
    assert found == pytest.approx(total / count, rel=1e-5)


@pytest.mark.parametrize("length", [0, 1, 2, 7, 10, 60])
@pytest.mark.parametrize("count", [0, 1, 2, 5, 7, 100])
def test_evenly_spaced(length: int, count: int) -> None:
    """No item twice, in order, no more than there are, and the gaps differ by one at most."""
    found = evenly_spaced(range(length), count)
    assert len(found) == min(length, max(1, count))
    assert found == sorted(set(found))
    gaps = [after - before for before, after in pairwise(found)]
    assert not gaps or max(gaps) - min(gaps) <= 1
    if found:
        assert abs(found[0] - (length - 1 - found[-1])) <= 1, "as far from the one end as from the other"
    if count >= length:
        assert found == list(range(length))


def test_all_is_the_default(val: Store) -> None:
    model, batches = model_of(), RowBatches(val, 26, 0)
    found = split_loss(LanguageModelObjective(model, TargetLoss()), batches, ProcessGroup(CPU), "fp32")
    assert (found.share, found.batches, found.of) == (1, len(batches), len(batches))
    assert found.loss == pytest.approx(direct(model, batches, batches.epoch(0)), rel=1e-5)
    more = split_loss(
        LanguageModelObjective(model, TargetLoss()), batches, ProcessGroup(CPU), "fp32", tokens=10**6, most=10**6
    )
    assert more == found


@pytest.mark.parametrize("layout", [lambda val: RowBatches(val, 26, 0), lambda val: DocumentWindows(val, 8, 16)])
@pytest.mark.parametrize("tokens", [1, 50, 200])
def test_so_many_tokens_spread_over_the_split(val: Store, layout: Callable[[Store], Batches], tokens: int) -> None:
    model, batches = model_of(), layout(val)
    epoch = batches.epoch(0)
    chosen = evenly_spaced(epoch, len(epoch) * tokens // batches.epoch_tokens)
    looked = sum(batches.tokens(rows) for rows in chosen)
    assert looked <= max(1.5 * tokens, 26)
    assert looked >= tokens / 2
    found = split_loss(LanguageModelObjective(model, TargetLoss()), batches, ProcessGroup(CPU), "fp32", tokens)
    assert found.share == 1, "all of what was asked for"
    assert found.of == len(chosen)
    assert found.loss == pytest.approx(direct(model, batches, chosen), rel=1e-5)


@pytest.mark.parametrize("tokens", [0, 200])
def test_probes_are_a_share_of_what_is_looked_at(val: Store, tokens: int) -> None:
    model, batches = model_of(), RowBatches(val, 26, 0)
    epoch = batches.epoch(0)
    looked_at = evenly_spaced(epoch, len(epoch) * tokens // batches.epoch_tokens) if tokens else epoch
    found = split_loss(LanguageModelObjective(model, TargetLoss()), batches, ProcessGroup(CPU), "fp32", tokens, most=3)
    assert found.share == 3 / len(looked_at)
    assert (found.batches, found.of) == (3, len(looked_at))
    assert found.loss == pytest.approx(direct(model, batches, spread(looked_at)[:3]), rel=1e-5)


@pytest.mark.parametrize("calls", [0, 1, 3, 1000])
def test_a_validation_ends_when_there_is_enough(val: Store, calls: int) -> None:
    """After one batch at least; what was computed is the beginning of what would have been."""
    model, batches, asked = model_of(), RowBatches(val, 26, 0), list[int]()

    def enough() -> bool:
        asked.append(1)
        return len(asked) > calls

    objective = LanguageModelObjective(model, TargetLoss())
    whole = split_loss(objective, batches, ProcessGroup(CPU), "fp32")
    found = split_loss(objective, batches, ProcessGroup(CPU), "fp32", enough=enough)
    count = min(calls + 1, len(batches))
    assert found.turns == whole.turns[:count]
    assert (found.batches, found.of, found.share) == (count, len(batches), count / len(batches))
    assert found.loss == pytest.approx(direct(model, batches, spread(batches.epoch(0))[:count]), rel=1e-5)


def test_a_part_has_targets(store_of: Write) -> None:
    """Batches without a target do not end a validation, however little time there is."""
    batches = DocumentWindows(store_of([([1], [])] * 7 + [([1], [5, 0])], "val"), 8, 1)
    found = split_loss(
        LanguageModelObjective(model_of(), TargetLoss()), batches, ProcessGroup(CPU), "fp32", enough=lambda: True
    )
    assert sum(targets for _, targets in found.turns) > 0


def test_two_losses_are_compared_on_the_batches_of_both() -> None:
    whole = SplitLoss([(4.0, 2.0), (9.0, 3.0), (1.0, 1.0)], 3, 3, 1.0)
    lower, higher = (SplitLoss([(nats, 2.0)], 1, 3, 1 / 3) for nats in (3.9, 4.1))
    assert whole.loss == 14 / 6
    assert (lower.loss, higher.loss) == (1.95, 2.05), "both are below the other's mean over all batches"
    assert lower.lower_than(whole)
    assert not higher.lower_than(whole)
    assert whole.lower_than(higher)
    assert not whole.lower_than(whole)


@pytest.mark.parametrize("length", [0, 1, 2, 3, 7, 10, 64, 65])
def test_spread(length: int) -> None:
    """Every item once, and no beginning leaves a gap much longer than the others."""
    found = spread(range(length))
    assert sorted(found) == list(range(length))
    assert found[:1] == evenly_spaced(range(length), 1)
    for count in range(1, length + 1):
        places = [-1, *sorted(found[:count]), length]
        assert max(after - before for before, after in pairwise(places)) <= 2 * -(-(length + 1) // count)


@pytest.mark.parametrize("size", [2, 3, 7])
@pytest.mark.parametrize(("tokens", "probes"), [(0, 0), (200, 0), (200, 2)])
def test_a_group_computes_every_batch_once(val: Store, size: int, tokens: int, probes: int) -> None:
    """Processes one after the other, their sums added: with all batches the loss of one process alone."""
    batches, seen, sums = RowBatches(val, 26, 0), list[list[int]](), list[list[float]]()
    collate = batches.collate

    def recorded(rows: Any) -> Any:
        seen.append(rows.tolist())
        return collate(rows)

    batches.collate = recorded  # type: ignore[method-assign]
    objective = LanguageModelObjective(model_of(), TargetLoss())
    shares = set()
    for rank in range(size):

        def added(values: list[float]) -> list[float]:
            sums.append(values)
            return [sum(each) for each in zip(*sums, strict=True)]

        group: Any = SimpleNamespace(device=CPU, rank=rank, size=size, sum=added)
        computed = len(seen)
        found = split_loss(objective, batches, group, "fp32", tokens, probes)
        shares.add((len(seen) - computed, found.share))
    assert len(shares) == 1, "each computes as many, or the others would wait for it"
    assert not probes or next(iter(shares))[0] == probes
    if not probes:
        alone = split_loss(objective, batches, ProcessGroup(CPU), "fp32", tokens)
        assert found.loss == pytest.approx(alone.loss, rel=1e-6)
        assert found.batches == alone.batches


def test_a_split_without_targets(store_of: Write) -> None:
    batches = DocumentWindows(store_of([([1], [])], "val"), 8, 16)
    for probes in (0, 3):
        with pytest.raises(DataError, match="the validation split has no target tokens"):
            split_loss(
                LanguageModelObjective(model_of(), TargetLoss()), batches, ProcessGroup(CPU), "fp32", 100, probes
            )


@pytest.mark.parametrize("tokens", [0, 120])
def test_a_run_validates_on_so_many_tokens(val: Store, tmp_path: Any, tokens: int) -> None:
    """The same ones each time; what training learns from does not change."""
    config = TrainConfig(
        steps=4, evaluate_every=2, batch_tokens=26, lr=1e-2, dtype="fp32", compile="off", device="cpu", samples=0
    )
    loop = Loop(model_of(), val, val, replace(config, validate_tokens=tokens), tmp_path)
    assert loop.validation is not None
    epoch = loop.validation.epoch(0)
    chosen = evenly_spaced(epoch, len(epoch) * tokens // val.tokens) if tokens else epoch
    assert (len(chosen) < len(epoch) / 2) == bool(tokens)
    found = []
    for event in loop.run(lambda model: None):
        if isinstance(event, Validation):
            found.append(event.loss)
            assert event.loss == pytest.approx(direct(loop.learner.model, loop.validation, chosen), rel=1e-5)
    assert len(found) == 2
