"""The model's distribution at a step, and the one that decoding draws from."""

from dataclasses import dataclass

import torch
from torch import Tensor

from gpt2kit.config import GenerateConfig
from gpt2kit.decoding import sampling
from gpt2kit.inspection.grammar import automaton_at, masked
from gpt2kit.inspection.trace import Trace


@dataclass(frozen=True)
class ChosenToken:
    """One token of an answer, with its alternatives."""

    position: int
    """The position of the previous token, which predicts it."""
    chosen: int
    """The id of the next token; -1 without one."""
    chance: float
    """Its probability from the model."""
    rank: int
    drawn: float
    """Its probability with the run's temperature, top-k and top-p: 1 when greedy, if it is the likeliest."""
    alternatives: list[tuple[int, float, float]]
    """(id, probability, sampling probability) of the likeliest tokens."""
    in_play: int
    """Tokens that could have been drawn."""


def in_play(logits_V: Tensor, config: GenerateConfig) -> Tensor:
    """The sampling distribution [V] of an answer; greedy decoding leaves only the likeliest token."""
    if config.temperature == 0:
        return torch.zeros_like(logits_V).index_fill(0, logits_V.argmax(), 1.0)
    return sampling.probabilities(logits_V[None], config)[0]


def decoded_logits(trace: Trace, config: GenerateConfig) -> Tensor:
    """The logits that decoding chooses from at the trace's steps, [steps, V]: after the repetition penalty, without
    banned tokens and those that the grammar excludes."""
    logits_SV = torch.from_numpy(trace.logits).clone()
    if config.repetition_penalty != 1:
        first = 0 if config.penalty_on == "all" else trace.subject.prompt
        there_SV = torch.zeros_like(logits_SV, dtype=torch.bool)
        for step, position in enumerate(trace.steps):
            there_SV[step, trace.ids[first : position + 1]] = True
        logits_SV = sampling.penalise(logits_SV, there_SV, config.repetition_penalty)
    logits_SV = logits_SV.index_fill(-1, torch.tensor(config.ban_ids, dtype=torch.long), -torch.inf)
    rows = [
        masked(row, automaton_at(trace.subject, position, config))
        for row, position in zip(logits_SV, trace.steps, strict=True)
    ]
    return torch.stack(rows)


def path(trace: Trace, config: GenerateConfig, alternatives: int = 10) -> list[ChosenToken]:
    """The steps whose logits the trace has."""
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
