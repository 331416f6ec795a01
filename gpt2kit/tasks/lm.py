"""Language modelling: documents in one stream, each behind the end-of-text token that ends the one before it, as GPT-2
was trained (Radford et al. 2019)."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from gpt2kit.config import knob
from gpt2kit.data.sources import held_out, is_table
from gpt2kit.data.texts import Part, read_texts
from gpt2kit.errors import UserError
from gpt2kit.tasks.base import Record, Score
from gpt2kit.tasks.text import TextTask


@dataclass(frozen=True)
class Passage(Record[str, str]):
    """A part of a document; its source is nothing, as a document is learned from its first token on."""

    part: Part

    def __repr__(self) -> str:
        return self.part.name


@dataclass(frozen=True)
class Lm(TextTask[str, str]):
    """Text that goes on: a language model of your own documents."""

    layout: ClassVar[str] = "stream"
    joined: ClassVar[bool] = True
    copies: ClassVar[bool] = True
    overlap: ClassVar[float] = 0.5
    corpus_hint: ClassVar[str] = "YOUR.txt"
    held_out: float = knob(
        0.02, "share of the documents kept for validation when prepare is given no --val; of a single file its end"
    )
    column: str = knob(
        "", "the column of a table that is the text; else 'text', or the only one", flag=("prepare", "evaluate")
    )

    def examined(self, corpus: Sequence[str]) -> "Lm":
        if self.column and not any(is_table(word) or Path(word).is_dir() for word in corpus):
            raise UserError(f"{' '.join(corpus)}: plain text has no column {self.column!r}, only tables have columns")
        return self

    def read(self, corpus: Sequence[str]) -> Iterator[Passage]:
        return passages(corpus, self.column)

    def fit(self, corpus: Sequence[str], records: Iterable[Record[str, str]], folder: Path, window: int) -> "Lm":
        return self.fitted((record.target for record in records), (), folder, window)

    def parse(self, text: str) -> str:
        return text

    def key(self, record: Record[str, str]) -> str:
        return record.target

    def split(self, record: Record[str, str]) -> str:
        part = record.part if isinstance(record, Passage) else None
        if part is not None and part.end:
            return "val" if part.end > 1 - self.held_out and not part.begins else "train"
        document = part.document if part is not None else ""
        return "val" if held_out(document or self.key(record), self.held_out) else "train"

    def problem(self, record: Record[str, str]) -> str | None:
        return None if record.target.strip() or continues(record) else "no text"

    def left_out(self, record: Record[str, str]) -> dict[str, int]:
        return self.controls_in(record.target)

    def blank(self, source: str) -> bool:
        return False

    def encode_source(self, source: str) -> list[int]:
        """As it stands, for GPT-2 was asked so; nothing is the beginning of a document."""
        return self.bpe.encode([source])[0] if source else [self.eos]

    def decode_source(self, prompt: Sequence[int]) -> str:
        return self.bpe.decode(prompt)

    def encode_target(self, target: str) -> list[int]:
        return [*self.bpe.encode([target])[0], self.eos]

    def decode(self, ids: Sequence[int]) -> str:
        return self.bpe.decode(ids)

    def encode(self, records: Sequence[Record[str, str]]) -> Sequence[tuple[Sequence[int], Sequence[int]]]:
        prompts = ([] if continues(record) else self.encode_source(record.source) for record in records)
        return list(zip(prompts, self.bpe.encode_arrays([record.target for record in records]), strict=True))

    def shorten(self, prompt: list[int], room: int) -> list[int]:
        """The end of a text is what goes on."""
        return prompt[-room:]

    def weight(self, record: Record[str, str]) -> int:
        return len(record.target)

    def units(self, ids: Sequence[int]) -> dict[str, float]:
        text = self.bpe.decode(ids)
        return {"token": len(ids), "word": len(text.split()), "byte": len(text.encode())}

    def rates(self, nats: float, units: Mapping[str, float]) -> list[Score]:
        """Perplexities, and bits per byte, which do not depend on the tokenizer."""
        tokens, words, size = (f"n:{units[unit]:.0f}" for unit in ("token", "word", "byte"))
        per = {unit: nats / max(1.0, count) for unit, count in units.items()}
        return [
            Score("perplexity per token", _exp(per["token"]), f"{tokens}|{self.fingerprint()}", digits=3),
            Score("perplexity per word", _exp(per["word"]), f"{words}|words:by white space", digits=2),
            Score("bits per byte", per["byte"] / math.log(2), size, digits=4),
            Score("nats per token", per["token"], tokens, digits=4),
        ]

    def zero_shot(self) -> tuple["Lm", dict[str, Any]]:
        return self, {"temperature": 1.0, "top_k": 40, "max_new_tokens": 256, "roll": True}


def passages(corpus: Sequence[str], column: str) -> Iterator[Passage]:
    """The documents of a corpus, in parts."""
    for part in read_texts(corpus, column):
        yield Passage("", part.text, part)


def continues(record: Record[str, str]) -> bool:
    """Whether a record goes on with the document of the one before."""
    return isinstance(record, Passage) and not record.part.begins


def _exp(nats: float) -> float:
    """Infinite where a float has no room for it."""
    return math.exp(nats) if nats < 700 else math.inf
