"""MediaWiki exports: which pages are articles, what is left out, and where a damaged dump ends."""

import bz2
import gzip
import lzma
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from gpt2kit.data.article import Article
from gpt2kit.data.articles import read_articles, read_documents
from gpt2kit.data.report import Damage
from gpt2kit.data.wikipedia import dump as wikidump
from gpt2kit.data.wikipedia.wikitext import MarkupError
from gpt2kit.errors import DataError

PACK: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress}
HEAD = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-{version}/" version="{version}" xml:lang="en">
  <siteinfo>
    <sitename>Birds</sitename>
    <namespaces>
      <namespace key="0" case="first-letter" />
      <namespace key="1" case="first-letter">Diskussion</namespace>
      <namespace key="6" case="first-letter">Datei</namespace>
      <namespace key="14" case="first-letter">Kategorie</namespace>
    </namespaces>
  </siteinfo>
"""
TEXT = "The '''heron''' is a [[bird]].\n\n== Food ==\nIt eats fish &amp; frogs."


def page(title: str, text: str = TEXT, namespace: int = 0, inside: str = "", model: str = "wikitext") -> str:
    return f"""  <page>
    <title>{escape(title)}</title>
    <ns>{namespace}</ns>
    <id>7</id>{inside}
    <revision>
      <id>8</id>
      <contributor><username>Ada</username><id>9</id></contributor>
      <comment>a title and a text</comment>
      <model>{model}</model>
      <format>text/x-wiki</format>
      <text bytes="{len(text)}" xml:space="preserve">{escape(text)}</text>
      <sha1>x</sha1>
    </revision>
  </page>
"""


def export(*pages: str, version: str = "0.11") -> str:
    return HEAD.format(version=version) + "".join(pages) + "</mediawiki>\n"


Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """`write(text, name="dump.xml")`: a file, packed as its name says."""

    def to_file(text: str | bytes, name: str = "dump.xml") -> str:
        path = tmp_path / name
        path.write_bytes(PACK.get(path.suffix, bytes)(text.encode() if isinstance(text, str) else text))
        return str(path)

    return to_file


def read_until_refused(path: str) -> tuple[list[str], str]:
    """The titles before an error, and what it says."""
    titles: list[str] = []
    with pytest.raises(DataError) as caught:
        titles.extend(article.title for article in read_articles(path))
    return titles, str(caught.value)


@pytest.mark.parametrize("ending", ["", ".gz", ".xz", ".bz2"])
@pytest.mark.parametrize("version", ["0.10", "0.11", "0.3"])
def test_pages(write: Write, ending: str, version: str) -> None:
    path = write(export(page("Heron"), page("Pond & lake", "Water."), version=version), f"dump.xml{ending}")
    assert list(read_articles(path)) == [
        Article("Heron", "== Food ==\nIt eats fish & frogs.", "The heron is a bird.", name=f"{path}:11"),
        Article("Pond & lake", "", "Water.", name=f"{path}:28"),
    ]


def test_prefixes_and_missing_namespaces(write: Write) -> None:
    xml = (
        '<mw:mediawiki xmlns:mw="urn:x"><mw:page><mw:title>Heron</mw:title><mw:revision><mw:text>A bird.</mw:text>'
        "</mw:revision></mw:page></mw:mediawiki>"
    )
    assert [article[:3] for article in read_articles(write(xml))] == [("Heron", "", "A bird.")]


def test_several_streams_in_one_bz2(tmp_path: Path) -> None:
    """As in the multistream dumps."""
    path = tmp_path / "dump.xml.bz2"
    parts = [HEAD.format(version="0.11"), page("Heron") + page("Pond"), page("Reed"), "</mediawiki>"]
    path.write_bytes(b"".join(bz2.compress(part.encode()) for part in parts))
    assert [article.title for article in read_articles(str(path))] == ["Heron", "Pond", "Reed"]


def test_only_the_main_namespace(write: Write) -> None:
    path = write(export(page("Talk:Heron", namespace=1), page("Heron"), page("Template:Stub", namespace=10)))
    assert [article.title for article in read_articles(path)] == ["Heron"]


def test_names_of_namespaces_stand_in_the_dump(write: Write) -> None:
    path = write(export(page("Reiher", "[[Datei:R.jpg|mini|x]] [[Diskussion:R|Ein]] Vogel. [[Kategorie:Vögel]]")))
    assert next(read_articles(path)).lead == "Ein Vogel."


def test_the_last_revision_counts(write: Write) -> None:
    old = "\n    <revision><text>Old.</text></revision>"
    assert next(read_articles(write(export(page("Heron", "New.", inside=old))))).lead == "New."


def test_deleted_and_empty_texts(write: Write) -> None:
    deleted = "<page><title>Gone</title><ns>0</ns><revision><text deleted='deleted' /></revision></page>"
    articles = list(read_articles(write(export(page("Empty", ""), deleted, page("Food", "== Food ==\nFish.")))))
    assert [article[:4] for article in articles] == [
        ("Empty", "", "", None),
        ("Gone", "", "", None),
        ("Food", "== Food ==\nFish.", "", None),
    ]


@pytest.mark.parametrize(
    ("xml", "problem"),
    [
        (page("Egret", inside='<redirect title="Heron" />'), "redirect"),
        (page("Egret", "#redirect [[Heron]]"), "redirect"),
        (page("Egret", "\n#REDIRECT[[Heron]] {{R from name}}"), "redirect"),
        (page("List of herons"), "list"),
        (page("Lists of birds"), "list"),
        (page("Index of birds"), "list"),
        (page("Outline of birds"), "list"),
        (page("Timeline of herons"), "list"),
        (page("Heron", "{{surname}}"), "list"),
        (page("Listing"), None),
        (page("Heron (disambiguation)"), "disambiguation"),
        (page("Heron", "'''Heron''' may mean:\n{{Disambig}}"), "disambiguation"),
        (page("Heron", "{{disambiguation|geo}}"), "disambiguation"),
        (page("Heron", "{{hndis|Heron, Ada}}"), "disambiguation"),
        (page("Heron", "{{ Geodis }}"), "disambiguation"),
        (page("Heron", "{{Airport_disambiguation}}"), "disambiguation"),
        (page("Heron", "__DISAMBIG__"), "disambiguation"),
        (page("Heron", "By [[Ada]]{{disambiguation needed|date=May}}."), None),
        (page("Heron", "{{Other uses|Heron (disambiguation)}} A bird."), None),
        (page("Heron", "A bird.\n{{Bird-stub}}"), "stub"),
        (page("Heron", "A bird.\n{{stub}}"), "stub"),
        (page("Heron", "A bird. <!-- {{stub}} -->"), None),
        (page("Heron", "A bird.\n== Food ==\n{{sect-stub}}"), None),
        (page("Q1", '{"labels": {}}', model="wikibase-item"), "not wikitext"),
    ],
)
def test_pages_that_are_no_articles(write: Write, xml: str, problem: str | None) -> None:
    (article,) = read_articles(write(export(xml)))
    assert article.problem == problem
    assert not isinstance(article.problem, Damage)
    assert problem is None or article.body == article.lead == ""


def test_markup_that_the_parser_gives_up_on_is_damage(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    def give_up(*_: object) -> None:
        raise MarkupError("odd")

    monkeypatch.setattr("gpt2kit.data.wikipedia.dump.plain_text", give_up)
    (article,) = read_articles(write(export(page("Heron"))))
    assert isinstance(article.problem, Damage)
    assert article[:4] == ("Heron", "", "", "markup cannot be parsed: odd")


def test_a_page_with_open_markup_does_not_reach_the_next(write: Write) -> None:
    path = write(export(page("Heron", "{{Infobox\n| a = b\nA bird. <ref>[[x\n{|"), page("Pond", "Water.")))
    assert [article[:3] for article in read_articles(path)] == [("Heron", "", "A bird. x"), ("Pond", "", "Water.")]


def test_long_and_foreign_texts(write: Write) -> None:
    sentence = "鷺" * 50_000 + "word " * 20_000 + "end."
    (article,) = read_articles(write(export(page("鷺", f"{sentence}\n== 食物 ==\n魚。"))))
    assert article[:3] == ("鷺", "== 食物 ==\n魚。", sentence)


# Dumps that are damaged or none


def test_malformed_xml(write: Write) -> None:
    path = write(export(page("Heron"), page("Pond").replace("</title>", "</titel>")))
    titles, message = read_until_refused(path)
    assert titles == ["Heron"]
    assert message == (
        f"{path}:29: malformed or truncated XML: mismatched tag at column 18; pages read: 1, up to line 29"
    )


def test_a_dump_cut_short(write: Write) -> None:
    path = write(export(page("Heron"), page("Pond"))[:-200])
    titles, message = read_until_refused(path)
    assert titles == ["Heron"]
    assert "malformed or truncated XML: " in message
    assert "; pages read: 1, up to line 3" in message


@pytest.mark.parametrize("ending", [".gz", ".xz", ".bz2"])
def test_a_packed_dump_cut_short(write: Write, ending: str) -> None:
    pages = [page(f"Heron {number}", f"{number * number} birds. " * 50) for number in range(2000)]
    path = write(export(*pages), f"dump.xml{ending}")
    whole = Path(path).read_bytes()
    Path(path).write_bytes(whole[: len(whole) * 2 // 3])
    titles, message = read_until_refused(path)
    assert message.startswith(f"{path}: damaged, truncated or not compressed as its name says: ")
    assert f"; pages read: {len(titles):,}, up to line " in message


def test_bytes_that_are_no_utf8(write: Write) -> None:
    path = write(export(page("Heron"), page("Pond")).encode().replace(b"Pond", b"P\xffnd"))
    titles, message = read_until_refused(path)
    assert titles == ["Heron"]
    assert message.startswith(f"{path}:29: malformed or truncated XML: not well-formed (invalid token)")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no element found"),
        ("A bird.", "syntax error"),
        (
            "<html><body>Not found</body></html>",
            "the first element is <html>, but a Wikipedia dump (a MediaWiki export)",
        ),
        ("<mediawiki><page><title>&heron;</title></page></mediawiki>", "undefined entity"),
    ],
)
def test_what_is_no_dump(write: Write, text: str, reason: str) -> None:
    titles, message = read_until_refused(write(text))
    assert titles == []
    assert message.startswith(f"{write(text)}:1: ")
    assert reason in message


def test_entities_cannot_grow(write: Write) -> None:
    """Nine levels of ten would be a gigabyte."""
    levels = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 9))
    bomb = f'<?xml version="1.0"?>\n<!DOCTYPE mediawiki [<!ENTITY a0 "{"x" * 10}">{levels}]>\n'
    path = write(bomb + "<mediawiki><page><title>&a8;</title></page></mediawiki>")
    tracemalloc.start()
    _, message = read_until_refused(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert message.startswith(
        f"{path}:2: a document type definition (<!DOCTYPE mediawiki>), which MediaWiki exports do not have"
    )
    assert peak < 5_000_000


def test_external_entities_are_not_read(write: Write, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    head = f'<!DOCTYPE mediawiki [<!ENTITY s SYSTEM "{(tmp_path / "secret").as_uri()}">]>'
    message = read_until_refused(write(head + export(page("A")).replace("A", "&s;")))[1]
    assert "refused because it can define entities" in message


def test_memory_does_not_grow_with_the_dump(write: Write) -> None:
    def peak(count: int) -> int:
        path = write(export(*(page(f"Heron {number}", "#REDIRECT [[x]] " + "y" * 5000) for number in range(count))))
        tracemalloc.start()
        assert sum(1 for _ in read_articles(path)) == count
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    assert peak(2000) < 1.5 * peak(200)


@pytest.mark.parametrize("encoding", ["utf-7", "idna", "rot13", "nothing", "shift-jis"])
def test_an_encoding_that_cannot_be_read(write: Write, encoding: str) -> None:
    path = write(f'<?xml version="1.0" encoding="{encoding}"?>' + export(page("Heron")))
    with pytest.raises(DataError, match=r"its XML declaration has an unsupported encoding|malformed or truncated XML"):
        list(read_articles(path))


def test_a_text_without_an_end_is_not_kept(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packed it may be as small as one likes."""
    monkeypatch.setattr(wikidump, "LONGEST_TEXT", 1000)
    path = write(export(page("Short", "a" * 1000), page("Long", "b\n" * 5000)), "dump.xml.bz2")
    found = read_articles(path)
    assert next(found).title == "Short"
    with pytest.raises(DataError, match=r"a page of more than 1,000 characters; pages read: 1"):
        next(found)


def test_sentences_with_unknown_templates_are_counted(tmp_path: Path) -> None:
    text = "The '''heron''' is a bird. It is {{unknown}} tall.\n== Food ==\nAt {{unknown}} it eats. It likes fish."
    path = tmp_path / "dump.xml"
    path.write_text(
        f"<mediawiki><page><title>Heron</title><ns>0</ns><revision><text>{text}</text></revision></page></mediawiki>",
        encoding="utf-8",
    )
    (article,) = wikidump.read_dump(str(path))
    assert (article.lead, article.body) == ("The heron is a bird.", "== Food ==\nIt likes fish.")
    assert article.skipped == {
        "sentences left out, because they have a formula or a template that cannot be written out": 2
    }
    assert article.problem is None


def test_a_lead_that_loses_all_its_sentences_is_named(write: Write) -> None:
    path = write(export(page("Heron", "It is {{unknown}} tall.\n== Food ==\nIt likes fish.")))
    (article,) = read_articles(path)
    assert article.problem == "no summary: each of its sentences has a formula or a template that cannot be written out"
    assert [each.body for each in read_documents(path)] == ["== Food ==\nIt likes fish."]
