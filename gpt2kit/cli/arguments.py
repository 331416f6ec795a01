"""Rewrites the shell's words before Typer parses them."""

import os
import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from gpt2kit.data.remote import without_secrets
from gpt2kit.errors import UserError

CORPUS_OPTIONS = {"prepare": ("--val", "--test"), "evaluate": ("--on",)}
"""Options that take a corpus: all words up to the next option, as from `--val val.{en,fr}`."""
SWITCHES = ("--overwrite", "--json", "--help", "-h")
"""Options of prepare without a value."""
SETTING = re.compile(r"(task|model|train|generate)\.\w+=")
"""A value of --set, which may be followed by others."""
LIST_OPTIONS = {
    "evaluate": {"--references": re.compile(""), "--columns": re.compile("")},
    "prepare": {"--columns": re.compile(r"[a-z]{4,}=")},
}
"""Options whose value is a list, also given as several words, if they look like this; by verb. The columns of a prepare
may be followed by a corpus."""
PLAIN: Final = "on"
AUTO: Final = "auto"
"""Values of train's `--resume`; the option alone means the first."""
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


def expand(words: Sequence[str], tasks: Mapping[str, TaskSyntax], on_terminal: bool = False) -> list[str]:
    """Insert the missing verb of `gpt2kit translate "I am"`, and repeat an option for each of its words.

    A task alone means generate, unless standard input is a terminal: then it is left alone, which shows its help.
    Raises UserError for a word that looks like a misspelled command of the task, for a command without a task, and for
    a prepare whose options leave no corpus to train on.
    """
    expanded = list(words)
    first, second = [*expanded, "", ""][:2]
    if first not in tasks and (able := [task for task, syntax in tasks.items() if first in syntax.commands]):
        raise UserError(f"name a task first: gpt2kit TASK {first} ..., where TASK is {', '.join(able)}")
    if first not in tasks or (len(expanded) == 1 and on_terminal):
        return _at_home(expanded)
    own = tasks[first].commands
    # A command of another task is not an input.
    if second not in {*own, "--help", "-h"} and not (second.isalpha() and _is_command(second, tasks)):
        _refuse_typo(first, second, own)
        expanded.insert(1, "generate")
    verb = expanded[1]
    if verb == "evaluate":
        _refuse_old_names(expanded)
    if verb == "prepare":
        _refuse_no_corpus(expanded)
    if verb == "train":
        expanded = _resumed(expanded)
    return _at_home(_repeated(_listed(expanded, verb), CORPUS_OPTIONS.get(verb, ())))


def _is_command(word: str, tasks: Mapping[str, TaskSyntax]) -> bool:
    return any(word in syntax.commands for syntax in tasks.values())


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


def _refuse_old_names(words: Sequence[str]) -> None:
    for word in _before_dashes(words):
        if (old := word.partition("=")[0]) in OLD_NAMES:
            raise UserError(f"{old} is now --on: gpt2kit {words[0]} evaluate --on CORPUS...")


def _refuse_no_corpus(words: Sequence[str]) -> None:
    """Raise UserError if the options of `prepare` took all words, so that nothing is left to train on."""
    left, option, taken = 0, "", dict[str, list[str]]()
    for place, word in enumerate(words[2:], 2):
        name, equals, _ = word.partition("=")
        if word == "--" or name in ("--help", "-h"):
            return
        if word.startswith("-"):
            option = name if name in CORPUS_OPTIONS["prepare"] else ""
            if option and equals:
                taken.setdefault(option, []).append(word[len(option) + 1 :])
        elif option:
            taken.setdefault(option, []).append(word)
        elif not words[place - 1].startswith("-") or "=" in words[place - 1] or words[place - 1] in SWITCHES:
            left += 1
    for name, corpus in taken.items():
        if not left and len(corpus) > 1:
            raise UserError(
                f"no training corpus is left: {name} takes all words up to the next option, here "
                f"{' '.join(map(without_secrets, corpus))}; "
                f"give the training corpus first: gpt2kit {words[0]} prepare TRAINING_CORPUS {name} CORPUS"
            )


def _repeated(words: list[str], corpora: Collection[str]) -> list[str]:
    """Repeat an option for each of its words: those of a corpus, and those of --set that are settings, too."""
    found: list[str] = []
    option = ""
    for place, word in enumerate(words):
        if word == "--":
            return [*found, *words[place:]]
        if word.startswith("-"):
            option = name if (name := word.partition("=")[0]) in (*corpora, "--set") else ""
            found.append(word)
        else:
            belongs = option in corpora or (option == "--set" and SETTING.match(word))
            found += [option, word] if belongs and found[-1] != option else [word]
            option = option if belongs else ""
    return found


def _resumed(words: Sequence[str]) -> list[str]:
    """Give `--resume` alone its value: Typer has no options that may do without one."""
    following = [*words[1:], ""]
    return [
        f"{word}={PLAIN}" if word == "--resume" and after not in (PLAIN, AUTO) else word
        for word, after in zip(words, following, strict=True)
    ]


def _before_dashes(words: Sequence[str]) -> Sequence[str]:
    return words[: words.index("--")] if "--" in words else words


def _listed(words: Sequence[str], verb: str) -> list[str]:
    """Join the words after an option whose value is a list: `--references a.fr b.fr` is `--references a.fr,b.fr`."""
    options = LIST_OPTIONS.get(verb, {})
    found: list[str] = []
    for place, word in enumerate(words):
        if word == "--":
            return [*found, *words[place:]]
        option = options.get(found[-2]) if len(found) > 1 and not word.startswith("-") else None
        if option and option.match(word) and not found[-1].startswith("-"):
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
