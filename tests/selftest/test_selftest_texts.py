"""The tokenizer of a run: swapped, shrunk, or the right one."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import gpt2kit
from gpt2kit import files, recipe
from gpt2kit.data.store import Store
from gpt2kit.music.stream import encoding
from gpt2kit.selftest.run_under_test import opened
from gpt2kit.selftest.texts import round_trip, tokenizer_as_recorded

RunOf = Callable[..., Path]
Copied = Callable[[Path], Path]

KINDS = ["translate", "summarize", "lm", "music", "completion", "labelled", "choice"]
TEXTS = [kind for kind in KINDS if kind != "music"]


def swap_merges(run: Path) -> None:
    """The same tokens, put together in another order."""
    path = run / "tokenizer.json"
    tokenizer = json.loads(path.read_text(encoding="utf-8"))
    tokenizer["model"]["merges"].reverse()
    path.write_text(json.dumps(tokenizer), encoding="utf-8")


def forget_merges(run: Path) -> None:
    """The same tokens, of which none but bytes are found any more."""
    path = run / "tokenizer.json"
    tokenizer = json.loads(path.read_text(encoding="utf-8"))
    tokenizer["model"]["merges"] = []
    path.write_text(json.dumps(tokenizer), encoding="utf-8")


def as_if_made_with_it(run: Path) -> None:
    """The record says of the tokenizer what it is now."""
    task = opened(run).task
    described = files.read_json(run / "task.json")
    files.write_json(run / "task.json", described | {"fingerprint": task.vocabulary.fingerprint()})


@pytest.mark.parametrize("kind", KINDS)
def test_of_a_run_as_it_was_trained_nothing_is_wrong(run_of: RunOf, kind: str) -> None:
    subject = opened(run_of(kind))
    assert tokenizer_as_recorded(subject).passed
    check = round_trip(subject)
    assert (check.passed, check.figure, check.limit) == (True, 0, 0), check.remark
    assert not check.remark.startswith("of 0")


@pytest.mark.parametrize("kind", TEXTS)
def test_another_tokenizer_is_found_twice(run_of: RunOf, copied: Copied, kind: str) -> None:
    run = copied(run_of(kind))
    forget_merges(run)
    subject = opened(run)
    check = tokenizer_as_recorded(subject)
    assert check.passed is False
    assert f"task.json says {subject.run.made_with[0]}" in check.remark
    assert round_trip(subject).passed is False


def test_swapped_merges_are_found_where_the_record_was_mended(run_of: RunOf, copied: Copied) -> None:
    run = copied(run_of("translate"))
    data = opened(run).store
    swap_merges(run)
    as_if_made_with_it(run)
    subject = replace(opened(run), store=data)
    assert tokenizer_as_recorded(subject).passed
    assert round_trip(subject).passed is False


def test_another_number_of_tokens_is_found(run_of: RunOf, copied: Copied) -> None:
    run = copied(run_of("translate"))
    task = opened(run).task
    task.bpe.add_separators(["<to-xx>"])  # type: ignore[attr-defined]
    task.bpe.save(run, 64)  # type: ignore[attr-defined]
    check = tokenizer_as_recorded(opened(run))
    assert (check.passed, check.figure) == (False, 3)
    size = task.vocabulary.size - 1
    assert f"{size + 1} tokens, task.json says {size}; {size + 1} tokens, the model knows {size}" in check.remark


def test_music_that_does_not_come_back_is_found(run_of: RunOf, monkeypatch: pytest.MonkeyPatch) -> None:
    subject, encode = opened(run_of("music")), encoding.encode
    monkeypatch.setattr(encoding, "encode", lambda notes: encode(notes)[:-1])
    assert round_trip(subject).passed is False


def test_without_data_it_is_skipped(run_of: RunOf) -> None:
    check = round_trip(replace(opened(run_of("translate")), store=None, without="it has gone"))
    assert (check.passed, check.remark) == (None, "it has gone")


def test_sources_that_were_cut_may_end_inside_of_a_word(
    tmp_path: Path, examples: Callable[[str], Any], run_of: RunOf
) -> None:
    """Not more of them."""
    rows = [{"en": "morning " * length, "fr": "bonjour"} for length in (20, 40, 60)] + [{"en": "good", "fr": "bon"}]
    (tmp_path / "a.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    tiny = recipe.load("translate", [*examples("translate").TINY, f"task.tokenizer={run_of('translate')}"])
    corpora = {"train": [str(tmp_path / "a.jsonl")], "val": [str(tmp_path / "a.jsonl")]}
    reports = gpt2kit.prepare(tiny, corpora, tmp_path / "data")
    assert reports["val"].cut > 0
    check = round_trip(replace(opened(run_of("translate")), store=Store(tmp_path / "data", "val")))
    assert check.passed
    assert check.limit == reports["val"].cut
