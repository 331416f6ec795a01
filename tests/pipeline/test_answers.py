"""Answers are kept as they are made: killed and asked again, a run gives the same ones, and only those that lack."""

import json
import os
import signal
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import gpt2kit
from gpt2kit.decoding.beam import beam_search
from gpt2kit.decoding.decode import for_inference
from gpt2kit.errors import DataError, UserError
from gpt2kit.pipeline.augmenting import answers as answering
from gpt2kit.pipeline.augmenting.answers import Said, answers
from gpt2kit.pipeline.engine import Engine
from gpt2kit.tasks.translate import Sentence

SOURCES = [Sentence(text, "fr") for text in ("good morning", "I am a student", "xyz", "let them eat cake", "a b c")]
SAMPLED: dict[str, Any] = {"temperature": 3.0, "max_new_tokens": 6}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What models are asked, three inputs together."""
    found: list[Any] = []
    results = Engine.results

    def counted(self: Engine, sources: Iterator[Any], *more: Any, **named: Any) -> Any:
        listed = [*sources]
        found.extend(listed)
        return results(self, listed, *more, **named)

    monkeypatch.setattr(Engine, "results", counted)
    monkeypatch.setattr(answering, "PART", 3)
    return found


def of(said: list[list[Said]]) -> list[list[str]]:
    return [[each.text for each in every] for every in said]


def test_answers_are_those_of_the_engine(by_heart: Path, tmp_path: Path, asked: list[Any]) -> None:
    engine = gpt2kit.load(by_heart)
    found = answers(engine, SOURCES, 1, tmp_path, scored=True)
    results = [*engine.results(SOURCES, scored=True)]
    assert of(found) == [result.outputs for result in results]
    for (said,), result in zip(found, results, strict=True):
        total = result.log_probabilities[0]
        assert total is not None
        assert said.confidence is not None
        tokens = len(result.ids[0]) + result.finished
        assert said.confidence**tokens == pytest.approx(2.718281828459045**total, rel=1e-3)


def test_the_best_of_beam_search(by_heart: Path, tmp_path: Path) -> None:
    engine = gpt2kit.load(by_heart, {"beams": 3})
    found = answers(engine, SOURCES, 2, tmp_path)
    assert of(found) == [result.outputs[:2] for result in engine.results(SOURCES)]
    with pytest.raises(UserError, match="answers = 4: expected 1 to the number of beams, which is 3; or sample"):
        answers(engine, SOURCES, 4, tmp_path)
    with pytest.raises(UserError, match="answers = 0; expected 1 or more"):
        answers(engine, SOURCES, 0, tmp_path)


def test_only_some_of_the_best_have_an_end(by_heart: Path, tmp_path: Path) -> None:
    """What a limit has cut off is not fit to be learned, also after an answer that is; the oracle is the search."""
    engine = gpt2kit.load(by_heart, {"beams": 4, "max_new_tokens": 8})
    found = answers(engine, SOURCES, 4, tmp_path)
    decoder = for_inference(engine.model, "fp32")
    prompts = [engine.task.encode_source(source) for source in SOURCES]
    searched = beam_search(decoder, prompts, engine.config, [engine.task.vocabulary.eos])
    expected = [[each.finished for each in every] for every in searched]
    assert [[said.problem != "answer without an end" for said in every] for every in found] == expected
    assert any(len(set(each)) == 2 for each in expected)


def test_a_text_has_one_label(run_of: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a text has one label"):
        answers(gpt2kit.load(run_of("labelled")), [("fine 1",)], 2, tmp_path)


def test_samples_differ_and_come_back(by_heart: Path, tmp_path: Path, asked: list[Any]) -> None:
    """However often it is stopped: after any number of answers, or within the line of one."""
    engine = gpt2kit.load(by_heart, SAMPLED)
    whole = answers(engine, SOURCES, 3, tmp_path)
    assert all(len(each) == 3 for each in whole)
    assert any(len(set(each)) > 1 for each in of(whole))
    (kept,) = tmp_path.iterdir()
    content = kept.read_bytes()
    for lines, torn in ((0, 0), (1, 5), (7, 0), (14, 1), (15, 0)):
        rows = content.splitlines(keepends=True)
        kept.write_bytes(b"".join(rows[:lines]) + b"".join(rows[lines:])[:torn])
        asked.clear()
        assert answers(engine, SOURCES, 3, tmp_path) == whole
        assert (len(asked), kept.read_bytes()) == (15 - lines, content)


def test_other_settings_have_other_answers(by_heart: Path, tmp_path: Path, asked: list[Any]) -> None:
    """What changes no answer, such as how many are decoded together, keeps them."""
    answers(gpt2kit.load(by_heart, {"max_new_tokens": 6}), SOURCES, 1, tmp_path)
    answers(gpt2kit.load(by_heart, {"max_new_tokens": 6, "batch_rows": 1, "device": "cpu"}), SOURCES, 1, tmp_path)
    assert len(asked) == len(SOURCES)
    answers(gpt2kit.load(by_heart, {"max_new_tokens": 5}), SOURCES, 1, tmp_path)
    assert len([*tmp_path.iterdir()]) == 2
    answers(gpt2kit.load(by_heart, {"max_new_tokens": 6}), SOURCES[:2], 1, tmp_path)
    assert len([*tmp_path.iterdir()]) == 3


def test_a_damaged_file_is_named(by_heart: Path, tmp_path: Path) -> None:
    engine = gpt2kit.load(by_heart, {"max_new_tokens": 6})
    answers(engine, SOURCES, 1, tmp_path)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(b"{}x\n" + kept.read_bytes())
    with pytest.raises(DataError, match=rf"{kept.name} is damaged .*: delete it"):
        answers(engine, SOURCES, 1, tmp_path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_a_killed_command_goes_on(by_heart: Path, tmp_path: Path, asked: list[Any]) -> None:
    data, whole, out = by_heart.parent / "data", tmp_path / "whole", tmp_path / "more"
    gpt2kit.augment(data, [by_heart], whole, settings=SAMPLED, answers=4)
    expected = len(asked)

    def die(name: str, done: int, of: int, seconds: float) -> None:
        if done >= 6:
            os.kill(os.getpid(), signal.SIGKILL)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of other tests
        child = os.fork()
    if not child:
        try:
            gpt2kit.augment(data, [by_heart], out, settings=SAMPLED, answers=4, progress=die)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert not out.exists()
    (kept,) = (tmp_path / "more.part").iterdir()
    assert [len(json.loads(line)) for line in kept.read_text(encoding="utf-8").splitlines()] == [1] * 6
    asked.clear()
    gpt2kit.augment(data, [by_heart], out, settings=SAMPLED, answers=4)
    assert len(asked) == expected - 6
    both = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in (out, whole)]
    assert both[0] == both[1]
    assert not (tmp_path / "more.part").exists()
