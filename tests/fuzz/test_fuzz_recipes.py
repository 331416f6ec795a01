"""Recipes and `--set` of any text: a recipe whose values can be used, or a word that says what is wrong."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from gpt2kit import recipe, tasks
from gpt2kit.config import GenerateConfig, ModelConfig, TrainConfig
from gpt2kit.recipe import Recipe, knobs

Hold = Callable[[Callable[[bytes], object], bytes], object]

SECTIONS: dict[str, list[str]] = {
    **{
        name: [*knobs(kind)]
        for name, kind in (("model", ModelConfig), ("train", TrainConfig), ("generate", GenerateConfig))
    },
    "task": ["name", *sorted({key for name in tasks.names() for key in knobs(tasks.find(name))})],
}
KEYS = st.sampled_from([(section, key) for section, keys in SECTIONS.items() for key in keys])
VALUES = st.one_of(
    *(st.integers(), st.floats(), st.booleans(), st.text(max_size=6), st.dates(), st.just([]), st.just({})),
    st.lists(st.one_of(st.integers(), st.text(max_size=4)), max_size=3),
    st.sampled_from(
        ["30m", "9" * 5000 + "s", "1h", "full", "local,full", "gpt2", "cpu", "bf16", "²", "1,2,x", 0, 1, 2, -1]
    ),
    st.sampled_from([10**400, -(10**400), 2**63, 2**32, float("inf"), float("nan"), 1e308, *tasks.names()]),
)
WORDS = st.one_of(
    VALUES.map(str),
    st.sampled_from(
        ["[" * 3000, "{" * 500, "9" * 6000, "1e999", "nan", "'", '"', "[1,", "{a=1}", "1979-05-27", "true", "\n"]
    ),
    st.text(max_size=20),
)


def built(found: object) -> None:
    """What was made is what can be written down and read again."""
    if found is not None:
        assert isinstance(found, Recipe)
        again = recipe.build(found.name, recipe.apply(found.table(), []))
        assert dataclasses.replace(again, task=found.task) == found


@st.composite
def recipes(draw: st.DrawFn) -> bytes:
    tables: dict[str, dict[str, Any]] = {"task": {"name": draw(st.sampled_from(tasks.names()))}}
    for section, key in draw(st.lists(KEYS, max_size=4)):
        tables.setdefault(section, {})[key] = draw(VALUES)
    content = tomli_w.dumps(tables).encode("utf-8", "surrogatepass")
    return (
        content[: draw(st.integers(0, len(content)))] + draw(WORDS).encode("utf-8", "ignore")
        if draw(st.booleans())
        else content
    )


@given(
    content=st.one_of(
        recipes(), st.binary(max_size=80), WORDS.map(lambda word: f"a = {word}".encode("utf-8", "ignore"))
    )
)
def test_any_file_is_a_recipe_or_told(hold: Hold, place: Path, content: bytes) -> None:
    def parse(content: bytes) -> Recipe:
        path = place / "mine.toml"
        path.write_bytes(content)
        return recipe.load(str(path))

    built(hold(parse, content))


@given(name=st.sampled_from(tasks.names()), key=KEYS, word=WORDS, more=st.lists(st.text(max_size=12), max_size=1))
def test_any_setting_is_a_value_or_told(
    hold: Hold, name: str, key: tuple[str, str], word: str, more: list[str]
) -> None:
    def parse(content: bytes) -> Recipe:
        return recipe.load(name, [f"{key[0]}.{key[1]}={word}", *more], name)

    built(hold(parse, word.encode("utf-8", "ignore")))
