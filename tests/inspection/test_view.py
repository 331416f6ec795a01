"""The data of the page: packed, and no larger than may be."""

import base64
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from gpt2kit.config import GenerateConfig, ModelConfig
from gpt2kit.data.layouts import Stream
from gpt2kit.inspection.subject import Subject
from gpt2kit.inspection.trace import trace_of
from gpt2kit.inspection.view import model_view, view_of
from gpt2kit.model.attention_kinds import KINDS
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.pipeline.engine import Engine
from gpt2kit.tasks.lm import Lm

Make = Callable[..., Subject]


def unpacked(stored: dict[str, Any]) -> Any:
    return np.frombuffer(base64.b64decode(stored["data"]), f"<{stored['kind']}").reshape(stored["shape"])


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_attention_says_what_a_token_sees(kind: str) -> None:
    """The page has no text of its own for any kind."""
    config = ModelConfig(
        n_layer=1, n_head=2, n_embd=8, n_positions=16, dropout=0, attention=kind, block=5, compression=3
    )
    engine = Engine(Lm(), GPT2(config, 23).eval(), GenerateConfig(device="cpu"))
    view = model_view(trace_of(Subject(engine, "tiny", "lm", "", 2, [1, 2, 3], [2, 3, -1], False)))
    assert list(view["attention"]) == [kind]
    summary = view["attention"][kind]["summary"]
    assert summary.endswith(".")
    assert "{" not in summary
    assert summary not in [other.summary for name, other in KINDS.items() if name != kind]
    for field, value in (("block", "5 tokens"), ("compression", "3 tokens")):
        assert (value in summary) == (field in KINDS[kind].saved)
    assert view["attention"][kind]["distances"] == ("relative" in kind)


@pytest.mark.parametrize("task", ["translate", "summarize", "lm", "finetune", "music"])
def test_every_token_of_it_can_be_shown(subject: Make, task: str) -> None:
    view = view_of(trace_of(subject(task)))
    named = {*view["tokens"], *np.unique(unpacked(view["lens"]["ids"])).tolist()}
    named |= {id for id in view["followers"] if id >= 0}
    assert named <= set(view["pieces"])
    assert json.loads(json.dumps(view, allow_nan=False))["tokens"] == view["tokens"]


def test_distributions_are_the_model_s_at_any_temperature(subject: Make) -> None:
    """Also of a vocabulary that is larger than the number of tokens that are listed one by one."""
    made = subject("lm")
    found = trace_of(made)
    wide = np.random.default_rng(0).normal(0, 3, (1, 30_000)).astype(np.float32)
    object.__setattr__(found, "logits", wide)
    object.__setattr__(found, "steps", (0,))
    (stored,) = view_of(found)["output"]
    ids, logits, means = (unpacked(stored[key]) for key in ("ids", "logits", "means"))
    assert len(ids) == 1024
    assert len(ids) + sum(stored["counts"]) == 30_000
    for temperature in (0.3, 1.0, 1.9):
        expected = torch.from_numpy(wide[0] / temperature).double().softmax(-1).numpy()
        mass = np.exp(logits / temperature).sum() + (np.array(stored["counts"]) * np.exp(means / temperature)).sum()
        np.testing.assert_allclose(np.exp(logits / temperature) / mass, expected[ids], rtol=1e-3)


class Counting:
    """A task without a tokenizer."""

    size = eos = 300
    layout = Stream()
    about = Lm.about

    @property
    def vocabulary(self) -> "Counting":
        return self

    def encode_source(self, source: str) -> list[int]:
        return []

    def spell(self, id: int) -> bytes:
        return f" {id}".encode()


def test_a_thousand_tokens_of_144_heads_stay_below_ten_megabytes() -> None:
    """In the shape of the smallest GPT-2 but for its widths, of which the page has no more than it has room for."""
    config = ModelConfig(n_layer=12, n_head=12, n_embd=96, n_inner=96, n_positions=1024, dropout=0)
    model = GPT2(config, 300).eval()
    ids = torch.randint(300, (1024,)).tolist()
    engine = Engine(Counting(), model, GenerateConfig(device="cpu"))  # type: ignore[arg-type]  # as far as it is needed
    made = Subject(engine, "wide", "lm", "", 1000, ids, [*ids[1:], -1], False)
    assert len(json.dumps(view_of(trace_of(made)))) < 10_000_000
