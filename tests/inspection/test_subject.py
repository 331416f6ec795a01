"""What is looked at: the ids that the model really read and wrote."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpt2kit.errors import UserError
from gpt2kit.inspection.subject import Subject, followed, short_name, subject_of

Make = Callable[..., Subject]


@pytest.mark.parametrize("task", ["translate", "summarize", "lm", "finetune", "music"])
def test_it_is_the_prompt_and_what_generate_answers(subject: Make, task: str) -> None:
    made = subject(task)
    config = made.engine.configured({"max_new_tokens": 6, "roll": False})
    (result,) = made.engine.results([made.source], config)
    prompt = made.engine.task.encode_source(made.source)
    assert made.ids == [*prompt, *result.ids[0]]
    assert made.prompt == len(prompt)
    assert made.followers == [*made.ids[1:], made.engine.task.vocabulary.eos if result.finished else -1]
    assert made.finished == result.finished
    assert not made.given
    assert made.remarks == ()


@pytest.mark.parametrize("settings", [{"beams": 3}, {"temperature": 1.0, "top_k": 5, "seed": 4}])
def test_the_answer_is_that_of_the_settings(subject: Make, settings: dict[str, Any]) -> None:
    made = subject("translate", **settings)
    (result,) = made.engine.results([made.source], made.engine.configured({"max_new_tokens": 6}))
    assert made.ids[made.prompt :] == result.ids[0]


def test_without_an_answer(subject: Make) -> None:
    made = subject("lm", steps=0)
    assert made.ids == made.engine.task.encode_source("The robot must")
    assert made.followers[-1] == -1


def test_a_stream_goes_on_a_little_and_a_row_is_answered(subject: Make) -> None:
    assert len(subject("lm", steps=None).ids) - subject("lm", steps=0).prompt == 24
    answer = subject("translate", steps=None)
    assert len(answer.ids) - answer.prompt <= answer.engine.config.max_new_tokens


def test_a_given_answer(subject: Make) -> None:
    made = subject("translate", steps=None, target="je suis")
    task = made.engine.task
    assert [*made.ids[made.prompt :], made.followers[-1]] == task.encode_target("je suis")
    assert made.given
    assert made.finished
    assert not subject("lm", steps=None, target=" obey").finished  # a text need not end there


@pytest.mark.parametrize(("task", "target"), [("music", "C4"), ("translate", ""), ("translate", "x" * 90)])
def test_an_answer_that_cannot_be(subject: Make, task: str, target: str) -> None:
    with pytest.raises(UserError, match="--target"):
        subject(task, steps=None, target=target)


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_nothing_to_look_at(subject: Make, text: str) -> None:
    with pytest.raises(UserError, match="empty"):
        subject("translate", source=text)
    assert subject("lm", source="", steps=0).ids == [subject("lm").engine.task.vocabulary.eos]


def test_what_is_longer_than_the_window_is_cut_and_told(subject: Make) -> None:
    made = subject("lm", source="long " * 100, steps=0)
    assert len(made.ids) == made.prompt == 64
    (remark,) = made.remarks
    whole = len(made.engine.task.encode_source(made.source))
    assert f"{whole} tokens and the window 64: the 64 tokens that the model reads" in remark
    assert len(subject("lm", source="long " * 100, steps=9).ids) in range(56, 65)


def test_a_label_is_read_from_the_end_of_its_text(labelled: Make) -> None:
    made = labelled("label", "It was good.")
    assert made.ids[-1] == made.engine.task.layout.extract
    assert set(made.labels) == {"good", "bad"}
    assert sum(made.labels.values()) == pytest.approx(1)
    assert made.prompt == len(made.ids)


def test_of_several_choices_the_likeliest_is_shown(labelled: Make) -> None:
    made = labelled("choice", "I eat\tan apple\ta stone")
    best = max(made.labels, key=lambda name: made.labels[name])
    text = made.engine.task.vocabulary.render(made.ids)
    assert best in text
    assert "reads 2 texts" in made.remarks[0]
    with pytest.raises(UserError, match="--target"):
        subject_of(made.engine, "x", "finetune", made.source, None, "an apple")


def test_an_answer_as_far_as_it_was_chosen(subject: Make) -> None:
    engine = subject("lm").engine
    made = followed(engine, "x", "lm", "The", [40, 41])
    assert made.ids == [*engine.task.encode_source("The"), 40, 41]
    assert len(followed(engine, "x", "lm", "The", [40] * 500).ids) <= 64


@pytest.mark.parametrize(
    ("given", "short"),
    [
        ("runs/piano", "piano"),
        ("/a/b/piano/", "piano"),
        ("openai-community/gpt2", "gpt2"),
        ("gpt2", "gpt2"),
        ("/", "/"),
    ],
)
def test_a_title_has_no_path(given: str, short: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert short_name(given) == short
    monkeypatch.chdir(tmp_path)
    assert short_name(".") == tmp_path.name
