"""The task of a folder comes back, and another tokenizer is noticed."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers.processors import TemplateProcessing

from gpt2kit.data.bpe import Bpe
from gpt2kit.errors import DataError, RecipeError, UserError
from gpt2kit.runs.folder import Run
from gpt2kit.runs.prepared import Prepared
from gpt2kit.runs.task_folder import TaskFolder, save_task
from gpt2kit.tasks.translate import Translate

Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a tokenizer and the task that means it."""
    found = tmp_path / "folder"
    found.mkdir()
    Bpe.train(iter(["good morning", "bonjour"]), 280, ["<to-fr>", "<to-de>"]).save(found, 64)
    task = Translate(to="de", languages=("fr", "de"), vocab=280).opened(found)
    save_task(found, "translate", task)
    return found


def test_the_task_comes_back(folder: Path) -> None:
    found = TaskFolder.open(folder)
    assert found.task_name == "translate"
    assert found.task == Translate(to="de", languages=("fr", "de"), vocab=280).opened(folder)


def test_a_moved_folder_is_the_same(folder: Path) -> None:
    moved = folder.with_name("moved")
    folder.rename(moved)
    assert TaskFolder.open(moved).task == Translate(to="de", languages=("fr", "de"), vocab=280).opened(moved)


def test_another_tokenizer_is_noticed(folder: Path) -> None:
    Bpe.train(iter(["guten Morgen", "buongiorno"]), 280, ["<to-fr>", "<to-de>"]).save(folder, 64)
    with pytest.raises(DataError, match=r"its tokenizer is \w+ with 276 tokens, but its ids were made with") as caught:
        TaskFolder.open(folder)
    assert str(folder) in str(caught.value)
    assert "as task.json says: the tokenizer files were replaced" in str(caught.value)


def test_a_post_processor_that_adds_nothing_makes_no_other_tokenizer(folder: Path) -> None:
    """transformers appends one; earlier versions recorded a fingerprint of it if their tokenizer came from there."""
    bpe = Bpe.load(folder)
    bpe.tokenizer.post_processor = TemplateProcessing("$A", "$A $B:1", [])
    (folder / "tokenizer.json").write_text(bpe.tokenizer.to_str(), encoding="utf-8")
    assert TaskFolder.open(folder).task
    described = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    earlier = hashlib.blake2b(bpe.tokenizer.to_str().encode(), digest_size=8).hexdigest()
    assert earlier != described["fingerprint"]
    (folder / "task.json").write_text(json.dumps(described | {"fingerprint": earlier}), encoding="utf-8")
    assert TaskFolder.open(folder).task
    bpe.tokenizer.post_processor = TemplateProcessing("$A <to-fr>", "$A $B:1", [("<to-fr>", 1)])
    (folder / "tokenizer.json").write_text(bpe.tokenizer.to_str(), encoding="utf-8")
    with pytest.raises(DataError, match="the tokenizer files were replaced"):
        TaskFolder.open(folder)


def test_a_tokenizer_that_grew_is_noticed(folder: Path) -> None:
    bpe = Bpe.load(folder)
    size = bpe.vocab_size
    bpe.add_separators(["<to-it>"])
    bpe.save(folder, 64)
    with pytest.raises(DataError, match=rf"with {size + 1} tokens, but its ids were made with \w+ of {size} tokens"):
        TaskFolder.open(folder)


def test_a_folder_written_anew_is_read_anew(folder: Path) -> None:
    """Not with the tokenizer that stood there before, although that one was opened in this process."""
    before = TaskFolder.open(folder).task
    shutil.rmtree(folder)
    folder.mkdir()
    bpe = Bpe.train(iter(["guten Morgen", "buongiorno"]), 270, ["<to-it>"])
    bpe.save(folder, 64)
    save_task(folder, "translate", Translate(to="it", languages=("it",), vocab=270).opened(folder))
    task = TaskFolder.open(folder).task
    assert task.vocabulary.size == bpe.vocab_size == 270
    assert before.vocabulary.size != task.vocabulary.size, "who holds the old task holds its tokenizer"


@pytest.mark.parametrize("name", ["task.json", "tokenizer.json"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(DataError, match=f"{name}"):
        TaskFolder.open(folder)


@pytest.mark.parametrize("name", ["task.json", "tokenizer.json"])
def test_a_half_written_file_is_named(folder: Path, name: str) -> None:
    text = (folder / name).read_text(encoding="utf-8")
    (folder / name).write_text(text[: len(text) // 2], encoding="utf-8")
    with pytest.raises(DataError, match=f"{name} is (not a JSON file|damaged)"):
        TaskFolder.open(folder)


def test_what_is_no_folder_is_named(folder: Path) -> None:
    for path in (folder / "nowhere", folder / "task.json"):
        with pytest.raises(DataError, match=f"{path.name} is not a directory"):
            TaskFolder.open(path)


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (lambda described: described.pop("fingerprint"), DataError, r"task\.json: 'fingerprint' is missing"),
        (lambda described: described.update(task="tranlate"), UserError, r"did you mean translate\?"),
        (lambda described: described["settings"].update(too="fr"), RecipeError, r"did you mean to\?"),
        (lambda described: described["settings"].update(languages=3), RecipeError, "expected a list of strings"),
        (lambda described: described.update(task=3), DataError, r"task\.json is damaged"),
        (lambda described: described.update(settings=[]), DataError, r"task\.json is damaged"),
    ],
)
def test_a_changed_description_is_refused(folder: Path, change: Change, kind: type[UserError], message: str) -> None:
    path = folder / "task.json"
    described = json.loads(path.read_text(encoding="utf-8"))
    change(described)
    path.write_text(json.dumps(described), encoding="utf-8")
    with pytest.raises(kind, match=message):
        TaskFolder.open(folder)


def test_the_tokenizer_of_then_is_told_beside_that_of_now(folder: Path) -> None:
    before = TaskFolder.open(folder).task
    then = (before.vocabulary.fingerprint(), before.vocabulary.size)
    Bpe.train(iter(["guten Morgen"]), 270, ["<to-fr>", "<to-de>"]).save(folder, 64)
    found = TaskFolder(folder)
    assert (found.task_name, found.made_with) == ("translate", then)
    assert found.unchecked_task.vocabulary.fingerprint() != then[0]
    assert found.unchecked_task.vocabulary.size != then[1]


def test_files_are_read_once(folder: Path) -> None:
    found = TaskFolder.open(str(folder))
    task = found.task
    (folder / "task.json").unlink()
    assert found.task is task
    assert found.task_name == "translate"


def test_a_folder_without_a_task_is_named_with_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no task\.json; expected a folder with a task"):
        TaskFolder.open(tmp_path)


def test_prepared_data_is_no_run_and_a_run_is_no_prepared_data(folder: Path) -> None:
    with pytest.raises(DataError, match=r"has no recipe\.toml; expected a run, which `gpt2kit TASK train` writes"):
        Run.open(folder)
    with pytest.raises(DataError, match=r"has no prepare\.json; expected prepared data, which `gpt2kit TASK prepare`"):
        Prepared.open(folder)
