"""A pretrained model asked as it is: what it is shown, and which part of what it writes is the answer."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpt2kit.cli.app import run
from gpt2kit.data.bpe import Bpe
from gpt2kit.decoding import decode
from gpt2kit.errors import UserError
from gpt2kit.model import hf
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.pipeline import opening

Capture = pytest.CaptureFixture[str]
TEXTS = ["The cat sat. The dog ran! Who knows?", "one = un\n", "TL;DR: it is a cat. It sat.\n"]


@pytest.fixture
def pretrained(tmp_path: Path, tiny_model: Callable[..., GPT2], monkeypatch: pytest.MonkeyPatch) -> str:
    """A GPT-2 folder of random weights, with an article and a table of examples beside it."""
    folder = tmp_path / "gpt2"
    folder.mkdir()
    bpe = Bpe.train(iter(TEXTS), 300, [])
    bpe.save(folder, 256)
    hf.save(folder, tiny_model(bpe.vocab_size, n_positions=256), bpe.end_of_text)
    (tmp_path / "article.txt").write_text("The cat sat.\nThe dog ran.\n", encoding="utf-8")
    (tmp_path / "pairs.tsv").write_text("one\tuno\ntwo\tdos\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return "gpt2"


@pytest.mark.parametrize(("task", "answers"), [("summarize", 1), ("translate", 2)])
def test_from_the_command_line(pretrained: str, capsys: Capture, task: str, answers: int) -> None:
    """A file is a document, or a sentence a line; a seed gives the same again."""
    words = [task, "generate", "--zero-shot", "--init", pretrained, "--set", "generate.max_new_tokens=12", "--json"]
    words += ["--seed", "0"]
    told = []
    for _ in range(2):
        assert run([*words, "--file", "article.txt"]) == 0
        told.append([json.loads(line)["output"] for line in capsys.readouterr().out.splitlines()])
    assert len(told[0]) == answers
    assert told[0] == told[1]


@pytest.mark.parametrize(("task", "score"), [("summarize", "ROUGE-1"), ("translate", "BLEU")])
def test_a_pretrained_model_is_scored(pretrained: str, capsys: Capture, task: str, score: str) -> None:
    Path("articles.jsonl").write_text('{"document": "The cat sat. It ran.", "summary": "A cat."}\n', encoding="utf-8")
    pairs = "articles.jsonl" if task == "summarize" else "pairs.tsv"
    words = [task, "evaluate", "--zero-shot", "--init", pretrained, "--set", "generate.max_new_tokens=12", "--json"]
    assert run([*words, "--on", pairs]) == 0
    found = json.loads(capsys.readouterr().out)
    assert score in found["scores"]
    assert f"set:{pairs}|n:{2 - (task == 'summarize')}|decode:t:" in found["signature"]
    assert run(words) == 2
    assert "give a corpus with --on" in json.loads(capsys.readouterr().err)["error"]["message"]


def test_what_a_translator_is_shown(pretrained: str) -> None:
    opened = opening.zero_shot("translate", pretrained)
    task: Any = opened.task
    shown = task.bpe.decode(task.encode_source(task.parse("The cat sat.")))
    assert shown.endswith("\nThe cat sat. =")
    assert "Have you read this book? = As-tu lu ce livre ?\n" in shown
    assert task.decode(task.bpe.encode([" le chat\nis here = est"])[0]) == "le chat"
    assert opened.config.temperature == 0
    (newline,) = opened.config.stop_ids
    assert task.bpe.decode([newline]) == "\n"
    spanish: Any = opening.zero_shot("translate", pretrained, to="es", examples="pairs.tsv").task
    assert spanish.bpe.decode(spanish.encode_source(spanish.parse("x"))) == "one = uno\ntwo = dos\nx ="
    german: Any = opening.zero_shot("translate", pretrained, to="de").task
    with pytest.raises(UserError, match="--to de: the built-in examples are French; give a table of pairs"):
        german.encode_source(german.parse("x"))


def test_a_summarizer_samples_from_two(pretrained: str) -> None:
    opened = opening.zero_shot("summarize", pretrained)
    assert (opened.config.top_k, opened.config.temperature, opened.config.max_new_tokens) == (2, 1.0, 100)
    assert opening.zero_shot("summarize", pretrained, {"top_k": 5}).config.top_k == 5


@pytest.mark.parametrize("words", [["--cut", "head-tail"], ["--set", "task.cut=head-tail"]])
def test_what_stays_of_a_long_document_can_be_chosen(
    pretrained: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    asked: list[str] = []
    answers = decode.answers

    def noted(model: Any, prompts: list[list[int]], *rest: Any) -> Any:
        asked.extend(Bpe.load(Path(pretrained)).decode(prompt) for prompt in prompts)
        return answers(model, prompts, *rest)

    monkeypatch.setattr(decode, "answers", noted)
    text = "The beginning. " + "The cat sat. " * 300 + "The end."
    short = ["--set", "generate.max_new_tokens=2", "--json"]
    assert run(["summarize", "generate", "--zero-shot", "--init", pretrained, *words, *short, text]) == 0
    assert json.loads(capsys.readouterr().out)["truncated"] is True
    assert asked[0].startswith("The beginning.")
    assert asked[0].endswith("The cat sat. The end.\nTL;DR:")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["summarize", "generate", "--zero-shot", "x"], 2, "--zero-shot and --init go together"),
        (["summarize", "generate", "--init", "gpt2", "x"], 2, "--zero-shot and --init go together"),
        (["summarize", "generate", "--zero-shot", "--init", "gpt2", "--run", "r", "x"], 2, "instead of --run"),
        (
            ["summarize", "generate", "--zero-shot", "--init", "my run", "x"],
            2,
            "'my run' is neither a directory nor a Hub id such as",
        ),
    ],
)
def test_what_does_not_go_together(pretrained: str, capsys: Capture, words: list[str], code: int, message: str) -> None:
    assert run(words) == code
    assert message in " ".join(capsys.readouterr().err.split())
