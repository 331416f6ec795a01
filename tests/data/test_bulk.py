"""Bulk tokens are those of `tokenizers`, of Hugging Face's GPT-2 and of tiktoken's: in every script, any vocabulary."""

import json
import random
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiktoken

from gpt2kit.data import bulk
from gpt2kit.data.bpe import Bpe
from gpt2kit.data.bulk import BulkBpe
from gpt2kit.data.byte_alphabet import bytes_by_character

SharedData = Callable[[str], Path]

SCRIPTS = [
    *((0x20, 0x7F), (0xA0, 0x250), (0x300, 0x370), (0x370, 0x530), (0x590, 0x700), (0x900, 0xE00), (0xE00, 0x1000)),
    *((0x1100, 0x1200), (0x2000, 0x2070), (0x2100, 0x2400), (0x3000, 0x3100), (0x4E00, 0x5200), (0xAC00, 0xAE00)),
    *((0x1F300, 0x1F650), (0xFE00, 0xFE10)),
]
SPACES = [" ", "  ", "   ", "\n", "\n\n", " \n ", "\t", "\r\n", "\u00a0", "\u2028", "\u3000", "\x1c", "\u200b"]
WORDS = [
    "the",
    "don't",
    "I'LL",
    "we've",
    "x's",
    "'s",
    "1234",
    "3.14",
    "étudiant",
    "…",
    "--",
    "<|endoftext|>",
    "Ġ",
    "ĠĠ",
]


def assigned(char: str) -> bool:
    """Whether all libraries know the character: their tables of Unicode are not of the same year."""
    return unicodedata.category(char) not in ("Cn", "Cs", "Co")


def fuzzed(seed: int, length: int = 60) -> str:
    """Words of all scripts, spaces of all kinds and things that tokenizers stumble over."""
    draw = random.Random(seed)
    parts = []
    for _ in range(length):
        kind = draw.random()
        if kind < 0.35:
            parts.append(draw.choice(SPACES))
        elif kind < 0.55:
            parts.append(draw.choice(WORDS))
        else:
            first, last = draw.choice(SCRIPTS)
            letters = [chr(draw.randrange(first, last)) for _ in range(draw.randrange(1, 8))]
            parts.append("".join(filter(assigned, letters)))
    return "".join(parts)


TEXTS = [fuzzed(seed) for seed in range(1000)]


@pytest.fixture(scope="module")
def trained() -> Bpe:
    return Bpe.train(iter(TEXTS[:200]), 1500, ["<to-fr>"])


def test_a_trained_vocabulary(trained: Bpe) -> None:
    texts = ["", *TEXTS]
    assert [ids.tolist() for ids in trained.encode_arrays(texts)] == trained.encode(texts)


@pytest.mark.parametrize("few", [0, 10**9])
def test_a_text_is_cut_at_spaces_or_not(trained: Bpe, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Either way of finding its pieces gives the same ones, in front of words, at the ends, of any space."""
    monkeypatch.setattr(bulk, "FEW", few)
    spaces = [a + b + c for a in ("", *SPACES) for b in SPACES for c in ("", *SPACES)]
    texts = [*TEXTS, *spaces, *(f"{space}word{space}'s{space}7{space}!" for space in spaces)]
    assert [ids.tolist() for ids in trained.encode_arrays(texts)] == trained.encode(texts)


def test_bytes_alone() -> None:
    """256 tokens, and one that ends a text: the character-level model of other tools."""
    bpe = Bpe.train(iter(TEXTS[:9]), 256, ())
    assert bpe.vocab_size == 257
    assert [ids.tolist() for ids in bpe.encode_arrays(TEXTS)] == bpe.encode(TEXTS)
    assert all(len(ids) == len(text.encode()) for ids, text in zip(bpe.encode(TEXTS), TEXTS, strict=True))
    assert [bpe.decode(ids) for ids in bpe.encode(TEXTS)] == TEXTS


def test_repeated_letters_are_joined_from_the_left(trained: Bpe) -> None:
    runs = Bpe.train(iter(["aaaaaaa aaaa aaa bababa ababab aab abb"] * 3), 270, ())
    texts = [letter * count + tail for letter in ("a", "ab", "ba", " a") for count in range(12) for tail in ("", "b")]
    assert [ids.tolist() for ids in runs.encode_arrays(texts)] == runs.encode(texts)


def test_gpt2s_own_vocabulary(shared_data: SharedData, tmp_path: Path) -> None:
    """OpenAI's two files give what Hugging Face's and tiktoken's GPT-2 encoders give, built from the same files."""
    from transformers import GPT2Tokenizer  # slow, and other tests read the texts of this file

    folder = shared_data("gpt2-bpe")
    ours = Bpe.load(folder)
    assert (ours.vocab_size, ours.end_of_text) == (50257, 50256)
    theirs = GPT2Tokenizer(vocab=str(folder / "encoder.json"), merges=str(folder / "vocab.bpe"))
    wanted = tiktoken_gpt2(folder)
    for text in TEXTS:
        (ids,) = ours.encode([text])
        (bulk,) = ours.encode_arrays([text])
        assert ids == bulk.tolist() == wanted.encode_ordinary(text)
        assert theirs.encode(text, split_special_tokens=True) == ids
        assert ours.decode(ids) == text


def tiktoken_gpt2(folder: Path) -> tiktoken.Encoding:
    """As `tiktoken.get_encoding("gpt2")` makes it, which would download the files."""
    from tiktoken.load import data_gym_to_mergeable_bpe_ranks

    ranks = data_gym_to_mergeable_bpe_ranks(str(folder / "vocab.bpe"), str(folder / "encoder.json"))
    pattern = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"
    return tiktoken.Encoding("gpt2", pat_str=pattern, mergeable_ranks=ranks, special_tokens={"<|endoftext|>": 50256})


def test_the_alphabet_is_that_of_tokenizers(trained: Bpe) -> None:
    assert sorted(bytes_by_character()) == sorted(token for token in trained.tokenizer.get_vocab() if len(token) == 1)
    for char, byte in bytes_by_character().items():
        text = bytes([byte]).decode("latin-1")
        if byte < 128:
            assert trained.token(trained.encode([text])[0][0]) == char


def test_runs_without_an_end(trained: Bpe) -> None:
    """What would take bulk forever is left to `tokenizers`, and stands where it stood."""
    texts = ["one", "x" * 30_000, "two", " " * 30_000, "three\n" + "\n" * 30_000 + "four", "five"]
    assert [ids.tolist() for ids in trained.encode_arrays(texts)] == trained.encode(texts)


def test_what_a_folder_asks_of_a_tokenizer_cuts_nothing(trained: Bpe, tmp_path: Path) -> None:
    described = json.loads(trained.tokenizer.to_str())
    cut = {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0}
    (tmp_path / "tokenizer.json").write_text(json.dumps(described | {"truncation": cut}), encoding="utf-8")
    assert Bpe.load(tmp_path).encode(TEXTS[:9]) == trained.encode(TEXTS[:9])


def test_tokens_that_text_turns_into_are_not_run_in_bulk(trained: Bpe) -> None:
    described = json.loads(trained.tokenizer.to_str())
    user = {"id": 1500, "content": "<user>", "single_word": False, "lstrip": False, "rstrip": False}
    described["added_tokens"].append(user | {"normalized": False, "special": False})
    with pytest.raises(ValueError, match="text can become an added token"):
        BulkBpe(json.dumps(described))


CHANGES: list[dict[str, Any]] = [
    {"normalizer": {"type": "NFC"}},
    {"pre_tokenizer": {"type": "Whitespace"}},
    {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}},
    {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}},
]


@pytest.mark.parametrize("change", CHANGES)
def test_another_kind_of_tokenizer_is_not_run_in_bulk(trained: Bpe, change: dict[str, Any], tmp_path: Path) -> None:
    described = json.loads(trained.tokenizer.to_str()) | change
    with pytest.raises(ValueError, match="in another way than GPT-2's"):
        BulkBpe(json.dumps(described))
    (tmp_path / "tokenizer.json").write_text(json.dumps(described), encoding="utf-8")
    other = Bpe.load(tmp_path)
    assert [ids.tolist() for ids in other.encode_arrays(TEXTS[:50])] == other.encode(TEXTS[:50])


def test_a_model_that_is_no_plain_bpe_is_not_run_in_bulk(trained: Bpe) -> None:
    described = json.loads(trained.tokenizer.to_str())
    described["model"]["ignore_merges"] = True
    with pytest.raises(ValueError, match="ignore_merges is True"):
        BulkBpe(json.dumps(described))
