"""The packages that gpt2kit needs: that the list is whole, and what is said of a package that is broken."""

import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import pytest

from gpt2kit import tasks
from gpt2kit.doctor import libraries

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_every_dependency_is_looked_at() -> None:
    names = {re.split("[<>=]", line)[0] for line in PROJECT["dependencies"]}
    assert libraries.REQUIRED.keys() == names
    assert {name for task in tasks.names() for name in tasks.find(task)().about.requires} <= libraries.REQUIRED.keys()
    extra = " ".join(line for lines in PROJECT["optional-dependencies"].values() for line in lines)
    assert all(name in extra for name in libraries.OPTIONAL)


def test_this_machine_has_them_all() -> None:
    everything, *others = libraries.libraries()
    assert others == []
    assert everything.facts["versions"].keys() == libraries.REQUIRED.keys()
    assert all(f"{name} {importlib.metadata.version(name)}" in everything.found for name in libraries.REQUIRED)
    assert libraries.python().state == "ok"


@pytest.mark.parametrize("error", [ImportError("no file libtorch.so\nand more"), OSError("x"), RuntimeError()])
def test_a_package_that_fails_is_a_finding(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    class Broken:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "mwparserfromhell":
                raise error

    monkeypatch.delitem(sys.modules, "mwparserfromhell", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    everything, other = libraries.libraries()
    assert "mwparserfromhell" not in everything.found
    assert (other.name, other.state) == ("mwparserfromhell", "lacks")
    assert "cannot be imported" in other.found
    assert type(error).__name__ in other.found
    assert "\n" not in other.found


def test_a_package_that_is_not_there_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mwparserfromhell", None)
    monkeypatch.setattr(libraries, "installed", lambda name: None if name == "mwparserfromhell" else "1")
    monkeypatch.setattr(libraries, "requirements", dict)
    other = libraries.libraries()[1]
    assert other.found.startswith("is not installed (ModuleNotFoundError: ")
    assert other.found.endswith("; needed for Wikipedia dumps")


def test_another_version_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "requirements", lambda: {"torch": ">=99"})
    other = libraries.libraries()[1]
    assert (other.name, other.state) == ("torch", "note")
    assert other.found == f"{importlib.metadata.version('torch')}; gpt2kit expects >=99"


def test_the_requirements_are_those_of_the_installed_project(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a wheel has them: ranges in another order, and what extras need among them."""
    lines = ["torch<2.14,>=2.10", "pretty-midi>=0.2.11; python_version > '3'", "rich", "pytest>=8; extra == 'dev'"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: lines)
    assert libraries.requirements() == {"torch": "<2.14,>=2.10", "pretty-midi": ">=0.2.11", "rich": ""}
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: None)
    assert libraries.requirements() == {}


@pytest.mark.parametrize(
    ("version", "accepted", "fits"),
    [
        ("2.13.0+cpu", ">=2.10,<2.14", True),
        ("2.14.0a0", ">=2.10,<2.14", False),
        ("2.9.1", ">=2.10,<2.14", False),
        ("2.9.1", "<2.14,>=2.10", False),
        ("3.0", ">=3", True),
        ("10", ">=9.5", True),
        ("1.0", "", True),
    ],
)
def test_versions_are_compared_by_their_numbers(version: str, accepted: str, fits: bool) -> None:
    assert libraries.fits(version, accepted) == fits


def test_what_is_not_installed_is_no_fault_where_it_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "installed", lambda name: None)
    assert [each.state for each in libraries.extras()] == ["note"] * len(libraries.OPTIONAL)
    assert libraries.extras()[0].found.startswith("not installed; needed for curves")
