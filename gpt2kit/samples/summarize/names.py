"""Invented names from syllables, none of them given twice."""

from pathlib import Path
from random import Random

SYLLABLES = {
    sort: words.split()
    for sort, _, words in (
        line.partition(": ")
        for line in Path(__file__).with_name("names.txt").read_text(encoding="utf-8").splitlines()
        if ": " in line
    )
}
"""The beginnings and middles of names, the endings for each kind of name, and given names by pronoun."""
COMMON = ("plant", "bird", "mineral")
"""What is written with a small letter."""


class Names:
    """Draws names, each once."""

    def __init__(self, dice: Random) -> None:
        self.dice = dice
        self.drawn = set[str]()

    def new(self, sort: str) -> str:
        while True:
            name = "".join(self.dice.choice(SYLLABLES[part]) for part in ("starts", "middles", sort))
            if name not in self.drawn:
                self.drawn.add(name)
                return name.lower() if sort in COMMON else name

    def given(self, pronoun: str) -> str:
        """A given name, which others bear as well."""
        return self.dice.choice(SYLLABLES[pronoun])
