"""What could have come next: the distribution at a step, and what of it decoding leaves in play."""

from dataclasses import dataclass

import torch
from torch import Tensor

from gpt2kit.config import GenerateConfig
from gpt2kit.decoding import sampling
from gpt2kit.inspection.trace import Trace


@dataclass(frozen=True)
class ChosenToken:
    """One token of an answer, with what else could have come."""

    position: int
    """Of the token before it, which predicts it."""
    chosen: int
    """The id that came; -1 if none did."""
    chance: float
    """Its probability, as the model says it."""
    rank: int
    drawn: float
    """Its probability with the run's temperature, top-k and top-p: 1 when greedy, if it is the likeliest."""
    alternatives: list[tuple[int, float, float]]
    """(id, probability, probability as drawn) of the likeliest tokens."""
    in_play: int
    """Tokens that could have been drawn."""


def in_play(logits_V: Tensor, config: GenerateConfig) -> Tensor:
    """The distribution [V] that an answer is drawn from; greedy decoding leaves the likeliest token alone."""
    if config.temperature == 0:
        return torch.zeros_like(logits_V).index_fill(0, logits_V.argmax(), 1.0)
    return sampling.probabilities(logits_V[None], config)[0]


def decoded_logits(trace: Trace, config: GenerateConfig) -> Tensor:
    """What decoding chooses from at the record's steps, [steps, V]: behind the repetition penalty, without what is
    never chosen."""
    logits_SV = torch.from_numpy(trace.logits).clone()
    if config.repetition_penalty != 1:
        first = 0 if config.penalty_on == "all" else trace.subject.prompt
        there_SV = torch.zeros_like(logits_SV, dtype=torch.bool)
        for step, position in enumerate(trace.steps):
            there_SV[step, trace.ids[first : position + 1]] = True
        logits_SV = sampling.penalise(logits_SV, there_SV, config.repetition_penalty)
    return logits_SV.index_fill(-1, torch.tensor(config.ban_ids, dtype=torch.long), -torch.inf)


def path(trace: Trace, config: GenerateConfig, alternatives: int = 10) -> list[ChosenToken]:
    """The steps that the trace has logits of."""
    found = []
    for position, row, logits in zip(
        trace.steps, torch.from_numpy(trace.logits), decoded_logits(trace, config), strict=True
    ):
        chances, drawn = row.softmax(-1), in_play(logits, config)
        chosen = trace.subject.followers[position]
        came = chosen >= 0
        found.append(
            ChosenToken(
                position=position,
                chosen=chosen,
                chance=float(chances[chosen]) if came else 0.0,
                rank=int((row > row[chosen]).sum()) + 1 if came else 0,
                drawn=float(drawn[chosen]) if came else 0.0,
                alternatives=[
                    (int(id), float(chances[id]), float(drawn[id]))
                    for id in chances.topk(min(alternatives, len(chances))).indices
                ],
                in_play=int((drawn > 0).sum()),
            )
        )
    return found
