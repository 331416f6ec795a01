"""The texts that a vocabulary is learned from: all texts of a corpus, or an even sample if it has too many words.

A trainer of BPE keeps every different word with its symbols and its pairs, 500 bytes and more for each. Their number
grows with a corpus, as names and numbers never end, and hardly any of the rare ones decides on a merge.
"""

import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TypeVar

import numpy as np

from gpt2kit import files

WORDS = 1 << 19
"""Different words of a sample for a vocabulary of up to `TOKENS`, approximately; if there are more, about every second
run of texts is left out. A word of more than `LONG` bytes counts as several."""

FEW = 1 << 18
"""Different words, approximately, up to which texts are trained on while they are read, which is faster: a trainer that
has begun cannot be stopped, and would take its memory for all of them."""

TOKENS = 8192
"""A vocabulary of more tokens is learned from more words, in proportion."""

LONG = 16

WHOLE = 1 << 26
"""Bytes of the files of a corpus up to which all of its texts are read for a vocabulary; of a larger one that is read
in parts, the beginning of each part."""

BEGINNINGS = 1 << 24
"""Characters of all of these beginnings together, for a vocabulary of up to `TOKENS`."""

CHARACTERS = 1 << 18
"""Characters of the texts that are counted and written together."""

SAMPLE_FILE = "vocabulary.json"
"""Next to a tokenizer that was learned from a sample: the parts of the corpus and the characters of each that were
read, if these were not all, and the numbers of texts in the sample and of those that were read."""

RUN = 16
"""Texts that are kept or left out together: a source and its target have words in common, such as names and numbers."""

GOLDEN = 0x9E3779B97F4A7C15
"""2**64 divided by the golden ratio: its multiples modulo 2**64 are spread evenly."""

ALL = 1 << 64

Numbered = tuple["array[int]", list[str]]
"""Texts, and the number of each in the corpus."""


Trained = TypeVar("Trained")
Text = TypeVar("Text")


def train_on_sample(
    train: Callable[[Iterator[str]], Trained], texts: Iterable[str], folder: Path, tokens: int
) -> Trained:
    """The outcome of `train` for the texts, or for an even sample of them, which is the same for the same texts. If
    texts are left out, their number is written to `folder`.

    Texts with few words are trained on while they are read. Of others the trainer first sees the beginning, in vain,
    and then those that were kept in a temporary file in `folder`, which has no name where the system allows that. The
    beginnings of a large corpus are kept first: they have many words.
    """
    known = files.read_json(folder / SAMPLE_FILE) if (folder / SAMPLE_FILE).is_file() else {}
    with closing(VocabularySample(folder, WORDS * in_proportion(tokens) // TOKENS)) as sample:
        if known:
            for _ in sample.passing(texts, wanted=False):
                pass
        else:
            found = train(sample.passing(texts))
            if sample.passed:
                return found
            del found
        if sample.kept < sample.count:
            files.write_json(folder / SAMPLE_FILE, known | {"texts": sample.kept, "of": sample.count})
        return train(iter(sample))


def in_proportion(tokens: int) -> int:
    """The number of tokens of a vocabulary that its sample is in proportion to."""
    return max(tokens, TOKENS)


@contextmanager
def beginnings(
    parts: Sequence[Iterable[Text]], length: Callable[[Text], int], folder: Path, tokens: int
) -> Iterator[Iterator[Text]]:
    """The beginnings of the parts of a large corpus, to learn a vocabulary from in the block: from each part texts of
    about as many characters. If any are read, `folder` says so."""
    characters = BEGINNINGS * in_proportion(tokens) // TOKENS // len(parts)
    read = 0

    def texts() -> Iterator[Text]:
        nonlocal read
        for part in parts:
            left = characters
            for text in part:
                read += 1
                yield text
                left -= length(text)
                if left <= 0:
                    break

    files.write_json(folder / SAMPLE_FILE, {"parts": len(parts), "characters": characters})
    yield texts()
    if not read:
        (folder / SAMPLE_FILE).unlink()


def described(folder: Path) -> list[str]:
    """Whether the tokenizer in a folder was learned from a sample, as lines for the user."""
    if not (folder / SAMPLE_FILE).is_file():
        return []
    found, lines = files.read_json(folder / SAMPLE_FILE), []
    if "parts" in found:
        parts = f"the first {found.get('characters', 0):,} characters of each of {found['parts']:,} parts of the corpus"
        lines.append(f"vocabulary learned from {parts}: all of it is more than {WHOLE:,} bytes")
    if "texts" in found:
        share = f"{found['texts']:,} of {found.get('of', 0):,} texts"
        lines.append(f"vocabulary learned from {share}, an even sample: all of them have too many different words")
    return lines


class VocabularySample:
    """An even sample of texts in their order."""

    def __init__(self, folder: Path, words: int) -> None:
        self.folder, self.words = folder, words
        self.count = self.kept = 0
        """Texts of the corpus, and of the sample."""
        self.passed = True
        """Whether all texts were passed on while they were read."""
        self._below = ALL
        """A run of texts is kept if its number times `GOLDEN`, modulo 2**64, is below this."""
        self._clear()

    def _clear(self) -> None:
        with files.writing(self.folder):
            self._file: IO[bytes] = TemporaryFile(dir=self.folder)  # noqa: SIM115  # closed by the caller
        self.kept, self._found = 0, 0
        self._seen = np.zeros(1 << 24, bool)

    def close(self) -> None:
        self._file.close()

    def passing(self, texts: Iterable[str], wanted: bool = True) -> Iterator[str]:
        """Add all texts to the sample, and pass them on as long as there are few words, if they are `wanted`."""
        self.passed = wanted
        numbers, batch, size = array("Q"), list[str](), 0
        for number, text in enumerate(texts):
            self.count += 1
            self.passed &= self._found <= FEW and self._below == ALL
            if self.passed:
                yield text
            if self._keeps(number):
                numbers.append(number)
                batch.append(text)
                size += len(text)
                if size >= CHARACTERS:
                    self._add(numbers, batch)
                    numbers, batch, size = array("Q"), [], 0
        self._add(numbers, batch)
        del self._seen  # while the vocabulary is learned, memory is scarce

    def __iter__(self) -> Iterator[str]:
        for _, batch in self._batches(self._file):
            yield from batch

    def _keeps(self, number: int) -> bool:
        return (number // RUN * GOLDEN) % ALL < self._below

    def _add(self, numbers: "array[int]", batch: list[str]) -> None:
        """Write texts, and leave out every second run of the sample as long as it has too many words."""
        self._write(numbers, batch)
        while self._found > self.words and self.kept > RUN:
            self._below //= 2
            with self._file as whole:
                self._clear()
                for numbers, batch in self._batches(whole):
                    kept = [place for place, number in enumerate(numbers) if self._keeps(number)]
                    self._write(array("Q", [numbers[place] for place in kept]), [batch[place] for place in kept])

    def _write(self, numbers: "array[int]", batch: list[str]) -> None:
        lengths = array("Q", map(len, batch))
        content = "".join(batch).encode("utf-8", "surrogatepass")
        with files.writing(self.folder):
            for part in (array("Q", [len(batch), len(content)]), numbers, lengths, content):
                self._file.write(part)
        self.kept += len(batch)
        words = [word.encode("utf-8", "surrogatepass") for word in {*" ".join(batch).split()}]
        places = np.fromiter(map(zlib.crc32, words), np.uint32, len(words)) % len(self._seen)
        sizes = np.fromiter(map(len, words), np.int64, len(words))
        self._found += int((1 + sizes // LONG)[~self._seen[places]].sum())
        self._seen[places] = True

    @staticmethod
    def _batches(file: IO[bytes]) -> Iterator[Numbered]:
        file.seek(0)
        while head := file.read(16):
            count, size = array("Q", head)
            numbers, lengths = array("Q", file.read(8 * count)), array("Q", file.read(8 * count))
            content, start, batch = file.read(size).decode("utf-8", "surrogatepass"), 0, []
            for length in lengths:
                batch.append(content[start : start + length])
                start += length
            yield numbers, batch
