"""Rewrites the shell's words before Typer parses them."""

import os
import shlex
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from gpt2kit.data.sources import is_table
from gpt2kit.errors import UserError

CORPUS_OPTIONS = ("--val", "--test")
"""Options that take a corpus: one table, or two parallel files, as from `--val val.{en,fr}`."""
LIST_OPTIONS = ("--references",)
"""Options of evaluate whose value is a list, also given as several words."""
OLD_NAMES = ("--pairs", "--file")
"""Former names of evaluate's `--on`."""

REAL_WORDS = {
    *("chow", "dhow", "how", "scow", "shaw", "shew", "shod", "shoe", "shoo", "shop", "shot", "shown", "shows", "showy"),
    *("slow", "snow", "sow", "stow", "whow", "brain", "drain", "grain", "rain", "strain", "tain", "traan", "traen"),
    *("trai", "trail", "traina", "traini", "traino", "trains", "traint", "trait", "trein", "twain"),
    *("prepara", "prepared", "preparen", "preparer", "prepares", "preparez", "prepari", "preparo"),
    *("generale", "generante", "generare", "generaste", "generata", "generated", "generates", "generati", "generatie"),
    *("generato", "venerate", "devaluate", "evacuate", "evaluaste", "evaluated", "evaluates", "evaluatie", "revaluate"),
    "valuate",
}
"""English, French, Italian, Dutch and Spanish words one letter from a command: a text, not a misspelled command."""


class TaskSyntax(NamedTuple):
    """What decides how the words after a task are read."""

    commands: Collection[str]
    parallel: bool
    """Whether the task reads parallel files: for the others a corpus option has one word."""


def expand(words: Sequence[str], tasks: Mapping[str, TaskSyntax], on_terminal: bool = False) -> list[str]:
    """Insert the missing verb of `gpt2kit translate "I am"`, and repeat an option for each word of its corpus.

    A task alone means generate, unless standard input is a terminal: then it is left alone, which shows its help.
    Raises UserError for a word that looks like a misspelled command of the task, and for a command without a task.
    """
    expanded = _at_home(words)
    first, second = [*expanded, "", ""][:2]
    if able := [task for task, syntax in tasks.items() if first in syntax.commands]:
        raise UserError(f"name a task first: gpt2kit TASK {first} ..., where TASK is {', '.join(able)}")
    if first not in tasks or (len(expanded) == 1 and on_terminal):
        return expanded
    # A command of another task is not an input.
    commands = {command for syntax in tasks.values() for command in syntax.commands}
    if second not in {*commands, "--help", "-h"}:
        _refuse_typo(first, second, tasks[first].commands)
        expanded.insert(1, "generate")
    if expanded[1] == "evaluate":
        return _corpus_to_score(_listed(expanded))
    return _pair_corpora(expanded) if tasks[first].parallel else expanded


def _refuse_typo(task: str, word: str, commands: Collection[str]) -> None:
    is_plain = word.isascii() and word.isalpha() and word.islower() and word not in REAL_WORDS
    command = next((command for command in commands if is_plain and _one_typo(word, command)), "")
    if command:
        raise UserError(
            f"{word!r} is not a command of {task}. Did you mean `gpt2kit {task} {command}`? "
            f"If it is the input itself: gpt2kit {task} generate {shlex.quote(word)}"
        )


def _one_typo(word: str, command: str) -> bool:
    """Whether one letter of `word` is missing, added or wrong, or two neighbours are swapped, compared to `command`."""
    shorter, longer = sorted((word, command), key=len)
    if len(shorter) < len(longer):
        return any(longer[:place] + longer[place + 1 :] == shorter for place in range(len(longer)))
    wrong = [place for place, (one, other) in enumerate(zip(word, command, strict=True)) if one != other]
    swapped = command[: wrong[0]] + command[wrong[0] : wrong[0] + 2][::-1] + command[wrong[0] + 2 :]
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


def _listed(words: list[str]) -> list[str]:
    """Join the words after an option whose value is a list: `--references a.fr b.fr` is `--references a.fr,b.fr`."""
    found: list[str] = []
    for place, word in enumerate(words):
        if word == "--":
            return [*found, *words[place:]]
        is_more = len(found) > 1 and found[-2] in LIST_OPTIONS and not word.startswith("-")
        if is_more and not found[-1].startswith("-"):
            found[-1] += f",{word}"
        else:
            found.append(word)
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
