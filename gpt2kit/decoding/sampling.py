"""Pure functions on logits [B, V]. The order is repetition penalty, grammar, temperature, top-k, top-p."""

import torch
from torch import Tensor

from gpt2kit.config import GenerateConfig
from gpt2kit.decoding.grammar import GROUPS


def penalise(logits_BV: Tensor, seen_BV: Tensor, penalty: float) -> Tensor:
    """Make tokens that occurred before less likely: a positive logit is divided by the penalty, a negative one
    multiplied (Keskar et al. 2019, section 4.1, with the sign rule of Hugging Face)."""
    penalised = torch.where(logits_BV > 0, logits_BV / penalty, logits_BV * penalty)
    return torch.where(seen_BV, penalised, logits_BV)


def within_groups(logits_BV: Tensor, bias_BV: Tensor, group_BV: Tensor) -> Tensor:
    """Give the probability of the ids of a group that `bias_BV` makes impossible to the possible ids of that group.

    What is impossible in group 0, or in a group without possible ids, is shared by all ids, as without groups.
    """
    probability = logits_BV.float().softmax(-1)
    possible = bias_BV > -torch.inf
    empty = probability.new_zeros(len(logits_BV), GROUPS)
    kept = empty.scatter_add(1, group_BV, probability * possible)
    lost = empty.scatter_add(1, group_BV, probability * ~possible)
    gain = torch.where(kept > 1e-30, (lost / kept.clamp(min=1e-30)).log1p(), 0.0)
    gain[:, 0] = 0
    return logits_BV + gain.gather(1, group_BV)


def top_k(logits_BV: Tensor, k: int) -> Tensor:
    """Keep the k likeliest tokens and all that tie with the last of them; 0 keeps everything."""
    if k == 0 or k >= logits_BV.size(-1):
        return logits_BV
    threshold_B1 = logits_BV.topk(k).values[:, -1:]
    return logits_BV.masked_fill(logits_BV < threshold_B1, float("-inf"))


def top_p(logits_BV: Tensor, p: float) -> Tensor:
    """Keep the smallest set of tokens whose probability reaches p, the one that crosses it included.

    (Holtzman et al. 2020 and Hugging Face; OpenAI's GPT-2 sampler drops the crossing token.)
    """
    if p >= 1:
        return logits_BV
    ordered, order = logits_BV.sort(descending=True, stable=True)
    probability = ordered.softmax(-1)
    before = probability.cumsum(-1) - probability
    drop = before >= p
    drop[:, 0] = False
    return logits_BV.masked_fill(drop.scatter(1, order, drop), float("-inf"))


def probabilities(logits_BV: Tensor, config: GenerateConfig) -> Tensor:
    """The distribution to sample from, fp32 [B, V]; needs a temperature above 0."""
    scaled = logits_BV.float() / config.temperature
    return top_p(top_k(scaled, config.top_k), config.top_p).softmax(-1)


def draw(probabilities_BV: Tensor, uniform_B: Tensor) -> Tensor:
    """Tokens [B] by inversion: a row's token depends only on its own number in [0, 1), not on its neighbours."""
    cumulative = probabilities_BV.double().cumsum(-1)
    target = uniform_B.double()[:, None] * cumulative[:, -1:]
    return torch.searchsorted(cumulative, target, right=True)[:, 0].clamp(max=probabilities_BV.size(-1) - 1)


def log_probabilities(logits_BV: Tensor, tokens_B: Tensor) -> Tensor:
    """The log-probability [B] of one token of each row, in fp32."""
    logits_BV = logits_BV.float()
    return logits_BV.gather(-1, tokens_B[:, None])[:, 0] - logits_BV.logsumexp(-1)
