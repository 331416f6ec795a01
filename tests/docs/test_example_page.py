"""The page in the docs, in which the translator of `gpt2kit demo` runs, for readers who have installed nothing."""

from dataclasses import fields
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gpt2kit.config import ModelConfig
from gpt2kit.export.with_node import Node, node
from gpt2kit.export.with_page import Stored
from gpt2kit.html import json_of_element
from gpt2kit.model.gpt2 import GPT2

if TYPE_CHECKING:
    from tests.conftest import Browser

PAGE = Path(__file__).resolve().parents[2] / "docs" / "translator.html"
SENTENCES = 200


@pytest.fixture(scope="module")
def sources() -> list[str]:
    text = (files("gpt2kit") / "samples/translate/train.tsv").read_text(encoding="utf-8")
    return [line.split("\t")[0] for line in text.splitlines()[:SENTENCES]]


@pytest.fixture(scope="module")
def run() -> dict[str, Any]:
    found: dict[str, Any] = json_of_element(PAGE.read_text(encoding="utf-8"), "run")
    return found


def test_answers_equal_those_of_python_with_the_same_weights(sources: list[str], run: dict[str, Any]) -> None:
    if node() is None:
        pytest.skip("Node.js is not installed")
    config = run["config"]
    known = {field.name for field in fields(ModelConfig)}
    settings: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in config.items() if key in known
    }
    python = Stored(PAGE, GPT2(ModelConfig(**settings), config["vocab_size"]))
    end, separator = run["task"]["eos"], run["tokenizer"]["tokens"].index("<to-fr>")
    with Node(PAGE) as page:
        prompts = [[*ids, separator] for ids in page.encode(sources)]
        answers = page.greedy(prompts, 40, end)
        assert page.answers([["They are watching the birds."]], temperature=0) == ["Ils regardent les oiseaux."]
    assert answers == python.greedy(prompts, 40, end)
    assert sum(answer[-1] == end for answer in answers) == SENTENCES, "a trained model ends its sentences"


def test_translates_what_is_typed(tab: "Browser") -> None:
    tab.open(PAGE)
    tab.until("document.getElementById('busy').textContent === ''")
    tab.value("document.querySelector('#inputs textarea').focus()")
    tab.send("Input.insertText", text="They are watching the birds.")
    tab.until("document.getElementById('so-far').textContent === 'Ils regardent les oiseaux.'")


def test_names_no_place_and_no_other_address(run: dict[str, Any]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert run["shape"]["name"] == "demo-translate"
    assert "/home/" not in text
    assert "/root/" not in text
    assert "/tmp/" not in text
