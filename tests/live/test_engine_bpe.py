"""The page's tokenizer gives the ids and texts of gpt2kit's, which are those of `tokenizers`."""

import importlib.util
import random
import sys
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tokenizers import pre_tokenizers

from gpt2kit.config import GenerateConfig
from gpt2kit.data.bpe import END_OF_TEXT, Bpe
from gpt2kit.live.asking import asking
from gpt2kit.tasks.lm import Lm

Engine = Callable[..., Any]

SEPARATOR = "<to-fr>"

NASTY = [
    "",
    " ",
    "   two   \t\t spaces \n\n and lines\r\n",
    "zero \0 bell \x07 escape \x1b[0m delete \x7f",
    "\ufeffbom \u200b\u200d\u00ad \u202e rtl \u180e \u0085 \x1c \ufeff\ufeff x",
    "\U0010ffff\ufffd\ufffe",
    f"literal {SEPARATOR} and {END_OF_TEXT}{SEPARATOR}",
    "I'M they'VE don't I'm 'tis we'll'll d'd",
    "ĠtheĊ looks like the alphabet of the bytes",
]


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """The multilingual texts of the tests of the tokenizer."""
    path = Path(__file__).parents[1] / "data" / "test_bulk.py"
    spec = importlib.util.spec_from_file_location("texts_in_all_scripts", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [*NASTY, *module.TEXTS]


@pytest.fixture(scope="module")
def tasks(texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Lm]:
    """With merges of text in all scripts, with bytes alone, and with long runs of few letters."""
    runs = ["aaaaaaa aaaa aaa bababa ababab aab abb aabbaabb"] * 3
    made = {
        "trained": Bpe.train(iter(texts[:200]), 1500, [SEPARATOR]),
        "bytes": Bpe.train(iter(()), 256, [SEPARATOR]),
        "runs": Bpe.train(iter(runs), 280, [SEPARATOR]),
    }
    found = {}
    for name, bpe in made.items():
        folder = tmp_path_factory.mktemp(name)
        bpe.save(folder, 64)
        found[name] = Lm(folder=folder)
    return found


def tokenizer_of(task: Lm) -> Any:
    return asking(task, GenerateConfig())["tokenizer"]


KINDS = pytest.mark.parametrize("kind", ["trained", "bytes", "runs"])


@KINDS
def test_ids_and_texts(engine: Engine, tasks: dict[str, Lm], texts: list[str], kind: str) -> None:
    bpe, texts = tasks[kind].bpe, texts if kind == "trained" else texts[:200]
    body = """(tokenizer, texts) => {
        const bpe = new Bpe(tokenizer);
        return texts.map((text) => [bpe.encode(text), bpe.decode(bpe.encode(text))]);
    }"""
    found = engine(body, tokenizer_of(tasks[kind]), texts)
    assert found == [[ids, text] for ids, text in zip(bpe.encode(texts), texts, strict=True)]


def test_any_ids(engine: Engine, tasks: dict[str, Lm]) -> None:
    """Of incomplete characters, of control tokens and beyond the vocabulary."""
    bpe, draw = tasks["trained"].bpe, random.Random(0)
    rows = [[draw.randrange(bpe.vocab_size + 3) for _ in range(draw.randrange(9))] for _ in range(500)]
    rows += [[draw.randrange(2, 258) for _ in range(draw.randrange(9))] for _ in range(500)]  # bytes
    body = """(tokenizer, rows) => {
        const bpe = new Bpe(tokenizer);
        return rows.map((ids) => [bpe.decode(ids), bpe.decode(ids, true)]);
    }"""
    found = engine(body, tokenizer_of(tasks["trained"]), rows)
    assert found == [[bpe.decode(ids), bpe.decode(ids, special=True)] for ids in rows]


def test_single_tokens(engine: Engine, tasks: dict[str, Lm]) -> None:
    bpe = tasks["trained"].bpe
    body = """(tokenizer) => {
        const bpe = new Bpe(tokenizer);
        return tokenizer.tokens.map((token, id) => [bpe.id(token), bpe.spell(id)]);
    }"""
    found = engine(body, tokenizer_of(tasks["trained"]))
    spelled = [bpe.spell(id) for id in range(bpe.vocab_size)]
    assert found == [[id, piece if isinstance(piece, str) else [*piece]] for id, piece in enumerate(spelled)]


def test_a_byte_without_a_token_is_lost(engine: Engine, tasks: dict[str, Lm], tmp_path: Path) -> None:
    described = tokenizer_of(tasks["trained"])
    without = [token if token != "b" else "unused" for token in described["tokens"]]
    merges = [pair for pair in described["merges"] if "b" not in pair]
    body = "(tokenizer) => { const bpe = new Bpe(tokenizer); return bpe.decode(bpe.encode('abc b')); }"
    assert engine(body, described | {"tokens": without, "merges": merges}) == "ac "


def test_half_a_pair_of_utf16_is_unknown(engine: Engine, tasks: dict[str, Lm]) -> None:
    body = "(tokenizer, units) => new Bpe(tokenizer).encode(String.fromCharCode(...units))"
    found = [engine(body, tokenizer_of(tasks["trained"]), units) for units in ([97, 0xD800, 98], [0xDC00, 0xD800])]
    assert found == tasks["trained"].bpe.encode(["a\ufffdb", "\ufffd\ufffd"])


@KINDS
def test_long_words(engine: Engine, tasks: dict[str, Lm], kind: str) -> None:
    """They would take minutes if time were quadratic."""
    texts = ["ab" * 20_000, "a" * 40_001, " " * 39_999 + "a", "é" * 20_000]
    body = "(tokenizer, texts) => { const bpe = new Bpe(tokenizer); return texts.map((text) => bpe.encode(text)); }"
    assert engine(body, tokenizer_of(tasks[kind]), texts) == tasks[kind].bpe.encode(texts)


def test_letters_and_digits_of_all_scripts(engine: Engine) -> None:
    """A piece ends where the kind of character changes: for the characters on both sides of each change that Python's
    Unicode has, and a few that are newer than the Unicode of `tokenizers`."""
    chars = [*_at_changes(), *"\u088f\ua7ce\U00010940\U00011de0\U00016ff4\U000323b0\U00033479"]
    assert len(chars) > 5000
    text = "".join(f"a{char} 1{char} !{char}  {char} " for char in chars)
    pieces = pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str(text)
    ends = engine("(text) => { let end = 0; return text.match(PIECE).map((piece) => end += [...piece].length); }", text)
    assert ends == [end for _, (_, end) in pieces]


def _at_changes() -> Iterator[str]:
    before = ""
    for char in map(chr, range(sys.maxunicode + 1)):
        kind = unicodedata.category(char)
        if kind != before and before not in ("", "Cn", "Cs", "Co"):
            yield chr(ord(char) - 1)
        if kind != before and kind not in ("Cn", "Cs", "Co"):
            yield char
        before = kind
