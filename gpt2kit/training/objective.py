"""From a batch to its losses as one module: what runs on several devices is wrapped around exactly this.

Shapes: B rows, T positions, N targets, D width, E examples, C answers.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.loss import TargetLoss, cross_entropy


class Objective(nn.Module):
    """The model with its loss; in evaluation mode both losses are the plain cross-entropy."""

    def __init__(
        self,
        model: GPT2,
        loss: TargetLoss,
        lm_weight: float = 0.0,
        token_dropout: float = 0.0,
    ) -> None:
        """`lm_weight` is the weight of the language model's loss next to that of the labels; `token_dropout` the share
        of an example's tokens that training leaves out."""
        super().__init__()
        self.model, self.loss, self.lm_weight = model, loss, lm_weight
        self.token_dropout = token_dropout

    def forward(
        self,
        ids_BT: Tensor,
        positions_N: Tensor,
        labels_N: Tensor,
        weights_N: Tensor | None = None,
        ends_B: Tensor | None = None,
        examples_B: Tensor | None = None,
        slots_B: Tensor | None = None,
        answers_E: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Summed loss to differentiate, and summed cross-entropy in nats; positions are flat in B x T.

        With answers the latter is theirs, and the former has beside it the language model's, weighted target by target
        (Radford et al. 2018, equation 5).
        """
        if ends_B is None or examples_B is None or slots_B is None or answers_E is None:
            hidden_ND = self.model.hidden(ids_BT).flatten(0, 1)[positions_N]
            if self.training:
                return self.loss(hidden_ND, self.model.head, labels_N, new_MD=self.model.new_rows)
            plain = cross_entropy(hidden_ND, self.model.head, labels_N)
            return plain, plain
        hidden = self.model.hidden(ids_BT, self._left_out(ids_BT, ends_B)).flatten(0, 1)
        logits_EC = self.model.classify(hidden[ends_B], examples_B, slots_B, len(answers_E))
        plain = F.cross_entropy(logits_EC, answers_E, reduction="sum")
        total = plain
        if self.training and self.lm_weight:
            language, _ = self.loss(hidden[positions_N], self.model.head, labels_N, weights_N, self.model.new_rows)
            total = total + self.lm_weight * language
        return total, plain.detach()

    def _left_out(self, ids_BT: Tensor, ends_B: Tensor) -> Tensor | None:
        """Which tokens are left out [B, T], any but those that end a text (word dropout, Iyyer et al. 2015)."""
        if not (self.training and self.token_dropout):
            return None
        drawn = torch.rand(ids_BT.shape, device=ids_BT.device) < self.token_dropout
        return drawn.flatten().index_fill(0, ends_B, False).view_as(drawn)
