"""Minimum Bayes risk: the answer that is most similar to the other samples, for every task that has whole answers."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

import gpt2kit
from gpt2kit.cli.app import run
from gpt2kit.decoding.seeds import of_samples
from gpt2kit.errors import RecipeError, UserError
from gpt2kit.pipeline.engine import Engine
from gpt2kit.pipeline.evaluate import evaluate

TEXTS = ["I am a student", "let them", "two lines", "a cake"]
SETTINGS = {"mbr": 5, "temperature": 1.6, "seed": 3}


@pytest.fixture(scope="module")
def fr(by_heart: Path) -> Engine:
    return gpt2kit.load(by_heart)


def samples(engine: Engine, number: int, text: str, count: int) -> list[str]:
    """The samples of an input, each drawn on its own."""
    return [str(engine(text, temperature=1.6, seed=seed)) for seed in of_samples(3 + number, count)]


@pytest.mark.parametrize("metric", ["chrf", "bleu"])
def test_the_answer_is_the_sample_of_the_highest_utility(fr: Engine, metric: str) -> None:
    theirs = CHRF() if metric == "chrf" else BLEU(effective_order=True)
    answers = fr(TEXTS, **SETTINGS, mbr_metric=metric)
    differ = 0
    for number, (text, answer) in enumerate(zip(TEXTS, answers, strict=True)):
        drawn = samples(fr, number, text, 5)
        utility = {
            sample: sum(theirs.sentence_score(sample, [other]).score for other in drawn[:place] + drawn[place + 1 :])
            for place, sample in enumerate(drawn)
        }
        assert utility[answer] == pytest.approx(max(utility.values()))
        differ += answer != drawn[0]
    assert differ, "or the test would prove nothing"


def test_an_answer_does_not_depend_on_the_others(fr: Engine) -> None:
    together = [each.outputs for each in fr.results(map(fr.task.parse, TEXTS), fr.configured(SETTINGS))]
    for rows in (1, 3):
        config = fr.configured({**SETTINGS, "batch_rows": rows})
        assert [each.outputs for each in fr.results(map(fr.task.parse, TEXTS), config)] == together
    config = replace(fr.configured(SETTINGS), seed=3 + 2)
    (alone,) = fr.results([fr.task.parse(TEXTS[2])], config, scored=True)
    assert [alone.outputs] == [together[2]]
    assert alone.seed == 5, "which gives it again"
    assert alone.log_probabilities[0] is not None
    assert (len(alone.ids), len(alone.scores), alone.complete) == (1, 1, alone.finished)


def test_a_greedy_run_samples_then(fr: Engine) -> None:
    assert fr.config.temperature == 0
    assert fr.configured({"mbr": 4}).temperature > 0
    assert fr.configured({"mbr": 4, "temperature": 0.5}).temperature == 0.5
    assert fr.configured({"mbr": 0}).temperature == 0
    with pytest.raises(RecipeError, match=r"mbr = 4, .* compares samples: set a temperature above 0"):
        fr("x", mbr=4, temperature=0)
    with pytest.raises(RecipeError, match="mbr samples instead of searching"):
        fr("x", mbr=4, beams=2)


def test_signatures_say_it(by_heart: Path) -> None:
    engine = gpt2kit.load(by_heart, {"mbr": 2, "mbr_metric": "bleu"})
    assert "|decode:t:0.7|k:0|p:1|seed:0|mbr:2:bleu|" in evaluate(engine, limit=1).signature
    assert "mbr" not in evaluate(by_heart, limit=1).signature


def test_stop_texts_end_the_samples(fr: Engine) -> None:
    stopped = fr(TEXTS, **SETTINGS, stop=["a", "e"])
    assert all(not set("ae") & set(answer) for answer in stopped)


def test_the_command_says_what_it_does(
    by_heart: Path, run_of: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """And nothing of it when it is refused."""
    command = ["translate", "generate", "--run", str(by_heart), "good morning", "--mbr", "2", "--seed", "1"]
    assert run(command) == 0
    shown = capsys.readouterr()
    assert shown.out == "bonjour\n"
    assert "the one of 2 samples (temperature 0.7, top-p 1) that is most similar to the others, by chrf" in shown.err
    assert run([*command, "--nbest", "2"]) == 2
    refused = "error --nbest 2: of the samples of --mbr one is the answer: leave out one of them\n"
    assert capsys.readouterr().err == refused
    assert run(["lm", "generate", "--run", str(run_of("lm")), "--set", "generate.mbr=2", "a"]) == 2
    assert capsys.readouterr().err.startswith("error generate.mbr = 2: ")


def test_a_stream_cannot_choose(fr: Engine) -> None:
    with pytest.raises(UserError, match="mbr = 4: an answer that is chosen among samples cannot be streamed"):
        list(fr.stream("good morning", mbr=4))


@pytest.mark.parametrize(
    ("kind", "answers"), [("lm", "continuations"), ("music", "continuations"), ("labelled", "labels")]
)
def test_other_answers_are_not_compared(kind: str, answers: str, run_of: Callable[..., Path]) -> None:
    engine = gpt2kit.load(run_of(kind))
    config = engine.configured({"mbr": 4})
    with pytest.raises(UserError, match=rf"generate\.mbr = 4: it compares whole answers .* are {answers}.*set it to 0"):
        next(engine.results([], config))


@pytest.mark.parametrize("kind", ["summarize", "completion"])
def test_other_tasks_with_answers(kind: str, run_of: Callable[..., Path]) -> None:
    engine = gpt2kit.load(run_of(kind))
    answers = engine(["what is 1"], mbr=3, seed=0, max_new_tokens=8)
    assert answers == engine(["what is 1"], mbr=3, seed=0, max_new_tokens=8, batch_rows=1)
    assert isinstance(answers[0], str)
