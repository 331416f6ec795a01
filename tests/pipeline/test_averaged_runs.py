"""Several runs that answer as one: what belongs together, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import gpt2kit
from gpt2kit import recipe
from gpt2kit.cli.app import run
from gpt2kit.decoding.classify import probabilities
from gpt2kit.errors import DataError, UserError
from gpt2kit.pipeline.evaluate import evaluate
from gpt2kit.pipeline.kept_answers import digest

Capture = pytest.CaptureFixture[str]

TEXTS = ["I am a student", "let them", "two lines", "", "good"]


@pytest.fixture(scope="module")
def other(by_heart: Path, examples: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of another shape that has learned less of the same data."""
    settings = ["train.steps=40", "train.evaluate_every=40", "model.n_layer=1", "model.n_positions=40", "train.seed=5"]
    small = recipe.load("translate", [*examples("translate").TINY, *settings, "train.samples=0"])
    folder = tmp_path_factory.mktemp("other") / "run"
    list(gpt2kit.train(small, by_heart.parent / "data", folder))
    return folder


@pytest.mark.parametrize("settings", [{}, {"beams": 3}, {"temperature": 1.5, "seed": 1}, {"mbr": 3, "seed": 1}])
def test_a_run_with_itself_answers_as_alone(by_heart: Path, settings: dict[str, Any]) -> None:
    assert gpt2kit.load([by_heart, by_heart])(TEXTS, **settings) == gpt2kit.load(by_heart)(TEXTS, **settings)
    assert gpt2kit.load([by_heart])(TEXTS, **settings) == gpt2kit.load(by_heart)(TEXTS, **settings)


@torch.no_grad()
def test_tokens_are_those_of_the_mean(by_heart: Path, other: Path) -> None:
    engine, texts = gpt2kit.load([by_heart, other]), [text for text in TEXTS if text]
    assert engine.positions == 40
    for result, text in zip(engine.results(map(engine.task.parse, texts)), texts, strict=True):
        prompt, ids = engine.task.encode_source(engine.task.parse(text)), result.ids[0]
        for place, id in enumerate([*ids, engine.task.vocabulary.eos][: len(ids) + result.finished]):
            read = torch.tensor([[*prompt, *ids[:place]]])
            assert sum(model(read)[0, -1].softmax(-1) for model in engine.models).argmax() == id
    for text in texts:
        assert "".join(engine.stream(text)) == engine(text)


def test_scores_say_that_they_are_of_several(by_heart: Path, other: Path, capsys: Capture) -> None:
    kept = {path.name: path.read_bytes() for path in by_heart.iterdir() if path.is_file()}
    command = ["translate", "evaluate", "--run", str(by_heart), "--run", str(other), "--limit", "2", "--beams", "2"]
    assert run(command) == 0
    assert "|decode:average2|beam2|alpha:0.6|" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in by_heart.iterdir() if path.is_file()} == kept
    assert "average" not in evaluate(by_heart, limit=1).signature


def test_kept_answers_are_those_of_all_runs(by_heart: Path, other: Path) -> None:
    found = {digest(gpt2kit.load(runs), []) for runs in (by_heart, [by_heart, by_heart], [by_heart, other])}
    assert len(found) == 3


def test_labels_have_the_mean_of_the_probabilities(run_of: Callable[..., Path]) -> None:
    folders = [run_of("labelled"), run_of("labelled", "train.seed=7", "train.lr=0.02")]
    engine = gpt2kit.load(folders)
    (result,) = engine.results([engine.task.parse("fine 3")])
    alone = [gpt2kit.load(folder) for folder in folders]
    prompt = engine.task.encode_source(engine.task.parse("fine 3"))
    each = [next(probabilities(one.model, [prompt], one.task.layout.extract))[1] for one in alone]
    assert each[0] != pytest.approx(each[1], abs=1e-3), "or the test would prove nothing"
    means = [sum(row) / 2 for row in zip(*each, strict=True)]
    expected = dict(zip(engine.task.layout.labels, means, strict=True))
    assert result.probabilities == pytest.approx(expected)


def test_a_language_model_goes_on_as_the_mean(run_of: Callable[..., Path]) -> None:
    folder = run_of("lm")
    settings = {"max_new_tokens": 60, "roll": True, "temperature": 0}
    engines = [gpt2kit.load(runs, settings) for runs in (folder, [folder, folder])]
    assert engines[0]("a") == engines[1]("a")
    with pytest.raises(UserError, match="loss on documents is that of one model, and here are 2: give one run"):
        evaluate(engines[1])


def test_what_does_not_belong_together(
    by_heart: Path, other: Path, run_of: Callable[..., Path], capsys: Capture, tmp_path: Path
) -> None:
    strange, lm, words = run_of("translate", "task.vocab=310"), run_of("lm"), ["translate", "generate", "x"]
    with pytest.raises(DataError, match=r"has another vocabulary than .* \([\d,]+ and [\d,]+ tokens\): runs can be"):
        gpt2kit.load([by_heart, strange])
    with pytest.raises(DataError, match=r"is a run of lm, and .* one of translate: runs of one task"):
        gpt2kit.load([by_heart, lm])
    assert run([*words, "--run", str(by_heart), "--run", str(lm)]) == 3
    assert "is a run of lm, not of translate" in capsys.readouterr().err.replace("\n", " ")
    with pytest.raises(DataError, match=r"task\.kind = 'choice', and .* 'classification'"):
        gpt2kit.load([run_of("labelled"), run_of("choice")])
    with pytest.raises(UserError, match="give at least one run"):
        gpt2kit.load([])
    assert run([*words, "--run", str(by_heart), "--run", str(other), "--knn", "0.5"]) == 2
    assert "compare the states of one model, and here are 2: give one run" in capsys.readouterr().err.replace("\n", " ")
    assert run([*words, "--run", str(by_heart), "--run", str(other), "--sources"]) == 2
    assert run([*words, "--run", str(by_heart), "--run", str(tmp_path / "nowhere")]) == 3
