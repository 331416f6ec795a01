"""The benchmark of exported runs: what it makes of answers and failures, and that all programs answer alike."""

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gpt2kit.export.verb import export
from gpt2kit.runs.folder import Run
from tests.benchmarks.conftest import benchmark


class Stop(Exception):
    """Ends a program after its first pass."""


class OnePass:
    """The part of turns.Turn that a program sees."""

    def __init__(self) -> None:
        self.notes: dict[str, Any] = {}
        self.answers: list[list[int]] = []

    def note(self, **notes: Any) -> None:
        self.notes |= notes

    def ready(self) -> None:
        pass

    def tick(self, count: float, **answer: Any) -> None:
        assert count == len(answer["answers"])
        self.answers = answer["answers"]
        raise Stop


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Any]:
    with benchmark("elsewhere") as script:
        yield script


@pytest.fixture
def players(elsewhere: Any, tmp_path: Path) -> list[Any]:
    """gpt2kit, a tool with one other answer, and one that is missing."""
    written = {
        "CTranslate2 int8": elsewhere.Written(tmp_path, 1.04),
        "llama.cpp F16": elsewhere.Written(tmp_path, failed="not exported: no gguf"),
    }
    first, second, tool, missing = elsewhere.players(written, tmp_path, {"new": 3, "rows": 1})
    assert second.name == "gpt2kit bf16"
    turn = {"count": 2, "cores": 1.0, "memory_gib": 0.5}
    first.turns = [turn | {"seconds": 1.0, "answers": [[1], [2, 3, 4]]}]
    tool.turns = [turn | {"seconds": seconds, "answers": [[1], [2, 3]]} for seconds in (0.5, 0.25, 1.0)]
    return [elsewhere.figures_of(player, [first, tool], written) for player in (first, tool, missing)]


def test_figures_are_medians_and_count_end_tokens(players: list[dict[str, Any]]) -> None:
    first, tool, _ = players
    assert (first["sentences_per_second"], first["tokens_per_second"]) == (2.0, 2.0 * (2 + 3) / 2)
    assert (first["equal"], first["answers"]) == (2, 2)
    assert (tool["sentences_per_second"], tool["tokens_per_second"]) == (4.0, 4.0 * (2 + 3) / 2)
    assert (tool["equal"], tool["answers"], tool["megabytes"]) == (1, 2, 1.0)
    assert tool["each_round"] == [4.0, 8.0, 2.0]


def test_a_tool_that_is_missing_has_its_reason(players: list[dict[str, Any]]) -> None:
    assert players[2] == {"failed": "not exported: no gguf"}


def test_an_export_that_is_refused_is_left_out(elsewhere: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(words: list[str], **_: Any) -> Any:
        assert words[1:] == [
            *("-m", "gpt2kit", "export", "run", "--to", "gguf", "--dtype", "q8_0"),
            *("--out", str(tmp_path / "gguf-q8_0")),
        ]
        return elsewhere.subprocess.CompletedProcess(words, 4, "", "a remark\nerror --to gguf needs the package gguf\n")

    monkeypatch.setattr(elsewhere.subprocess, "run", refuse)
    wanted = next(each for each in elsewhere.EXPORTS if each.dtype == "q8_0")
    written = elsewhere.export(Path("run"), wanted, tmp_path)
    assert written.failed == "not exported: error --to gguf needs the package gguf"


@pytest.mark.parametrize("rows", [1, 16])
def test_the_programs_answer_alike(elsewhere: Any, by_heart: Path, tmp_path: Path, rows: int) -> None:
    """llama.cpp too, where llama-cpp-python is installed."""
    task = Run.open(by_heart).task
    sources = ["I am a student", "let them eat cake", "good morning"] * 7
    prompts = [task.encode_source(task.parse(source)) for source in sources]
    (tmp_path / "prompts.json").write_text(json.dumps(prompts))
    export(by_heart, "ctranslate2", tmp_path / "ct2", "f32")
    programs = {"gpt2kit": by_heart, "ctranslate2": tmp_path / "ct2"}
    if importlib.util.find_spec("llama_cpp"):
        export(by_heart, "gguf", tmp_path / "run.gguf", "f32")
        programs["llama_cpp"] = tmp_path / "run.gguf"
    for program, weights in programs.items():
        turn = OnePass()
        settings = {"weights": str(weights), "prompts": str(tmp_path / "prompts.json"), "dtype": "fp32", "new": 20}
        settings |= {"eos": task.vocabulary.eos, "window": 64, "rows": rows, "threads": 1}
        with pytest.raises(Stop):
            elsewhere.PROGRAMS[program](settings, turn)
        assert [task.decode(answer) for answer in turn.answers] == [
            *["je suis étudiant", "qu'ils mangent du gâteau", "bonjour"] * 7
        ], program
