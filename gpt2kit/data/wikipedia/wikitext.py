"""MediaWiki markup to plain text: the lead and the body of an article. The only import of `mwparserfromhell`."""

import html
import re
from collections.abc import Iterator
from html.entities import html5
from typing import NamedTuple

import mwparserfromhell
from mwparserfromhell.nodes import Argument, ExternalLink, Heading, HTMLEntity, Node, Tag, Template, Text, Wikilink
from mwparserfromhell.parser import ParserError
from mwparserfromhell.wikicode import Wikicode

from gpt2kit.data.lines import cut
from gpt2kit.data.wikipedia.holes import FORMULA, whole_lines
from gpt2kit.data.wikipedia.templates import expand, written

DROPPED_SECTIONS = frozenset(
    {"see also", "references", "external links", "notes", "further reading", "bibliography", "sources"}
    | {"footnotes", "citations"}
)
"""Sections that are not prose, also where a heading joins several, as in "Notes and references"."""

DROPPED_TAGS = re.compile(
    "ref|references|gallery|imagemap|inputbox|categorytree|templatedata|templatestyles|section|table|style|script"
)
FORMULA_TAGS = re.compile("math|chem|ce|hiero|score|syntaxhighlight|source|timeline|graph")
"""The contents of these are not text, but may be part of a sentence."""
LINE_TAGS = re.compile("br|hr|p|div|center|blockquote|poem|pre|[uod]l|li|d[td]|h[1-6]")
"""These begin a line."""
RAW_TAGS = frozenset({"nowiki", "pre"})
"""The contents of these are not markup."""

UNSHOWN = frozenset({"file", "image", "media", "category"})
"""Namespaces whose links show no text, by their English names, which every wiki accepts besides its own."""
LANGUAGE_LINK = re.compile(r"([a-z]{2,3}(-[a-z]{2,}|-x-old)*|simple):\S")
"""The same article in another language, as in [[fr:Rivière]]."""

COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
TEMPLATE_NAME = re.compile(r"\{\{([^{}|<>\[\]]+)")
JOINT = re.compile(r",? and |, | & |/")

MOST_OPEN = 200
"""More open brackets or tags than this are an accident or malice."""
OPENINGS = (
    re.compile(r"(\{\{)|\}\}"),
    re.compile(r"(\{\|)|\|\}"),
    re.compile(r"(\[)|\]"),
    re.compile(r"(<(?!(?:br|hr|wbr|li|dt|dd|td|th|tr)\b)[a-z][^<>]*(?<!/)>)|</", re.IGNORECASE),
)

# Markup that the parser leaves in the text because it is unclosed or unknown.
LEFT_TAG = re.compile(
    r"</?(?:ref|references|br|hr|p|div|span|small|big|sub|sup|center|blockquote|poem|font|b|i|u|s|em|strong|abbr|cite|"
    r"code|tt|li|ul|ol|dl|dd|dt|table|tr|td|th|tbody|caption|gallery|math|nowiki|pre|noinclude|includeonly|onlyinclude)"
    r"(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
QUOTES = re.compile(r"'{2,}")
MAGIC_WORD = re.compile(r"__[A-Z]{3,}__")
OPEN_LINK = re.compile(r"\[\[(?:file|image|category):.*", re.IGNORECASE)
BRACKETS = re.compile(r"\[\[|\]\]")
ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*;)")

VARIANTS = re.compile(r"-\{([^{}]*)\}-")
"""Ways to write a word, as in -{zh-hans:门; zh-hant:門}-, of which the first is shown."""
FIRST_VARIANT = re.compile(r"(?:[^|;:]*\|)?(?:[^|;:]*:)?([^;]*)")

POWER = re.compile(r"(?<=\d)<sup>(?=\s*[-−–+]?\d+\s*</sup>)", re.IGNORECASE)
"""The beginning of a power of a number: 10<sup>6</sup> is not 106."""


class MarkupError(Exception):
    """A page that the parser gives up on, or that would take it minutes."""


class _Section(NamedTuple):
    level: int
    title: str
    lines: list[str]
    lost: int
    """Sentences left out of the lines."""


class PlainText(NamedTuple):
    """A page without markup."""

    lead: str
    body: str
    lead_lost: int
    """Sentences of the lead that were left out."""
    lost: int
    """All sentences left out because a formula or a template in them cannot be written out."""


def plain_text(text: str, unshown: frozenset[str] = frozenset()) -> PlainText:
    """The text of a page: each paragraph or list item is one line, headings are lines `== Heading ==`.

    `unshown` are more namespaces, in lower case, whose links show nothing. Raises MarkupError.
    """
    lead, *rest = _sections(text, UNSHOWN | unshown)
    lines: list[str] = []
    kept = _kept(rest)
    for section in kept:
        lines += [f"== {section.title} ==", *section.lines]
    return PlainText("\n".join(lead.lines), "\n".join(lines), lead.lost, sum(section.lost for section in (lead, *kept)))


def template_names(text: str) -> set[str]:
    """The names of all templates that a page calls, in lower case."""
    names = TEMPLATE_NAME.findall(COMMENT.sub("", text))
    return {" ".join(name.replace("_", " ").split()).casefold() for name in names}


def _sections(text: str, unshown: frozenset[str]) -> Iterator[_Section]:
    """The lead, then every section with the lines before the next heading of any level."""
    text = COMMENT.sub("", text)
    _check_closed(text)
    # Before parsing, as trees of templates would take most of the time.
    text = POWER.sub("^", expand(VARIANTS.sub(_first_variant, text)))
    try:
        code = mwparserfromhell.parse(text, skip_style_tags=True)  # quotes are removed below, which is faster
    except ParserError as error:
        raise MarkupError(str(error)) from None
    level, title = 0, ""
    pieces: list[str] = []
    for piece in _pieces(code, unshown):
        if isinstance(piece, Heading):
            yield _Section(level, title, *whole_lines("".join(pieces)))
            level, title = piece.level, " ".join(whole_lines(_plain(piece.title, unshown))[0])
            pieces = []
        else:
            pieces.append(piece)
    yield _Section(level, title, *whole_lines("".join(pieces)))


def _first_variant(variants: re.Match[str]) -> str:
    first = FIRST_VARIANT.match(variants[1])
    return first[1] if first else ""


def _check_closed(text: str) -> None:
    """Reject text that would slow the parser down: its time grows with the square of the number of open elements."""
    for pattern in OPENINGS:
        depth = 0
        for found in pattern.finditer(text):
            depth = depth + 1 if found[1] else max(0, depth - 1)
            if depth > MOST_OPEN:
                raise MarkupError(f"more than {MOST_OPEN} nested openings such as {cut(found[1], 20)!r} are not closed")


def _kept(sections: list[_Section]) -> list[_Section]:
    """Drop the sections that are not prose, their subsections, and headings without text."""
    prose: list[_Section] = []
    dropped = 0
    for section in sections:
        if dropped and section.level > dropped:
            continue
        names = JOINT.split(section.title.casefold())
        dropped = section.level if all(name in DROPPED_SECTIONS for name in names) else 0
        if not dropped:
            prose.append(section)
    kept: list[_Section] = []
    for section in reversed(prose):
        if section.lines or (kept and kept[-1].level > section.level):
            kept.append(section)
    return kept[::-1]


def _plain(code: Wikicode, unshown: frozenset[str]) -> str:
    return "".join(piece for piece in _pieces(code, unshown) if isinstance(piece, str))


def _pieces(code: Wikicode, unshown: frozenset[str]) -> Iterator[str | Heading]:
    """The visible parts of some markup, in order; templates that were not written out are holes."""
    for node in code.nodes:
        if isinstance(node, Text):
            yield _without_residue(node.value)
        elif isinstance(node, Heading):
            yield node
        elif isinstance(node, HTMLEntity):
            yield html.unescape(str(node))
        elif isinstance(node, Tag):
            yield from _tag_pieces(node, unshown)
        elif isinstance(node, Template):
            yield written(str(node)[2:-2])
        elif (inside := _shown(node, unshown)) is not None:
            yield from _pieces(inside, unshown)


def _shown(node: Node, unshown: frozenset[str]) -> Wikicode | None:
    """The part of a link or an argument that is shown."""
    if isinstance(node, Wikilink):
        title = str(node.title).strip()
        if title.partition(":")[0].strip().casefold() in unshown or LANGUAGE_LINK.match(title):
            return None
        return node.title if node.text is None else node.text
    if isinstance(node, ExternalLink):
        return node.title if node.brackets else node.url
    return node.default if isinstance(node, Argument) else None


def _tag_pieces(tag: Tag, unshown: frozenset[str]) -> Iterator[str | Heading]:
    name = str(tag.tag).strip().lower()
    if DROPPED_TAGS.fullmatch(name):
        return
    if FORMULA_TAGS.fullmatch(name):
        yield FORMULA
        return
    end = "\n" if LINE_TAGS.fullmatch(name) else ""
    yield end
    if name in RAW_TAGS:
        yield html.unescape(str(tag.contents))
    elif tag.contents is not None:
        yield from _pieces(tag.contents, unshown)
    if not tag.self_closing:  # a list marker is before its item
        yield end


def _without_residue(text: str) -> str:
    text = LEFT_TAG.sub("", text)
    text = QUOTES.sub("", text)
    text = MAGIC_WORD.sub("", text)
    text = BRACKETS.sub("", OPEN_LINK.sub("", text))
    return ENTITY.sub(lambda found: html5.get(found[1], found[0]), text)
