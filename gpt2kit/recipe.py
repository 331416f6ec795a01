"""Recipes: TOML in, frozen dataclasses out. Unknown keys and wrong types are errors that name the accepted ones."""

import dataclasses
import math
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import MISSING, Field, dataclass, replace
from difflib import get_close_matches
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import tomli_w

from gpt2kit import tasks
from gpt2kit.config import SIZES, GenerateConfig, ModelConfig, TrainConfig, with_generation
from gpt2kit.errors import RecipeError
from gpt2kit.tasks.base import Task

SHAPE = tuple(SIZES["gpt2"])
"""The knobs that a released size sets."""

SECTIONS = {"model": ModelConfig, "train": TrainConfig, "generate": GenerateConfig}

TYPES: dict[Any, str] = {str: "text", int: "whole number", float: "number", bool: "true or false"}

EXPECTED: dict[Any, str] = {str: "a string", int: "a whole number", float: "a finite number", bool: "true or false"}

LISTS: dict[Any, tuple[type, str]] = {
    tuple[str, ...]: (str, "list of strings"),
    tuple[int, ...]: (int, "list of whole numbers"),
}
"""Types of lists: the type of their items, and their name in messages."""

RETIRED: dict[str, dict[str, Any]] = {"train": {"cutmix": 0.0, "naive_bayes": False}}
"""Knobs of earlier versions, with the value that had no effect: the recipes of older runs name them."""

OR_WORD: dict[Any, type] = {float | str: float, int | str: int}
"""Types of knobs that are a number or its `word`."""

Section = TypeVar("Section")


@dataclass(frozen=True)
class Recipe:
    """All settings of a run, resolved."""

    name: str
    task_name: str
    task: Task[Any, Any]
    model: ModelConfig
    train: TrainConfig
    generate: GenerateConfig
    asked: frozenset[str] = dataclasses.field(default=frozenset(), compare=False)
    """The keys of [model] that settings of a command set, not the recipe."""
    file: Path | None = dataclasses.field(default=None, compare=False)
    """The file that it was read from; None for a shipped recipe."""

    def table(self) -> dict[str, dict[str, Any]]:
        """All knobs with their values, as TOML tables that load as the same recipe."""
        sections = {"task": self.task, "model": self.model, "train": self.train, "generate": self.generate}
        tables = {name: values(section) for name, section in sections.items()}
        for key in SIZES.get(self.model.size, {}):  # the size implies these
            del tables["model"][key]
        return {"task": {"name": self.task_name, **tables.pop("task")}, **tables}

    def toml(self) -> str:
        return tomli_w.dumps(self.table())


def shipped() -> list[str]:
    """Names of the recipes that come with gpt2kit."""
    return sorted(path.name.removesuffix(".toml") for path in _folder().iterdir() if path.name.endswith(".toml"))


def shipped_text(name: str) -> str:
    """A shipped recipe's text, comments included."""
    if name not in shipped():
        close = get_close_matches(name, shipped(), 1)
        hint = f"did you mean {close[0]}? " if close else ""
        names = ", ".join(shipped())
        raise RecipeError(f"unknown recipe {name!r}; {hint}accepted: {names}, or the path of a .toml file")
    return (_folder() / f"{name}.toml").read_text(encoding="utf-8")


def description(name: str) -> str:
    """The sentence that a shipped recipe begins with: its first line, a comment."""
    return shipped_text(name).partition("\n")[0].removeprefix("# ")


def _folder() -> Any:
    """`recipes` within an installed package; next to the package in a checkout."""
    installed = package_files("gpt2kit") / "recipes"
    return installed if installed.is_dir() else Path(__file__).parent.parent / "recipes"


def load(name: str, settings: Sequence[str] = (), task: str | None = None) -> Recipe:
    """A shipped recipe by name or a TOML file by path, with `section.key=value` settings applied.

    Raises RecipeError, also if the recipe is for another task than `task`.
    """
    recipe = with_settings(Path(name).stem, _tables(name), settings)
    if task is not None and recipe.task_name != task:
        raise RecipeError(f"recipe {name} is for the task {recipe.task_name}, not for {task}")
    return replace(recipe, file=Path(name)) if _is_file(name) else recipe


def _is_file(name: str) -> bool:
    """Whether a recipe is given by the path of its file."""
    return Path(name).suffix == ".toml"


def with_settings(name: str, table: dict[str, Any], settings: Sequence[str]) -> Recipe:
    """A recipe from its TOML tables with `section.key=value` settings applied."""
    asked = frozenset(apply({}, settings).get("model", {}))
    return replace(build(name, apply(table, settings)), asked=asked)


@dataclass(frozen=True)
class Knob:
    """A knob of a recipe with its description."""

    section: str
    name: str
    value: Any
    meaning: str
    type: str
    default: Any
    """None without a default."""
    origin: str
    """The source of the value: --set, the recipe, model.size, or default."""


def described(name: str, settings: Sequence[str] = ()) -> list[Knob]:
    """Every knob of the recipe that `load` returns, section by section. Raises the errors of `load`."""
    recipe, written, given = load(name, settings), apply(_tables(name), settings), apply({}, settings)
    kinds = {"task": type(recipe.task), **SECTIONS}
    sized = SIZES.get(recipe.model.size, {})
    found = []
    for section, kind in kinds.items():
        types, defaults = get_type_hints(kind), values(kind())
        for key, field in knobs(kind).items():
            stated = "--set" if key in given.get(section, {}) else "recipe" if key in written.get(section, {}) else ""
            origin = "model.size" if section == "model" and key in sized else stated or "default"
            choices = [repr(choice) for choice in field.metadata["choices"]]
            what = f"one of {', '.join(choices)}" if choices else _type_name(types[key], field)
            value = values(getattr(recipe, section))[key]
            found.append(Knob(section, key, value, field.metadata["help"], what, defaults[key], origin))
    return found


def _type_name(kind: Any, field: "Field[Any]") -> str:
    if kind in OR_WORD:
        return f"{TYPES[OR_WORD[kind]]} or {field.metadata['word']!r}"
    return LISTS[kind][1] if kind in LISTS else TYPES[kind]


def _tables(name: str) -> dict[str, Any]:
    """The tables of a recipe's TOML."""
    if _is_file(name):
        try:
            text = Path(name).read_text(encoding="utf-8")
        except OSError as error:
            raise RecipeError(f"{name}: cannot be read: {error.strerror}") from None
        except UnicodeDecodeError as error:
            raise RecipeError(f"{name}: not UTF-8 text: {error}") from None
    else:
        text = shipped_text(name)
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also of huge numbers and of deeply nested brackets
        raise RecipeError(f"{name}: {error}") from None
    for section, value in table.items():
        if not isinstance(value, dict):
            raise RecipeError(
                f"{name}: {section} = {value!r} is outside all tables; accepted: [task], [model], [train], [generate]"
            )
    return {section: _without_retired(name, section, value) for section, value in table.items()}


def _without_retired(name: str, section: str, table: dict[str, Any]) -> dict[str, Any]:
    """Raises RecipeError for a retired knob that was in use."""
    retired = RETIRED.get(section, {})
    used = [key for key, off in retired.items() if table.get(key, off) != off]
    if used:
        named = " and ".join(f"{section}.{key} = {table[key]!r}" for key in used)
        without = " and ".join(f"{key} = {str(retired[key]).lower()}" for key in used)
        raise RecipeError(f"{name}: {named}: no longer supported; set {without} in this file to continue without it")
    return {key: value for key, value in table.items() if key not in retired}


def apply(table: dict[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """The table with each `section.key=value` applied; the value is TOML, a bare word is a string."""
    table = {name: dict(section) if isinstance(section, dict) else section for name, section in table.items()}
    generation: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        section, dot, name = key.strip().partition(".")
        if not (equals and dot and section and name):
            raise RecipeError(f"--set {setting}: expected section.key=value, as in --set train.lr=3e-4")
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except (ValueError, RecursionError):
            value = text.strip()
        if (section, name) == ("model", "size"):  # it replaces the recipe's settings of the shape
            table["model"] = {key: value for key, value in table.get("model", {}).items() if key not in SHAPE}
        if section == "generate":
            generation[name] = value
        else:
            table.setdefault(section, {})[name] = value
    if generation:
        table["generate"] = with_generation(table.get("generate", {}), generation)
    return table


def build(name: str, table: dict[str, Any]) -> Recipe:
    """A recipe from its TOML tables."""
    _known("section", table, ["task", *SECTIONS])
    task_table = dict(table.get("task", {}))
    task_name = task_table.pop("name", None)
    if not isinstance(task_name, str):
        raise RecipeError(f"recipe {name}: [task] has no name; accepted: {', '.join(tasks.names())}")
    model = table.get("model", {})
    if model.get("size") and (twice := [key for key in SHAPE if key in model]):
        raise RecipeError(f"model.size = {model['size']!r} also sets model.{twice[0]}: leave out one of them")
    sections: dict[str, Any] = {key: build_section(kind, key, table.get(key, {})) for key, kind in SECTIONS.items()}
    return Recipe(name, task_name, build_section(tasks.find(task_name), "task", task_table), **sections)


def build_section(kind: type[Section], section: str, table: dict[str, Any]) -> Section:
    """A dataclass of knobs from its table."""
    fields = knobs(kind)
    _known(section, table, list(fields))
    types = get_type_hints(kind)
    checked = {key: _typed(f"{section}.{key}", value, types[key], fields[key]) for key, value in table.items()}
    try:
        return kind(**checked)
    except ValueError as error:
        raise RecipeError(f"[{section}] {error}") from None


def knobs(kind: Any) -> dict[str, "Field[Any]"]:
    """The fields of a section that a recipe may state."""
    return {field.name: field for field in dataclasses.fields(kind) if "help" in field.metadata}


def read_by(verb: str, kind: Any) -> dict[str, "Field[Any]"]:
    """A task's knobs that are options of a verb."""
    return {key: field for key, field in knobs(kind).items() if verb in field.metadata["flag"]}


def values(section: Any) -> dict[str, Any]:
    """The knobs of a section with their values, as TOML types."""
    found = {name: getattr(section, name) for name in knobs(section)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}


def _known(section: str, table: dict[str, Any], accepted: list[str]) -> None:
    for key in table:
        if key in RETIRED.get(section, {}):
            raise RecipeError(f"{section}.{key} is no longer supported: leave it out")
        if key not in accepted:
            full = key if section == "section" else f"{section}.{key}"
            close = get_close_matches(key, accepted, 1)
            hint = f"did you mean {close[0]}? " if close else ""
            raise RecipeError(f"unknown key {full}; {hint}accepted: {', '.join(accepted)}")


def _typed(key: str, value: Any, wanted: Any, field: "Field[Any]") -> Any:
    """`value` as the field's type, or a RecipeError; a whole number is accepted as a float, a list as a tuple."""
    word = field.metadata["word"]
    if word and value == word:
        return value
    wanted = OR_WORD.get(wanted, wanted)
    if wanted is float and type(value) is int:
        with suppress(OverflowError):
            value = float(value)
    if wanted in LISTS:
        kind, name = LISTS[wanted]
        if isinstance(value, str):
            value = [kind(item) if item.strip().isdecimal() and len(item) < 20 else item for item in value.split(",")]
        value = tuple(value) if isinstance(value, list) else value
        fits, expected = isinstance(value, tuple) and all(type(item) is kind for item in value), f"a {name}"
    else:
        fits, expected = type(value) is wanted, EXPECTED[wanted]
    expected += f" or {word!r}" if word else ""
    default = "" if field.default is MISSING else f"; the default is {field.default!r}"
    if not fits:
        found = list(value) if isinstance(value, tuple) else value
        raise RecipeError(f"{key} = {found!r}; expected {expected}{default}")
    if type(value) is float and not math.isfinite(value):
        raise RecipeError(f"{key} = {value!r}; expected {expected}{default}")
    choices = field.metadata["choices"]
    if choices and value not in choices:
        raise RecipeError(f"{key} = {value!r}; accepted: {', '.join(repr(choice) for choice in choices)}{default}")
    return value
