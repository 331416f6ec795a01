"""A classifier in a pipeline of transformers, which is given plain texts: its probabilities are gpt2kit's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer, pipeline

import gpt2kit
from gpt2kit.pipeline.engine import Engine
from gpt2kit.pipeline.merge import merge

RunOf = Callable[..., Path]

TEXTS = [
    "x",
    "fine 1",
    "a fine text\nof two lines",
    "  dull   2  ",
    "é 中文 🏳️‍🌈",
    *("dull and " * n + "so on" for n in (3, 30)),
]
TAGS = ["<extract>", "a <start> b", "<delimiter><extract>", "the end<|endoftext|>", "<b>bold</b> <|endoftext|> "]
LOCAL = ["model.attention=local", "model.block=16"]


def classifier(run: Path) -> Any:
    code = (run / "modeling_gpt2kit.py").is_file()
    return pipeline("text-classification", str(run), trust_remote_code=code)


def inputs_of(source: tuple[str, ...]) -> Any:
    return source[0] if len(source) == 1 else {"text": source[0], "text_pair": source[1]}


def assert_equal(engine: Engine, classify: Any, sources: list[tuple[str, ...]]) -> None:
    wanted = [result.probabilities for result in engine.results(sources)]
    for batch_size in (1, 4):
        found = classify([inputs_of(source) for source in sources], top_k=None, truncation=True, batch_size=batch_size)
        for source, told, right in zip(sources, found, wanted, strict=True):
            assert {each["label"]: each["score"] for each in told} == pytest.approx(right, abs=1e-5), source


@pytest.mark.parametrize("settings", [[], LOCAL], ids=["full", "local"])
@pytest.mark.parametrize("kind", ["labelled", "pairs"])
def test_probabilities_of_plain_texts(run_of: RunOf, kind: str, settings: list[str]) -> None:
    """Of several lengths, in padded batches, beyond the window, and with control tokens that a text spells."""
    run = run_of(kind, *settings)
    engine = gpt2kit.load(run)
    texts = [*TEXTS, *TAGS]
    sources: list[tuple[str, ...]] = [(text,) for text in texts]
    if kind == "pairs":
        sources = [*zip(texts, texts[::-1], strict=True)]
    cut = [result.truncated for result in engine.results(sources)]
    assert any(cut)
    assert not all(cut)
    assert_equal(engine, classifier(run), sources)


def test_they_cut_where_gpt2kit_cuts(run_of: RunOf) -> None:
    run = run_of("pairs")
    engine, theirs = gpt2kit.load(run), AutoTokenizer.from_pretrained(run)
    window = engine.model.config.n_positions
    lengths = [1, 2, 9, 29, 30, 31, 60, 61, 100]
    for first in lengths:
        for second in lengths:
            pair = "1" * first, "2" * second
            prompt, cut = engine.prompt(pair, engine.config)
            assert theirs(*pair, truncation=True).input_ids == prompt
            assert cut == (first + second + 3 > window - 1)


def test_adapters_merged_and_a_kept_checkpoint(run_of: RunOf, tmp_path: Path) -> None:
    """The adapters were trained on data that was prepared with the tokenizer of the first run."""
    base = run_of("labelled", "train.keep_checkpoints=1")
    (kept,) = (base / "checkpoints").iterdir()
    adapted = run_of("labelled", "train.lora=2", init=base)
    merge(adapted, tmp_path / "merged")
    for run in (kept, tmp_path / "merged"):
        assert_equal(gpt2kit.load(run), classifier(run), [(text,) for text in TEXTS])
