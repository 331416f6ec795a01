"""Articles as wikiextractor writes them: whole texts, whose first paragraph is the lead.

Its files have names such as wiki_00, and hold JSON lines, or texts between `<doc id="1" url="..." title="...">` and
`</doc>`.
"""

import html
import re
from collections.abc import Iterator

from gpt2kit.data.article import Article
from gpt2kit.data.lines import can_be_read_twice, text_lines
from gpt2kit.errors import DataError

BEGIN = re.compile(r"<doc\s([^<>]*)>\s*")
TITLE = re.compile(r'\btitle="([^"]*)"')
END = "</doc>"
HEADING = re.compile(r"(=+)\s*[^=\s].*\1|#{2,6}\s+\S.*")


def is_extracted(path: str) -> bool:
    """Whether a file begins with `<doc ...>`; a pipe, which can be read only once, is not looked at."""
    if not can_be_read_twice(path):
        return False
    try:
        first = next((line for line in text_lines(path) if line.strip()), "")
    except DataError:
        return False
    return BEGIN.fullmatch(first) is not None


def read_extracted(path: str) -> Iterator[Article]:
    """The articles of a file. Raises DataError for a line outside of an article, and for an article without an end."""
    title, begun, lines = "", 0, list[str]()
    for number, line in enumerate(text_lines(path), 1):
        begin = BEGIN.fullmatch(line)
        if begin and not begun:
            found = TITLE.search(begin[1])
            title, begun, lines = html.unescape(found[1]) if found else "", number, []
        elif begun and line.strip() == END:
            yield whole_article(title, html.unescape("\n".join(lines)), f"{path}:{begun}")
            begun = 0
        elif begun:
            lines.append(line)
        elif line.strip():
            raise DataError(f"{path}:{number}: expected <doc ...>, as wikiextractor writes it, found {line[:80]!r}")
    if begun:
        raise DataError(f"{path}:{begun}: the article {title!r} has no </doc>: the file is cut off")


def whole_article(title: str, text: str, name: str, id: str = "") -> Article:
    """An article whose lead is everything before the first heading; without headings, the first paragraph."""
    lines = [stripped for line in text.split("\n") if (stripped := line.strip())]
    if title and lines and lines[0] == title.strip():
        del lines[0]
    first = next((place for place, line in enumerate(lines) if HEADING.fullmatch(line)), min(1, len(lines)))
    return Article(title, "\n".join(lines[first:]), "\n".join(lines[:first]), name=name, id=id)
