"""Which file of line n is translated by which: the shards of two sides are paired in order."""

from collections.abc import Sequence

from gpt2kit.data.remote import shown
from gpt2kit.data.shards import MANY, expand, several
from gpt2kit.data.sources import ACCEPTED, LANGUAGE_PREFIX, is_table, no_partner
from gpt2kit.errors import DataError, counted


def expand_pairs(corpus: Sequence[str]) -> list[str]:
    """The files of the words of a command line: tables, and of text files each followed by its partner.

    A word that stands for text files is followed by one for as many, in the same order. A language before a word, as in
    `de=`, is that of all of its files. Raises DataError for text files without a partner.
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
        for source, target in zip(files, targets, strict=True):
            found += [prefix + source, target]
    return found


def _files(word: str) -> tuple[str, list[str]]:
    """The language before a word, and its files."""
    prefix = LANGUAGE_PREFIX.match(word)
    language = prefix.group() if prefix else ""
    return language, expand(word[len(language) :], f"{ACCEPTED}; in place of a file: {MANY}")
