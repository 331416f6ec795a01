"""Language modelling: documents in one stream, each preceded by the end-of-text token of the previous one, as GPT-2 was
trained (Radford et al. 2019)."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from gpt2kit.config import knob
from gpt2kit.data.bpe import END_OF_TEXT
from gpt2kit.data.columns.selection import Selection
from gpt2kit.data.corpus_marks import marks
from gpt2kit.data.layouts import Stream
from gpt2kit.data.shards import expand, several
from gpt2kit.data.sources import held_out, is_table
from gpt2kit.data.texts import ACCEPTED, Part, is_text_or_table, read_texts, select_text
from gpt2kit.errors import UserError
from gpt2kit.metrics.score import Score
from gpt2kit.tasks import asking
from gpt2kit.tasks.about import About
from gpt2kit.tasks.base import Task
from gpt2kit.tasks.record import Proposed, Record, Shard
from gpt2kit.tasks.text import TOKENIZERS, TextTask, check_separator, document_separator

ABOUT = About(
    corpus="YOUR.txt",
    medium="text",
    copies=True,
    requires=(*TOKENIZERS, "tiktoken"),
    asking=asking.Continued(),
)

Continued = str | None
"""A prompt; None for a record that continues the document of the previous one."""


@dataclass(frozen=True)
class Lm(TextTask[Continued, str]):
    """Language modeling: text in the style of your own documents, from a prompt or from nothing."""

    held_out: float = knob(
        0.02, "share of the documents held out for validation if prepare gets no --val; of a single file, its end"
    )
    column: str = knob(
        "",
        "the column of a table that has the text",
        flag=("prepare", "evaluate"),
        metavar="NAME",
        unset="the column 'text', or the only one",
    )
    separator: str = document_separator()

    @property
    def about(self) -> About:
        return ABOUT

    @property
    def layout(self) -> Stream:
        return JoinedDocuments(self)

    def expand(self, corpus: Sequence[str]) -> list[str]:
        return list(chain.from_iterable(expand(word, ACCEPTED, is_text_or_table) for word in corpus))

    def infer_task(self, corpus: Sequence[str]) -> Task[Any, Any]:
        if self.column and not any(map(is_table, corpus)):
            raise UserError(f"{several(corpus)}: plain text has no column {self.column!r}; --column is for tables")
        check_separator(self.separator, corpus)
        return self

    def read(self, corpus: Sequence[str]) -> Iterator[Record[Continued, str]]:
        return self.passages(corpus)

    def shards(self, corpus: Sequence[str]) -> list[Shard]:
        alone = len(corpus) == 1
        return [Shard([file], partial(self.passages, [file], alone)) for file in corpus]

    @property
    def text_column(self) -> str:
        """The column of a table that has the text; empty if its header decides."""
        return self.column

    def select_columns(self, corpus: Sequence[str]) -> list[Selection]:
        return select_text(corpus, self.column)

    def passages(self, corpus: Sequence[str], alone: bool = True) -> Iterator[Record[Continued, str]]:
        """The documents of a corpus, in parts; of files that are not `alone`, but a part of a corpus, no end is held
        out."""
        separator = self.separator.replace("\\r", "").replace("\r", "").replace("\\n", "\n")  # lines end with \n alone
        for part in read_texts(corpus, self.text_column, separator, alone):
            yield Record(
                "" if part.begins else None,
                part.text,
                key=part.text,
                split=self._proposed(part),
                problem="" if part.text.strip() or not part.begins else "no text",
                skipped=self.controls_in(part.text) | self._ends_in(part) | marks(part.text),
                name=part.name,
            )

    def _ends_in(self, part: Part) -> dict[str, int]:
        """The ends of documents that a text without a separator seems to have, or that it lacks, for a report."""
        if part.undivided and part.begins:
            return {f"text files without the separator {self.separator!r}, each read as one document": 1}
        count = 0 if self.separator or part.row else part.text.count(END_OF_TEXT)
        hint = f"documents seem to end at {END_OF_TEXT}: --separator '{END_OF_TEXT}' separates them there"
        return {hint: count} if count else {}

    def _proposed(self, part: Part) -> Proposed:
        """For a corpus of one file, the end is held out; otherwise whole documents, by a hash of their beginning."""
        if part.end:
            held = part.end > 1 - self.held_out and not part.begins
        else:
            held = held_out(part.document or part.text, self.held_out)
        return Proposed("val" if held else "train")

    def fit(self, corpus: Sequence[str], records: Iterable[Record[Continued, str]], folder: Path, window: int) -> "Lm":
        return self.learn_tokenizer((record.target for record in records), (), folder, window)

    def parse(self, text: str) -> str:
        return text

    def encode_source(self, source: Continued) -> list[int]:
        """The text as it is, as GPT-2 was prompted; an empty text is the beginning of a document."""
        if source is None:
            return []
        return self.bpe.encode([source])[0] if source else [self.bpe.end_of_text]

    def decode_source(self, prompt: Sequence[int]) -> Continued:
        return self.bpe.decode(prompt)

    def encode_target(self, target: str) -> list[int]:
        return [*self.bpe.encode([target])[0], self.bpe.end_of_text]

    def decode(self, ids: Sequence[int]) -> str:
        return self.bpe.decode(ids)

    def encode(self, records: Sequence[Record[Continued, str]]) -> Sequence[tuple[Sequence[int], Sequence[int]]]:
        prompts = (self.encode_source(record.source) for record in records)
        return list(zip(prompts, self.bpe.encode_arrays([record.target for record in records]), strict=True))

    def zero_shot(self) -> tuple["Lm", dict[str, Any]]:
        return self, {"temperature": 1.0, "top_k": 40, "max_new_tokens": 256, "roll": True}


class JoinedDocuments(Stream):
    """Documents joined by the end-of-text token."""

    joined = True
    overlap = 0.5

    def __init__(self, task: Lm) -> None:
        self.task = task

    def shorten(self, prompt: list[int], room: int) -> list[int]:
        """Keeps the end of a text that is to be continued."""
        return prompt[-room:]

    def weight(self, record: Record[Continued, str]) -> int:
        return len(record.target)

    def units(self, ids: Sequence[int]) -> dict[str, float]:
        text = self.task.bpe.decode(ids)
        return {"token": len(ids), "word": len(text.split()), "byte": len(text.encode())}

    def rates(self, nats: float, units: Mapping[str, float]) -> list[Score]:
        """Perplexities, and bits per byte, which do not depend on the tokenizer."""
        tokens, words, size = (f"n:{units[unit]:.0f}" for unit in ("token", "word", "byte"))
        per = {unit: nats / max(1.0, count) for unit, count in units.items()}
        fingerprint = self.task.vocabulary.fingerprint()
        return [
            Score("perplexity per token", _exp(per["token"]), f"{tokens}|{fingerprint}", digits=3),
            Score("perplexity per word", _exp(per["word"]), f"{words}|words:by white space", digits=2),
            Score("bits per byte", per["byte"] / math.log(2), size, digits=4),
            Score("nats per token", per["token"], tokens, digits=4),
        ]


def _exp(nats: float) -> float:
    """Infinity where a float overflows."""
    return math.exp(nats) if nats < 700 else math.inf
