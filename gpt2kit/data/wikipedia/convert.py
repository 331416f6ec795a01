"""Wikipedia's template `convert`: a measure in two units, as in "30.5 metres (100 ft)".

The rounding is that of the wiki's Module:Convert: the output is as precise as the input, and has at least two
significant figures.
"""

import math
import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import NamedTuple

from gpt2kit.data.wikipedia.units import Unit, unit_of

FUDGE = 1e-14

LONGEST = 40
"""Characters of a number."""

RANGES = {
    "-": "–", "–": "–", "&ndash;": "–", "to": " to ", "to-": " to ", "and": " and ", "or": " or ", "by": " by ",
    "x": " by ", "×": " by ", "*": " by ", "xx": " × ", "+/-": " ± ", "±": " ± ", "to(-)": " to ",
    "to about": " to about ", ",": ", ", ", and": ", and ", ", or": ", or ", "&": " & ",
}  # fmt: skip
"""What is between the values of a range, as it is written."""

BY = ("x", "×", "*")
"""Between these each value has its unit where it is a symbol."""

PAIRS = {("ft", "in"): 12, ("yd", "ft"): 3, ("mi", "yd"): 1760, ("st", "lb"): 14, ("lb", "oz"): 16}
"""How many of the second unit are in the first: they are written as one value."""

COMBINED = {"ftin": ("ft", "in"), "footin": ("ft", "in"), "stlb": ("st", "lb"), "lboz": ("lb", "oz")}

BETWEEN = {
    **dict.fromkeys(("", "b", "br", "br()", "flip"), "{} ({})"),
    **dict.fromkeys(("out", "output only", "output", "number", "output number only"), "{1}"),
    "or": "{} or {}",
    "comma": "{}, {}",
    "slash": "{}/{}",
    "sqbr": "{} [{}]",
    "semicolon": "{}; {}",
}
"""How the measure and what it is converted to are written, by `disp`."""

NUMBER = re.compile(
    r"[-−+]?(?:(?P<whole>\d[\d,]*)\+)?(?:(?P<over>\d+)[/⁄](?P<under>\d+)|(?P<plain>\d[\d,]*\.?\d*|\.\d+))"
)


class Value(NamedTuple):
    text: str
    """As it is written."""
    number: float
    decimals: float
    """Digits after the decimal point; below 0 the number of zeros at the end of a whole number."""


def convert(words: Sequence[str], options: Mapping[str, str]) -> str | None:
    """The text of `{{convert|words|options}}`; None for units or forms that are not known."""
    disp = options.get("disp", "")
    if "frac" in options or disp not in BETWEEN:
        return None
    words, flags = [word.strip() for word in words], _Flags(options)
    if options.get("adj") in ("mid", "pre") and words:
        flags.added = words.pop()
    values, joints, unit, words = _input(words, options.get("comma") == "off")
    if unit is None or not values:
        return None
    second: Unit | None = None
    part = unit_of(words[1]) if len(values) == 1 and len(words) > 1 else None
    if part and (unit.code, part.code) in PAIRS and (added := _value(words[0], False)):
        second, words = part, words[2:]
        values = [*values, added]
    outputs, words = _outputs(unit, values[0].number, words)
    if outputs is None:
        return None
    try:
        rounding = _Rounding(
            int(words[0]) if words and words[0] else None,
            int(options["sigfig"]) if "sigfig" in options else None,
            int(options["round"]) if options.get("round", "each").strip() != "each" else None,
        )
    except ValueError:
        return None
    shown = _shown_input(values, joints, unit, second, flags)
    if second is not None:
        total = values[0].number * PAIRS[unit.code, second.code] + values[1].number
        values, unit = [Value("", total, max(values[1].decimals, 0))], second
        rounding = rounding._replace(extra=second.code == "in")
    found = "; ".join(_shown_output(values, joints, unit, each, flags, rounding) for each in outputs)
    first, last = (found, shown) if "flip" in (options.get("order"), disp) else (shown, found)
    return BETWEEN[disp].format(first, last)


class _Flags:
    """How units are written."""

    def __init__(self, options: Mapping[str, str]) -> None:
        abbr = options.get("abbr", "out")
        self.input = abbr in ("on", "in", "mos", "values")
        self.output = abbr in ("on", "out", "mos", "values")
        self.adjective = options.get("adj", "") in ("on", "mid", "1")
        self.american = options.get("sp", "") == "us"
        self.bare = "number" in options.get("disp", "")
        self.before = options.get("adj", "") == "pre"
        self.added = ""
        """Words before or after the first unit."""


class _Rounding(NamedTuple):
    precision: int | None
    figures: int | None
    multiple: int | None
    extra: bool = False
    """For feet and inches, whose conversions have more digits."""


def _value(word: str, plain: bool) -> Value | None:
    found = NUMBER.fullmatch(word.replace("&minus;", "-").replace(" ", "")) if len(word) <= LONGEST else None
    if not found:
        return None
    sign = "−" if found[0][0] in "-−" else ""
    if found["under"]:
        over, under = int(found["over"]), int(found["under"])
        whole = int((found["whole"] or "0").replace(",", ""))
        if under == 0:
            return None
        number = whole + over / under
        text = f"{whole}+{over}⁄{under}" if whole else f"{over}⁄{under}"
        decimals = max(math.log10(under), 1)
    else:
        digits = found["plain"].replace(",", "").rstrip(".")
        number = float(digits)
        _, dot, after = digits.partition(".")
        decimals = len(after) if dot else -(len(digits) - len(digits.rstrip("0"))) if number else 0
        text = digits if plain else grouped(digits)
    return Value(sign + text, -number if sign else number, decimals)


def grouped(digits: str) -> str:
    """A number with commas between its thousands."""
    whole, dot, rest = digits.partition(".")
    return f"{int(whole or 0):,}{dot}{rest}"


def _input(words: list[str], plain: bool) -> tuple[list[Value], list[str], Unit | None, list[str]]:
    """The values at the beginning, what joins them, their unit, and the other words."""
    values: list[Value] = []
    joints: list[str] = []
    for place, word in enumerate(words):
        if len(values) == len(joints) and (value := _value(word, plain)):
            values.append(value)
        elif len(values) == len(joints) and (ends := re.fullmatch(r"(\d[\d.,]*)\s*[-–]\s*(\d[\d.,]*)", word)):
            both = [_value(each, plain) for each in ends.groups()]
            values += [each for each in both if each]
            joints.append("–")
        elif len(values) == len(joints) + 1 and word in RANGES:
            joints.append(word)
        else:
            known = unit_of(word) if len(values) == len(joints) + 1 else None
            return values, joints, known, words[place + 1 :]
    return values, joints, None, []


def _outputs(unit: Unit, value: float, words: list[str]) -> tuple[list[tuple[Unit, ...]] | None, list[str]]:
    """The units to convert to; two for a value such as feet and inches. None if one is not known."""
    wanted, rest = (words[0], words[1:]) if words and not words[0].lstrip("-").isdigit() else ("", words)
    if not wanted:
        wanted = "ftin" if unit.code == "m" and abs(value) < 3 else unit.default
    found: list[tuple[Unit, ...]] = []
    for code in wanted.replace("+", " ").split():
        names = COMBINED.get(code, (code,))
        units = tuple(filter(None, map(unit_of, names)))
        if len(units) < len(names) or units[0].kind != unit.kind:
            return None, rest
        found.append(units)
    return found or None, rest


def _shown_input(values: list[Value], joints: list[str], unit: Unit, second: Unit | None, flags: _Flags) -> str:
    if second is not None:
        parts = [(values[0], unit), (values[1], second)]
        return " ".join(
            _with_unit(value.text, abs(value.number) == 1, each, flags.input, flags) for value, each in parts
        )
    if flags.input and any(joint in BY for joint in joints):
        return " × ".join(_with_unit(value.text, False, unit, True, flags) for value in values)
    text = values[0].text + "".join(RANGES[joint] + value.text for joint, value in zip(joints, values[1:], strict=True))
    one = len(values) == 1 and 0 < abs(values[0].number) <= 1 and (abs(values[0].number) == 1 or "⁄" in text)
    if flags.added and flags.before:
        return _with_unit(f"{text} {flags.added}", one, unit, flags.input, flags)
    end = flags.added if flags.added[:1] in ("", "-") else f" {flags.added}"
    return _with_unit(text, one, unit, flags.input, flags) + end


def _with_unit(text: str, one: bool, unit: Unit, symbol: bool, flags: _Flags) -> str:
    if symbol or unit.offset:
        return f"{text}{'' if unit.symbol.startswith(('/', '×')) else ' '}{unit.symbol}"
    if flags.adjective:
        return f"{text}-{unit.name(True, flags.american).replace(' ', '-')}"
    return f"{text} {unit.name(one, flags.american)}"


def _shown_output(
    values: list[Value], joints: list[str], base: Unit, units: tuple[Unit, ...], flags: _Flags, rounding: _Rounding
) -> str:
    shown = [_converted(value, base, units, rounding) for value in values]
    if len(units) == 2:
        first, second = units
        parts = [_two(value, first, second) for value in shown]
        return "".join([parts[0], *(RANGES[j] + part for j, part in zip(joints, parts[1:], strict=True))])
    if flags.output and any(joint in BY for joint in joints):
        return " × ".join(_with_unit(_text(value), False, units[0], True, flags) for value in shown)
    text = _text(shown[0])
    text += "".join(RANGES[joint] + _text(value) for joint, value in zip(joints, shown[1:], strict=True))
    if flags.bare:
        return text
    return _with_unit(text, len(shown) == 1 and abs(shown[0]) == 1, units[0], flags.output, flags)


def _converted(value: Value, base: Unit, units: tuple[Unit, ...], rounding: _Rounding) -> Decimal:
    """In the last of the units, rounded."""
    unit = units[-1]
    kelvin = (value.number - base.offset) * base.scale
    number = kelvin / unit.scale + unit.offset
    if rounding.multiple:
        times = Decimal(repr(number / rounding.multiple))
        return rounding.multiple * times.quantize(Decimal(1), ROUND_HALF_UP)
    if rounding.figures is not None:
        precision = rounding.figures - 1 - math.floor(math.log10(abs(number)) + FUDGE) if number else 0
    elif rounding.precision is not None and len(units) == 1:
        precision = rounding.precision
    elif base.kind == "temperature":
        least = 2 - math.floor(math.log10(kelvin) + FUDGE) if kelvin > 1e-8 else 2
        precision = max(math.floor(value.decimals), least)
    elif value.number == 0 or number == 0:
        precision = 0
    else:
        adjust = math.log10(abs(value.number / number)) if not rounding.extra else math.log10(unit.scale) + 2
        least = 1 - math.floor(math.log10(abs(number)) + FUDGE)
        precision = max(math.floor(value.decimals + adjust + math.log10(2)), least)
    if len(units) == 2:
        precision = max(precision, 0)
    try:
        return Decimal(repr(number)).quantize(Decimal(1).scaleb(-precision), ROUND_HALF_UP)
    except InvalidOperation:
        return Decimal(repr(number))


def _text(number: Decimal) -> str:
    return f"{number:,f}".replace("-", "−")


def _two(number: Decimal, first: Unit, second: Unit) -> str:
    """Feet and inches, or two units like them."""
    whole, rest = divmod(abs(number), PAIRS[first.code, second.code])
    sign = "−" if number < 0 else ""
    return f"{sign}{whole:,f} {first.symbol} {rest:f} {second.symbol}"
