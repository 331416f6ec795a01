"""A vocabulary is learned from all texts, or from an even sample of those with too many words."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpt2kit.data import vocabulary_sample as module
from gpt2kit.data.vocabulary_sample import SAMPLE_FILE, TOKENS, train_on_sample


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WORDS", 500)
    monkeypatch.setattr(module, "FEW", 250)
    monkeypatch.setattr(module, "RUN", 2)
    monkeypatch.setattr(module, "CHARACTERS", 300)


def sampled(texts: list[str], folder: Path, tokens: int = 300) -> tuple[list[str], int, int]:
    """The sample, and the numbers of texts in it and in the corpus."""
    seen: list[list[str]] = []

    def train(given: Iterator[str]) -> int:
        seen.append([*given])
        assert {path.name for path in folder.iterdir()} <= {SAMPLE_FILE}, "the temporary file has no name"
        return len(seen)

    assert train_on_sample(train, iter(texts), folder, tokens) == len(seen) <= 2
    if len(seen) == 2:
        assert seen[0] == texts[: len(seen[0])], "the beginning"
        assert len(seen[0]) < len(texts)
    if not (folder / SAMPLE_FILE).exists():
        return seen[-1], len(texts), len(texts)
    found = json.loads((folder / SAMPLE_FILE).read_text())
    return seen[-1], found["texts"], found["of"]


@pytest.mark.parametrize(
    "texts",
    [
        *([], [""], ["one"], ["the same few words"] * 2000, [f"text {n}" for n in range(400)]),
        ["", "a\0b\n", "x" * 999, "\ud800 é 日本", *(f"{n} {n + 1}" for n in range(400))],
    ],
    ids=["none", "an empty one", "one", "many with few words", "more words", "odd ones"],
)
def test_texts_with_few_words_are_all_kept(tmp_path: Path, texts: list[str]) -> None:
    assert sampled(texts, tmp_path) == (texts, len(texts), len(texts))


def test_a_sample_is_even_and_in_order(tmp_path: Path) -> None:
    """Sources and targets, the beginning and the end have the same share."""
    texts = [f"{'source' if n % 2 == 0 else 'target'} of the fifth {n // 2000} {n}" for n in range(10_000)]
    found, kept, count = sampled(texts, tmp_path)
    assert (kept, count) == (len(found), 10_000)
    assert 240 <= kept <= 520, "above half of the limit"
    assert found == sorted(found, key=lambda text: int(text.split()[-1]))
    assert set(found) <= set(texts)
    for place in (0, 4):
        shares = Counter(text.split()[place] for text in found)
        assert max(shares.values()) - min(shares.values()) <= 3, shares
    assert sampled(texts, tmp_path)[0] == found


def test_a_sample_halves_the_words_that_only_a_pair_has(tmp_path: Path) -> None:
    texts = [f"{side} {n}" for n in range(600) for side in ("source", "target")]
    found, kept, count = sampled(texts, tmp_path)
    assert (kept, count) == (600, 1200), "half of the texts"
    assert found[0::2] == [text.replace("target", "source") for text in found[1::2]], "whole pairs"


def test_a_larger_vocabulary_needs_more_words(tmp_path: Path) -> None:
    texts = [f"text {n}" for n in range(3600)]
    assert 445 < sampled(texts, tmp_path, TOKENS)[1] < 455
    assert 890 < sampled(texts, tmp_path, 2 * TOKENS)[1] < 910


def test_long_words_count_more(tmp_path: Path) -> None:
    """A text without spaces has few words, but a trainer keeps all of their characters."""
    drawn = random.Random(0)
    texts = ["".join(chr(drawn.randrange(0x4E00, 0x9FFF)) for _ in range(200)) for _ in range(100)]
    assert 5 <= sampled(texts, tmp_path)[1] <= 14


def test_one_run_is_always_kept(tmp_path: Path) -> None:
    texts = [" ".join(f"word{n}" for n in range(start, start + 2000)) for start in (0, 2000, 4000)]
    assert sampled(texts, tmp_path)[0] == texts[:2]
