"""Recipes: what ships works, what is wrong is said, and a resolved recipe gives itself again."""

import dataclasses
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gpt2kit
from gpt2kit import recipe, tasks
from gpt2kit.config import SIZES, GenerateConfig, ModelConfig, TrainConfig
from gpt2kit.errors import RecipeError
from gpt2kit.pipeline.opening import load
from gpt2kit.training import events

SHRUNK = [
    *("model.size=", "model.n_layer=1", "model.n_head=2", "model.n_embd=16", "model.dropout=0", "train.steps=2"),
    "train.budget=",
    *("train.batch_tokens=64", "train.dtype=fp32", "train.compile=off", "train.samples=1", "train.evaluate_every=1"),
    *("generate.max_new_tokens=4",),
]


@pytest.mark.parametrize("name", recipe.shipped())
def test_a_shipped_recipe_begins_with_its_command(name: str) -> None:
    lines = recipe.shipped_text(name).split("\n")
    assert lines[0].startswith("# "), "the first line is what `gpt2kit recipes` lists"
    comment = [line for line in lines[: lines.index("")] if line.startswith("#")]
    commands = [line.removeprefix("#").strip() for line in comment if "gpt2kit " in line]
    task = recipe.load(name).task_name
    if name.startswith("demo-"):
        wanted = "gpt2kit demo" if task == "translate" else f"gpt2kit demo {task}"
    else:
        wanted = f"gpt2kit {task} train"
    assert any(command.startswith(wanted) for command in commands)
    if name != task and not name.startswith("demo-"):
        assert any(f"--recipe {name}" in command for command in commands)


@pytest.mark.parametrize("name", recipe.shipped())
def test_a_shipped_recipe_shrunk_to_two_steps_runs(name: str, examples: Callable[[str], Any], tmp_path: Path) -> None:
    task = recipe.load(name).task_name
    module = examples(task)
    corpus = module.write_corpus(tmp_path)
    own = [setting for setting in module.TINY if setting.startswith("task.")]
    layers = recipe.load(name).model.attention.count(",") + 1
    shrunk = recipe.load(name, [*own, *SHRUNK, f"model.n_layer={layers}"], task)
    gpt2kit.prepare(shrunk, {"train": corpus, "val": corpus}, tmp_path / "data")
    seen = list(gpt2kit.train(shrunk, tmp_path / "data", tmp_path / "run"))
    assert [event.step for event in seen if isinstance(event, events.StepDone)] == [1, 2]
    assert len(list(load(tmp_path / "run").results([module.RECORDS[0].source]))) == 1


@pytest.mark.parametrize("name", recipe.shipped())
def test_toml_gives_the_same_recipe(name: str, tmp_path: Path) -> None:
    loaded = recipe.load(name, ["train.seed=7", "generate.temperature=0.5", "generate.top_k=3"])
    path = tmp_path / f"{name}.toml"
    path.write_text(loaded.toml(), encoding="utf-8")
    again = recipe.load(str(path))
    assert again == loaded
    assert again.toml() == loaded.toml()
    for section in ("task", "model", "train", "generate"):
        stated = tomllib.loads(loaded.toml())[section].keys()
        assert {"name"} & stated == ({"name"} if section == "task" else set())


def test_every_task_has_a_recipe_of_its_name() -> None:
    assert set(tasks.names()) <= set(recipe.shipped())


@pytest.mark.parametrize("kind", [ModelConfig, TrainConfig, GenerateConfig, *(tasks.find(n) for n in tasks.names())])
def test_every_knob_says_what_it_is(kind: type[Any]) -> None:
    for name, field in recipe.knobs(kind).items():
        assert field.metadata["help"].strip(), name
        assert not field.metadata["help"].endswith("."), f"{name}: a phrase, as the list of knobs shows it"
    silent = {field.name for field in dataclasses.fields(kind)} - set(recipe.knobs(kind))
    assert silent <= {"folder", "column"}, "of finetune the column is one of its columns"


def test_a_size_beside_a_dimension_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"model\.size = 'gpt2' also sets model\.n_layer"):
        recipe.load("translate", ["model.size=gpt2", "model.n_layer=3"])


@pytest.mark.parametrize("size", SIZES)
def test_a_size_sets_the_dimensions_and_comes_back(size: str, tmp_path: Path) -> None:
    loaded = recipe.load("translate", [f"model.size={size}"])
    assert {key: getattr(loaded.model, key) for key in SIZES[size]} == SIZES[size]
    assert loaded.table()["model"]["size"] == size
    assert SIZES[size].keys().isdisjoint(loaded.table()["model"])
    path = tmp_path / "sized.toml"
    path.write_text(loaded.toml(), encoding="utf-8")
    assert recipe.load(str(path)).model == loaded.model


@pytest.mark.parametrize(
    ("setting", "section", "key", "value"),
    [
        ("train.lr=1e-4", "train", "lr", 1e-4),
        ("train.lr=1", "train", "lr", 1.0),
        ("train.epochs = 3", "train", "epochs", 3.0),
        ("train.steps=1_000", "train", "steps", 1000),
        ("train.optimizer=muon", "train", "optimizer", "muon"),
        ('train.optimizer="muon"', "train", "optimizer", "muon"),
        ("train.device=cuda:1", "train", "device", "cuda:1"),
        ("task.to=pt-BR", "task", "to", "pt-BR"),
        ("task.tokenizer=", "task", "tokenizer", ""),
        ("task.tokenizer=../a=b", "task", "tokenizer", "../a=b"),
        ('task.languages=["fr", "de"]', "task", "languages", ("fr", "de")),
        ("task.columns=en,fr", "task", "columns", ("en", "fr")),
        ("task.languages=[]", "task", "languages", ()),
    ],
)
def test_a_setting_is_toml_or_a_bare_word(setting: str, section: str, key: str, value: Any) -> None:
    found = getattr(getattr(recipe.load("translate", [setting]), section), key)
    assert found == value
    assert type(found) is type(value)


def test_the_last_setting_wins_over_the_recipe_and_the_defaults() -> None:
    stated = tomllib.loads(recipe.shipped_text("translate"))["train"]["lr"]
    assert stated != TrainConfig().lr
    assert recipe.load("translate").train.lr == stated
    assert recipe.load("translate").train.seed == TrainConfig().seed
    assert recipe.load("translate", ["train.lr=0.5", "train.lr=0.25"]).train.lr == 0.25


def test_apply_leaves_its_table_alone() -> None:
    table = {"train": {"lr": 1.0}}
    assert recipe.apply(table, ["train.lr=2.0", "model.n_layer=3"]) == {"train": {"lr": 2.0}, "model": {"n_layer": 3}}
    assert table == {"train": {"lr": 1.0}}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("train.learning_rat=1", r"unknown key train\.learning_rat; accepted: epochs, steps"),
        ("train.batch_token=1", r"unknown key train\.batch_token; did you mean batch_tokens\? accepted"),
        ("trian.lr=1", r"unknown key trian; did you mean train\? accepted: task, model, train, generate"),
        ("task.vocabulary=1", r"unknown key task\.vocabulary; did you mean vocab\?"),
        ("task.folder=x", r"unknown key task\.folder"),
        ("train.lr=fast", r"train\.lr = 'fast'; expected a finite number; the default is 0\.001"),
        ("train.lr=true", r"train\.lr = True; expected a finite number"),
        ("train.lr=nan", r"train\.lr = nan; expected a finite number; the default is 0\.001"),
        ("train.epochs=inf", r"train\.epochs = inf; expected a finite number"),
        ("train.epochs=1e999", r"train\.epochs = inf; expected a finite number"),
        (f"train.lr=1{'0' * 400}", r"train\.lr = 10+; expected a finite number"),
        (f"train.steps={'9' * 5000}", r"train\.steps = '9+'; expected a whole number"),
        (f"train.lr={'[' * 5000}", r"train\.lr = '\[+'; expected a finite number"),
        ("generate.stop_ids=1,²", r"generate\.stop_ids = \[1, '²'\]; expected a list of whole numbers"),
        (f"generate.stop_ids={'9' * 5000}", "expected a list of whole numbers"),
        ("train.steps=1.5", r"train\.steps = 1\.5; expected a whole number"),
        ("train.steps=1e3", r"train\.steps = 1000\.0; expected a whole number"),
        ("train.steps=true", r"train\.steps = True; expected a whole number"),
        ("train.device=1", r"train\.device = 1; expected a string"),
        ("task.languages=[1]", r"task\.languages = \[1\]; expected a list of strings"),
        ("task.languages=3", r"task\.languages = 3; expected a list of strings"),
        ("train.optimizer=sgd", r"train\.optimizer = 'sgd'; accepted: 'adamw', 'muon'; the default is 'adamw'"),
        ("model.size=gpt3", r"model\.size = 'gpt3'; accepted: '', 'gpt2', 'gpt2-medium'"),
        ("model.n_head=5", r"\[model\] n_head = 5 does not divide n_embd = 256"),
        ("model.n_layer=0", r"\[model\] n_layer = 0; expected at least 1"),
        ("model.dropout=1", r"\[model\] dropout = 1\.0; expected at least 0 and less than 1"),
        ("train.lr=0", r"\[train\] lr = 0\.0; expected a number above 0"),
        ("train.warmup=1", r"\[train\] warmup = 1\.0; expected at least 0 and less than 1"),
        ("train.clip=-1", r"\[train\] clip = -1\.0; expected at least 0"),
        ("generate.top_p=1.1", r"\[generate\] top_p = 1\.1; expected 0 to 1"),
        ("generate.top_k=5", r"\[generate\] top_k and top_p need a temperature above 0"),
        ("generate.beams=0", r"\[generate\] beams = 0; expected at least 1"),
        ("task.to=?", r"\[task\] '\?' is not a language code"),
        ("train.lr", r"--set train\.lr: expected section\.key=value, as in --set train\.lr=3e-4"),
        ("lr=1", r"--set lr=1: expected section\.key=value"),
        ("train.=1", "expected section.key=value"),
        ("=1", "expected section.key=value"),
        ("", "expected section.key=value"),
    ],
)
def test_a_wrong_setting_says_what_would_be_right(setting: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message) as caught:
        recipe.load("translate", [setting])
    assert caught.value.exit_code == 3


def test_temperature_0_turns_off_the_limits_of_sampling() -> None:
    """Those of the recipe, in any order; not those that are set."""
    assert recipe.load("music").generate.top_p < 1
    for settings in (["generate.temperature=0"], ["generate.temperature=0.0", "generate.roll=false"]):
        found = recipe.load("music", settings).generate
        assert (found.temperature, found.top_k, found.top_p) == (0, 0, 1)
    assert recipe.load("music", ["generate.temperature=0.5"]).generate.top_p == recipe.load("music").generate.top_p
    (top_p,) = (knob for knob in recipe.described("music", ["generate.temperature=0"]) if knob.name == "top_p")
    assert (top_p.value, top_p.origin) == (1, "default")
    for settings in (["generate.temperature=0", "generate.top_p=0.9"], ["generate.top_k=5", "generate.temperature=0"]):
        with pytest.raises(RecipeError, match="top_k and top_p need a temperature above 0"):
            recipe.load("music", settings)


def test_beams_and_temperature_contradict_each_other() -> None:
    with pytest.raises(RecipeError, match="beam search does not sample: set temperature = 0 or beams = 1"):
        recipe.load("translate", ["generate.beams=4", "generate.temperature=0.7"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[train]\nlr = 1e-3\n", r"\[task\] has no name; accepted: .*translate"),
        ("[task]\nname = 3\n", r"\[task\] has no name; accepted: "),
        ("task = 3\n", r"broken\.toml: task = 3 is outside all tables; accepted: \[task\]"),
        ("[task]\nname = 'translate'\n[train]\nlr = \n", r"broken\.toml: Invalid value .*line 4"),
        ("[task]\nname = 'translate'\n[train]\nlr = 1\nlr = 2\n", r"broken\.toml: Cannot overwrite"),
        ("lr = 1\n[task]\nname = 'translate'\n", r"broken\.toml: lr = 1 is outside all tables"),
        ("a = " + "[" * 5000, r"broken\.toml: maximum recursion depth"),
        ("a = " + "9" * 5000, r"broken\.toml: Exceeds the limit"),
        ("[task]\nname = 'translate'\n[optimizer]\n", "unknown key optimizer; accepted: task, model, train, generate"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "broken.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError, match=message):
        recipe.load(str(path))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "binary.toml"
    path.write_bytes(b"[task]\nname = '\xff'\n")
    with pytest.raises(RecipeError, match=r"binary\.toml: not UTF-8 text"):
        recipe.load(str(path))
    with pytest.raises(RecipeError, match=r"missing\.toml: cannot be read: No such file"):
        recipe.load(str(tmp_path / "missing.toml"))


def test_a_name_that_does_not_ship_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"unknown recipe 'multi3k'; did you mean multi30k\? accepted: .*translate"):
        recipe.load("multi3k")
    with pytest.raises(RecipeError, match="unknown recipe 'zzz'; accepted: "):
        recipe.load("zzz")


def test_a_recipe_for_another_task_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="recipe translate is for the task translate, not for music"):
        recipe.load("translate", task="music")
    path = tmp_path / "unknown.toml"
    path.write_text("[task]\nname = 'translat'\n", encoding="utf-8")
    with pytest.raises(Exception, match=r"unknown task 'translat'; did you mean translate\? accepted: "):
        recipe.load(str(path))


def test_every_knob_says_where_its_value_is_from(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[task]\nname = "translate"\n[train]\nlr = 2e-3\nclip = 1.0\n', encoding="utf-8")
    found = {(each.section, each.name): each for each in recipe.described(str(path), ["train.ema=0.9"])}
    table = recipe.load(str(path), ["train.ema=0.9"]).table()
    assert {place: each.value for place, each in found.items()} == {
        (section, key): value for section, keys in table.items() for key, value in keys.items() if key != "name"
    }
    origins = {place: each.origin for place, each in found.items() if each.origin != "default"}
    assert origins == {("train", "lr"): "recipe", ("train", "clip"): "recipe", ("train", "ema"): "--set"}
    assert (found["train", "lr"].default, found["train", "lr"].type) == (1e-3, "number")
    assert found["train", "keep"].type == "one of 'last', 'best'"
    assert found["task", "languages"].type == "list of strings"
    sized = recipe.described(str(path), ["model.size=gpt2"])
    assert [each.name for each in sized if each.origin == "model.size"] == list(SIZES["gpt2"])


def test_retired_knobs_of_an_older_run(tmp_path: Path) -> None:
    """At the value that turned them off they are passed over; in use they are refused, with what to do."""
    path = tmp_path / "recipe.toml"
    path.write_text('[task]\nname = "finetune"\n[train]\ncutmix = 0.0\nnaive_bayes = false\n', encoding="utf-8")
    assert recipe.load(str(path)).train == TrainConfig()
    path.write_text('[task]\nname = "finetune"\n[train]\nnaive_bayes = true\n', encoding="utf-8")
    with pytest.raises(
        RecipeError, match=r"recipe.toml: train.naive_bayes = True: .* set naive_bayes = false in this file"
    ):
        recipe.load(str(path))
    with pytest.raises(RecipeError, match=r"train.cutmix is no longer supported: leave it out"):
        recipe.load("finetune", ["train.cutmix=0.5"])
