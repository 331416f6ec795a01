"""Beam search with the length penalty of GNMT (Wu et al. 2016, equation 14).

Shapes: P prompts, W beams, R = P x W rows, V vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gpt2kit.config import GenerateConfig
from gpt2kit.generate.prefill import Answer, new_token_limit, prefill
from gpt2kit.model.gpt2 import GPT2


def length_penalty(length: int, alpha: float) -> float:
    """((5 + length) / 6)^alpha, by which a log-probability is divided; length counts the end token."""
    return ((5 + length) / 6) ** alpha


@dataclass
class _Search:
    """The hypotheses of one prompt."""

    limit: int
    live: list[list[int]]
    done: list[Answer] = field(default_factory=list)

    def finish(self, ids: list[int], log_probability: float, alpha: float, finished: bool) -> None:
        score = log_probability / length_penalty(len(ids) + finished, alpha)
        self.done.append(Answer(ids, score, finished))

    def best(self, beams: int) -> list[Answer]:
        """Finished answers come before those that the limit cut off."""
        return sorted(self.done, key=lambda answer: (not answer.finished, -(answer.score or 0.0)))[:beams]


def beam_search(model: GPT2, prompts: Sequence[Sequence[int]], config: GenerateConfig, eos: int) -> list[list[Answer]]:
    """For each prompt its answers, best first; a prompt's search ends when `beams` hypotheses have ended."""
    beams, alpha = config.beams, config.length_penalty
    limits = [new_token_limit(len(prompt), model, config) for prompt in prompts]
    searches = [_Search(limit, [[]]) for limit in limits]
    active = list(searches)
    logits_RV, cache = prefill(model, prompts, max(limits))
    device = logits_RV.device
    scores_PW = torch.zeros(len(prompts), 1, device=device)
    for step in range(max(limits)):
        scores, origins, tokens = _expand(logits_RV, scores_PW, beams)
        rows: list[int] = []
        next_tokens: list[int] = []
        next_scores: list[list[float]] = []
        still: list[_Search] = []
        for which, search in enumerate(active):
            width = len(search.live)
            live: list[list[int]] = []
            parents: list[int] = []
            kept: list[float] = []
            candidates = zip(scores[which], origins[which], tokens[which], strict=True)
            for rank, (score, origin, token) in enumerate(candidates):
                if score == -torch.inf or len(live) == beams:
                    break
                if token == eos:
                    if rank < beams:
                        search.finish(search.live[origin], score, alpha, finished=True)
                else:
                    live.append([*search.live[origin], token])
                    parents.append(which * width + origin)
                    kept.append(score)
            if len(search.done) >= beams or not live:
                continue
            if step + 1 == search.limit:
                for ids, score in zip(live, kept, strict=True):
                    search.finish(ids, score, alpha, finished=False)
                continue
            while len(live) < beams:  # a vocabulary smaller than the beam: fill with hypotheses that cannot win
                live.append(live[0])
                parents.append(parents[0])
                kept.append(-torch.inf)
            search.live = live
            still.append(search)
            rows += parents
            next_tokens += [ids[-1] for ids in live]
            next_scores.append(kept)
        if not still:
            break
        active = still
        cache.select(torch.tensor(rows, device=device))
        new_R = torch.tensor(next_tokens, device=device)
        scores_PW = torch.tensor(next_scores, device=device)
        logits_RV = model.logits(model.cached_hidden(new_R[:, None], cache)[:, 0])
        cache.advance(torch.ones_like(new_R), 1)
    return [search.best(beams) for search in searches]


def _expand(
    logits_RV: Tensor, scores_PW: Tensor, beams: int
) -> tuple[list[list[float]], list[list[int]], list[list[int]]]:
    """The 2 x beams best continuations of each prompt: log-probability, beam they continue, token.

    Twice the beams, because at most `beams` of them can be end tokens.
    """
    prompts, width = scores_PW.shape
    log_probabilities = logits_RV.float().log_softmax(-1).view(prompts, width, -1)
    vocab = log_probabilities.size(-1)
    per_beam = min(2 * beams, vocab)
    best, tokens = (scores_PW[:, :, None] + log_probabilities).topk(per_beam)
    best, where = best.flatten(1).topk(min(2 * beams, width * per_beam))
    origins = where // per_beam
    chosen = tokens.flatten(1).gather(1, where)
    return best.tolist(), origins.tolist(), chosen.tolist()
