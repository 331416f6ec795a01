"""Tables whose columns are understood by their values, or asked about because a part of them would be lost."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from gpt2kit.errors import DataError
from gpt2kit.tasks.finetune import Finetune

Row = dict[str, Any]


def inferred(folder: Path, rows: list[Row], **settings: Any) -> Any:
    path = folder / "table.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return Finetune(**settings).infer_task([str(path)])


def refused(folder: Path, rows: list[Row]) -> str:
    with pytest.raises(DataError) as error:
        inferred(folder, rows)
    return str(error.value).removeprefix(f"{folder}/")


def numbered(row: Row, count: int = 40) -> list[Row]:
    """Rows in whose texts N is the number of the row, and M one of two numbers."""
    return [json.loads(json.dumps(row).replace("N", str(n)).replace("M", str(n % 2))) for n in range(count)]


def words_of(message: str) -> list[str]:
    """The columns that a message proposes."""
    return re.findall(r"--columns '?([^';,]+(?:,[^';,]+)*)", message)


TURNS = [{"speaker": "user", "text": "Hi N."}, {"speaker": "assistant", "text": "Hello N."}]

UNDERSTOOD: dict[str, tuple[Row, str, dict[str, str]]] = {
    "turns of another name": ({"id": "N", "talk": TURNS}, "conversation", {"messages": "talk"}),
    "texts in turn": ({"dialog": ["Hi N.", "Hello.", "So."]}, "conversation", {"messages": "dialog"}),
    "turns next to a title": ({"title": "On N.", "talk": TURNS}, "conversation", {"messages": "talk"}),
    "a list in Python's notation": (
        {"messages": "[{'role': 'user', 'content': 'It\\'s N.'}, {'role': 'assistant', 'content': 'So.'}]"},
        "conversation",
        {"messages": "messages"},
    ),
    "a label next to the only text": (
        {"essay_id": "N", "essay": "so it goes N", "score": "M"},
        "classification",
        {"text": "essay", "label": "score"},
    ),
    "a system prompt": (
        {"instruction": "do N", "input": "", "output": "done", "system": "be kind"},
        "completion",
        {"prompt": "system+instruction+input", "completion": "output"},
    ),
    "an instruction and a question": (
        {"instruction": "answer", "question": "why N", "output": "done"},
        "completion",
        {"prompt": "instruction+question", "completion": "output"},
    ),
    "instances": (
        {"instruction": "do N", "instances": [{"input": "this", "output": "done"}]},
        "completion",
        {"prompt": "instruction+input", "completion": "output"},
    ),
    "a number of the choice": (
        {"question": "why N", "choices": ["a b", "c d"], "correct_index": "M"},
        "choice",
        {"context": "question", "choices": "choices", "answer": "correct_index"},
    ),
    "ANLI": (
        {"uid": "N", "context": "so it goes N", "hypothesis": "it goes N", "label": "M", "reason": ""},
        "entailment",
        {"premise": "context", "hypothesis": "hypothesis", "label": "label"},
    ),
}


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_columns_that_are_understood(name: str, tmp_path: Path) -> None:
    row, kind, roles = UNDERSTOOD[name]
    task = inferred(tmp_path, numbered(row))
    assert (task.kind, task.named) == (kind, roles)


def test_choices_without_an_answer(tmp_path: Path) -> None:
    message = refused(tmp_path, numbered({"question": "why N", "options": ["a b", "c d"], "solution": "M"}))
    assert message == (
        "table.jsonl:1: 'options' looks like choices, but no column of 'question', 'options', 'solution' is known as "
        "their answer; name it, as in --columns context=question,choices=options,answer=solution, or name the columns "
        "of other roles"
    )


def test_names_that_differ_by_case(tmp_path: Path) -> None:
    rows = numbered({"Text": "so it goes N", "text": "it goes so N", "label": "M"})
    message = refused(tmp_path, rows)
    assert message == (
        "table.jsonl:1: the columns 'Text', 'text' have the same name except for case, spaces or hyphens; choose one, "
        "as in --columns text=Text"
    )
    assert inferred(tmp_path, rows, columns=("text=text", "label=label")).named["text"] == "text"
    message = refused(tmp_path, numbered({"text": "so it goes N", "gold label": "M", "gold_label": "M"}))
    assert message.endswith("as in --columns 'label=gold label'")


def test_equal_prompts_with_different_completions(tmp_path: Path) -> None:
    rows = numbered({"instruction": "Translate this.", "sentence_en": "I see N cats.", "output": "Je vois N chats."})
    message = refused(tmp_path, rows)
    assert message == (
        "table.jsonl:1: 40 of 40 rows have the same 'instruction' as another one and a different 'output'; if "
        "'sentence_en' belongs to the prompt: --columns prompt=instruction+sentence_en,completion=output; if not: "
        "--columns prompt=instruction,completion=output"
    )
    for words in words_of(message):
        assert inferred(tmp_path, rows, columns=tuple(words.split(","))).kind == "completion"


def test_a_question_next_to_something_else(tmp_path: Path) -> None:
    message = refused(tmp_path, numbered({"question": "why N", "explanation": "so it goes N"}))
    assert message == (
        "table.jsonl:1: cannot tell what the columns 'question', 'explanation' are for; name their roles, as in "
        "--columns prompt=question,completion=explanation; to learn only how 'question' continues, --columns "
        "text=question"
    )
    assert "completion=COLUMN" in refused(tmp_path, numbered({"question": "why N", "mc1_targets": {"a": 1}}))


def test_answers_from_0_to_the_number_of_choices(tmp_path: Path) -> None:
    rows = [{"question": f"why {n}", "choices": ["a", "b", "c"], "answer": n % 4} for n in range(40)]
    assert "may count from 0 or from 1: all 40 answers are 0, 1, 2, 3; choose with --count-from" in refused(
        tmp_path, rows
    )
    assert inferred(tmp_path, rows, count_from="1").count_from == "1"


def test_texts_that_are_left_out_are_named(tmp_path: Path) -> None:
    rows = numbered({"title": "on N of it", "text": "so it goes N", "label": "M"})
    task = inferred(tmp_path, rows)
    said = "columns that look like texts are left out: 'title'; to read one of them, too: --columns text=title+text"
    assert task.select_columns([str(tmp_path / "table.jsonl")])[0].remarks == [said]
    task = inferred(tmp_path, rows, columns=("text=title+text",))
    assert task.select_columns([str(tmp_path / "table.jsonl")])[0].remarks == []


def test_labels_that_join_others(tmp_path: Path) -> None:
    rows = [{"text": f"so it goes {n}", "label": ("red", "green", "red, green")[n % 3]} for n in range(40)]
    task = inferred(tmp_path, rows)
    said = "labels that join others, such as 'red, green', are learned as classes of their own: a row has one label"
    assert task.select_columns([str(tmp_path / "table.jsonl")])[0].remarks == [said]


@pytest.mark.parametrize(("first", "given"), [(0, "1"), (1, "0")])
def test_answers_that_contradict_count_from(first: int, given: str, tmp_path: Path) -> None:
    rows = [{"question": f"q {n}", "choices": ["x", "y"], "answer": first + n % 2} for n in range(20)]
    assert inferred(tmp_path, rows, count_from=str(first)).count_from == str(first)
    with pytest.raises(DataError, match=f"--count-from {given}, but the answers count from {first}: they are"):
        inferred(tmp_path, rows, count_from=given)
