"""The template convert: the arithmetic and the rounding of Wikipedia's own module."""

import pytest

from gpt2kit.data.wikipedia.convert import convert
from gpt2kit.data.wikipedia.units import UNITS


def converted(arguments: str) -> str | None:
    words = arguments.split("|")
    named = dict(word.split("=", 1) for word in words if "=" in word)
    return convert([word for word in words if "=" not in word], named)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("30.5|m|ft", "30.5 metres (100 ft)"),
        ("1300|mi|km", "1,300 miles (2,100 km)"),
        ("12|t|lb", "12 tonnes (26,000 lb)"),
        ("1|mi", "1 mile (1.6 km)"),
        ("2,540|km2|sqmi", "2,540 square kilometres (980 sq mi)"),
        ("10|acre|ha", "10 acres (4.0 ha)"),
        ("160|km/h|mph", "160 kilometres per hour (99 mph)"),
        ("57|/km2", "57 inhabitants per square kilometre (150/sq mi)"),
        ("20|C|F", "20 °C (68 °F)"),
        ("-40|C", "−40 °C (−40 °F)"),
        ("98.6|F|C", "98.6 °F (37.0 °C)"),
        ("0|km|mi", "0 kilometres (0 mi)"),
        ("1/2|in|mm", "1⁄2 inch (13 mm)"),
        ("5+1/2|in|cm", "5+1⁄2 inches (14 cm)"),
        ("5|ft|11|in|cm", "5 feet 11 inches (180 cm)"),
        ("5|ft|10|in|m", "5 feet 10 inches (1.78 m)"),
        ("11|st|10|lb|kg", "11 stone 10 pounds (74 kg)"),
        ("100|km|mi", "100 kilometres (62 mi)"),
        ("12|acre|ha", "12 acres (4.9 ha)"),
        ("72|F|C", "72 °F (22 °C)"),
        ("8|nmi", "8 nautical miles (15 km; 9.2 mi)"),
        ("20|kn", "20 knots (37 km/h; 23 mph)"),
        ("10|t", "10 tonnes (9.8 long tons; 11 short tons)"),
        ("5|L", "5 litres (1.1 imp gal; 1.3 US gal)"),
        ("3.5|e6acre|km2", "3.5 million acres (14,000 km²)"),
        ("5|e6km2|e6sqmi", "5 million square kilometres (1.9×10^6 sq mi)"),
        ("2|C-change", "2 °C (3.6 °F)"),
        ("6|ft|1|in|m", "6 feet 1 inch (1.85 m)"),
        ("1.8|m", "1.8 metres (5 ft 11 in)"),
        ("70|kg|lb stlb", "70 kilograms (150 lb; 11 st 0 lb)"),
        ("100|km|mi nmi", "100 kilometres (62 mi; 54 nmi)"),
    ],
)
def test_values(arguments: str, text: str) -> None:
    assert converted(arguments) == text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("3|to|5|km|mi", "3 to 5 kilometres (1.9 to 3.1 mi)"),
        ("5|-|10|kg", "5–10 kilograms (11–22 lb)"),
        ("3-5|km", "3–5 kilometres (1.9–3.1 mi)"),
        ("3|and|5|km", "3 and 5 kilometres (1.9 and 3.1 mi)"),
        ("10|x|20|m", "10 by 20 metres (33 ft × 66 ft)"),
        ("10|by|20|m", "10 by 20 metres (33 by 66 ft)"),
        ("10|x|20|m|abbr=on", "10 m × 20 m (33 ft × 66 ft)"),
        ("1|,|2|and|3|km", "1, 2 and 3 kilometres (0.62, 1.2 and 1.9 mi)"),
    ],
)
def test_ranges(arguments: str, text: str) -> None:
    assert converted(arguments) == text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("1|km|mi|abbr=on", "1 km (0.62 mi)"),
        ("60|kg|lb|abbr=off", "60 kilograms (130 pounds)"),
        ("5|km|mi|adj=on", "5-kilometre (3.1 mi)"),
        ("10|m|sp=us", "10 meters (33 ft)"),
        ("30|mi|km|order=flip", "48 km (30 miles)"),
        ("3000|hp|kW|0", "3,000 horsepower (2,237 kW)"),
        ("5|mi|km|adj=mid|-long", "5-mile-long (8.0 km)"),
        ("1.5|oz|g|adj=pre|fine", "1.5 fine ounces (43 g)"),
        ("10|m|ft|round=25", "10 metres (25 ft)"),
        ("10|mi|km|disp=number", "16"),
        ("10|mi|km|2", "10 miles (16.09 km)"),
        ("10|mi|km|sigfig=3", "10 miles (16.1 km)"),
        ("10|mi|km|disp=or", "10 miles or 16 km"),
        ("10|mi|km|disp=output only", "16 km"),
        ("2500|m|comma=off", "2500 metres (8,200 ft)"),
    ],
)
def test_options(arguments: str, text: str) -> None:
    assert converted(arguments) == text


@pytest.mark.parametrize(
    "arguments",
    ["", "5", "km", "5|foo|bar", "5|km|kg", "many|km|mi", f"{'9' * 400}|km|mi", "1/0|in|cm", "5|km|mi|x"],
)
def test_what_is_not_known_has_no_text(arguments: str) -> None:
    assert converted(arguments) is None


@pytest.mark.parametrize("arguments", ["5|e6km", "5|e7km|mi", "5|km|mi|disp=table", "5|ft|in|frac=8"])
def test_forms_that_are_not_known_have_no_text(arguments: str) -> None:
    assert converted(arguments) is None


def test_every_default_is_a_unit_of_the_same_kind() -> None:
    assert all(UNITS[code].kind == unit.kind for unit in UNITS.values() for code in unit.default.split())
    assert all(unit.default for unit in UNITS.values())
