"""Language modelling: what is held out, how documents lie in the stream, and what the contract test and others take as
examples of this task."""

import json
import math
from pathlib import Path

import pytest

import gpt2kit
from gpt2kit import recipe
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError, UserError
from gpt2kit.pipeline.evaluate import evaluate_stream
from gpt2kit.pipeline.evaluation_sets import documents
from gpt2kit.pipeline.opening import load
from gpt2kit.tasks.lm import Lm
from gpt2kit.tasks.record import Record

TEXT = "The robot must obey the orders\ngiven it by human beings — but never été."

TINY = [
    *("task.vocab=300", "task.column=", "model.n_layer=1", "model.n_head=2", "model.n_embd=32", "model.n_positions=64"),
    *("model.dropout=0", "train.budget=", "train.steps=150", "train.optimizer=adamw", "train.lr=1e-2"),
    *("train.batch_tokens=256", "train.ema=0", "train.dtype=fp32", "train.compile=off", "train.evaluate_every=150"),
    *("generate.temperature=0", "generate.top_k=0", "generate.roll=false", "generate.max_new_tokens=60"),
]
"""Settings under which the text above is known by heart after seconds."""

RECORDS = [Record("The robot", " must obey"), Record("", TEXT), Record("été <|endoftext|>", "\n\n中文")]


def write_corpus(folder: Path) -> list[str]:
    path = folder / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return [str(path)]


def prepared(corpus: list[str], out: Path, *settings: str) -> dict[str, Store]:
    tiny = recipe.load("lm", [*TINY, *settings])
    gpt2kit.prepare(tiny, {"train": corpus}, out)
    return {split: Store(out, split) for split in ("train", "val")}


def test_documents_lie_behind_the_token_that_ends_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(f"{json.dumps({'text': f'text {n}'})}\n" for n in range(50)), encoding="utf-8")
    stores = prepared([str(path)], tmp_path / "data", "task.held_out=0.2")
    task = Lm().opened(tmp_path / "data")
    found = []
    for store in stores.values():
        assert len(store) == len(store.document_ends()) > 0
        assert store.ids[0] == task.vocabulary.eos
        found += task.bpe.tokenizer.decode(store.ids.tolist(), skip_special_tokens=False).split("<|endoftext|>")[1:]
    assert sorted(found) == sorted(f"text {n}" for n in range(50))


def test_of_a_single_file_the_end_is_held_out(tmp_path: Path) -> None:
    text = "".join(f"{number}\n" for number in range(100_000))
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    stores = prepared([str(tmp_path / "a.txt")], tmp_path / "data", "task.vocab=256", "task.held_out=0.1")
    task = Lm().opened(tmp_path / "data")
    train, val = (task.decode(store.ids.tolist()) for store in stores.values())
    assert train + val == text
    assert 0.1 <= len(val) / len(text) < 0.13
    assert [len(store.document_ends()) for store in stores.values()] == [1, 1]
    assert stores["train"].ids[0] == task.vocabulary.eos
    assert not (stores["train"].ids[1:] == task.vocabulary.eos).any(), "parts of a document have nothing between them"


def test_of_several_files_whole_ones_are_held_out(tmp_path: Path) -> None:
    """Also those that are read in parts, and those that begin with nothing but space."""
    (tmp_path / "texts").mkdir()
    written = {}
    for number in range(12):
        text = "\n" * (70_000 * (number % 3 == 0)) + f"File {number} " + "goes on and on. " * 9000
        written[text] = (tmp_path / "texts" / f"{number:02}.txt").write_text(text, encoding="utf-8")
    stores = prepared([str(tmp_path / "texts")], tmp_path / "data", "task.vocab=256", "task.held_out=0.3")
    task = Lm().opened(tmp_path / "data")
    found = []
    for store in stores.values():
        ends = store.document_ends().tolist()
        assert 1 <= len(ends) < len(store)
        for begin, end in zip([0, *ends[:-1]], ends, strict=True):
            assert store.ids[begin] == task.vocabulary.eos
            found.append(task.decode(store.ids[begin + 1 : end].tolist()))
    assert sorted(found) == sorted(written)
    assert len(stores["val"].first_documents(1).document_ends()) == 1
    assert stores["val"].first_documents(1).tokens == stores["val"].document_ends()[0]
    assert stores["val"].first_documents(99).tokens == stores["val"].tokens


def test_with_a_validation_corpus_nothing_is_held_out(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path)
    gpt2kit.prepare(recipe.load("lm", TINY), {"train": corpus, "val": corpus}, tmp_path / "data")
    first, second = (Store(tmp_path / "data", split).ids.tolist() for split in ("train", "val"))
    assert first == second


def test_nothing_to_learn_from(tmp_path: Path) -> None:
    for content, reason in (("", "it is empty"), (" \n\t ", "no text: 1")):
        (tmp_path / "a.txt").write_text(content, encoding="utf-8")
        with pytest.raises(DataError, match=f"nothing to train on .*{reason}"):
            prepared([str(tmp_path / "a.txt")], tmp_path / "data")
        assert not (tmp_path / "data").exists()


def test_an_end_of_text_in_the_text_is_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one <|endoftext|> two\n" * 5000, encoding="utf-8")
    tiny = recipe.load("lm", TINY)
    reports = gpt2kit.prepare(tiny, {"train": [str(tmp_path / "a.txt")]}, tmp_path / "data")
    found = [
        report.left_out.get("occurrences of <|endoftext|> in the text, read as plain text")
        for report in reports.values()
    ]
    assert sum(filter(None, found)) == 5000
    store = Store(tmp_path / "data", "train")
    assert int((store.ids == Lm().opened(tmp_path / "data").vocabulary.eos).sum()) == 1


def test_figures_of_a_loss(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path)
    tiny = recipe.load("lm", [*TINY, "train.steps=3"])
    gpt2kit.prepare(tiny, {"train": corpus, "val": corpus}, tmp_path / "data")
    list(gpt2kit.train(tiny, tmp_path / "data", tmp_path / "run"))
    engine = load(tmp_path / "run")
    with documents(engine) as found:
        evaluation = evaluate_stream(engine, found, stride=8)
    values = {score.name: score.value for score in evaluation.scores}
    nats = values["nats per token"]
    ids = engine.task.encode_target(TEXT)[:-1]
    assert values["perplexity per token"] == pytest.approx(math.exp(nats))
    assert values["perplexity per word"] == pytest.approx(math.exp(nats * len(ids) / len(TEXT.split())))
    assert values["bits per byte"] == pytest.approx(nats * len(ids) / len(TEXT.encode()) / math.log(2))
    assert "stride:8" in evaluation.signature
    assert engine.task.vocabulary.fingerprint() in evaluation.signature


def test_a_loss_beyond_floats_is_infinite(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path)
    gpt2kit.prepare(recipe.load("lm", TINY), {"train": corpus, "val": corpus}, tmp_path / "data")
    scores = Lm().opened(tmp_path / "data").layout.rates(800.0, {"token": 1.0, "word": 1.0, "byte": 4.0})
    assert [score.value for score in scores[:2]] == [math.inf, math.inf]


def test_a_long_prompt_keeps_its_end() -> None:
    assert Lm().layout.shorten([1, 2, 3, 4], 2) == [3, 4]


def test_passages_are_shown_by_where_they_stand(tmp_path: Path) -> None:
    (record,) = Lm().read(write_corpus(tmp_path))
    assert repr(record) == str(tmp_path / "text.txt")


def test_a_separator_ends_documents(tmp_path: Path) -> None:
    text = "".join(f"<|startoftext|>story {n} of many<|endoftext|>\n" for n in range(200))
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    tiny = recipe.load("lm", [*TINY, "task.separator=<|endoftext|>", "task.held_out=0.2"])
    reports = gpt2kit.prepare(tiny, {"train": [str(tmp_path / "a.txt")]}, tmp_path / "data")
    assert reports["train"].rows + reports["val"].rows == 200
    assert 20 <= reports["val"].rows <= 60
    task = Lm().opened(tmp_path / "data")
    for split, report in reports.items():
        assert report.left_out == {}
        store = Store(tmp_path / "data", split)
        assert len(store.document_ends()) == report.rows
        assert "<|endoftext|>" not in task.bpe.decode(store.ids.tolist())


def test_a_spelled_end_of_text_is_a_hint(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n<|endoftext|>\ntwo\n", encoding="utf-8")
    hint = "documents seem to end at <|endoftext|>: --separator '<|endoftext|>' separates them there"
    (record,) = Lm().read([str(tmp_path / "a.txt")])
    assert record.skipped[hint] == 1
    (without,) = Lm(separator="<eos>").read([str(tmp_path / "a.txt")])
    assert without.skipped["text files without the separator '<eos>', each read as one document"] == 1
    for separator in ("\\r\\n<|endoftext|>\\r\\n", "\r\n<|endoftext|>", "\\n<|endoftext|>\\n"):
        assert [record.target for record in Lm(separator=separator).read([str(tmp_path / "a.txt")])] == ["one", "two"]
    (tmp_path / "a.jsonl").write_text('{"text": "one <|endoftext|> two"}\n', encoding="utf-8")
    (record,) = Lm().read([str(tmp_path / "a.jsonl")])
    assert hint not in record.skipped
    with pytest.raises(UserError, match=r"each row of a table is a document; --separator is for text files"):
        Lm(separator="x").infer_task(["a.jsonl"])
