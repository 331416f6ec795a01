"""Whatever fails, a reader finds the old file or the new one, and nothing is left lying about."""

import errno
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gpt2kit import files, tensor_files
from gpt2kit.errors import DataError, MachineError, UserError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


WRITERS: list[Callable[[Path], None]] = [
    lambda path: files.write_text(path, "new\n"),
    lambda path: files.write_json(path, {"new": 1}),
    lambda path: tensor_files.write_tensors(path, {"new": torch.ones(2)}, {}),
]
EACH = pytest.mark.parametrize("write", WRITERS, ids=["text", "json", "tensors"])


@EACH
def test_a_file_is_replaced(tmp_path: Path, write: Callable[[Path], None]) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    write(path)
    assert b"new" in path.read_bytes()
    assert names(tmp_path) == ["file"]


@EACH
@pytest.mark.parametrize("call", ["os.replace", "os.fsync"])
def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], None], call: str
) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    monkeypatch.setattr(call, full)
    with pytest.raises(MachineError, match="file: cannot be written: No space left on device"):
        write(path)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


@EACH
def test_a_file_is_as_readable_as_any_other(tmp_path: Path, write: Callable[[Path], None]) -> None:
    (tmp_path / "plain").write_text("")
    write(tmp_path / "file")
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_an_error_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def write_half() -> None:
        with files.atomic(path) as temporary:
            temporary.write_text("half")
            assert path.read_text() == "old", "nothing is seen before the end"
            assert temporary.parent == path.parent, "a rename must not cross file systems"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


@EACH
def test_a_folder_that_is_not_there(tmp_path: Path, write: Callable[[Path], None]) -> None:
    with pytest.raises(MachineError, match=r"none/file: cannot be written: .*No such file or directory"):
        write(tmp_path / "none" / "file")


def test_text_is_utf8_with_plain_line_ends(tmp_path: Path) -> None:
    files.write_text(tmp_path / "file", "é\r\n中\n")
    assert (tmp_path / "file").read_bytes() == "é\r\n中\n".encode()


def test_json_comes_back_and_is_readable(tmp_path: Path) -> None:
    files.write_json(tmp_path / "file", {"é": [1, None]})
    assert files.read_json(tmp_path / "file") == {"é": [1, None]}
    assert "é" in (tmp_path / "file").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"{", "not a JSON file"), (b"", "not a JSON file"), (b"\xff\xfe", "not a JSON file"), (b"[1]", "found list")],
)
def test_json_that_is_none(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        files.read_json(path)


def test_json_that_is_missing_or_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.json is missing"):
        files.read_json(tmp_path / "none.json")
    with pytest.raises(DataError, match="not a JSON file"):
        files.read_json(tmp_path)


def old_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "old").write_text("old")
    return folder


def test_a_new_folder_appears_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "some" / "where" / "out"
    with files.new_folder(path, overwrite=False) as folder:
        (folder / "file").write_text("new")
        assert not path.exists()
        assert folder.parent == path.parent
    assert names(path) == ["file"]
    assert names(path.parent) == ["out"]


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    path = old_folder(tmp_path)
    with pytest.raises(UserError, match=r"out already exists.*--overwrite"), files.new_folder(path, False):
        pytest.fail("the work must not begin")
    assert names(path) == ["old"]
    assert names(tmp_path) == ["out"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.mkdir()
    with files.new_folder(path, overwrite=False) as folder:
        (folder / "file").write_text("new")
    assert names(path) == ["file"]
    assert names(tmp_path) == ["out"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("precious")
    for overwrite in (False, True):
        with pytest.raises(UserError, match="is a file, but --out has to be a folder"):
            files.refuse_existing(path, overwrite)


def test_overwrite_replaces_the_whole_folder(tmp_path: Path) -> None:
    path = old_folder(tmp_path)
    with files.new_folder(path, overwrite=True) as folder:
        (folder / "file").write_text("new")
        assert names(path) == ["old"], "the old one serves until the end"
    assert names(path) == ["file"]
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_inside_changes_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    path = old_folder(tmp_path)

    def write_half() -> None:
        with files.new_folder(path, overwrite=True) as folder:
            (folder / "file").write_text("half")
            raise error

    with pytest.raises(error):
        write_half()
    assert names(path) == ["old"]
    assert names(tmp_path) == ["out"]


def test_a_failed_exchange_puts_the_old_folder_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = old_folder(tmp_path)
    rename = Path.rename

    def refuse(source: Path, target: Path) -> Path:
        if source.suffix == ".tmp":
            raise OSError(errno.EACCES, "Permission denied")
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", refuse)
    monkeypatch.setattr(files, "_exchanged", lambda *_: False)
    message = "out: cannot be written: Permission denied"
    with pytest.raises(MachineError, match=message), files.new_folder(path, overwrite=True) as folder:
        (folder / "file").write_text("new")
    assert names(path) == ["old"]
    assert names(tmp_path) == ["out"]


def test_without_an_exchange_at_one_instant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on other systems than Linux, and some of its file systems: two renames do."""
    monkeypatch.setattr(files, "_exchanged", lambda *_: False)
    path = old_folder(tmp_path)
    with files.new_folder(path, overwrite=True) as folder:
        (folder / "file").write_text("new")
    assert names(path) == ["file"]
    assert names(tmp_path) == ["out"]


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone can")
def test_two_folders_are_exchanged(tmp_path: Path) -> None:
    one, other = (tmp_path / name for name in ("one", "deux é"))
    for folder in (one, other):
        folder.mkdir()
        (folder / folder.name).touch()
    assert files._exchanged(one, other)
    assert (names(one), names(other)) == (["deux é"], ["one"])
    assert not files._exchanged(one, tmp_path / "none")
    assert names(one) == ["deux é"]


def test_a_link_stays_one(tmp_path: Path) -> None:
    """Runs are put onto a larger disk so: what the link leads to is replaced."""
    disk, link = tmp_path / "disk", tmp_path / "link"
    old_folder(tmp_path).rename(disk)
    link.symlink_to(disk)
    with pytest.raises(UserError, match="disk already exists"), files.new_folder(link, False):
        pytest.fail("the work must not begin")
    with files.new_folder(link, overwrite=True) as folder:
        (folder / "file").write_text("new")
    assert names(disk) == names(link) == ["file"]
    assert link.is_symlink()
    dangling = tmp_path / "dangling"
    dangling.symlink_to(tmp_path / "far" / "away")
    with files.new_folder(dangling, overwrite=False) as folder:
        (folder / "file").write_text("new")
    assert names(tmp_path / "far" / "away") == ["file"]
    assert names(tmp_path) == ["dangling", "disk", "far", "link"]


def test_a_folder_is_held_by_one(tmp_path: Path) -> None:
    with files.held(tmp_path):
        with pytest.raises(UserError, match="is in use by another process"), files.held(tmp_path):
            pytest.fail("it is held")
        (tmp_path / "other").mkdir()
        with files.held(tmp_path / "other"):
            pass
    with files.held(tmp_path):
        pass


def test_a_folder_stays_held_under_another_name(tmp_path: Path) -> None:
    """As it does where it takes the place of another; holding adds nothing to it, so it may be one to read from."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir(mode=0o555)
    with files.held(old):
        old.rename(new)
        old.mkdir()
        assert names(new) == []
        with pytest.raises(UserError, match="is in use by another process"), files.held(new):
            pytest.fail("it is held")
        with files.held(old):
            pass
    with files.held(new):
        pass


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", unknown)
    with files.held(tmp_path), files.held(tmp_path):
        pass


def test_what_a_killed_process_left_is_cleared_away(tmp_path: Path) -> None:
    left, held = tmp_path / ".out.0123abcd.tmp", tmp_path / ".out.4567cdef.tmp"
    others = [tmp_path / name for name in (".out2.0123abcd.tmp", ".out.old", ".out.0123abcd.tmp.bak")]
    for folder in (left, held, *others):
        folder.mkdir()
        (folder / "file").touch()
    with files.held(held), files.new_folder(tmp_path / "out", overwrite=False):
        pass
    assert names(tmp_path) == sorted(["out", held.name, *(folder.name for folder in others)])


def test_lines_are_appended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log"
    path.write_text("one\n")
    with files.appended(path) as add:
        add("été")
        assert path.read_text(encoding="utf-8") == "one\nété\n", "at once"
    with pytest.raises(MachineError, match="out: cannot be written"), files.appended(tmp_path / "no" / "out"):
        pytest.fail("the work must not begin")


def test_json_keeps_names_that_are_no_utf8(tmp_path: Path) -> None:
    files.write_json(tmp_path / "file", {"caf\udce9": "\ud800"})
    assert files.read_json(tmp_path / "file") == {"caf\udce9": "\ud800"}


def test_json_without_an_end(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("[" * 100_000)
    with pytest.raises(DataError, match="file is not a JSON file"):
        files.read_json(tmp_path / "file")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError, match="cannot be created"), files.new_folder(tmp_path / "file" / "out", False):
        pytest.fail("the work must not begin")


def test_nothing_in_the_way_is_fine(tmp_path: Path) -> None:
    files.refuse_existing(tmp_path / "none", overwrite=False)
    files.refuse_existing(old_folder(tmp_path), overwrite=True)
    assert os.listdir(tmp_path) == ["out"]


def test_json_on_disk_ends_with_a_line_end(tmp_path: Path) -> None:
    files.write_json(tmp_path / "file", {"a": 1})
    text = (tmp_path / "file").read_text()
    assert text.endswith("}\n")
    assert json.loads(text) == {"a": 1}


def test_a_file_that_exists_is_refused_unless_told(tmp_path: Path) -> None:
    path = tmp_path / "piece.mid"
    for overwrite in (False, True):
        files.refuse_existing_file(path, overwrite)
        with pytest.raises(UserError, match="is a directory; a file name is needed"):
            files.refuse_existing_file(tmp_path, overwrite)
    path.touch()
    with pytest.raises(
        UserError, match=r"piece\.mid already exists; choose another name, or replace it with --overwrite"
    ):
        files.refuse_existing_file(path, overwrite=False)
    files.refuse_existing_file(path, overwrite=True)
