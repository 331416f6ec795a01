"""What columns are for: told by their names, or by the user."""

import pytest

from gpt2kit.data.columns.roles import named_roles, roles_of
from gpt2kit.errors import DataError


@pytest.mark.parametrize(
    ("columns", "kind", "roles"),
    [
        ("text", "text", {"text": "text"}),
        ("id content", "text", {"text": "content"}),
        ("text label", "classification", {"text": "text", "label": "label"}),
        ("sentence category", "classification", {"text": "sentence", "label": "category"}),
        ("prompt completion", "completion", {"prompt": "prompt", "completion": "completion"}),
        ("instruction response", "completion", {"prompt": "instruction", "completion": "response"}),
        ("premise hypothesis label", "entailment", {r: r for r in ("premise", "hypothesis", "label")}),
        (
            "Premise Hypothesis Gold-Label",
            "entailment",
            {"premise": "Premise", "hypothesis": "Hypothesis", "label": "Gold-Label"},
        ),
        (
            "story question choice_1 choice_2 answer",
            "choice",
            {"context": "story+question", "choices": "choice_1+choice_2", "answer": "answer"},
        ),
        ("first second label", "similarity", {r: r for r in ("first", "second", "label")}),
        ("context choices answer", "choice", {r: r for r in ("context", "choices", "answer")}),
        ("prompt completion text label", "completion", {"prompt": "prompt", "completion": "completion"}),
    ],
)
def test_well_known_columns(columns: str, kind: str, roles: dict[str, str]) -> None:
    assert roles_of(columns.split(), {}, "", "a.csv:2") == (kind, roles)


def test_the_user_says_what_is_what() -> None:
    columns = ["q", "a", "text", "label"]
    named = named_roles(["prompt=q", "completion=a"])
    assert roles_of(columns, named, "", "a.csv:2") == ("completion", named)
    assert roles_of(["0", "1"], named_roles(["text=1", "label=0"]), "", "a")[0] == "classification"
    assert roles_of(["text", "label"], {}, "text", "a") == ("text", {"text": "text"})
    pair = {"first": "sentence1", "second": "sentence2", "label": "label"}
    assert roles_of(["sentence1", "sentence2", "label"], {}, "similarity", "a") == ("similarity", pair)


@pytest.mark.parametrize(
    ("columns", "named", "kind", "reason"),
    [
        (
            ["a", "b"],
            {},
            "",
            r"a.csv:2: cannot tell what the columns 'a', 'b' are for; accepted: context \+ ch",
        ),
        (["a", "b"], {"text": "c"}, "", "--columns prompt=question,completion=answer"),
        (["text"], {}, "classification", r"'text' are for; accepted: text \+ label \(classification\); name"),
    ],
)
def test_columns_of_no_kind(columns: list[str], named: dict[str, str], kind: str, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        roles_of(columns, named, kind, "a.csv:2")


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("text", "'text' is not of the form role=column"),
        ("text=", "'text=' is not of the form role=column"),
        ("txt=a", "unknown role 'txt'; accepted: "),
    ],
)
def test_words_that_name_no_role(word: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        named_roles([word])


def test_a_role_is_given_once() -> None:
    with pytest.raises(ValueError, match=r"columns: text is given twice; to give it both columns, write text=a\+b"):
        named_roles(["text=a", "text=b"])


def test_a_column_has_one_role() -> None:
    columns = ["review", "sentiment", "body"]
    assert roles_of(columns, {"label": "sentiment"}, "", "a.csv:2") == (
        "classification",
        {"text": "review", "label": "sentiment"},
    )
    _, roles = roles_of(columns, {"label": "review"}, "", "a.csv:2")
    assert roles == {"text": "body", "label": "review"}, "the text is not its own label"
    with pytest.raises(DataError, match=r"a\.csv:2: cannot tell what the columns .* are for"):
        roles_of(["review"], {"label": "review"}, "classification", "a.csv:2")
    with pytest.raises(DataError, match=r"a\.csv:2: --columns: column 'body' has two roles; expected another"):
        roles_of(columns, {"prompt": "body+review", "completion": "body"}, "", "a.csv:2")
