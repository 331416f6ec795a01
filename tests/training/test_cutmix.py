"""CutMix for texts: what is taken, from where, and what it counts."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from gpt2kit.config import TrainConfig
from gpt2kit.data.examples import ExampleLayout
from gpt2kit.data.store import Store
from gpt2kit.errors import UserError
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.loss import TargetLoss
from gpt2kit.pipeline.train import layout_of
from gpt2kit.tasks.finetune import Finetune
from gpt2kit.training import objective as objectives
from gpt2kit.training import speed
from gpt2kit.training.cutmix import PIECE, mixed
from gpt2kit.training.events import Step
from gpt2kit.training.loop import Loop
from gpt2kit.training.objective import Objective

BuildModel = Callable[..., GPT2]
Write = Callable[..., Store]
START, EXTRACT, PADDING = 1, 2, 0
ROWS, WIDTH = 300, 19


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Texts of every length, whose tokens say which row and place they are of; and where they end."""
    lasts_B = torch.arange(ROWS) % (WIDTH - 1) + 1
    places_T = torch.arange(WIDTH)
    ids_BT = 1000 + torch.arange(ROWS)[:, None] * WIDTH + places_T
    ids_BT[:, 0] = START
    ids_BT = ids_BT.masked_fill(places_T > lasts_B[:, None], PADDING)
    ids_BT[torch.arange(ROWS), lasts_B] = EXTRACT
    return ids_BT, torch.arange(ROWS) * WIDTH + lasts_B


def test_pieces_come_from_the_same_places_of_one_other_row() -> None:
    torch.manual_seed(0)
    ids_BT, ends_B = batch()
    found = mixed(ids_BT, ends_B)
    taken_BT = found.ids_BT != ids_BT
    torch.testing.assert_close(found.ids_BT[taken_BT], ids_BT[found.others_B][taken_BT])
    text_BT = ids_BT >= 1000
    assert (text_BT | ~taken_BT).all(), "start, extract and padding stay"
    assert (text_BT[found.others_B] | ~taken_BT).all(), "and none of another row's comes in"
    shares_B = taken_BT.sum(1) / text_BT.sum(1).clamp(min=1)
    from_another = found.others_B != torch.arange(ROWS)
    torch.testing.assert_close(found.shares_B[from_another], shares_B[from_another])
    assert sorted(found.others_B.tolist()) == list(range(ROWS)), "every row gives once"


def test_tokens_are_taken_in_pieces_and_every_share_occurs() -> None:
    torch.manual_seed(0)
    ids_BT = 1000 + torch.arange(ROWS * 41).view(ROWS, 41)
    found = mixed(ids_BT, torch.arange(ROWS) * 41 + 40)
    taken_BT = (found.ids_BT != ids_BT)[found.others_B != torch.arange(ROWS)]
    whole = taken_BT[:, PIECE:40].unflatten(1, (-1, PIECE))
    assert (whole.all(-1) | ~whole.any(-1)).all()
    counts = torch.histc(found.shares_B, bins=4, min=0, max=1)
    assert counts.min() > ROWS / 8, "the share is drawn evenly, row by row"


def test_a_row_alone_stays_as_it_is() -> None:
    ids_BT, ends_B = batch()
    found = mixed(ids_BT[7:8], ends_B[7:8] % WIDTH)
    torch.testing.assert_close(found.ids_BT, ids_BT[7:8])


@pytest.mark.parametrize("token_dropout", [0.0, 0.5])
def test_mixed_texts_count_for_both_labels_by_their_share(
    token_dropout: float, store_of: Write, tiny_model: BuildModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_model(dropout=0)
    model.answer_with(("a", "b", "c"))
    assert model.score is not None
    torch.nn.init.normal_(model.score.weight)
    rows = [([START, *range(3 + n, 9 + n), EXTRACT], [n % 3]) for n in range(6)]
    batches = ExampleLayout(EXTRACT).training(store_of(rows), 1000, 0)
    (order,) = batches.epoch(0)
    inputs = batches.collate(order).inputs(torch.device("cpu"))
    ids_BT, ends_B, answers_E = inputs[0], inputs[4], inputs[7]
    torch.manual_seed(3)
    mix = mixed(ids_BT, ends_B)
    assert 0 < float(mix.shares_B.sum()) < len(rows)
    monkeypatch.setattr(objectives, "mixed", lambda *_: mix)

    def loss_of(cutmix: float) -> float:
        torch.manual_seed(5)  # the same tokens left out
        objective = Objective(model, TargetLoss(), 0.5, token_dropout, cutmix)
        return float(objective.train()(*inputs)[0].detach())

    with torch.no_grad():
        logits = model.hidden(mix.ids_BT)[:, 7] @ model.score.weight.t()
    targets = F.one_hot(answers_E, 3) * (1 - mix.shares_B)[:, None]
    targets = targets + F.one_hot(answers_E[mix.others_B], 3) * mix.shares_B[:, None]
    expected = float(F.cross_entropy(logits, targets, reduction="sum"))  # of soft targets, PyTorch's own
    assert loss_of(2.0) - loss_of(0.0) == pytest.approx(2 * expected, rel=1e-4)
    objective = Objective(model, TargetLoss(), 0.5, token_dropout, 2.0).eval()
    plain = Objective(model, TargetLoss()).eval()
    assert float(objective(*inputs)[0].detach()) == float(plain(*inputs)[0].detach()), "validation mixes nothing"


def test_texts_that_are_read_twice_are_counted_twice(
    store_of: Write, tiny_model: BuildModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a run computes decides on compilation, and each step's part of it is the share of the machine's peak."""
    monkeypatch.setattr(speed, "peak", lambda *_: 1e12)
    model = tiny_model()
    model.answer_with(("a", "b"))
    store = store_of([([START, 3, 4, EXTRACT], [n % 2]) for n in range(4)])
    planned, stepped = [], []
    for cutmix in (0.0, 1.0):
        config = TrainConfig(steps=1, cutmix=cutmix, device="cpu", dtype="fp32", compile="off")
        work = Loop(model, store, None, config, tmp_path, layout=ExampleLayout(EXTRACT), clock=count().__next__)
        planned.append(work.flop)
        (step,) = (event for event in work.run(lambda _: None) if isinstance(event, Step))
        stepped.append(step.of_peak)
    assert planned[1] == pytest.approx(2 * planned[0])
    assert 1.5 < stepped[1] / stepped[0] < 2.5, (
        "twice but for the head, at one second a step by the clock that is given"
    )


@pytest.mark.parametrize("kind", ["entailment", "similarity", "choice", "completion", "text"])
def test_only_single_texts_with_labels_are_mixed(kind: str) -> None:
    config = TrainConfig(cutmix=1.0)
    with pytest.raises(UserError, match=r"train\.cutmix mixes texts that have a label each"):
        layout_of(Finetune(kind=kind).formed(), 32, config)
