"""Batches of labelled examples: every text a row, every answer where it belongs."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from gpt2kit.data.examples import ExampleBatching
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.loss import TargetLoss
from gpt2kit.training.objective import ClassifierObjective

Write = Callable[..., Store]
BuildModel = Callable[..., GPT2]
EXTRACT = 9

ROWS = [
    ([1, 2, 3, EXTRACT], [0]),
    ([1, 4, EXTRACT, 1, 5, 6, EXTRACT], [1]),
    ([1, 7, 8, 7, 8, EXTRACT], [EXTRACT]),
    ([1, EXTRACT, 1, EXTRACT, 1, 3, EXTRACT], [2]),
]


def texts_of(prompt: list[int]) -> list[list[int]]:
    found: list[list[int]] = [[]]
    for id in prompt:
        found[-1].append(id)
        if id == EXTRACT:
            found.append([])
    return found[:-1]


@pytest.mark.parametrize("batch_tokens", [1, 20, 1000])
def test_every_text_is_a_row(store_of: Write, batch_tokens: int) -> None:
    batches = ExampleBatching(EXTRACT).training(store_of(ROWS), batch_tokens, seed=0)
    seen = []
    for rows in batches.epoch(0):
        batch = batches.collate(rows)
        assert batch.targets == batches.targets(rows) == len(rows)
        flat = batch.ids_BT.flatten()
        assert torch.equal(flat[batch.ends_B], torch.full_like(batch.ends_B, EXTRACT))
        assert torch.equal(flat[batch.positions_N + 1], batch.labels_N)
        for example, row in enumerate(rows):
            mine = batch.examples_B == example
            wanted = texts_of(ROWS[row][0])
            assert batch.slots_B[mine].tolist() == list(range(len(wanted)))
            for text, ids, end in zip(wanted, batch.ids_BT[mine], batch.ends_B[mine], strict=True):
                assert ids[: len(text)].tolist() == text
                assert int(end) % batch.ids_BT.shape[1] == len(text) - 1
            assert batch.answers_E[example] == ROWS[row][1][0]
        owner = batch.examples_B[batch.positions_N // batch.ids_BT.shape[1]]
        sums = torch.zeros(len(rows)).index_add(0, owner, batch.weights_N)
        assert sums == pytest.approx(torch.ones(len(rows))), "the mean over an example's tokens"
        seen += rows.tolist()
    assert sorted(seen) == list(range(len(ROWS)))


def test_lengths_are_those_of_the_longest_text(store_of: Write) -> None:
    batches = ExampleBatching(EXTRACT).validation(store_of(ROWS), 100)
    assert batches.measured().tolist() == [5, 5, 7, 4], "one more than there are inputs"
    assert batches.lengths(np.array([1, 3])).tolist() == [4, 5, 3, 3, 4]
    assert batches.tokens(np.array([1, 3])) == 3 + 4 + 2 + 2 + 3


def test_a_row_without_a_text(store_of: Write) -> None:
    with pytest.raises(DataError, match="row 2 of train has no text"):
        ExampleBatching(EXTRACT).training(store_of([ROWS[0], ([1, 2], [0])]), 100, 0)
    with pytest.raises(DataError, match="has no rows"):
        ExampleBatching(EXTRACT).training(store_of([]), 100, 0)


@pytest.mark.parametrize("labels", [("no", "yes", "maybe"), ("choice",)])
def test_the_loss_is_that_of_each_example_alone(
    store_of: Write, tiny_model: BuildModel, labels: tuple[str, ...]
) -> None:
    """CE of the answer + 0.5 x the language model's mean loss of its texts, summed over examples."""
    rows = [row for row in ROWS if row[1][0] < (3 if len(labels) > 1 else len(texts_of(row[0])))]
    assert len(rows) > 2 - (len(labels) == 1)
    model = tiny_model(dropout=0)
    model.set_classifier(labels)
    assert model.score is not None
    torch.nn.init.normal_(model.score.weight)
    expected, answers = 0.0, 0.0
    for prompt, (answer,) in rows:
        texts = [torch.tensor(text)[None] for text in texts_of(prompt)]
        with torch.no_grad():
            last = torch.cat([model.hidden(text)[:, -1] for text in texts])
            scores = last @ model.score.weight.t()
            logits = scores.sum(0) if len(labels) > 1 else scores[:, 0]
            answers += float(F.cross_entropy(logits, torch.tensor(answer)))
            losses = [float(F.cross_entropy(model(t[:, :-1])[0], t[0, 1:])) for t in texts]
        expected += 0.5 * sum(losses) / len(losses)
    batches = ExampleBatching(EXTRACT).training(store_of(rows), 1000, 0)
    (order,) = batches.epoch(0)
    objective = ClassifierObjective(model, TargetLoss(), lm_weight=0.5).train()
    loss, plain = objective(*batches.collate(order).inputs(torch.device("cpu")))
    assert float(plain) == pytest.approx(answers, rel=1e-5)
    assert float(loss.detach()) == pytest.approx(answers + expected, rel=1e-5)
    loss.backward()
    assert model.score.weight.grad is not None
    alone = ClassifierObjective(model, TargetLoss(), lm_weight=0.0).train()
    assert float(alone(*batches.collate(order).inputs(torch.device("cpu")))[0].detach()) == pytest.approx(
        answers, rel=1e-5
    )


def test_tokens_are_left_out_in_training_but_for_the_last(store_of: Write, tiny_model: BuildModel) -> None:
    """Word dropout: a vector of its token is missing at about so many places, and nothing else is."""
    model = tiny_model(dropout=0)
    model.set_classifier(("a", "b", "c"))
    batches = ExampleBatching(EXTRACT).training(store_of([([1, 2, 3, 4, 5, EXTRACT], [0])] * 200), 10_000, 0)
    (order,) = batches.epoch(0)
    inputs = batches.collate(order).inputs(torch.device("cpu"))
    ids_BT, ends_B = inputs[0], inputs[4]
    seen: list[torch.Tensor] = []
    model.transformer.h[0].register_forward_pre_hook(lambda _, given: seen.append(given[0].detach()))
    objective = ClassifierObjective(model, TargetLoss(), lm_weight=0.5, token_dropout=0.3)
    objective.train()(*inputs)
    body = model.transformer
    positions_TD = body.wpe.weight[: ids_BT.size(1)]
    left_out = (seen[0] == positions_TD).all(-1)
    torch.testing.assert_close(seen[0][~left_out], (body.wte(ids_BT) + positions_TD)[~left_out])
    assert not left_out.flatten()[ends_B].any()
    assert 0.25 < float(left_out[:, :5].float().mean()) < 0.35
    objective.eval()(*inputs)
    torch.testing.assert_close(seen[1], body.wte(ids_BT) + positions_TD)


def test_parts_of_a_batch_add_up(store_of: Write, tiny_model: BuildModel) -> None:
    model = tiny_model(dropout=0)
    model.set_classifier(("a", "b", "c"))
    batches = ExampleBatching(EXTRACT).training(store_of([ROWS[0], ROWS[1], ROWS[3]]), 1000, 0)
    objective = ClassifierObjective(model, TargetLoss(), lm_weight=0.5).train()
    gradients = []
    for parts in ([np.arange(3)], [np.array([0]), np.array([1, 2])]):
        model.zero_grad()
        for part in parts:
            objective(*batches.collate(part).inputs(torch.device("cpu")))[0].backward()
        gradients.append([parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None])
    for whole, summed in zip(*gradients, strict=True):
        torch.testing.assert_close(whole, summed)
