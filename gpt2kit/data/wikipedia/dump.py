"""Dumps of Wikipedia: the pages of a MediaWiki XML export, one at a time, as articles.

The format is https://www.mediawiki.org/xml/export-0.11.xsd; its versions do not differ in what is read here. The parser
is expat without a tree: memory holds the text of one page. Exports have no document type definition, which could
declare entities, so one is refused before any entity expands.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.parsers import expat

from gpt2kit.data.article import Article
from gpt2kit.data.lines import blocks
from gpt2kit.data.report import Damage
from gpt2kit.data.wikipedia.wikitext import MarkupError, plain_text, template_names
from gpt2kit.errors import DataError

UNSHOWN_NAMESPACES = ("-2", "6", "14")
"""Media, File and Category: links to these show no text. The head of a dump has the wiki's own names for them."""

LONGEST_TEXT = 1 << 26
"""Characters of a page, thirty times MediaWiki's limit: a longer one is not kept to be parsed."""

LOST = "sentences left out, because they have a formula or a template that cannot be written out"

NO_LEAD = "no summary: each of its sentences has a formula or a template that cannot be written out"

LIST_TITLE = re.compile(r"(Lists? of|Index of|Outline of|Timeline of) ")
REDIRECT = re.compile(r"\s*#(?:REDIRECT\b|\w+:? ?\[\[)", re.IGNORECASE)

# Templates of the English and the Simple English Wikipedia that classify a page.
DISAMBIGUATIONS = re.compile("(dab|disamb|mathdab|(hn|geo|school|hospital|road|number|callsign)dis)(-cleanup)?")
LISTS = frozenset({"set index", "set index article", "sia", "surname", "given name"})
SECTION_STUBS = frozenset({"sect-stub", "section-stub"})


@dataclass
class Page:
    """A page of the dump; if it has several revisions, the last."""

    line: int
    title: str = ""
    namespace: str = "0"
    model: str = "wikitext"
    redirect: bool = False
    text: str = ""

    def problem(self) -> str | None:
        """Why it is not an article to learn from."""
        if self.model != "wikitext":
            return "not wikitext"
        if self.redirect or REDIRECT.match(self.text):
            return "redirect"
        templates = template_names(self.text)
        if "(disambiguation)" in self.title or "__DISAMBIG__" in self.text or any(map(_disambiguates, templates)):
            return "disambiguation"
        if LIST_TITLE.match(self.title) or templates & LISTS:
            return "list"
        if any(name == "stub" or name.endswith(("-stub", " stub")) for name in templates - SECTION_STUBS):
            return "stub"
        return None


def read_dump(path: str) -> Iterator[Article]:
    """The pages of the main namespace in order; those that are not articles have a problem instead of a text.

    Raises DataError for XML that is malformed, truncated or not a MediaWiki export.
    """
    reader = _Reader(path)
    for block in _checked(path, reader):
        for page in reader.feed(block):
            yield _article(path, page, reader.unshown)


def _checked(path: str, reader: "_Reader") -> Iterator[bytes]:
    """Blocks of the file and an empty one; decompression errors say how far reading came."""
    try:
        yield from blocks(path)
    except DataError as error:
        raise DataError(f"{error}; {reader.progress()}") from None
    yield b""


def _article(path: str, page: Page, unshown: frozenset[str]) -> Article:
    name = f"{path}:{page.line}"
    problem = page.problem()
    if problem is None:
        try:
            found = plain_text(page.text, unshown)
            skipped = {LOST: found.lost} if found.lost else {}
            problem = NO_LEAD if found.lead_lost and not found.lead else None
            return Article(page.title, found.body, found.lead, problem=problem, name=name, skipped=skipped)
        except MarkupError as error:
            problem = Damage(f"markup cannot be parsed: {error}")
    return Article(page.title, "", "", problem, name)


def _disambiguates(template: str) -> bool:
    """Also true for "airport disambiguation" and "disambig-cleanup", but not for "disambiguation needed", which marks a
    link."""
    if template.startswith("disambig"):
        return not template.endswith(("needed", "inline"))
    return template.endswith(" disambiguation") or DISAMBIGUATIONS.fullmatch(template) is not None


class _Element(NamedTuple):
    parent: str
    name: str


@dataclass
class _Reader:
    """Turns blocks of XML into the pages of the main namespace that end in them."""

    path: str
    unshown: frozenset[str] = frozenset()
    pages: int = 0
    """Pages read, of all namespaces."""
    _open: list[str] = field(default_factory=list)
    _page: Page | None = None
    _texts: list[str] | None = None
    """Pieces of the text of an open, wanted element."""
    _length: int = 0
    """Their characters."""
    _ready: list[Page] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters

    def feed(self, block: bytes) -> Iterator[Page]:
        """The pages that end in this block; an empty block marks the end. Pages before an error are yielded first."""
        error: DataError | None = None
        try:
            self._parser.Parse(block, not block)
        except expat.ExpatError as found:
            reason = expat.ErrorString(found.code)
            error = DataError(
                f"{self.path}:{found.lineno}: malformed or truncated XML: {reason} at column {found.offset + 1}; "
                f"{self.progress()}"
            )
        except (ValueError, LookupError) as found:  # an encoding that Python does not have, or not for this
            error = DataError(f"{self.path}: its XML declaration has an unsupported encoding, not UTF-8: {found}")
        except DataError as found:
            error = found
        ready, self._ready = self._ready, []
        yield from ready
        if error is not None:
            raise error

    def progress(self) -> str:
        return f"pages read: {self.pages:,}, up to line {self._parser.CurrentLineNumber:,}"

    def _refuse_doctype(self, name: str, *_: object) -> None:
        raise DataError(
            f"{self.path}:{self._parser.CurrentLineNumber}: a document type definition (<!DOCTYPE {name}>), which "
            "MediaWiki exports do not have; it is refused because it can define entities"
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        if not self._open and name != "mediawiki":
            raise DataError(
                f"{self.path}:{self._parser.CurrentLineNumber}: the first element is <{name}>, but a Wikipedia dump "
                "(a MediaWiki export) begins with <mediawiki>"
            )
        element = _Element(self._open[-1] if self._open else "", name)
        self._open.append(name)
        if element == ("mediawiki", "page"):
            self._page = Page(self._parser.CurrentLineNumber)
        elif element == ("page", "redirect") and self._page is not None:
            self._page.redirect = True
        elif element in WANTED or (element == NAMESPACE and attributes.get("key") in UNSHOWN_NAMESPACES):
            self._texts, self._length = [], 0

    def _characters(self, text: str) -> None:
        if self._texts is not None:
            self._length += len(text)
            if self._length > LONGEST_TEXT:
                line = self._parser.CurrentLineNumber
                raise DataError(
                    f"{self.path}:{line}: a page of more than {LONGEST_TEXT:,} characters; {self.progress()}"
                )
            self._texts.append(text)

    def _end(self, name: str) -> None:
        name = self._open.pop()
        element = _Element(self._open[-1] if self._open else "", name)
        if self._texts is not None and (element in WANTED or element == NAMESPACE):
            text, self._texts = "".join(self._texts), None
            if element == NAMESPACE:
                self.unshown |= {text.casefold()}
            elif self._page is not None:
                setattr(self._page, WANTED[element], text)
        elif element == ("mediawiki", "page") and self._page is not None:
            self.pages += 1
            if self._page.namespace.strip() == "0":
                self._ready.append(self._page)
            self._page = None


WANTED = {
    _Element("page", "title"): "title",
    _Element("page", "ns"): "namespace",
    _Element("revision", "model"): "model",
    _Element("revision", "text"): "text",
}
"""Elements whose text is a field of Page."""

NAMESPACE = _Element("namespaces", "namespace")
