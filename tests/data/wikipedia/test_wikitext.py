"""Markup to text: what is shown, what is not, and what is left where nothing closes."""

import contextlib
import re
import time

import pytest
from mwparserfromhell.parser import ParserError

from gpt2kit.data.wikipedia.wikitext import MarkupError, plain_text, template_names


def read_wikitext(text: str, unshown: frozenset[str] = frozenset()) -> tuple[str, str]:
    """Lead and body of a page."""
    return plain_text(text, unshown)[:2]


def lead(text: str) -> str:
    return read_wikitext(text)[0]


def body(text: str) -> str:
    return read_wikitext(text)[1]


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("The '''heron''' is a ''large'' '''''bird'''''.", "The heron is a large bird."),
        ("See [[Heron|one]], [[pond]]s and [[:Category:Birds|all birds]].", "See one, ponds and all birds."),
        ("It [[wikt:wade|wades]] here. [[fr:Héron]]\n[[zh-min-nan:Lō͘]]\n[[simple:Heron]]", "It wades here."),
        ("[[File:Heron.jpg|thumb|left|A [[heron]] in a ''pond'']]It stands.", "It stands."),
        ("[[image: heron.png |20px]] [[Category:Birds]] It stands. [[category:Ponds|*]]", "It stands."),
        ("A [https://example.org/a pond guide] says so [https://example.org/b].", "A pond guide says so."),
        ("It eats fish.<ref name=a>Page 4</ref><ref name=b /> It flies.<references />", "It eats fish. It flies."),
        ("{{Infobox bird\n| name = Heron\n| wing = {{convert|1|m}}\n}}\nA bird.", "A bird."),
        ("A bird<!-- grey\n\n== or == white -->.<!-- never closed", "A bird."),
        ("Where <math>a < b</math> holds.<gallery>\nA.jpg|x\n</gallery>", ""),
        ("This holds.<gallery>\nA.jpg|x\n</gallery>", "This holds."),
        ("One\n{| class=wikitable\n! a !! b\n|-\n| 1 || {{n|2}}\n|}\nTwo", "One\nTwo"),
        ("Food:\n* fish\n** small [[fish]]\n# frogs", "Food:\nfish\nsmall fish\nfrogs"),
        ("; pond: water\n:deep\n:*: cold", "pond\nwater\ndeep\ncold"),
        ("<ul><li>fish</li><li>frogs</li></ul>", "fish\nfrogs"),
        ("a<br>b<br />c<hr>d\n----\ne", "a\nb\nc\nd\ne"),
        ("5&nbsp;km &ndash; &#x3b1;&#946; &lt;b&gt; &amp;amp; &apos;x&apos;", "5 km – αβ <b> &amp; 'x'"),
        ("AT&T &nosuch; &#0; &#xD800; &#99999999;", "AT&T &nosuch; &#0; \ufffd &#99999999;"),
        ("<nowiki>[[a]] ''b'' &amp; </nowiki>c", "[[a]] ''b'' & c"),
        ("CO<sub>2</sub> and <span style='color:red'>red</span> <small>things</small>", "CO2 and red things"),
        ("__NOTOC__\nA bird. {{DEFAULTSORT:Heron}}", "A bird."),
        ("{{{1|given}}} and {{{2}}}", "given and"),
        ("x < y and y > z", "x < y and y > z"),
        ("", ""),
        (" \n\t\n", ""),
    ],
)
def test_what_is_shown(markup: str, text: str) -> None:
    assert read_wikitext(markup) == (text, "")


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("Ada ({{lang|x|y}}; born {{date|1}} 5 May 1901) swam.", "Ada (y; born 1 5 May 1901) swam."),
        ("Ada ({{x}}) swam ( ; , ) far (, {{y}}: ).", "Ada swam far."),
        ("The pond (Greek: {{x}}, {{y}}; {{z}}, deep, ) is old.", "The pond (Greek, deep) is old."),
        ("Ada (of ({{x}}) York) swam.", "Ada (of York) swam."),
        ("Ada (of ({{x}}) York) swam {{x}}, then {{y}} .", ""),
        ("鷺（{{lang|x}}、{{y}}；さぎ）は鳥である（{{z}}）。", "鷺（さぎ）は鳥である。"),
        ("It was (-5 °C) cold (see p. 3).", "It was (-5 °C) cold (see p. 3)."),
        ("Run .NET (e.g. .txt) now", "Run .NET (e.g. .txt) now"),
    ],
)
def test_holes_are_closed(markup: str, text: str) -> None:
    assert lead(markup) == text


def test_lead_and_body() -> None:
    text = "A bird.\n\n\nIt wades.\n== Food ==\nFish.\n\n\n\nFrogs.\n===  In ''[[winter]]'' ===\nRats.\n= Name =\nOld."
    assert read_wikitext(text) == (
        "A bird.\nIt wades.",
        "== Food ==\nFish.\nFrogs.\n== In winter ==\nRats.\n== Name ==\nOld.",
    )
    assert read_wikitext("== Food ==\nFish.") == ("", "== Food ==\nFish.")
    assert read_wikitext("A bird.") == ("A bird.", "")


@pytest.mark.parametrize(
    "title", ["See also", "REFERENCES", "External links", "Notes", "Further reading", "Bibliography", "Sources"]
)
def test_sections_that_are_no_prose(title: str) -> None:
    text = f"Lead.\n== Food ==\nFish.\n== {title} ==\n* x\n=== Books ===\ny\n== Name ==\nOld."
    assert body(text) == "== Food ==\nFish.\n== Name ==\nOld."


def test_joined_headings() -> None:
    assert body("== Notes and references ==\nx\n== Sources, notes, and citations ==\ny") == ""
    assert body("== Notes and queries ==\nx\n== Sources of the river ==\ny").count("==") == 4


def test_headings_with_nothing_below_are_dropped() -> None:
    text = (
        "Lead.\n== Maps ==\n{{map}}\n== Food ==\n=== In winter ===\nRats.\n== Gallery ==\n<gallery>\nA.jpg\n</gallery>"
    )
    assert body(text) == "== Food ==\n== In winter ==\nRats."


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("{{Infobox bird\n| name = Heron\n| food = [[fish]]\nA bird.\n\nIt wades.", "A bird.\nIt wades."),
        ("A bird. {{convert|5|km} long.\nIt wades.", "A bird.\nIt wades."),
        ("A bird}}.\n|}\n}}\nIt wades.", "A bird.\nIt wades."),
        ("A [[bird that wades.\nIt ]] eats.", "A bird that wades.\nIt eats."),
        ("[[File:Heron.jpg|thumb|a [[heron]]\nIt wades.", "heron\nIt wades."),
        ("{|\n! a !! b\n| x\nIt wades.", "It wades."),
        ("<small>A <ref>bird <span class=x>wades.", "A bird wades."),
        ("</div>A ''bird '''wades'' here.</ref>", "A bird wades here."),
    ],
)
def test_what_nothing_closes(markup: str, text: str) -> None:
    assert lead(markup) == text


@pytest.mark.parametrize(
    "part",
    [
        "{{",
        "[[",
        "<b>",
        "'''",
        "{|\n",
        "(",
        "{{{",
        "<ref>",
        "[http://x ",
        "{{a|",
        "''b'''c",
        "&",
        "==\n",
        "* ",
        "<!--",
        "()",
        "-{a:",
    ],
)
def test_markup_that_never_ends(part: str) -> None:
    """No page may hold up a dump."""
    start = time.process_time()
    with contextlib.suppress(MarkupError):
        read_wikitext(part * 20_000)
    read_wikitext(part * 60)
    assert time.process_time() - start < 20


@pytest.mark.parametrize("markup", ["{{a|" * 201 + "}}" * 201, "[" * 201, "]" * 300 + "[" * 201, "<ref>" * 201])
def test_too_much_that_is_open_is_refused(markup: str) -> None:
    with pytest.raises(MarkupError, match="more than 200 nested openings such as"):
        read_wikitext(markup)
    assert lead("<br><li><hr/><ref name=a />" * 300 + "{{a}}" * 300 + "A bird.") == "A bird."


def test_variants_that_never_end() -> None:
    assert lead("-{" + "a:" * 100_000) == "-{" + "a:" * 100_000


def test_a_long_sentence() -> None:
    sentence = "word " * 20_000 + "(" * 100 + "end."
    assert lead(sentence) == sentence


def test_names_of_namespaces_in_other_languages() -> None:
    text = "[[Datei:Reiher.jpg|mini|Ein Reiher]] Ein Vogel. [[Kategorie:Vögel]]"
    assert read_wikitext(text, frozenset({"datei", "kategorie"})) == ("Ein Vogel.", "")


def test_text_of_other_scripts() -> None:
    assert read_wikitext("'''鷺'''は[[鳥]]である。\n== 食物 ==\n魚。") == ("鷺は鳥である。", "== 食物 ==\n魚。")


def test_template_names() -> None:
    text = "{{Bird-stub}} {{ Infobox_bird\n| x = {{Convert|1|m}} }} <!-- {{hidden}} --> {{{1|}}}"
    assert {"bird-stub", "infobox bird", "convert"} <= template_names(text)
    assert "hidden" not in template_names(text)


def test_a_parser_that_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def give_up(*_: object, **__: object) -> None:
        raise ParserError("odd")

    monkeypatch.setattr("mwparserfromhell.parse", give_up)
    with pytest.raises(MarkupError, match=re.escape("Info: odd")):
        read_wikitext("A bird.")


@pytest.mark.parametrize(
    ("markup", "text", "lost"),
    [
        ("At {{convert|1300|mi|km}}, it is long.", "At 1,300 miles (2,100 km), it is long.", 0),
        ("It stands. At {{unknown|1}}, it is long. It is old.", "It stands. It is old.", 1),
        ("It is {{unknown}} and {{other}} tall.", "", 1),
        ("It stands.{{unknown}} It is old.{{other}}", "It stands. It is old.", 0),
        ("{{unknown}} It stands.", "It stands.", 0),
        ("{{unknown}} stands. It is old.", "It is old.", 1),
        ("{{unknown}}\nIt stands.\n{{a}} {{b}}", "It stands.", 0),
        (
            "The tower ({{lang-fr|Tour}}; {{IPAc-en|x}}; {{lang|de|Turm}}) stands.",
            "The tower (French: Tour; Turm) stands.",
            0,
        ),
        ("The tower (pronounced {{IPA|x}}) stands.", "The tower stands.", 0),
        ("The tower (built about {{unknown}}, 5 m tall) stands.", "The tower (5 m tall) stands.", 0),
        ("A.{{cite web|url={{x}}}} B<ref>{{unknown}}</ref> is.", "A. B is.", 0),
        ("A bird stands. It is {{convert|5|km long.\nIt wades.", "A bird stands.\nIt wades.", 1),
        ("It is {{unknown|{{nowrap|x}}|{a}}} tall. It stands.", "It stands.", 1),
        ("Where <math>a < b</math> holds, it is <ce>H2O</ce>. It stands.", "It stands.", 1),
        (
            "It is old. Its area is\n\n:<math>ab</math>,\n\nwhere a is its height. It stands.\n:<math>c</math>\nIt is.",
            "It is old. It stands.\nIt is.",
            1,
        ),
        ("It is {{unknown\n|1\n}} tall.\n{{box\n|1\n}}{{box\n|2}}A bird.", "A bird.", 1),
        ("At {{coord|51|30|N|0|7|W|display=inline,title}}, it stands.", "At 51°30′N 0°7′W, it stands.", 0),
        ("{{coord|51.5|-0.1|display=title}} It is at {{coord|51.5|-0.1}}.", "It is at 51.5°N 0.1°W.", 0),
        ("Ada ({{née|Byron}}; {{audio|a.ogg|listen}}) swam.", "Ada (née Byron) swam.", 0),
        (
            "About 3×10<sup>6</sup> or 10<sup>−3</sup> m<sup>2</sup>, the 1<sup>st</sup>.",
            "About 3×10^6 or 10^−3 m2, the 1st.",
            0,
        ),
        ("called -{zh-hans:门; zh-hant:門}- and -{天}-", "called 门 and 天", 0),
        ("A.\n== Size {{unknown}} ==\nIt is {{unknown}} tall. It stands.\n== Notes ==\n{{a}} b.", "A.", 1),
    ],
)
def test_no_sentence_has_a_hole(markup: str, text: str, lost: int) -> None:
    found = plain_text(markup)
    assert (found.lead, found.lost) == (text, lost)
