"""Summarization: a document, `<summarize>`, its summary, end. Its main use is Wikipedia's articles and leads.

A decoder-only model that reads a title, an article and a separator, and then writes the lead, is the
Transformer-Decoder of Liu et al., "Generating Wikipedia by Summarizing Long Sequences" (2018).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, BinaryIO, NamedTuple

from gpt2kit.config import check, knob
from gpt2kit.data.articles import ACCEPTED, has_articles, is_dump, read_articles, read_documents, select_articles
from gpt2kit.data.columns.selection import Selection
from gpt2kit.data.layouts import Rows
from gpt2kit.data.lines import stream_lines, text_lines
from gpt2kit.data.report import Unsuitable
from gpt2kit.data.shards import expand
from gpt2kit.data.sources import is_table
from gpt2kit.data.wikipedia.extracted import is_extracted
from gpt2kit.metrics.extractive import tfidf_order
from gpt2kit.metrics.score import Score
from gpt2kit.metrics.sentences import paragraphs, sentences, without_last_sentence
from gpt2kit.metrics.summaries import Example, SummaryScores
from gpt2kit.tasks import asking
from gpt2kit.tasks.about import About
from gpt2kit.tasks.base import Scorer, recast
from gpt2kit.tasks.record import Record, Shard
from gpt2kit.tasks.text import TOKENIZERS, TextPairs

SEPARATOR = "<summarize>"

TLDR = "\nTL;DR:"

CUTS = ("head", "head-tail", "tfidf", "long")

ABOUT = About(
    corpus="YOUR.jsonl",
    input_unit="a document",
    generate="--file YOUR.txt",
    tags=("summarization",),
    requires=(*TOKENIZERS, "rouge-score", "mwparserfromhell"),
)


class Document(NamedTuple):
    """The input of a summary."""

    title: str
    """May be empty."""
    body: str


@dataclass(frozen=True)
class Summarize(TextPairs[Document]):
    """Summarization learned from documents and their summaries, such as Wikipedia's articles and leads."""

    separator = SEPARATOR
    columns: tuple[str, ...] = knob(
        (),
        "the columns of a table: document and summary, or title, document and summary, as in --columns "
        "document,summary; to generate, the document alone is enough",
        flag=("prepare", "generate", "evaluate", "augment"),
        metavar="NAME,...",
        unset="well-known names, such as document and summary",
    )
    cut: str = knob(
        "head",
        "what to keep of a document that is longer than the window: head (its beginning), head-tail (its beginning and "
        "end), tfidf (the paragraphs closest to its title) or long (prepare drops it, generate keeps its beginning)",
        CUTS,
        flag=("prepare", "generate", "evaluate"),
    )
    longest: int = knob(
        0,
        "cut summaries to learn from to N tokens, after a whole sentence; 0: do not cut them",
        flag=("prepare",),
        metavar="N",
    )
    title: str = knob("", "the title of the document, if the input does not have one", flag=("generate",))

    def __post_init__(self) -> None:
        super().__post_init__()
        check(
            self.longest == 0 or self.longest > 1, f"longest = {self.longest}; accepted: 0 (any length), or 2 or more"
        )

    @property
    def about(self) -> About:
        cut = "head" if self.cut == "long" else self.cut
        texts = asking.Answered(("title", "document"), ("title",), (0, "\n", 1), {"": SEPARATOR}, cut=cut)
        return replace(ABOUT, asking=texts)

    @property
    def layout(self) -> "SummaryRows":
        return SummaryRows(self)

    def expand(self, corpus: Sequence[str]) -> list[str]:
        return list(chain.from_iterable(expand(word, ACCEPTED, has_articles) for word in corpus))

    def read(self, corpus: Sequence[str]) -> Iterator[Record[Document, str]]:
        streams = [read_articles(file, self.columns) for file in corpus]
        for article in chain.from_iterable(streams):
            source = Document(article.title, article.body)
            yield self.pair(
                source,
                article.lead,
                id=article.id or article.name,
                key=article.body,
                skipped=dict(article.skipped),
                problem=article.problem or problem_of(article.body.strip(), article.lead.strip()),
                name=f"{article.name} {article.title!r}".strip(),
            )

    def shards(self, corpus: Sequence[str]) -> list[Shard]:
        return self.each_file(corpus)

    def select_columns(self, corpus: Sequence[str]) -> list[Selection]:
        return list(chain.from_iterable(select_articles(file, self.columns) for file in corpus))

    def parse(self, text: str) -> Document:
        return Document(self.title, text)

    def inputs(self, file: str, stdin: BinaryIO) -> Iterator[Document]:
        """The documents of a table, a dump or a file of wikiextractor; any other file is one, as is standard input."""
        if is_dump(file) or is_table(file) or is_extracted(file):
            return (Document(each.title, each.body) for each in read_documents(file, self.columns))
        lines = stream_lines(stdin, "standard input") if file in ("", "-") else text_lines(file)
        return iter([self.parse("\n".join(lines))])

    def text_of(self, source: Document) -> str:
        """The title is the first line, which is empty without one."""
        return f"{source.title}\n{source.body}"

    def source_of(self, text: str, separator: str) -> Document:
        title, _, body = text.partition("\n")
        return Document(title, body)

    def stored(self, record: Record[Document, str]) -> Mapping[str, str]:
        return {"title": record.source.title, "body": record.source.body, "summary": record.target, "id": record.id}

    def restored(self, texts: Mapping[str, str]) -> Record[Document, str]:
        return Record(Document(texts["title"], texts["body"]), texts["summary"], id=texts.get("id", ""))

    def blank(self, source: Document) -> bool:
        return not source.body.strip()

    def show(self, source: Document) -> str:
        return source.title or source.body

    def scorer(self) -> "SummaryScorer":
        return SummaryScorer(self)

    def zero_shot(self) -> tuple["TlDr", dict[str, Any]]:
        return recast(self, TlDr), {"temperature": 1.0, "top_k": 2, "max_new_tokens": 100}


def problem_of(body: str, summary: str) -> str:
    """Why a document and its summary, both stripped, cannot be used for training; empty if they can."""
    if not (body and summary):
        return "no document" if summary else "no summary" if body else "neither document nor summary"
    if summary in body:
        return Unsuitable("the summary is part of the document")
    return Unsuitable("the summary is longer than the document") if len(summary) > len(body) else ""


class SummaryRows(Rows):
    """Rows cut as the task's `cut` says, with summaries learned up to `longest` tokens."""

    def __init__(self, task: Summarize) -> None:
        self.task = task

    @property
    def cuts(self) -> bool:
        return self.task.cut != "long"

    def learned(self, target: Sequence[int]) -> Sequence[int]:
        if not 0 < self.task.longest < len(target):
            return target
        cut = self.task.bpe.decode(target[: self.task.longest - 1]).rstrip("\ufffd")  # an incomplete character
        return self.task.encode_target(without_last_sentence(cut))

    def shorten(self, prompt: list[int], room: int) -> list[int]:
        return prompt if len(prompt) <= room else [*self.cut_text(prompt[:-1], room - 1), prompt[-1]]

    def cut_text(self, text: list[int], room: int) -> list[int]:
        """At most `room` ids of a document that is too long."""
        if self.task.cut == "head-tail":
            first = room // 2
            return [*text[:first], *text[len(text) - (room - first) :]]
        if self.task.cut == "tfidf":
            title, body = self.task.source_of(self.task.bpe.decode(text), SEPARATOR)
            found = paragraphs(body)
            ranked = "\n".join(found[place] for place in tfidf_order(found, title))
            text = self.task.bpe.encode([self.task.text_of(Document(title, ranked))])[0]
        return text[:room]


class SummaryScorer(Scorer[Document, str]):
    """ROUGE and faithfulness, next to those of extracts of the same documents; keeps only numbers."""

    def __init__(self, task: Summarize) -> None:
        super().__init__(task)
        self.of_summaries = SummaryScores()

    def add(self, record: Record[Document, str], output: str) -> dict[str, Any]:
        return self.of_summaries.add(output, Example(record.source.title, record.source.body, record.target))

    def scores(self) -> list[Score]:
        return self.of_summaries.scores()


@dataclass(frozen=True)
class TlDr(Summarize):
    """GPT-2's untrained summarization: the document, `TL;DR:`, 100 tokens, of which the first three sentences are the
    summary (Radford et al. 2019, section 3.6)."""

    @property
    def about(self) -> About:
        return replace(super().about, asking=None)

    @property
    def layout(self) -> "HintedRows":
        return HintedRows(self)

    def encode_source(self, source: Document) -> list[int]:
        text, hint = self.bpe.encode([self.text_of(source).strip(), TLDR])
        return [*text, *hint]

    def decode(self, ids: Sequence[int]) -> str:
        return " ".join(sentences(self.bpe.decode(ids))[:3])


class HintedRows(SummaryRows):
    """Prompts that end with `TL;DR:`."""

    def shorten(self, prompt: list[int], room: int) -> list[int]:
        """Without a title, the first line is used as one."""
        hint = self.task.bpe.encode([TLDR])[0]
        return prompt if len(prompt) <= room else [*self.cut_text(prompt[: -len(hint)], room - len(hint)), *hint]
