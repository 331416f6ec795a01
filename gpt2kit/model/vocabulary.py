"""The rows of the token embedding, and of a head of its own: more for new tokens, and surplus ones that no token has.

Some programs pad the embedding, as to 50,304 rows for the 50,257 tokens of GPT-2, which is faster on GPUs. Surplus rows
are kept aside: they are neither computed with nor trained, so that they take no probability and are never chosen, and
are written back when the model is saved.
"""

import math

import torch
from torch import Tensor, nn

from gpt2kit.errors import DataError
from gpt2kit.model.gpt2 import GPT2

PADDED_TO = (8, 16, 32, 64, 128, 256, 512, 1024)
"""Programs pad an embedding to a multiple of one of these numbers of rows."""


def is_padding(rows: int, tokens: int) -> bool:
    """Whether a program that pads the embedding for `tokens` tokens would give it these rows."""
    return any(rows == multiple * math.ceil(tokens / multiple) for multiple in PADDED_TO)


def set_aside(model: GPT2, tokens: int) -> int:
    """Keep the rows after the first `tokens` aside; returns their number, 0 if there are not more rows than tokens."""
    surplus = max(0, model.vocab_size - tokens)
    for name, table in model.tables.items() if surplus else ():
        rows, frozen = table.weight.detach(), not table.weight.requires_grad
        beyond = rows[tokens:].clone()
        model.surplus_of[name] = torch.cat([beyond, model.surplus_of.get(name, beyond[:0])])
        model.set_submodule(name, nn.Embedding.from_pretrained(rows[:tokens], freeze=frozen))
    return surplus


def grow_vocabulary(model: GPT2, vocab_size: int, end: int | None = None) -> None:
    """Append rows for new tokens: the mean of the old rows, or halfway from it to the row of `end` if that is old.

    A random row would be likelier than every trained token. At the mean a separator carries no information, and a model
    that has seen few of them continues the text before it; after the end of a text it begins another one, as it should
    after a separator. Halfway, no new token is as likely as the end itself. New rows replace surplus ones, so that the
    saved embedding grows only if these are too few.
    """
    new = vocab_size - model.vocab_size
    if new < 0:
        raise DataError(
            f"the model has {model.vocab_size} tokens, but the data was prepared with {vocab_size}: prepare it with "
            "the tokenizer of this model"
        )
    for name, table in model.tables.items():
        model.set_submodule(name, _grown(table.weight.detach(), vocab_size, end))
    left = {name: rows[new:] for name, rows in model.surplus_of.items()}
    model.surplus_of = {name: rows for name, rows in left.items() if len(rows)}


def _grown(old: Tensor, rows: int, end: int | None) -> nn.Embedding:
    """A table with these first rows."""
    grown = nn.Embedding(rows, old.size(1), device=old.device)
    mean = old.mean(0)
    with torch.no_grad():
        grown.weight[: old.size(0)] = old
        known = end is not None and end < old.size(0)
        grown.weight[old.size(0) :] = torch.lerp(mean, old[end], 0.5) if known else mean
    return grown
