"""A vocabulary that is learned from a sample of the texts: which tokenizer it is, and what the user reads of it."""

from pathlib import Path

import pytest

from gpt2kit.cli.app import run
from gpt2kit.data import vocabulary_sample
from gpt2kit.data.bpe import Bpe
from gpt2kit.tasks.lm import Lm

Capture = pytest.CaptureFixture[str]
SAMPLED = "an even sample: all of them have too many different words"


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"text number {n} of some\tlabel {n % 2}\n" for n in range(800))
    Path("t.tsv").write_text(rows, encoding="utf-8")
    return "t.tsv"


COMMANDS = {
    "translate": [],
    "finetune": ["--columns", "text=0,label=1"],
    "lm": ["--column", "0"],
}


@pytest.mark.parametrize("task", COMMANDS)
def test_prepare_names_a_sample(corpus: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture, task: str) -> None:
    words = [task, "prepare", corpus, *COMMANDS[task], "--out", "d", "--set", "task.vocab=300"]
    assert run(words) == 0
    assert SAMPLED not in capsys.readouterr().err
    assert not Path("d/vocabulary.json").exists()
    monkeypatch.setattr(vocabulary_sample, "WORDS", 300)
    monkeypatch.setattr(vocabulary_sample, "FEW", 100)
    monkeypatch.setattr(vocabulary_sample, "CHARACTERS", 1000)
    assert run([*words, "--overwrite"]) == 0
    assert SAMPLED in capsys.readouterr().err
    assert run([*words, "--overwrite"]) == 0, "the file is known as a part of prepared data"


def test_the_tokenizer_is_that_of_the_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"text number {n} of {n % 7}" for n in range(900)]
    monkeypatch.setattr(vocabulary_sample, "WORDS", 300)
    monkeypatch.setattr(vocabulary_sample, "FEW", 100)
    monkeypatch.setattr(vocabulary_sample, "CHARACTERS", 1000)
    task = Lm(vocab=300).learn_tokenizer(texts, (), tmp_path, 64)
    seen: list[list[str]] = []
    vocabulary_sample.train_on_sample(lambda given: seen.append([*given]), texts, tmp_path, 300)
    assert 100 < len(seen[-1]) < 400
    assert task.describe() == [f"vocabulary learned from {len(seen[-1])} of 900 texts, {SAMPLED}"]
    expected = Bpe.train(iter(seen[-1]), 300, ())
    assert task.bpe.fingerprint() == expected.fingerprint() != Bpe.train(iter(texts), 300, ()).fingerprint()


def test_bytes_alone_are_not_learned(tmp_path: Path) -> None:
    """The texts are not even read."""
    texts = iter(["some text"])
    Lm(vocab=256).learn_tokenizer(texts, (), tmp_path, 64)
    assert list(texts) == ["some text"]
