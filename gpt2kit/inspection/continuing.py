"""How the explorer continues an input: the probabilities of the next token, and tokens drawn one after the other."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gpt2kit.config import GenerateConfig
from gpt2kit.decoding import sampling
from gpt2kit.decoding.grammar import Automaton
from gpt2kit.decoding.seeds import with_seed
from gpt2kit.errors import UserError
from gpt2kit.inspection.grammar import automaton_at, masked
from gpt2kit.inspection.subject import Subject, followed
from gpt2kit.pipeline.engine import Engine

MOST = 100
"""Most tokens of one request."""


def next_of(subject: Subject) -> Tensor:
    """The probabilities [V] of the token after a subject's ids, among those that can follow."""
    automaton = automaton_at(subject, len(subject.ids) - 1, subject.engine.config)
    return masked(_logits(subject), automaton).softmax(-1)


@torch.no_grad()
def _logits(subject: Subject) -> Tensor:
    """[V], of the token after a subject's ids, by the model as it is now: parts of it may be off."""
    model = subject.engine.model.eval()
    hidden_TD = model.hidden(torch.tensor([subject.ids], device=model.head.device))[0]
    return model.logits(hidden_TD[-1]).float().cpu()


def drawing(engine: Engine, asked: Any) -> tuple[int, GenerateConfig]:
    """How many tokens a request wants, and the settings to draw them with: the run's, except for the knobs that it
    names. Raises UserError for invalid values."""
    if not isinstance(asked, dict):
        raise UserError("more: expected a count, temperature, top_k, top_p and seed")
    unknown = asked.keys() - {"count", "temperature", "top_k", "top_p", "seed"}
    if unknown:
        raise UserError(f"more: {', '.join(sorted(unknown))}: expected count, temperature, top_k, top_p and seed")
    count = asked.get("count", 1)
    if not isinstance(count, int) or not 0 < count <= MOST:
        raise UserError(f"more: count = {count}; expected 1 to {MOST}")
    knobs = {name: value for name, value in asked.items() if name != "count" and value is not None}
    if knobs.get("temperature", engine.config.temperature) == 0:
        knobs |= {"top_k": 0, "top_p": 1.0}  # greedy decoding has no use for them
    return count, with_seed(engine.configured({"beams": 1, **knobs}))


def drawn(engine: Engine, source: Any, answer: Sequence[int], count: int, config: GenerateConfig) -> list[int]:
    """An answer with at most `count` more tokens, drawn as `generate` draws those of one input: the same seed gives the
    same tokens, in one request or in several. It ends with an end token, if one is drawn."""
    if engine.task.layout.labels:
        raise UserError("a classifier predicts a label: no token follows")
    assert isinstance(config.seed, int), "drawing() sets it"
    noise = torch.rand(len(answer) + count, generator=torch.Generator().manual_seed(config.seed))
    found = list(answer)
    now = followed(engine, "", "", source, found)
    automaton = automaton_at(now, len(now.ids) - 1, config)
    for uniform in noise[len(answer) :]:
        found.append(_one(now, automaton, config, uniform))
        now = followed(engine, "", "", source, found)
        if automaton is not None:
            automaton.accept(found[-1])
        if found[-1] in (engine.task.vocabulary.eos, *config.stop_ids):
            break
    return found


def _one(subject: Subject, automaton: Automaton | None, config: GenerateConfig, uniform: Tensor) -> int:
    """The next token, of which a number from 0 to 1 decides."""
    logits_1V = _logits(subject)[None]
    if config.repetition_penalty != 1:
        seen_1V = torch.zeros_like(logits_1V, dtype=torch.bool)
        seen_1V[0, subject.ids[0 if config.penalty_on == "all" else subject.prompt :]] = True
        logits_1V = sampling.penalise(logits_1V, seen_1V, config.repetition_penalty)
    logits_1V[:, list(config.ban_ids)] = -torch.inf
    logits_1V = masked(logits_1V[0], automaton)[None]
    if config.temperature == 0:
        return int(logits_1V.argmax())
    return int(sampling.draw(sampling.probabilities(logits_1V, config), uniform[None]))
