"""Inline templates are written out as Wikipedia shows them; others leave a hole."""

import pytest

from gpt2kit.data.wikipedia.templates import HOLE, expand


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("{{nowrap|twelve arches}}", "twelve arches"),
        ("{{Nowrap|1=twelve arches}}", "twelve arches"),
        ("{{lang|de|Sprachturm}}", "Sprachturm"),
        ("{{lang-fr|Tour Langue}}", "French: Tour Langue"),
        ("{{langx|fr|Tour Langue}}", "French: Tour Langue"),
        ("{{lang-el|Αθήνα|Athína}}", "Greek: Αθήνα, romanized: Athína"),
        ("{{langx|ru|Москва|r=Moskva|lit=city|label=none}}", "Москва, romanized: Moskva, lit. 'city'"),
        ("{{reign|1625|1649}}, {{b.|1900}} and {{née|Byron}}", "r. 1625–1649, b. 1900 and née Byron"),
        ("{{flatlist|\n* a\n* b\n}}", "a, b"),
        ("{{transl|ru|Moskva}}", "Moskva"),
        ("{{w|nuclear weapon|nuclear weapons}}", "nuclear weapons"),
        ("{{abbr|MP|Member of Parliament}}", "MP"),
        ("{{small|{{nobold|x}}}}", "x"),
        ("{{sic|teh}}", "teh [sic]"),
        ("{{sic|teh|hide=y}}", "teh"),
        ("{{As of|2015|3}}", "As of March 2015"),
        ("{{as of|2015|3|5|lc=y}}", "as of 5 March 2015"),
        ("{{circa|1500}}", "c. 1500"),
        ("{{c.|1500|1510}}", "c. 1500 – c. 1510"),
        ("{{birth date|1980|5|6}}", "May 6, 1980"),
        ("{{birth date and age|df=yes|1980|05|06}}", "6 May 1980"),
        ("{{death date and age|2001|2|3|1920|4|5}}", "February 3, 2001"),
        ("{{start date|1999|12}}", "December 1999"),
        ("{{date|6 May 1980}}", "6 May 1980"),
        ("{{formatnum:1234567.5}}", "1,234,567.5"),
        ("{{val|5.2|ul=km}}", "5.2 km"),
        ("{{frac|1|2}} and {{frac|3|1|4}}", "1/2 and 3 1/4"),
        ("1990{{ndash}}95{{snd}}yes{{mdash}}no{{nbsp}}x", "1990–95 – yes—no x"),
        ("boys{{'}} and X{{'s}}", "boys' and X's"),
        ("{{USD|5}}, {{GBP|6}} and {{currency|7|EUR}}", "US$5, £6 and €7"),
        ("{{ill|Ada Example|de|Ada Beispiel}}", "Ada Example"),
        ("{{flag|France}} {{flagicon|France}}{{flagcountry|Peru}}", "France Peru"),
        ("{{height|m=1.80}}", "1.80 m (5 ft 11 in)"),
        ("{{height|ft=5|in=11}}", "5 ft 11 in (1.80 m)"),
        ("{{zh|t=東京|p=Dōngjīng}}", "traditional Chinese: 東京; pinyin: Dōngjīng"),
        ("{{nihongo|Tokyo Tower|東京タワー|Tōkyō tawā}}", "Tokyo Tower (東京タワー, Tōkyō tawā)"),
        ("{{ISO 639 name|fr}}", "French"),
        ("{{ordinal|22}} {{ordinal|13}}", "22nd 13th"),
        ("{{cvt|5|km}}", "5 km (3.1 mi)"),
        ("{{nowrap|{{convert|5|mi|km}} from [[a|b]]}}", "5 miles (8.0 km) from [[a|b]]"),
        ("{{HMS|Victory}} and {{sclass|Nimitz|aircraft carrier}}", "HMS Victory and Nimitz-class aircraft carrier"),
        ("x{{cite web|url=y|title={{lang|fr|z}}}}{{sfn|A|2000}}{{citation needed|date=May 2010}}", "x"),
        ("x{{coord|1|2|display=title}}", "x"),
        ("{{coord|1|2}}; {{coord|51|30|26|N|0|7|39|W}}; {{coord|-5.5|30}}", "1°N 2°E; 51°30′26″N 0°7′39″W; 5.5°S 30°E"),
        ("{{Infobox x\n| a = {{unknown}}\n}}", ""),
        ("{{unknown|x}}", HOLE),
        ("{{IPAc-en|l|ae|ng}}", HOLE),
        ("{{convert|5|nonsense}}", HOLE),
        ("{{#if:a|b}}", HOLE),
        ("{{{1|given}}}", "{{{1|given}}}"),
    ],
)
def test_written_out(markup: str, text: str) -> None:
    assert expand(markup) == text
