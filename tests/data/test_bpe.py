"""The tokenizer: every text survives it, no text becomes a control id, and Hugging Face reads its folder."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from transformers import AutoTokenizer, GPT2Tokenizer

from gpt2kit.data.bpe import END_OF_TEXT, Bpe
from gpt2kit.errors import DataError

CORPUS = [
    "I am a student, and I'm glad that they've come.",
    "Je suis étudiant ; l'été, j'étudie à la bibliothèque.",
    "the the the then there 1234 1235",
] * 5

NASTY = [
    "",
    " ",
    "   two   \t\t spaces \n\n and lines\r\n",
    "emoji 🏳️‍🌈👩🏽‍🚀🇫🇷",
    "שלום עולם، مرحبا",
    "中文，日本語、한국어",
    "NFD e\u0301 is not NFC \u00e9",
    "line\u2028paragraph\u2029next\u0085",
    "zero \0 bell \x07 escape \x1b[0m delete \x7f",
    "\ufeffbom \u200b\u200d\u00ad \u202e rtl",
    "\U0010ffff\ufffd\ufffe",
    "no\u00a0break\u202fspace",
    "ĠtheĊ looks like the alphabet of the bytes",
    "literal <to-fr> and <|endoftext|> and <|endoftext|",
    "I'M they'VE don't",
]


@pytest.fixture(scope="module")
def bpe() -> Bpe:
    return Bpe.train(iter(CORPUS), 300, ["<to-fr>"])


@pytest.mark.parametrize("text", NASTY)
def test_every_text_survives(bpe: Bpe, text: str) -> None:
    (ids,) = bpe.encode([text])
    assert bpe.decode(ids) == text


def test_every_character_survives(bpe: Bpe) -> None:
    for start in range(0, 0x110000, 0x4000):
        text = "".join(map(chr, range(start, start + 0x4000, 97))).encode("utf-8", "ignore").decode()
        assert bpe.decode(bpe.encode([text])[0]) == text


def test_text_never_becomes_a_control_id(bpe: Bpe) -> None:
    special = {bpe.id("<to-fr>"), bpe.end_of_text}
    for text in ("<to-fr>", " <to-fr>", "a<to-fr>b", END_OF_TEXT, f"x{END_OF_TEXT} y"):
        (ids,) = bpe.encode([text])
        assert not special & set(ids)
        assert bpe.decode(ids) == text


def test_control_ids_leave_no_text(bpe: Bpe) -> None:
    ids = bpe.encode(["bonjour"])[0]
    assert bpe.decode([bpe.id("<to-fr>"), *ids, bpe.end_of_text]) == "bonjour"
    assert bpe.token(bpe.id("<to-fr>")) == "<to-fr>"


def test_special_ids_are_those_that_no_text_becomes(bpe: Bpe) -> None:
    assert bpe.special_ids == {bpe.end_of_text, bpe.id("<to-fr>")}
    assert not bpe.special_ids & {id for ids in bpe.encode(NASTY) for id in ids}


def test_special_tokens_and_bytes_come_first(bpe: Bpe) -> None:
    assert (bpe.end_of_text, bpe.id("<to-fr>")) == (0, 1)
    assert bpe.vocab_size == 300


def test_half_a_character(bpe: Bpe) -> None:
    (ids,) = bpe.encode(["中"])
    assert len(ids) == 3
    assert bpe.decode(ids[:2]) == "\ufffd"


def test_texts_are_encoded_one_by_one(bpe: Bpe) -> None:
    assert bpe.encode(NASTY) == [bpe.encode([text])[0] for text in NASTY]
    assert bpe.encode([]) == []


def test_merges_shorten_what_was_learned(bpe: Bpe) -> None:
    assert len(bpe.encode([" the the the"])[0]) == 3


def test_training_is_repeatable(bpe: Bpe) -> None:
    assert Bpe.train(iter(CORPUS), 300, ["<to-fr>"]).fingerprint() == bpe.fingerprint()


def test_the_smallest_vocabulary() -> None:
    tiny = Bpe.train(iter(CORPUS), 258, ["<to-fr>"])
    assert tiny.vocab_size == 258
    assert len(tiny.encode(["été"])[0]) == 5
    with pytest.raises(DataError, match=r"task\.vocab = 257; expected at least 258"):
        Bpe.train(iter(CORPUS), 257, ["<to-fr>"])


def test_a_corpus_too_small_for_the_vocabulary() -> None:
    small = Bpe.train(iter(["ab ab"]), 400, [])
    assert 257 < small.vocab_size < 400


def test_save_and_load(bpe: Bpe, tmp_path: Path) -> None:
    bpe.save(tmp_path, window=64)
    loaded = Bpe.load(tmp_path)
    assert loaded.fingerprint() == bpe.fingerprint()
    assert loaded.encode(NASTY) == bpe.encode(NASTY), "literal separators included"
    assert {path.name for path in tmp_path.iterdir()} == {"tokenizer.json", "tokenizer_config.json"}


def test_hugging_face_reads_the_folder(bpe: Bpe, tmp_path: Path) -> None:
    bpe.save(tmp_path, window=64)
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    plain = [text for text in NASTY if "<" not in text]
    assert [theirs(text)["input_ids"] for text in plain] == bpe.encode(plain)
    for text, ids in zip(plain, bpe.encode(plain), strict=True):
        assert theirs.decode(ids) == text
    assert theirs("I am<to-fr>")["input_ids"] == [*bpe.encode(["I am"])[0], bpe.id("<to-fr>")]
    assert theirs.eos_token_id == theirs.bos_token_id == bpe.end_of_text
    assert theirs.model_max_length == 64


def test_separators_take_the_next_ids(bpe: Bpe, tmp_path: Path) -> None:
    bpe.save(tmp_path, window=64)
    more = Bpe.load(tmp_path)
    more.add_separators(["<to-de>", "<to-fr>", "<to-es>"])
    assert (more.id("<to-fr>"), more.id("<to-de>"), more.id("<to-es>")) == (1, 300, 301)
    assert more.vocab_size == 302
    assert more.encode(["to <to-de>"]) == bpe.encode(["to <to-de>"])
    assert more.extends(bpe)
    assert more.extends(more)
    assert not bpe.extends(more)
    assert more.fingerprint() != bpe.fingerprint()


def test_another_vocabulary_is_no_extension(bpe: Bpe) -> None:
    other = Bpe.train(iter(["quite other words, words, words"] * 3), 300, ["<to-fr>"])
    assert not other.extends(bpe)
    assert other.fingerprint() != bpe.fingerprint()


def test_an_unknown_separator(bpe: Bpe) -> None:
    with pytest.raises(DataError, match="no special token '<to-de>'"):
        bpe.id("<to-de>")


def test_no_tokenizer(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"has no tokenizer; expected tokenizer\.json, or vocab\.json and merges\.txt, or"
    ):
        Bpe.load(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "{}", '{"model": 5}'])
def test_a_damaged_tokenizer(tmp_path: Path, content: str) -> None:
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(DataError, match=r"tokenizer\.json is damaged"):
        Bpe.load(tmp_path)


def test_damaged_older_files(tmp_path: Path) -> None:
    (tmp_path / "vocab.json").write_text(json.dumps({"a": 0}))
    (tmp_path / "merges.txt").write_text("#version: 0.2\nb c\n")
    with pytest.raises(DataError, match=r"(vocab\.json|merges\.txt).* is damaged"):
        Bpe.load(tmp_path)


@pytest.fixture
def released(tmp_path: Path, shared_data: Callable[[str], Path]) -> Path:
    """The vocabulary that GPT-2 was released with, under Hugging Face's names."""
    shutil.copy(shared_data("gpt2-bpe/encoder.json"), tmp_path / "vocab.json")
    shutil.copy(shared_data("gpt2-bpe/vocab.bpe"), tmp_path / "merges.txt")
    return tmp_path


def test_the_released_tokenizer(released: Path) -> None:
    ours = Bpe.load(released)
    theirs = GPT2Tokenizer.from_pretrained(released)
    texts = [*CORPUS[:3], *(text for text in NASTY if END_OF_TEXT not in text)]
    assert ours.encode(texts) == [theirs(text)["input_ids"] for text in texts]
    assert [ours.decode(ids) for ids in ours.encode(texts)] == texts
    assert ours.vocab_size == 50_257
    assert ours.end_of_text == theirs.eos_token_id == 50_256
    assert ours.encode(["Hello world"]) == [[15_496, 995]]
    # OpenAI's encoder knows no special text either: methods.md A4.
    assert ours.encode([END_OF_TEXT]) == [[27, 91, 437, 1659, 5239, 91, 29]]


def test_the_released_tokenizer_saved_as_one_file(released: Path, tmp_path: Path) -> None:
    ours = Bpe.load(released)
    folder = tmp_path / "new"
    folder.mkdir()
    ours.add_separators(["<to-fr>"])
    ours.save(folder, window=1024)
    loaded = Bpe.load(folder)
    assert loaded.id("<to-fr>") == 50_257
    assert loaded.encode(NASTY) == ours.encode(NASTY)
    assert AutoTokenizer.from_pretrained(folder)("Hello world")["input_ids"] == [15_496, 995]
