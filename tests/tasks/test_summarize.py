"""Documents and summaries: what is cut and what never is, what is dropped, and the examples of the contract test."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from gpt2kit import recipe
from gpt2kit.data.bpe import Bpe
from gpt2kit.data.prepare import fit_rows
from gpt2kit.data.report import SplitReport, Unsuitable
from gpt2kit.errors import DataError
from gpt2kit.tasks.record import Record
from gpt2kit.tasks.summarize import SEPARATOR, Document, Summarize

PAIRS = [
    (Document("Oak", "It grows slowly.\n== Uses ==\nPeople make tables of it, and ships."), "Oak is a tree."),
    (Document("Thames", "Boats go up it to Oxford.\nIt floods in March and in April."), "The Thames is a river."),
    (Document("Bach", "He wrote a cantata each week.\nHe played the organ in Leipzig."), "Bach was a composer."),
    (Document("", "No one knows what this is called.\nIt has three legs."), "This is a chair."),
]

TINY = [
    *("task.vocab=300", "task.held_out=0.3", "model.size=", "model.n_layer=1", "model.n_head=2", "model.n_embd=32"),
    *("model.n_positions=128", "model.dropout=0", "train.steps=60", "train.optimizer=adamw", "train.lr=1e-2"),
    *("train.label_smoothing=0", "train.ema=0", "train.dtype=fp32", "train.compile=off", "train.samples=0"),
    *("train.evaluate_every=60", "train.loss_on=answer", "generate.max_new_tokens=32"),
]
"""Settings under which the pairs above are known by heart after a second."""

RECORDS = [
    *(Record(source, target) for source, target in PAIRS),
    Record(Document("literal <summarize>", "and <|endoftext|>"), "<summarize> stays text<|endoftext|>"),
    Record(Document("中文，日本語", "한국어 🏳️‍🌈\n\n\nשלום"), "e\u0301 is not \u00e9"),
    Record(Document("", "\n  lines \t\r\n\u2028 \u0085 "), " tab\t\ufeff\x0b"),
    Record(Document("", ""), ""),
]
"""What must survive encoding and decoding to the last byte."""


def write_corpus(folder: Path) -> list[str]:
    """The pairs as a corpus; returns the words that name it."""
    path = folder / "corpus.jsonl"
    rows = [{"title": source.title, "lead": target, "body": source.body} for source, target in PAIRS]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return [str(path)]


def opened(folder: Path, **settings: Any) -> Summarize:
    Bpe.train((f"{source.title} {source.body} {target}" for source, target in PAIRS), 300, [SEPARATOR]).save(folder, 64)
    return Summarize(**settings).opened(folder)


def read_one(folder: Path, body: str, summary: str) -> Record[Document, str]:
    path = folder / "one.jsonl"
    path.write_text(json.dumps({"title": "t", "body": body, "lead": summary}) + "\n", encoding="utf-8")
    (record,) = Summarize().read([str(path)])
    return record


LONG = Document("A title", "\n".join(f"Paragraph {number} says little." for number in range(40)))


@pytest.mark.parametrize("cut", ["head", "head-tail", "tfidf"])
@pytest.mark.parametrize("window", [48, 100, 101])
def test_the_separator_the_summary_and_its_end_always_fit(tmp_path: Path, cut: str, window: int) -> None:
    task = opened(tmp_path, cut=cut)
    record = Record(LONG, "Forty paragraphs.")
    report = SplitReport()
    whole = task.encode([record])
    ((prompt, target),) = fit_rows([record], whole, task.layout, window, report)
    assert len(prompt) + len(target) == window
    assert prompt[-1] == task.bpe.id(SEPARATOR)
    assert SEPARATOR not in task.bpe.decode(prompt[:-1])
    assert task.decode(target) == "Forty paragraphs."
    assert target[-1] == task.vocabulary.eos
    assert (report.cut, report.cut_tokens) == (1, len(whole[0][0]) - len(prompt))


def test_a_long_summary_is_learned_up_to_an_earlier_sentence(tmp_path: Path) -> None:
    text = "It is short.\n\nIt has a second paragraph. And here is more, which is of no use to anyone."
    whole = opened(tmp_path).encode_target(text)
    task = opened(tmp_path, longest=len(whole) - 3)
    learned = task.layout.learned(whole)
    assert task.decode(learned) == "It is short.\n\nIt has a second paragraph."
    assert learned[-1] == task.vocabulary.eos
    assert opened(tmp_path, longest=len(whole)).layout.learned(whole) == opened(tmp_path).layout.learned(whole) == whole


@pytest.mark.parametrize("text", ["no stop in it " * 20, "東京は日本の首都" * 20])
def test_a_summary_of_one_long_sentence_is_cut_inside_of_it(tmp_path: Path, text: str) -> None:
    task = opened(tmp_path, longest=30)
    learned = task.layout.learned(task.encode_target(text))
    assert 20 < len(learned) <= 30
    assert learned[-1] == task.vocabulary.eos
    assert text.startswith(task.decode(learned))


def test_what_stays_of_a_long_document(tmp_path: Path) -> None:
    kept = {}
    for cut in ("head", "head-tail"):
        task = opened(tmp_path, cut=cut)
        prompt = task.encode_source(LONG)
        assert task.layout.shorten(prompt, len(prompt)) == prompt
        kept[cut] = task.bpe.decode(task.layout.shorten(prompt, 61))
        assert len(task.layout.shorten(prompt, 61)) == 61
    text = f"{LONG.title}\n{LONG.body}"
    assert text.startswith(kept["head"])
    tail = next(size for size in range(200, 0, -1) if kept["head-tail"].endswith(text[-size:]))
    assert tail > 20
    assert text.startswith(kept["head-tail"][:-tail])


def test_paragraphs_with_the_words_of_the_title_come_first(tmp_path: Path) -> None:
    """Headings go; a line that only begins like one is a paragraph. The tokens that are lost are counted."""
    body = "Nothing here.\n== Heading ==\nThe green comet is seen in May.\nA comet is ice.\n== is a sign.\nNor here."
    task, report = opened(tmp_path, cut="tfidf"), SplitReport()
    record = Record(Document("Green comet", body), "A comet.")
    whole, target = task.encode([record])[0]
    ((prompt, _),) = fit_rows([record], [(whole, target)], task.layout, len(whole) + len(target) - 1, report)
    arranged = task.decode_source(prompt)
    assert arranged.title == "Green comet"
    lines = ["The green comet is seen in May.", "A comet is ice.", "Nothing here.", "== is a sign.", "Nor here."]
    assert arranged.body.split("\n") == lines
    assert (report.cut, report.cut_tokens) == (1, len(whole) - len(prompt))
    assert task.decode_source(task.layout.shorten(whole, 40)).body.startswith("The green comet is seen")


def test_a_document_that_fits_keeps_its_order(tmp_path: Path) -> None:
    document = Document("Green comet", "Nothing here.\n== Heading ==\nThe green comet is seen in May.")
    task = opened(tmp_path, cut="tfidf")
    prompt = task.encode_source(document)
    assert task.decode_source(task.layout.shorten(prompt, len(prompt))) == document


def test_a_whole_document_or_none(tmp_path: Path) -> None:
    task, report = opened(tmp_path, cut="long"), SplitReport()
    records = [Record(LONG, "Forty paragraphs."), Record(*PAIRS[0])]
    rows = fit_rows(records, task.encode(records), task.layout, 100, report)
    assert [task.decode_source(prompt) for prompt, _ in rows] == [PAIRS[0][0]]
    assert report.dropped == {"source longer than the window": 1}


@pytest.mark.parametrize(
    ("body", "summary", "reason"),
    [
        ("", "Something.", "no document"),
        ("Something.", " ", "no summary"),
        ("\n", "", "neither document nor summary"),
        ("He sang. It is a song. The end.", "It is a song.", "the summary is part of the document"),
        ("Short.", "This one is longer.", "the summary is longer than the document"),
        ("Long enough to be summarized.", "Fine.", None),
        ("这是一个很长的句子，讲的是一座山。", "这是山。", None),
        ("word " * 20_000, "One sentence.", None),
    ],
)
def test_what_is_left_out(tmp_path: Path, body: str, summary: str, reason: str | None) -> None:
    record = read_one(tmp_path, body, summary)
    assert record.problem == (reason or "")


@pytest.mark.parametrize(
    ("body", "summary", "reason"),
    [
        ("", "Something.", "no document"),
        ("Something.", " ", "no summary"),
        ("He sang. It is a song. The end.", "It is a song.", None),
        ("Short.", "This one is longer.", None),
    ],
)
def test_what_is_not_scored(tmp_path: Path, body: str, summary: str, reason: str | None) -> None:
    """Bad examples to learn from are articles all the same."""
    record = read_one(tmp_path, body, summary)
    assert reason == (None if isinstance(record.problem, Unsuitable) else record.problem)


def test_a_redirect_is_neither_learned_from_nor_scored_on(tmp_path: Path) -> None:
    path = tmp_path / "dump.xml"
    pages = '<page><title>Oaks</title><ns>0</ns><redirect title="Oak" /><revision><text>#REDIRECT [[Oak]]</text>'
    path.write_text(f"<mediawiki><siteinfo />{pages}</revision></page></mediawiki>", encoding="utf-8")
    (record,) = Summarize().read([str(path)])
    assert record.problem == "redirect"
    assert not isinstance(record.problem, Unsuitable)


def test_documents_of_files_and_pipes(tmp_path: Path) -> None:
    path = tmp_path / "article.txt"
    path.write_text("First line.\nSecond line.\n", encoding="utf-8")
    task = Summarize(title="Lines")
    assert list(task.inputs(str(path), io.BytesIO())) == [Document("Lines", "First line.\nSecond line.")]
    assert list(task.inputs("-", io.BytesIO(b"a\nb\n"))) == [Document("Lines", "a\nb")]
    (corpus,) = write_corpus(tmp_path)
    assert list(task.inputs(corpus, io.BytesIO())) == [source for source, _ in PAIRS]


@pytest.mark.parametrize("columns", [("abstract",), ("abstract", "tldr"), ("head", "abstract", "tldr")])
def test_documents_need_no_summaries(tmp_path: Path, columns: tuple[str, ...]) -> None:
    path = tmp_path / "papers.jsonl"
    path.write_text(json.dumps({"head": "X", "abstract": "We study x."}) + "\n", encoding="utf-8")
    found = list(Summarize(columns=columns).inputs(str(path), io.BytesIO()))
    assert found == [Document("X" if len(columns) == 3 else "", "We study x.")]


def test_other_columns(tmp_path: Path) -> None:
    path = tmp_path / "papers.jsonl"
    path.write_text(json.dumps({"abstract": "We study x.", "tldr": "x is good.", "id": "1"}) + "\n", encoding="utf-8")
    (record,) = Summarize(columns=("abstract", "tldr")).read([str(path)])
    assert (record.source, record.target) == (Document("", "We study x."), "x is good.")
    with pytest.raises(DataError, match="abstract"):
        list(Summarize(columns=("document", "tldr")).read([str(path)]))
    with pytest.raises(DataError, match="expected 2 or 3 columns, found 1"):
        list(Summarize(columns=("abstract",)).read([str(path)]))


def test_records_come_back_from_what_is_kept() -> None:
    task = Summarize()
    for record in (*RECORDS, Record(*PAIRS[0], id="7")):
        assert task.restored(json.loads(json.dumps(dict(task.stored(record))))) == record


def test_a_record_has_the_id_of_its_row_or_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [{"body": "B", "lead": "L", "id": 7}, {"body": "B", "lead": "L"}]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    found = list(Summarize().read([str(path)]))
    assert [record.id for record in found] == ["7", f"{path}:2"]
    assert [repr(record) for record in found] == [f"{path}:1 ''", f"{path}:2 ''"]


def test_without_training_it_is_said_how(tmp_path: Path) -> None:
    """GPT-2's own way: the document, TL;DR:, and the first three sentences of what follows."""
    task, settings = opened(tmp_path, cut="head").zero_shot()
    assert (settings["top_k"], settings["max_new_tokens"]) == (2, 100)
    prompt = task.encode_source(LONG)
    assert task.bpe.decode(prompt) == f"{LONG.title}\n{LONG.body}\nTL;DR:"
    short = task.layout.shorten(prompt, 50)
    assert len(short) == 50
    assert task.bpe.decode(short).endswith("\nTL;DR:")
    halves, _ = opened(tmp_path, cut="head-tail").zero_shot()
    short = halves.layout.shorten(prompt, 50)
    assert len(short) == 50
    assert halves.bpe.decode(short).endswith("39 says little.\nTL;DR:")
    ids = task.bpe.encode([" One. Two is here. Three! Four?"])[0]
    assert task.decode(ids) == "One. Two is here. Three!"


def test_the_recipe_is_this_task() -> None:
    assert recipe.load("summarize").task == Summarize(vocab=8192, cut="head", longest=256)
