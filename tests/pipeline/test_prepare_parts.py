"""Corpora in parts: read as one, the same whoever prepares them, and gone on with after an end at any place."""

import gzip
import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpt2kit
from gpt2kit import files, recipe
from gpt2kit.cli.app import run
from gpt2kit.data import remote, vocabulary_sample
from gpt2kit.data.batches import RowBatching
from gpt2kit.data.report import Damage, Frequent, SplitReport
from gpt2kit.data.store import Store
from gpt2kit.data.streams import StreamBatching
from gpt2kit.errors import DataError, MachineError, UserError
from gpt2kit.pipeline.preparing import parts, processes, splits, work
from gpt2kit.pipeline.preparing.kept import parts_kept
from gpt2kit.pipeline.preparing.parts import part_sizes
from gpt2kit.recipe import Recipe
from gpt2kit.runs.prepared import Prepared
from gpt2kit.tasks.record import Shard

Capture = pytest.CaptureFixture[str]

SHARDS, ROWS = 7, 30


@pytest.fixture(autouse=True)
def small_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of two shards of pairs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(parts, "LEAST", 2000)


def texts(shard: int) -> list[str]:
    """Some are in other shards, too."""
    return [f"the number {(shard * ROWS + row) % 170} of many" for row in range(ROWS)]


def pairs(shard: int) -> str:
    return "".join(f"{text}\t{text.upper()}\n" for text in texts(shard))


def labelled(shard: int) -> str:
    rows = ({"text": text, "label": "odd" if row % 2 else "even"} for row, text in enumerate(texts(shard)))
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def documents(shard: int) -> str:
    rows = ({"document": f"{text}. It is long. And so on.", "summary": f"Of {text}"} for text in texts(shard))
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def books(shard: int) -> str:
    return "\n".join(texts(shard))


def write_shards(folder: str, content: Callable[[int], str], ending: str, count: int = SHARDS) -> None:
    Path(folder).mkdir()
    for number in range(count):
        Path(folder, f"part-{number}{ending}").write_text(content(number), encoding="utf-8")


def small(task: str, *settings: str) -> Recipe:
    return recipe.load(task, ["task.vocab=300", "task.held_out=0.1", *settings])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def rows_in(folder: str | Path, split: str) -> list[Any]:
    store = Store(Path(folder), split)
    return [*map(store.row, range(len(store)))]


KINDS: dict[str, tuple[str, Callable[[int], str], str]] = {
    "table of pairs": ("translate", pairs, ".tsv"),
    "labels": ("finetune", labelled, ".jsonl"),
    "documents and summaries": ("summarize", documents, ".jsonl"),
    "text files": ("lm", books, ".txt"),
    "columns of texts": ("lm", documents, ".jsonl"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_parts_are_read_as_one(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With reports that are those of a corpus that is not divided, also for duplicates and leaks across parts."""
    task, content, ending = KINDS[kind]
    write_shards("d", content, ending)
    write_shards("v", lambda shard: content(shard + 3), ending, 3)
    column = ["task.column=document"] if task == "lm" and ending == ".jsonl" else []
    for given in ({"train": ["d"]}, {"train": ["d"], "val": ["v"], "test": [f"v/part-1{ending}"]}):
        monkeypatch.setattr(parts, "LEAST", 2000)
        divided = gpt2kit.prepare(small(task, *column), given, "divided", overwrite=True)
        monkeypatch.setattr(parts, "LEAST", 1 << 30)
        whole = gpt2kit.prepare(small(task, *column), given, "whole", overwrite=True)
        assert divided == whole
        assert {path.name for path in Path("divided").glob("train*.ids")} >= {"train-00000.ids", "train-00001.ids"}
        for split, report in divided.items():
            assert report.rows or (task, split) == ("lm", "val")
            assert rows_in("divided", split) == rows_in("whole", split)
            one, other = Store(Path("divided"), split), Store(Path("whole"), split)
            assert one.digest() == other.digest()
            assert [*one.texts()] == [*other.texts()] if other.has_texts else not one.has_texts
            assert one.has_names == other.has_names
            assert not one.has_names or one.names() == other.names()
            assert one.document_ends().tolist() == other.document_ends().tolist()
            one.check_ids(Prepared.open("divided").task.vocabulary.size)
        if "val" in given:
            assert divided["val"].leaked
            assert divided["train"].duplicates or kind == "text files"
            assert Path("divided/test.ids").is_file(), "a corpus of one file"
    assert not parts_kept(Path("divided"))


def test_line_files_and_reverses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held out of one direction is held out of the other, in whichever parts they are."""
    for side, change in (("en", str), ("fr", str.upper)):
        write_shards(side, lambda shard, change=change: "\n".join(map(change, texts(shard))), f".{side}")  # type: ignore[misc]
    given = {"train": ["fr=en", "fr", "en=fr", "en"]}
    divided = gpt2kit.prepare(small("translate"), given, "divided")
    monkeypatch.setattr(parts, "LEAST", 1 << 30)
    assert divided == gpt2kit.prepare(small("translate"), given, "whole")
    for split in divided:
        assert rows_in("divided", split) == rows_in("whole", split)
    assert divided["val"].leaks == {}
    assert divided["val"].rows


def test_the_number_of_processes_makes_no_difference(capsys: Capture) -> None:
    """Nor does that of the files of a part: what they compare is the content of the folder, byte for byte."""
    write_shards("d", pairs, ".tsv")
    command = ["translate", "prepare", "d", "--set", "task.vocab=300", "task.held_out=0.1", "--json"]
    assert run([*command, "--out", "one"]) == 0
    alone = json.loads(capsys.readouterr().out)
    assert run([*command, "--out", "two", "--devices", "2"]) == 0
    shared = json.loads(capsys.readouterr().out)
    assert shared == alone | {"out": "two"}
    assert contents(Path("two")) == contents(Path("one"))


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("localhost", 0))
        port: int = found.getsockname()[1]
        return port


def as_ranks(*words: str, in_rank: Callable[[], None] = lambda: None) -> list[int | None]:
    """The exit codes of `gpt2kit WORDS` in two processes, as torchrun starts them."""
    from tests.conftest import Forked

    place = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": str(free_port())}
    ranks = [
        Forked(words, {**os.environ, **place, "RANK": str(rank), "LOCAL_RANK": str(rank)}, Path(), in_rank)
        for rank in range(2)
    ]
    for rank in ranks:
        rank.join(300)
    return [rank.exitcode for rank in ranks]


def killed_at_its_second_part() -> None:
    done = list[int]()
    prepare_part = work.prepare_part

    def killed(*job: Any) -> int:
        done.append(1)
        if os.environ["RANK"] == "1" and len(done) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return prepare_part(*job)

    vars(processes)["prepare_part"] = killed  # in the rank's process only


def test_two_ranks_of_which_one_is_killed(capsys: Capture) -> None:
    write_shards("d", pairs, ".tsv")
    command = ["translate", "prepare", "d", "--set", "task.vocab=300", "task.held_out=0.1"]
    assert run([*command, "--out", "alone"]) == 0
    assert as_ranks(*command, "--out", "two", in_rank=killed_at_its_second_part) == [-signal.SIGTERM, -signal.SIGKILL]
    assert not Path("two").exists()
    (kept,) = parts_kept(Path("two"))
    there = {path.name for path in (kept / "train").glob("?????")}
    assert {"00000", "00001"} <= there < {f"{number:05}" for number in range(4)}
    assert as_ranks(*command, "--out", "two") == [0, 0]
    assert contents(Path("two")) == contents(Path("alone"))
    assert not parts_kept(Path("two"))


def test_a_mistake_is_that_of_the_first_part(capsys: Capture) -> None:
    write_shards("d", pairs, ".tsv")
    for shard in (2, 5):
        Path(f"d/part-{shard}.tsv").write_text(pairs(shard) + "one\n", encoding="utf-8")
    command = ["translate", "prepare", "d", "--columns", "0,1", "--tokenizer", "t", "--out", "two"]
    gpt2kit.prepare(small("translate"), {"train": ["d/part-0.tsv"]}, "t")
    for more in ([], ["--devices", "2"]):
        assert run([*command, *more]) == 3
        assert "d/part-2.tsv:31: expected at least 2 columns" in capsys.readouterr().err
    assert as_ranks(*command) == [3, -signal.SIGTERM]
    assert not Path("two").exists()


def interrupted(*_: Any) -> None:
    raise KeyboardInterrupt


def counted_parts(monkeypatch: pytest.MonkeyPatch, end: int = -1) -> list[int]:
    """The numbers of the parts that this process prepares; the command is interrupted before part `end`."""
    found, prepare_part = list[int](), work.prepare_part

    def counted(folder: str, name: str, number: int, progress: Any) -> int:
        if number == end:
            raise KeyboardInterrupt
        found.append(number)
        return prepare_part(folder, name, number, progress)

    monkeypatch.setattr(processes, "prepare_part", counted)
    return found


def test_preparing_goes_on_at_the_part_where_it_stopped(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    write_shards("d", pairs, ".tsv")
    command = ["translate", "prepare", "d", "--set", "task.vocab=300", "task.held_out=0.1"]
    assert run([*command, "--out", "whole"]) == 0
    capsys.readouterr()
    with monkeypatch.context() as patched:
        assert counted_parts(patched, end=2) == []
        assert run([*command, "--out", "data"]) == 130
    assert "interrupted; the parts so far are kept: the same command goes on" in capsys.readouterr().err
    (kept,) = parts_kept(Path("data"))
    assert not Path("data").exists()
    files.writable_folder(kept / "train" / ".00002.0123abcd.tmp")  # what a killed process leaves

    found = counted_parts(monkeypatch)
    assert run([*command, "task.vocab=310", "--out", "data"]) == 0, "another command does not use them"
    said = capsys.readouterr().err
    assert f"{kept} has parts of another command, which has not ended: delete it if you do not need them" in said
    assert found == [0, 1, 2, 3]
    found.clear()
    assert run([*command, "--out", "data", "--overwrite"]) == 0
    assert f"train: going on with 2 of 4 parts, which are in {kept}" in capsys.readouterr().err
    assert found == [2, 3]
    assert contents(Path("data")) == contents(Path("whole"))
    assert not parts_kept(Path("data"))


def test_a_changed_file_or_a_damaged_part_is_prepared_again(monkeypatch: pytest.MonkeyPatch) -> None:
    write_shards("d", pairs, ".tsv")
    small_recipe = small("translate")
    with monkeypatch.context() as patched:
        counted_parts(patched, end=3)
        with pytest.raises(KeyboardInterrupt):
            gpt2kit.prepare(small_recipe, {"train": ["d"]}, "data")
    (kept,) = parts_kept(Path("data"))
    with (kept / "train" / "00001" / "train.ends").open("ab") as file:
        file.truncate(8)
    (kept / "train" / "00002" / "reports.json").write_text("{")
    found = counted_parts(monkeypatch)
    with monkeypatch.context() as patched:
        patched.setattr(splits, "compare", interrupted)
        with pytest.raises(KeyboardInterrupt):
            gpt2kit.prepare(small_recipe, {"train": ["d"]}, "data")
    assert found == [1, 2, 3]
    os.utime("d/part-0.tsv", ns=(1, 1))
    found.clear()
    gpt2kit.prepare(small_recipe, {"train": ["d"]}, "data")
    assert found == [0, 1, 2, 3]
    assert parts_kept(Path("data")) == [kept], "of the file as it was"


def test_a_process_that_is_killed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    group = processes.Processes(1)
    (process,) = group.members.values()
    process.kill()
    process.join()
    with pytest.raises(
        MachineError, match=r"killed by SIGKILL \(signal 9\); the system does that when memory runs out"
    ):
        list(group.outcomes([("nowhere", "train", 0)], work.ignore))
    group.close()


def test_a_corpus_of_one_part_needs_no_processes() -> None:
    Path("one.tsv").write_text(pairs(0) + pairs(1), encoding="utf-8")
    said = list[str]()
    gpt2kit.prepare(small("translate"), {"train": ["one.tsv"]}, "data", processes=4, say=said.append)
    assert said == [
        "the corpus is 1 part, which as many processes prepare: a part is whole files of at least 2,000 bytes"
    ]
    assert {path.name for path in Path("data").glob("train*")} == {
        f"train.{kind}" for kind in ("ids", "ends", "prompts", "json")
    }


def test_what_a_part_is() -> None:
    def of(*sizes: int | None) -> list[int]:
        names = [f"{number}" for number in range(len(sizes))]
        return part_sizes([Shard([name], lambda: iter(())) for name in names], dict(zip(names, sizes, strict=True)))

    assert of(2000, 1999, 1, 1000, 900, 200, 50) == [1, 2, 3, 1]
    assert of(100, 100) == [2]
    assert of(None, 100, None, 100) == [1, 2, 1], "a data set of the Hub is large"
    assert of(0) == [1]
    assert of() == [0]
    assert len(of(*[1000] * 10_000)) <= parts.MOST


def test_the_vocabulary_of_a_large_corpus_is_learned_from_its_beginnings(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(vocabulary_sample, "BEGINNINGS", 800)
    monkeypatch.setattr("gpt2kit.pipeline.preparing.first_reading.WHOLE", 3000)
    write_shards("d", lambda shard: pairs(shard) + "zzzz zzzz zzzz\tzzzz\n" * 20, ".tsv")
    write_shards("v", pairs, ".tsv", 1)
    assert run(["translate", "prepare", "d", "--val", "v", "--set", "task.vocab=330", "--out", "data"]) == 0
    told = "vocabulary learned from the first 200 characters of each of 4 parts of the corpus: all of it is more than"
    assert told in capsys.readouterr().err
    assert Prepared.open("data").report["vocabulary"] == {"parts": 4, "characters": 200}
    tokens = Prepared.open("data").task.vocabulary.render
    assert "zz" not in {tokens([id]) for id in range(330)}
    gpt2kit.prepare(small("translate", "task.tokenizer=data"), {"train": ["d"], "val": ["v"]}, "given")
    assert "vocabulary" not in Prepared.open("given").report
    write_shards("labels", labelled, ".jsonl")
    gpt2kit.prepare(small("finetune"), {"train": ["labels"]}, "labelled")
    assert "vocabulary" not in Prepared.open("labelled").report, "all labels have to be known"


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], tuple[Store, Store]]:
    """The training split of a corpus in parts, and of the same one in one part."""

    def stores(kind: str) -> tuple[Store, Store]:
        task, content, ending = KINDS[kind]
        write_shards("d", content, ending)
        gpt2kit.prepare(small(task), {"train": ["d"]}, "divided")
        monkeypatch.setattr(parts, "LEAST", 1 << 30)
        gpt2kit.prepare(small(task), {"train": ["d"]}, "whole")
        return Store(Path("divided"), "train"), Store(Path("whole"), "train")

    return stores


def collated(batches: Any) -> Iterator[tuple[Any, ...]]:
    for epoch in (0, 1):
        for batch in map(batches.collate, batches.epoch(epoch)):
            yield batch.ids_BT.tolist(), batch.positions_N.tolist(), batch.labels_N.tolist()


def test_batches_of_rows_are_those_of_one_part(both: Callable[[str], tuple[Store, Store]]) -> None:
    batching = RowBatching()
    divided, whole = (list(collated(batching.training(store, 200, seed=3))) for store in both("table of pairs"))
    assert divided == whole


def test_windows_are_those_of_one_part(both: Callable[[str], tuple[Store, Store]]) -> None:
    """They go across the ends of parts, and around that of the split."""
    batching = StreamBatching(48, lambda ring, start, length, _: ring.take(range(start, start + length), mode="wrap"))
    stores = both("text files")
    divided, whole = (list(collated(batching.training(store, 96, seed=3))) for store in stores)
    assert divided == whole
    divided, whole = (list(collated(batching.validation(store, 96))) for store in stores)
    assert divided == whole


def test_training_reads_parts_and_a_resume_is_exact(capsys: Capture) -> None:
    write_shards("d", pairs, ".tsv")
    tiny = small(
        *("translate", "model.n_layer=1", "model.n_head=2", "model.n_embd=16", "train.steps=6"),
        *("train.batch_tokens=256", "train.samples=0", "train.evaluate_every=3", "train.device=cpu"),
    )
    gpt2kit.prepare(tiny, {"train": ["d"]}, "data")
    list(gpt2kit.train(tiny, "data", "whole"))
    training = gpt2kit.train(tiny, "data", "run")
    for event in training:
        if getattr(event, "step", 0) >= 3:
            break
    training.close()  # type: ignore[attr-defined]  # a generator
    list(gpt2kit.train(tiny, "data", "run", resume=True))
    assert contents(Path("run"))["model.safetensors"] == contents(Path("whole"))["model.safetensors"]
    few = ["--beams", "1", "--set", "generate.max_new_tokens=4"]
    assert run(["translate", "augment", "data", "--run", "run", "--out", "more", *few]) == 0
    capsys.readouterr()
    more = Prepared.open("more")
    assert len(more.store("train")) >= len(Prepared.open("data").store("train"))
    assert more.report["parts"]["train"] == 1
    assert not list(Path("more").glob("train-*"))


def test_a_folder_in_parts_is_known_and_checked(capsys: Capture) -> None:
    write_shards("d", pairs, ".tsv")
    command = ["translate", "prepare", "d", "--set", "task.vocab=300", "task.held_out=0.1", "--out", "data"]
    assert run(command) == 0
    assert run(command) == 2
    assert (
        "data already exists; choose another --out, or replace it with --overwrite (prepared" in capsys.readouterr().err
    )
    assert run([*command, "--overwrite"]) == 0
    store = Store(Path("data"), "train")
    with Path("data/train-00002.ids").open("r+b") as file:
        file.write(b"\xff\xff")
    with pytest.raises(DataError, match=r"train-00002.ids is damaged: it is not as prepare wrote it"):
        store.verify()
    counts = files.read_json(Path("data/train.json"))
    for key, value, told in (("part", "../x", r"\.\./x is not in this folder"), ("rows", 1, "json is damaged: rows;")):
        changed = [counts["parts"][0] | {key: value}, *counts["parts"][1:]]
        with pytest.raises(DataError, match=told):
            Store(Path("data"), "train", counts | {"parts": changed})
    Path("data/train-00002.ends").unlink()
    with pytest.raises(DataError, match=r"train-00002.ends is missing; expected \d+ bytes"):
        Store(Path("data"), "train")
    Path("data/notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"it also has notes.txt"):
        gpt2kit.prepare(small("translate"), {"train": ["d"]}, "data", overwrite=True)


def test_files_of_a_part_may_be_compressed(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("d").mkdir()
    for shard in range(SHARDS):
        Path(f"d/part-{shard}.tsv.gz").write_bytes(gzip.compress(pairs(shard).encode()))
    monkeypatch.setattr(parts, "LEAST", 500)
    gpt2kit.prepare(small("translate"), {"train": ["d"]}, "data")
    report = Prepared.open("data").report
    assert 1 < report["parts"]["train"] < SHARDS
    assert report["splits"]["train"]["rows"] + report["splits"]["val"]["rows"] == SHARDS * ROWS


def test_reports_of_parts_add_up() -> None:
    one, other = SplitReport(read=3, rows=2), SplitReport(read=20, rows=1)
    for report, count in ((one, 2), (other, 7)):
        for number in range(count):
            report.drop(Damage("torn"), number)
            report.drop("short", number)
            report.leave_out({Frequent("odd"): 1, "marks": 2})
    restored = [SplitReport.restored(json.loads(json.dumps(each.saved()))) for each in (one, other)]
    assert restored == [one, other]
    restored[0].add(restored[1])
    total = restored[0]
    assert (total.read, total.rows, total.damaged, total.dropped) == (23, 3, 9, {"torn": 9, "short": 9})
    assert total.examples == {"torn": ["0", "1", *map(str, range(7))], "short": ["0", "1", "0", "1", "2"]}
    assert total.remarks() == {"odd": 9, "marks": 18}
    assert all(isinstance(reason, Frequent) == (reason == "odd") for reason in total.left_out)


def test_another_process_opens_urls_with_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    name = remote.shown("https://user:word@parts.host/x.tsv?sig=abc")
    known = remote.secrets()
    monkeypatch.setattr(remote, "_whole", {})
    assert remote.whole(name) == name
    remote.share_secrets(known)
    assert remote.whole(name) == "https://user:word@parts.host/x.tsv?sig=abc"


def test_joined_files_are_an_array(tmp_path: Path) -> None:
    from gpt2kit.data.joined import Joined

    values = np.arange(1, 30, dtype=np.uint16)
    counts = [4, 0, 10, 1, 14]
    paths = [tmp_path / f"{number}" for number in range(len(counts))]
    for path, each in zip(paths, np.split(values, np.cumsum(counts)[:-1]), strict=True):
        path.write_bytes(each.tobytes())
    joined = Joined(paths, values.dtype, counts)
    generator = np.random.default_rng(1)
    assert len(joined) == 29
    assert (np.asarray(joined) == values).all()
    for _ in range(50):
        start, stop = generator.integers(-40, 40, 2).tolist()
        assert joined[start:stop].tolist() == values[start:stop].tolist()
        assert joined[start:stop:3].tolist() == values[start:stop:3].tolist()
        assert (
            joined.take(range(start, start + 50), mode="wrap").tolist()
            == values.take(range(start, start + 50), mode="wrap").tolist()
        )
        places = generator.integers(-29, 29, (3, 2))
        assert (joined[places] == values[places]).all()
        assert joined.first(abs(stop))[:].tolist() == values[: abs(stop)].tolist()
    assert (joined[28], joined[-1]) == (29, 29)
    more = Joined(paths, values.dtype, counts, [0, 10, 20, 30, 40])
    expected = values + np.repeat([0, 10, 20, 30, 40], counts)
    assert more[:].tolist() == more[np.arange(29)].tolist() == more[np.ones(29, bool)].tolist() == expected.tolist()
    for value in range(80):
        assert more.searchsorted(value, "right") == expected.searchsorted(value, "right")
    for place in (29, -30):
        with pytest.raises(IndexError):
            joined[place]
