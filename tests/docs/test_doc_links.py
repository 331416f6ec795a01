"""README and the pages of docs/: every link and picture that is not on the web is there, headings included."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
ELSEWHERE = ("https://", "http://", "mailto:")
MARKDOWN = MarkdownIt().enable("table")


def tokens(page: Path) -> list[Token]:
    return MARKDOWN.parse(page.read_text(encoding="utf-8"))


def links(page: Path) -> Iterator[str]:
    """The addresses of links and pictures, those in code left out."""
    for token in tokens(page):
        for child in token.children or ():
            if address := child.attrGet("href") or child.attrGet("src"):
                yield str(address)


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    found = tokens(page)
    titles = [text.content for heading, text in pairwise(found) if heading.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken(page: Path) -> list[str]:
    """The links of a page that lead nowhere."""
    found = []
    for link in links(page):
        if link.startswith(ELSEWHERE):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = page if not path else page.parent / path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            found.append(link)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_a_link_that_leads_nowhere_is_seen(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# Wikipedia's leads\n", encoding="utf-8")
    page = tmp_path / "page.md"
    page.write_text(
        "[there](other.md#wikipedias-leads) [no file](none.md) ![no picture](none.png) [no heading](other.md#leads)\n"
        "`[code](none.md)` [on the web](https://example.org/none)\n",
        encoding="utf-8",
    )
    assert broken(page) == ["none.md", "none.png", "other.md#leads"]


def test_every_picture_says_what_is_seen() -> None:
    silent = [
        f"{page.name}: {child.attrGet('src')}"
        for page in PAGES
        for token in tokens(page)
        for child in token.children or ()
        if child.type == "image" and not child.content
    ]
    assert silent == []
