"""The engine computes what gpt2kit's model computes: logits, labels, ablations, intermediate results."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from gpt2kit.live.content import DTYPES, int8_rows, weights
from gpt2kit.model.ablation import Off, without
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.trace import layers

if TYPE_CHECKING:
    from tests.live.conftest import EngineInNode

Build = Callable[..., GPT2]
IDS = [(7 * place + place * place // 3) % 23 for place in range(48)]
"""A whole window."""

SHAPES: dict[str, dict[str, Any]] = {
    "full": {},
    "local": {"attention": "local", "block": 5},
    "relative": {"attention": "relative"},
    "relative-local": {"attention": "relative-local", "block": 5},
    "compressed": {"attention": "compressed", "compression": 3},
    "compressed one by one": {"attention": "compressed", "compression": 1},
    "a block longer than the window": {"attention": "relative-local", "block": 100},
    "local and others": {"n_layer": 3, "attention": "local,compressed,relative", "block": 7, "compression": 4},
    "relative-local and others": {"n_layer": 3, "attention": "full,relative-local,compressed", "block": 16},
    "gelu": {"activation_function": "gelu"},
    "relu": {"activation_function": "relu"},
    "unscaled": {"scale_attn_weights": False},
    "scaled by layer": {"scale_attn_by_inverse_layer_idx": True, "n_layer": 3},
    "scaled in both ways": {
        "attention": "relative",
        "scale_attn_weights": False,
        "scale_attn_by_inverse_layer_idx": True,
    },
    "untied": {"tie_word_embeddings": False},
    "odd sizes": {"n_embd": 15, "n_head": 3, "n_inner": 7, "layer_norm_epsilon": 0.1},
    "one head": {"n_head": 1, "n_layer": 1},
}
KINDS = ["full", "local", "relative", "relative-local", "compressed", "local and others"]


def close(found: Any, expected: Any, relative: float = 1e-4) -> None:
    """Equal to a share of the standard deviation."""
    expected = np.asarray(expected, np.float64)
    np.testing.assert_allclose(np.asarray(found, np.float64), expected, rtol=0, atol=relative * expected.std())


@torch.no_grad()
def logits(model: GPT2, ids: list[int]) -> Any:
    return model(torch.tensor([ids]))[0].numpy()


STEPS = """(run, ids) => {
  const model = new Model(run), cache = model.newCache();
  return ids.map((id) => Array.from(model.step(cache, id)));
}"""


@pytest.mark.parametrize("name", SHAPES)
def test_logits_of_every_step(engine: "EngineInNode", tiny_model: Build, name: str) -> None:
    model = tiny_model(**SHAPES[name])
    close(engine(STEPS, weights(model, "f32"), IDS), logits(model, IDS))


@pytest.mark.parametrize("name", ["full", "untied", "odd sizes"])
def test_logits_without_webassembly(engine: "EngineInNode", tiny_model: Build, name: str) -> None:
    model = tiny_model(**SHAPES[name])
    with_kernel, without_kernel, last, rows = engine(
        """(run, ids) => {
          const there = globalThis.WebAssembly, kernel = new Model(run);
          globalThis.WebAssembly = undefined;
          try {
            const model = new Model(run), cache = model.newCache();
            const rows = ids.slice(0, 30).map((id) => Array.from(model.step(cache, id)));
            return [kernel.memory !== null, model.memory !== null, model.prefill(cache, ids.slice(30)), rows];
          } finally {
            globalThis.WebAssembly = there;
          }
        }""",
        weights(model, "f32"),
        IDS,
    )
    assert (with_kernel, without_kernel) == (True, False)
    expected = logits(model, IDS)
    close(rows, expected[:30])
    close(last, expected[-1])


@pytest.mark.parametrize("dtype", DTYPES)
def test_weights_in_fewer_bits(engine: "EngineInNode", tiny_model: Build, dtype: str) -> None:
    model = tiny_model(**SHAPES["local and others"], tie_word_embeddings=False)
    run = weights(model, dtype)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1 and dtype == "int8":
                steps, scales = int8_rows(parameter.numpy())
                parameter.copy_(torch.from_numpy(steps * scales[..., None]))
            elif parameter.dim() > 1 and dtype == "f16":
                parameter.copy_(parameter.half())
    close(engine(STEPS, run, IDS), logits(model, IDS))


@pytest.mark.parametrize("name", KINDS)
def test_prompts_of_any_length_are_read_as_step_by_step(engine: "EngineInNode", tiny_model: Build, name: str) -> None:
    model = tiny_model(**SHAPES[name])
    found = engine(
        """(run, ids, lengths) => {
          const model = new Model(run);
          return lengths.map((length) => {
            const cache = model.newCache();
            return [Array.from(model.prefill(cache, ids.slice(0, length))), Array.from(model.step(cache, ids[length]))];
          });
        }""",
        weights(model, "f32"),
        IDS,
        lengths := [1, 3, 4, 16, 17, 39, 47],
    )
    expected = logits(model, IDS)
    for length, (last, next_one) in zip(lengths, found, strict=True):
        close(last, expected[length - 1])
        close(next_one, expected[length])


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("kept", [0, 1, 17, 18, 31])
def test_after_a_rewind_the_text_is_the_new_one(
    engine: "EngineInNode", tiny_model: Build, name: str, kept: int
) -> None:
    model = tiny_model(**SHAPES[name])
    changed = IDS[:kept] + [(id + 5) % 23 for id in IDS[kept:]]
    found = engine(
        """(run, ids, kept, changed) => {
          const model = new Model(run), cache = model.newCache();
          model.prefill(cache, ids);
          cache.rewind(kept);
          return changed.slice(kept).map((id) => Array.from(model.step(cache, id)));
        }""",
        weights(model, "f32"),
        IDS[:32],
        kept,
        changed,
    )
    close(found, logits(model, changed)[kept:])


@pytest.mark.parametrize("labels", [("good", "bad", "so-so"), ("choice",)])
def test_scores_of_labels(engine: "EngineInNode", tiny_model: Build, labels: tuple[str, ...]) -> None:
    model = tiny_model()
    model.set_classifier(labels)
    assert model.score is not None
    texts = [IDS, IDS[:1], IDS[3:20]]
    classify = "(run, texts) => { const model = new Model(run); return texts.map((ids) => model.classify(ids)); }"
    found = engine(classify, run := weights(model, "f32"), texts)
    assert run["config"]["labels"] == list(labels)
    with torch.no_grad():
        for text, scores in zip(texts, found, strict=True):
            expected = model.score(model.hidden(torch.tensor([text]))[0, -1])
            np.testing.assert_allclose(scores, expected, atol=1e-5)


@pytest.mark.parametrize(
    "off",
    [
        Off(heads=frozenset({(0, 1), (1, 0)})),
        Off(heads=frozenset({(1, 0), (1, 1)})),
        Off(attentions=frozenset({1})),
        Off(mlps=frozenset({0})),
        Off(frozenset({(0, 0)}), frozenset({1}), frozenset({0, 1})),
    ],
)
@pytest.mark.parametrize("reading", ["step", "prefill"])
def test_parts_that_are_off(engine: "EngineInNode", tiny_model: Build, off: Off, reading: str) -> None:
    model = tiny_model(attention="relative")
    with without(model, off):
        expected = logits(model, IDS)
    parts = {"heads": list(off.heads), "attentions": list(off.attentions), "mlps": list(off.mlps)}
    found = engine(
        """(run, ids, off, reading) => {
          const model = new Model(run), cache = model.newCache();
          if (reading === "prefill") return [Array.from(model.prefill(cache, ids, null, off))];
          return ids.map((id) => Array.from(model.step(cache, id, null, off)));
        }""",
        weights(model, "f32"),
        IDS,
        parts,
        reading,
    )
    close(found, expected[-len(found) :])


@pytest.mark.parametrize("name", KINDS)
@torch.no_grad()
def test_intermediate_results(engine: "EngineInNode", tiny_model: Build, name: str) -> None:
    """Those of the last token, against the trace of gpt2kit's model."""
    model, count = tiny_model(**SHAPES[name]), 23
    found = engine(
        """(run, ids) => {
          const model = new Model(run), cache = model.newCache();
          model.prefill(cache, ids.slice(0, -1));
          const seen = {};
          const watch = (name, layer, values) => { seen[`${name} ${layer}`] = Array.from(values); };
          model.step(cache, ids.at(-1), { watch });
          return seen;
        }""",
        weights(model, "f32"),
        ids := IDS[:count],
    )
    body, heads = model.transformer, model.config.n_head
    for number, (layer, block) in enumerate(zip(layers(model, ids), body.blocks(), strict=True)):
        trace, last = layer.trace, count - 1
        middle = layer.before + layer.attention
        hidden = block.mlp.c_fc(block.ln_2(middle))
        seen_keys = ~trace.hidden[last]
        expected = {
            "norm_1": block.ln_1(layer.before)[last],
            "query": trace.query[:, last].flatten(),
            "scores": trace.scores[:, last][:, seen_keys].flatten(),
            "weights": trace.weights[:, last][:, seen_keys].flatten(),
            "heads": (trace.weights @ trace.value)[:, last].flatten(),
            "attention": layer.attention[last],
            "middle": middle[last],
            "norm_2": block.ln_2(middle)[last],
            "hidden": hidden[last],
            "activation": block.mlp.act(hidden)[last],
            "mlp": layer.mlp[last],
            "after": layer.after[last],
        }
        fused = block.attn.c_attn(block.ln_1(layer.before))[last]
        expected |= {"key": fused.view(3, -1)[1], "value": fused.view(3, -1)[2]}
        for part, values in expected.items():
            close(found.pop(f"{part} {number}"), values)
        assert len(trace.scores) == heads
    close(found.pop("embedding null"), (body.wte.weight[ids[-1]] + body.wpe.weight[count - 1]))
    close(found.pop("norm_f null"), model.hidden(torch.tensor([ids]))[0, -1])
    close(found.pop("logits null"), logits(model, ids)[-1])
    assert found == {}


@pytest.mark.parametrize(
    ("calls", "message"),
    [
        ("model.prefill(cache, [])", "there is no token to read"),
        ("model.prefill(cache, Array(49).fill(0))", "49 tokens; the model's window has 48"),
        ("model.prefill(cache, Array(48).fill(0)); model.step(cache, 0)", "49 tokens; the model's window has 48"),
        ("model.step(cache, 23)", "the id 23 is not in the vocabulary of 23"),
        ("model.prefill(cache, [3, -1])", "the id -1 is not in the vocabulary of 23"),
        ("model.step(cache, 1); cache.rewind(2)", "a cache of 1 tokens cannot be rewound to 2"),
        ("model.step(cache, 1, null, {heads: [[0, 2]], attentions: [], mlps: []})", "layers from 0 to 1 and heads"),
        ("model.step(cache, 1, null, {heads: [], attentions: [], mlps: [2]})", "layers from 0 to 1 and heads"),
    ],
)
def test_what_is_not_there_is_refused(engine: "EngineInNode", tiny_model: Build, calls: str, message: str) -> None:
    script = f"(run) => {{ const model = new Model(run), cache = model.newCache(); {calls}; }}"
    with pytest.raises(RuntimeError, match=message):
        engine(script, weights(tiny_model(), "f32"))


def test_a_refused_prompt_leaves_the_cache_as_it_was(engine: "EngineInNode", tiny_model: Build) -> None:
    model = tiny_model()
    found = engine(
        """(run, ids) => {
          const model = new Model(run), cache = model.newCache();
          model.prefill(cache, ids.slice(0, 20));
          try {
            model.prefill(cache, [...ids.slice(20, 40), 99]);
          } catch {
            return Array.from(model.step(cache, ids[20]));
          }
        }""",
        weights(model, "f32"),
        IDS,
    )
    close(found, logits(model, IDS)[20])
