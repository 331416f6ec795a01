"""A knob of a recipe, and the checks of its value."""

import re
from dataclasses import field
from typing import Any

LARGEST_SEED = 2**32 - 1
"""Row numbers and steps are added to it, and torch takes 64 bits."""


def knob(
    default: Any,
    help: str,
    choices: tuple[str, ...] = (),
    flag: tuple[str, ...] = (),
    metavar: str = "TEXT",
    unset: str = "none",
    word: str = "",
) -> Any:
    """A dataclass field with its help.

    `flag` names the verbs that have an option for it, whose help shows `metavar`, and `unset` for an empty default. A
    number may have one `word` in its place.
    """
    texts = {"help": help, "choices": choices, "flag": flag, "metavar": metavar, "unset": unset, "word": word}
    return field(default=default, metadata=texts)


def check(condition: bool, message: str) -> None:
    """Raise ValueError(message) unless the condition holds; the recipe turns it into an error that names the
    section."""
    if not condition:
        raise ValueError(message)


def at_least(section: object, low: float, *names: str) -> None:
    """Raise ValueError unless each of these knobs has this value or more."""
    for name in names:
        value = getattr(section, name)
        check(value >= low, f"{name} = {value}; expected at least {low:g}")


def share(section: object, *names: str) -> None:
    """Raise ValueError unless each of these knobs is in [0, 1)."""
    for name in names:
        value = getattr(section, name)
        check(0 <= value < 1, f"{name} = {value}; expected at least 0 and less than 1")


def above_zero(section: object, *names: str) -> None:
    """Raise ValueError unless each of these knobs is positive."""
    for name in names:
        value = getattr(section, name)
        check(value > 0, f"{name} = {value}; expected a number above 0")


def seeded(seed: int) -> None:
    """Raise ValueError for a random seed out of range."""
    check(0 <= seed <= LARGEST_SEED, f"seed = {seed}; expected 0 to {LARGEST_SEED}")


def duration(text: str) -> float:
    """Seconds of a duration such as 90s, 30m, 2h or 1h30m. Raises ValueError for anything else."""
    found = re.fullmatch(r"(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?", text)
    seconds = sum(int(n or 0) * unit for n, unit in zip(found.groups(), (3600, 60, 1), strict=True)) if found else 0
    check(seconds > 0, f"{text!r} is not a duration above 0; accepted: 90s, 30m, 2h or 1h30m, for example")
    return float(seconds)
