"""What prepare of every task says: the columns it took and left out, three examples, and targets beyond the limit."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gpt2kit
from gpt2kit.cli.app import run
from gpt2kit.config import EXTRA_TOKENS
from gpt2kit.pipeline.ratios import SLACK

Capture = pytest.CaptureFixture[str]
Examples = Callable[[str], Any]

ROW: dict[str, str] = {
    "id": "N",
    "en": "one N",
    "fr": "un N",
    "document": "A long text N. It goes on.",
    "summary": "A text N.",
    "text": "so N",
    "label": "ab",
}
TOLD = {
    "translate": ("en fr id", "source=en, target=fr; left out: id", "one N<to-fr> → un N<|endoftext|>"),
    "summarize": (
        "id document summary",
        "document=document, summary=summary; left out: id",
        "\nA long text N. It goes on.<summarize> → A text N.<|endoftext|>",
    ),
    "lm": ("id text", "text=text; left out: id", "<|endoftext|> → so N"),
    "finetune": ("id text label", "text=text, label=label; left out: id", "<start>so N<extract> → LABEL"),
}
"""By task: the columns of a table, and what is said of them and of a row."""


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("task", TOLD)
def test_columns_and_three_examples(task: str, workplace: Path, capsys: Capture) -> None:
    columns, taken, example = TOLD[task]
    rows = [
        {name: "ab"[n % 2] if name == "label" else ROW[name].replace("N", str(n)) for name in columns.split()}
        for n in range(5)
    ]
    (workplace / "a.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    settings = ["--set", "task.vocab=300"]
    assert run([task, "prepare", "a.jsonl", "--val", "a.jsonl", "--out", "d", *settings]) == 0
    err = capsys.readouterr().err
    assert f"a.jsonl: columns {taken}\n" in err
    shown = (f"example {n + 1} {example.replace('N', str(n)).replace('LABEL', 'ab'[n % 2])}\n" for n in range(3))
    assert f"{''.join(shown)}next:" in err


def test_a_language_whose_targets_take_many_tokens(workplace: Path, capsys: Capture, examples: Examples) -> None:
    """With a tokenizer that has not seen it. The limit of an answer is that of the corpus, and is kept in the run; a
    lower one is named wherever it cuts."""
    (workplace / "known.txt").write_text("we see a cat and a dog\n" * 20, encoding="utf-8")
    (workplace / "a.tsv").write_text("we see a cat\tмы видим кота\na dog\tсобака\n", encoding="utf-8")
    assert run(["lm", "prepare", "known.txt", "--out", "known", "--set", "task.vocab=300"]) == 0
    prepare = ["translate", "prepare", "a.tsv", "--val", "a.tsv", "--to", "ru", "--tokenizer", "known", "--out", "d"]
    capsys.readouterr()
    assert run([*prepare, "--set", "generate.max_ratio=1", "--set", "model.n_positions=64"]) == 0
    beyond = "targets are longer than generate.max_ratio = 1 lets an answer become; set it to corpus, or higher"
    assert f"train: 1 of 2 {beyond}\nval: 1 of 2 {beyond}\n" in capsys.readouterr().err
    assert run([*prepare, "--overwrite", "--set", "model.n_positions=64"]) == 0
    assert "lets an answer become" not in capsys.readouterr().err
    tiny = [each for each in examples("translate").TINY if not each.startswith(("task.", "train.steps"))]
    train = ["translate", "train", "d", "--out", "run", *(word for each in tiny for word in ("--set", each))]
    train += ["--set", "train.steps=1"]
    for ratio, counted in (("corpus", "none"), ("1", "1 in train (generate.max_ratio = 1), 1 in val (generate.max_ra")):
        assert run([*train, "--set", f"generate.max_ratio={ratio}", "--dry-run"]) == 0
        assert f"targets longer than the limit of an answer: {counted}" in capsys.readouterr().out
    assert run(train) == 0
    engine = gpt2kit.load("run")
    prompt = engine.task.encode_source(engine.task.parse("we see a cat"))
    needed = (len("мы видим кота".encode()) + 1 - EXTRA_TOKENS) / len(prompt)
    assert engine.config.ratio == pytest.approx(SLACK * needed, abs=0.01)
    assert engine.config.ratio > 2
    capsys.readouterr()
    words = ["translate", "generate", "--run", "run", "a dog", "--set", "generate.ban_ids=[0]"]
    for more in ([], ["--set", "generate.max_ratio=1.5"]):
        assert run([*words, *more]) == 0
        limit = "1.5" if more else f"{engine.config.ratio:g}"
        assert f"they reached generate.max_ratio = {limit}; raise it for longer answers" in capsys.readouterr().err
