"""The page's prompts are those of the tasks, of every form and cut to any window, and so are its answers."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from gpt2kit.config import GenerateConfig
from gpt2kit.live.asking import asking
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.pipeline.endings import output_of
from gpt2kit.pipeline.engine import Engine as Opened
from gpt2kit.tasks.base import Task
from gpt2kit.tasks.finetune import Finetune
from gpt2kit.tasks.lm import Lm
from gpt2kit.tasks.record import Record
from gpt2kit.tasks.summarize import Document, Summarize
from gpt2kit.tasks.text import TextPairs
from gpt2kit.tasks.translate import Sentence, Translate

Engine = Callable[..., Any]
AnyTask = Task[Any, Any]

WORDS = [
    *(
        "The",
        "cat",
        "sat",
        "on",
        "the",
        "mat.",
        "été",
        "中文",
        "🙂",
        "don't",
        "12",
        "<plain>",
        "<start>",
        "Katze",
        "ΣΑΣ",
    ),
    *(
        "\n",
        "\n\n",
        "\t",
        "\u2028",
        "== Heading ==\n",
        "= not one",
        "İstanbul",
        "ภาษาไทย",
        "ﬁ",
        "e\u0301",
        "\U0001d7ce",
    ),
]
"""Of all scripts, with what separates paragraphs, and control tokens that are only spelled."""

BLANKS = ["", " ", "\n\t", "\x1c\x85\u3000", "\ufeff"]
"""White space for Python, except the last one."""

WINDOWS = (6, 11, 24, 64, 200)


def texts(seed: int, longest: int = 60) -> Iterator[str]:
    draw = random.Random(seed)
    while True:
        yield " ".join(draw.choice(WORDS) for _ in range(draw.randrange(1, longest)))


SOME = list(islice(texts(1), 16))
SHORT = ["cat", "12", "été 🙂", *(text[:30] for text in SOME[:9])]


@dataclass(frozen=True)
class Plain(TextPairs[str]):
    """A task of a user's own, of plain texts."""

    separator = "<plain>"

    def read(self, corpus: Sequence[str]) -> Iterator[Record[str, str]]:
        return (self.pair(text, text[::-1]) for text in SOME)


@dataclass(frozen=True)
class Case:
    """A task, which is fitted in a folder, and some of its inputs."""

    fit: Callable[[Path], AnyTask]
    sources: Sequence[Any]


def learned(task: AnyTask, *corpus: str) -> Callable[[Path], AnyTask]:
    return lambda folder: task.fit(corpus, [Record(task.parse(text), text) for text in SOME], folder, 64)


def tabled(rows: Sequence[dict[str, Any]], **settings: Any) -> Callable[[Path], AnyTask]:
    def fit(folder: Path) -> AnyTask:
        path = folder / "table.jsonl"
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
        task = Finetune(vocab=300, **settings).infer_task([str(path)])
        return task.fit([str(path)], task.read([str(path)]), folder, 64)

    return fit


def rows_of(**columns: Callable[[int], Any]) -> list[dict[str, Any]]:
    return [{name: make(number) for name, make in columns.items()} for number in range(len(SOME))]


text, other, short = SOME.__getitem__, SOME[::-1].__getitem__, lambda number: SOME[number][:9]

DOCUMENTS = [Document(title, body) for title in ("", "The cat ΣΑΣ 中文") for body in (*SOME, *BLANKS)]
PAIRS = [*zip([*SHORT, *SOME], [*SOME, *SHORT], strict=True)]
TURNS = [
    (system, *SOME[start : start + size])
    for system in ("", "Be brief.")
    for size in (1, 3, 5)
    for start in range(0, 15, size)
]

CASES = {
    "plain texts": Case(learned(Plain(vocab=300)), [*SOME, *BLANKS]),
    "two languages": Case(
        learned(Translate(vocab=300), "de=a.tsv", "fr=b.tsv"),
        [
            Sentence(each, to)
            for to in ("de", "fr")
            for each in (*SOME, *BLANKS, "12.5%", "see https://ab.cd/éf <b>", "12 <b>é", "a.b@c.de 7")
        ],
    ),
    **{
        f"documents, {cut}": Case(learned(Summarize(vocab=300, cut=cut)), DOCUMENTS)
        for cut in ("head", "head-tail", "tfidf", "long")
    },
    "continued": Case(learned(Lm(vocab=300)), [*SOME, *BLANKS]),
    "continued after a start": Case(learned(Finetune(vocab=300, kind="text")), SOME),
    "completions": Case(tabled(rows_of(prompt=text, completion=other)), [(each,) for each in (*SOME, *BLANKS)]),
    "instructions": Case(
        tabled(rows_of(instruction=text, input=other, output=short)),
        [*PAIRS, ("", "x"), ("x", " "), ("\ufeff", "x"), (" ", "")],
    ),
    "a template": Case(
        tabled(
            rows_of(question=text, title=short, answer=other),
            template="{{{title}}}\nQ: {question} {title}\nA: {answer}",
        ),
        PAIRS,
    ),
    "a template of little": Case(
        tabled(rows_of(q=text, a=short), template="{q} {a}"), [(each,) for each in (*SOME, *BLANKS)]
    ),
    "conversations": Case(
        tabled([{"messages": [{"role": "user", "content": a}, {"role": "assistant", "content": b}]} for a, b in PAIRS]),
        [*TURNS, ("", "x", "y", " ")],
    ),
    "labels": Case(tabled(rows_of(text=text, label=lambda n: n % 3)), [(each,) for each in SOME]),
    "labels of pairs": Case(tabled(rows_of(premise=text, hypothesis=other, label=lambda n: n % 2)), PAIRS),
    "labels of pairs in both orders": Case(tabled(rows_of(first=text, second=other, label=lambda n: n % 2)), PAIRS),
    "choices": Case(
        tabled(rows_of(context=text, choices=lambda n: ["a stone", "an apple"], answer=lambda n: n % 2)),
        [*zip(SOME, SHORT * 2, SOME[::-1], strict=False), *zip(SHORT, SHORT[::-1], SOME, SHORT, strict=False)],
    ),
}


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], AnyTask]:
    """`fitted(name)`: the task of one of CASES, made once."""
    made: dict[str, AnyTask] = {}

    def get(name: str) -> AnyTask:
        if name not in made:
            made[name] = CASES[name].fit(tmp_path_factory.mktemp("task"))
        return made[name]

    return get


NAMES = pytest.mark.parametrize("name", CASES)


def values_of(source: Any) -> list[Any]:
    """A source as the page has it: its texts, and what is asked for, such as a language."""
    if isinstance(source, Sentence):
        return [[source.text], source.to]
    return [[source] if isinstance(source, str) else [*source]]


@NAMES
def test_prompts(engine: Engine, fitted: Callable[[str], AnyTask], tiny_model: Callable[..., GPT2], name: str) -> None:
    task, sources = fitted(name), CASES[name].sources
    sources = [source for source in sources if not task.blank(source)]
    body = """({ tokenizer, task, generate }, windows, inputs) => {
        const prompts = promptsOf(task, new Bpe(tokenizer));
        return windows.map((window) => inputs.map(([values, ...ending]) => {
            const { ids, cut } = prompts.prompt(values, generate, window, ...ending);
            return [ids, cut];
        }));
    }"""
    for config in (GenerateConfig(), GenerateConfig(roll=True, device="cpu")):
        found = engine(body, asking(task, config), WINDOWS, [values_of(source) for source in sources])
        for window, prompts in zip(WINDOWS, found, strict=True):
            model = tiny_model(task.vocabulary.size, n_layer=1, n_embd=2, n_positions=window)
            opened = Opened(task, model, config)
            wanted = [opened.prompt(source, config) for source in sources]
            assert prompts == [[ids, cut] for ids, cut in wanted]


@NAMES
def test_answers(engine: Engine, fitted: Callable[[str], AnyTask], name: str) -> None:
    task = fitted(name)
    draw = random.Random(0)
    rows = [[draw.randrange(task.vocabulary.size) for _ in range(draw.randrange(8))] for _ in range(200)]
    inputs = [*map(values_of, CASES[name].sources)]
    body = """({ tokenizer, task }, inputs, rows) => {
        const prompts = promptsOf(task, new Bpe(tokenizer));
        return [inputs.map(([values]) => prompts.answerWithoutModel(values)), rows.map((ids) => prompts.answer(ids))];
    }"""
    known, answers = engine(body, asking(task, GenerateConfig()), inputs, rows)
    assert known == [task.answer_without_model(source) for source in CASES[name].sources]
    if not task.layout.labels:
        assert answers == [output_of(task, ids, None) for ids in rows]


@NAMES
def test_what_may_be_answered(engine: Engine, fitted: Callable[[str], AnyTask], name: str) -> None:
    """The answers of a classifier by their numbers."""
    task = fitted(name)
    body = "({ tokenizer, task }, values) => promptsOf(task, new Bpe(tokenizer)).answers?.(values) ?? []"
    source = CASES[name].sources[-1]
    found = engine(body, asking(task, GenerateConfig()), values_of(source)[0])
    assert found == [*task.layout.answers(source)]
