"""What the shell's words mean before Typer sees them."""

from collections.abc import Sequence

from gpt2kit.data.sources import is_table

VERBS = ("prepare", "train", "generate", "evaluate")
CORPUS_OPTIONS = ("--val", "--test", "--pairs")
"""Options that take a corpus: one table, or two parallel files, as `--val val.{en,fr}` expands to."""


def expand(words: Sequence[str], tasks: Sequence[str]) -> list[str]:
    """`gpt2kit translate "I am"` means generate; the second file after a corpus option belongs to the option."""
    expanded = list(words)
    if expanded and expanded[0] in tasks:
        second = expanded[1] if len(expanded) > 1 else ""
        if second not in (*VERBS, "--help", "-h"):
            expanded.insert(1, "generate")
    return _pair_corpora(expanded)


def _pair_corpora(words: list[str]) -> list[str]:
    paired: list[str] = []
    rest = iter(words)
    for word in rest:
        paired.append(word)
        if word == "--":
            paired += rest
        elif word in CORPUS_OPTIONS:
            first = next(rest, None)
            if first is None:
                continue
            paired.append(first)
            if not is_table(first) and not first.startswith("-"):
                second = next(rest, None)
                paired += [word, second] if second is not None else []
    return paired
