"""A bit that flips in any file of a prepared folder or a run is noticed before it changes a result."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import gpt2kit
from gpt2kit import digests, files, tensor_files
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError
from gpt2kit.pipeline.merge import merge
from gpt2kit.runs.card import write as card
from gpt2kit.runs.folder import Run
from gpt2kit.runs.prepared import Prepared

RunOf = Callable[..., Path]


@pytest.fixture
def copied(run_of: RunOf, tmp_path: Path) -> Path:
    """A run next to its data, which may be changed."""
    made = run_of("translate")
    shutil.copytree(made.parent, tmp_path / "project", dirs_exist_ok=True)
    return tmp_path / "project" / "run"


def replaced(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def flipped(path: Path, place: int = -1) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def test_digests_do_not_depend_on_the_form() -> None:
    assert digests.of_object({"a": (1, 2), "b": {3: "é"}}) == digests.of_object({"b": {"3": "é"}, "a": [1, 2]})
    assert digests.of_object({"a": 1}) != digests.of_object({"a": 2})
    assert digests.of_settings({"a": "/old/run", "b": ["/x/y"]}) == digests.of_settings({"a": "new/run", "b": ["y"]})
    assert digests.of_recipe('a = 1\nb = "x"\n') == digests.of_recipe('b = "x" # so\na = 1')
    assert not set(digests.of_recipe("a = 1")) & set(digests.of_recipe("a = 2"))
    (whole, fixed), (edited, same) = (digests.of_recipe(f"train.a = 1\ngenerate.b = {b}") for b in (1, 2))
    assert whole != edited
    assert fixed == same


@pytest.mark.parametrize("kind", ["ids", "ends", "prompts", "texts"])
@pytest.mark.parametrize("split", ["train", "val"])
def test_prepared_data(run_of: RunOf, tmp_path: Path, kind: str, split: str) -> None:
    data = Path(shutil.copytree(Run(run_of("summarize")).data_path, tmp_path / "data"))
    path = data / f"{split}.{kind}"
    if not path.is_file():
        assert (kind, split) == ("texts", "train")
        return
    Store(data, split).verify()
    if kind in ("ids", "texts"):
        flipped(path)
        with pytest.raises(DataError, match=rf"{split}\.{kind} is damaged: it is not as prepare wrote it"):
            Store(data, split).verify()
    else:  # other numbers that fit as well
        store = Store(data, split)
        column = getattr(store, kind).copy()
        column[0] -= 1
        column.tofile(path)
        with pytest.raises(DataError, match=rf"{split}\.{kind} is damaged: it is not as prepare wrote it"):
            Store(data, split).verify()


def test_counts_and_report(copied: Path) -> None:
    data = Run(copied).data_path
    counts = json.loads((data / "val.json").read_text(encoding="utf-8"))
    files.write_json(data / "val.json", counts | {"prompt_tokens": counts["prompt_tokens"] - 1})
    with pytest.raises(DataError, match=r"val\.json is damaged: prompt_tokens; prepare the data again"):
        Store(data, "val").verify()
    files.write_json(data / "val.json", counts | {"digests": {"idr": "0"}})
    with pytest.raises(DataError, match=r"val\.idr cannot be read"):
        Store(data, "val").verify()
    report = json.loads((data / "prepare.json").read_text(encoding="utf-8"))
    files.write_json(data / "prepare.json", report | {"window": report["window"] + 1})
    with pytest.raises(DataError, match=r"prepare\.json is damaged: it is not as prepare wrote it"):
        Prepared(data).report  # noqa: B018  # the access is what is tested
    older = {key: value for key, value in report.items() if key != digests.KEY}
    files.write_json(data / "prepare.json", older)
    assert Prepared(data).report == older, "an older folder has no digest"


def test_damaged_data_is_neither_trained_on_nor_scored(copied: Path) -> None:
    data = Run(copied).data_path
    flipped(data / "val.ids", 0)
    with pytest.raises(DataError, match=r"val\.ids is damaged"):
        gpt2kit.evaluate(copied)
    with pytest.raises(DataError, match=r"val\.ids is damaged"):
        list(gpt2kit.train(Run(copied).recipe, data, copied.with_name("new")))


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("recipe.toml", "beta2 = 0.9", "beta2 = 0.8", r"recipe\.toml is damaged: it is not as training"),
        ("task.json", '"held_out": 0.', '"held_out": 0.1', r"task\.json is damaged: its settings are not as gpt2kit"),
        ("config.json", '"n_head": 2', '"n_head": 4', r"config\.json says another model than the run's recipe\.toml"),
        ("model.safetensors", "", "", r"model\.safetensors is damaged: its digest is not the one in its header"),
    ],
)
def test_a_run(copied: Path, name: str, old: str, new: str, message: str) -> None:
    if old:
        replaced(copied / name, old, new)
    else:
        flipped(copied / name)
    with pytest.raises(DataError, match=message):
        gpt2kit.load(copied)


def test_a_recipe_that_was_changed_on_purpose(copied: Path) -> None:
    replaced(copied / "recipe.toml", "max_new_tokens = ", "max_new_tokens = 1")
    assert str(gpt2kit.load(copied).config.max_new_tokens).startswith("1"), "[generate] may be edited"
    replaced(copied / "recipe.toml", "beta2 = 0.9", "beta2 = 0.8")
    record = {key: value for key, value in Run(copied).record.items() if key != "recipe"}
    files.write_json(copied / "run.json", record)
    assert str(gpt2kit.load(copied).config.max_new_tokens).startswith("1")


def test_tensors_and_their_metadata(tmp_path: Path) -> None:
    path, tensors = tmp_path / "file", {"a": torch.arange(8.0)}
    tensor_files.write_tensors(path, tensors, tensor_files.weights_metadata(tensors, 12))
    content = path.read_bytes()
    assert tensor_files.read_metadata(path)[tensor_files.STEP] == "12"
    path.write_bytes(content.replace(b'"step":"12"', b'"step":"13"'))
    for read in (tensor_files.read_tensors, tensor_files.read_metadata):
        with pytest.raises(DataError, match="file is damaged: its digest is not the one in its header"):
            read(path)
    path.write_bytes(content[:-1] + b"\x01")
    with pytest.raises(DataError, match="file is damaged: its digest"):
        tensor_files.read_tensors(path)
    with tensor_files.unverified():
        assert tensor_files.read_tensors(path)[0]["a"][0] == 0


def test_merge_copies_nothing_damaged_and_nothing_of_the_users(run_of: RunOf, tmp_path: Path) -> None:
    base = run_of("translate")
    adapted = Path(shutil.copytree(run_of("translate", "train.lora=2", init=base), tmp_path / "adapted"))
    (adapted / "notes.txt").write_text("mine")
    merge(adapted, tmp_path / "whole", base=base)
    assert not (tmp_path / "whole" / "notes.txt").exists()
    replaced(adapted / "adapter_config.json", '"lora_alpha": ', '"lora_alpha": 1')
    with pytest.raises(DataError, match=r"adapter_config\.json says another lora_alpha than the run's recipe\.toml"):
        gpt2kit.load(adapted, base=base)
    flipped(adapted / "tokenizer_config.json", 4)
    with pytest.raises(DataError, match=r"tokenizer_config\.json is damaged or missing: it is not as gpt2kit wrote it"):
        merge(adapted, tmp_path / "again", base=base)


@pytest.mark.parametrize(("name", "key"), [("data.json", '"tokens"'), ("samples.json", '"rows"')])
def test_a_damaged_record_is_named(copied: Path, name: str, key: str) -> None:
    """It has no digest, as it changes no result; the card is not written from it."""
    Run(copied).keep_samples("step 1", [("good", "bon", "bon")])
    replaced(copied / name, key, key.replace('"', '"x', 1))
    with pytest.raises(DataError, match=r"README\.md cannot be written, because data\.json, samples\.json or scores"):
        card.write(Run(copied))


def test_a_damaged_log_is_named(copied: Path) -> None:
    path = copied / "metrics.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace('"epoch"', '"epocH"'), encoding="utf-8")
    with pytest.raises(DataError, match=r"metrics\.jsonl is damaged"):
        card.write(Run(copied))
