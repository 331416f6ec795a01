"""What makes a tokenizer another kind than GPT-2's."""

import json
from typing import Any

import pytest

from gpt2kit.data.bpe import Bpe
from gpt2kit.data.plain_bpe import unusual


@pytest.fixture(scope="module")
def plain() -> str:
    """The tokenizer.json of a plain one."""
    return Bpe.train(iter(["the cat sat on the mat"]), 270, ["<to-fr>"]).tokenizer.to_str()


def test_one_that_is_learned_here_is_plain(plain: str) -> None:
    assert unusual(json.loads(plain)) == ""


@pytest.mark.parametrize(
    ("part", "changes", "reason"),
    [
        ("model", {"type": "WordPiece"}, "the model's type is 'WordPiece'"),
        ("model", {"dropout": 0.1}, "the model's dropout is 0.1"),
        ("model", {"continuing_subword_prefix": "##"}, "the model's continuing_subword_prefix is '##'"),
        ("model", {"end_of_word_suffix": "</w>"}, "the model's end_of_word_suffix is '</w>'"),
        ("model", {"ignore_merges": True}, "the model's ignore_merges is True"),
        ("pre_tokenizer", {"use_regex": False}, "split in another way"),
        ("pre_tokenizer", {"add_prefix_space": True}, "split in another way"),
        ("pre_tokenizer", {"type": "Whitespace"}, "split in another way"),
        ("", {"normalizer": {"type": "Lowercase"}}, "text is normalized"),
    ],
)
def test_others_are_named(plain: str, part: str, changes: dict[str, Any], reason: str) -> None:
    described = json.loads(plain)
    described |= {part: described[part] | changes} if part else changes
    assert reason in unusual(described)
