"""Translation as in The Illustrated GPT-2: the source, `<to-fr>`, the translation, end. One separator per language."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from gpt2kit.config import knob
from gpt2kit.data.columns.selection import Selection, select_pairs
from gpt2kit.data.layouts import Layout, Rows
from gpt2kit.data.lines import unpacked_name
from gpt2kit.data.parallel_files import expand_pairs
from gpt2kit.data.references import more_references
from gpt2kit.data.sources import LANGUAGE_PREFIX, pair_paths, read_pairs
from gpt2kit.errors import DataError, UserError, counted
from gpt2kit.metrics.score import Score
from gpt2kit.metrics.tokenization import AUTO, TOKENIZATIONS
from gpt2kit.metrics.translations import TranslationScores
from gpt2kit.tasks import asking
from gpt2kit.tasks.about import About
from gpt2kit.tasks.base import Scorer, recast
from gpt2kit.tasks.record import Question, Record, Shard, Subset
from gpt2kit.tasks.text import TOKENIZERS, TextPairs

ABOUT = About(
    corpus="YOUR.en YOUR.fr",
    tags=("translation",),
    requires=(*TOKENIZERS, "sacrebleu"),
)

EXAMPLES = 32
"""The most examples of a table to show."""

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
    """A text and the language to translate it into."""

    text: str
    to: str


def separator(language: str) -> str:
    return f"<to-{language}>"


def _from_answer(target: str, language: str, answer: str) -> Record[Sentence, str]:
    """A pair whose source is an answer."""
    return Record(Sentence(answer, language), target)


@dataclass(frozen=True)
class Translate(TextPairs[Sentence]):
    """Translation learned from sentence pairs, into one language or into several."""

    to: str = knob(
        "fr",
        "the language to translate into, such as fr: of a corpus that does not name it, or of a model of several",
        flag=("prepare", "generate", "evaluate", "augment"),
        metavar="LANGUAGE",
    )
    languages: tuple[str, ...] = knob((), "target languages of the model; prepare takes them from the corpora")
    columns: tuple[str, ...] = knob(
        (),
        "the source and the target column of a table, as in --columns en,fr",
        flag=("prepare", "evaluate"),
        metavar="NAME,NAME",
        unset="source and target, or the only two",
    )

    examples: str = knob(
        "",
        "with --zero-shot: a table of pairs that the prompt begins with, as examples",
        flag=("generate",),
        metavar="FILE",
        unset=f"{len(FRENCH)} built-in pairs of English and French",
    )
    references: tuple[str, ...] = knob(
        (),
        "more translations of the corpus of --on: text files, line n of which translates line n, or columns of a table",
        flag=("evaluate",),
        metavar="FILE,...",
    )
    tokenize: str = knob(
        AUTO,
        "tokenization of BLEU, by sacreBLEU's names; auto: what suits the target language",
        TOKENIZATIONS,
        flag=("evaluate",),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for language in (self.to, *self.languages):
            if not LANGUAGE.fullmatch(language):
                raise ValueError(f"{language!r} is not a language code; expected one like fr or pt-BR")
        if self.columns and len(self.columns) != 2:
            raise ValueError(f"columns = {','.join(self.columns)}; expected two names: source,target")

    @property
    def about(self) -> About:
        written = dict.fromkeys(language.partition("-")[0].lower() for language in self.languages)
        endings = {language: separator(language) for language in self.languages}
        asked = asking.Answered(endings=endings, ending=self.to, copies_without_letters=True)
        return replace(ABOUT, languages=tuple(written), asking=asked)

    def corpora(self, corpus: Sequence[str]) -> list[tuple[str, tuple[str, ...]]]:
        """(target language, files) of each corpus: given as `de=pairs.tsv`, or else by the ending of the second text
        file."""
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

    def expand(self, corpus: Sequence[str]) -> list[str]:
        return expand_pairs(corpus)

    @property
    def named(self) -> tuple[str, str] | None:
        """The columns that the user names."""
        return (self.columns[0], self.columns[1]) if self.columns else None

    def select_columns(self, corpus: Sequence[str]) -> list[Selection]:
        tables = ((language, files[0]) for language, files in self.corpora(corpus) if len(files) == 1)
        return list(chain.from_iterable(select_pairs(table, self.named, language) for language, table in tables))

    def read(self, corpus: Sequence[str]) -> Iterator[Record[Sentence, str]]:
        return self._pairs(self.corpora(corpus), self._has_several(corpus))

    def shards(self, corpus: Sequence[str]) -> list[Shard]:
        several, words = self._has_several(corpus), pair_paths(corpus)
        corpora = zip(words, self.corpora(corpus), strict=True)
        return [Shard(files, partial(self._pairs, [each], several)) for files, each in corpora]

    def _has_several(self, corpus: Sequence[str]) -> bool:
        """Whether a corpus has several directions, so that a pair may be the reverse of another."""
        return len({*self.languages, *(language for language, _ in self.corpora(corpus))}) > 1

    def _pairs(self, corpora: Sequence[tuple[str, tuple[str, ...]]], several: bool) -> Iterator[Record[Sentence, str]]:
        others = more_references(self.references, [files for _, files in corpora])
        streams = [(language, read_pairs(files, self.named, language)) for language, files in corpora]
        for language, pairs in streams:
            for source, target in pairs:
                same = {"pairs with equal source and target": 1} if source == target else {}
                known = {"skipped": same, "mirror": target if several else "", "references": next(others)}
                yield self.pair(Sentence(source, language), target, **known)

    def fit(
        self, corpus: Sequence[str], records: Iterable[Record[Sentence, str]], folder: Path, window: int
    ) -> "Translate":
        languages = tuple(dict.fromkeys([*self.languages, *(language for language, _ in self.corpora(corpus))]))
        to = self.to if self.to in languages else languages[0]
        return super(Translate, replace(self, to=to, languages=languages)).fit(corpus, records, folder, window)

    def parse(self, text: str) -> Sentence:
        return Sentence(text, self.to)

    def text_of(self, source: Sentence) -> str:
        return source.text

    def source_of(self, text: str, separator: str) -> Sentence:
        return Sentence(text, separator.removeprefix("<to-").removesuffix(">"))

    def separator_of(self, source: Sentence) -> str:
        if source.to not in self.languages:
            raise UserError(f"this model does not translate into {source.to!r}; accepted: {', '.join(self.languages)}")
        return separator(source.to)

    @property
    def separators(self) -> Sequence[str]:
        return [separator(language) for language in self.languages]

    def answer_without_model(self, source: Sentence) -> str | None:
        """A text without words, only numbers, signs, addresses and tags, is its own translation."""
        if self.blank(source):
            return ""
        return None if any(map(str.isalpha, ADDRESSES_AND_TAGS.sub("", source.text))) else source.text

    def subset(self, settings: Mapping[str, Any]) -> Subset | None:
        """With --to, one direction."""
        to = settings.get("to")
        return None if to is None else Subset(f"to:{to}", lambda record: record.source.to == to)

    def questions(
        self, records: Sequence[Record[Sentence, Any]], data: "Translate", given: Mapping[str, Any]
    ) -> Iterator[Question[Sentence, str]]:
        """The sources, and for a run of the other direction the targets, of which its answers become the sources.

        A language into which the data does not translate is taken for that of its sources; of data in both directions,
        it is the language of a target that is also a source.
        """
        wanted = (given["to"],) if "to" in given else self.languages
        if wanted[0] not in self.languages:
            raise UserError(f"--to {wanted[0]}: this run translates into {', '.join(self.languages)}")
        sources = {record.source for record in records}
        for record in records:
            text, language = record.source
            if record.target is None:
                yield self._on_input(text, wanted, data)
                continue
            if language in wanted:
                yield Question(record.source, record.target, partial(Record, record.source))
            for other in wanted:
                reverse = Sentence(record.target, other)
                if other != language and (other not in data.languages or reverse in sources):
                    yield Question(reverse, text, partial(_from_answer, record.target, language))

    def _on_input(self, text: str, wanted: Sequence[str], data: "Translate") -> Question[Sentence, str]:
        """A text without a translation: it is a source, or a target for a run of the other direction."""
        if len(wanted) > 1:
            raise UserError(
                f"--input: this run translates into {', '.join(wanted)}: choose the language of its answers with --to"
            )
        asked = Sentence(text, wanted[0])
        if asked.to in data.languages:
            return Question(asked, None, partial(Record, asked))
        if len(data.languages) > 1:
            raise UserError(
                f"--input: this run translates into {asked.to}, and the data into {', '.join(data.languages)}: the "
                f"language of the file is not known"
            )
        return Question(asked, None, partial(_from_answer, text, data.languages[0]))

    def score(self, outputs: Sequence[str], targets: Sequence[str]) -> list[Score]:
        scorer = self.scorer()
        if len(outputs) != len(targets):
            raise DataError(
                f"{counted(len(outputs), 'output')} but {counted(len(targets), 'reference')}: each output needs "
                f"one reference"
            )
        for output, target in zip(outputs, targets, strict=True):
            scorer.add(Record(Sentence("", self.to), target), output)
        return scorer.scores()

    def scorer(self) -> "TranslationScorer":
        return TranslationScorer(self)

    def zero_shot(self) -> tuple["ByExample", dict[str, Any]]:
        task = recast(self, ByExample)
        return task, {"stop_ids": [task.bpe.encode(["\n"])[0][-1]], "max_new_tokens": 100}


class TranslationScorer(Scorer[Sentence, str]):
    """BLEU and chrF++ of each target language."""

    def __init__(self, task: Translate) -> None:
        super().__init__(task)
        self.of_translations = TranslationScores(task.tokenize)

    def add(self, record: Record[Sentence, str], output: str) -> dict[str, Any]:
        self.of_translations.add(record.source.to, output, (record.target, *record.references))
        return {}

    def scores(self) -> list[Score]:
        found = self.of_translations.scores()
        if not found:
            raise DataError("nothing to score: the number of references is 0")
        return found

    def remarks(self) -> list[str]:
        return self.of_translations.remarks()


class LastWords(Rows):
    """Prompts that keep their end when they are too long."""

    def shorten(self, prompt: list[int], room: int) -> list[int]:
        return prompt[-room:]


@dataclass(frozen=True)
class ByExample(Translate):
    """GPT-2's untrained translation: a few lines `english sentence = french sentence`, then `english sentence =`; the
    rest of the line is the translation (Radford et al. 2019, section 3.7)."""

    @property
    def about(self) -> About:
        return replace(super().about, asking=None)

    @cached_property
    def shown(self) -> list[tuple[str, str]]:
        """The pairs of `examples`. Raises UserError if there are none for the language."""
        if self.examples:
            return list(islice(read_pairs([self.examples], self.named, self.to), EXAMPLES))
        if self.to != "fr":
            raise UserError(f"--to {self.to}: the built-in examples are French; give a table of pairs with --examples")
        return list(FRENCH)

    def encode_source(self, source: Sentence) -> list[int]:
        lines = [f"{text} = {translation}\n" for text, translation in self.shown]
        return self.bpe.encode(["".join([*lines, f"{source.text.strip()} ="])])[0]

    @property
    def layout(self) -> Layout:
        return LastWords()

    def decode(self, ids: Sequence[int]) -> str:
        return self.bpe.decode(ids).strip().partition("\n")[0]
