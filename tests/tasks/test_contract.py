"""What every task promises the core, asked of each task there is and of one that nobody has heard of."""

import importlib
import inspect
import random
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import gpt2kit
from gpt2kit import recipe, tasks
from gpt2kit.cli import app
from gpt2kit.data.layouts import Stream
from gpt2kit.doctor import libraries
from gpt2kit.pipeline.opening import load
from gpt2kit.runs.card.usage import generate_example, python_example
from gpt2kit.tasks.base import Task
from gpt2kit.tasks.record import Record
from gpt2kit.tasks.text import TextTask

Examples = Callable[[str], Any]

PAGE = (Path(__file__).parents[2] / "docs" / "adding-a-task.md").read_text(encoding="utf-8")
EXAMPLE = next(block for block in re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S) if "class Reverse" in block)
"""The task that docs/adding-a-task.md adds, as it is there."""
KNOB = 'skip: str = knob("", "a line that is left out", flag=("prepare",))'
TOY = (
    EXAMPLE.replace("from gpt2kit.data.lines", "from gpt2kit.config import knob\nfrom gpt2kit.data.lines")
    .replace('reversed."""', f'reversed."""\n\n    {KNOB}')
    .replace("in text_lines(path):", "in filter(lambda line: line != self.skip, text_lines(path)):")
)
"""The same with a knob that is an option of prepare."""

TOY_RECIPE = """
task.name = "reverse"
task.held_out = 0.1
task.vocab = 256
model = { n_layer = 1, n_head = 2, n_embd = 32, n_positions = 16, dropout = 0 }
train = { steps = 300, lr = 1e-2, batch_tokens = 512, dtype = "fp32", compile = "off", evaluate_every = 300 }
"""


@pytest.fixture(scope="module", params=tasks.names())
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture(scope="module")
def task(name: str, examples: Examples, tmp_path_factory: pytest.TempPathFactory) -> Task[Any, Any]:
    """Each task, fitted on its own tiny corpus."""
    module = examples(name)
    folder = tmp_path_factory.mktemp(name)
    loaded = recipe.load(name, module.TINY).task
    corpus = module.write_corpus(folder)
    return loaded.fit(corpus, loaded.read(corpus), folder, 64)


@pytest.fixture
def records(name: str, examples: Examples) -> list[Record[Any, Any]]:
    found: list[Record[Any, Any]] = examples(name).RECORDS
    return found


def test_a_file_defines_one_task_with_a_recipe_of_its_name(name: str) -> None:
    module = importlib.import_module(f"gpt2kit.tasks.{name}")
    own = [value for value in vars(module).values() if inspect.isclass(value) and value.__module__ == module.__name__]
    assert all(issubclass(value, tasks.find(name)) for value in own if issubclass(value, Task))
    assert recipe.load(name).task_name == name
    assert inspect.getdoc(tasks.find(name)), "the first line is what --help shows"


def test_prompts_come_back(task: Task[Any, Any], records: list[Record[Any, Any]]) -> None:
    for record in records:
        prompt = task.encode_source(record.source)
        assert prompt, "the model needs a token to begin after"
        assert all(0 <= id < task.vocabulary.size for id in prompt)
        assert task.decode_source(prompt) == record.source


def test_answers_come_back_and_end_with_eos(task: Task[Any, Any], records: list[Record[Any, Any]]) -> None:
    for record in records:
        answer = task.encode_target(record.target)
        assert answer[-1] == task.vocabulary.eos
        assert task.vocabulary.eos not in answer[:-1]
        assert all(0 <= id < task.vocabulary.size for id in answer)
        assert task.decode(answer) == record.target
        assert task.decode(answer[:-1]) == record.target


def test_many_at_once_are_the_same_as_one_by_one(task: Task[Any, Any], records: list[Record[Any, Any]]) -> None:
    single = [(task.encode_source(record.source), task.encode_target(record.target)) for record in records]
    if isinstance(task.layout, Stream) and task.layout.joined:
        single = [(prompt, answer[:-1]) for prompt, answer in single]
    assert [(list(prompt), list(answer)) for prompt, answer in task.encode(records)] == single
    assert task.encode([]) == []


def test_a_shortened_prompt_keeps_its_last_token(task: Task[Any, Any], records: list[Record[Any, Any]]) -> None:
    for record in records:
        prompt = task.encode_source(record.source)
        assert task.layout.shorten(prompt, len(prompt)) == prompt
        for room in range(1, len(prompt)):
            shortened = task.layout.shorten(prompt, room)
            assert 0 < len(shortened) <= room
            assert shortened[-1] == prompt[-1]


def test_any_ids_are_decoded(task: Task[Any, Any]) -> None:
    task.decode([])
    draw = random.Random(0)
    for _ in range(1000):
        task.decode([draw.randrange(task.vocabulary.size) for _ in range(draw.randrange(12))])


def test_what_is_blank_can_be_answered_and_shown(task: Task[Any, Any], records: list[Record[Any, Any]]) -> None:
    assert isinstance(task.show(records[0].source), str)
    assert not task.blank(records[0].source)
    assert isinstance(records[0].key, str)


def test_hints_are_what_they_say(name: str, task: Task[Any, Any]) -> None:
    about = task.about
    assert about.pipeline_tag
    assert all(isinstance(word, str) for word in (*about.tags, *about.languages, *python_example(about)))
    compile("\n".join(python_example(about)), "example", "exec")
    assert shlex.split(generate_example(about))
    assert set(about.requires) <= libraries.REQUIRED.keys()
    if isinstance(task, TextTask):
        source = task.parse(about.input)
        assert not task.blank(source)
        assert task.show(source)


def test_a_copy_of_its_files_is_the_same_task(task: Task[Any, Any], tmp_path: Path) -> None:
    task.vocabulary.copy_files(tmp_path, 32)
    copied = task.opened(tmp_path)
    assert copied.vocabulary.fingerprint() == task.vocabulary.fingerprint()
    assert (copied.vocabulary.size, copied.vocabulary.eos) == (task.vocabulary.size, task.vocabulary.eos)
    assert copied.vocabulary.extends(task.folder)


def test_its_examples_are_learnt_by_heart(name: str, examples: Examples, tmp_path: Path) -> None:
    module = examples(name)
    corpus = module.write_corpus(tmp_path)
    tiny = recipe.load(name, module.TINY)
    gpt2kit.prepare(tiny, {"train": corpus, "val": corpus}, tmp_path / "data")
    list(gpt2kit.train(tiny, tmp_path / "data", tmp_path / "run"))
    engine = load(tmp_path / "run")
    records = list(tiny.task.read(corpus))
    answers = [result.outputs[0] for result in engine.results(record.source for record in records)]
    assert answers == [record.target for record in records]


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A task file beside the others, as if somebody had put it there; returns its recipe."""
    folder = tmp_path / "tasks"
    shutil.copytree(Path(tasks.__file__).parent, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "reverse.py").write_text(TOY, encoding="utf-8")
    monkeypatch.setattr(tasks, "__file__", str(folder / "__init__.py"))
    monkeypatch.setattr(tasks, "__path__", [*tasks.__path__, str(folder)])
    written = tmp_path / "reverse.toml"
    written.write_text(TOY_RECIPE, encoding="utf-8")
    app.command.cache_clear()
    yield written
    app.command.cache_clear()
    sys.modules.pop("gpt2kit.tasks.reverse", None)
    vars(tasks).pop("reverse", None)


def test_a_new_file_is_a_new_task(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Discovered, bound to the command line, prepared, trained, asked and scored without another edit."""
    folder, words = toy.parent, ["--recipe", str(toy)]
    numbers = folder / "numbers.txt"
    numbers.write_text("\n".join([*(f"{n:02}" for n in range(100)), "", "x"]), encoding="utf-8")
    data, run = str(folder / "data"), str(folder / "run")
    assert "reverse" in tasks.names()
    assert app.run(["--help"]) == 0
    assert "Lines of a text file, reversed." in capsys.readouterr().out
    assert app.run(["reverse", "prepare", str(numbers), "--skip", "x", "--out", data, *words]) == 0
    told = capsys.readouterr().err
    assert "both sides empty" in told
    assert app.run(["reverse", "train", data, "--out", run, *words]) == 0
    capsys.readouterr()
    assert app.run(["reverse", "--run", run, "37", "", "90"]) == 0
    assert capsys.readouterr().out == "73\n\n09\n"
    assert app.run(["reverse", "evaluate", "--run", run, "--on", str(numbers), "--limit", "9"]) == 0
    assert "exact match 100.00" in capsys.readouterr().out
    assert app.run(["inspect", run, "37", "--text"]) == 0
    assert app.run(["doctor", "--json"]) in (0, 4)
    assert '"reverse"' in capsys.readouterr().out


def test_a_file_with_two_tasks_is_a_bug(toy: Path) -> None:
    path = toy.parent / "tasks" / "reverse.py"
    path.write_text(TOY + "\n\nclass Second(TextPairs[str]):\n    pass\n", encoding="utf-8")
    with pytest.raises(TypeError, match="exactly one Task, it defines 2"):
        tasks.find("reverse")
