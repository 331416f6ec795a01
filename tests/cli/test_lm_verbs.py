"""Language models from the command line: rambling, going on with a text, perplexity, and a terminal that asks."""

import io
import json
import math
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

import gpt2kit
from gpt2kit import recipe
from gpt2kit.cli.app import run
from gpt2kit.metrics import copied
from gpt2kit.pipeline import evaluate
from gpt2kit.pipeline.opening import load

Capture = pytest.CaptureFixture[str]
Examples = Callable[[str], Any]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, examples: Examples) -> Path:
    """A run that knows its text by heart; `text.txt` and the prepared `data` are beside it."""
    folder = tmp_path_factory.mktemp("lm")
    lm = examples("lm")
    corpus = lm.write_corpus(folder)
    tiny = recipe.load("lm", lm.TINY)
    gpt2kit.prepare(tiny, {"train": corpus, "val": corpus}, folder / "data")
    list(gpt2kit.train(tiny, folder / "data", folder / "run"))
    return folder / "run"


@pytest.fixture(scope="module")
def text(examples: Examples) -> str:
    found: str = examples("lm").TEXT
    return found


def typed(monkeypatch: pytest.MonkeyPatch, content: str, terminal: bool = False) -> None:
    """Standard input, from a pipe or a terminal."""
    stdin = io.TextIOWrapper(io.BytesIO(content.encode()), encoding="utf-8")
    monkeypatch.setattr(stdin, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stdin", stdin)


def test_a_text_goes_on(trained: Path, text: str, capsys: Capture) -> None:
    assert run(["lm", "--run", str(trained), "The robot must"]) == 0
    assert capsys.readouterr() == (f"{text}\n", "")


def test_samples_have_headings_on_a_terminal_and_an_empty_line_between_them_elsewhere(
    trained: Path, text: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["lm", "--run", str(trained), "The robot must", "--nsamples", "2"]
    assert run(words) == 0
    assert capsys.readouterr().out == f"{text}\n\n{text}\n"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert run(words) == 0
    assert capsys.readouterr().out == f"======== SAMPLE 1 ========\n{text}\n======== SAMPLE 2 ========\n{text}\n"


def test_a_stop_text_ends_a_continuation(trained: Path, capsys: Capture) -> None:
    words = ["lm", "--run", str(trained), "The robot must"]
    assert run([*words, "--stop", "never", "--stop", "rs\\ngi"]) == 0
    assert capsys.readouterr().out == "The robot must obey the orde\n"
    assert run([*words, "--stop", "human", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["output"], found["finished"]) == (" obey the orders\ngiven it by ", True)
    assert run([*words, "--stop", ""]) == 3
    assert "stop: an empty text would end every answer before it begins" in capsys.readouterr().err


def test_a_stop_text_ends_what_a_terminal_shows(
    trained: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, "The robot must\n", terminal=True)
    assert run(["lm", "generate", "--run", str(trained), "--stop", "rs\\ngi"]) == 0
    assert capsys.readouterr().out == "The robot must obey the orde\n\n"


def test_a_seed_is_drawn_and_printed_and_gives_the_same_again(trained: Path, capsys: Capture) -> None:
    words = ["lm", "--run", str(trained), "The", "--length", "9", "--temperature", "3", "--json"]
    assert run([*words, "--nsamples", "2"]) == 0
    out, err = capsys.readouterr()
    printed = re.fullmatch(r"seed: (\d+); the same again with --seed (\d+)\n", err)
    assert printed
    assert printed[1] == printed[2]
    samples = [json.loads(line) for line in out.splitlines()]
    assert [each["seed"] for each in samples] == [int(printed[1]), int(printed[1]) + 1]
    for sample in samples:
        assert run([*words, "--seed", str(sample["seed"])]) == 0
        out, err = capsys.readouterr()
        again = json.loads(out)
        # A product of one row may add up in another order than one of two.
        assert again.pop("log_probability") == pytest.approx(sample.pop("log_probability"), rel=1e-5)
        assert again == sample | {"sample": 1}
        assert err == ""
    assert run(words) == 0
    assert json.loads(capsys.readouterr().out)["seed"] != samples[0]["seed"]


def test_greedy_decoding_has_no_seed(trained: Path, capsys: Capture) -> None:
    assert run(["lm", "--run", str(trained), "The", "--json", "--temperature", "0"]) == 0
    out, err = capsys.readouterr()
    assert "seed" not in json.loads(out)
    assert err == ""
    assert json.loads(out)["log_probability"] > -1, "known by heart"


def test_a_seed_of_the_recipe_is_kept_and_printed(trained: Path, capsys: Capture) -> None:
    words = ["lm", "--run", str(trained), "The", "--temperature", "3", "--set", "generate.seed=5", "--json"]
    assert run(words) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["seed"] == 5
    assert "seed: 5;" in err


def test_nothing_is_the_beginning_of_a_document(
    trained: Path, text: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, "")
    assert run(["lm", "generate", "--run", str(trained), "--nsamples", "2", "--json"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(each["sample"], each["input"], each["output"]) for each in found] == [(1, "", text), (2, "", text)]
    assert all(each["finished"] for each in found)


def test_a_line_of_a_pipe_is_a_text(trained: Path, text: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "The robot\n\nThe robot must obey\n")
    assert run(["lm", "generate", "--run", str(trained), "--json"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["input"] + each["output"] for each in found] == [text] * 3


def test_a_file_is_one_text(trained: Path, text: str, capsys: Capture, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The robot must obey the orders\ngiven\n", encoding="utf-8")
    assert run(["lm", "generate", "--run", str(trained), "--file", str(tmp_path / "a.txt")]) == 0
    assert capsys.readouterr().out == f"{text}\n"
    assert run(["lm", "generate", "--run", str(trained), "--file", str(tmp_path / "a.txt"), "The"]) == 2
    assert "not from both" in capsys.readouterr().err
    assert run(["lm", "generate", "--run", str(trained), "--file", str(tmp_path / "b.txt")]) == 3


def test_samples_differ_and_come_back(trained: Path, capsys: Capture) -> None:
    words = ["lm", "generate", "--run", str(trained), "The", "--nsamples", "4", "--length", "9", "--temperature", "3"]
    outputs = []
    for seed in ("1", "1", "2"):
        assert run([*words, "--seed", seed, "--top-k", "0", "--json"]) == 0
        outputs.append([json.loads(line) for line in capsys.readouterr().out.splitlines()])
    assert outputs[0] == outputs[1] != outputs[2]
    assert len({each["output"] for each in outputs[0]}) > 1
    assert all(each["tokens"] <= 9 for each in outputs[0])


def test_a_terminal_asks(trained: Path, text: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "The robot must\n\n", terminal=True)
    assert run(["lm", "generate", "--run", str(trained)]) == 0
    out, err = capsys.readouterr()
    assert out == f"{text}\n\n{text}\n\n"
    assert "press Enter alone to start from nothing" in err


def test_longer_than_the_window(trained: Path, capsys: Capture) -> None:
    words = ["lm", "generate", "--run", str(trained), "x" * 500, "--length", "100", "--set", "generate.roll=true"]
    assert run([*words, "--temperature", "1", "--json"]) == 0
    (found,) = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert found["truncated"]
    assert found["tokens"] == 100 or (found["finished"] and found["tokens"] < 100)


def test_perplexity_of_a_file(trained: Path, text: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copied, "FEW", 100)  # its tokens are few, but no bytes
    monkeypatch.setattr(evaluate, "OPENING", 8)  # the text is short
    words = ["lm", "evaluate", "--run", str(trained)]
    assert run([*words, "--json"]) == 0
    prepared = json.loads(capsys.readouterr().out)
    assert run([*words, "--on", str(trained.parent / "text.txt"), "--json"]) == 0
    of_file = json.loads(capsys.readouterr().out)
    values = {name: score["value"] for name, score in of_file["scores"].items()}
    assert values == pytest.approx({name: score["value"] for name, score in prepared["scores"].items()})
    assert 1 <= values["perplexity per token"] < 1.5
    assert values["copied from training %"] > 50, "it knows nothing else"
    assert "|stride:32|" in of_file["signature"]
    assert run(words) == 0
    assert "perplexity per token 1." in capsys.readouterr().out


def test_a_figure_that_no_float_holds(trained: Path, capsys: Capture, tmp_path: Path) -> None:
    """A text without spaces is one word, and unlikely: JSON has no infinity."""
    path = tmp_path / "a.txt"
    path.write_text("中文" * 400, encoding="utf-8")
    assert run(["lm", "evaluate", "--run", str(trained), "--on", str(path), "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)["scores"]
    assert scores["perplexity per word"]["value"] is None
    assert scores["bits per byte"]["value"] > 1


def test_flags_that_have_nothing_to_do(trained: Path, capsys: Capture) -> None:
    words = ["lm", "evaluate", "--run", str(trained)]
    assert run([*words, "--on", str(trained.parent / "text.txt"), "--split", "val"]) == 2
    assert "--split is for prepared data" in capsys.readouterr().err
    assert run([*words, "--column", "body"]) == 2
    assert "--column is for a table: give one with --on" in capsys.readouterr().err
    assert run(["lm", "prepare", str(trained.parent / "text.txt"), "--column", "body", "--out", "never"]) == 2
    assert "plain text has no column 'body'" in capsys.readouterr().err


def test_greedy_is_temperature_0(trained: Path, capsys: Capture) -> None:
    """Whatever the recipe limits sampling to."""
    words = ["lm", "generate", "--run", str(trained), "The robot", "--json"]
    assert run([*words, "--temperature", "0", "--set", "generate.top_p=1"]) == 0
    greedy = json.loads(capsys.readouterr().out)["output"]
    assert run([*words, "--temperature", "1", "--top-k", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["output"] == greedy
    assert run([*words, "--temperature", "0", "--top-k", "5"]) == 3


def test_a_terminal_is_not_asked_for_several_samples(
    trained: Path, text: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, "never read\n", terminal=True)
    assert run(["lm", "generate", "--run", str(trained), "--nsamples", "2"]) == 0
    assert capsys.readouterr().out.count(text) == 2


def test_a_stride_that_no_window_has(trained: Path, capsys: Capture) -> None:
    assert run(["lm", "evaluate", "--run", str(trained), "--stride", "65"]) == 2
    assert "--stride 65: must be from 1 to 64, the model's window" in capsys.readouterr().err


def test_a_pretrained_model_as_it_is(trained: Path, text: str, tmp_path: Path, capsys: Capture) -> None:
    """The perplexity is that of Hugging Face's model; the samples are drawn from the k likeliest tokens."""
    task = load(trained).task
    torch.manual_seed(0)
    theirs = GPT2LMHeadModel(
        GPT2Config(vocab_size=task.vocabulary.size, n_positions=128, n_embd=16, n_layer=1, n_head=2)
    )
    theirs.save_pretrained(tmp_path / "gpt2")
    task.vocabulary.copy_files(tmp_path / "gpt2", 128)
    words = ["--zero-shot", "--init", str(tmp_path / "gpt2"), "--json"]
    assert run(["lm", "evaluate", "--on", str(trained.parent / "text.txt"), *words, "--set", "task.column="]) == 0
    found = json.loads(capsys.readouterr().out)["scores"]["perplexity per token"]["value"]
    ids = torch.tensor([task.vocabulary.eos, *task.encode_target(text)[:-1]])
    with torch.no_grad():
        loss = theirs.eval()(ids[None], labels=ids[None]).loss
    assert found == pytest.approx(math.exp(float(loss)), rel=1e-2)  # ours is measured in bf16 where that is native
    assert run(["lm", "generate", "The", "--length", "5", *words]) == 0
    assert json.loads(capsys.readouterr().out)["tokens"] <= 5
    assert run(["lm", "evaluate", *words]) == 2
    assert "give a corpus with --on" in capsys.readouterr().err


def test_columns_of_a_table(trained: Path, tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"title": "a", "body": "The robot must obey"}\n{"title": "b", "body": ""}\n', encoding="utf-8")
    words = ["lm", "evaluate", "--run", str(trained), "--on", str(path), "--json"]
    assert run(words) == 3
    assert "choose it, as in --column body" in capsys.readouterr().err
    assert run([*words, "--column", "body"]) == 0
    out, err = capsys.readouterr()
    assert "|n:1|" in json.loads(out)["signature"]
    assert "1 dropped, no text" in err


def test_prepare_shows_columns_and_examples(tmp_path: Path, capsys: Capture) -> None:
    corpus = tmp_path / "a.csv"
    corpus.write_text("id,text\n1,one two\n2,three\n", encoding="utf-8")
    words = ["lm", "prepare", str(corpus), "--val", str(corpus), "--out", str(tmp_path / "data")]
    assert run([*words, "--set", "task.vocab=260", "--json"]) == 0
    out, err = capsys.readouterr()
    assert f"{corpus}: columns text=text; left out: id" in err
    assert "example 2 <|endoftext|> → three" in err
    found = json.loads(out)
    assert found["columns"] == [{"table": str(corpus), "taken": {"text": "text"}, "left_out": ["id"], "remarks": []}]
    assert found["examples"] == ["<|endoftext|> → one two", "<|endoftext|> → three"]


def test_a_seed_of_nothing_that_is_sampled_is_named(trained: Path, capsys: Capture) -> None:
    words = ["lm", "generate", "The", "--run", str(trained), "--seed", "3"]
    assert run([*words, "--temperature", "0"]) == 0
    assert "--seed 3 has no effect: nothing is sampled here; a temperature above 0 samples" in capsys.readouterr().err
    assert run([*words, "--temperature", "1"]) == 0
    assert "--seed" not in capsys.readouterr().err
