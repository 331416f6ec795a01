"""From a batch to its losses as one module: what runs on several devices is wrapped around exactly this.

Shapes: B rows, T positions, N targets, D width, E examples, C answers.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.loss import TargetLoss, cross_entropy
from gpt2kit.training.cutmix import mixed


class Objective(nn.Module):
    """The model with its loss; in evaluation mode both losses are the plain cross-entropy."""

    def __init__(
        self,
        model: GPT2,
        loss: TargetLoss,
        lm_weight: float = 0.0,
        token_dropout: float = 0.0,
        cutmix: float = 0.0,
    ) -> None:
        """What counts in training beside the loss of a head's answers: `lm_weight` is the language model's part,
        `cutmix` that of mixed examples, which are to have one text each. `token_dropout` is the share of an example's
        tokens that are left out."""
        super().__init__()
        self.model, self.loss, self.lm_weight = model, loss, lm_weight
        self.token_dropout, self.cutmix = token_dropout, cutmix

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
        (Radford et al. 2018, equation 5), and that of mixed texts.
        """
        if ends_B is None or examples_B is None or slots_B is None or answers_E is None:
            hidden_ND = self.model.hidden(ids_BT).flatten(0, 1)[positions_N]
            if self.training:
                return self.loss(hidden_ND, self.model.head, labels_N, new_MD=self.model.new_rows)
            plain = cross_entropy(hidden_ND, self.model.head, labels_N)
            return plain, plain
        read_BT, left_out_BT = ids_BT, self._left_out(ids_BT, ends_B)
        mix = mixed(ids_BT, ends_B) if self.training and self.cutmix else None
        if mix is not None:  # as more rows of the same batch: an Objective that is spread computes forward once
            read_BT = torch.cat((ids_BT, mix.ids_BT))
            left_out_BT = None if left_out_BT is None else F.pad(left_out_BT, (0, 0, 0, len(ids_BT)))
        hidden = self.model.hidden(read_BT, left_out_BT).flatten(0, 1)
        logits_EC = self.model.choose(hidden[ends_B], examples_B, slots_B, len(answers_E))
        plain = F.cross_entropy(logits_EC, answers_E, reduction="sum")
        total = plain
        if self.training and self.lm_weight:
            language, _ = self.loss(hidden[positions_N], self.model.head, labels_N, weights_N, self.model.new_rows)
            total = total + self.lm_weight * language
        if mix is not None:
            logits_EC = self.model.choose(hidden[ends_B + ids_BT.numel()], examples_B, slots_B, len(answers_E))
            own_E = F.cross_entropy(logits_EC, answers_E, reduction="none")
            other_E = F.cross_entropy(logits_EC, answers_E[mix.others_B], reduction="none")
            total = total + self.cutmix * torch.lerp(own_E, other_E, mix.shares_B).sum()
        return total, plain.detach()

    def _left_out(self, ids_BT: Tensor, ends_B: Tensor) -> Tensor | None:
        """Which tokens are left out [B, T], any but those that end a text (word dropout, Iyyer et al. 2015)."""
        if not (self.training and self.token_dropout):
            return None
        drawn = torch.rand(ids_BT.shape, device=ids_BT.device) < self.token_dropout
        return drawn.flatten().index_fill(0, ends_B, False).view_as(drawn)
