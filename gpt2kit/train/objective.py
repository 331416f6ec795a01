"""From a batch to its losses as one module: what runs on several devices is wrapped around exactly this.

Shapes: B rows, T positions, N targets, D width.
"""

from torch import Tensor, nn

from gpt2kit.evaluate.loss import TargetLoss, cross_entropy
from gpt2kit.model.gpt2 import GPT2


class Objective(nn.Module):
    """The model with its loss; in evaluation mode both losses are the plain cross-entropy."""

    def __init__(self, model: GPT2, loss: TargetLoss) -> None:
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, ids_BT: Tensor, positions_N: Tensor, labels_N: Tensor) -> tuple[Tensor, Tensor]:
        """Summed loss to differentiate, and summed cross-entropy in nats; `positions_N` are flat in B x T."""
        hidden_ND = self.model.hidden(ids_BT).flatten(0, 1)[positions_N]
        if self.training:
            return self.loss(hidden_ND, self.model.head, labels_N)
        plain = cross_entropy(hidden_ND, self.model.head, labels_N)
        return plain, plain
