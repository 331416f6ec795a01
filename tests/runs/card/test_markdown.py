"""Text of the data stays text, as a reader of CommonMark sees it."""

import pytest
import yaml
from markdown_it import MarkdownIt

from gpt2kit.runs.card.markdown import LONGEST, cell, code, fenced, front_matter, shortened, table, visible

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](http://evil.example)",
    "http://evil.example",
    "``` \n</code><b>out</b>",
    "`one` ``two`` ```three",
    "a | b | c",
    "# heading\n---\n> quote",
    "![x](javascript:alert(1))",
    "&lt;b&gt; &#60;",
    "\x1b[31mred\x07 \u202ereversed",
    "-->",
    "`",
    "\\`",
    "\\|",
]


def html(text: str) -> str:
    return str(MarkdownIt("commonmark").enable("table").render(text))


def text_in(html: str, tag: str) -> list[str]:
    """What a browser shows inside of each such element."""
    import html as entities

    parts = html.split(f"<{tag}")[1:]
    return [entities.unescape(part.partition(">")[2].partition(f"</{tag}>")[0]) for part in parts]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_code_span_shows_it_and_nothing_else_happens(text: str) -> None:
    made = html(f"before {code(text)} after")
    assert text_in(made, "code") == [visible(text)]
    assert made.count("<") == 4, "a paragraph and a code span"


@pytest.mark.parametrize("text", HOSTILE)
def test_a_cell_of_a_table_stays_one_cell(text: str) -> None:
    made = html(table(("name", "value"), [(cell(text), "1"), ("x", "2")]))
    assert (made.count("<tr>"), made.count("<td")) == (3, 4)
    assert text_in(made, "code") == [visible(text)]
    assert made.count("<a ") == made.count("<img") == made.count("<script") == 0


@pytest.mark.parametrize("text", HOSTILE)
def test_a_fence_is_not_left(text: str) -> None:
    made = html(f"{fenced(text)}\n\nafter\n")
    assert text_in(made, "code") == [visible(text, "\n\t") + "\n"]
    assert made.endswith("</code></pre>\n<p>after</p>\n")


def test_what_does_not_print_is_spelled_out() -> None:
    assert visible("a\x1b\u202e\n\u200b\r") == "a\\x1b\\u202e\\n\\u200b\\r"
    assert fenced("a\r\nb\tc\x07") == "```text\na\nb\tc\\x07\n```"
    assert code(" \n") == "` \\n`"
    assert code("") == code("  ") == ""


@pytest.mark.parametrize("text", HOSTILE)
def test_the_front_matter_is_yaml_that_says_the_same(text: str) -> None:
    values: dict[str, object] = {"license": "unknown", "name": text, "tags": [text, "b"], "none": None, "empty": []}
    lines = front_matter(values, "a note").split("\n")
    assert (lines[0], lines[-1]) == ("---", "---")
    assert lines[1].endswith("  # a note")
    assert "---" not in lines[1:-1]
    assert yaml.safe_load("\n".join(lines[1:-1])) == {"license": "unknown", "name": text, "tags": [text, "b"]}


def test_long_texts_lose_their_middle() -> None:
    assert shortened("x" * LONGEST) == "x" * LONGEST
    cut = shortened("a" * LONGEST + "b" * LONGEST)
    assert cut == "a" * (LONGEST // 2) + " … " + "b" * (LONGEST // 2)
