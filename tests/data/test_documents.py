"""Documents between separators, however the text is cut into blocks."""

import pytest

from gpt2kit.data.documents import contains, split_documents

TEXT = "first\n<|end|>\nsecond <|en d|>\n\nof two lines<|end|><|end|>\n \n<|end|>last\n"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_documents_end_exactly_at_the_separator(size: int) -> None:
    blocks = [TEXT[place : place + size] for place in range(0, len(TEXT), size)]
    assert list(split_documents(blocks, "<|end|>")) == ["first", "second <|en d|>\n\nof two lines", "", " ", "last"]
    assert contains(blocks, "<|end|>")
    assert not contains(blocks, "<|END|>")


def test_what_is_blank_around_all_documents_is_none() -> None:
    assert list(split_documents(["\n--\na\n--\n\n"], "--")) == ["a"]
    assert list(split_documents(["a\n\nb\nc\n\n\nd"], "\n\n")) == ["a", "b\nc", "d"]
    assert list(split_documents([" \n"], "--")) == []
