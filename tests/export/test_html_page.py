"""A run as a page: what it contains, and that Node computes with it as gpt2kit does."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gpt2kit.errors import UserError
from gpt2kit.export import html
from gpt2kit.export.verb import export
from gpt2kit.export.with_node import node
from gpt2kit.html import json_of_element
from gpt2kit.inspection.page import write_page
from gpt2kit.overwriting import PAGE

Make = Callable[..., Path]


@pytest.mark.parametrize("task", ["translate", "lm", "music"])
def test_a_page_computes_what_the_run_computes(run_of: Make, tmp_path: Path, task: str) -> None:
    done = export(run_of(task), "html", tmp_path / "page.html")
    tools = {check.remark.split(",")[0] for check in done.checks}
    assert "the weights in the page" in tools
    assert any(tool.startswith("Node.js") for tool in tools) == (shutil.which("node") is not None)
    assert done.dtype == "f16"


@pytest.mark.parametrize("dtype", ["f32", "int8"])
def test_other_numbers(run_of: Make, tmp_path: Path, dtype: str) -> None:
    assert export(run_of("lm"), "html", tmp_path / "page.html", dtype).dtype == dtype


def test_a_page_has_no_text_of_the_training_data_and_no_path(run_of: Make, tmp_path: Path) -> None:
    run = run_of("translate")
    export(run, "html", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert str(run.parent) not in page
    assert set(json_of_element(page, "run")) == {
        "config",
        "tensors",
        "tokenizer",
        "task",
        "generate",
        "shape",
        "performance",
    }


def test_a_large_page_is_written_on_request(run_of: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "LARGE", 100)
    with pytest.raises(UserError, match=r"the page would have about 0 MB for .* weights, and be slow; --yes writes it"):
        export(run_of("lm"), "html", tmp_path / "page.html")
    assert export(run_of("lm"), "html", tmp_path / "page.html", yes=True).size > 0


@pytest.mark.parametrize(
    ("script", "usable"),
    [
        ("echo v20.0.0", True),
        ("echo v118.2.1", True),
        ("echo v18.19.0", False),
        ("echo no version is set", False),
        ("exit 1", False),
    ],
)
def test_a_node_that_cannot_run_the_page_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, usable: bool
) -> None:
    """Old ones are common in distributions, and an empty shim of a version manager is no reason against an export."""
    program = tmp_path / "node"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert node() == (str(program) if usable else None)
    program.write_text("not a program")
    assert node() is None
    program.unlink()
    assert node() is None


def test_another_page_is_not_replaced(run_of: Make, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    write_page(page, {}, "a view of inspect")
    assert not html.Html.kind.wrote(page)
    assert PAGE.wrote(page)
    export(run_of("lm"), "html", tmp_path / "model.html")
    assert html.Html.kind.wrote(tmp_path / "model.html")
    assert not PAGE.wrote(tmp_path / "model.html"), "nor is this one by other pages"
