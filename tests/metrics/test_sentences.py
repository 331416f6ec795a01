"""Sentences by rules: what ends one and what does not; nothing but white space is lost, whatever the text."""

import numpy as np
import pytest

from gpt2kit.metrics.sentences import paragraphs, sentences, without_last_sentence

PIECES = [
    *(" ", "  ", "\n", "\n\n", ".", "...", "!", "?", "…", "。", "！", '"', "'", "(", ")", "«", "»", "”", "[1]", "="),
    *(
        "U.S.",
        "Dr.",
        "e.g.",
        "No.",
        "5",
        "3.14",
        "A",
        "The",
        "word",
        "Été",
        "東京",
        "हिन्दी",
        "-",
        "#",
        "\u00a0",
        "\r\n",
    ),
]


@pytest.mark.parametrize(
    "marked",
    [
        "One stop. | Another one! | A third? | A fourth… | Done.",
        "Dr. Smith met Mrs. Jones. | They left.",
        "He works at St. John's. | She does not.",
        "It is big, e.g. London. | It is bigger, i.e. Paris.",
        "He lives in the U.S. | The others do not.",
        "The U.S. Senate sat until 5 p.m. | It was late.",
        "J. K. Rowling wrote it. | So did J. R. R. Tolkien.",
        "Apple Inc. CEO Tim Cook left Apple Inc. | He had to.",
        "Clinton, Sr. Drove home. | Then Roger Clinton, Jr. (1956) did.",
        "This is No. 5 of them. | Is it? | No. | Then it is not.",
        "See fig. 3 and pp. 12 to 14. | It was on Jan. 5 that it fell.",
        "It costs 3.14 dollars. | Version 2.0.1 is at example.com. | Get it.",
        "There are two a's. | Techniques differ.",
        "In 1990. | Then in 1991.",
        "He said \"Go away.\" | She left. | “Why?” | Nobody knew. | 'No.' | Really.",
        '"What?" he asked. | "Stop!" they cried.',
        "(It rained.) | It stopped. | [Or not.] | Yes.",
        "It fell.[12] | It rose.[3][4] | It fell.",
        "Wait... what? | Well... | Yes. | Then . . . nothing . . . | Nothing at all.",
        "Why?! | No!!! | Yes.",
        "« Bonjour. » | Il part. | Il dit « oui ! » puis non.",
        "„Ja.“ | Er ging. | »Nein.« | Sie blieb.",
        "¿Qué? | ¡Nada! | Adiós.",
        "1. The first item. | 2. The second item.",
        "Это раз. | Это два.",
        "यह एक है। | यह दो है।",
        "no capitals here. | none here either! | none at all",
        "a text that has no stop",
        "Hello. ***",
        "... and then. | *** The end.",
        ". . .",
        "…",
        "x",
    ],
)
def test_a_sentence_ends_where_a_bar_is(marked: str) -> None:
    assert sentences(marked.replace(" | ", " ")) == marked.split(" | ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "今日は晴れです。明日は雨？「はい。」そう！終わり",
            ["今日は晴れです。", "明日は雨？", "「はい。」", "そう！", "終わり"],
        ),
        ("他走了。iPhone很贵！", ["他走了。", "iPhone很贵！"]),
        ("それは3.14です。終", ["それは3.14です。", "終"]),
    ],
)
def test_chinese_and_japanese_have_no_space_after_a_stop(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@pytest.mark.parametrize("text", ["", " ", "\n\n \t", "== Heading ==", "= Title =\n\n== Heading =="])
def test_nothing_has_no_sentences(text: str) -> None:
    assert sentences(text) == []
    assert paragraphs(text) == []


def test_a_blank_line_or_a_heading_ends_a_sentence() -> None:
    text = "No stop\n\nNor here\n== Heading one. ==\nThe body.\n\n\n===Two===\nThe\nend"
    assert sentences(text) == ["No stop", "Nor here", "The body.", "The end"]
    assert sentences(text, headings=True) == [
        *("No stop", "Nor here", "== Heading one. ==", "The body.", "===Two===", "The end")
    ]


def test_wrapped_lines_are_one_paragraph() -> None:
    lines = [
        "This paragraph was wrapped by an editor, and it mentions New",
        "York in its second line. It has two",
        "sentences.",
    ]
    assert sentences("\n".join(lines)) == [
        "This paragraph was wrapped by an editor, and it mentions New York in its second line.",
        "It has two sentences.",
    ]
    assert paragraphs("\r\n".join(lines) + "\n\nAnother one.") == [" ".join(lines), "Another one."]


def test_lines_as_long_as_paragraphs_are_paragraphs() -> None:
    long = "This line is longer than an editor would have left it, as it is a paragraph that nobody has wrapped, ever."
    text = f"{long}\nA list of three:\napples\nand pears 72%, other 28%\n{long}"
    assert paragraphs(text) == text.split("\n")
    assert sentences(text) == text.split("\n")


def test_signs_of_equality_alone_are_no_heading() -> None:
    assert sentences("a = b\n\n====\n\nx == y") == ["a = b", "====", "x == y"]


@pytest.mark.parametrize("seed", range(200))
def test_only_white_space_is_lost(seed: int) -> None:
    generator = np.random.default_rng(seed)
    text = "".join(generator.choice(PIECES, generator.integers(1, 60)).tolist())
    found = sentences(text, headings=True)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(sentence and sentence == " ".join(sentence.split()) for sentence in found)
    assert set(sentences(text)) <= set(found)


@pytest.mark.parametrize(
    "text",
    [
        *("." * 100_000, ". " * 50_000, "! - " * 25_000, "(" * 100_000, "a" + ". #" * 30_000 + "b", "= " * 50_000),
        *(
            "word " * 20_000,
            "word" * 25_000,
            "A." * 50_000,
            '."' * 50_000,
            "\n" * 100_000,
            "a.\u00a0»" * 30_000,
            "。" * 100_000,
        ),
    ],
    ids=lambda text: repr(text[:8]),
)
def test_texts_that_would_take_a_careless_pattern_hours(text: str) -> None:
    assert "".join("".join(sentences(text, headings=True)).split()) == "".join(text.split())


def test_many_short_sentences() -> None:
    assert sentences("Go on. " * 20_000) == ["Go on."] * 20_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("One sentence", "One sentence"),
        ("One. And a h", "One."),
        ("One  and\nmore.\n\nTwo. Th", "One  and\nmore.\n\nTwo."),
        ("== Head ==\nOne. Two.", "== Head ==\nOne."),
        ("  一。二。三", "  一。二。"),
    ],
)
def test_a_text_without_its_last_sentence(text: str, expected: str) -> None:
    assert without_last_sentence(text) == expected
