"""JSON: lines, arrays, one list in an object, whatever the file is called; what is refused, and where."""

import json
from pathlib import Path
from typing import Any

import pytest

from gpt2kit.data.lines import text_blocks
from gpt2kit.data.tables import json_rows as module
from gpt2kit.data.tables.json_rows import is_json, json_rows
from gpt2kit.errors import DataError

ROWS: list[dict[str, Any]] = [{"en": "one", "fr": "un"}, {"en": 'a "{[,]}" b', "fr": "é\n\\"}, {"en": "", "fr": None}]


def written(folder: Path, text: str, name: str = "a.json") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def values(path: str) -> list[dict[str, object]]:
    return [row for _, row in json_rows(path)]


def refusal(path: str) -> str:
    with pytest.raises(DataError) as caught:
        list(json_rows(path))
    return str(caught.value)


LINES = "\n".join(map(json.dumps, ROWS))
INDENTED = "\n".join(json.dumps(row, indent=2) for row in ROWS)


@pytest.mark.parametrize(
    "text",
    [
        LINES,
        f"\n\n{LINES}\n\n",
        json.dumps(ROWS),
        f" \n{json.dumps(ROWS, indent=1)}\n\n",
        "[\n" + ",\n".join(map(json.dumps, ROWS)) + "\n]",
        "\ufeff" + json.dumps(ROWS, ensure_ascii=False),
        INDENTED,
        json.dumps({"data": ROWS}),
        json.dumps({"version": 1, "Data": ROWS, "note": ["x"]}, indent=4),
        json.dumps({"pairs": ROWS}),
    ],
)
def test_the_same_rows(tmp_path: Path, text: str) -> None:
    assert values(written(tmp_path, text)) == ROWS


def test_an_array_is_read_a_block_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"n": str(n), "text": "x" * (n % 50)} for n in range(200)] + [{"text": "long " * 300}] + ROWS
    path = written(tmp_path, json.dumps(rows, indent=1))
    for size in (1, 7, 1000):
        text = "".join(text_blocks(path))
        monkeypatch.setattr(
            module,
            "text_blocks",
            lambda _, size=size, text=text: (text[i : i + size] for i in range(0, len(text), size)),
        )
        assert values(path) == rows


def test_elements_are_named(tmp_path: Path) -> None:
    assert [where for where, _ in json_rows(written(tmp_path, "[\n{},\n{}]"))] == [
        f"{tmp_path}/a.json:2: element 1",
        f"{tmp_path}/a.json:3: element 2",
    ]
    assert [where for where, _ in json_rows(written(tmp_path, '{"rows": [{"a": 1}, {"a": 2}]}'))] == [
        f"{tmp_path}/a.json: element 1 of 'rows'",
        f"{tmp_path}/a.json: element 2 of 'rows'",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"a": 1},\n 5]', ":2: element 2: expected a JSON object, found 5 (a int)"),
        ('["a", "b"]', ":1: element 1: expected a JSON object, found 'a' (a str)"),
        (
            '[{"a": 1},\n{"a": }]',
            ":2: element 2: expected a JSON object, found '{\"a\": }]': Expecting value at line 2",
        ),
        ('[{"a": 1},\n{"a": "x', ":2: element 2: expected a JSON object, found"),
        ('[{"a": 1}, {"a": 2}\n', ":2: the array does not end with `]` after element 2: the file is incomplete"),
        ('[{"a": 1}, {"a": 2},', ": the array does not end with `]` after element 2: the file is incomplete"),
        ('[{"a": 1} {"a": 2}]', ":1: element 2: expected a comma before it, found '{\"a\": 2}]'"),
        ('[{"a": 1}]\n{"a": 2}', ":2: expected nothing after the array, found"),
        ('[{"a": "\\ud83d"}]', "surrogates not allowed"),
        ('[{"a": 1, "b": 2, "a": 3}]', ": element 1: expected a JSON object"),
        ('[{"a": 1, "b": 2, "a": 3}]', "the keys 1 and 3 of an object are both called 'a'; rename one"),
        ('{"a": 1}\n{"a": 1, "a": 3}', ":2: expected one JSON object per line"),
        ('{"a": 1}\n{"a": 1, "a": 3}', "the keys 1 and 2 of an object are both called 'a'; rename one"),
        ('{"train": [{"a": 1}], "test": [{"a": 1}]}', "has 2 lists of objects ('train', 'test'); one list is accepted"),
        (
            '{"text": {"0": "a", "1": "b"}, "label": {"0": "x", "1": "y"}}',
            "to_json(FILE, orient='records', lines=True)",
        ),
        ('{"text": ["a", "b"], "label": ["x", "y"]}', "to_json(FILE, orient='records', lines=True)"),
        ('{\n "a": 1,\n', ":1: element 1: expected a JSON object"),
        ("[" * 100_000, ": element 1: expected a JSON object"),
    ],
)
def test_refused(tmp_path: Path, text: str, message: str) -> None:
    assert message in refusal(written(tmp_path, text))


def test_rows_before_a_broken_one_arrive(tmp_path: Path) -> None:
    for text in ('{"a": 1}\n{"a": }\n', '[{"a": 1},\n{"a": }\n]'):
        rows = json_rows(written(tmp_path, text))
        assert next(rows)[1] == {"a": 1}
        with pytest.raises(DataError, match=":2: "):
            next(rows)


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]},
        {"question": "Where?", "choices": ["here", "there"], "answer": 0},
        {"translation": {"en": "one", "fr": "un"}},
        {"id": "0", "conversations": [{"from": "human", "value": "Hi"}]},
    ],
)
def test_a_single_row_with_a_list_is_a_row(tmp_path: Path, row: dict[str, object]) -> None:
    assert values(written(tmp_path, json.dumps(row))) == [row]


@pytest.mark.parametrize("name", ["wiki_00", "a.txt", "a.log", "a.ndjson", "a.en"])
def test_json_is_recognized_under_any_name(tmp_path: Path, name: str) -> None:
    for text in (LINES, f"\n {LINES}\n", json.dumps(ROWS), json.dumps(ROWS, indent=1), '{"a": "x"}'):
        assert is_json(written(tmp_path, text, name)), text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{}",
        "{x}\n",
        '{"a": 1} is JSON\n',
        '{"a": 1} {"a": 2}',
        "[1] first\n",
        "[\n",
        '"a"\n',
        '{"a": 1}\nplain text\n',
    ],
)
def test_text_is_not_json(tmp_path: Path, text: str) -> None:
    assert not is_json(written(tmp_path, text, "a.txt"))


def test_a_first_line_longer_than_a_block_is_recognized(tmp_path: Path) -> None:
    row = {"title": "Long", "text": "word " * 100_000}
    assert is_json(written(tmp_path, json.dumps(row) + "\n" + json.dumps(ROWS[0]), "wiki_00"))
    assert not is_json(written(tmp_path, '{"title" is a text: ' + "word " * 100_000, "a.txt"))


def test_no_file_and_no_text_are_not_json(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xff\xfe{\0")
    assert not any(map(is_json, (str(tmp_path), str(tmp_path / "none"), str(tmp_path / "a"))))


def test_rows_by_their_names(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps({"a1": {"text": "so", "label": 1}, "b2": {"text": "it", "label": 2}}))
    assert list(json_rows(str(path))) == [
        (f"{path}: 'a1'", {"text": "so", "label": 1}),
        (f"{path}: 'b2'", {"text": "it", "label": 2}),
    ]
