"""The base classes of tasks whose ids represent text, and of tasks that pair texts with texts."""

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, Self

from gpt2kit.config import knob
from gpt2kit.data.bpe import BYTES, END_OF_TEXT, TOKENIZER_FILE, Bpe, write_tokenizer_config
from gpt2kit.data.corpus_marks import marks
from gpt2kit.data.hub import fetch
from gpt2kit.data.layouts import Layout, Rows
from gpt2kit.data.report import Unsuitable
from gpt2kit.data.shards import MANY, expand, several
from gpt2kit.data.sources import TABLES, is_table
from gpt2kit.errors import UserError
from gpt2kit.metrics.score import Score
from gpt2kit.tasks import asking
from gpt2kit.tasks.about import About
from gpt2kit.tasks.base import Task
from gpt2kit.tasks.record import Question, Record, Shard, Source, Target
from gpt2kit.tasks.vocabulary import Vocabulary

TOKENIZERS = ("tokenizers",)
"""Distributions that every text task requires."""

ABOUT = About(requires=TOKENIZERS)

ACCEPTED = f"text files, tables ({' '.join(TABLES)}), {MANY} or hf:owner/name[:config][@split]"

PROMPTS = ("text_of", "separator_of", "encode_source", "decode", "layout", "blank", "answer_without_model")
"""Members of TextPairs; a task that overrides one of them says itself how a page asks it."""


def document_separator() -> Any:
    """The knob for what is between documents."""
    return knob(
        "",
        "the text between the documents of one text file, such as <|endoftext|>; \\n is a line end",
        flag=("prepare",),
        unset="each text file is one document",
    )


def check_separator(separator: str, corpus: Sequence[str]) -> None:
    """Raises UserError for a corpus of tables alone."""
    if separator and all(map(is_table, corpus)):
        raise UserError(f"{several(corpus)}: each row of a table is a document; --separator is for text files")


@dataclass(frozen=True)
class TextVocabulary(Vocabulary):
    """A byte-level BPE tokenizer in a folder."""

    bpe: Bpe
    folder: Path
    padding_side: ClassVar[str] = "left"
    """Where transformers pads the shorter texts of a batch: on the left, an answer begins after the last token."""

    @property
    def size(self) -> int:
        return self.bpe.vocab_size

    @property
    def eos(self) -> int:
        return self.bpe.end_of_text

    def fingerprint(self) -> str:
        return self.with_settings(self.bpe.fingerprint())

    def has_fingerprint(self, recorded: str) -> bool:
        """The fingerprint, or that of earlier versions."""
        return recorded in (self.with_settings(self.bpe.fingerprint(whole)) for whole in (False, True))

    def with_settings(self, fingerprint: str) -> str:
        """The fingerprint of a tokenizer, together with what else decides on the meaning of an id."""
        return fingerprint

    def copy_files(self, folder: Path, window: int) -> None:
        shutil.copyfile(self.folder / TOKENIZER_FILE, folder / TOKENIZER_FILE)
        write_tokenizer_config(folder, window, self.padding_side)

    def extends(self, folder: Path) -> bool:
        return self.bpe.extends(Bpe.load(folder))

    def unknown(self) -> list[str]:
        return self.bpe.unknown_bytes()

    def render(self, ids: Sequence[int]) -> str:
        return self.bpe.decode(ids, special=True)

    def spell(self, id: int) -> bytes | str:
        return self.bpe.spell(id)


@dataclass(frozen=True)
class TextTask(Task[Source, Target]):
    """A task whose files are a byte-level BPE tokenizer."""

    vocab: int = knob(
        8192, "size of the vocabulary that prepare learns, bytes and separators included; 256: only bytes"
    )
    tokenizer: str = knob(
        "",
        "use the tokenizer of a run, a folder or a model of the Hub, which `train --init` of that model needs",
        flag=("prepare",),
        metavar="DIR|HUB_ID",
        unset="learned from the corpus",
    )

    @property
    def about(self) -> About:
        return ABOUT

    def expand(self, corpus: Sequence[str]) -> list[str]:
        return list(chain.from_iterable(expand(word, ACCEPTED) for word in corpus))

    def shards(self, corpus: Sequence[str]) -> list[Shard]:
        """The files of a corpus, as `expand` returns it, that can be read apart, in order: together they have the
        records of `read`. By default all are read together."""
        return [Shard(corpus, partial(self.read, corpus))]

    def each_file(self, corpus: Sequence[str]) -> list[Shard]:
        """The shards of a task that reads one file after the other."""
        return [Shard([file], partial(self.read, [file])) for file in corpus]

    @cached_property
    def bpe(self) -> Bpe:
        """The tokenizer in `folder`; it does not change if the folder is written again."""
        return Bpe.load(self.folder)

    @property
    def vocabulary(self) -> TextVocabulary:
        return TextVocabulary(self.bpe, self.folder)

    @property
    def controls(self) -> Sequence[str]:
        """The control tokens of the task, as texts."""
        return (END_OF_TEXT,)

    @cached_property
    def _controls(self) -> tuple[str, ...]:
        """`controls`, made once: every record is searched for them."""
        return tuple(self.controls)

    def learn_tokenizer(self, texts: Iterable[str], separators: Sequence[str], folder: Path, window: int) -> Self:
        """The task with a tokenizer in `folder`: learned from the texts, or the one that the settings name."""
        if self.tokenizer:
            bpe = Bpe.load(fetch(self.tokenizer))
            bpe.add_separators(separators)
        else:
            bpe = self._learned(texts, separators, folder)
        bpe.save(folder, window)
        return self.opened(folder)

    def _learned(self, texts: Iterable[str], separators: Sequence[str], folder: Path) -> Bpe:
        if self.vocab == BYTES:  # nothing is learned
            return Bpe.train(iter(()), self.vocab, separators)
        from gpt2kit.data.vocabulary_sample import train_on_sample  # it needs numpy

        train = partial(Bpe.train, vocab=self.vocab, separators=separators)
        return train_on_sample(train, texts, folder, self.vocab)

    def questions(
        self, records: Sequence[Record[Source, Any]], data: Self, given: Mapping[str, Any]
    ) -> Iterator[Question[Source, Target]]:
        """What `augment` asks a run of this task about the examples of prepared data, whose task is `data`, or about
        inputs, whose target is None; by default their sources. `given` are the [task] settings of its command.

        Raises UserError if the run's answers do not fit the data.
        """
        return (Question(record.source, record.target, partial(Record, record.source)) for record in records)

    def describe(self) -> list[str]:
        """Whether the vocabulary was learned from a sample."""
        from gpt2kit.data.vocabulary_sample import described

        return [*super().describe(), *described(self.folder)]

    def controls_in(self, text: str) -> dict[str, int]:
        """The number of control tokens that are spelled in a text, for a report; they are encoded as plain text."""
        found = {token: text.count(token) for token in self._controls if token in text}
        return {f"occurrences of {token} in the text, read as plain text": count for token, count in found.items()}


@dataclass(frozen=True)
class TextPairs(TextTask[Source, str]):
    """A text, a separator, its answer, the end token. If sources are plain texts, a task overrides only `read`."""

    separator: ClassVar[str] = "<answer>"

    @property
    def about(self) -> About:
        """With the prompts of plain texts, unless this is a task that makes others."""
        own = any(getattr(type(self), name) is not getattr(TextPairs, name) for name in PROMPTS)
        return ABOUT if own else replace(ABOUT, asking=asking.Answered(endings={"": self.separator}))

    def text_of(self, source: Source) -> str:
        """The text of a prompt, without its separator."""
        return str(source)

    def source_of(self, text: str, separator: str) -> Source:
        """Inverse of `text_of` and `separator_of`."""
        return text  # type: ignore[return-value]  # the default is for plain texts

    def separator_of(self, source: Source) -> str:
        return self.separator

    @property
    def separators(self) -> Sequence[str]:
        return (self.separator,)

    @property
    def controls(self) -> Sequence[str]:
        return (*super().controls, *self.separators)

    @property
    def layout(self) -> Layout:
        return Rows()

    def pair(self, source: Source, target: str, **known: Any) -> Record[Source, str]:
        """A record with the checks of every pair: blank sides and spelled control tokens."""
        text = self.text_of(source)
        problem = known.pop("problem", "") or Unsuitable(blank_sides(text, target))
        skipped = known.pop("skipped", {}) | self.controls_in(f"{text}\n{target}") | marks(target) | marks(text)
        return Record(source, target, **{"key": text, "problem": problem, "skipped": skipped} | known)

    def fit(self, corpus: Sequence[str], records: Iterable[Record[Source, str]], folder: Path, window: int) -> Self:
        texts = chain.from_iterable((self.text_of(record.source), record.target) for record in records)
        return self.learn_tokenizer(texts, self.separators, folder, window)

    def parse(self, text: str) -> Source:
        return self.source_of(text, self.separator)

    def blank(self, source: Source) -> bool:
        return not self.text_of(source).strip()

    def show(self, source: Source) -> str:
        return self.text_of(source)

    def encode_source(self, source: Source) -> list[int]:
        return [*self.bpe.encode([self.text_of(source)])[0], self.bpe.id(self.separator_of(source))]

    def decode_source(self, prompt: Sequence[int]) -> Source:
        return self.source_of(self.bpe.decode(prompt[:-1]), self.bpe.token(prompt[-1]))

    def encode_target(self, target: str) -> list[int]:
        return [*self.bpe.encode([target])[0], self.bpe.end_of_text]

    def decode(self, ids: Sequence[int]) -> str:
        return self.bpe.decode(ids)

    def encode(self, records: Sequence[Record[Source, str]]) -> Sequence[tuple[list[int], list[int]]]:
        sources = self.bpe.encode([self.text_of(record.source) for record in records])
        targets = self.bpe.encode([record.target for record in records])
        for record, source, target in zip(records, sources, targets, strict=True):
            source.append(self.bpe.id(self.separator_of(record.source)))
            target.append(self.bpe.end_of_text)
        return list(zip(sources, targets, strict=True))

    def score(self, outputs: Sequence[str], targets: Sequence[str]) -> list[Score]:
        return [exact_match(outputs, targets)]


def blank_sides(source: str, target: str) -> str:
    """Which side of a pair is blank, in two words; empty if neither is."""
    blank = [side for side, text in (("source", source), ("target", target)) if not text.strip()]
    return "both sides empty" if len(blank) == 2 else f"{blank[0]} empty" if blank else ""


def exact_match(outputs: Sequence[str], targets: Sequence[str]) -> Score:
    """The share of outputs that equal their references, ignoring spaces at the ends."""
    from gpt2kit.metrics.metrics import check_counts

    check_counts(outputs, targets)
    exact = sum(output.strip() == target.strip() for output, target in zip(outputs, targets, strict=True))
    return Score("exact match", 100 * exact / len(targets), f"n:{len(targets)}|stripped")
