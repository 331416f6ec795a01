"""The subject of an inspection: an input with the model's answer or a given one, as the ids of one pass."""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gpt2kit.data.layouts import Stream
from gpt2kit.data.lines import cut
from gpt2kit.decoding.classify import texts_of
from gpt2kit.errors import UserError, counted
from gpt2kit.pipeline.engine import Engine


@dataclass(frozen=True)
class Subject:
    """The ids of one pass: a prompt and its continuation."""

    engine: Engine
    name: str
    """The name under which the model was given."""
    task: str
    source: Any
    prompt: int
    """Number of ids of the prompt."""
    ids: list[int]
    followers: list[int]
    """The token after each position: the next id, after the last one the end token; -1 without one."""
    finished: bool
    """Whether the end token ended the answer."""
    given: bool = False
    """Whether the user gave the answer, not the model."""
    labels: dict[str, float] = field(default_factory=dict)
    """For a classifier: the probability of each label."""
    remarks: tuple[str, ...] = ()
    """What is not shown, and why."""
    earlier: tuple[int, ...] = ()
    """The beginning of the answer, if it is not in the window."""
    answers: tuple[str, ...] = ()
    """For a classifier: its labels, or the choices, in the order of their numbers,"""
    texts: tuple[list[int], ...] = ()
    """and the ids of all texts that it reads, of which one is shown."""


def short_name(name: str) -> str:
    """A model's name for a title: that of its folder without the path; for a model of the Hub without the owner."""
    return Path(os.path.abspath(name)).name or name


def subject_of(
    engine: Engine, name: str, task: str, source: Any, steps: int | None = None, target: str | None = None
) -> Subject:
    """An input and the model's answer of at most `steps` tokens, or a given `target`.

    Raises UserError for an empty input, and for an answer that is not possible or does not fit.
    """
    _refuse_blank(engine, source)
    if engine.task.layout.labels:
        if target is not None:
            raise UserError("--target: this model predicts a label, it writes no answer; leave --target out")
        return _labelled(engine, name, task, source)
    if target is not None:
        return _given(engine, name, task, source, target)
    window = engine.model.config.n_positions
    wanted = engine.config.max_new_tokens if steps is None else steps
    if steps is None and isinstance(engine.task.layout, Stream):
        wanted = engine.task.layout.preview
    if not wanted:
        ids, truncated = engine.fitted(source, window)
        return _subject(engine, name, task, source, ids, [], False, truncated)
    config = engine.configured({"max_new_tokens": wanted, "roll": False})
    prompt, truncated = engine.prompt(source, config)
    (result,) = engine.results([source], config)
    return _subject(engine, name, task, source, prompt, result.ids[0], result.finished, truncated)


def followed(engine: Engine, name: str, task: str, source: Any, answer: list[int]) -> Subject:
    """An input with the answer chosen so far; a label has none. Raises UserError for an empty input."""
    _refuse_blank(engine, source)
    if engine.task.layout.labels:
        return _labelled(engine, name, task, source)
    window = engine.model.config.n_positions
    earlier, answer = answer[: -(window // 2)], answer[-(window // 2) :]
    prompt, truncated = engine.fitted(source, window - len(answer))
    subject = _subject(engine, name, task, source, prompt, answer, False, truncated)
    return replace(subject, earlier=tuple(earlier))


def _refuse_blank(engine: Engine, source: Any) -> None:
    if engine.task.blank(source):
        raise UserError("the input is empty: there is nothing to inspect")


def _given(engine: Engine, name: str, task: str, source: Any, target: str) -> Subject:
    window = engine.model.config.n_positions
    if engine.task.about.medium == "performance":
        raise UserError("--target: this model writes music, not text; leave --target out")
    *answer, end = engine.task.encode_target(target)
    if not answer:
        raise UserError("--target is empty: there is no answer to inspect")
    if len(answer) > window // 2:
        raise UserError(
            f"--target {cut(target, 30)!r} has {counted(len(answer), 'token')}; at most {window // 2} fit, half "
            f"of the window"
        )
    prompt, truncated = engine.fitted(source, window - len(answer))
    ends = engine.task.layout.has_answers and end == engine.task.vocabulary.eos
    return _subject(engine, name, task, source, prompt, answer, ends, truncated, given=True)


def _labelled(engine: Engine, name: str, task: str, source: Any) -> Subject:
    """The text whose end the classifier reads; for several choices that of the likeliest."""
    (result,) = engine.results([source])
    prompt, truncated = engine.prompt(source, engine.config)
    texts = texts_of(prompt, engine.task.layout.extract)
    remarks = []
    shown = result.ids[0][0] if len(engine.model.labels) == 1 else 0
    if len(texts) > 1:
        remarks.append(f"the model reads {len(texts)} texts for this input; text {shown + 1} is shown")
    labels = result.probabilities or {}
    subject = _subject(
        engine, name, task, source, texts[shown], [], False, truncated, labels=labels, remarks=tuple(remarks)
    )
    return replace(subject, answers=tuple(engine.task.layout.answers(source)), texts=tuple(texts))


def _subject(
    engine: Engine,
    name: str,
    task: str,
    source: Any,
    prompt: list[int],
    answer: list[int],
    finished: bool,
    truncated: bool,
    given: bool = False,
    labels: dict[str, float] | None = None,
    remarks: tuple[str, ...] = (),
) -> Subject:
    ids = [*prompt, *answer]
    if truncated:
        whole = engine.task.layout.length(engine.task.encode_source(source))
        remarks = (*remarks, _cut(engine, whole, len(prompt)))
    followers = [*ids[1:], engine.task.vocabulary.eos if finished else -1]
    return Subject(engine, name, task, source, len(prompt), ids, followers, finished, given, labels or {}, remarks)


def _cut(engine: Engine, whole: int, shown: int) -> str:
    window = engine.model.config.n_positions
    return (
        f"the input has {counted(whole, 'token')} and the window {window:,}: the {counted(shown, 'token')} "
        f"that the model reads are shown"
    )
