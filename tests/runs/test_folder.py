"""What a folder says of itself: the task comes back, and another tokenizer is noticed."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpt2kit.data.bpe import Bpe
from gpt2kit.errors import DataError, RecipeError, UserError
from gpt2kit.runs import folder as folders
from gpt2kit.tasks.translate import Translate

Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a tokenizer and the task that means it."""
    found = tmp_path / "folder"
    found.mkdir()
    Bpe.train(iter(["good morning", "bonjour"]), 280, ["<to-fr>", "<to-de>"]).save(found, 64)
    task = Translate(to="de", languages=("fr", "de"), vocab=280).opened(found)
    folders.save_task(found, "translate", task)
    return found


def test_the_task_comes_back(folder: Path) -> None:
    name, task = folders.load_task(folder)
    assert name == "translate"
    assert task == Translate(to="de", languages=("fr", "de"), vocab=280).opened(folder)


def test_a_moved_folder_is_the_same(folder: Path) -> None:
    moved = folder.with_name("moved")
    folder.rename(moved)
    assert folders.load_task(moved)[1] == Translate(to="de", languages=("fr", "de"), vocab=280).opened(moved)


def test_another_tokenizer_is_noticed(folder: Path) -> None:
    Bpe.train(iter(["guten Morgen", "buongiorno"]), 280, ["<to-fr>", "<to-de>"]).save(folder, 64)
    with pytest.raises(DataError, match="its tokenizer is not the one that its ids were made with") as caught:
        folders.load_task(folder)
    assert str(folder) in str(caught.value)
    assert "task.json says" in str(caught.value)


def test_a_tokenizer_that_grew_is_noticed(folder: Path) -> None:
    bpe = Bpe.load(folder)
    size = bpe.vocab_size
    bpe.add_separators(["<to-it>"])
    bpe.save(folder, 64)
    with pytest.raises(DataError, match=rf"with {size + 1} tokens, task\.json says \w+ with {size}"):
        folders.load_task(folder)


def test_a_folder_written_anew_is_read_anew(folder: Path) -> None:
    """Not with the tokenizer that stood there before, although that one was opened in this process."""
    _, before = folders.load_task(folder)
    shutil.rmtree(folder)
    folder.mkdir()
    bpe = Bpe.train(iter(["guten Morgen", "buongiorno"]), 270, ["<to-it>"])
    bpe.save(folder, 64)
    folders.save_task(folder, "translate", Translate(to="it", languages=("it",), vocab=270).opened(folder))
    _, task = folders.load_task(folder)
    assert task.vocabulary.size == bpe.vocab_size == 270
    assert before.vocabulary.size != task.vocabulary.size, "who holds the old task holds its tokenizer"


@pytest.mark.parametrize("name", ["task.json", "tokenizer.json"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(DataError, match=f"{name}"):
        folders.load_task(folder)


@pytest.mark.parametrize("name", ["task.json", "tokenizer.json"])
def test_a_half_written_file_is_named(folder: Path, name: str) -> None:
    text = (folder / name).read_text(encoding="utf-8")
    (folder / name).write_text(text[: len(text) // 2], encoding="utf-8")
    with pytest.raises(DataError, match=f"{name} is (no JSON file|damaged)"):
        folders.load_task(folder)


def test_what_is_no_folder_is_named(folder: Path) -> None:
    for path in (folder / "nowhere", folder / "task.json"):
        with pytest.raises(DataError, match=f"{path.name} is no folder"):
            folders.load_task(path)


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (lambda described: described.pop("fingerprint"), DataError, r"task\.json: 'fingerprint' is missing"),
        (lambda described: described.update(task="tranlate"), UserError, r"did you mean translate\?"),
        (lambda described: described["settings"].update(too="fr"), RecipeError, r"did you mean to\?"),
        (lambda described: described["settings"].update(languages=3), RecipeError, "expected list of strings"),
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
        folders.load_task(folder)


@pytest.mark.parametrize("change", [{"data": 3}, {"prepared": None}, {"finished": "no"}, {"init": []}, {"data": None}])
def test_a_run_that_is_described_otherwise(folder: Path, change: dict[str, object]) -> None:
    described: dict[str, object] = {"data": str(folder), "prepared": {}, "init": None, "finished": False}
    path = folder / "run.json"
    path.write_text(json.dumps(described), encoding="utf-8")
    assert folders.init_of(folder) is None
    path.write_text(json.dumps(described | change), encoding="utf-8")
    key, value = next(iter(change.items()))
    with pytest.raises(DataError, match=re.escape(f"run.json is damaged: {key} = {value!r}")):
        folders.init_of(folder)


def test_a_log_with_damaged_lines(folder: Path) -> None:
    """They are of steps that nobody can tell: those are done again."""
    path = folder / "metrics.jsonl"
    path.write_bytes(
        b'{"step": 1, "loss": 2}\n{"step"}\n\xff{"step": 1}\n{"loss": 1}\n[]}\n{"step": 2}\n{"step": 3}\n{"st'
    )
    folders.forget_after(folder, 2)
    assert path.read_text(encoding="utf-8") == '{"step": 1, "loss": 2}\n{"step": 2}\n'


def test_the_tokenizer_of_then_is_told_beside_that_of_now(folder: Path) -> None:
    before = folders.load_task(folder)[1]
    then = (before.vocabulary.fingerprint(), before.vocabulary.size)
    Bpe.train(iter(["guten Morgen"]), 270, ["<to-fr>", "<to-de>"]).save(folder, 64)
    name, task, made_with = folders.described_task(folder)
    assert (name, made_with) == ("translate", then)
    assert task.vocabulary.fingerprint() != then[0]
    assert task.vocabulary.size != then[1]


def test_samples_are_few_and_short(tmp_path: Path) -> None:
    folders.keep_samples(tmp_path, "nothing", [])
    assert list(tmp_path.iterdir()) == []
    folders.keep_samples(tmp_path, "step 9", [("a" * 9999, "b", "c")] * 9)
    kept = json.loads((tmp_path / "samples.json").read_text(encoding="utf-8"))
    assert kept == {"from": "step 9", "rows": [["a" * 2000, "b", "c"]] * 3}


def test_scores_stand_by_their_signature(tmp_path: Path) -> None:
    for signature, value in (("one", 1), ("two", 2), ("one", 3)):
        folders.keep_scores(tmp_path, {"signature": signature, "value": value})
    kept = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    assert list(kept.items()) == [("two", {"signature": "two", "value": 2}), ("one", {"signature": "one", "value": 3})]


def test_damaged_scores_are_named_and_left(tmp_path: Path) -> None:
    (tmp_path / "scores.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match=r"scores\.json is no JSON file"):
        folders.keep_scores(tmp_path, {"signature": "one"})
    assert (tmp_path / "scores.json").read_text(encoding="utf-8") == "{"
