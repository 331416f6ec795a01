"""Texts that differ only in what people and programs change when they copy are equal."""

import pytest

from gpt2kit.data.bare import bare


@pytest.mark.parametrize(
    ("text", "expected"),
    [("The Cat, sat.", "thecatsat"), ("« Été »", "été"), ("ﬁn…", "fin"), ("?!", "?!"), ("", ""), ("100 %", "100")],
)
def test_what_is_bare_of_a_text(text: str, expected: str) -> None:
    assert bare(text).decode() == expected


def test_a_long_text_is_known_by_its_ends() -> None:
    long = f"A{'b ' * 9999}C"
    assert bare(long) == bare(long.swapcase()) == bare(long[:4000] + long[9000:])
    assert bare(long) != bare(f"{long[:-1]}D")
