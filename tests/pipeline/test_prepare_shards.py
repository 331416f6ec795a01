"""Corpora of many files: the same prepared data as from one file, wherever the files are, and nothing secret in it."""

import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from gpt2kit import recipe
from gpt2kit.cli.app import run
from gpt2kit.data import lines, remote
from gpt2kit.data.report import SplitReport
from gpt2kit.errors import DataError, UserError
from gpt2kit.pipeline.evaluation_sets import corpus_records
from gpt2kit.pipeline.prepare import prepare
from gpt2kit.runs.prepared import Prepared

SHARDS, ROWS = 12, 30
"""More than ten: their names have numbers of one and of two digits."""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def memory() -> Iterator[Any]:
    MemoryFileSystem.store.clear()
    yield fsspec.filesystem("memory")
    MemoryFileSystem.store.clear()


def texts(shard: int) -> list[str]:
    return [f"the number {shard * ROWS + row} of many" for row in range(ROWS)]


def pairs(shard: int) -> str:
    return "".join(f"{text}\t{text.upper()}\n" for text in texts(shard))


def labelled(shard: int) -> str:
    rows = ({"text": text, "label": "odd" if row % 2 else "even"} for row, text in enumerate(texts(shard)))
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def documents(shard: int) -> str:
    rows = ({"document": f"{text}. It is long. And so on.", "summary": f"Of {text}"} for text in texts(shard))
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def written(folder: Path, contents: Sequence[str], ending: str) -> None:
    """Shards in a folder, and one file of all of them beside it."""
    folder.mkdir()
    for number, content in enumerate(contents):
        (folder / f"part-{number}{ending}.gz").write_bytes(gzip.compress(content.encode()))
    folder.with_suffix(ending).write_text("".join(contents), encoding="utf-8")


def stored(corpus: Sequence[str], out: Path, task: str) -> dict[str, bytes]:
    prepare(recipe.load(task, ["task.vocab=300", "task.held_out=0.1"]), {"train": corpus}, out)
    return ids_in(out)


def ids_in(folder: Path) -> dict[str, bytes]:
    """The ids and the tokenizer that prepare wrote; its other files name the corpus."""
    kept = (".ids", ".ends", ".prompts", "tokenizer.json")
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name.endswith(kept)}


@pytest.mark.parametrize(
    ("task", "content", "ending"),
    [
        ("translate", pairs, ".tsv"),
        ("finetune", labelled, ".jsonl"),
        ("summarize", documents, ".jsonl"),
        ("lm", documents, ".jsonl"),
    ],
)
def test_shards_are_read_like_one_file(task: str, content: Any, ending: str, here: Path, memory: Any) -> None:
    written(here / "d", [content(shard) for shard in range(SHARDS)], ending)
    flags = ["--column", "document"] if task == "lm" else []
    expected = None
    for number, corpus in enumerate((f"d{ending}", "d", f"d/part-*{ending}.gz", f"file://{here}/d", "memory://d/p*")):
        if corpus.startswith("memory"):
            for path in (here / "d").iterdir():
                memory.pipe(f"/d/{path.name}", path.read_bytes())
        words = [task, "prepare", corpus, *flags, "--out", str(number), "--set", "task.vocab=300", "task.held_out=0.1"]
        assert run(words) == 0
        found = ids_in(Path(str(number)))
        expected = expected or found
        assert found == expected
        report = Prepared.open(str(number)).report
        assert report["corpora"] == {"train": [corpus]}
        assert report["splits"]["train"]["rows"] + report["splits"]["val"]["rows"] == SHARDS * ROWS
        assert report["splits"]["val"]["rows"]
        if number:
            files = report["files"]["train"]
            assert files["count"] == SHARDS
            assert files["names"][1:3] == [f"part-1{ending}.gz", f"part-2{ending}.gz"]
            assert files["bytes"] == sum(path.stat().st_size for path in (here / "d").iterdir())


def test_line_files_are_paired_and_no_more_than_two_are_open(here: Path, memory: Any) -> None:
    for side, change in (("en", str), ("fr", str.upper)):
        content = ["".join(f"{change(text)}\n" for text in texts(shard)) for shard in range(SHARDS)]
        (here / f"all.{side}").write_text("".join(content), encoding="utf-8")
        for shard, each in enumerate(content):
            memory.pipe(f"/{side}/{shard}.{side}", each.encode())
    opened: list[int] = []
    reading = 0

    class Counted(remote._Told):
        def __init__(self, url: str, file: Any) -> None:
            nonlocal reading
            super().__init__(url, file)
            reading += 1
            opened.append(reading)

        def close(self) -> None:
            nonlocal reading
            reading -= not self.closed
            super().close()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(remote, "_Told", Counted)
        shards = stored(["memory://en/*.en", "memory://fr/*.fr"], here / "shards", "translate")
    assert shards == stored(["all.en", "all.fr"], here / "one", "translate")
    assert len(opened) >= 4 * SHARDS, "both sides, twice"
    assert max(opened) == 2
    assert reading == 0


def test_the_splits_are_given_in_the_same_way(here: Path) -> None:
    for split in ("train", "val", "test"):
        written(here / split, [pairs(shard) for shard in range(2)], ".tsv")
    words = ["translate", "prepare", "train", "--val", "val/*", "--test", f"file://{here}/test/", "--out", "data"]
    assert run([*words, "--set", "task.vocab=300"]) == 0
    report = Prepared.open("data").report
    assert {split: files["count"] for split, files in report["files"].items()} == {"train": 2, "val": 2, "test": 2}
    assert {split: counts["rows"] for split, counts in report["splits"].items()} == dict.fromkeys(report["files"], 60)


def test_the_files_are_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(here / "d", [pairs(shard) for shard in range(30)], ".tsv")
    assert run(["translate", "prepare", "d", "--out", "data", "--json", "--set", "task.vocab=300"]) == 0
    result, said = capsys.readouterr()
    assert "train: 30 files, 0.0 MB: part-0.tsv.gz ...\n" in said
    files = json.loads(result)["files"]["train"]
    assert files == Prepared.open("data").report["files"]["train"]
    assert (files["count"], len(files["names"])) == (30, 20), "a report does not grow with the files"
    assert run(["translate", "prepare", "d.tsv", "--out", "one", "--set", "task.vocab=300"]) == 0
    assert "1 file" not in capsys.readouterr().err, "a word that is one file is known"


def test_other_files_have_another_digest(here: Path) -> None:
    def digest(out: str) -> str:
        prepare(recipe.load("translate", ["task.vocab=300"]), {"train": ["fr=d"]}, out)
        found: str = Prepared.open(out).report["files"]["train"]["digest"]
        return found

    written(here / "d", [pairs(shard) for shard in range(3)], ".tsv")
    first = digest("a")
    assert digest("b") == first
    (here / "d" / "part-1.tsv.gz").write_bytes(gzip.compress(b"one\tun\n"))
    assert digest("c") != first


SECRETS = (b"someone", b"hunter2", b"sekret")


def test_nothing_secret_is_written_or_said(memory: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """fsspec's memory has no users and no queries: here they are a part of the path, as it would be sent."""
    for shard, name in enumerate(("train-1", "train-2")):
        memory.pipe(f"/someone:hunter2@d/{name}.tsv", pairs(shard).encode())
    memory.pipe("/someone:hunter2@d/val.tsv?sig=sekret", pairs(3).encode())
    val = "memory://someone:hunter2@d/val.tsv?sig=sekret"
    words = ["translate", "prepare", "memory://someone:hunter2@d/train-*.tsv", "--val", val, "--json"]
    assert run([*words, "--out", "data", "--set", "task.vocab=300"]) == 0
    said = "".join(capsys.readouterr()).encode()
    assert b"memory://d/train-1.tsv: columns" in said
    for content in (said, *(path.read_bytes() for path in Path("data").iterdir())):
        assert not any(secret in content for secret in SECRETS)
    assert Prepared.open("data").report["corpora"] == {
        "train": ["memory://d/train-*.tsv"],
        "val": ["memory://d/val.tsv"],
    }
    prepare(recipe.load("translate", ["task.vocab=300"]), {"train": [f"de={val}"]}, "german")
    assert Prepared.open("german").report["corpora"] == {"train": ["de=memory://d/val.tsv"]}
    assert Prepared.open("data").set_name("val") == "val.tsv:val"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["{}bad.tsv?sig=sekret"], "memory://d/bad.tsv:2: expected at least 2 columns"),
        (["{}nix.tsv?sig=sekret"], "memory://d/nix.tsv: no such file"),
        (["{}nix-*.tsv"], "memory://d/nix-*.tsv: no file matches this pattern"),
        (["{}one.en", "{}two.fr?sig=sekret"], "memory://d/two.fr has 2 lines but memory://d/one.en has 1"),
        (["de={}bad.tsv?sig=sekret"], "memory://d/bad.tsv:2: expected at least 2 columns"),
        (["de={}one.en"], "de=memory://d/one.en: a plain text file must be followed by its translation"),
        (["{}one.en"], "memory://d/one.en: a plain text file must be followed by its translation"),
        (["--val", "{}one.en", "{}two.fr?sig=sekret"], "here memory://d/one.en memory://d/two.fr; give the training"),
    ],
)
def test_nothing_secret_is_in_an_error(
    words: list[str], told: str, memory: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    memory.pipe("/someone:hunter2@d/bad.tsv?sig=sekret", b"one\tun\ntwo\n")
    memory.pipe("/someone:hunter2@d/one.en", b"one\n")
    memory.pipe("/someone:hunter2@d/two.fr?sig=sekret", b"un\ndeux\n")
    corpus = [word.format("memory://someone:hunter2@d/") for word in words]
    assert run(["translate", "prepare", *corpus, "--out", "data"]) in (2, 3)
    result, said = capsys.readouterr()
    assert result == ""
    assert told in said
    assert not any(secret in said.encode() for secret in SECRETS)
    assert not Path("data").exists()


def test_music_is_not_read_from_a_url(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["music", "prepare", "https://someone:hunter2@music.host/x.zip?sig=sekret", "--out", "data"]) == 3
    said = capsys.readouterr().err
    assert "https://music.host/x.zip: a URL is not accepted here; download it" in said
    assert not any(secret in said.encode() for secret in SECRETS)


def test_a_bad_line_names_its_file(here: Path) -> None:
    written(here / "d", [pairs(shard) for shard in range(3)], ".tsv")
    (here / "d" / "part-1.tsv.gz").write_bytes(gzip.compress(b"one\tun\ntwo\n"))
    with pytest.raises(DataError, match=r"^d/part-1.tsv.gz:2: expected at least 2 columns"):
        prepare(recipe.load("translate"), {"train": ["d"]}, "data")
    (here / "d" / "part-1.tsv.gz").write_bytes(b"one\tun\n")
    with pytest.raises(DataError, match=r"^d/part-1.tsv.gz: damaged, truncated or not compressed as its name says"):
        prepare(recipe.load("translate"), {"train": ["d"]}, "data")
    assert not Path("data").exists()


def test_a_corpus_that_lies_in_the_output_folder_is_kept(here: Path) -> None:
    written(here / "d", [pairs(shard) for shard in range(2)], ".tsv")
    prepare(recipe.load("translate", ["task.vocab=300"]), {"train": ["d.tsv"]}, "data")
    (here / "data" / "more").mkdir()
    (here / "d.tsv").rename(here / "data" / "more" / "d.tsv")
    with pytest.raises(UserError, match=r"it contains data/more/d.tsv, which this command reads"):
        prepare(recipe.load("translate"), {"train": ["data/*/d.tsv"]}, "data", overwrite=True)


def test_parquet_behind_a_url(memory: Any, here: Path) -> None:
    from datasets import Dataset

    for shard in range(2):
        rows = [line.split("\t") for line in pairs(shard).splitlines()]
        path = here / f"{shard}.parquet"
        Dataset.from_dict({"en": [row[0] for row in rows], "fr": [row[1] for row in rows]}).to_parquet(str(path))
        memory.pipe(f"/someone:hunter2@d/{path.name}", path.read_bytes())
    found = stored(["memory://someone:hunter2@d/*.parquet"], here / "url", "translate")
    assert found == stored(["*.parquet"], here / "files", "translate")


def test_evaluate_reads_the_same(here: Path, memory: Any) -> None:
    written(here / "d", [pairs(shard) for shard in range(SHARDS)], ".tsv")
    task = recipe.load("translate").task
    name, records = corpus_records(task, ["d/*"], SplitReport())
    assert name == "*"
    assert [record.source.text for record in records] == [text for shard in range(SHARDS) for text in texts(shard)]
    memory.pipe("/someone:hunter2@d/x.tsv?sig=sekret", pairs(0).encode())
    name, records = corpus_records(task, ["memory://someone:hunter2@d/x.tsv?sig=sekret"], SplitReport())
    assert name == "x.tsv"
    assert len(list(records)) == ROWS


def test_a_text_of_which_the_end_is_held_out(memory: Any, here: Path) -> None:
    text = "\n".join(" ".join(texts(shard)) for shard in range(SHARDS))
    (here / "text.txt").write_text(text, encoding="utf-8")
    memory.pipe("/d/text.txt", text.encode())
    one, other = (stored([word], here / word[:4], "lm") for word in ("text.txt", "memory://d/text.txt"))
    assert one == other
    assert lines.can_be_read_twice("memory://d/text.txt")
