"""Tables as well-known datasets and tools have them: their kind, and what is learned from their first row."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from gpt2kit.errors import RecipeError
from gpt2kit.tasks.finetune import Finetune

Row = dict[str, Any]


def write_rows(folder: Path, rows: list[Row]) -> str:
    path = folder / "table.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return str(path)


def understood(folder: Path, rows: list[Row], **settings: Any) -> tuple[Any, list[tuple[Any, str, str]]]:
    """The task that a table is for; the source, the target and the problem of each record."""
    corpus = [write_rows(folder, rows)]
    task: Any = Finetune(**settings).infer_task(corpus)
    return task, [(record.source, record.target, record.problem) for record in task.read(corpus)]


CHOICES: dict[str, tuple[list[Row], tuple[str, ...], str]] = {
    "WinoGrande": (
        [{"sentence": f"The _ {n} fell.", "option1": "box", "option2": "ball", "answer": n} for n in "21"],
        ("The _ 2 fell.", "box", "ball"),
        "ball",
    ),
    "a list that counts from 1": (
        [{"sentence": f"The _ {n} fell.", "choices": ["box", "ball"], "answer": n} for n in "21"],
        ("The _ 2 fell.", "box", "ball"),
        "ball",
    ),
    "numbers of JSON that count from 1": (
        [{"question": f"q {n}", "options": ["a", "b", "c"], "answer": n} for n in (1, 2, 3)],
        ("q 1", "a", "b", "c"),
        "a",
    ),
    "QuALITY": (
        [
            {"article": "Long.", "question": "Why?", "options": ["a b", "c", "d", "e"], "gold_label": n}
            for n in (1, 4, 2)
        ],
        ("Long.\nWhy?", "a b", "c", "d", "e"),
        "a b",
    ),
    "HellaSwag": (
        [{"ind": 4, "ctx": "A man", "endings": ["runs", "sits", "eats", "is"], "label": n} for n in ("3", "0", "")],
        ("A man", "runs", "sits", "eats", "is"),
        "is",
    ),
    "SWAG": (
        [
            {"sent1": "He sat.", "sent2": "He", "startphrase": "x", "label": n}
            | {f"ending{place}": f"did {place}" for place in range(4)}
            for n in (2, 0)
        ],
        ("He sat.\nHe", "did 0", "did 1", "did 2", "did 3"),
        "did 2",
    ),
    "PIQA": (
        [{"goal": "cut", "sol1": "knife", "sol2": "pen", "label": n} for n in (1, 0)],
        ("cut", "knife", "pen"),
        "pen",
    ),
    "COPA": (
        [
            {"premise": "It rained.", "choice1": "wet", "choice2": "dry", "question": "effect", "idx": n, "label": n}
            for n in (0, 1)
        ],
        ("It rained.\neffect", "wet", "dry"),
        "wet",
    ),
    "Social IQa": (
        [
            {"context": "Jo left.", "question": "Why?", "answerA": "a", "answerB": "b", "answerC": "c", "label": n}
            for n in ("3", "1")
        ],
        ("Jo left.\nWhy?", "a", "b", "c"),
        "c",
    ),
    "RACE": (
        [{"article": "Long.", "question": "Who?", "options": ["x", "y", "z", "w"], "answer": n} for n in "BA"],
        ("Long.\nWho?", "x", "y", "z", "w"),
        "y",
    ),
    "ARC": (
        [
            {"id": "1", "question": "Q", "choices": {"text": ["3", "4"], "label": ["A", "B"]}, "answerKey": "B"},
            {"id": "2", "question": "Q", "choices": {"text": ["3", "4"], "label": ["1", "2"]}, "answerKey": "1"},
        ],
        ("Q", "3", "4"),
        "4",
    ),
    "OpenBookQA": (
        [{"question_stem": "Q", "choices": {"text": ["x", "y"], "label": ["A", "B"]}, "answerKey": "A"}],
        ("Q", "x", "y"),
        "x",
    ),
    "CommonsenseQA as its authors have it": (
        [
            {
                "id": "1",
                "question": {"stem": "Q", "choices": [{"label": "A", "text": "x"}, {"label": "B", "text": "y"}]},
                "answerKey": "B",
            }
        ],
        ("Q", "x", "y"),
        "y",
    ),
    "MedQA": (
        [{"question": "Q", "answer": "y", "options": {"A": "x", "B": "y"}, "answer_idx": "B", "meta_info": "s"}],
        ("Q", "x", "y"),
        "y",
    ),
    "MMLU": (
        [{"question": "Q", "subject": "s", "choices": ["x", "y", "z", "w"], "answer": n} for n in (3, 0)],
        ("Q", "x", "y", "z", "w"),
        "w",
    ),
    "columns A to D": (
        [{"question": "Q", "A": "x", "B": "y", "C": "z", "D": "w", "answer": n} for n in "CA"],
        ("Q", "x", "y", "z", "w"),
        "z",
    ),
    "SciQ": (
        [{"question": "Q", "distractor1": "x", "distractor2": "y", "distractor3": "z", "correct_answer": "w"}],
        ("Q", "w", "x", "y", "z"),
        "w",
    ),
    "StoryCloze": (
        [
            {f"InputSentence{place}": f"s{place}" for place in range(1, 5)}
            | {"RandomFifthSentenceQuiz1": "yes", "RandomFifthSentenceQuiz2": "no", "AnswerRightEnding": n}
            for n in ("2", "1")
        ],
        ("s1\ns2\ns3\ns4", "yes", "no"),
        "no",
    ),
    "an answer that names its column": (
        [{"question": "Q", "option_a": "x", "option_b": "y", "answer": "option_b"}],
        ("Q", "x", "y"),
        "y",
    ),
    "choices as pandas writes them": (
        [{"question": "Q", "choices": "['x', \"it's\"]", "answer": "1.0"} for _ in range(1)],
        ("Q", "x", "it's"),
        "it's",
    ),
}


@pytest.mark.parametrize("name", CHOICES)
def test_choices(name: str, tmp_path: Path) -> None:
    rows, source, target = CHOICES[name]
    task, records = understood(tmp_path, rows)
    assert task.kind == "choice"
    assert records[0] == (source, target, "")
    assert {problem for _, _, problem in records[1:]} <= {"", "no answer"}


@pytest.mark.parametrize("answer", [1, "1"])
def test_choices_whose_numbers_do_not_tell(answer: Any, tmp_path: Path) -> None:
    rows = [{"sentence": f"s {n}", "option1": "x", "option2": "y", "option3": "z", "answer": answer} for n in range(4)]
    with pytest.raises(
        Exception, match=r"'answer': .* may count from 0 or from 1: all 4 answers are 1; .*--count-from 0"
    ):
        understood(tmp_path, rows)
    for count_from, target in (("0", "y"), ("1", "x")):
        task, records = understood(tmp_path, rows, count_from=count_from)
        assert {record[1] for record in records} == {target}
        assert f"answers that are numbers count from {count_from}" in task.describe()


PAIR = ("A man sleeps.", "Somebody sleeps.")
LABELS: dict[str, tuple[str, Row, tuple[str, ...], str]] = {
    "SNLI": ("entailment", {"gold_label": "neutral", "sentence1": PAIR[0], "sentence2": PAIR[1]}, PAIR, "neutral"),
    "MNLI": ("entailment", {"premise": PAIR[0], "hypothesis": PAIR[1], "label": 1, "idx": 0}, PAIR, "1"),
    "RTE": ("entailment", {"sentence1": PAIR[0], "sentence2": PAIR[1], "label": 0, "idx": 1}, PAIR, "0"),
    "QNLI": ("entailment", {"question": PAIR[1], "sentence": PAIR[0], "label": 0}, PAIR, "0"),
    "BoolQ": ("entailment", {"question": PAIR[1], "passage": PAIR[0], "answer": True}, PAIR, "True"),
    "SICK": ("entailment", {"sentence_A": PAIR[0], "sentence_B": PAIR[1], "entailment_label": "x"}, PAIR, "x"),
    "QQP": (
        "similarity",
        {"id": 1, "qid1": 2, "question1": PAIR[0], "question2": PAIR[1], "is_duplicate": 1},
        PAIR,
        "1",
    ),
    "MRPC": (
        "similarity",
        {"Quality": 1, "#1 ID": 3, "#2 ID": 4, "#1 String": PAIR[0], "#2 String": PAIR[1]},
        PAIR,
        "1",
    ),
    "SST-2": ("classification", {"sentence": "so good", "label": 1, "idx": 7}, ("so good",), "1"),
    "an index without a name": (
        "classification",
        {"": 0, "sentence": "so good", "sentiment": "good"},
        ("so good",),
        "good",
    ),
    "IMDB": ("classification", {"Review": "so good", "Sentiment": "positive"}, ("so good",), "positive"),
    "airline tweets": (
        "classification",
        {"tweet_id": 5, "airline_sentiment": "negative", "negativereason": "late", "text": "so late"},
        ("so late",),
        "negative",
    ),
    "hate speech": ("classification", {"": 0, "count": 3, "class": 2, "tweet": "so good"}, ("so good",), "2"),
    "disasters": ("classification", {"id": 1, "keyword": "", "text": "so good", "target": 1}, ("so good",), "1"),
    "headlines": ("classification", {"article_link": "u", "headline": "so good", "is_sarcastic": 0}, ("so good",), "0"),
    "AG News": (
        "classification",
        {"Class Index": 3, "Title": "Oil", "Description": "so good"},
        ("Oil\nso good",),
        "3",
    ),
    "DBpedia": ("classification", {"label": 3, "title": "Oil", "content": "so good"}, ("Oil\nso good",), "3"),
    "spam": ("classification", {"v1": "ham", "v2": "so good"}, ("so good",), "ham"),
    "Amazon": ("classification", {"Id": 1, "Score": 5, "Summary": "x", "Text": "so good"}, ("so good",), "5"),
    "stars": ("classification", {"review_id": "a1", "stars": 4, "text": "so good"}, ("so good",), "4"),
}


@pytest.mark.parametrize("name", LABELS)
def test_labels(name: str, tmp_path: Path) -> None:
    kind, row, source, label = LABELS[name]
    task, records = understood(tmp_path, [row])
    assert task.kind == kind
    assert records == [(source, label, "")]


COMPLETIONS: dict[str, tuple[Row, tuple[str, ...], str]] = {
    "Alpaca": (
        {"instruction": "Translate.", "input": "a cat", "output": "un chat", "text": "all of it"},
        ("Translate.", "a cat"),
        "un chat",
    ),
    "Dolly": (
        {"instruction": "Who?", "context": "Jo.", "response": "Jo", "category": "closed_qa"},
        ("Who?", "Jo."),
        "Jo",
    ),
    "Orca": (
        {"id": "1", "system_prompt": "Be kind.", "question": "Who?", "response": "Jo"},
        ("Be kind.", "Who?"),
        "Jo",
    ),
    "SQuAD": (
        {
            "id": "1",
            "title": "T",
            "context": "Jo.",
            "question": "Who?",
            "answers": {"text": ["Jo"], "answer_start": [0]},
        },
        ("Jo.", "Who?"),
        "Jo",
    ),
    "a flat SQuAD": ({"context": "Jo.", "question": "Who?", "answer": "Jo"}, ("Jo.", "Who?"), "Jo"),
    "prompts": ({"prompt": "Who?", "completion": "Jo"}, ("Who?",), "Jo"),
    "GSM8K": ({"question": "Who?", "answer": "Jo"}, ("Who?",), "Jo"),
    "inputs": ({"inputs": "Who?", "targets": "Jo", "task": "x"}, ("Who?",), "Jo"),
    "input and output": ({"input": "Who?", "output": "Jo"}, ("Who?",), "Jo"),
    "TriviaQA": ({"question": "Who?", "answer": {"value": "Jo", "aliases": ["J"]}}, ("Who?",), "Jo"),
    "highlights": ({"article": "Long.", "highlights": "Short.", "id": "1"}, ("Long.",), "Short."),
}


@pytest.mark.parametrize("name", COMPLETIONS)
def test_completions(name: str, tmp_path: Path) -> None:
    row, source, target = COMPLETIONS[name]
    task, records = understood(tmp_path, [row])
    assert task.kind == "completion"
    assert records == [(source, target, "")]


def test_an_instruction_with_and_without_an_input(tmp_path: Path) -> None:
    """The prompt has both; an empty input leaves no empty line, and a missing one is an empty one."""
    rows = [
        {"instruction": "Translate.", "input": "a cat", "output": "un chat"},
        {"instruction": "Say hello.", "input": "", "output": "Hello."},
        {"instruction": "Say goodbye.", "output": "Goodbye."},
    ]
    corpus = [write_rows(tmp_path, rows)]
    task = Finetune().infer_task(corpus)
    assert [record.key for record in task.read(corpus)] == ["Translate.\na cat", "Say hello.", "Say goodbye."]
    assert task.parse("Translate.\ta dog") == ("Translate.", "a dog")
    assert task.parse("Say hello.") == ("Say hello.", "")


def test_an_unanswerable_question_and_one_with_several_answers(tmp_path: Path) -> None:
    answers = [{"text": [], "answer_start": []}, {"text": ["Jo", "Jo B.", "B."], "answer_start": [0, 0, 3]}]
    corpus = [write_rows(tmp_path, [{"context": "Jo B.", "question": "Who?", "answers": each} for each in answers])]
    records = list(Finetune().infer_task(corpus).read(corpus))
    assert [(record.target, record.problem) for record in records] == [("", "no completion"), ("Jo", "")]
    assert records[1].skipped == {"completions after the first one of their row": 2}


def talk(*turns: tuple[str, str]) -> list[dict[str, str]]:
    return [{"role": role, "content": content} for role, content in turns]


def test_conversations(tmp_path: Path) -> None:
    """A record for each answer, after all turns before it; the records of a conversation share their key."""
    long = talk(
        ("system", "Be kind."), ("user", "Hi."), ("assistant", "Hello."), ("user", "Bye."), ("assistant", "Ciao.")
    )
    greeting = talk(("assistant", "Welcome."), ("user", "Hi."), ("assistant", "Hello."))
    rows: list[Row] = [{"messages": turns} for turns in (long, greeting, talk(("user", "Hi.")))]
    task, records = understood(tmp_path, rows)
    assert task.kind == "conversation"
    assert records == [
        (("Be kind.", "Hi."), "Hello.", ""),
        (("Be kind.", "Hi.", "Hello.", "Bye."), "Ciao.", ""),
        (("", "", "Welcome.", "Hi."), "Hello.", ""),
        (("",), "", "no answer to a user"),
    ]
    corpus = [write_rows(tmp_path, rows)]
    assert [record.key for record in task.read(corpus)][:3] == ["Hi."] * 3
    assert next(task.inputs(corpus[0], None)) == ("Be kind.", "Hi.", "Hello.", "Bye.")


def test_a_conversation_as_the_model_reads_it(tmp_path: Path) -> None:
    rows = [{"conversations": [{"from": "system", "value": "Be kind."}, {"from": "human", "value": "Hi."}]}]
    rows[0]["conversations"] += [{"from": "gpt", "value": "Hello."}]
    corpus = [write_rows(tmp_path, rows)]
    inferred = Finetune(vocab=270).infer_task(corpus)
    task: Any = inferred.fit(corpus, inferred.read(corpus), tmp_path, 64)
    source = ("Be kind.", "Hi.", "Hello.", "Bye.")
    prompt = task.encode_source(source)
    read = "<system>Be kind.<user>Hi.<assistant>Hello.<user>Bye.<assistant>"
    assert task.vocabulary.render(prompt) == read
    assert task.decode_source(prompt) == source
    assert task.decode_source(task.encode_source(source[:2])) == source[:2]
    assert task.vocabulary.render(task.encode_target("Ciao.")) == "Ciao.<|endoftext|>"
    last = task.layout.shorten(prompt, len(prompt) - 1)
    assert task.vocabulary.render(last) == "<user>Hi.<assistant>Hello.<user>Bye.<assistant>", "whole turns are left out"
    assert task.vocabulary.render(task.layout.shorten(prompt, 4)) == "<user>e.<assistant>"
    assert task.layout.shorten(prompt, len(prompt)) == prompt
    assert task.parse("Hi.") == ("", "Hi.")
    assert task.parse("Hi.\tHello.\tBye.") == ("", "Hi.", "Hello.", "Bye.")
    assert task.parse("Be kind.\tHi.") == ("Be kind.", "Hi.")
    assert [task.show(task.parse(text)) for text in ("Hi.", "Be kind.\tHi.")] == ["Hi.", "Be kind.\tHi."]
    assert task.blank(task.parse(" "))


def test_questions_within_one_row(tmp_path: Path) -> None:
    qas = [{"question": f"q {n}", "answers": [{"text": f"a {n}", "answer_start": 0}]} for n in range(2)]
    task, records = understood(tmp_path, [{"title": "T", "paragraphs": [{"context": "C", "qas": qas}]}])
    assert task.kind == "completion"
    assert records == [(("C", "q 0"), "a 0", ""), (("C", "q 1"), "a 1", "")]
    questions = [{"question": f"q {n}", "options": ["x", "y"], "gold_label": n} for n in (1, 2)]
    task, records = understood(tmp_path, [{"article": "A", "questions": questions}])
    assert records == [(("A\nq 1", "x", "y"), "x", ""), (("A\nq 2", "x", "y"), "y", "")]


@pytest.mark.parametrize(
    ("template", "doubled"),
    [
        ('{"q": "{question}"} {answer}', '{{"q": "{question}"}} {answer}'),
        ("{ {question} } {answer}", "{{ {question} }} {answer}"),
        ("}{question} {answer}", "}}{question} {answer}"),
        ("\\frac{1} {", "\\frac{1} {{"),
    ],
)
def test_braces_of_a_template(template: str, doubled: str) -> None:
    """The message has the very template with its literal braces doubled."""
    with pytest.raises(RecipeError, match=re.escape(f"write {{{{ and }}}} for literal braces, as in {doubled!r}")):
        Finetune(template=template).infer_task(["a.csv"])
