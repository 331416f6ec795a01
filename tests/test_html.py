"""Templates filled in, and JSON inside of them."""

import json

import pytest

from gpt2kit.html import OFFLINE, embedded, filled, head, resource


def test_what_a_part_says_is_not_looked_at_again() -> None:
    parts = {"a": "{{b}} \\1 {{a}}", "b": "two"}
    assert filled("<{{a}}|{{b}}|{{c}}|{{ a }}>", parts) == "<{{b}} \\1 {{a}}|two|{{c}}|{{ a }}>"


@pytest.mark.parametrize("text", ["</script>", "<!--<script>", "]]>", "&lt;", "\u2028", "😀", "\ud800"])
def test_no_text_ends_its_script(text: str) -> None:
    stored = embedded({"text": text})
    assert json.loads(stored) == {"text": text}
    assert not set("<>&") & set(stored)
    assert stored.isascii()


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        embedded(float("nan"))


def test_a_head_has_the_title_as_text_and_a_policy() -> None:
    text = head("</title><b>{{style}}", "body {color: red}\n", "default-src 'none'")
    assert text.startswith("<!doctype html>")
    assert "<title>&lt;/title&gt;&lt;b&gt;{{style}}</title>\n<style>\nbody {color: red}\n</style>\n</head>\n" in text
    assert "content=\"default-src 'none'\">" in text
    assert f'content="{OFFLINE}">' in head("a", "")


def test_resources_ship() -> None:
    assert resource("music/pages/page.html").startswith("{{head}}<body>")
