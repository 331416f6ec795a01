"""Units of measure by their codes in Wikipedia's template `convert`."""

import re
from typing import NamedTuple


class Unit(NamedTuple):
    code: str
    kind: str
    scale: float
    """Of the kind's basic unit."""
    singular: str
    plural: str
    symbol: str
    default: str
    """The codes of the units that it is converted to if nothing is said."""
    offset: float = 0.0
    """For temperatures: the value of absolute zero."""

    def name(self, one: bool, american: bool) -> str:
        name = self.singular if one else self.plural
        return name.replace("metre", "meter").replace("litre", "liter") if american else name


# Codes and their synonyms | kind | scale | singular | plural | symbol | default output
_ROWS = """
nm|length|1e-9|nanometre|nanometres|nm|in
um μm µm|length|1e-6|micrometre|micrometres|μm|in
mm|length|0.001|millimetre|millimetres|mm|in
cm|length|0.01|centimetre|centimetres|cm|in
m meter metre meters metres|length|1|metre|metres|m|ft
km kilometer kilometre kilometers kilometres|length|1000|kilometre|kilometres|km|mi
in inch inches|length|0.0254|inch|inches|in|mm
ft foot feet|length|0.3048|foot|feet|ft|m
yd yard yards|length|0.9144|yard|yards|yd|m
fathom|length|1.8288|fathom|fathoms|fathom|ft m
rod|length|5.0292|rod|rods|rods|ft m
chain|length|20.1168|chain|chains|chains|ft m
furlong|length|201.168|furlong|furlongs|furlongs|ft m
mi mile miles|length|1609.344|mile|miles|mi|km
nmi|length|1852|nautical mile|nautical miles|nmi|km mi
AU au|length|149597870700|astronomical unit|astronomical units|au|km mi
ly|length|9460730472580800|light-year|light-years|ly|AU
pc|length|30856775814913673|parsec|parsecs|pc|ly
kpc|length|30856775814913673000|kiloparsec|kiloparsecs|kpc|ly
Mpc|length|30856775814913673000000|megaparsec|megaparsecs|Mpc|ly
mm2 sqmm|area|1e-6|square millimetre|square millimetres|mm²|sqin
cm2 sqcm|area|1e-4|square centimetre|square centimetres|cm²|sqin
m2 sqm|area|1|square metre|square metres|m²|sqft
ha|area|10000|hectare|hectares|ha|acre
km2 sqkm|area|1000000|square kilometre|square kilometres|km²|sqmi
sqin in2|area|0.00064516|square inch|square inches|sq in|cm2
sqft ft2|area|0.09290304|square foot|square feet|sq ft|m2
sqyd yd2|area|0.83612736|square yard|square yards|sq yd|m2
acre acres|area|4046.8564224|acre|acres|acres|ha
sqmi mi2|area|2589988.110336|square mile|square miles|sq mi|km2
ml|volume|1e-6|millilitre|millilitres|ml|impoz USoz
mL|volume|1e-6|millilitre|millilitres|mL|impoz USoz
cc|volume|1e-6|cubic centimetre|cubic centimetres|cc|cuin
cm3|volume|1e-6|cubic centimetre|cubic centimetres|cm³|cuin
l|volume|0.001|litre|litres|l|impgal USgal
L|volume|0.001|litre|litres|L|impgal USgal
m3|volume|1|cubic metre|cubic metres|m³|cuft
km3|volume|1e9|cubic kilometre|cubic kilometres|km³|cumi
cuin in3|volume|1.6387064e-5|cubic inch|cubic inches|cu in|cc
cuft ft3|volume|0.028316846592|cubic foot|cubic feet|cu ft|m3
cuyd|volume|0.764554857984|cubic yard|cubic yards|cu yd|m3
cumi|volume|4168181825.440579584|cubic mile|cubic miles|cu mi|km3
acre.ft acreft|volume|1233.48183754752|acre-foot|acre-feet|acre⋅ft|m3
USgal usgal U.S.gal|volume|0.003785411784|US gallon|US gallons|US gal|L impgal
impgal|volume|0.00454609|imperial gallon|imperial gallons|imp gal|L USgal
impoz|volume|2.84130625e-5|imperial fluid ounce|imperial fluid ounces|imp fl oz|ml USoz
USoz usoz USfloz|volume|2.95735295625e-5|US fluid ounce|US fluid ounces|US fl oz|ml
bbl oilbbl|volume|0.158987294928|barrel|barrels|bbl|m3
mg|mass|1e-6|milligram|milligrams|mg|gr
g|mass|0.001|gram|grams|g|oz
kg|mass|1|kilogram|kilograms|kg|lb
t tonne tonnes MT|mass|1000|tonne|tonnes|t|LT ST
kt|mass|1000000|kilotonne|kilotonnes|kt|LT ST
gr|mass|6.479891e-5|grain|grains|gr|mg
oz|mass|0.028349523125|ounce|ounces|oz|g
lb lbs pound pounds|mass|0.45359237|pound|pounds|lb|kg
st stone|mass|6.35029318|stone|stone|st|lb kg
LT long_ton|mass|1016.0469088|long ton|long tons|long tons|t
ST short_ton|mass|907.18474|short ton|short tons|short tons|t
m/s|speed|1|metre per second|metres per second|m/s|ft/s
km/s|speed|1000|kilometre per second|kilometres per second|km/s|mi/s
km/h kph kmh|speed|0.2777777777777778|kilometre per hour|kilometres per hour|km/h|mph
ft/s|speed|0.3048|foot per second|feet per second|ft/s|m/s
mph mi/h|speed|0.44704|mile per hour|miles per hour|mph|km/h
mi/s|speed|1609.344|mile per second|miles per second|mi/s|km/s
kn knot knots|speed|0.5144444444444445|knot|knots|kn|km/h mph
W|power|1|watt|watts|W|hp
kW|power|1000|kilowatt|kilowatts|kW|hp
MW|power|1000000|megawatt|megawatts|MW|hp
GW|power|1000000000|gigawatt|gigawatts|GW|hp
hp HP|power|745.69987158227|horsepower|horsepower|hp|kW
bhp|power|745.69987158227|brake horsepower|brake horsepower|bhp|kW
shp|power|745.69987158227|shaft horsepower|shaft horsepower|shp|kW
PS|power|735.49875|metric horsepower|metric horsepower|PS|kW
N|force|1|newton|newtons|N|lbf
kN|force|1000|kilonewton|kilonewtons|kN|lbf
lbf|force|4.4482216152605|pound-force|pounds-force|lbf|N
Pa|pressure|1|pascal|pascals|Pa|psi
hPa|pressure|100|hectopascal|hectopascals|hPa|inHg
mbar|pressure|100|millibar|millibars|mbar|inHg
kPa|pressure|1000|kilopascal|kilopascals|kPa|psi
MPa|pressure|1000000|megapascal|megapascals|MPa|psi
bar|pressure|100000|bar|bars|bar|psi
atm|pressure|101325|standard atmosphere|standard atmospheres|atm|kPa
psi|pressure|6894.757293168|pound per square inch|pounds per square inch|psi|kPa
inHg|pressure|3386.388640341|inch of mercury|inches of mercury|inHg|kPa
mmHg|pressure|133.322387415|millimetre of mercury|millimetres of mercury|mmHg|kPa
Nm N.m|torque|1|newton-metre|newton-metres|N⋅m|lbft
lbft lbf.ft lb.ft|torque|1.3558179483314|pound force-foot|pound force-feet|lbf⋅ft|Nm
J|energy|1|joule|joules|J|ftlb
kJ|energy|1000|kilojoule|kilojoules|kJ|kcal
MJ|energy|1000000|megajoule|megajoules|MJ|kWh
kcal Cal|energy|4184|kilocalorie|kilocalories|kcal|kJ
kWh kW.h|energy|3600000|kilowatt-hour|kilowatt-hours|kWh|MJ
ftlb ft.lbf|energy|1.3558179483314|foot-pound|foot-pounds|ft⋅lbf|J
kg/m3|mass per volume|1|kilogram per cubic metre|kilograms per cubic metre|kg/m³|lb/cuyd
g/cm3|mass per volume|1000|gram per cubic centimetre|grams per cubic centimetre|g/cm³|lb/cuin
lb/cuyd|mass per volume|0.5932764213577829|pound per cubic yard|pounds per cubic yard|lb/cu yd|kg/m3
lb/cuft|mass per volume|16.018463373960142|pound per cubic foot|pounds per cubic foot|lb/cu ft|g/cm3
lb/cuin|mass per volume|27679.904710191|pound per cubic inch|pounds per cubic inch|lb/cu in|g/cm3
C-change|change of temperature|1|°C|°C|°C|F-change
F-change|change of temperature|0.5555555555555556|°F|°F|°F|C-change
m3/s cumec|flow|1|cubic metre per second|cubic metres per second|m³/s|cuft/s
cuft/s cufoot/s ft3/s|flow|0.028316846592|cubic foot per second|cubic feet per second|cu ft/s|m3/s
/km2 PD/sqkm PD/km2 /sqkm|density|1|inhabitant per square kilometre|inhabitants per square kilometre|/km²|PD/sqmi
/sqmi PD/sqmi PD/mi2|density|0.3861021585424458|inhabitant per square mile|inhabitants per square mile|/sq mi|PD/sqkm
"""

_TEMPERATURES = (
    Unit("K", "temperature", 1, "kelvin", "kelvins", "K", "C"),
    Unit("C", "temperature", 1, "degree Celsius", "degrees Celsius", "°C", "F", -273.15),
    Unit("F", "temperature", 5 / 9, "degree Fahrenheit", "degrees Fahrenheit", "°F", "C", -459.67),
)

UNITS: dict[str, Unit] = {unit.code: unit for unit in _TEMPERATURES}
UNITS |= {"°C": UNITS["C"], "°F": UNITS["F"], "celsius": UNITS["C"], "fahrenheit": UNITS["F"]}
for _row in _ROWS.strip().split("\n"):
    _codes, _kind, _scale, *_texts = _row.split("|")
    _first, *_others = _codes.split()
    UNITS |= dict.fromkeys(
        [_first, *_others], Unit(_first, _kind, float(_scale), _texts[0], _texts[1], _texts[2], _texts[3])
    )

MULTIPLES = {"e3": "thousand", "e6": "million", "e9": "billion", "e12": "trillion", "e15": "quadrillion"}
"""Prefixes of codes, as in e6acre: million acres."""

MULTIPLE = re.compile(r"(e\d+)(\S+)")


def unit_of(code: str) -> Unit | None:
    """The unit of a code; None if it is not known. A multiple of a unit has no default output."""
    found = MULTIPLE.fullmatch(code)
    if not found or found[1] not in MULTIPLES or found[2] not in UNITS:
        return UNITS.get(code)
    unit, power = UNITS[found[2]], int(found[1][1:])
    return unit._replace(
        code=code,
        scale=unit.scale * 10**power,
        singular=f"{MULTIPLES[found[1]]} {unit.plural}",
        plural=f"{MULTIPLES[found[1]]} {unit.plural}",
        symbol=f"×10^{power} {unit.symbol}",
        default="",
    )
