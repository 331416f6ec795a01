"""Rewrites the shell's words before Typer parses them."""

import os
from collections.abc import Mapping, Sequence

from gpt2kit.data.sources import is_table
from gpt2kit.errors import UserError

VERBS = ("prepare", "show", "train", "generate", "evaluate", "render")
CORPUS_OPTIONS = ("--val", "--test")
"""Options that take a corpus: one table, or two parallel files, as from `--val val.{en,fr}`."""
OLD_NAMES = ("--pairs", "--file")
"""Former names of evaluate's `--on`."""


def expand(words: Sequence[str], tasks: Mapping[str, bool]) -> list[str]:
    """`gpt2kit translate "I am"` means generate; the second file after a corpus option belongs to the option.

    `tasks` says which tasks read parallel files: for the others an option has one word.
    """
    expanded = _at_home(words)
    if not expanded or expanded[0] not in tasks:
        return expanded
    second = expanded[1] if len(expanded) > 1 else ""
    if second not in (*VERBS, "--help", "-h"):
        expanded.insert(1, "generate")
    if expanded[1] == "evaluate":
        return _corpus_to_score(expanded)
    return _pair_corpora(expanded) if tasks[expanded[0]] else expanded


def _corpus_to_score(words: list[str]) -> list[str]:
    """Every word after `--on` belongs to it, up to the next option. Raises UserError for the option's former names."""
    found: list[str] = []
    corpus = False
    for place, word in enumerate(words):
        if word == "--":
            return [*found, *words[place:]]
        if (old := word.partition("=")[0]) in OLD_NAMES:
            raise UserError(f"{old} is now --on: gpt2kit {words[0]} evaluate --on CORPUS...")
        if word.startswith("-"):
            corpus = word == "--on"
            found.append(word)
        else:
            found += ["--on", word] if corpus and found[-1] != "--on" else [word]
    return found


def _at_home(words: Sequence[str]) -> list[str]:
    """Expand `--out=~/run` and `--set task.tokenizer=~/gpt2`: shells expand only a ~ at the beginning of a word."""
    found: list[str] = []
    for place, word in enumerate(words):
        if word == "--":
            return [*found, *words[place:]]
        name, equals, path = word.partition("=")
        is_option = name.startswith("--") or words[place - 1 : place] == ["--set"]
        found.append(f"{name}={os.path.expanduser(path)}" if is_option and equals else word)
    return found


def _pair_corpora(words: list[str]) -> list[str]:
    paired: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        paired.append(word)
        if word == "--":
            return paired + left
        if word in CORPUS_OPTIONS and left:
            first = left.pop(0)
            paired.append(first)
            is_file = not (is_table(first) or first.startswith("-"))
            if is_file and left and not left[0].startswith("-"):  # otherwise an option follows: there is only one file
                paired += [word, left.pop(0)]
    return paired
