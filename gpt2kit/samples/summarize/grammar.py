"""Reads the grammar of each kind of article: kinds/*.txt, and the sentences that the kinds share."""

from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent


class Fact(NamedTuple):
    """Something an article may say, and the ways to say it."""

    key: str
    value: str
    """What the lead makes of it where the key has several facts, of which an article tells one."""
    is_needed: bool
    """Whether every article tells it."""
    sentences: tuple[str, ...]


class Section(NamedTuple):
    headings: tuple[str, ...]
    is_ordered: bool
    """Whether facts are stated in the order of the file."""
    facts: tuple[Fact, ...]


class Draw(NamedTuple):
    keys: tuple[str, ...]
    sort: str
    arguments: str


class Kind(NamedTuple):
    name: str
    title: str
    short: str
    """What a named subject is called after the first time."""
    nouns: tuple[str, ...]
    """What the subject is called where it is not named."""
    pronouns: tuple[str, ...]
    """The subject's pronoun and its possessive."""
    lead: str
    draws: tuple[Draw, ...]
    sections: tuple[Section, ...]


def kinds() -> list[Kind]:
    shared = _pools((FOLDER / "shared.txt").read_text(encoding="utf-8"))
    paths = sorted((FOLDER / "kinds").glob("*.txt"))
    return [parsed(path.stem, path.read_text(encoding="utf-8"), shared) for path in paths]


def parsed(name: str, text: str, shared: dict[str, tuple[str, ...]]) -> Kind:
    head, *blocks = text.strip().split("\n\n")
    values, draws = dict[str, str](), list[Draw]()
    for line in head.split("\n"):
        if line.startswith("draw "):
            draws.append(_draw(line))
        else:
            key, _, value = line.partition(": ")
            values[key] = value
    sections = list[Section]()
    for block in blocks:
        first, *lines = block.split("\n")
        if first.startswith("=="):
            _, headings, order = first.split("==")
            sections.append(Section(_parts(headings), order.strip() == "in order", ()))
            continue
        key, _, value = first[2:].partition(" = ")
        sentences = tuple(told for line in lines for told in (shared[line[1:]] if line.startswith("@") else (line,)))
        facts = (*sections[-1].facts, Fact(key, value, first.startswith("*"), sentences))
        sections[-1] = sections[-1]._replace(facts=facts)
    nouns, pronouns = _parts(values["nouns"]), _parts(values["pronouns"])
    title = values["title"]
    return Kind(name, title, values.get("short", title), nouns, pronouns, values["lead"], tuple(draws), tuple(sections))


def _draw(line: str) -> Draw:
    """`draw KEY,KEY SORT ARGUMENTS`."""
    _, keys, sort, *arguments = line.split(" ", 3)
    return Draw(tuple(keys.split(",")), sort, "".join(arguments))


def _pools(text: str) -> dict[str, tuple[str, ...]]:
    """Lists of sentences by name; what precedes the first is a comment."""
    pools = dict[str, tuple[str, ...]]()
    for block in text.strip().split("\n\n")[1:]:
        first, *lines = block.split("\n")
        pools[first.removeprefix("pool ")] = tuple(lines)
    return pools


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("|"))
