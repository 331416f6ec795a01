"""Draws the facts of an article: names, countries, years, numbers."""

from random import Random

from gpt2kit.samples.summarize.grammar import Draw
from gpt2kit.samples.summarize.names import Names

Facts = dict[str, str]

COUNTRIES = {
    "Albania": "Albanian",
    "Bulgaria": "Bulgarian",
    "Croatia": "Croatian",
    "France": "French",
    "Georgia": "Georgian",
    "Germany": "German",
    "Greece": "Greek",
    "Italy": "Italian",
    "Norway": "Norwegian",
    "Poland": "Polish",
    "Portugal": "Portuguese",
    "Romania": "Romanian",
    "Slovenia": "Slovenian",
    "Spain": "Spanish",
    "Sweden": "Swedish",
    "Ardenia": "Ardenian",
    "Brevonia": "Brevonian",
    "Estria": "Estrian",
    "Kestovia": "Kestovian",
    "Lurania": "Luranian",
    "Norvenia": "Norvenian",
    "Osgovia": "Osgovian",
    "Tasmoria": "Tasmorian",
    "Umbrelia": "Umbrelian",
    "Valdoria": "Valdorian",
    "Westrovia": "Westrovian",
    "Zelonia": "Zelonian",
}
"""Real ones and invented ones, each with a coast and mountains, and what is from there."""
COUNTS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
HIS = {"he": "his", "she": "her"}
HIM = {"he": "him", "she": "her"}
"""By the pronoun of who is spoken of."""


def drawn(draws: tuple[Draw, ...], names: Names, dice: Random) -> Facts:
    facts = Facts()
    for keys, sort, arguments in draws:
        if sort == "one":
            options = [option.strip() for option in arguments.split("|")]
            facts |= dict(zip(keys, dice.sample(options, len(keys)), strict=True))
            continue
        for key in keys:
            facts |= _drawn(key, sort, arguments.split(), facts, names, dice)
    return facts


def _drawn(key: str, sort: str, arguments: list[str], facts: Facts, names: Names, dice: Random) -> Facts:
    if sort == "country":
        country = dice.choice(list(COUNTRIES))
        return {key: country, "demonym": COUNTRIES[country]}
    if sort == "person":
        he = dice.choice(list(HIS))
        last = names.new("surname")
        pronouns = {"he": he, "his": HIS[he], "him": HIM[he], "He": he.capitalize()} if key == "who" else {}
        return {key: f"{names.given(he)} {last}", f"{key}_last": last, **pronouns}
    if sort == "year":
        return {key: str(dice.randint(int(arguments[0]), int(arguments[1])))}
    if sort == "after":
        return {key: str(int(facts[arguments[0]]) + dice.randint(int(arguments[1]), int(arguments[2])))}
    if sort == "number":
        number = dice.randint(int(arguments[0]), int(arguments[1]))
        return {key: f"{number - number % 10 if number > 1000 else number:,}"}
    if sort == "count":
        return {key: COUNTS[dice.randint(int(arguments[0]), int(arguments[1]))]}
    return {key: names.new(sort)}
