"""The data of the inspection page: the engine computes what `inspect` writes."""

import base64
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from gpt2kit.config import GenerateConfig, ModelConfig
from gpt2kit.data.layouts import Stream
from gpt2kit.inspection.subject import Subject
from gpt2kit.inspection.trace import trace_of
from gpt2kit.inspection.view import shape_view, view_of
from gpt2kit.live.content import content, weights
from gpt2kit.model.ablation import Off, without
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.pipeline.engine import Engine
from gpt2kit.selftest.run_under_test import opened
from gpt2kit.tasks.lm import Lm

if TYPE_CHECKING:
    from tests.live.conftest import EngineInNode

Build = Callable[..., GPT2]
IDS = torch.randint(23, (20,), generator=torch.Generator().manual_seed(5)).tolist()
NOTHING = Off()
OFF = Off(frozenset({(0, 1)}), frozenset({1}), frozenset({0}))
SHAPES: dict[str, dict[str, Any]] = {
    "full": {},
    "relative": {"attention": "relative"},
    "local": {"attention": "local", "block": 6},
    "relative-local": {"attention": "relative-local", "block": 6},
    "compressed": {"attention": "compressed", "compression": 3},
    "all of them": {"n_layer": 3, "attention": "full,compressed,relative-local", "block": 4, "compression": 2},
    "untied and unscaled": {
        "tie_word_embeddings": False,
        "scale_attn_weights": False,
        "scale_attn_by_inverse_layer_idx": True,
        "activation_function": "relu",
        "n_inner": 40,
    },
}
SETTINGS: dict[str, Any] = {
    "temperature": 0.7,
    "top_k": 9,
    "top_p": 0.9,
    "repetition_penalty": 1.3,
    "penalty_on": "answer",
    "ban_ids": (4,),
}
VIEW = """(run, knows, subject, off) => {
  kept.model = new Model(run);
  kept.tracer = new Tracer(kept.model);
  const spell = (id) => id === 7 ? "<sep>" : new TextEncoder().encode(` ${id}`);
  const odd = { groups: null, weigh: (bias) => bias.forEach((_, id) => { bias[id] = id % 2 ? -Infinity : 0; }) };
  kept.knows = { ...knows, spell, automatonAt: () => knows.odd ? odd : null };
  kept.whole = (steps) => {
    let found = steps.next();
    while (!found.done) found = steps.next();
    return found.value;
  };
  return kept.whole(viewOf(kept.tracer, subject, kept.knows, off));
}"""


class Odd:
    """The grammar that forbids odd ids."""

    over, groups = False, None

    def weigh(self, bias_V: Any) -> None:
        bias_V[1::2] = -np.inf

    def accept(self, id: int) -> None:
        """Any."""


class Counting:
    """A task without a tokenizer."""

    about = Lm.about
    size = eos = 300

    def __init__(self, odd: bool) -> None:
        self.layout = Stream()
        if odd:
            object.__setattr__(self.layout, "grammar", lambda prompt: Odd())

    @property
    def vocabulary(self) -> "Counting":
        return self

    def encode_source(self, source: str) -> list[int]:
        return []

    def spell(self, id: int) -> bytes | str:
        return "<sep>" if id == 7 else f" {id}".encode()


def subject_of(model: GPT2, ids: list[int] = IDS, prompt: int = 12, odd: bool = False) -> Subject:
    engine = Engine(Counting(odd), model, GenerateConfig(device="cpu", **SETTINGS))  # type: ignore[arg-type]  # enough
    return Subject(engine, "runs/tiny", "lm", "", prompt, ids, [*ids[1:], -1], False, remarks=("one",))


def given(subject: Subject, off: Off = NOTHING, odd: bool = False) -> list[Any]:
    """What the engine takes: the run, what the page knows, the subject, and the parts that are off."""
    engine = subject.engine
    knows = {"shape": shape_view(engine.model, subject.name, subject.task), "answers": False, "plays": False}
    names = ("ids", "prompt", "followers", "finished", "given", "remarks", "labels", "answers", "texts")
    parts = {"heads": [*map(list, off.heads)], "attentions": [*off.attentions], "mlps": [*off.mlps]}
    own = {"generate": SETTINGS | {"beams": 1}, "odd": odd}
    return [weights(engine.model, "f32"), knows | own, {name: getattr(subject, name) for name in names}, parts]


def numbers(packed: dict[str, Any]) -> Any:
    """The values of an array, from base64 or as a list of the engine."""
    if "values" in packed:
        return np.array(packed["values"], np.float64).reshape(packed["shape"])
    kind, data = packed["kind"], base64.b64decode(packed["data"])
    stored = np.frombuffer(data, "<u2" if kind in ("share", "score") else f"<{kind}").astype(np.float64)
    if kind == "share":
        stored = (stored / 65535) ** 2
    elif kind == "score":
        steps = np.where(stored == 65535, np.nan, stored)
        stored = packed["low"] + steps / 65534 * (packed["high"] - packed["low"])
    return stored.reshape(packed["shape"]).astype(np.float64)


def agrees(found: Any, expected: Any, where: str = "view") -> None:
    """The same structure, the same numbers as far as the page's number types can tell."""
    if isinstance(expected, dict) and "kind" in expected and "shape" in expected:
        assert found["shape"] == expected["shape"], where
        kind = expected["kind"]
        exact = kind in ("u2", "u4") or where.endswith("hidden")
        rounded = {"u1": 1.0, "f2": 2e-3, "f4": 1e-4, "share": 2e-5, "score": 6e-4}.get(kind, 0.0)
        assert found["kind"] == ("f4" if kind in ("f2", "share", "score") else kind), where
        bounds = {"rtol": 0, "atol": 0} if exact else {"rtol": 1e-3 if kind == "f2" else 1e-4, "atol": rounded}
        np.testing.assert_allclose(numbers(found), numbers(expected), err_msg=where, **bounds)
        for name in ("low", "high") if kind == "u1" else ():
            assert found.get(name) == pytest.approx(expected.get(name)), where
    elif isinstance(expected, dict):
        assert {*found} == {*map(str, expected)}, where
        ranked = "logits" in expected  # the likeliest tokens: two that are equal but for rounding may change places
        if ranked:
            places = {id: place for place, id in enumerate(numbers(expected["ids"]))}
            logits = numbers(expected["logits"])[[places[id] for id in numbers(found["ids"])]]
            np.testing.assert_allclose(numbers(found["logits"]), logits, rtol=1e-4, atol=1e-4, err_msg=where)
        for name, value in expected.items():
            if ranked and name == "ids":
                assert len({*numbers(found["ids"])}) == len(places), where
                continue
            agrees(found[str(name)], value, f"{where}.{name}")
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected), where
        for place, value in enumerate(expected):
            agrees(found[place], value, f"{where}[{place}]")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-6), where
    else:
        assert found == expected, where


@pytest.mark.parametrize("off", [NOTHING, OFF])
@pytest.mark.parametrize("name", SHAPES)
def test_the_view_is_that_of_inspect(engine: "EngineInNode", tiny_model: Build, name: str, off: Off) -> None:
    odd = name == "full"
    subject = subject_of(tiny_model(**SHAPES[name]), odd=odd)
    expected = view_of(trace_of(subject, off))
    tokens = expected["neurons"].pop("pushed")
    pairs = [[*map(int, pair.split("."))] for pair in tokens]
    found = engine(VIEW, *given(subject, off, odd))
    asked = engine("(pairs) => pairs.map((pair) => pushedTokens(kept.model, ...pair))", pairs)
    assert asked == [[*map(list, tokens[f"{layer}.{neuron}"])] for layer, neuron in pairs]
    assert found["neurons"].pop("pushed") == {}
    named = {str(id) for pair in tokens.values() for ids in pair for id in ids}
    for id in named - {*found["pieces"]}:
        del expected["pieces"][int(id)]
    agrees(found, expected)


def test_the_view_of_a_prompt_alone_and_of_one_token(engine: "EngineInNode", tiny_model: Build) -> None:
    for ids in (IDS, [7]):
        subject = subject_of(tiny_model(attention="compressed"), ids, prompt=len(ids))
        expected, found = view_of(trace_of(subject)), engine(VIEW, *given(subject))
        for name in ("steps", "looked", "lens", "roles", "path", "written", "output"):
            agrees(found[name], expected[name], name)


def test_of_a_long_text_the_end_and_the_strongest_weights(engine: "EngineInNode", tiny_model: Build) -> None:
    model = tiny_model(n_layer=4, n_positions=400, attention="full,local,full,compressed", block=128)
    subject = subject_of(model, [(7 * place + place * place // 5) % 23 for place in range(400)], prompt=390)
    expected = view_of(trace_of(subject))
    some = f"({VIEW})(...given)"
    found = engine(
        f"(...given) => {{ const view = {some}, {{ heads, ends, close, visible }} = view.looked[given.pop()];"
        " return { first: view.first, keys: close.keys, scores: close.scores, ends: ends.values,"
        " columns: heads[1].columns, visible }; }",
        *given(subject),
        3,
    )
    looked = expected["looked"][3]
    assert found["first"] == expected["first"] > 0
    agrees(found["keys"], looked["close"]["keys"])
    agrees(found["scores"], looked["close"]["scores"], "scores")
    agrees(found["visible"], looked["visible"], "visible")
    assert found["ends"] == numbers(looked["ends"]).tolist()
    assert found["columns"]["shape"] == looked["heads"][1]["columns"]["shape"]


def test_an_edited_text_is_read_again_from_its_change(engine: "EngineInNode", tiny_model: Build) -> None:
    """A view after other texts is that of a new tracer, also with other parts off."""
    subject = subject_of(tiny_model(n_layer=3, attention="full,compressed,relative", compression=2))
    engine(VIEW, *given(subject))
    again = """(subject, off) => {
      const view = (tracer) => kept.whole(viewOf(tracer, subject, kept.knows, off));
      const views = [kept.tracer, new Tracer(kept.model)].map(view);
      return [kept.tracer.cache.position, JSON.stringify(views[0]) === JSON.stringify(views[1])];
    }"""
    for ids in (IDS[:15], [*IDS[:9], 3, 4], [*IDS[:9], 3, 4, 5], [*IDS[:9], 3], [2]):
        edited = given(subject_of(subject.engine.model, ids, prompt=1), OFF if len(ids) == 12 else NOTHING)
        assert engine(again, *edited[2:]) == [len(ids), True]


@pytest.mark.parametrize("off", [NOTHING, OFF])
@pytest.mark.parametrize("name", SHAPES)
def test_the_parts_add_up_to_the_logits(engine: "EngineInNode", tiny_model: Build, name: str, off: Off) -> None:
    model = tiny_model(**SHAPES[name])
    run, _, _, parts = given(subject_of(model), off)
    found = engine(
        "(run, ids, off, position) => { const tracer = new Tracer(new Model(run)); [...tracer.read(ids, off)];"
        " return attributionOf(tracer, position, [...Array(23).keys()]).map((parts) => sumOf(flatParts(parts))); }",
        run,
        IDS,
        parts,
        13,
    )
    with torch.no_grad(), without(model, off):
        np.testing.assert_allclose(found, model(torch.tensor([IDS]))[0, 13].numpy(), atol=1e-4, rtol=0)


@pytest.mark.parametrize("off", [NOTHING, OFF])
@pytest.mark.parametrize("labels", [("bad", "good", "unknown"), ("",)])
def test_the_parts_of_a_label(engine: "EngineInNode", tiny_model: Build, labels: tuple[str, ...], off: Off) -> None:
    """Of labels that are read from two texts, and of two choices."""
    model = tiny_model(attention="full,compressed", compression=3)
    model.set_classifier(labels)
    answers = labels if len(labels) > 1 else ("10", "9")
    subject = replace(subject_of(model, prompt=20), answers=answers, texts=(IDS, [*IDS[:9], 2, 5]))
    expected, found = view_of(trace_of(subject, off))["labelled"], engine(VIEW, *given(subject, off))["labelled"]
    assert found["names"] == [*answers]
    agrees(found["parts"], expected["parts"], "parts")


def test_a_run_has_what_the_view_lists(run_of: Callable[..., Path]) -> None:
    run = content(opened(run_of("translate")), "f16")
    view = view_of(trace_of(subject_of(GPT2(ModelConfig(n_layer=1), 300).eval())))["model"]
    assert {*view} - {"positions"} == {*run["shape"]}
    assert run["shape"]["name"] == run_of("translate").name
    assert run["shape"]["total"] == sum(run["shape"]["totals"].values())
    assert run["task"]["answers"]
