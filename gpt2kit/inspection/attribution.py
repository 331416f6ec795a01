"""Direct logit attribution: what each part of a model adds to the logit of a token.

The last residual vector is a sum: of the token's vector, the position's vector, what each head and each MLP writes, and
the biases of their projections. The last norm is linear once its scale is known, which is that of the actual vector
(Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits"). So the logit is a sum over the same parts,
and the bias of the last norm.

Shapes: L layers, H heads, P positions, N tokens at each of them, D width, V vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gpt2kit.model.ablation import Off
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.trace import Layer, embedded, layers

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Attribution:
    """What each part adds to the logits of tokens; the parts add up to the logits."""

    ids: Numbers
    """[P, N], the tokens; -1 where there are fewer: their parts are 0."""
    token: Floats
    """[P, N], the vector of the token that is read."""
    position: Floats
    """[P, N], the vector of its position."""
    heads: Floats
    """[P, N, L, H]."""
    mlps: Floats
    """[P, N, L]."""
    biases: Floats
    """[P, N], the biases of all projections into the residual stream."""
    norm: Floats
    """[P, N], the bias of the last norm."""

    @property
    def logits(self) -> Floats:
        """[P, N], the sums of all parts."""
        return self.flat.sum(-1)

    @property
    def flat(self) -> Floats:
        """[P, N, 4 + L x H + L]: token, position, biases, norm, the heads of each layer, the MLPs."""
        ends = [self.token, self.position, self.biases, self.norm]
        heads = self.heads.reshape(*self.ids.shape, -1)
        return np.concatenate([np.stack(ends, -1), heads, self.mlps], -1)

    @classmethod
    def joined(cls, parts: Sequence["Attribution"]) -> "Attribution":
        """The tokens of several after each other."""
        named = (field.name for field in fields(cls))
        return cls(**{name: np.concatenate([getattr(each, name) for each in parts], 1) for name in named})

    @classmethod
    def summed(cls, parts: Sequence["Attribution"]) -> "Attribution":
        """The sums of several with the same ids."""
        named = (field.name for field in fields(cls) if field.name != "ids")
        return cls(parts[0].ids, **{name: np.sum([getattr(each, name) for each in parts], 0) for name in named})

    def largest(self, step: int, place: int, count: int) -> list[tuple[str, float]]:
        """The names and values of the parts that add or take the most for one token."""
        *_, layers, heads = self.heads.shape
        names = ["token", "position", "biases", "norm"]
        names += [f"head {layer}.{head}" for layer in range(1, layers + 1) for head in range(1, heads + 1)]
        names += [f"MLP {layer}" for layer in range(1, layers + 1)]
        values = self.flat[step, place]
        return [(names[part], float(values[part])) for part in np.argsort(-np.abs(values))[:count]]


class Parts:
    """The parts of the last residual vector at some positions, collected layer by layer."""

    def __init__(self, model: GPT2, ids: Sequence[int], positions: Sequence[int], off: Off) -> None:
        self.model, self.positions, self.off = model, list(positions), off
        tokens_TD, places_TD = embedded(model, ids)
        self.token_PD, self.place_PD = tokens_TD[self.positions], places_TD[self.positions]
        self.heads: list[Tensor] = []
        """[H, P, D] of each layer."""
        self.mlps: list[Tensor] = []
        """[P, D] of each layer, without the bias."""
        self.biases_PD = torch.zeros_like(self.token_PD)

    def add(self, layer: Layer) -> None:
        """The next layer."""
        number = len(self.heads)
        heads_HPD, bias_PD = layer.heads[:, self.positions], torch.zeros_like(self.biases_PD)
        if number not in self.off.mlps:
            bias_PD = bias_PD + self.model.transformer.blocks()[number].mlp.c_proj.bias
        self.mlps.append(layer.mlp[self.positions] - bias_PD)
        self.biases_PD = self.biases_PD + bias_PD + layer.attention[self.positions] - heads_HPD.sum(0)
        self.heads.append(heads_HPD)

    @torch.no_grad()
    def attribution(self, ids: Numbers) -> Attribution:
        """Of the logits of these tokens, [P, N] ids, after the last layer that was added."""
        return self._attribution(ids, self.model.head, list(range(len(self.positions))))

    @torch.no_grad()
    def of_labels(self) -> Attribution:
        """Of a classifier's scores of its labels at the last position, [1, labels]; a multiple choice has one."""
        assert self.model.score is not None
        return self._attribution(np.arange(len(self.model.labels))[None], self.model.score.weight, [-1])

    def _attribution(self, ids: Numbers, table: Tensor, places: list[int]) -> Attribution:
        """Of products with rows of a table, at some of the positions."""
        token_PD, place_PD, biases_PD = (part[places] for part in (self.token_PD, self.place_PD, self.biases_PD))
        heads_LHPD, mlps_LPD = torch.stack(self.heads)[:, :, places], torch.stack(self.mlps)[:, places]
        rows_PND = table[torch.from_numpy(np.maximum(ids, 0)).to(table.device)]
        rows_PND = rows_PND * torch.from_numpy(ids >= 0).to(table.device)[..., None]
        norm = self.model.transformer.ln_f
        last_PD = token_PD + place_PD + biases_PD + heads_LHPD.sum((0, 1)) + mlps_LPD.sum(0)
        scale_P1 = (last_PD.var(-1, unbiased=False, keepdim=True) + norm.eps).rsqrt()
        directions_PND = rows_PND * norm.weight
        # A norm takes the mean from each part: that is a product with a direction whose own mean is taken away.
        directions_PND = (directions_PND - directions_PND.mean(-1, keepdim=True)) * scale_P1[:, None]

        def along(part_PD: Tensor) -> Floats:
            return _array(torch.einsum("pnd,pd->pn", directions_PND, part_PD))

        return Attribution(
            ids=ids,
            token=along(token_PD),
            position=along(place_PD),
            heads=_array(torch.einsum("pnd,lhpd->pnlh", directions_PND, heads_LHPD)),
            mlps=_array(torch.einsum("pnd,lpd->pnl", directions_PND, mlps_LPD)),
            biases=along(biases_PD),
            norm=_array(rows_PND @ norm.bias),
        )


def _array(tensor: Tensor) -> Floats:
    return tensor.float().cpu().numpy()


def of_answers(model: GPT2, texts: Sequence[Sequence[int]], off: Off) -> Attribution:
    """Of the logits of a classifier's answers, [1, answers]: each text of a multiple choice has a logit of its own,
    otherwise a label's is the sum over the texts."""
    read = []
    for text in texts:
        parts = Parts(model, text, [len(text) - 1], off)
        for layer in layers(model, text, off):
            parts.add(layer)
        read.append(parts.of_labels())
    return Attribution.joined(read) if len(model.labels) == 1 else Attribution.summed(read)
