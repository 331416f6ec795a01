"""Lines, tables and dumps of any bytes: text comes back as it went in, or a message says where it is none."""

import bz2
import csv
import gzip
import io
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import given, note, settings
from hypothesis import strategies as st

from gpt2kit.data.articles import read_articles, read_documents
from gpt2kit.data.lines import text_blocks, text_lines
from gpt2kit.data.sources import read_pairs, read_rows
from gpt2kit.data.texts import read_texts

Hold = Callable[[Callable[[bytes], object], bytes], object]

PIECES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["\n", "\r\n", "\r", "\u2028", "\x85", "\x0b", "\x0c", "\ufeff", "\0", "\t", ",", '"', '""', "|", " "]
    ),
)
TEXTS = st.lists(PIECES, max_size=30).map("".join)
ENCODINGS = st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1252", "utf-7"])
ANY_TEXT = st.one_of(
    st.builds(lambda text, encoding: text.encode(encoding, "ignore"), TEXTS, ENCODINGS), st.binary(max_size=100)
)


def is_text(content: bytes) -> str | None:
    """By the plain rule: strict UTF-8 without a NUL."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


@given(content=ANY_TEXT)
def test_any_bytes_are_lines_or_no_text(hold: Hold, place: Path, content: bytes) -> None:
    path = place / "a.txt"

    def parse(content: bytes) -> list[str]:
        path.write_bytes(content)
        return list(text_lines(str(path)))

    def whole(content: bytes) -> str:
        return "".join(text_blocks(str(path)))

    text, wanted = is_text(content), None
    if text is not None:
        *ended, last = text.split("\n")
        wanted = [*(line.removesuffix("\r") for line in ended), *([last] if last else [])]
        wanted[:1] = [line.removeprefix("\ufeff") for line in wanted[:1]]
    assert hold(parse, content) == wanted
    assert hold(whole, content) == (None if text is None else text.removeprefix("\ufeff").replace("\r\n", "\n"))


PACKS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": lambda c: gzip.compress(c, 1),
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


@given(
    text=TEXTS,
    ending=st.sampled_from(list(PACKS)),
    wrong=st.lists(st.tuples(st.integers(0, 999), st.integers(0, 255)), max_size=3),
)
def test_any_packed_file_is_lines_or_damaged(
    hold: Hold, place: Path, text: str, ending: str, wrong: list[tuple[int, int]]
) -> None:
    content = bytearray(PACKS[ending](text.encode("utf-8", "ignore")))
    for index, value in wrong:
        content[index % len(content)] = value
    path = place / f"a.txt{ending}"

    def parse(content: bytes) -> list[str]:
        path.write_bytes(content)
        return list(text_lines(str(path)))

    hold(parse, bytes(content))


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
COLUMNS = st.sampled_from(["text", "label", "source", "target", "translation", "title", "body", "lead", "id", "é"])
ROWS = st.dictionaries(COLUMNS, VALUES, max_size=5)


@st.composite
def json_lines(draw: st.DrawFn) -> bytes:
    lines = [
        json.dumps(row, ensure_ascii=draw(st.booleans())) for row in draw(st.lists(st.one_of(ROWS, VALUES), max_size=5))
    ]
    odd = draw(
        st.sampled_from(["", "", '{"text": "\\ud800"}', "[" * 5000, '{"a": 1,}', "1" * 5000, '{"text": "\\u0000"}'])
    )
    content = "\n".join([*lines, odd]).encode("utf-8", "surrogatepass")
    return content[: draw(st.integers(0, len(content)))] if draw(st.booleans()) else content


@st.composite
def delimited(draw: st.DrawFn) -> bytes:
    written = io.StringIO()
    writer = csv.writer(written, delimiter=draw(st.sampled_from([",", "\t"])))
    writer.writerow(draw(st.lists(COLUMNS, max_size=4)))
    writer.writerows(draw(st.lists(st.lists(st.text(max_size=6), max_size=5), max_size=5)))
    content = written.getvalue().encode("utf-8", "ignore")
    return content[: draw(st.integers(0, len(content)))] if draw(st.booleans()) else content


READERS: dict[str, Callable[[str], Any]] = {
    "rows": lambda path: read_rows(path),
    "rows without a header": lambda path: read_rows(path, header=False),
    "pairs": lambda path: read_pairs([path]),
    "named pairs": lambda path: read_pairs([path], ("text", "label")),
    "texts": lambda path: read_texts([path]),
    "articles": lambda path: read_articles(path),
    "documents": lambda path: read_documents(path, ("text",)),
}


@settings(max_examples=400)  # which all readers share: to draw one takes longer than to read it
@given(content=st.one_of(json_lines(), delimited(), ANY_TEXT), ending=st.sampled_from([".jsonl", ".csv", ".tsv"]))
def test_any_table_is_rows_or_told(hold: Hold, place: Path, content: bytes, ending: str) -> None:
    path = place / f"a{ending}"
    path.write_bytes(content)
    for name, read in READERS.items():
        note(name)
        for row in hold(lambda _, read=read: list(read(str(path))), content) or ():  # type: ignore[attr-defined, misc]
            repr(row).encode()  # of texts that can be written


WIKI = st.sampled_from(
    [
        *(
            "<mediawiki>",
            "</mediawiki>",
            "<page>",
            "</page>",
            "<title>",
            "</title>",
            "<ns>0</ns>",
            "<ns>1</ns>",
            "<text>",
        ),
        *(
            "</text>",
            "<revision>",
            "</revision>",
            "<redirect/>",
            "<model>wikitext</model>",
            "&lt;",
            "&#0;",
            "&x;",
            "<![CDATA[",
        ),
        *(
            "]]>",
            "<!DOCTYPE a [<!ENTITY b 'c'>]>",
            "'''Heron''' is a [[bird|water bird]].\n",
            "== Food ==\n",
            "{{stub}}",
            "{{",
        ),
        *(
            "[[File:a.png|thumb|b]]",
            "{|\n|-\n|a\n|}",
            "<ref>c</ref>",
            "#REDIRECT [[a]]",
            "\x85",
            "é",
            "\x1b",
            "<!--",
            "-->",
        ),
        *('<?xml version="1.0" encoding="utf-7"?>', '<?xml version="1.0" encoding="idna"?>', "<siteinfo><namespaces>"),
        *('<namespace key="6">Datei</namespace>', "</namespaces></siteinfo>", "__DISAMBIG__", "<a:b xmlns:a='c'/>"),
    ]
)


@st.composite
def dumps(draw: st.DrawFn) -> bytes:
    pages = []
    for text in draw(st.lists(st.lists(WIKI, max_size=6).map("".join), max_size=3)):
        inside = text if draw(st.booleans()) else text.replace("&", "&amp;").replace("<", "&lt;")
        pages.append(f"<page><title>Heron</title><ns>0</ns><revision><text>{inside}</text></revision></page>")
    head = draw(
        st.sampled_from(["", "", '<?xml version="1.0" encoding="utf-8"?>', '<?xml version="1.0" encoding="cp437"?>'])
    )
    content = f"{head}<mediawiki>{''.join(pages)}</mediawiki>".encode()
    return content[: draw(st.integers(0, len(content)))] if draw(st.booleans()) else content


@given(content=st.one_of(dumps(), st.lists(WIKI, max_size=30).map("".join).map(str.encode), st.binary(max_size=60)))
def test_any_dump_is_articles_or_told(hold: Hold, place: Path, content: bytes) -> None:
    def parse(content: bytes) -> object:
        path = place / "a.xml"
        path.write_bytes(content)
        return list(read_articles(str(path)))

    for article in hold(parse, content) or ():  # type: ignore[attr-defined]  # a list
        assert isinstance(article.body, str)
