"""Rewrites the shell's words before Typer parses them."""

import os
import shlex
from collections.abc import Mapping, Sequence

from gpt2kit.data.sources import is_table
from gpt2kit.errors import UserError

VERBS = ("prepare", "show", "train", "generate", "evaluate", "render")
CORPUS_OPTIONS = ("--val", "--test")
"""Options that take a corpus: one table, or two parallel files, as from `--val val.{en,fr}`."""
OLD_NAMES = ("--pairs", "--file")
"""Former names of evaluate's `--on`."""

NOT_TYPOS = {
    *("chow", "how", "scow", "shod", "shoe", "shoo", "shop", "shot", "shows", "shown", "showy", "slow", "snow", "sow"),
    *("stow", "brain", "drain", "grain", "rain", "strain", "trail", "trains", "trait", "twain"),
    *("prepared", "prepares", "generated", "generates", "venerate", "evaluated", "evaluates", "revaluate"),
    *("bender", "fender", "gender", "lender", "mender", "reader", "renders", "renter", "sender", "tender", "vender"),
}
"""Words that a user may mean as text, although one letter makes a verb of them."""


def expand(words: Sequence[str], tasks: Mapping[str, bool], on_terminal: bool = False) -> list[str]:
    """Insert the missing verb of `gpt2kit translate "I am"`, and repeat an option for each word of its corpus.

    `tasks` says which tasks read parallel files: for the others an option has one word. A task alone means generate,
    unless standard input is a terminal: then it is left alone, which shows its help. Raises UserError for a word that
    looks like a misspelled verb, and for a verb without a task.
    """
    expanded = _at_home(words)
    if expanded and expanded[0] in VERBS:
        raise UserError(f"name a task first: gpt2kit TASK {expanded[0]} ..., where TASK is {', '.join(tasks)}")
    if not expanded or expanded[0] not in tasks or (len(expanded) == 1 and on_terminal):
        return expanded
    second = expanded[1] if len(expanded) > 1 else ""
    if second not in (*VERBS, "--help", "-h"):
        _refuse_typo(expanded[0], second)
        expanded.insert(1, "generate")
    if expanded[1] == "evaluate":
        return _corpus_to_score(expanded)
    return _pair_corpora(expanded) if tasks[expanded[0]] else expanded


def _refuse_typo(task: str, word: str) -> None:
    is_plain = word.isascii() and word.isalpha() and word.islower() and word not in NOT_TYPOS
    verb = next((verb for verb in VERBS if is_plain and _one_typo(word, verb)), "")
    if verb:
        raise UserError(
            f"{word!r} is not a command of {task}. Did you mean `gpt2kit {task} {verb}`? "
            f"If it is the input itself: gpt2kit {task} generate {shlex.quote(word)}"
        )


def _one_typo(word: str, verb: str) -> bool:
    """Whether these different words are the same but for a letter that is missing, added, wrong or swapped."""
    shorter, longer = sorted((word, verb), key=len)
    if len(shorter) < len(longer):
        return any(longer[:place] + longer[place + 1 :] == shorter for place in range(len(longer)))
    wrong = [place for place, (one, other) in enumerate(zip(word, verb, strict=True)) if one != other]
    swapped = verb[: wrong[0]] + verb[wrong[0] : wrong[0] + 2][::-1] + verb[wrong[0] + 2 :]
    return len(wrong) == 1 or word == swapped


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
