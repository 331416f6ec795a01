"""The table of formats: what is accepted, and what an error says."""

import importlib.util

import pytest

from gpt2kit.errors import MachineError, UserError
from gpt2kit.export import formats
from gpt2kit.export.formats import FORMATS, Format
from gpt2kit.export.target import LIMITS
from gpt2kit.export.verb import export


def test_every_format_has_code_and_limits() -> None:
    for name, each in FORMATS.items():
        assert each.name == name
        assert set(each.dtypes) <= LIMITS.keys()
        assert formats.target(formats.find(name)).kind.name
    assert max(LIMITS.values()) < 1, "from which an error is real"


def test_an_unknown_format_names_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"--to gguff: unknown format; expected one of .*safetensors"):
        formats.find("gguff")


def test_an_unknown_number_type_names_the_known_ones() -> None:
    with pytest.raises(UserError, match="--dtype int4: safetensors is written as one of bf16, f16, f32"):
        formats.dtype_of(FORMATS["safetensors"], "int4")
    assert formats.dtype_of(FORMATS["safetensors"], "") == "bf16"
    assert formats.dtype_of(FORMATS["safetensors"], "f32") == "f32"


@pytest.mark.parametrize(
    ("name", "module"), [(each.name, module) for each in FORMATS.values() for module in each.modules]
)
def test_every_package_is_looked_for(monkeypatch: pytest.MonkeyPatch, name: str, module: str) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda asked: None if asked == module else find(asked))
    with pytest.raises(MachineError, match=rf"--to {name} needs the package {module}: pip install 'gpt2kit\[{name}\]'"):
        export("no run is read", name, "out")


def test_a_missing_package_is_named_with_the_way_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    other = Format("other", "Other", "a file", ("f32",), ".other", ("json", "no_such_module"))
    monkeypatch.setitem(FORMATS, "other", other)
    with pytest.raises(MachineError, match=r"--to other needs the package no_such_module: .*'gpt2kit\[other\]'"):
        formats.find("other")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    assert formats.find("other").ending == ".other"
