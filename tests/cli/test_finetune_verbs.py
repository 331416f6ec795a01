"""A table becomes a model from the command line: what prepare shows, what generate answers, what evaluate says."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import GPT2ForSequenceClassification, GPT2LMHeadModel

from gpt2kit.cli.app import run
from gpt2kit.pipeline.opening import load

Capture = pytest.CaptureFixture[str]
Examples = Callable[[str], Any]

REVIEWS = [("a fine film", "good"), ("what a joy", "good"), ("a dull mess", "bad"), ("so very bad", "bad")]
QUESTIONS = [("capital of France", "Paris"), ("capital of Italy", "Rome"), ("two and two", "four")]


def write_csv(path: Path, header: str, rows: list[tuple[str, str]]) -> str:
    path.write_text("\n".join([header, *(f"{first},{second}" for first, second in rows)]) + "\n", encoding="utf-8")
    return str(path)


def learn(folder: Path, corpus: str, settings: list[str], *more: str) -> Path:
    """Prepared and trained from the command line."""
    words = [word for setting in settings for word in ("--set", setting)]
    data, out = str(folder / "data"), str(folder / "run")
    assert run(["finetune", "prepare", corpus, "--val", corpus, "--out", data, *more, *words]) == 0
    assert run(["finetune", "train", data, "--out", out, *of_train(settings)]) == 0
    return folder / "run"


def of_train(settings: list[str]) -> list[str]:
    """What was fixed by prepare cannot be set again."""
    return [word for setting in settings if not setting.startswith("task.") for word in ("--set", setting)]


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory, examples: Examples) -> Path:
    folder = tmp_path_factory.mktemp("reviews")
    return learn(folder, write_csv(folder / "reviews.csv", "text,label", REVIEWS), examples("finetune").TINY)


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory, examples: Examples) -> Path:
    folder = tmp_path_factory.mktemp("questions")
    corpus = write_csv(folder / "questions.csv", "question,reply", QUESTIONS)
    return learn(folder, corpus, examples("finetune").TINY, "--columns", "prompt=question,completion=reply")


def test_prepare_says_what_it_found(tmp_path: Path, capsys: Capture) -> None:
    corpus = write_csv(tmp_path / "a.csv", "id,sentence,category", [("1", "one,x"), ("2", "two,y"), ("3", "three,x")])
    words = ["--val", corpus, "--out", str(tmp_path / "data"), "--set", "task.vocab=300"]
    assert run(["finetune", "prepare", corpus, *words]) == 0
    err = capsys.readouterr().err
    assert "a.csv: columns text=sentence, label=category; left out: id\nkind classification\n" in err
    assert "2 labels: x, y" in err
    assert "example 2 <start>two<extract> → y" in err
    corpus = write_csv(tmp_path / "b.csv", "colour,size", [("red", "1")])
    assert run(["finetune", "prepare", corpus, "--out", str(tmp_path / "other")]) == 3
    err = capsys.readouterr().err
    assert "b.csv:2: cannot tell what the columns 'colour', 'size' are for" in err
    assert not (tmp_path / "other").exists()


def test_a_label_with_its_probabilities(reviews: Path, capsys: Capture, tmp_path: Path) -> None:
    assert run(["finetune", "--run", str(reviews), "a fine film", "a dull mess", ""]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:1] for line in lines] == [["good"], ["bad"], []]
    assert float(lines[0].split()[1]) > 0.9
    assert run(["finetune", "--run", str(reviews), "what a joy", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["input"], found["output"], found["truncated"]) == ("what a joy", "good", False)
    assert list(found["probabilities"]) == ["good", "bad"]
    assert sum(found["probabilities"].values()) == pytest.approx(1)
    table = write_csv(tmp_path / "more.csv", "text,label", REVIEWS[2:])
    assert run(["finetune", "generate", "--run", str(reviews), "--file", table]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["bad", "bad"]


def test_labels_are_scored(reviews: Path, capsys: Capture, tmp_path: Path) -> None:
    words = ["finetune", "evaluate", "--run", str(reviews), "--json"]
    assert run(words) == 0
    scores = {name: score["value"] for name, score in json.loads(capsys.readouterr().out)["scores"].items()}
    assert scores == {"accuracy": 100, "macro F1": 100, "Matthews correlation": 1}
    swapped = [REVIEWS[0], (REVIEWS[1][0], "bad"), ("", "bad"), ("so", "unknown")]
    assert run([*words, "--on", write_csv(tmp_path / "a.csv", "text,label", swapped)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["scores"]["accuracy"]["value"] == 50
    assert found["dropped"] == {"empty text": 1, "label does not occur in the training part": 1}


def test_a_run_is_a_classifier_of_hugging_face(reviews: Path) -> None:
    """The same logits, from texts of several lengths padded on the right."""
    engine = load(reviews)
    theirs = GPT2ForSequenceClassification.from_pretrained(reviews).eval()
    assert theirs.config.id2label == {0: "bad", 1: "good"}
    assert theirs.config.pad_token_id == engine.task.vocabulary.eos
    prompts = [engine.task.encode_source((text,)) for text, _ in REVIEWS]
    ids = torch.full((len(prompts), max(map(len, prompts))), engine.task.vocabulary.eos)
    for row, prompt in enumerate(prompts):
        ids[row, : len(prompt)] = torch.tensor(prompt)
    with torch.no_grad():
        wanted = theirs(ids).logits.softmax(-1)
    found = list(engine.results([(text,) for text, _ in REVIEWS]))
    for result, shares in zip(found, wanted, strict=True):
        assert result.probabilities is not None
        assert [result.probabilities["bad"], result.probabilities["good"]] == pytest.approx(shares.tolist(), abs=1e-5)
    assert GPT2LMHeadModel.from_pretrained(reviews).config.n_layer == 1, "and a language model beside"


def test_a_label_is_not_drawn(reviews: Path, capsys: Capture) -> None:
    assert run(["finetune", "--run", str(reviews), "x", "--top-k", "3", "--temperature", "1"]) == 2
    assert "--temperature: a label is classified, not generated" in capsys.readouterr().err


def test_other_columns_for_the_same_roles(reviews: Path, tmp_path: Path, capsys: Capture) -> None:
    table = write_csv(tmp_path / "a.csv", "review,label", REVIEWS)
    words = ["finetune", "evaluate", "--run", str(reviews), "--on", table, "--json"]
    assert run([*words, "--columns", "text=review"]) == 0
    assert json.loads(capsys.readouterr().out)["scores"]["accuracy"]["value"] == 100
    assert run([*words, "--columns", "prompt=review"]) == 2
    message = json.loads(capsys.readouterr().err)["error"]["message"]
    assert message == "--columns prompt=…: unknown role for kind classification; accepted: text, label"


def test_labels_in_another_order_are_another_data(reviews: Path, tmp_path: Path, capsys: Capture) -> None:
    """Numbers of labels are ids: what was prepared anew with other labels is not scored as if they were the same."""
    other = write_csv(tmp_path / "a.csv", "text,label", [(text, f"{label}!") for text, label in REVIEWS])
    data, out = str(tmp_path / "data"), str(tmp_path / "run")
    words = ["--val", other, "--out", data, "--tokenizer", str(reviews), "--set", "model.n_positions=64", "--overwrite"]
    corpus = str(reviews.parent / "reviews.csv")
    assert run(["finetune", "prepare", other, *words]) == 0
    small = ["--set", "train.steps=1", "--set", "train.compile=off"]
    assert run(["finetune", "train", data, "--out", out, "--init", str(reviews), *small]) == 0
    assert run(["finetune", "prepare", corpus, "--val", corpus, *words[2:]]) == 0
    capsys.readouterr()
    assert run(["finetune", "evaluate", "--run", out]) == 3
    assert "was prepared again" in capsys.readouterr().err


def test_a_template_is_filled_once(tmp_path: Path, examples: Examples, capsys: Capture) -> None:
    """A newline may be written as in a shell's quotes; what is evaluated are the columns, not a prompt of a prompt."""
    corpus = write_csv(tmp_path / "a.csv", "question,answer", QUESTIONS)
    out = learn(tmp_path, corpus, examples("finetune").TINY, "--template", "Q: {question}\\nA: {answer}")
    assert "example 1 Q: capital of France\nA: →  Paris" in capsys.readouterr().err
    assert run(["finetune", "evaluate", "--run", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scores"]["exact match"]["value"] == 100
    assert run(["finetune", "evaluate", "--run", str(out), "--on", corpus, "--columns", "prompt=question"]) == 2


def test_completions(questions: Path, capsys: Capture) -> None:
    assert run(["finetune", "--run", str(questions), "capital of Italy", "", "two and two"]) == 0
    assert capsys.readouterr().out == "Rome\n\nfour\n"
    assert run(["finetune", "evaluate", "--run", str(questions), "--json"]) == 0
    scores = {name: score["value"] for name, score in json.loads(capsys.readouterr().out)["scores"].items()}
    assert scores["exact match"] == 100
    assert scores["ROUGE-L"] == 100


def test_new_tokens_of_a_head_begin_at_the_mean(questions: Path, tmp_path: Path, examples: Examples) -> None:
    """Not near the end of a text: behind them no text begins."""
    corpus = write_csv(tmp_path / "reviews.csv", "text,label", REVIEWS)
    settings = [*of_train(examples("finetune").TINY), "--set", "train.steps=1", "--set", "train.lr=1e-30"]
    data, out, old = str(tmp_path / "data"), str(tmp_path / "run"), str(questions)
    prepare = ["finetune", "prepare", corpus, "--val", corpus, "--out", data, "--tokenizer", old]
    assert run([*prepare, "--set", "model.n_positions=64"]) == 0
    assert run(["finetune", "train", data, "--out", out, "--init", old, *settings]) == 0
    before, after = load(old).model.head, load(out).model.head
    new = after[len(before) :]
    assert len(new) > 0
    torch.testing.assert_close(new, before.mean(0).expand_as(new))


def test_another_run_is_where_it_starts(reviews: Path, tmp_path: Path, examples: Examples, capsys: Capture) -> None:
    """A head that tells the same labels apart is kept; one for other labels is new."""
    words = of_train(examples("finetune").TINY)
    words += ["--set", "train.steps=1", "--set", "train.lr=1e-9", "--init", str(reviews)]
    for name, rows, kept in (
        ("same", REVIEWS, True),
        ("other", [(text, f"very {label}") for text, label in REVIEWS], False),
    ):
        corpus = write_csv(tmp_path / f"{name}.csv", "text,label", rows)
        data, out = str(tmp_path / f"{name}-data"), str(tmp_path / f"{name}-run")
        prepare = ["finetune", "prepare", corpus, "--val", corpus, "--out", data, "--tokenizer", str(reviews)]
        assert run([*prepare, "--set", "model.n_positions=64"]) == 0
        assert run(["finetune", "train", data, "--out", out, *words]) == 0
        capsys.readouterr()
        assert run(["finetune", "--run", out, "a fine film", "--json"]) == 0
        likely = json.loads(capsys.readouterr().out)["probabilities"]
        assert (max(likely.values()) > 0.9) == kept


def test_weights_that_are_not_used_are_named(
    reviews: Path, tmp_path: Path, examples: Examples, capsys: Capture
) -> None:
    """The data has the tokenizer of a model: prepare names the command that starts from it, train what it lacks."""
    corpus, data = write_csv(tmp_path / "a.csv", "text,label", REVIEWS), str(tmp_path / "data")
    prepare = ["finetune", "prepare", corpus, "--val", corpus, "--out", data, "--set", "model.n_positions=64"]
    assert run([*prepare, "--tokenizer", str(reviews)]) == 0
    assert capsys.readouterr().err.endswith(f"next:\n  gpt2kit finetune train {data} --init {reviews}\n")
    words = ["finetune", "train", data, *of_train(examples("finetune").TINY), "--set", "train.steps=1"]
    for init, is_named in ([], True), (["--init", str(reviews)], False):
        assert run([*words, *init, "--out", str(tmp_path / f"run-{is_named}")]) == 0
        assert (f"--init {reviews} starts from its weights" in capsys.readouterr().err) == is_named
    (bare := tmp_path / "bare").mkdir()
    shutil.copy(reviews / "tokenizer.json", bare)  # a tokenizer alone has no weights to start from
    for number, words_of_tokenizer in enumerate(([], ["--tokenizer", str(bare)])):
        assert run([*prepare, "--overwrite", *words_of_tokenizer]) == 0
        assert capsys.readouterr().err.endswith(f"next:\n  gpt2kit finetune train {data}\n")
        assert run([*words, "--out", str(tmp_path / f"run-{number}")]) == 0
        assert "random weights" not in capsys.readouterr().err


def test_without_a_pretrained_model_there_is_a_warning(
    reviews: Path, tmp_path: Path, examples: Examples, capsys: Capture
) -> None:
    """Also of a dry run; not with --init, and not of a task that usually starts from random weights."""
    corpus, data = write_csv(tmp_path / "a.csv", "text,label", REVIEWS), str(tmp_path / "data")
    prepare = ["finetune", "prepare", corpus, "--val", corpus, "--out", data, "--set", "model.n_positions=64"]
    assert run([*prepare, "--tokenizer", str(reviews)]) == 0
    words = ["finetune", "train", data, *of_train(examples("finetune").TINY), "--set", "train.steps=1"]
    warning = "WARNING nothing is pretrained: without --init, training starts from scratch"
    for extra, warned in (["--dry-run"], True), (["--init", str(reviews), "--dry-run"], False), ([], True):
        capsys.readouterr()
        assert run([*words, *extra, "--out", str(tmp_path / "run")]) == 0
        assert (warning in " ".join(capsys.readouterr().err.split())) == warned
    translate = examples("translate")
    pairs = translate.write_corpus(tmp_path)
    settings = [word for setting in translate.TINY for word in ("--set", setting)]
    assert run(["translate", "prepare", *pairs, "--out", str(tmp_path / "pairs"), *settings]) == 0
    words = ["translate", "train", str(tmp_path / "pairs"), *of_train(translate.TINY), "--set", "train.steps=1"]
    assert run([*words, "--out", str(tmp_path / "other")]) == 0
    assert "nothing is pretrained" not in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--lora", "--freeze"])
def test_a_part_of_the_weights_learns(
    reviews: Path, tmp_path: Path, examples: Examples, capsys: Capture, flag: str
) -> None:
    """New labels from a run that knows others; what stays as it is does, and adapters can be merged."""
    corpus = write_csv(tmp_path / "a.csv", "text,label", [(text, f"very {label}") for text, label in REVIEWS])
    data, out = str(tmp_path / "data"), str(tmp_path / "run")
    prepare = ["finetune", "prepare", corpus, "--val", corpus, "--out", data, "--tokenizer", str(reviews)]
    assert run([*prepare, "--set", "model.n_positions=64"]) == 0
    words = ["finetune", "train", data, "--out", out, *of_train(examples("finetune").TINY)]
    assert run([*words, flag, "1"]) == 2
    assert "name them with --init" in capsys.readouterr().err
    assert run([*words, flag, "1", "--init", str(reviews)]) == 0
    assert run(["finetune", "evaluate", "--run", out, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scores"]["accuracy"]["value"] == 100
    before, after = load(reviews).model, load(out).model
    assert torch.equal(before.transformer.wpe.weight, after.transformer.wpe.weight)
    assert torch.equal(before.transformer.wte.weight, after.transformer.wte.weight)
    norms = [model.transformer.blocks()[0].ln_1.weight for model in (before, after)]
    assert torch.equal(*norms)
    merged = str(tmp_path / "merged")
    if flag == "--freeze":
        assert run(["merge", out, "--out", merged]) == 3
        assert "to merge: only runs with train.lora have one" in capsys.readouterr().err
        return
    assert not (tmp_path / "run" / "model.safetensors").exists()
    assert run(["merge", out, "--out", merged, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["largest_difference"] < 1e-3
    assert run(["merge", out, "--out", merged]) == 2
    capsys.readouterr()
    shares = []
    for folder in (out, merged):
        assert run(["finetune", "--run", folder, "a fine film", "--json"]) == 0
        shares.append(json.loads(capsys.readouterr().out)["probabilities"])
    assert shares[0] == pytest.approx(shares[1], abs=1e-5)
    assert GPT2ForSequenceClassification.from_pretrained(merged).config.id2label == {0: "very bad", 1: "very good"}


def test_a_label_is_no_prompt(reviews: Path, capsys: Capture) -> None:
    words = ["finetune", "train", str(reviews.parent / "data"), "--out", str(reviews.parent / "x")]
    assert run([*words, "--set", "train.loss_on=all", "--set", "model.n_positions=64"]) == 2
    assert "labelled texts have no prompts to learn; remove it from the recipe" in capsys.readouterr().err


def test_options_whose_values_are_numbers(tmp_path: Path, capsys: Capture) -> None:
    """-1 is a label that means that there is none; 1 is the number of the first choice."""
    words = ["--out", str(tmp_path / "data"), "--overwrite", "--set", "task.vocab=260", "--set", "model.n_positions=64"]
    corpus = write_csv(tmp_path / "a.csv", "text,label", [(f"so it goes {n}", str(n % 3 - 1)) for n in range(12)])
    for missing in (["--missing=-1"], ["--missing", "-1"]):
        assert run(["finetune", "prepare", corpus, "--val", corpus, *missing, *words]) == 0
        err = capsys.readouterr().err
        assert "train: 4 dropped, no label, written '-1'" in err
        assert "2 labels: 0, 1" in err
    header, rows = "sentence,option1,option2,option3,answer", [("The _ fell.", "box,ball,cat,1")] * 3
    corpus = write_csv(tmp_path / "b.csv", header, rows)
    assert run(["finetune", "prepare", corpus, "--val", corpus, *words]) == 3
    assert "all 3 answers are 1; choose with --count-from 0 or --count-from 1" in capsys.readouterr().err
    assert run(["finetune", "prepare", corpus, "--val", corpus, "--count-from", "1", *words]) == 0
    assert "<extract> → box" in capsys.readouterr().err
    assert run(["finetune", "prepare", corpus, "--val", corpus, "--count-from", "2", *words]) == 3
    assert "task.count_from = '2'; accepted: '', '0', '1'" in capsys.readouterr().err
