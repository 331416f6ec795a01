"""Where each generated token comes from, for every kind of task that generates."""

import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

import gpt2kit
from gpt2kit.config import GenerateConfig
from gpt2kit.data.layouts import Stream
from gpt2kit.errors import UserError
from gpt2kit.music.notes import Notes
from gpt2kit.pipeline.engine import Engine, Result
from gpt2kit.pipeline.play import play
from gpt2kit.pipeline.sources import TokenSources

Prepared = Callable[..., Any]


@pytest.fixture(scope="module")
def fr(by_heart: Path, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Of a copy, in which the states may be kept."""
    return gpt2kit.load(Path(shutil.copytree(by_heart.parent, tmp_path_factory.mktemp("fr") / "project")) / "run")


def traced(engine: Engine, text: str, count: int = 1, **settings: Any) -> tuple[Result, list[TokenSources]]:
    (result,) = engine.results([engine.task.parse(text)], engine.configured(settings), traced=count)
    assert result.sources is not None
    return result, result.sources


def test_an_example_that_is_generated_back_finds_itself(fr: Engine) -> None:
    result, sources = traced(fr, "good morning")
    assert result.outputs == ["bonjour"]
    assert [each.id for each in sources] == result.ids[0]
    assert "".join(each.token for each in sources) == "bonjour"
    origins = [each.sources[0] for each in sources]
    assert {(each.example, each.source, each.name, each.second) for each in origins} == {(3, "good morning", "", None)}
    assert [each.position for each in origins] == list(range(1, len(origins) + 1))
    assert [each.token for each in origins] == [each.token for each in sources]
    assert [f"{each.before}{each.token}{each.after}" for each in origins][-1] == "bonjour<|endoftext|>"
    assert max(each.distance for each in origins) < 0.1


def test_the_nearest_are_those_of_brute_force_in_float64(fr: Engine) -> None:
    """Of states that were never rounded: the rounding moves a distance by less than it differs from the next."""
    result, sources = traced(fr, "let them", 4)
    model, store, double = fr.model, fr.datastore().store, []
    prompt = fr.task.encode_source(fr.task.parse("let them"))
    with torch.no_grad():
        for index in range(len(store)):
            source, target = store.row(index)
            hidden = model.hidden(torch.tensor([[*source, *target]]))[0].double()
            double += [(index + 1, place + 1, hidden[len(source) + place - 1]) for place in range(len(target))]
        own = model.hidden(torch.tensor([[*prompt, *result.ids[0]]]))[0, len(prompt) - 1 :].double()
    for state, found in zip(own, sources, strict=False):
        distances = sorted((float((state - other).norm()), example, place) for example, place, other in double)
        for mine, (distance, example, place), (following, _, _) in zip(
            found.sources, distances, distances[1:], strict=False
        ):
            assert mine.distance == pytest.approx(distance, abs=0.1)
            if following - distance > 0.2:
                assert (mine.example, mine.position) == (example, place)
        assert all(one.distance <= other.distance for one, other in pairwise(found.sources))


def test_without_being_asked_for_there_are_none(fr: Engine) -> None:
    assert next(fr.results([fr.task.parse("good morning")])).sources is None


def test_an_empty_answer_has_none(fr: Engine) -> None:
    (result,) = fr.results([fr.task.parse("")], traced=2)
    assert not result.sources


def test_beams_have_those_of_the_best_answer(fr: Engine) -> None:
    result, sources = traced(fr, "good morning", beams=3)
    assert [each.id for each in sources] == result.ids[0]


def test_neighbors_change_an_answer_and_its_probability(fr: Engine) -> None:
    plain, _ = traced(fr, "let them", beams=2)
    mixed, _ = traced(fr, "let them", beams=2, knn=0.9, knn_neighbors=1)
    same, _ = traced(fr, "let them", beams=2, knn=0.0, knn_neighbors=1)
    assert plain.log_probabilities == same.log_probabilities
    assert plain.log_probabilities != mixed.log_probabilities
    assert fr("let them eat cake", knn=0.5) == "qu'ils mangent du gâteau"
    assert "".join(fr.stream("good morning", knn=0.5)) == "bonjour"


def test_a_model_without_a_run_has_no_neighbors(fr: Engine) -> None:
    engine = Engine(fr.task, fr.model, GenerateConfig(knn=0.5))
    with pytest.raises(UserError, match=r"not loaded from a run.*generate\.knn need a run"):
        engine("good morning")


def trained(kind: str, prepared: Prepared, folder: Path, *settings: str) -> Engine:
    tiny = prepared(kind, folder, "train.steps=2", "train.evaluate_every=2", "train.samples=0", *settings)
    list(gpt2kit.train(tiny, folder / "data", folder / "run"))
    return gpt2kit.load(folder / "run")


@pytest.mark.parametrize("kind", ["summarize", "completion"])
def test_other_answers(kind: str, prepared: Prepared, tmp_path: Path) -> None:
    engine = trained(kind, prepared, tmp_path)
    store = engine.datastore().store
    _, sources = traced(engine, "what is 3", 2, max_new_tokens=4)
    assert len(sources) == 4
    for each in sources:
        for origin in each.sources:
            prompt, target = store.row(origin.example - 1)
            assert engine.task.vocabulary.render([target[origin.position - 1]]) == origin.token
            assert engine.task.show(engine.task.decode_source(prompt)).startswith(origin.source)


def test_text_beyond_the_window(prepared: Prepared, tmp_path: Path) -> None:
    """A document that is written again finds itself, also where it exceeds the window."""
    engine = trained("lm", prepared, tmp_path, "model.n_positions=8")
    store, window = engine.datastore().store, engine.model.config.n_positions
    end = int(store.document_ends()[0])
    ids = store.ids[:end].tolist()
    assert len(ids) > 2 * window
    near = engine.datastore().near(engine.model, ids, 1, 1)
    assert [found[0].place for found in near] == list(range(1, end))
    assert max(found[0].distance for found in near) < 0.2


def test_text_names_its_document(prepared: Prepared, tmp_path: Path) -> None:
    engine = trained("lm", prepared, tmp_path)
    store = engine.datastore().store
    _, sources = traced(engine, "text", 3, max_new_tokens=100, roll=True, temperature=1.0, seed=1)
    assert len(sources) == 100
    for each in sources:
        for origin in each.sources:
            begin = int(store.document_ends()[origin.example - 2]) if origin.example > 1 else 0
            place = begin + origin.position - 1
            assert engine.task.vocabulary.render([int(store.ids[place])]) == origin.token
            assert origin.name in store.names()
            assert origin.source == ""


def test_music_names_the_piece_and_the_second(prepared: Prepared, tmp_path: Path) -> None:
    engine = trained("music", prepared, tmp_path)
    assert isinstance(engine.task.layout, Stream)
    store = engine.datastore().store
    engine.config = engine.configured({"seed": 0, "temperature": 1.0})
    (result,) = play(engine, Notes.none(), 3.0, 1, traced=2)
    assert result.sources is not None
    assert len(result.sources) == len(result.ids[0])
    seconds = [each.second for each in result.sources]
    assert seconds[0] == 0
    assert seconds == sorted(seconds, key=lambda second: second or 0)
    for each in result.sources:
        for origin in each.sources:
            row = origin.example - 1
            assert origin.name == store.names()[row]
            prompt, target = store.row(row)
            before = [*prompt, *target][: origin.position - 1]
            assert origin.second == pytest.approx(engine.task.layout.units(before)["second"], abs=0.006)
