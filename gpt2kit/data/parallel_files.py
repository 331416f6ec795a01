"""Which file of line n is translated by which: the shards of two sides are paired in order."""

import os
import re
from collections.abc import Sequence
from itertools import takewhile

from gpt2kit.data.lines import unpacked_name
from gpt2kit.data.remote import shown
from gpt2kit.data.shards import MANY, expand, several
from gpt2kit.data.sources import ACCEPTED, LANGUAGE_PREFIX, is_table, no_partner
from gpt2kit.errors import DataError, counted

WORDS = re.compile(r"[0-9]+|[^\W\d_]+|[\W_]")
LANGUAGE_ENDING = re.compile(r"\.[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
TEXT_ENDING = ".txt"


def expand_pairs(corpus: Sequence[str]) -> list[str]:
    """The files of the words of a command line: tables, and of text files each followed by its partner.

    A word that stands for text files is followed by one for as many, in the same order. A language before a word, as in
    `de=`, is that of all of its files. Raises DataError for text files without a partner, or with one whose name tells
    that it belongs to another file.
    """
    found: list[str] = []
    words = map(shown, corpus)
    for word in words:
        prefix, files = _files(word)
        if all(map(is_table, files)):
            found += [prefix + file for file in files]
            continue
        partner = next(words, None)
        if partner is None:
            raise no_partner(word)
        _, targets = _files(partner)
        if any(map(is_table, (*files, *targets))):
            raise no_partner(word)
        if len(files) != len(targets):
            raise DataError(
                f"{word} is {counted(len(files), 'file')} ({several(files)}), but {partner} is "
                f"{counted(len(targets), 'file')} ({several(targets)}); accepted: as many files on both sides, which "
                "are paired in the order of their names"
            )
        _refuse_others(word, files, partner, targets)
        if files == [word] and targets == [partner]:
            _refuse_one_language(word, partner)
        for source, target in zip(files, targets, strict=True):
            found += [prefix + source, target]
    return found


def _refuse_others(word: str, files: Sequence[str], partner: str, targets: Sequence[str]) -> None:
    """Raise DataError if what tells the files of one side apart, such as a number, is not the same on the other."""
    for source, target, one, other in zip(files, targets, _differences(files), _differences(targets), strict=True):
        if one != other:
            raise DataError(
                f"{word} and {partner} have as many files, but in the order of their names {source} would be paired "
                f"with {target}; accepted: the same numbers or words in the names of both sides, or each file followed "
                f"by its translation, as in {source} {target}"
            )


def _differences(files: Sequence[str]) -> list[list[str]]:
    """Of each name the words and numbers that are not in the same place of all; without zeros before a number."""
    names = [
        [word.lstrip("0") if word.isdigit() else word for word in WORDS.findall(unpacked_name(file))] for file in files
    ]
    if len({*map(len, names)}) == 1:
        places = [place for place, words in enumerate(zip(*names, strict=True)) if len({*words}) > 1]
        return [[name[place] for place in places] for name in names]
    rests = [name[_common(names) :] for name in names]
    after = _common([rest[::-1] for rest in rests])
    return [rest[: len(rest) - after] for rest in rests]


def _common(names: Sequence[Sequence[str]]) -> int:
    """The number of words that all begin with."""
    return sum(1 for _ in takewhile(lambda words: len({*words}) == 1, zip(*names, strict=False)))


def _refuse_one_language(source: str, target: str) -> None:
    """Raise DataError for shards of one language that the shell has put next to each other."""
    ending = os.path.splitext(unpacked_name(source))[1]
    if ending == TEXT_ENDING or not LANGUAGE_ENDING.fullmatch(ending) or source == target:
        return
    if re.sub("[0-9]+", "0", source) == re.sub("[0-9]+", "0", target):
        raise DataError(
            f"{source} would be paired with {target}, but both are {ending[1:]}; give the files of each language as "
            f"a glob in quotes, so that the shell does not replace it: 'shards/*{ending}' 'shards/*.fr'"
        )


def _files(word: str) -> tuple[str, list[str]]:
    """The language before a word, and its files."""
    prefix = LANGUAGE_PREFIX.match(word)
    language = prefix.group() if prefix else ""
    return language, expand(word[len(language) :], f"{ACCEPTED}; in place of a file: {MANY}")
