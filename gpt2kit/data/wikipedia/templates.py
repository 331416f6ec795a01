"""Templates of the English Wikipedia that are part of a sentence, written out as text.

`{{nowrap|twelve arches}}` is "twelve arches", `{{convert|30.5|m|ft}}` is "30.5 metres (100 ft)", and a citation is
nothing. What a template of another name would show is not known, so the text has `HOLE` in its place.
"""

import re
from collections.abc import Callable, Sequence
from functools import partial

from gpt2kit.data.wikipedia.convert import convert, grouped
from gpt2kit.data.wikipedia.dates import DATES
from gpt2kit.data.wikipedia.language_names import LANGUAGE_NAMES
from gpt2kit.data.wikipedia.template_names import FIRST, LAST, MONEY, SECOND, SHIPS, SIGNS, SILENT

HOLE = "\x1a"
"""The place of an unknown template; XML cannot contain this character."""

Template = Callable[[Sequence[str], dict[str, str]], str | None]
"""The text of a template from its arguments, in order and by name; None if it is not known."""

INNERMOST = re.compile(r"( ?)(?<!\{)\{\{(?!\{)([^{}]*)\}\}")
PIPE = re.compile(r"(\[\[|\]\]|\|)")
"""A pipe separates arguments, if it is not within a link."""
NAME = re.compile(r"\w[\w \-]*")
LONGEST_NAME = 100
"""Characters of a template's name; a longer one is not known."""
LITERAL = str.maketrans({"\x1c": "=", "\x1d": "|"})
"""What {{=}} and {{!}} are until all templates are written out: they neither name nor separate arguments."""
NESTED = 8
"""Greatest depth of nested templates."""


def expand(text: str) -> str:
    """The text with its templates written out, innermost first; `HOLE` is in the place of unknown ones."""
    for _ in range(NESTED):
        text, count = INNERMOST.subn(_in_place, text)
        if not count:
            break
    return text.translate(LITERAL)


def _in_place(found: re.Match[str]) -> str:
    """The text of a template, and the space before it unless it shows nothing in front of a stop."""
    shown = written(found[2], _begins_line(found))
    return f"{found[1]}{shown}" if shown or found.string[found.end() : found.end() + 1] not in ",.;:!?" else ""


def _begins_line(found: re.Match[str]) -> bool:
    before = found.string[max(0, found.start() - LONGEST_NAME) : found.start()]
    return not before.rpartition("\n")[2].strip(HOLE + " ")


def written(inside: str, begins_line: bool = False) -> str:
    """The text of one template, given what is between its braces."""
    name, *words = _split(inside)
    key = " ".join(name.replace("_", " ").split()).lower().removeprefix("template:").removeprefix("subst:")
    function, colon, _ = key.partition(":")
    if colon and function in ("formatnum", "lc", "uc", "ucfirst", "lcfirst"):
        key, words = function, [name.partition(":")[2], *words]
    arguments, named = _arguments(words)
    if len(key) > LONGEST_NAME:
        return HOLE
    template = TEMPLATES.get(key)
    shown = template(arguments, named) if template and (arguments or named) else SIGNS.get(key)
    if shown is not None:
        return shown
    if key.startswith("lang-"):
        return _language(key.removeprefix("lang-"), arguments, named)
    # A template of several lines in a line of its own is a box or a table, not a part of a sentence.
    return "" if SILENT.fullmatch(key) or (begins_line and "\n" in inside.strip()) else HOLE


def _split(inside: str) -> list[str]:
    """The parts between the pipes that are not within a link."""
    found, links = [""], 0
    for piece in PIPE.split(inside):
        if piece == "|" and not links:
            found.append("")
            continue
        links = max(0, links + (piece == "[[") - (piece == "]]"))
        found[-1] += piece
    return found


def _arguments(words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The arguments in order and by name; those with numbers as names are in order too."""
    ordered: list[str] = []
    named: dict[str, str] = {}
    for word in words:
        name, equals, value = (part.strip() for part in word.partition("="))
        if not equals or not NAME.fullmatch(name):
            ordered.append(word.strip())
        elif name.isascii() and name.isdecimal() and 0 < len(name) < 3:
            place = max(1, int(name))
            ordered += [""] * (place - len(ordered))
            ordered[place - 1 : place] = [value]
        else:
            named[name.lower()] = value
    return ordered, named


def _argument(place: int, words: Sequence[str], named: dict[str, str]) -> str | None:
    """The argument at a place, from 0, or the last one for -1."""
    given = [word for word in words if word] if place < 0 else words
    return given[place] if len(given) > max(place, 0) else named.get("text")


def _after_first(words: Sequence[str], named: dict[str, str]) -> str | None:
    return _argument(-1, words[1:], {})


def _language(code: str, words: Sequence[str], named: dict[str, str]) -> str:
    """ "Greek: Αθήνα, romanized: Athína", as `{{lang-el|Αθήνα|Athína}}` shows it."""
    if not words or not words[0]:
        return HOLE
    name = LANGUAGE_NAMES.get(code.partition("-")[0]) if named.get("label") != "none" else ""
    latin = named.get("translit") or named.get("r") or "".join(words[1:2])
    meaning = named.get("lit") or named.get("translation") or named.get("t") or "".join(words[2:3])
    text = f"{name}: {words[0]}" if name else words[0]
    text += f", romanized: {latin}" if latin else ""
    return f"{text}, lit. '{meaning}'" if meaning else text


def _link(words: Sequence[str], named: dict[str, str]) -> str | None:
    return named.get("lt") or _argument(0, words, named)


def _circa(sign: str, words: Sequence[str], named: dict[str, str]) -> str:
    return " – ".join(f"{sign} {word}" for word in words[:2] if word)


def _sic(words: Sequence[str], named: dict[str, str]) -> str:
    text = "".join(words)
    return text if named.get("hide", "")[:1].lower() == "y" or not text else f"{text} [sic]"


def _fraction(words: Sequence[str], named: dict[str, str]) -> str | None:
    shapes = {1: "1/{0}", 2: "{0}/{1}", 3: "{0} {1}/{2}"}
    return shapes[len(words)].format(*words) if len(words) in shapes else None


def _number(words: Sequence[str], named: dict[str, str]) -> str | None:
    found = re.fullmatch(r"([-−]?)(\d{1,30})(\.\d+)?", words[0].replace(",", "")) if words else None
    return f"{found[1]}{grouped(found[2] + (found[3] or ''))}" if found else _argument(0, words, named)


def _value(words: Sequence[str], named: dict[str, str]) -> str | None:
    """`{{val|5.2|0.1|u=km|e=3}}`: 5.2±0.1×10^3 km."""
    number = _number(words, named)
    if number is None:
        return None
    if len(words) > 1 and words[1]:
        number += words[1] if words[1].startswith("(") else f"±{words[1]}"
    number += f"×10^{named['e']}" if named.get("e") else ""
    unit = named.get("ul") or named.get("u") or named.get("upl") or named.get("up") or ""
    prefix = named.get("p", "")
    return f"{prefix}{number}{'' if unit in ('', '%', '°') else ' '}{unit}"


def _money(sign: str, words: Sequence[str], named: dict[str, str]) -> str | None:
    return f"{sign}{words[0]}" if words and words[0] else None


def _currency(words: Sequence[str], named: dict[str, str]) -> str | None:
    return _money(MONEY.get(words[1].lower(), f"{words[1]} ") if len(words) > 1 else "US$", words, named)


def _height(words: Sequence[str], named: dict[str, str]) -> str | None:
    if metres := named.get("m"):
        return convert([metres, "m", "ftin"], {"abbr": "on"})
    if centimetres := named.get("cm"):
        return convert([centimetres, "cm", "ftin"], {"abbr": "on"})
    feet, inches = named.get("ft", ""), named.get("in", "0") or "0"
    return convert([feet, "ft", inches, "in", "m"], {"abbr": "on"}) if feet else None


def _place(words: Sequence[str], named: dict[str, str]) -> str | None:
    """Coordinates in a text; nothing where they are next to the title."""
    if named.get("display", "inline") in ("title", "t"):
        return ""
    shown, signs = "", iter("°′″")
    for word in words:
        if word in ("E", "W"):
            return shown + word
        if word in ("N", "S"):
            shown, signs = f"{shown}{word} ", iter("°′″")
        elif re.fullmatch(r"\d+(\.\d+)?", word):
            shown += word + next(signs, "")
    both = zip(words[:2], ("NS", "EW"), strict=False)
    numbers = [f"{word.lstrip('-−')}°{sign[word[0] in '-−']}" for word, sign in both if re.match(r"[-−]?\d", word)]
    return " ".join(numbers) if len(numbers) == 2 else None


def _labelled(words: Sequence[str], named: dict[str, str]) -> str:
    """The label of a sound, if it is a word of the text."""
    label = words[1] if len(words) > 1 else ""
    return "" if label.lower() in ("listen", "pronunciation") else label


def _years(sign: str, words: Sequence[str], named: dict[str, str]) -> str | None:
    return f"{sign} {'–'.join(filter(None, words[:2]))}" if words and words[0] else None


def _items(words: Sequence[str], named: dict[str, str]) -> str:
    lines = (line.strip().lstrip("*#").strip() for word in words for line in word.split("\n"))
    return ", ".join(filter(None, lines))


def _joined(between: str, words: Sequence[str], named: dict[str, str]) -> str:
    return between.join(word for word in words if word)


def _ordinal(words: Sequence[str], named: dict[str, str]) -> str | None:
    if not words or not words[0].isdecimal():
        return None
    ending = "th" if words[0][-2:-1] == "1" else {"1": "st", "2": "nd", "3": "rd"}.get(words[0][-1], "th")
    return words[0] + ending


def _nihongo(words: Sequence[str], named: dict[str, str]) -> str | None:
    english, *others = [*words, ""]
    inside = ", ".join(word for word in others if word)
    return f"{english} ({inside})" if english and inside else english or inside or None


def _chinese(words: Sequence[str], named: dict[str, str]) -> str | None:
    labels = {"c": "Chinese", "s": "simplified Chinese", "t": "traditional Chinese", "p": "pinyin", "w": "Wade–Giles"}
    labels |= {"j": "Jyutping", "poj": "Pe̍h-ōe-jī"}
    return "; ".join(f"{labels[key]}: {named[key]}" for key in labels if named.get(key)) or None


def _ship(prefix: str, words: Sequence[str], named: dict[str, str]) -> str | None:
    return f"{prefix} {words[0]}" if words and words[0] else None


def _ship_of(words: Sequence[str], named: dict[str, str]) -> str | None:
    return " ".join(word for word in words[:2] if word) or None


def _ship_class(words: Sequence[str], named: dict[str, str]) -> str | None:
    return f"{words[0]}-class {words[1]}" if len(words) > 1 else None


def _table() -> dict[str, Template]:
    found: dict[str, Template] = {name.replace("_", " "): partial(_argument, 0) for name in FIRST.split()}
    found |= {name.replace("_", " "): partial(_argument, -1) for name in LAST.split()}
    found |= {name.replace("_", " "): _after_first for name in SECOND.split()}
    found |= {name: partial(_money, sign) for name, sign in MONEY.items()}
    found |= {name: partial(_ship, name.upper()) for name in SHIPS.split()}
    found |= dict.fromkeys(("convert", "cvt", "convinfobox", "conv"), convert)
    found["cvt"] = lambda words, named: convert(words, {"abbr": "on"} | named)
    found |= dict.fromkeys(("circa", "c.", "ca", "c", "ca."), partial(_circa, "c."))
    found |= dict.fromkeys(("floruit", "fl.", "fl"), partial(_circa, "fl."))
    found |= dict.fromkeys(("frac", "fraction", "sfrac", "frac2"), _fraction)
    found |= dict.fromkeys(("formatnum", "nts", "number"), _number)
    found |= dict.fromkeys(("ill", "interlanguage link"), _link)
    found |= dict.fromkeys(("plainlist", "hlist", "ubl", "unbulleted list", "flatlist", "cslist"), _items)
    found |= dict.fromkeys(("coord", "coordinates"), _place)
    found |= {"b.": partial(_years, "b."), "d.": partial(_years, "d.")}
    found |= dict.fromkeys(("r.", "reign"), partial(_years, "r."))
    found |= {name: partial(_years, name) for name in ("née", "né")} | {"nee": partial(_years, "née")}
    found |= dict.fromkeys(("chem", "linktext", "ce"), partial(_joined, ""))
    found |= dict.fromkeys(("langx", "lang-x"), lambda words, named: _language("".join(words[:1]), words[1:], named))
    found |= dict.fromkeys(
        ("iso 639 name", "iso639", "iso 639"), lambda words, named: LANGUAGE_NAMES.get(words[0] if words else "")
    )
    found |= {
        "sic": _sic,
        "sup": lambda words, named: f"<sup>{words[0]}</sup>" if words else None,
        "audio": _labelled,
        "val": _value,
        "currency": _currency,
        "height": _height,
        "ordinal": _ordinal,
        "nth": _ordinal,
        "nihongo": _nihongo,
        "zh": _chinese,
        "ship": _ship_of,
        "sclass": _ship_class,
        "sclass2": _ship_class,
        "e": lambda words, named: f"×10^{words[0]}" if words else None,
        **dict.fromkeys(("lit", "lit.", "literally"), lambda words, named: f"lit. '{words[0]}'" if words else None),
        "gloss": lambda words, named: f"'{words[0]}'" if words else None,
        "angbr": lambda words, named: f"⟨{words[0]}⟩" if words else None,
        "lc": lambda words, named: words[0].lower() if words else None,
        "uc": lambda words, named: words[0].upper() if words else None,
        "ucfirst": lambda words, named: words[0][:1].upper() + words[0][1:] if words else None,
        "section link": lambda words, named: " § ".join(words),
        "us patent": lambda words, named: f"U.S. patent {words[0]}" if words else None,
        "isbn": lambda words, named: f"ISBN {words[0]}" if words else None,
    }
    return found | DATES


TEMPLATES = _table()
