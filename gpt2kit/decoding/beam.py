"""Beam search with the length penalty of GNMT (Wu et al. 2016, equation 14).

Shapes: P prompts, W beams, C = 2 W candidates, S steps, V vocabulary.
"""

from collections.abc import Sequence
from math import isfinite

import torch
from torch import Tensor
from torch.nn import functional as F

from gpt2kit.config import GenerateConfig
from gpt2kit.decoding.answer import Answer, length_penalty, new_token_limit
from gpt2kit.decoding.average import Model
from gpt2kit.decoding.largest import largest
from gpt2kit.decoding.stepper import Stepper


class _Searches:
    """The hypotheses of all prompts of a batch."""

    def __init__(self, prompts: int, beams: int, steps: int, device: torch.device) -> None:
        self.which = list(range(prompts))
        """The index of each one among the caller's prompts."""
        self.scores_PW = torch.zeros(prompts, 1, device=device)
        """Log-probabilities of the live hypotheses; -inf for one that cannot win. At first there is one, empty."""
        self.ids_PWS = torch.zeros(prompts, 1, steps, dtype=torch.long, device=device)
        self.best_PW = torch.full((prompts, beams), -torch.inf, device=device)
        """Penalised scores of the best finished hypotheses; -inf if there is none yet."""
        self.best_ids_PWS = torch.zeros(prompts, beams, steps, dtype=torch.long, device=device)
        self.best_lengths_PW = torch.zeros(prompts, beams, dtype=torch.long, device=device)
        self.finished_P = torch.zeros(prompts, dtype=torch.long, device=device)
        self.going_P = torch.ones(prompts, dtype=torch.bool, device=device)

    def finish(self, scores_PW: Tensor, origins_PW: Tensor, length: int) -> None:
        """Record hypotheses that end now, without their end token; a score of -inf means none."""
        both, chosen_PW = torch.cat([self.best_PW, scores_PW], 1).topk(self.best_PW.size(1))
        whole = origins_PW[:, :, None].expand(-1, -1, self.ids_PWS.size(2))
        ids = torch.cat([self.best_ids_PWS, self.ids_PWS.gather(1, whole)], 1)
        lengths = torch.cat([self.best_lengths_PW, torch.full_like(origins_PW, length)], 1)
        self.best_PW = both
        self.best_ids_PWS = ids.gather(1, chosen_PW[:, :, None].expand_as(self.best_ids_PWS))
        self.best_lengths_PW = lengths.gather(1, chosen_PW)
        self.finished_P += scores_PW.isfinite().sum(1)

    def extend(self, scores_PW: Tensor, origins_PW: Tensor, tokens_PW: Tensor, step: int) -> None:
        """Continue each live hypothesis with its next token."""
        whole = origins_PW[:, :, None].expand(-1, -1, self.ids_PWS.size(2))
        self.scores_PW, self.ids_PWS = scores_PW, self.ids_PWS.gather(1, whole)
        self.ids_PWS[:, :, step] = tokens_PW

    def answers(self, prompt: int, length: int, alpha: float) -> list[Answer]:
        """Finished hypotheses, best first, then the live ones that the limit cut off after `length` tokens."""
        found = []
        finished = (self.best_PW[prompt], self.best_lengths_PW[prompt], self.best_ids_PWS[prompt])
        for score, tokens, ids in zip(*(values.tolist() for values in finished), strict=True):
            if isfinite(score):
                total = score * length_penalty(tokens + 1, alpha)
                found.append(Answer(ids[:tokens], score, True, total))
        for total, ids in zip(self.scores_PW[prompt].tolist(), self.ids_PWS[prompt].tolist(), strict=True):
            if isfinite(total):
                found.append(Answer(ids[:length], total / length_penalty(length, alpha), False, total))
        return found[: self.best_PW.size(1)]

    def keep(self, prompts: Tensor) -> None:
        self.which = [self.which[index] for index in prompts.tolist()]
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                setattr(self, name, value[prompts])


def beam_search(
    model: Model, prompts: Sequence[Sequence[int]], config: GenerateConfig, stops: Sequence[int]
) -> list[list[Answer]]:
    """Yield the answers of each prompt, best first; a prompt's search ends when `beams` hypotheses have ended."""
    beams, alpha = config.beams, config.length_penalty
    limits = [new_token_limit(len(prompt), model.window, config) for prompt in prompts]
    limits_P, ends = torch.tensor(limits, device=model.device), torch.tensor(stops, device=model.device)
    found: list[list[Answer]] = [[]] * len(prompts)
    stepper = Stepper(model, prompts, max(limits), beams)
    searches = _Searches(len(prompts), beams, max(limits), model.device)
    logits_PWV = stepper.logits_PV[:, None]
    for step in range(max(limits)):
        scores_PC, origins_PC, tokens_PC = _candidates(logits_PWV, searches.scores_PW, beams)
        ended_PC = torch.isin(tokens_PC, ends) & scores_PC.isfinite()
        finished_PW = torch.where(ended_PC, scores_PC / length_penalty(step + 1, alpha), -torch.inf)[:, :beams]
        searches.finish(finished_PW, origins_PC[:, :beams], step)
        scores_PC = scores_PC.masked_fill(ended_PC, -torch.inf)
        live_PW = scores_PC.isneginf().sort(stable=True).indices[:, :beams]  # the best that continue, in order
        origins_PW, tokens_PW = origins_PC.gather(1, live_PW), tokens_PC.gather(1, live_PW)
        searches.extend(scores_PC.gather(1, live_PW), origins_PW, tokens_PW, step)

        enough_P = searches.finished_P >= beams
        searches.scores_PW.masked_fill_(enough_P[:, None], -torch.inf)
        over_P = enough_P | searches.scores_PW.isneginf().all(1) | (limits_P == step + 1)
        ended = (over_P & searches.going_P).nonzero().flatten().tolist()  # here the host waits for the device
        for index in ended:
            found[searches.which[index]] = searches.answers(index, step + 1, alpha)
        searches.going_P &= ~over_P
        if ended and not searches.going_P.any():
            break
        stepper.branch(origins_PW)
        if ended and (kept := stepper.compact(searches.going_P)) is not None:
            searches.keep(kept)
            tokens_PW, limits_P = tokens_PW[kept], limits_P[kept]
        logits_PWV = stepper.step(tokens_PW)
    return found


def _candidates(logits_PWV: Tensor, scores_PW: Tensor, beams: int) -> tuple[Tensor, Tensor, Tensor]:
    """The C best continuations of each prompt: log-probability, hypothesis they continue, token; all [P, C].

    Twice the beams, because at most `beams` of them can be end tokens. If there are fewer, the rest is -inf.
    """
    width, vocab = logits_PWV.shape[1:]
    per_beam, wanted = min(2 * beams, vocab), 2 * beams
    best, tokens = largest(logits_PWV, per_beam)
    # log_softmax of these alone: the largest of all probabilities is the first one's.
    log_p = best - best[:, :, :1] + logits_PWV.softmax(-1).amax(-1, keepdim=True).log()
    best = scores_PW[:, :, None] + log_p
    scores, where = best.flatten(1).topk(min(wanted, width * per_beam))
    missing = (0, wanted - scores.size(1))
    origins, chosen = where // per_beam, tokens.flatten(1).gather(1, where)
    return F.pad(scores, missing, value=-torch.inf), F.pad(origins, missing), F.pad(chosen, missing)
