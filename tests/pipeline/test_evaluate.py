"""gpt2kit.evaluate: by its task's layout, on a run or an engine, on prepared data or a corpus."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gpt2kit
from gpt2kit import recipe
from gpt2kit.cli.app import run as command
from gpt2kit.errors import DataError, UserError
from gpt2kit.pipeline.engine import Engine
from gpt2kit.pipeline.evaluate import Evaluation
from gpt2kit.pipeline.opening import load

RunOf = Callable[..., Path]


def values(evaluation: Evaluation) -> dict[str, float]:
    return {score.name: score.value for score in evaluation.scores if not score.system}


def test_a_run_by_its_path_and_an_engine_are_scored_alike(by_heart: Path, copied: Callable[[Path], Path]) -> None:
    run = copied(by_heart)
    (run / "scores.json").unlink(missing_ok=True)
    evaluation = gpt2kit.evaluate(run)
    assert values(evaluation) == {"BLEU": pytest.approx(100), "chrF++": pytest.approx(100)}
    assert evaluation.signature.startswith("set:corpus.jsonl:val|n:4|")
    for same in (str(run), gpt2kit.load(run)):
        assert gpt2kit.evaluate(same).scores == evaluation.scores
    assert gpt2kit.evaluate(run, limit=2).count == 2
    assert not (run / "scores.json").exists(), "only the command line keeps scores"


def test_a_corpus_is_one_word_or_several(by_heart: Path) -> None:
    corpus = by_heart.parent / "corpus.jsonl"
    for on in (corpus, str(corpus), [str(corpus)]):
        evaluation = gpt2kit.evaluate(by_heart, on)
        assert (evaluation.count, evaluation.remarks) == (4, [])
        assert evaluation.signature.startswith("set:corpus.jsonl|n:4|")
    assert gpt2kit.evaluate(by_heart, [str(corpus)] * 2).count == 8


def test_words_may_be_paths_and_a_limit_is_at_least_one(by_heart: Path) -> None:
    corpus = by_heart.parent / "corpus.jsonl"
    assert gpt2kit.evaluate(by_heart, on=[corpus], limit=2).count == 2
    for limit in (0, -1):
        with pytest.raises(UserError, match=f"limit = {limit}; expected at least 1"):
            gpt2kit.evaluate(by_heart, on=corpus, limit=limit)


def test_what_is_left_out_is_remarked(run_of: RunOf, tmp_path: Path) -> None:
    labels = {"fine 7": "good", "dull 8": "bad", "dull 9": ""}
    rows = [{"text": text, "label": label} for text, label in labels.items()]
    (tmp_path / "table.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    evaluation = gpt2kit.evaluate(run_of("labelled"), tmp_path / "table.jsonl")
    assert evaluation.count == 2
    assert any(
        remark.startswith("records of the corpus that were not scored: no label: 1, such as")
        for remark in evaluation.remarks
    )


@pytest.mark.parametrize("kind", ["lm", "music"])
def test_documents_have_a_loss(run_of: RunOf, kind: str) -> None:
    run = run_of(kind)
    evaluation = gpt2kit.evaluate(run)
    assert any(name.startswith("nats per ") for name in values(evaluation))
    assert evaluation.signature.startswith("set:")
    if kind == "lm":
        on_corpus = gpt2kit.evaluate(run, sorted(map(str, run.parent.glob("*.txt"))))
        assert values(on_corpus).keys() == values(evaluation).keys()
        assert "copied from training %" in values(on_corpus)
    with pytest.raises(UserError, match="predictions: this task is scored by its loss and has no answers"):
        gpt2kit.evaluate(run, predictions="said.jsonl")


@pytest.mark.parametrize("kind", ["labelled", "choice", "completion", "summarize"])
def test_answers_of_every_layout_are_scored(run_of: RunOf, kind: str) -> None:
    evaluation = gpt2kit.evaluate(run_of(kind))
    assert evaluation.count > 0
    assert values(evaluation)


def test_predictions_are_not_overwritten_unasked(by_heart: Path, tmp_path: Path) -> None:
    path = tmp_path / "said.jsonl"
    gpt2kit.evaluate(by_heart, predictions=str(path))
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line["output"] for line in lines] == [line["target"] for line in lines]
    with pytest.raises(UserError, match=r"said\.jsonl already exists"):
        gpt2kit.evaluate(by_heart, predictions=path)
    gpt2kit.evaluate(by_heart, predictions=path, overwrite=True, limit=1)
    assert path.read_text(encoding="utf-8").count("\n") == 1


def test_what_cannot_be_scored_is_said(by_heart: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere is not a directory"):
        gpt2kit.evaluate(tmp_path / "nowhere")
    with pytest.raises(DataError, match="has no test split: prepare it again with --test CORPUS, or score"):
        gpt2kit.evaluate(by_heart, split="test")
    with pytest.raises(UserError, match="split = 'val' is for prepared data"):
        gpt2kit.evaluate(by_heart, by_heart.parent / "corpus.jsonl", split="val")
    opened = load(by_heart)
    with pytest.raises(UserError, match="this model was not loaded from a run, so it has no prepared data"):
        gpt2kit.evaluate(Engine(opened.task, opened.model, opened.config))


def test_data_that_is_gone_is_missing_only_where_it_is_needed(run_of: RunOf, tmp_path: Path) -> None:
    for name in ("data", "run"):
        shutil.copytree(run_of("lm").parent / name, tmp_path / name)
    described = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    (tmp_path / "run" / "run.json").write_text(json.dumps(described | {"data": "/gone"}), encoding="utf-8")
    with pytest.raises(DataError, match="run: its prepared data /gone no longer exists"):
        gpt2kit.evaluate(tmp_path / "run")
    corpus = sorted(map(str, run_of("lm").parent.glob("*.txt")))
    evaluation = gpt2kit.evaluate(tmp_path / "run", corpus)
    (unknown,) = evaluation.remarks
    assert unknown == (
        f"cannot measure how much is copied from the training data: {tmp_path / 'run'}: its prepared data /gone no "
        "longer exists; if it was moved, name its new place with --data DIR"
    )


@pytest.fixture(scope="module")
def both_ways(tmp_path_factory: pytest.TempPathFactory, examples: Callable[[str], Any]) -> Path:
    """A run that translates in two directions, badly."""
    folder, translate = tmp_path_factory.mktemp("both"), examples("translate")
    for name in ("fr", "en"):
        pairs = [pair if name == "fr" else pair[::-1] for pair in translate.PAIRS]
        rows = ({"source": source, "target": target} for source, target in pairs[: 4 if name == "fr" else 2])
        (folder / f"{name}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    corpus = [f"{name}={folder / name}.jsonl" for name in ("fr", "en")]
    tiny = recipe.load("translate", [*translate.TINY, "train.steps=1"])
    gpt2kit.prepare(tiny, {"train": corpus, "val": corpus}, folder / "data")
    list(gpt2kit.train(tiny, folder / "data", folder / "run"))
    return folder / "run"


def test_each_direction_has_its_own_score(both_ways: Path) -> None:
    evaluation = gpt2kit.evaluate(both_ways)
    assert list(values(evaluation)) == ["BLEU fr", "chrF++ fr", "BLEU en", "chrF++ en"]
    assert evaluation.count == 6


@pytest.mark.parametrize(("to", "count"), [("fr", 4), ("en", 2)])
def test_one_direction_is_scored_alone(
    both_ways: Path, to: str, count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = gpt2kit.load(both_ways, to=to)
    evaluation = gpt2kit.evaluate(engine)
    assert list(values(evaluation)) == ["BLEU", "chrF++"]
    assert evaluation.count == count
    assert f":val|to:{to}|n:{count}|" in evaluation.signature
    assert command(["translate", "evaluate", "--run", str(both_ways), "--to", to, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["count"], list(told["scores"])) == (count, ["BLEU", "chrF++"])
    assert gpt2kit.evaluate(engine, limit=1).count == 1
    corpus = [f"{name}={both_ways.parent / name}.jsonl" for name in ("fr", "en")]
    assert gpt2kit.evaluate(engine, corpus).count == count
    other = "en" if to == "fr" else "fr"
    with pytest.raises(DataError, match=rf": --to {to} selects none of its \d records"):
        gpt2kit.evaluate(engine, f"{other}={both_ways.parent / other}.jsonl")


def test_more_references_belong_to_a_corpus(by_heart: Path) -> None:
    engine = gpt2kit.load(by_heart, references="en")
    evaluation = gpt2kit.evaluate(engine, by_heart.parent / "corpus.jsonl")
    assert all(score.signature.startswith("nrefs:2|") for score in evaluation.scores)
    with pytest.raises(UserError, match="references = en: they need the corpus that they translate"):
        gpt2kit.evaluate(engine)


def test_references_and_a_tokenization_of_the_users_choice(
    by_heart: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The answer is right by one of them."""
    for name, text in {"a.en": "good morning", "a.fr": "salut", "b.fr": "bonjour", "c.fr": "bonne journée"}.items():
        (tmp_path / name).write_text(f"{text}\n", encoding="utf-8")
    paths = [str(tmp_path / name) for name in ("a.en", "a.fr", "b.fr", "c.fr")]
    words = ["translate", "evaluate", "--run", str(by_heart), "--on", *paths[:2], "--tokenize", "char", "--json"]
    found = []
    for more in ([], ["--references", *paths[2:]], ["--references", paths[2], "--references", paths[3]]):
        assert command([*words, *more]) == 0
        found.append(json.loads(capsys.readouterr().out)["scores"]["BLEU"])
    assert [score["signature"].partition("|smooth")[0] for score in found] == [
        f"nrefs:{number}|case:mixed|eff:no|tok:char" for number in (1, 3, 3)
    ]
    assert found[0]["value"] < 50
    assert found[1]["value"] == found[2]["value"] == pytest.approx(100)
