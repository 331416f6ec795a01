"""What the grammar of a task's ids allows in the passes that are inspected."""

import torch
from torch import Tensor

from gpt2kit.config import GenerateConfig
from gpt2kit.decoding import sampling
from gpt2kit.decoding.grammar import Automaton
from gpt2kit.inspection.subject import Subject


def automaton_at(subject: Subject, position: int, config: GenerateConfig) -> Automaton | None:
    """The grammar of the token after a position; None if any id may follow any other, as with `grammar = false`.

    The answer has been accepted as far as the position. Within the prompt, the answer would begin there.
    """
    whole = subject.engine.task.encode_source(subject.source)
    prompt = whole[: len(whole) - max(0, subject.prompt - 1 - position)]
    automaton = subject.engine.task.layout.grammar(prompt) if config.grammar else None
    if automaton is not None:
        for id in (*subject.earlier, *subject.ids[subject.prompt : position + 1]):
            automaton.accept(id)
    return automaton


def masked(logits_V: Tensor, automaton: Automaton | None) -> Tensor:
    """Logits [V] as they are sampled from: -inf for the ids that cannot follow."""
    if automaton is None:
        return logits_V
    bias_V = torch.zeros(len(logits_V))
    automaton.weigh(bias_V.numpy())
    if automaton.groups is not None:
        group_V = torch.zeros(len(logits_V), dtype=torch.long)
        group_V[: len(automaton.groups)] = torch.from_numpy(automaton.groups)
        logits_V = sampling.within_groups(logits_V[None], bias_V[None], group_V[None])[0]
    return logits_V + bias_V
