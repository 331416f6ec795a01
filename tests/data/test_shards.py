"""Words that stand for many files: globs, folders and URLs."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from gpt2kit.data.parallel_files import expand_pairs
from gpt2kit.data.shards import expand, several
from gpt2kit.errors import DataError

NAMES = ("part-10.tsv.gz", "part-2.tsv", "part-1.tsv")
ORDERED = ["part-1.tsv", "part-2.tsv", "part-10.tsv.gz"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def memory() -> Iterator[Any]:
    MemoryFileSystem.store.clear()
    yield fsspec.filesystem("memory")
    MemoryFileSystem.store.clear()


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_a_folder_and_a_glob_in_the_order_of_their_numbers(here: Path) -> None:
    write(here / "d", *NAMES, "_SUCCESS", ".part-1.crc", "_temporary/part-3.tsv")
    expected = [f"d/{name}" for name in ORDERED]
    assert expand("d", "") == expand("d/part-*", "") == expected
    assert expand("**/part-*.tsv", "")[-2:] == expected[:2]
    assert expand("hf:owner/name", "") == ["hf:owner/name"]
    assert expand("d/part-2.tsv", "") == ["d/part-2.tsv"]
    assert (
        expand(f"file://{here}/d/part*", "") == expand(str(here / "d"), "") == [str(here / name) for name in expected]
    )


def test_folders_that_match_a_glob(here: Path) -> None:
    write(here, "d/10/b.csv", "d/9/a.csv", "d/10/a.csv")
    assert expand("d/*", "") == ["d/9/a.csv", "d/10/a.csv", "d/10/b.csv"]


def test_a_file_is_taken_once(here: Path, memory: Any) -> None:
    """Also if ** matches a folder and what is in it, and if a link leads back to where it is."""
    write(here, "d/3.tsv", "d/a/2.tsv", "d/a/b/1.tsv", "other/4.tsv")
    expected = ["d/3.tsv", "d/a/2.tsv", "d/a/b/1.tsv"]
    for name in expected:
        memory.touch(f"/{name}")
    assert expand("memory://d/**", "") == [f"memory://{name}" for name in expected]
    assert expand("d/**", "") == expand("d/**/*", "") == expected
    (here / "d" / "a" / "loop").symlink_to("..")
    (here / "d" / "linked").symlink_to(here / "other")
    assert expand("d/**/*.tsv", "") == [*expected, "d/linked/4.tsv"]
    assert expand("d/../d/**/1.tsv", "") == ["d/../d/a/b/1.tsv"]


def test_the_same_behind_a_url(memory: Any) -> None:
    for name in (*NAMES, "_SUCCESS"):
        memory.pipe(f"/d/{name}", b"")
    expected = [f"memory://d/{name}" for name in ORDERED]
    assert expand("memory://d", "") == expand("memory://d/", "") == expand("memory://d/part-*", "") == expected
    assert expand("memory://*/part-1.tsv", "") == expected[:1]
    with pytest.raises(DataError, match=r"^memory://d/q\*: no file matches this pattern; accepted: tables$"):
        expand("memory://d/q*", "tables")
    with pytest.raises(DataError, match=r"^memory://d/q: no such file"):
        expand("memory://d/q", "")


def test_a_file_whose_name_is_a_pattern(here: Path) -> None:
    write(here, "a[1].csv", "a1.csv")
    assert expand("a[1].csv", "") == ["a[1].csv"]


@pytest.mark.parametrize(
    ("word", "told"),
    [
        (
            "d/*.csv",
            r"^d/\*.csv: no file matches this pattern; in d there are 1.en, 2.en, 3.fr and 1 more; a.*: X$",
        ),
        ("nix/*.csv", r"^nix/\*.csv: no file matches this pattern, as there is no folder nix; accepted: X$"),
        ("?.csv", r"^\?.csv: no file matches this pattern; in . there are d, empty, hidden; accepted: X$"),
        ("empty", "^empty: no files to read in this folder; accepted: X$"),
        ("hidden", "^hidden: no files to read in this folder; accepted: X$"),
        ("d", r"^d: this folder has files of 2 kinds \(2 .en, 2 .fr\), such as 1.en, 3.fr; .* as in 'd/\*.en'$"),
        ("a.csv", "^a.csv: no such file$"),
    ],
)
def test_what_has_no_files(word: str, told: str, here: Path) -> None:
    write(here, "d/1.en", "d/2.en", "d/3.fr", "d/4.fr", "hidden/_SUCCESS")
    (here / "empty").mkdir()
    with pytest.raises(DataError, match=told):
        expand(word, "X")


def test_a_folder_of_which_only_some_files_are_accepted(here: Path) -> None:
    write(here, "d/1.txt", "d/2.png")
    assert expand("d", "X", lambda name: name.endswith(".txt")) == ["d/1.txt"]
    with pytest.raises(DataError, match=r"^d: no files to read in this folder, only 1.txt, 2.png; accepted: X$"):
        expand("d", "X", lambda name: name.endswith(".mid"))


def test_a_member_that_cannot_be_read(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here, "d/1.csv")
    (here / "d" / "2.csv").symlink_to("nowhere")
    with pytest.raises(DataError, match=r"^d/2.csv: no such file$"):
        expand("d", "")

    def locked(folder: str) -> None:
        raise PermissionError(13, "Permission denied", folder)

    monkeypatch.setattr(os, "scandir", locked)
    with pytest.raises(DataError, match=r"^d: cannot be read: Permission denied$"):
        expand("d", "")


def test_names_in_a_message_are_few() -> None:
    assert several(["a", "b"]) == "a b"
    assert several([str(number) for number in range(1000)]) == "0 1 2 ..."


def test_pairs(here: Path, memory: Any) -> None:
    write(here, "en/10.en", "en/9.en", "fr/9.fr", "fr/10.fr", "t/1.tsv", "t/2.tsv")
    pairs = ["en/9.en", "fr/9.fr", "en/10.en", "fr/10.fr"]
    assert expand_pairs(["en/*.en", "fr/*.fr"]) == expand_pairs(["en", "fr"]) == pairs
    tables = ["de=t/1.tsv", "de=t/2.tsv"]
    assert expand_pairs(["de=t", *pairs, "hf:a/b"]) == [*tables, *pairs, "hf:a/b"]
    assert expand_pairs(["de=en", "fr"]) == ["de=en/9.en", "fr/9.fr", "de=en/10.en", "fr/10.fr"]
    memory.pipe("/x/1.de", b"")
    assert expand_pairs(["en/9.en", "memory://x/*.de"]) == ["en/9.en", "memory://x/1.de"]


@pytest.mark.parametrize(
    ("sources", "targets"),
    [
        (("a-01.en", "a-02.en"), ("1-of-9.b.fr", "2-of-9.b.fr")),
        (("news-2020.en", "talks.en"), ("news-2020.fr", "talks.fr")),
        (("part-0-4c1f.en", "part-1-4c1f.en"), ("part-0-9e22.fr", "part-1-9e22.fr")),
        (("1.en.gz", "10.en"), ("1.fr", "10.fr")),
    ],
)
def test_pairs_by_what_tells_the_files_apart(sources: tuple[str, ...], targets: tuple[str, ...], here: Path) -> None:
    write(here, *(f"s/{name}" for name in sources), *(f"t/{name}" for name in targets))
    pairs = zip(sources, targets, strict=True)
    assert expand_pairs(["s", "t"]) == [name for one, other in pairs for name in (f"s/{one}", f"t/{other}")]


def test_files_of_other_names_are_paired_one_by_one(here: Path) -> None:
    write(here, "a-01.en", "a-02.en", "b-5.fr", "x.en")
    for words in (["a-01.en", "b-5.fr"], ["en=a-01.en", "a-02.en"], ["a-01.en", "x.en"]):
        assert expand_pairs(words) == words


def test_zstandard_is_told_by_the_name(here: Path) -> None:
    write(here, "d/1.tsv.zst", "d/2.tsv.zst")
    for word in ("d", "d/1.tsv.zst"):
        with pytest.raises(DataError, match=r"1.tsv.zst: compressed by Zstandard, .* as with `zstd -d FILE`"):
            expand(word, "tables", lambda name: not name.endswith(".zst"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["en", "fr/9.fr"],
            r"^en is 2 files \(en/9.en en/10.en\), but fr/9.fr is 1 file \(fr/9.fr\); .* as many",
        ),
        (["en/*"], r"^en/\*: a plain text file must be followed by its translation"),
        (["en", "t"], "^en: a plain text file must be followed by its translation"),
        (["mixed/*", "fr"], r"^mixed/\*: a plain text file must be followed by its translation"),
        (
            ["n/a-*.en", "n/b-*.fr"],
            r"^n/a-\*.en and n/b-\*.fr .* n/a-01.en would be paired with n/b-2.fr; accepted: the same",
        ),
        (
            ["n/a-01.en", "n/a-02.en"],
            r"^n/a-01.en would be paired with n/a-02.en, but both are en; .* a glob in quotes",
        ),
        (["en/*", "fr/*.it"], r"^fr/\*.it: no file matches .* in place of a file: a glob in quotes, a folder"),
    ],
)
def test_pairs_that_do_not_match(words: list[str], told: str, here: Path) -> None:
    write(here, "en/10.en", "en/9.en", "fr/9.fr", "fr/10.fr", "t/1.tsv", "mixed/1.en", "mixed/2.tsv")
    write(here, "n/a-01.en", "n/a-02.en", "n/b-2.fr", "n/b-5.fr")
    with pytest.raises(DataError, match=told):
        expand_pairs(words)
