"""Summarization: a document, `<summarize>`, its summary, end. Wikipedia's articles and leads are the first use of it.

A decoder alone that reads a title, then an article, then a separator, and writes the lead is the Transformer-Decoder of
Liu et al., "Generating Wikipedia by Summarizing Long Sequences" (2018).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, NamedTuple

from gpt2kit.config import check, knob
from gpt2kit.data.articles import is_dump, read_articles, read_documents
from gpt2kit.data.lines import stream_lines, text_lines
from gpt2kit.data.sources import is_table
from gpt2kit.metrics.extractive import tfidf_order
from gpt2kit.metrics.sentences import paragraphs, sentences, without_last_sentence
from gpt2kit.metrics.summaries import Example, SummaryScores
from gpt2kit.tasks.base import Record, Score, Scorer, recast
from gpt2kit.tasks.text import TextTask

SEPARATOR = "<summarize>"

TLDR = "\nTL;DR:"

CUTS = ("head", "head-tail", "tfidf", "long")


class Document(NamedTuple):
    """What is to be summarized."""

    title: str
    """May be empty."""
    body: str


@dataclass(frozen=True)
class Article(Record[Document, str]):
    """A document with its summary, and where it comes from."""

    name: str = ""
    reason: str | None = None
    """Why it is left out on purpose."""

    def __repr__(self) -> str:
        return f"{self.name} {self.source.title!r}".strip()


@dataclass(frozen=True)
class Summarize(TextTask[Document, str]):
    """Summaries of documents: Wikipedia's leads, or the columns of a table."""

    corpus_hint: ClassVar[str] = "YOUR.jsonl"
    input_unit: ClassVar[str] = "a document"
    pipeline_tag: ClassVar[str] = "summarization"
    columns: tuple[str, ...] = knob(
        (),
        "document and summary column of a table, or title, document and summary, as in --columns document,summary; "
        "to generate, the document alone will do",
        flag=("prepare", "generate", "evaluate"),
    )
    cut: str = knob(
        "head",
        "what stays of a document that is longer than the window: its beginning; its beginning and end; its paragraphs "
        "that say most of the title's words, by tf-idf; long: prepare drops it, generate keeps its beginning",
        CUTS,
        flag=("prepare", "generate", "evaluate"),
    )
    longest: int = knob(
        0,
        "tokens of the longest summary that is learned: a longer one ends with an earlier sentence; 0: any",
        flag=("prepare",),
    )
    title: str = knob("", "the title of the document, where the input has none", flag=("generate",))

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.longest == 0 or self.longest > 1, f"longest = {self.longest}: a summary has a token and its end")

    def read(self, corpus: Sequence[str]) -> Iterator[Record[Document, str]]:
        streams = [read_articles(word, self.columns) for word in corpus]
        for article in chain.from_iterable(streams):
            source, id = Document(article.title, article.body), article.id or article.name
            yield Article(source, article.lead, article.name, article.problem, id=id)

    def fit(
        self, corpus: Sequence[str], records: Iterable[Record[Document, str]], folder: Path, window: int
    ) -> "Summarize":
        texts = chain.from_iterable((_text(record.source), record.target) for record in records)
        return self.fitted(texts, [SEPARATOR], folder, window)

    def parse(self, text: str) -> Document:
        return Document(self.title, text)

    @property
    def generate_hint(self) -> str:
        return "--file YOUR.txt"

    def inputs(self, file: str, stdin: BinaryIO) -> Iterator[Document]:
        """The documents of a table or a dump; any other file is one document, and so is standard input."""
        if is_dump(file) or is_table(file):
            return (Document(each.title, each.body) for each in read_documents(file, self.columns))
        lines = stream_lines(stdin, "standard input") if file in ("", "-") else text_lines(file)
        return iter([self.parse("\n".join(lines))])

    def key(self, record: Record[Document, str]) -> str:
        return record.source.body

    def unscorable(self, record: Record[Document, str]) -> str | None:
        if isinstance(record, Article) and record.reason:
            return record.reason
        body, summary = record.source.body.strip(), record.target.strip()
        if body and summary:
            return None
        return "no document" if summary else "no summary" if body else "neither document nor summary"

    def problem(self, record: Record[Document, str]) -> str | None:
        if reason := self.unscorable(record):
            return reason
        body, summary = record.source.body.strip(), record.target.strip()
        if summary in body:
            return "the summary stands in the document"
        return "the summary is longer than the document" if len(summary) > len(body) else None

    def texts(self, record: Record[Document, str]) -> Mapping[str, str]:
        return {"title": record.source.title, "body": record.source.body, "summary": record.target, "id": record.id}

    def kept(self, texts: Mapping[str, str]) -> Record[Document, str]:
        return Record(Document(texts["title"], texts["body"]), texts["summary"], id=texts.get("id", ""))

    def left_out(self, record: Record[Document, str]) -> dict[str, int]:
        return self.controls_in(f"{_text(record.source)}\n{record.target}")

    @property
    def controls(self) -> Sequence[str]:
        return (*super().controls, SEPARATOR)

    @property
    def cuts(self) -> bool:
        return self.cut != "long"

    def blank(self, source: Document) -> bool:
        return not source.body.strip()

    def show(self, source: Document) -> str:
        return source.title or source.body

    def encode_source(self, source: Document) -> list[int]:
        return [*self.bpe.encode([_text(source)])[0], self.bpe.id(SEPARATOR)]

    def decode_source(self, prompt: Sequence[int]) -> Document:
        return self._document(prompt[:-1])

    def _document(self, ids: Sequence[int]) -> Document:
        title, _, body = self.bpe.decode(ids).partition("\n")
        return Document(title, body)

    def encode_target(self, target: str) -> list[int]:
        return [*self.bpe.encode([target])[0], self.eos]

    def encode(self, records: Sequence[Record[Document, str]]) -> list[tuple[list[int], list[int]]]:
        sources = self.bpe.encode([_text(record.source) for record in records])
        targets = self.bpe.encode([record.target for record in records])
        separator, end = self.bpe.id(SEPARATOR), self.eos
        return [([*source, separator], [*target, end]) for source, target in zip(sources, targets, strict=True)]

    def learned(self, target: Sequence[int]) -> Sequence[int]:
        if not 0 < self.longest < len(target):
            return target
        cut = self.bpe.decode(target[: self.longest - 1]).rstrip("\ufffd")  # a part of a character
        return self.encode_target(without_last_sentence(cut))

    def shorten(self, prompt: list[int], room: int) -> list[int]:
        return prompt if len(prompt) <= room else [*self._cut(prompt[:-1], room - 1), prompt[-1]]

    def _cut(self, text: list[int], room: int) -> list[int]:
        """What `cut` leaves of the ids of a document that is too long: at most `room` of them."""
        if self.cut == "head-tail":
            first = room // 2
            return [*text[:first], *text[len(text) - (room - first) :]]
        if self.cut == "tfidf":
            title, body = self._document(text)
            found = paragraphs(body)
            ranked = "\n".join(found[place] for place in tfidf_order(found, title))
            text = self.bpe.encode([_text(Document(title, ranked))])[0]
        return text[:room]

    def decode(self, ids: Sequence[int]) -> str:
        return self.bpe.decode(ids)

    def scorer(self) -> "SummaryScorer":
        return SummaryScorer(self)

    def zero_shot(self) -> tuple["TlDr", dict[str, Any]]:
        return recast(self, TlDr), {"temperature": 1.0, "top_k": 2, "max_new_tokens": 100}


class SummaryScorer(Scorer[Document, str]):
    """ROUGE and faithfulness, beside extracts of the same documents; holds numbers alone."""

    def __init__(self, task: Summarize) -> None:
        super().__init__(task)
        self.of_summaries = SummaryScores()

    def add(self, record: Record[Document, str], output: str) -> dict[str, Any]:
        return self.of_summaries.add(output, Example(record.source.title, record.source.body, record.target))

    def scores(self) -> list[Score]:
        return [
            Score(figure.name, figure.value, figure.signature, interval=figure.interval, system=figure.system)
            for figure in self.of_summaries.figures()
        ]


@dataclass(frozen=True)
class TlDr(Summarize):
    """What GPT-2 does untrained: the document, `TL;DR:`, 100 tokens, of which the first three sentences are the summary
    (Radford et al. 2019, section 3.6)."""

    def encode_source(self, source: Document) -> list[int]:
        text, hint = self.bpe.encode([_text(source).strip(), TLDR])
        return [*text, *hint]

    def shorten(self, prompt: list[int], room: int) -> list[int]:
        """Without a title the first line is taken for one."""
        hint = self.bpe.encode([TLDR])[0]
        return prompt if len(prompt) <= room else [*self._cut(prompt[: -len(hint)], room - len(hint)), *hint]

    def decode(self, ids: Sequence[int]) -> str:
        return " ".join(sentences(self.bpe.decode(ids))[:3])


def _text(document: Document) -> str:
    """The title is the first line, an empty one where there is none."""
    return f"{document.title}\n{document.body}"
