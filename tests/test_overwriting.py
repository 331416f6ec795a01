"""--overwrite replaces what gpt2kit wrote for the same purpose: never an input, never a file of the user's."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import gpt2kit
from gpt2kit import overwriting
from gpt2kit.cli.app import run
from gpt2kit.errors import UserError
from gpt2kit.music.audio.sound import write_wav
from gpt2kit.music.editing.primer import read_primer
from gpt2kit.music.editing.splice import continued_file
from gpt2kit.music.marked import Marked
from gpt2kit.music.midi import write_midi
from gpt2kit.music.notes import Notes
from gpt2kit.music.pages.page import write_page
from gpt2kit.music.pages.roll import write_roll
from gpt2kit.music.stream.keyboard import Continuation
from gpt2kit.overwriting import MIDI, PAGE, PICTURE, PREDICTIONS, SOUND, FileKind, check_file, check_folder
from gpt2kit.pipeline.merge import merge
from gpt2kit.runs.folder import Run
from gpt2kit.runs.kinds import PREPARED, RUN

RunOf = Callable[..., Path]
TUNE = Notes(np.array([60]), np.array([80]), np.array([0.0]), np.array([0.5]))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(path: Path, *inputs: str | Path, kind: overwriting.FolderKind = RUN) -> str:
    """Why a folder is not replaced; nothing in it has changed."""
    before = contents(path)
    with pytest.raises(UserError) as error:
        check_folder(path, True, kind, inputs)
    assert contents(path) == before
    return str(error.value)


@pytest.fixture
def old_run(run_of: RunOf, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run_of("translate"), tmp_path / "run"))


@pytest.mark.parametrize("kind", ["translate", "summarize", "lm", "music", "labelled", "choice", "completion"])
def test_every_file_that_is_written_is_known(run_of: RunOf, kind: str) -> None:
    made = run_of(kind)
    assert (list(RUN.foreign(made)), RUN.is_in(made)) == ([], True)
    data = Run(made).data_path
    assert (list(PREPARED.foreign(data)), PREPARED.is_in(data)) == ([], True)
    assert not PREPARED.is_in(made) or list(PREPARED.foreign(made))
    assert not RUN.is_in(data)


@pytest.mark.parametrize("settings", [("train.lora=2",), ("model.attention=local",)])
def test_files_of_adapters_and_of_other_attention_are_known(run_of: RunOf, settings: tuple[str, ...]) -> None:
    made = run_of("translate", *settings, init=run_of("translate") if "lora" in settings[0] else None)
    assert list(RUN.foreign(made)) == []


def test_a_run_replaces_a_run(old_run: Path) -> None:
    for name in ("tensorboard", "empty"):
        (old_run / name).mkdir()
    for name in ("tensorboard/events.out.tfevents.1.host", ".DS_Store", "state.safetensors", ".run.json.0123abcd.tmp"):
        (old_run / name).touch()
    files = sum(len(names) for _, _, names in os.walk(old_run))
    assert check_folder(old_run, True, RUN).startswith(f"a run, {files} files, ")
    with pytest.raises(
        UserError, match=r"run already exists; choose another --out, or replace it with --overwrite \(a"
    ):
        check_folder(old_run, False, RUN)
    (old_run / "run.json").unlink()
    assert check_folder(old_run, True, RUN), "one that is damaged is still a run"


@pytest.mark.parametrize("name", ["notes.txt", "plots/loss.png", ".git/HEAD", "pytorch_model.bin", "tensorboard/x"])
def test_a_file_of_the_users_keeps_the_folder(old_run: Path, name: str) -> None:
    (old_run / name).parent.mkdir(exist_ok=True)
    (old_run / name).write_text("mine")
    assert f"it also has {name}: first move away what is not part of a run" in refused(old_run)
    with pytest.raises(UserError, match="already exists; choose another --out, as --overwrite does not replace it"):
        check_folder(old_run, False, RUN)


def test_a_link_to_a_folder_is_the_users(old_run: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (old_run / "more").symlink_to(tmp_path / "elsewhere")
    assert "it also has more: first move away" in refused(old_run)


def test_other_folders_are_not_replaced(run_of: RunOf, tmp_path: Path) -> None:
    """A user's own, data by a run, a run by data, and a downloaded model, whose names are all known."""
    made = run_of("translate")
    data = Run(made).data_path
    assert "data is not replaced: it is not a run, it has " in refused(data)
    assert "run is not replaced: it is not prepared data, it has README.md, config.json, data.json" in refused(
        made, kind=PREPARED
    )
    downloaded, mine = tmp_path / "gpt2", tmp_path / "mine"
    downloaded.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json", "README.md"):
        shutil.copy(made / name, downloaded)
    assert "gpt2 is not replaced: it is not a run; choose another --out" in refused(downloaded)
    mine.mkdir()
    for name in ("train.json", "val.json", "a", "b"):
        (mine / name).write_text("ten years")
    assert "mine is not replaced: it is not prepared data, it has a, b, train.json" in refused(mine, kind=PREPARED)


def test_an_input_is_not_replaced_however_it_is_written(
    old_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    link = tmp_path / "link"
    link.symlink_to(old_run)
    (tmp_path / "recipe.toml").symlink_to(old_run / "recipe.toml")
    (old_run / "model").symlink_to(tmp_path / "recipe.toml")
    for word in ("run", old_run, "../" + tmp_path.name + "/run", link):
        assert "run is not replaced: this command reads it; choose" in refused(old_run, word)
        assert "link is not replaced: this command reads it; choose" in refused(link, word)
    for word in ("run/run.json", "link/./run.json", "recipe.toml", "fr=run/run.json", old_run / "model"):
        assert f"run is not replaced: it contains {word}, which this command reads" in refused(old_run, word)
    with pytest.raises(UserError, match=f"{tmp_path} is or contains the current directory"):
        check_folder(tmp_path, True, RUN)
    monkeypatch.chdir("/")
    assert "not replaced: it contains" in refused(tmp_path, old_run)
    (old_run / "model").unlink()
    assert check_folder(old_run, True, RUN, ["hf:owner/name", "gpt2", "", "run2"])


def test_a_file_that_comes_meanwhile_is_kept(old_run: Path) -> None:
    before = contents(old_run)

    def write() -> None:
        with overwriting.new_folder(old_run, True, RUN) as folder:
            (folder / "run.json").write_text("{}")
            (old_run / "notes.txt").write_text("mine")

    with pytest.raises(UserError, match=r"it also has notes\.txt"):
        write()
    assert contents(old_run) == before | {"notes.txt": b"mine"}


def predictions(path: Path) -> None:
    path.write_text('{"n": 1, "id": "a", "source": "good", "output": "bon", "target": "bon"}\n')


def with_new_notes(path: Path) -> bytes:
    """A user's file in which a model has continued nothing."""
    write_midi(path, TUNE)
    primer = read_primer(path)
    return continued_file(primer, Continuation(Notes.none(), {}))


WRITERS: list[tuple[FileKind, str, Callable[[Path], object]]] = [
    (MIDI, "a.mid", lambda path: write_midi(path, TUNE)),
    (MIDI, "b.mid", lambda path: path.write_bytes(with_new_notes(path))),
    (SOUND, "a.wav", lambda path: write_wav(path, TUNE, 8000)),
    (PICTURE, "a.png", lambda path: write_roll(path, Marked(TUNE))),
    (PAGE, "a.html", lambda path: write_page(path, TUNE, "a")),
    (PREDICTIONS, "a.jsonl", predictions),
]


@pytest.mark.parametrize(("kind", "name", "write"), WRITERS, ids=[name for _, name, _ in WRITERS])
def test_a_file_is_known_by_its_content(
    tmp_path: Path, kind: FileKind, name: str, write: Callable[[Path], object]
) -> None:
    path = tmp_path / name
    assert check_file(path, False, kind) == ""
    write(path)
    assert check_file(path, True, kind) == kind.name
    with pytest.raises(UserError, match="already exists; choose another name, or replace it with --overwrite"):
        check_file(path, False, kind)
    hard, soft = tmp_path / "hard", tmp_path / "soft"
    hard.hardlink_to(path)
    soft.symlink_to(path)
    for word in (path, hard, soft):
        with pytest.raises(UserError, match="is an input of this command, and is not replaced"):
            check_file(path, True, kind, [word])
    for other, _, _ in WRITERS:
        if other is not kind:
            with pytest.raises(UserError, match=f"is not replaced: gpt2kit did not write it as {other.name}"):
                check_file(path, True, other)
    path.write_bytes(b"")
    assert check_file(path, True, kind) == kind.name, "an empty file has nothing to lose"
    path.write_text("good morning\n")
    with pytest.raises(UserError, match="as --overwrite does not replace it: gpt2kit did not write it as"):
        check_file(path, False, kind)
    with pytest.raises(UserError, match=f"{name} is not replaced: gpt2kit did not write it as {kind.name}"):
        check_file(path, True, kind)


def test_a_link_to_nothing_has_nothing_to_lose(tmp_path: Path) -> None:
    """Nothing is replaced then, and nothing is said of it."""
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for overwrite in (False, True):
        assert check_file(tmp_path / "link", overwrite, PREDICTIONS) == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device")
def test_a_device_is_not_replaced() -> None:
    with pytest.raises(UserError, match="is not a regular file"):
        check_file(Path("/dev/full"), True, PREDICTIONS)


def test_the_commands_keep_what_they_read(
    by_heart: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The commands of the reports: each deleted what it was given."""
    monkeypatch.chdir(tmp_path)
    raw, docs = tmp_path / "raw", tmp_path / "mydocs"
    for folder in (raw, docs):
        folder.mkdir()
    (raw / "train.en").write_text("good\nbad\n")
    (raw / "train.fr").write_text("bon\nmauvais\n")
    (docs / "thesis.txt").write_text("ten years")
    shutil.copytree(by_heart.parent / "data", "data")
    shutil.copytree(by_heart, "run")
    shutil.copy(by_heart.parent / "corpus.jsonl", "corpus.jsonl")
    before, prepare, train = contents(tmp_path), ["translate", "prepare"], ["translate", "train", "data"]
    evaluate = ["translate", "evaluate", "--run", "run"]
    inspect = ["inspect", "run", "good"]
    for words, kept in {
        (*prepare, "raw/train.en", "raw/train.fr", "--out", "raw"): "raw",
        (*prepare, "corpus.jsonl", "--out", "raw"): "raw",
        (*prepare, "corpus.jsonl", "--out", "run"): "run",
        (*prepare, "corpus.jsonl", "--val", "data/train.json", "--out", "data"): "data",
        (*train, "--out", "mydocs"): "mydocs",
        (*train, "--out", "data"): "data",
        (*train, "--init", "run", "--out", "run"): "run",
        (*train, "--recipe", "run/recipe.toml", "--out", "run"): "run",
        ("merge", "run", "--out", "mydocs"): "mydocs",
        ("export", "run", "--to", "safetensors", "--out", "mydocs"): "mydocs",
        ("export", "run", "--to", "safetensors", "--out", "run"): "run",
        (*evaluate, "--predictions", "raw/train.en"): "raw/train.en",
        (*evaluate, "--on", "corpus.jsonl", "--predictions", "raw/../corpus.jsonl"): "raw/../corpus.jsonl",
        (*evaluate, "--predictions", "run/metrics.jsonl"): "run/metrics.jsonl",
        (*inspect, "--out", "mydocs/thesis.txt"): "mydocs/thesis.txt",
        (*inspect, "--visualizer", "run/run.json"): "run/run.json",
    }.items():
        code = run([*words, "--overwrite"])
        said = capsys.readouterr().err
        assert (code, contents(tmp_path)) == (2, before), said
        assert said.startswith((f"error {kept} is not replaced: ", f"error {kept} is an input of this command")), said


def test_what_is_replaced_is_said(
    by_heart: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(by_heart, "run")
    words = ["translate", "train", str(by_heart.parent / "data"), "--out", "run"]
    words += ["--set", "train.steps=1", "--set", "model.n_layer=1", "--set", "model.n_embd=16", "--set"]
    words += ["model.n_positions=64", "--overwrite"]
    assert run([*words, "--dry-run"]) == 0
    assert "--overwrite replaces run: a run, " in capsys.readouterr().err
    assert run(words) == 0
    assert "--overwrite replaces run: a run, " in capsys.readouterr().err
    assert run(["translate", "evaluate", "--run", "run", "--predictions", "p.jsonl"]) == 0
    assert run(["translate", "evaluate", "--run", "run", "--predictions", "p.jsonl", "--overwrite"]) == 0
    assert "--overwrite replaces p.jsonl: predictions" in capsys.readouterr().err


def test_merge_keeps_the_adapters_and_their_base(run_of: RunOf, tmp_path: Path) -> None:
    base = run_of("translate")
    adapters = run_of("translate", "train.lora=2", init=base)
    adapted = Path(shutil.copytree(adapters, tmp_path / "adapted"))
    before = contents(tmp_path), contents(base)
    for out in (adapted, base, tmp_path):
        with pytest.raises(UserError, match=f"{out} is not replaced: "):
            merge(adapted, out, True, base)
    again = Run(base).recipe
    for start in (adapters, base):
        with pytest.raises(UserError, match=f"{base} is not replaced: this command reads it"):
            list(gpt2kit.train(again, Run(base).data_path, base, init=start, overwrite=True))
    assert (contents(tmp_path), contents(base)) == before
    merge(adapted, tmp_path / "whole", base=base)
    merge(adapted, tmp_path / "whole", True, base)
    gpt2kit.load(tmp_path / "whole")
