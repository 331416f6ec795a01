"""Writes the articles: `python -m gpt2kit.samples.summarize.writing` writes both files of the sample again.

Facts are drawn first. The lead states some of them in a way that depends only on them; the body states them and others
in many ways and in any order. Every invented name belongs to a single article.
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

from gpt2kit.samples.summarize.drawing import Facts, drawn
from gpt2kit.samples.summarize.grammar import Kind, kinds
from gpt2kit.samples.summarize.names import Names
from gpt2kit.samples.summarize.telling import Teller, filled, sentence

TRAIN, HELDOUT = 3000, 100
SEED = "articles"
BODY_WORDS, LEAD_WORDS = (60, 160), (15, 40)
OPTIONAL = 2, 4
"""How many facts beyond the needed ones a body tells."""
HEADING_RATE = 0.75
"""How often the first section has a heading."""


class Article(NamedTuple):
    title: str
    lead: str
    body: str


def articles(count: int) -> Iterator[Article]:
    """The same ones in every run, the kinds in turn."""
    dice, told = Random(SEED), kinds()
    names = Names(dice)
    for number in range(count):
        article = None
        while article is None:
            article = written(told[number % len(told)], names, dice)
        yield article


def written(kind: Kind, names: Names, dice: Random) -> Article | None:
    """An article, or nothing if its length is not right."""
    facts = drawn(kind.draws, names, dice)
    facts["title"] = filled(kind.title, facts)
    needed = [fact for section in kind.sections for fact in section.facts if fact.is_needed]
    chosen = {
        key: dice.choice([fact.value for fact in needed if fact.key == key])
        for key in dict.fromkeys(fact.key for fact in needed)
    }
    facts = chosen | facts
    lead = sentence(filled(kind.lead, facts))
    body = _body(kind, facts, chosen, dice)
    if not _within(lead, LEAD_WORDS) or not _within(body, BODY_WORDS) or facts["title"].lower() not in body.lower():
        return None
    return Article(sentence(facts["title"].removeprefix("the ")), lead, body)


def _body(kind: Kind, facts: Facts, chosen: dict[str, str], dice: Random) -> str:
    keys = [fact.key for section in kind.sections for fact in section.facts if not fact.is_needed]
    optional = set(dice.sample(keys, min(len(keys), dice.randint(*OPTIONAL))))
    sections = list(kind.sections)
    if not any(section.is_ordered for section in sections):
        dice.shuffle(sections)
    teller, lines = Teller(kind, facts, dice), list[str]()
    for number, section in enumerate(sections):
        heading = dice.choice(section.headings)
        if number or dice.random() < HEADING_RATE:
            lines.append(f"== {heading} ==")
        lines.append(teller.section(section, chosen, optional))
    return "\n".join(lines)


def _within(text: str, bounds: tuple[int, int]) -> bool:
    return bounds[0] <= len(text.replace("==", "").split()) <= bounds[1]


def contents() -> dict[str, str]:
    """Both files, as text, by name; every heldout article is one of the last."""
    lines = [json.dumps(article._asdict(), ensure_ascii=False) + "\n" for article in articles(TRAIN + HELDOUT)]
    return {"train.jsonl": "".join(lines[:TRAIN]), "heldout.jsonl": "".join(lines[TRAIN:])}


def main() -> None:
    folder = Path(__file__).parent
    written = contents()
    (folder / "heldout.jsonl").write_text(written["heldout.jsonl"], encoding="utf-8", newline="\n")
    (folder / "train.jsonl.gz").write_bytes(gzip.compress(written["train.jsonl"].encode(), mtime=0))


if __name__ == "__main__":
    main()
