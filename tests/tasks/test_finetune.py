"""Fine-tuning: kinds and formats, and what the contract test and others take as examples of this task."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gpt2kit
from gpt2kit import recipe
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError, RecipeError, UserError
from gpt2kit.runs.prepared import Prepared
from gpt2kit.tasks.base import decode_row
from gpt2kit.tasks.finetune import Finetune
from gpt2kit.tasks.formats.choice import Choice
from gpt2kit.tasks.formats.completion import Completion
from gpt2kit.tasks.formats.labelled import Labelled
from gpt2kit.tasks.record import Record

TINY = [
    *("task.vocab=300", "model.n_layer=1", "model.n_head=2", "model.n_embd=32", "model.n_positions=64"),
    *("model.dropout=0", "train.budget=", "train.steps=150", "train.optimizer=adamw", "train.lr=1e-2"),
    *("train.batch_tokens=256", "train.ema=0", "train.dtype=fp32", "train.compile=off", "train.evaluate_every=150"),
    *("generate.temperature=0", "generate.max_new_tokens=40"),
]
RECORDS = [Record("", "What is\nlearned."), Record("Whatever", " été 中文")]


def write_corpus(folder: Path) -> list[str]:
    """Plain text: the other kinds have tests of their own."""
    path = folder / "notes.txt"
    path.write_text("A line that is learned by heart.", encoding="utf-8")
    return [str(path)]


def write_table(folder: Path, rows: list[dict[str, Any]]) -> str:
    path = folder / "table.jsonl"
    path.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows), encoding="utf-8")
    return str(path)


def prepared(corpus: str, out: Path, *settings: str) -> tuple[Any, Store]:
    """The task that the table is for, and what is learned from."""
    tiny = recipe.load("finetune", [*TINY, *settings])
    gpt2kit.prepare(tiny, {"train": [corpus], "val": [corpus]}, out)
    return Prepared.open(out).task, Store(out, "train")


def kind_of(task: Any) -> type[Any]:
    return type(task)


def test_text(tmp_path: Path) -> None:
    task, store = prepared(write_table(tmp_path, [{"id": 1, "text": "one"}, {"id": 2, "text": "two"}]), tmp_path / "d")
    assert kind_of(task) is Finetune
    assert task.describe() == ["kind text"]
    assert task.named == {"text": "text"}
    assert task.vocabulary.render(store.ids.tolist()) == "<|endoftext|>one<|endoftext|>two"


def test_completions(tmp_path: Path) -> None:
    rows = [{"question": "2 + 2", "answer": "4"}, {"question": "", "answer": "5"}, {"question": "6", "answer": ""}]
    task, store = prepared(write_table(tmp_path, rows), tmp_path / "data")
    assert kind_of(task) is Completion
    assert len(store) == 1
    prompt, target = store.row(0)
    assert (task.vocabulary.render(prompt), task.vocabulary.render(target)) == ("2 + 2<complete>", "4<|endoftext|>")
    assert decode_row(task, prompt, target) == (("2 + 2",), "4")
    report = json.loads((tmp_path / "data" / "prepare.json").read_text())["splits"]["train"]
    assert report["dropped"] == {"no prompt": 1, "no completion": 1}


WRONG_TEMPLATES = [
    ("Q: {question} {answer}!", "must end with"),
    ("{answer}", "needs a column before {answer}, the completion"),
    ("{answer} {answer}", "in the prompt too"),
    ("{question} {answer:>5}", "only the name of a column may be in braces"),
    ("{} {answer}", "only the name of a column may be in braces"),
    ("A: {{ {answer}", "needs a column before {answer}, the completion"),
]


def test_a_template(tmp_path: Path) -> None:
    rows = [{"title": "Sums", "question": "2 + 2", "answer": "4"}]
    template = 'task.template="{title}\\nQ: {question}\\nA: {answer}"'
    task, store = prepared(write_table(tmp_path, rows), tmp_path / "data", template)
    prompt, target = store.row(0)
    assert task.vocabulary.render(prompt) == "Sums\nQ: 2 + 2\nA:", "the space belongs to the word behind it"
    assert task.vocabulary.render(target) == " 4<|endoftext|>"
    assert task.decode(target) == "4"
    assert task.parse("Sums\t2 + 2") == ("Sums", "2 + 2")
    assert task.encode_source(("Sums", "2 + 2")) == prompt
    ids = task.encode_source(("x " * 50, "2 + 2"))
    shortened = task.vocabulary.render(task.layout.shorten(ids, 40))
    assert shortened.startswith("x x")
    assert shortened.endswith("\nA:"), "what the prompt ends with stays"
    assert task.describe() == ["kind completion (template '{title}\\nQ: {question}\\nA: {answer}')"]
    for wrong, reason in WRONG_TEMPLATES:
        with pytest.raises(RecipeError, match=reason):
            prepared(write_table(tmp_path, rows), tmp_path / "other", f"task.template={wrong}")
    with pytest.raises(DataError, match="no column 'quest'"):
        prepared(write_table(tmp_path, rows), tmp_path / "other", "task.template=Q: {quest} A: {answer}")


def test_labels(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"text": "fine", "label": 1},
        {"text": "bad", "label": 0},
        {"text": "", "label": 1},
        {"text": "x", "label": None},
    ]
    task, store = prepared(write_table(tmp_path, rows), tmp_path / "data")
    assert kind_of(task) is Labelled
    assert task.labels == ("0", "1")
    assert [task.vocabulary.render(store.row(n)[0]) for n in range(2)] == [
        "<start>fine<extract>",
        "<start>bad<extract>",
    ]
    assert [decode_row(task, *store.row(n)) for n in range(2)] == [(("fine",), "1"), (("bad",), "0")]
    report = json.loads((tmp_path / "data" / "prepare.json").read_text())["splits"]["train"]
    assert report["dropped"] == {"empty text": 1, "no label": 1}


def test_pairs_whose_control_tokens_fill_the_window(tmp_path: Path) -> None:
    """Three tokens before, between and after the texts are never cut; with the label they need a window of 4."""
    rows = [{"sentence1": f"a {n}", "sentence2": f"b {n}", "label": n % 2} for n in range(4)]
    task, store = prepared(write_table(tmp_path, rows), tmp_path / "4", "model.n_positions=4")
    assert [task.decode_source(store.row(place)[0]) for place in range(len(store))] == [("", "")] * len(store)
    with pytest.raises(DataError, match="source longer than the window"):
        prepared(write_table(tmp_path, rows), tmp_path / "3", "model.n_positions=3")
    assert task.layout.shorten(task.encode_source(("a", "b")), 2) == task.encode_source(("", ""))


def test_entailment_and_similarity(tmp_path: Path) -> None:
    rows = [{"premise": "a b", "hypothesis": "c", "label": "yes"}, {"premise": "d", "hypothesis": "e", "label": "no"}]
    task, store = prepared(write_table(tmp_path, rows), tmp_path / "entailment")
    assert task.vocabulary.render(store.row(0)[0]) == "<start>a b<delimiter>c<extract>"
    assert task.decode_source(store.row(0)[0]) == ("a b", "c")
    alike = [{"first": row["premise"], "second": row["hypothesis"], "label": row["label"]} for row in rows]
    task, store = prepared(write_table(tmp_path, alike), tmp_path / "similarity")
    both = "<start>a b<delimiter>c<extract><start>c<delimiter>a b<extract>"
    assert task.vocabulary.render(store.row(0)[0]) == both
    assert task.decode_source(store.row(0)[0]) == ("a b", "c")
    assert task.layout.length(store.row(0)[0]) == len(store.row(0)[0]) // 2


@pytest.mark.parametrize("choices", [["on", "under", "in"], '["on", "under", "in"]', "on| under |in"])
@pytest.mark.parametrize("answer", [1, "1", "under"])
def test_choices(tmp_path: Path, choices: Any, answer: Any) -> None:
    rows = [{"context": "The cat is", "choices": choices, "answer": answer}]
    task, store = prepared(write_table(tmp_path, rows), tmp_path / "data")
    assert kind_of(task) is Choice
    prompt, target = store.row(0)
    expected = "".join(f"<start>The cat is<delimiter>{choice}<extract>" for choice in ("on", "under", "in"))
    assert (task.vocabulary.render(prompt), target) == (expected, [1])
    assert decode_row(task, prompt, target) == (("The cat is", "on", "under", "in"), "under")
    assert task.layout.answers(task.decode_source(prompt)) == ("on", "under", "in")


def test_a_part_of_an_input_has_no_answer(tmp_path: Path) -> None:
    rows = [{"premise": "a", "hypothesis": "b", "label": label} for label in ("x", "y")]
    pair, _ = prepared(write_table(tmp_path, rows), tmp_path / "pairs")
    assert pair.parse("a\tb") == ("a", "b")
    for text in ("a", "a\t", "a\tb\tc"):
        with pytest.raises(UserError, match="with a tab between them: YOUR premise<TAB>YOUR hypothesis"):
            pair.parse(text)
    assert pair.blank(pair.parse("")), "an empty line stays empty"
    question = {"context": "The cat is", "choices": ["on", "under"], "answer": 1}
    choice, _ = prepared(write_table(tmp_path, [question]), tmp_path / "choices")
    assert choice.parse("It is\ton\tunder\tin") == ("It is", "on", "under", "in")
    for text in ("It is", "It is\ton", "\ton\tunder"):
        with pytest.raises(UserError, match="YOUR CONTEXT<TAB>ONE CHOICE<TAB>ANOTHER"):
            choice.parse(text)
    assert choice.blank(choice.parse(""))


def test_choices_that_are_numbers(tmp_path: Path) -> None:
    """A number in JSON is the choice's place; a text is its text, where there is such a choice."""
    rows = [{"question": "1 + 1", "choices": ["2", "3", "1"], "answer": answer} for answer in (1, "1")]
    _, store = prepared(write_table(tmp_path, rows), tmp_path / "data")
    assert [store.row(n)[1] for n in range(2)] == [[1], [2]]


def test_an_index_that_pandas_wrote(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(",text,label\n0,a,x\n1,b,y\n", encoding="utf-8")
    task, store = prepared(str(path), tmp_path / "data")
    assert [decode_row(task, *store.row(n)) for n in range(2)] == [(("a",), "x"), (("b",), "y")]


@pytest.mark.parametrize("content", ["", "text,label\n"])
def test_a_table_without_rows(tmp_path: Path, content: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"table.csv: this table has no rows"):
        prepared(str(path), tmp_path / "data")


def test_choices_that_are_none(tmp_path: Path) -> None:
    good = {"context": "c", "choices": ["a", "b"], "answer": 0}
    bad = [good | {"answer": 2}, good | {"answer": "z"}, good | {"choices": ["a"]}, good | {"context": ""}]
    prepared(write_table(tmp_path, [good, *bad]), tmp_path / "data")
    report = json.loads((tmp_path / "data" / "prepare.json").read_text())["splits"]["train"]
    reasons = {"the answer is not one of the choices": 2, "fewer than two choices": 1, "empty text": 1}
    assert report["dropped"] == reasons
    for wrong in ({"choices": 3}, {"choices": ["a", 1]}, {"choices": "[1"}, {"answer": ["a"]}):
        with pytest.raises(DataError, match=r"table.jsonl:2: .*(choices|label)"):
            prepared(write_table(tmp_path, [good, good | wrong]), tmp_path / "other")


def test_texts_that_are_too_long_are_cut_at_their_ends(tmp_path: Path) -> None:
    rows = [{"first": "abc " * 40, "second": "xyz", "label": "1"}, {"first": "a", "second": "b", "label": "2"}]
    task, store = prepared(write_table(tmp_path, rows), tmp_path / "data", "task.vocab=260")
    prompt = store.row(0)[0]
    assert task.layout.length(prompt) == 63, "a window of 64, and one for the answer"
    assert task.vocabulary.render(prompt).count("xyz") == 2
    assert "abc abc" in task.vocabulary.render(prompt), "the long text is what is cut"
    report = json.loads((tmp_path / "data" / "prepare.json").read_text())["splits"]["train"]
    assert report["cut"] == 1


def test_labels_that_are_no_labels(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"column 'label': different labels in the training part: 1 \('.*'\); expected 2 to 1,000; if"
    ):
        prepared(write_table(tmp_path, [{"text": "a", "label": 1}, {"text": "b", "label": 1}]), tmp_path / "data")
    rows = [{"text": f"a {n}", "label": f"b {n}"} for n in range(1001)]
    with pytest.raises(DataError, match="different labels in the training part: 1,001 "):
        prepared(write_table(tmp_path, rows), tmp_path / "data")


def test_a_label_that_training_lacks(tmp_path: Path) -> None:
    corpus = write_table(tmp_path, [{"text": "a", "label": "x"}, {"text": "b", "label": "y"}])
    task, _ = prepared(corpus, tmp_path / "data")
    corpus = write_table(tmp_path, [{"text": "c", "label": "z"}])
    (record,) = task.read([corpus])
    assert record.problem == "label does not occur in the training part"


def test_a_table_without_a_header(tmp_path: Path) -> None:
    path = tmp_path / "sst.tsv"
    path.write_text('1\tgood "film"\n0\tbad\n', encoding="utf-8")
    task, store = prepared(str(path), tmp_path / "data", "task.columns=text=1,label=0")
    assert [decode_row(task, *store.row(n)) for n in range(2)] == [(('good "film"',), "1"), (("bad",), "0")]
    path = tmp_path / "sst.csv"
    path.write_text("1,good\n0,bad\n", encoding="utf-8")
    task, store = prepared(str(path), tmp_path / "csv", "task.columns=text=1,label=0")
    assert [decode_row(task, *store.row(n)) for n in range(2)] == [(("good",), "1"), (("bad",), "0")]


def test_a_csv(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([["id", "text", "label"], ["1", 'a\nb, "c"', "x"], ["2", "d", "y"]])
    task, store = prepared(str(path), tmp_path / "data")
    assert decode_row(task, *store.row(0)) == (('a\nb, "c"',), "x")


def test_numbers_are_labels_in_their_order(tmp_path: Path) -> None:
    labels = [10, 9, -1.5, "none", 2, "nan", None]
    rows = [{"text": f"a {n}", "label": label} for n, label in enumerate(labels)]
    task, _ = prepared(write_table(tmp_path, rows), tmp_path / "data")
    assert task.labels == ("-1.5", "2", "9", "10", "nan", "none")


def test_plain_text_has_no_columns(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="plain text has no columns"):
        prepared(write_corpus(tmp_path)[0], tmp_path / "data", "task.columns=text=a")


def test_settings_that_contradict_each_other() -> None:
    for setting in ("task.columns=text", "task.columns=txt=a", "task.kind=other"):
        with pytest.raises(RecipeError):
            recipe.load("finetune", [setting])
    with pytest.raises(RecipeError, match="template needs kind = 'completion', not '"):
        recipe.load("finetune", ["task.kind=text", "task.template={a} {b}"])


SharedData = Callable[[str], Path]


def test_reviews_as_they_are_given_out(shared_data: SharedData, tmp_path: Path) -> None:
    """SST-2: a label, a tab and a sentence, without a header, packed."""
    task, store = prepared(str(shared_data("sst2/sst2-dev.tsv.gz")), tmp_path / "data", "task.columns=text=1,label=0")
    assert len(store) == 872
    assert task.labels == ("0", "1")


def test_answers_of_a_run_that_do_not_fit_the_data() -> None:
    """Another number of texts in a row, or a label that the data does not have."""
    one = Completion(kind="completion", columns=("prompt=q", "completion=a"))
    two = Completion(kind="completion", columns=("prompt=q+more", "completion=a"))
    with pytest.raises(DataError, match=r"answers 1 text \(q\), and a row of the data has 2 texts \(q, more\)"):
        list(one.questions([], two, {}))
    columns = ("text=t", "label=l")
    wider = Labelled(kind="classification", columns=columns, labels=("bad", "good", "so so"))
    data = Labelled(kind="classification", columns=columns, labels=("good", "bad"))
    asked: Record[tuple[str, ...], Any] = Record(("fine",), None)
    with pytest.raises(DataError, match="the run has the label 'so so'; those of the data are good, bad"):
        list(wider.questions([asked], data, {}))
    (question,) = data.questions([asked], wider, {})
    assert question.learned("good") == Record(("fine",), "good")
