"""A Reader reads of a text what has changed, and what the model uses of it; it may be left before the end."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from gpt2kit.live.content import content, weights
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.selftest.run_under_test import opened

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.conftest import EngineInNode

Build = Callable[..., GPT2]
IDS = [(7 * place + place * place // 3) % 23 for place in range(48)]
SHAPES: dict[str, dict[str, Any]] = {
    "full": {"n_layer": 3},
    "local": {"n_layer": 3, "attention": "local", "block": 5},
    "relative-local": {"n_layer": 3, "attention": "relative-local", "block": 5},
    "local above others": {"n_layer": 3, "attention": "compressed,local,local", "block": 4, "compression": 3},
    "local below others": {"n_layer": 3, "attention": "local,local,relative", "block": 4},
}
READER = """(run) => {
  const model = new Model(run), read = [];
  for (const name of ["readInPieces", "step"]) {
    const whole = model[name];
    model[name] = function (cache, ids, ...more) { read.push(ids); return whole.call(this, cache, ids, ...more); };
  }
  Object.assign(kept, { model, read, reader: new Reader(model) });
}"""


@pytest.fixture
def loaded(engine: "EngineInNode", tiny_model: Build) -> Callable[..., GPT2]:
    def load(**shape: Any) -> GPT2:
        model = tiny_model(**shape)
        engine(READER, weights(model, "f32"))
        return model

    return load


@torch.no_grad()
def close(found: list[float], model: GPT2, ids: list[int]) -> None:
    expected = model(torch.tensor([ids]))[0, -1].numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * expected.std())


def test_only_the_changed_end_is_read(engine: "EngineInNode", loaded: Callable[..., GPT2]) -> None:
    loaded()
    texts = [[1, 2, 3], [1, 2, 3], [1, 2, 3, 9, 4], [1, 5]]
    body = "(texts) => { for (const text of texts) { kept.reader.read(text); kept.reader.step(9); } return kept.read; }"
    assert [each for each in engine(body, texts) if each != [9]] == [[1, 2, 3], 9, [3], 9, [4], 9, [5], 9]


@pytest.mark.parametrize("name", SHAPES)
def test_edited_texts(engine: "EngineInNode", loaded: Callable[..., GPT2], name: str) -> None:
    """Also those whose change is in a part that was not read, and after readings that were left."""
    model = loaded(**SHAPES[name])
    changed = [*IDS[:30], *(3 for _ in range(11))]
    texts = [IDS[:47], changed, IDS[:6], IDS[:20], IDS[:19], IDS[2:46], IDS[2:40], [4], IDS]
    body = """(texts) => texts.map((text, number) => {
      const left = kept.reader.readInPieces(texts.at(-1 - number));
      for (let piece = 0; piece < number % 3; piece++) left.next();
      const logits = Array.from(kept.reader.read(text));
      return [logits, text.length < 48 ? Array.from(kept.reader.step(5)) : null];
    })"""
    for text, (last, next_one) in zip(texts, engine(body, texts), strict=True):
        close(last, model, text)
        if next_one:
            close(next_one, model, [*text, 5])


def test_what_no_later_token_sees_is_left_out(engine: "EngineInNode", loaded: Callable[..., GPT2]) -> None:
    body = "(ids) => { kept.reader.read(ids); return kept.reader.cache.begins; }"
    loaded(**SHAPES["relative-local"])
    assert engine(body, IDS[:47]) == [30, 35, 40], "the third layer sees this block and the one before, from 40 on"
    loaded(**SHAPES["local below others"])
    assert engine(body, IDS[:47]) == [0, 0, 0]


@pytest.mark.parametrize("steps", [0, 1, 100])
def test_a_continuation_of_a_long_performance_begins_with_what_was_read_ahead(
    engine: "EngineInNode", run_of: "Callable[..., Path]", steps: int
) -> None:
    """It is the same when the reading was left, and nothing is read twice when it was not."""
    found = engine(
        """(run, steps) => {
          const player = new PerformanceRun(run), window = run.config.n_positions, read = [];
          const whole = player.model.readInPieces;
          const notes = Array.from({ length: 3 * window }, (_, each) => (
            { pitch: 40 + each * each % 41, velocity: 70, start: each / 8, end: each / 8 + 0.2 }));
          const ask = () => player.continuation(primerOf(notes), 2), all = (answer) => {
            const ids = [];
            for (const { id } of answer) ids.push(id);
            return ids;
          };
          const plain = all(player.play(ask(), 5)), readers = player.readers(), ahead = player.prepare(ask(), readers);
          for (let step = 0; step < steps && !ahead.next().done; step++);
          player.model.readInPieces = function (cache, ids, ...more) {
            read.push(ids.length);
            return whole.call(this, cache, ids, ...more);
          };
          return { same: String(plain) === String(all(player.play(ask(), 5, readers))), read, made: plain.length };
        }""",
        content(opened(run_of("music")), "f32"),
        steps,
    )
    assert found["made"] > 4
    assert found["same"]
    assert max(found["read"][: found["made"]]) == 1 if steps == 100 else max(found["read"]) > 1
