"""Models of which only a part is trained.

Shapes: M new tokens, V vocabulary, D width.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gpt2kit.model.gpt2 import EMBEDDING, GPT2


class GrownEmbedding(nn.Module):
    """A token embedding, or a head of its own, of which only the last M rows are trained. The whole matrix stays in one
    piece, whose last rows are kept equal to them: no step copies it, and no gradient has its size."""

    def __init__(self, base: nn.Embedding, new: int) -> None:
        super().__init__()
        self.num_embeddings, self.first = base.num_embeddings, base.num_embeddings - new
        self.whole = nn.Parameter(base.weight.detach(), requires_grad=False)
        self.new = nn.Parameter(base.weight.detach()[self.first :].clone())

    @property
    def weight(self) -> Tensor:
        """[V, D], without a gradient."""
        self.update()
        return self.whole

    def update(self) -> None:
        """Make the last rows of the whole equal to the trained ones."""
        if not torch.equal(self.whole[self.first :], self.new):  # written to only if needed: the tensor may be shared
            self.whole.data[self.first :] = self.new.detach()

    def forward(self, ids: Tensor) -> Tensor:
        of_new = F.embedding((ids - self.first).clamp(min=0), self.new)
        return torch.where((ids < self.first)[..., None], F.embedding(ids, self.whole), of_new)


def only_new_tokens(model: GPT2, new: int, name: str = EMBEDDING) -> None:
    """Train only the last `new` rows of a table from now on."""
    table = model.tables[name]
    table.requires_grad_(False)
    if new:
        model.set_submodule(name, GrownEmbedding(table, new))


def freeze_below(model: GPT2, blocks: int, new_tokens: int) -> None:
    """Do not train the first `blocks` blocks, nor the embeddings except those of new tokens. A head that is not tied
    comes after the blocks, and is trained."""
    only_new_tokens(model, new_tokens)
    for part in (model.transformer.wpe, *model.transformer.blocks()[:blocks]):
        part.requires_grad_(False)


def plain(model: GPT2) -> bool:
    """Whether its weights have the names of a plain GPT-2."""
    return not isinstance(model.transformer.get_submodule("wte"), GrownEmbedding)


def merged(model: GPT2) -> GPT2:
    """A plain copy, with separately learned weights merged into the others."""
    with torch.device("meta"):
        copy = GPT2(model.config, model.vocab_size, model.labels)
    weights = {}
    for name in dict(copy.named_parameters()):
        path, _, leaf = name.rpartition(".")
        weights[name] = getattr(model.get_submodule(path), leaf).detach().clone()
    copy.load_state_dict(weights, assign=True)
    copy.surplus_of, copy.remarks, copy.doubts = dict(model.surplus_of), model.remarks, model.doubts
    return copy.train(model.training)
