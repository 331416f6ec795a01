"""Fills sentences: alternatives, facts, what the subject is called, a or an, capitals."""

import re
from collections.abc import Mapping
from random import Random

from gpt2kit.samples.summarize.drawing import Facts
from gpt2kit.samples.summarize.grammar import Fact, Kind, Section

ALTERNATIVES = re.compile(r"\[([^\[\]]*)\]")
FIELD = re.compile(r"\{(\w+)\}")
ARTICLE = re.compile(r"\b[Aa](?= (\w+))")
VOWEL = re.compile(r"(?!one\b|uni|use|eu)[aeiou]|8|11\b|18\b|hour|honest", re.IGNORECASE)
PRONOUN_RATE = 0.6
"""How often a subject just spoken of is it, he or she."""


def filled(template: str, facts: Mapping[str, str]) -> str:
    """With facts in their places, which may hold fields of their own, and a or an as the next word sounds."""
    while FIELD.search(template):
        template = FIELD.sub(lambda field: facts[field[1]], template)
    return ARTICLE.sub(lambda found: found[0] + "n" if VOWEL.match(found[1]) else found[0], template)


def sentence(text: str) -> str:
    return text[0].upper() + text[1:]


class Teller:
    """Tells the facts of one article."""

    def __init__(self, kind: Kind, facts: Facts, dice: Random) -> None:
        self.kind, self.facts, self.dice = kind, facts, dice
        self.is_topic = False
        """Whether the last sentence began with the subject."""
        self.last = ""
        """What the subject was called last; nothing in a new section."""

    def section(self, section: Section, chosen: Mapping[str, str], optional: set[str]) -> str:
        """Paragraph of the facts that are `chosen` by key and value, and of the optional ones."""
        facts = [
            fact
            for fact in section.facts
            if (chosen[fact.key] == fact.value if fact.is_needed else fact.key in optional)
        ]
        if not section.is_ordered:
            self.dice.shuffle(facts)
        self.is_topic, self.last = False, ""
        told = [template for fact in facts for template in self._sentences(fact)]
        return " ".join(self.told(template) for template in told)

    def _sentences(self, fact: Fact) -> list[str]:
        """One of them, or two that do not speak of the same year or place where the fact is an optional one."""
        first, second = self.dice.sample(fact.sentences, 2)
        shared = set(FIELD.findall(first)) & set(FIELD.findall(second)) - {"s"}
        return [first] if fact.is_needed or shared else [first, second]

    def told(self, template: str) -> str:
        template = ALTERNATIVES.sub(lambda found: self.dice.choice(found[1].split("|")), template)
        template = " ".join(template.split()).replace(" ,", ",").replace(" .", ".")
        is_topic = template.startswith("{s}")
        if "{s}" in template or "{s's}" in template:
            can_be_pronoun = self.is_topic and template.startswith(("{s}", "{s's}"))
            template = self._called(template, can_be_pronoun)
        self.is_topic = is_topic
        return sentence(filled(template, self.facts))

    def _called(self, template: str, can_be_pronoun: bool) -> str:
        if can_be_pronoun and self.dice.random() < PRONOUN_RATE:
            called, possessive = self.kind.pronouns
        else:
            name = filled(self.kind.short if self.last else self.kind.title, self.facts)
            options = [other for other in (name, *self.kind.nouns) if other != self.last] if self.last else [name]
            called = self.last = self.dice.choice(options)
            possessive = f"{called}'" if called.endswith("s") else f"{called}'s"
        return template.replace("{s}", called).replace("{s's}", possessive)
