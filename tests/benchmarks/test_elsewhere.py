"""The benchmark of exported runs: what it makes of answers and failures, and that all programs answer alike."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gpt2kit.export.verb import export
from gpt2kit.runs.folder import Run

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
RunOf = Callable[..., Path]


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
    """benchmarks/elsewhere.py, whose scripts import one another by their bare names."""
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        import elsewhere

        yield elsewhere
    for name in set(sys.modules) - before:
        if (path := getattr(sys.modules[name], "__file__", None)) and BENCHMARKS in Path(path).parents:
            del sys.modules[name]


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
def test_the_programs_answer_alike(elsewhere: Any, run_of: RunOf, tmp_path: Path, rows: int) -> None:
    run = run_of("translate")
    task = Run.open(run).task
    words = ("I", "am", "a student", "let them", "eat cake", "good", "morning", "two lines")
    prompts = [task.encode_source(task.parse(f"{word} {word}"[:length])) for word in words for length in (3, 9, 20)]
    (tmp_path / "prompts.json").write_text(json.dumps(prompts))
    export(run, "ctranslate2", tmp_path / "ct2", "f32")
    answers = {}
    for program, weights in {"gpt2kit": run, "ctranslate2": tmp_path / "ct2"}.items():
        turn = OnePass()
        settings = {"weights": str(weights), "prompts": str(tmp_path / "prompts.json"), "dtype": "fp32", "new": 8}
        settings |= {"eos": task.vocabulary.eos, "window": 64, "rows": rows, "threads": 1}
        with pytest.raises(Stop):
            elsewhere.PROGRAMS[program](settings, turn)
        answers[program] = turn.answers
    assert answers["gpt2kit"] == answers["ctranslate2"]
    assert len(answers["gpt2kit"]) == len(prompts)
    assert all(len(answer) <= 8 for answer in answers["gpt2kit"])


def test_llama_cpp_has_no_batches(elsewhere: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llama_cpp", type("llama_cpp", (), {"Llama": None}))
    with pytest.raises(ValueError, match="one prompt at a time"):
        elsewhere.PROGRAMS["llama_cpp"]({"rows": 16}, OnePass())
