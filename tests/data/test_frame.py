"""The frame of a classifier's tokenizer: AutoTokenizer adds it, and nothing here changes by it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers.processors import ByteLevel, PostProcessor, Sequence, TemplateProcessing
from transformers import AutoTokenizer

from gpt2kit.data.bpe import END_OF_TEXT, Bpe
from gpt2kit.data.frame import Frame

FRAME = Frame("<start>", "<delimiter>", "<extract>")
TEXTS = ["a fine film, 1234", "", "  two  spaces\n", "tags <b> <extract>, <start>", f"the end{END_OF_TEXT}", "🏳️‍🌈 é"]


def tokenizer() -> Bpe:
    return Bpe.train(iter(["a fine film, a dull film, a film"] * 3), 280, FRAME)


@pytest.fixture(params=[None, ByteLevel(trim_offsets=False)], ids=["alone", "after another post-processor"])
def plain(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder of a tokenizer without a frame."""
    bpe = tokenizer()
    bpe.tokenizer.post_processor = request.param
    (tmp_path / "plain").mkdir()
    bpe.save(tmp_path / "plain", window=64)
    return tmp_path / "plain"


@pytest.fixture
def framed(plain: Path, tmp_path: Path) -> Path:
    """The same tokenizer with a frame."""
    bpe = Bpe.load(plain)
    (tmp_path / "framed").mkdir()
    bpe.save(tmp_path / "framed", window=64)
    bpe.save_frame(tmp_path / "framed", FRAME)
    return tmp_path / "framed"


def around(bpe: Bpe, *texts: str) -> list[int]:
    start, delimiter, end = map(bpe.id, FRAME)
    ids = [start]
    for place, text in enumerate(bpe.encode(texts)):
        ids += [delimiter, *text] if place else text
    return [*ids, end]


def test_their_tokenizer_adds_it(framed: Path) -> None:
    bpe, theirs = Bpe.load(framed), AutoTokenizer.from_pretrained(framed)
    assert [theirs(text).input_ids for text in TEXTS] == [around(bpe, text) for text in TEXTS]
    pairs = [(one, other) for one in TEXTS for other in TEXTS if other]  # for them, an empty second text is none
    assert [theirs(*pair).input_ids for pair in pairs] == [around(bpe, *pair) for pair in pairs]
    assert set(theirs("a", "b")) == {"input_ids", "attention_mask"}


def test_ours_is_the_same_with_it_and_without(plain: Path, framed: Path, tmp_path: Path) -> None:
    without, bpe = Bpe.load(plain), Bpe.load(framed)
    assert (without.frame, bpe.frame) == (None, FRAME)
    assert bpe.fingerprint() == without.fingerprint()
    assert bpe.encode(TEXTS) == without.encode(TEXTS)
    assert [list(ids) for ids in bpe.encode_arrays(TEXTS)] == without.encode(TEXTS)
    assert [bpe.decode(ids) for ids in bpe.encode(TEXTS)] == TEXTS
    assert bpe.extends(without)
    assert without.extends(bpe)
    bpe.save(tmp_path, window=64)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        assert (tmp_path / name).read_bytes() == (plain / name).read_bytes(), "a tokenizer for other data has no frame"


def test_it_survives_their_save(framed: Path, tmp_path: Path) -> None:
    theirs = AutoTokenizer.from_pretrained(framed)
    theirs(["a", "a film"], truncation=True, max_length=4)
    theirs.save_pretrained(tmp_path / "again")
    again = Bpe.load(tmp_path / "again")
    assert again.frame == FRAME
    assert again.encode(TEXTS) == Bpe.load(framed).encode(TEXTS)
    assert AutoTokenizer.from_pretrained(tmp_path / "again")("<extract>").input_ids == around(again, "<extract>")


def template(single: str, pair: str) -> TemplateProcessing:
    known = [(token, number) for number, token in enumerate([END_OF_TEXT, *FRAME]) if token in single + pair]
    return TemplateProcessing(single=single, pair=pair, special_tokens=known)


OURS = ("<start> $A <extract>", "<start> $A <delimiter> $B:0 <extract>")
OTHERS: dict[str, PostProcessor] = {
    "begin token": template(f"{END_OF_TEXT} $A", f"{END_OF_TEXT} $A {END_OF_TEXT} $B:1"),
    "between two texts": template("$A", "$A <delimiter> $B:0"),
    "as in BERT": template("<start> $A <extract>", "<start> $A <extract> $B:1 <extract>:1"),
    "a token more": template(OURS[0], f"{OURS[1]} {END_OF_TEXT}"),
    "another token for one text": template("<start> $A <delimiter>", OURS[1]),
    "a second type": template(OURS[0], "<start> $A <delimiter> $B:1 <extract>"),
    "a sequence of one": Sequence([template(*OURS)]),
    "a sequence of three": Sequence([ByteLevel(), ByteLevel(), template(*OURS)]),
}


@pytest.mark.parametrize("found", OTHERS.values(), ids=OTHERS.keys())
def test_another_post_processor_is_ignored_and_not_saved(found: PostProcessor, tmp_path: Path) -> None:
    bpe, ids = tokenizer(), tokenizer().encode(TEXTS)
    bpe.tokenizer.post_processor = found
    (tmp_path / "tokenizer.json").write_text(bpe.tokenizer.to_str(), encoding="utf-8")
    loaded = Bpe.load(tmp_path)
    assert loaded.frame is None
    assert loaded.encode(TEXTS) == ids
    assert loaded.fingerprint() == bpe.fingerprint(), "as earlier versions recorded it"
    loaded.save_frame(tmp_path, FRAME)
    assert (tmp_path / "tokenizer.json").read_text(encoding="utf-8") == bpe.tokenizer.to_str(), "of an earlier version"
    loaded.save(tmp_path, window=64)
    assert AutoTokenizer.from_pretrained(tmp_path)("a film").input_ids == loaded.encode(["a film"])[0]
    loaded.save_frame(tmp_path, FRAME)
    assert Bpe.load(tmp_path).frame == FRAME


CHANGES: list[Callable[[dict[str, Any]], Any]] = [
    lambda template: template["special_tokens"]["<extract>"].update(ids=[1]),
    lambda template: template["single"][0]["SpecialToken"].update(type_id=1),
    lambda template: template["pair"].reverse(),
    lambda template: template["single"].pop(),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_damaged_frame_is_another_tokenizer(framed: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    before = Bpe.load(framed).fingerprint()
    described = json.loads((framed / "tokenizer.json").read_text(encoding="utf-8"))
    found = described["post_processor"]
    change(found.get("processors", [found])[-1])
    (framed / "tokenizer.json").write_text(json.dumps(described), encoding="utf-8")
    assert Bpe.load(framed).fingerprint() != before
