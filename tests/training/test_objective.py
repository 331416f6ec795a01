"""The two objectives: which model has which, and what each makes of its batch."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from gpt2kit.data.batches import RowBatches
from gpt2kit.data.store import Store
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.loss import TargetLoss
from gpt2kit.training.objective import ClassifierObjective, LanguageModelObjective, objective_of

ROWS = [([1, 2, 3], [4, 0]), ([5], [6, 7, 8, 0])]
CPU = torch.device("cpu")


@pytest.mark.parametrize("labels", [("no", "yes"), ("choice",)])
def test_a_model_with_a_classifier_learns_to_classify(tiny_model: Callable[..., GPT2], labels: tuple[str, ...]) -> None:
    model = tiny_model()
    assert type(objective_of(model, TargetLoss(), 0.5, 0.1)) is LanguageModelObjective
    model.set_classifier(labels)
    found = objective_of(model, TargetLoss(), 0.5, 0.1)
    assert isinstance(found, ClassifierObjective)
    assert (found.lm_weight, found.token_dropout) == (0.5, 0.1)


@pytest.mark.parametrize("train", [False, True])
def test_a_language_model_s_loss_is_the_sum_over_its_targets(
    tiny_model: Callable[..., GPT2], store_of: Callable[..., Store], train: bool
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
