"""Naive Bayes of a text's tokens and pairs of neighbours, beside a head: from few examples it learns as much as a
network does, and errs elsewhere (Wang and Manning 2012).

Shapes: E examples, C answers, F features.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional as F

from gpt2kit import files
from gpt2kit.errors import DataError

FILE = "bayes.safetensors"

LEAST = 1e-30
"""A probability that is less counts as this where its logarithm is taken: fp32 has zeros soon after."""


@dataclass(frozen=True)
class NaiveBayes:
    """Multinomial, with one added to every count."""

    features_F: Tensor
    """The tokens and pairs that were learned from, in ascending order, each as one number."""
    likelihoods_FC: Tensor
    """Logarithms of how likely each is in a text with that answer."""
    priors_C: Tensor
    """Logarithms of how likely each answer is."""
    weights_2: Tensor
    """Of the head's log-probabilities in an answer of both, and of these."""
    vocab_size: int

    @classmethod
    def learned(cls, examples: Iterable[tuple[Sequence[int], int]], vocab_size: int, answers: int) -> Self:
        """From (ids, number of the answer) of each example."""
        found, owners = [torch.empty(0, dtype=torch.long)], [torch.empty(0, dtype=torch.long)]
        texts_C = torch.ones(answers)
        for ids, answer in examples:
            found.append(_features(ids, vocab_size))
            owners.append(torch.full_like(found[-1], answer))
            texts_C[answer] += 1
        features_F, places = torch.cat(found).unique(return_inverse=True)
        flat = places * answers + torch.cat(owners)
        counts_FC = torch.bincount(flat, minlength=len(features_F) * answers).view(-1, answers) + 1.0
        likelihoods_FC = (counts_FC / counts_FC.sum(0)).log()
        return cls(features_F, likelihoods_FC, (texts_C / texts_C.sum()).log(), torch.tensor([1.0, 0.0]), vocab_size)

    def answered(self, ids: Sequence[int]) -> list[float]:
        """How likely each answer is; what was never seen says nothing."""
        found: list[float] = self._logits([ids])[0].softmax(-1).tolist()
        return found

    def beside(self, head: Sequence[float], bayes: Sequence[float]) -> list[float]:
        """How likely each answer is by both together, from what it is by each."""
        logits_C = self.weights_2 @ _logarithms([head, bayes])
        found: list[float] = logits_C.softmax(-1).tolist()
        return found

    def weighed(self, heads: Sequence[Sequence[float]], texts: Sequence[Sequence[int]], answers: Sequence[int]) -> Self:
        """With the weights that make these answers likeliest beside a head's probabilities; the fewer examples, the
        nearer to the head alone (as if drawn from a normal distribution around it, of variance 1)."""
        both_2EC = torch.stack((_logarithms(heads), self._logits(texts).log_softmax(-1))).double()
        alone_2 = torch.tensor([1.0, 0.0], dtype=torch.double)
        weights_2, answers_E = alone_2.clone().requires_grad_(), torch.tensor(answers)
        search = torch.optim.LBFGS([weights_2], max_iter=100, line_search_fn="strong_wolfe")

        def unlikeliness() -> Tensor:
            search.zero_grad()
            logits_EC = torch.einsum("k,kec->ec", weights_2, both_2EC)
            loss = F.cross_entropy(logits_EC, answers_E, reduction="sum") + (weights_2 - alone_2).square().sum() / 2
            loss.backward()
            return loss

        search.step(unlikeliness)
        return replace(self, weights_2=weights_2.detach().clamp(min=0).float())

    def _logits(self, texts: Sequence[Sequence[int]]) -> Tensor:
        """[E, C]"""
        found = [_features(ids, self.vocab_size) for ids in texts]
        owners = torch.repeat_interleave(torch.tensor([len(each) for each in found]))
        asked = torch.cat(found)
        places = torch.searchsorted(self.features_F, asked).clamp(max=len(self.features_F) - 1)
        known = self.features_F[places] == asked
        sums_EC = self.priors_C.repeat(len(texts), 1)
        return sums_EC.index_add(0, owners[known], self.likelihoods_FC[places[known]])

    def save(self, run: Path) -> None:
        tensors = {name: value for name, value in vars(self).items() if isinstance(value, Tensor)}
        files.write_tensors(run / FILE, tensors, {"vocab_size": str(self.vocab_size)})

    @classmethod
    def load(cls, run: Path, answers: int) -> Self | None:
        """That of a run, if it has one. Raises DataError for a damaged file, and one for another number of answers."""
        path = run / FILE
        if not path.is_file():
            return None
        tensors, told = files.read_tensors(path)
        try:
            found = cls(**tensors, vocab_size=int(told["vocab_size"]))
            shapes = [(name, tuple(tensor.shape)) for name, tensor in tensors.items()]
            features = len(found.features_F)
        except (TypeError, KeyError, ValueError) as error:
            raise DataError(f"{path} is damaged: {error}") from None
        wanted = {
            "features_F": (features,),
            "likelihoods_FC": (features, answers),
            "priors_C": (answers,),
            "weights_2": (2,),
        }
        if wrong := [f"{name} has shape {shape}" for name, shape in shapes if shape != wanted[name]]:
            raise DataError(f"{path}: {wrong[0]}; the run has {answers} labels")
        return found


def _features(ids: Sequence[int], vocab_size: int) -> Tensor:
    """Each token as its id, each pair of neighbours as a number beyond those."""
    tokens = torch.tensor(ids, dtype=torch.long)
    return torch.cat((tokens, (tokens[:-1] + 1) * vocab_size + tokens[1:]))


def _logarithms(probabilities: Sequence[Sequence[float]]) -> Tensor:
    return torch.tensor(probabilities).clamp(min=LEAST).log()
