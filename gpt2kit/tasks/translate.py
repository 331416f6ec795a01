"""Translation as in The Illustrated GPT-2: the source, `<to-fr>`, the translation, end. One separator a language."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from gpt2kit.config import knob
from gpt2kit.data.lines import unpacked_name
from gpt2kit.data.sources import LANGUAGE_PREFIX, pair_paths, read_pairs
from gpt2kit.errors import DataError, UserError
from gpt2kit.metrics import metrics
from gpt2kit.tasks.base import Record, Score, recast
from gpt2kit.tasks.text import TextTask

EXAMPLES = 32
"""No more of a table of examples are shown."""

STYLE_MATTERS = 1.0
"""Points of BLEU that punctuation alone may cost before it is worth a word."""

FRENCH = (
    ("The train leaves at nine o'clock.", "Le train part à neuf heures."),
    ("My sister lives near the sea.", "Ma sœur habite près de la mer."),
    ("Have you read this book?", "As-tu lu ce livre ?"),
    ("They are building a new bridge.", "Ils construisent un nouveau pont."),
    ("It was raining when we arrived.", "Il pleuvait quand nous sommes arrivés."),
)

LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")

ADDRESSES_AND_TAGS = re.compile(r"(?:https?://|www\.)\S+|(?<![\w.+-])[\w.+-]++@[\w-]+(?:\.[\w-]+)+|</?[A-Za-z][^<>]*+>")


class Sentence(NamedTuple):
    """A text and the language it is wanted in."""

    text: str
    to: str


def separator(language: str) -> str:
    return f"<to-{language}>"


@dataclass(frozen=True)
class Translate(TextTask[Sentence, str]):
    """Translation learned from sentence pairs, into one language or several with one model."""

    corpus_hint: ClassVar[str] = "YOUR.en YOUR.fr"
    parallel: ClassVar[bool] = True
    pipeline_tag: ClassVar[str] = "translation"
    to: str = knob(
        "fr",
        "the language to translate into, where the corpus or the run does not say",
        flag=("prepare", "generate", "evaluate"),
    )
    languages: tuple[str, ...] = knob((), "target languages of the model; prepare finds them in the corpora")
    columns: tuple[str, ...] = knob(
        (), "source and target column of a table, as in --columns en,fr", flag=("prepare", "evaluate")
    )

    examples: str = knob("", "a table of pairs to show an untrained model, with --zero-shot", flag=("generate",))

    def __post_init__(self) -> None:
        super().__post_init__()
        for language in (self.to, *self.languages):
            if not LANGUAGE.fullmatch(language):
                raise ValueError(f"{language!r} is no language code; expected one like fr or pt-BR")
        if self.columns and len(self.columns) != 2:
            raise ValueError(f"columns takes two names, source and target, not {len(self.columns)}")

    def corpora(self, corpus: Sequence[str]) -> list[tuple[str, tuple[str, ...]]]:
        """(target language, files) of each corpus: `de=pairs.tsv` says it, else the ending of the second text file."""
        found = []
        for files in pair_paths(corpus):
            prefix = LANGUAGE_PREFIX.match(files[0])
            first = files[0][prefix.end() :] if prefix else files[0]
            ending = Path(unpacked_name(files[-1])).suffix[1:]
            if prefix:
                language = prefix.group()[:-1]
            elif len(files) == 2 and LANGUAGE.fullmatch(ending) and ending != "txt":
                language = ending
            else:
                language = self.to
            found.append((language, (first, *files[1:])))
        return found

    def read(self, corpus: Sequence[str]) -> Iterator[Record[Sentence, str]]:
        columns = (self.columns[0], self.columns[1]) if self.columns else None
        streams = [(language, read_pairs(files, columns)) for language, files in self.corpora(corpus)]
        for language, pairs in streams:
            for source, target in pairs:
                yield Record(Sentence(source, language), target)

    def fit(
        self, corpus: Sequence[str], records: Iterable[Record[Sentence, str]], folder: Path, window: int
    ) -> "Translate":
        languages = tuple(dict.fromkeys([*self.languages, *(language for language, _ in self.corpora(corpus))]))
        separators = [separator(language) for language in languages]
        texts = chain.from_iterable((record.source.text, record.target) for record in records)
        to = self.to if self.to in languages else languages[0]
        return replace(self, to=to, languages=languages).fitted(texts, separators, folder, window)

    def parse(self, text: str) -> Sentence:
        return Sentence(text, self.to)

    @property
    def written(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(language.partition("-")[0].lower() for language in self.languages))

    def key(self, record: Record[Sentence, str]) -> str:
        return record.source.text

    def problem(self, record: Record[Sentence, str]) -> str | None:
        source, target = not record.source.text.strip(), not record.target.strip()
        if source and target:
            return "both sides empty"
        return "source empty" if source else "target empty" if target else None

    def blank(self, source: Sentence) -> bool:
        return not source.text.strip()

    def unasked(self, source: Sentence) -> str | None:
        """What has no words, but numbers, signs, addresses and tags, is its own translation."""
        if self.blank(source):
            return ""
        return None if any(map(str.isalpha, ADDRESSES_AND_TAGS.sub("", source.text))) else source.text

    def left_out(self, record: Record[Sentence, str]) -> dict[str, int]:
        same = {"pairs whose target is their source": 1} if record.source.text == record.target else {}
        return same | self.controls_in(f"{record.source.text}\n{record.target}")

    @property
    def controls(self) -> Sequence[str]:
        return (*super().controls, *map(separator, self.languages))

    def show(self, source: Sentence) -> str:
        return source.text

    def encode_source(self, source: Sentence) -> list[int]:
        return [*self.bpe.encode([source.text])[0], self._separator_id(source.to)]

    def decode_source(self, prompt: Sequence[int]) -> Sentence:
        language = self.bpe.token(prompt[-1]).removeprefix("<to-").removesuffix(">")
        return Sentence(self.bpe.decode(prompt[:-1]), language)

    def encode_target(self, target: str) -> list[int]:
        return [*self.bpe.encode([target])[0], self.eos]

    def encode(self, records: Sequence[Record[Sentence, str]]) -> list[tuple[list[int], list[int]]]:
        sources = self.bpe.encode([record.source.text for record in records])
        targets = self.bpe.encode([record.target for record in records])
        for record, source, target in zip(records, sources, targets, strict=True):
            source.append(self._separator_id(record.source.to))
            target.append(self.eos)
        return list(zip(sources, targets, strict=True))

    def _separator_id(self, language: str) -> int:
        if language not in self.languages:
            raise UserError(f"this model does not translate into {language!r}; it knows {', '.join(self.languages)}")
        return self.bpe.id(separator(language))

    def decode(self, ids: Sequence[int]) -> str:
        return self.bpe.decode(ids)

    def score(self, outputs: Sequence[str], targets: Sequence[str]) -> list[Score]:
        if not targets:
            raise DataError("there are no references to score against")
        return [Score(*metrics.bleu(outputs, targets)), Score(*metrics.chrf(outputs, targets))]

    def remarks(self, outputs: Sequence[str], targets: Sequence[str]) -> list[str]:
        gap = metrics.style_gap(outputs, targets)
        if gap < STYLE_MATTERS:
            return []
        return [f"BLEU is {gap:.1f} lower than if both sides wrote quotes, apostrophes and dashes in one way"]

    def zero_shot(self) -> tuple["ByExample", dict[str, Any]]:
        task = recast(self, ByExample)
        return task, {"stop_ids": [task.bpe.encode(["\n"])[0][-1]], "max_new_tokens": 100}


@dataclass(frozen=True)
class ByExample(Translate):
    """What GPT-2 does untrained: a few lines `english sentence = french sentence`, then `english sentence =`; the rest
    of the line is the translation (Radford et al. 2019, section 3.7)."""

    @cached_property
    def shown(self) -> list[tuple[str, str]]:
        """The pairs of `examples`. Raises UserError where there are none for the language."""
        columns = (self.columns[0], self.columns[1]) if self.columns else None
        if self.examples:
            return list(islice(read_pairs([self.examples], columns), EXAMPLES))
        if self.to != "fr":
            raise UserError(f"--to {self.to}: the examples built in are French; name a table of pairs with --examples")
        return list(FRENCH)

    def encode_source(self, source: Sentence) -> list[int]:
        lines = [f"{text} = {translation}\n" for text, translation in self.shown]
        return self.bpe.encode(["".join([*lines, f"{source.text.strip()} ="])])[0]

    def shorten(self, prompt: list[int], room: int) -> list[int]:
        return prompt[-room:]

    def decode(self, ids: Sequence[int]) -> str:
        return self.bpe.decode(ids).strip().partition("\n")[0]
