"""Computes the losses of a batch as one module, which a run on several devices wraps.

Shapes: B rows, T positions, N targets, D width, E examples, C classes.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.loss import TargetLoss, cross_entropy


class Objective(nn.Module):
    """A model with its loss. `forward` takes `Batch.inputs()` and returns the summed loss to differentiate and the
    summed cross-entropy in nats; in evaluation mode both are the cross-entropy."""

    def __init__(self, model: GPT2, loss: TargetLoss) -> None:
        super().__init__()
        self.model, self.loss = model, loss


class LanguageModelObjective(Objective):
    """Predicts the next token at the positions before the targets."""

    def forward(self, ids_BT: Tensor, positions_N: Tensor, labels_N: Tensor) -> tuple[Tensor, Tensor]:
        """Positions are flat in B x T."""
        hidden_ND = self.model.hidden(ids_BT, positions_N=positions_N)
        if self.training:
            return self.loss(hidden_ND, self.model.head, labels_N, new_MD=self.model.new_rows)
        plain = cross_entropy(hidden_ND, self.model.head, labels_N)
        return plain, plain


class ClassifierObjective(Objective):
    """Classifies examples by the last vector of their texts, in training next to the language model of the texts
    (Radford et al. 2018, equation 5). The cross-entropy that it returns is the classifier's."""

    def __init__(self, model: GPT2, loss: TargetLoss, lm_weight: float = 0.0, token_dropout: float = 0.0) -> None:
        """`lm_weight` is the weight of the language model's loss next to the classifier's; `token_dropout` the share
        of an example's tokens that training leaves out."""
        super().__init__(model, loss)
        self.lm_weight, self.token_dropout = lm_weight, token_dropout

    def forward(
        self,
        ids_BT: Tensor,
        positions_N: Tensor,
        labels_N: Tensor,
        weights_N: Tensor,
        ends_B: Tensor,
        examples_B: Tensor,
        slots_B: Tensor,
        answers_E: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Positions and ends are flat in B x T; the first four are the language model's, weighted target by target."""
        learns_language = self.training and self.lm_weight
        needed = torch.cat((ends_B, positions_N)) if learns_language else ends_B
        hidden = self.model.hidden(ids_BT, self._left_out(ids_BT, ends_B), needed)
        logits_EC = self.model.classify(hidden[: len(ends_B)], examples_B, slots_B, len(answers_E))
        plain = F.cross_entropy(logits_EC, answers_E, reduction="sum")
        total = plain
        if learns_language:
            vectors_ND = hidden[len(ends_B) :]
            language, _ = self.loss(vectors_ND, self.model.head, labels_N, weights_N, self.model.new_rows)
            total = total + self.lm_weight * language
        return total, plain.detach()

    def _left_out(self, ids_BT: Tensor, ends_B: Tensor) -> Tensor | None:
        """The tokens to leave out [B, T], never those that end a text (word dropout, Iyyer et al. 2015)."""
        if not (self.training and self.token_dropout):
            return None
        drawn = torch.rand(ids_BT.shape, device=ids_BT.device) < self.token_dropout
        return drawn.flatten().index_fill(0, ends_B, False).view_as(drawn)


def objective_of(model: GPT2, loss: TargetLoss, lm_weight: float = 0.0, token_dropout: float = 0.0) -> Objective:
    """Create the objective: classification for a model with a classifier, otherwise language modelling."""
    if model.labels:
        return ClassifierObjective(model, loss, lm_weight, token_dropout)
    return LanguageModelObjective(model, loss)
