"""The two objectives: which model has which, and what each makes of its batch."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from gpt2kit.data.batches import RowBatches
from gpt2kit.data.examples import ExampleBatching
from gpt2kit.data.store import Store
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.loss import TargetLoss
from gpt2kit.training.objective import ClassifierObjective, LanguageModelObjective, objective_of

Write = Callable[..., Store]
BuildModel = Callable[..., GPT2]

CPU, EXTRACT = torch.device("cpu"), 9
ROWS = [([1, 2, 3], [4, 0]), ([5], [6, 7, 8, 0])]
EXAMPLES = [
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


@pytest.mark.parametrize("labels", [("no", "yes"), ("choice",)])
def test_a_model_with_a_classifier_learns_to_classify(tiny_model: BuildModel, labels: tuple[str, ...]) -> None:
    model = tiny_model()
    assert type(objective_of(model, TargetLoss(), 0.5, 0.1)) is LanguageModelObjective
    model.set_classifier(labels)
    found = objective_of(model, TargetLoss(), 0.5, 0.1)
    assert isinstance(found, ClassifierObjective)
    assert (found.lm_weight, found.token_dropout) == (0.5, 0.1)


@pytest.mark.parametrize("train", [False, True])
def test_a_language_model_s_loss_is_the_sum_over_its_targets(
    tiny_model: BuildModel, store_of: Write, train: bool
) -> None:
    """Label smoothing is part of what is learned from alone."""
    model = tiny_model(dropout=0)
    batch = RowBatches(store_of(ROWS), 100, 0).collate(np.arange(2))
    objective = objective_of(model, TargetLoss(0.2)).train(train)
    loss, plain = objective(*batch.inputs(CPU))
    expected = 0.0
    for prompt, target in ROWS:
        logits = model(torch.tensor([[*prompt, *target]]))[0, len(prompt) - 1 : -1]
        expected += float(F.cross_entropy(logits, torch.tensor(target), reduction="sum").detach())
    assert float(plain.detach()) == pytest.approx(expected, rel=1e-5)
    assert (float(loss.detach()) == pytest.approx(expected, rel=1e-5)) != train


@pytest.mark.parametrize("labels", [("no", "yes", "maybe"), ("choice",)])
def test_the_loss_is_that_of_each_example_alone(
    store_of: Write, tiny_model: BuildModel, labels: tuple[str, ...]
) -> None:
    """CE of the answer + 0.5 x the language model's mean loss of its texts, summed over examples."""
    rows = [row for row in EXAMPLES if row[1][0] < (3 if len(labels) > 1 else len(texts_of(row[0])))]
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
    loss, plain = objective(*batches.collate(order).inputs(CPU))
    assert float(plain) == pytest.approx(answers, rel=1e-5)
    assert float(loss.detach()) == pytest.approx(answers + expected, rel=1e-5)
    loss.backward()
    assert model.score.weight.grad is not None
    alone = ClassifierObjective(model, TargetLoss(), lm_weight=0.0).train()
    assert float(alone(*batches.collate(order).inputs(CPU))[0].detach()) == pytest.approx(answers, rel=1e-5)


def test_tokens_are_left_out_in_training_but_for_the_last(store_of: Write, tiny_model: BuildModel) -> None:
    """Word dropout: a vector of its token is missing at about so many places, and nothing else is."""
    model = tiny_model(dropout=0)
    model.set_classifier(("a", "b", "c"))
    batches = ExampleBatching(EXTRACT).training(store_of([([1, 2, 3, 4, 5, EXTRACT], [0])] * 200), 10_000, 0)
    (order,) = batches.epoch(0)
    inputs = batches.collate(order).inputs(CPU)
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
    batches = ExampleBatching(EXTRACT).training(store_of([EXAMPLES[0], EXAMPLES[1], EXAMPLES[3]]), 1000, 0)
    objective = ClassifierObjective(model, TargetLoss(), lm_weight=0.5).train()
    gradients = []
    for parts in ([np.arange(3)], [np.array([0]), np.array([1, 2])]):
        model.zero_grad()
        for part in parts:
            objective(*batches.collate(part).inputs(CPU))[0].backward()
        gradients.append([parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None])
    for whole, summed in zip(*gradients, strict=True):
        torch.testing.assert_close(whole, summed)
