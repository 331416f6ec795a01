"""Takes passages from the invented articles: `python -m gpt2kit.samples.finetune.choosing` writes both files again."""

import csv
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from gpt2kit.samples.summarize.grammar import kinds
from gpt2kit.samples.summarize.writing import HELDOUT, TRAIN, Article, articles

LABELS = {
    "bird": "living thing",
    "bridge": "building",
    "castle": "building",
    "composer": "person",
    "mountain": "landscape",
    "painter": "person",
    "plant": "living thing",
    "river": "landscape",
    "station": "transport",
    "ship": "transport",
}
"""Of the kinds of articles that passages are taken from."""

SENTENCES = 2


class Passage(NamedTuple):
    text: str
    label: str


def passages(written: Iterable[tuple[str, Article]]) -> list[Passage]:
    """The first sentences of the bodies of articles, given with their kinds."""
    return [Passage(_beginning(article.body), LABELS[kind]) for kind, article in written if kind in LABELS]


def _beginning(body: str) -> str:
    text = " ".join(line for line in body.split("\n") if not line.startswith("=="))
    return ". ".join(text.split(". ")[:SENTENCES]).removesuffix(".") + "."


def main() -> None:
    folder, names = Path(__file__).parent, [kind.name for kind in kinds()]
    told = [(names[number % len(names)], article) for number, article in enumerate(articles(TRAIN + HELDOUT))]
    first = islice(told, len(names))
    for name, part in (("train", first), ("heldout", told[TRAIN:])):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerows([Passage._fields, *passages(part)])


if __name__ == "__main__":
    main()
