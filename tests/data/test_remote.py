"""Files behind URLs: names without secrets, listings, and failures in words that hide them."""

import lzma
from collections.abc import Iterator
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from gpt2kit.data import remote
from gpt2kit.data.lines import check_file, text_lines
from gpt2kit.errors import DataError, MachineError, UserError


@pytest.fixture
def memory() -> Iterator[Any]:
    """fsspec's file system in memory, empty before and after."""
    system = fsspec.filesystem("memory")
    MemoryFileSystem.store.clear()
    yield system
    MemoryFileSystem.store.clear()


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://user:word@host/x.csv?sig=abc&t=1", "https://host/x.csv"),
        ("https://token@host/x.csv#part", "https://host/x.csv"),
        ("https://user:wo/rd@host/x.csv", "https://host/x.csv"),
        ("https://host?sig=abc", "https://host"),
        ("HTTPS://user:word@host:80/x.csv", "HTTPS://host:80/x.csv"),
        ("https://host:8080/a@b.csv", "https://host:8080/a@b.csv"),
        ("s3://bucket/part-?.csv", "s3://bucket/part-?.csv"),
        ("s3://bucket/x.csv?versionId=3", "s3://bucket/x.csv"),
        ("s3://key:secret@bucket/x.csv", "s3://bucket/x.csv"),
        ("abfs://container@account.dfs.core.windows.net/x.csv", "abfs://container@account.dfs.core.windows.net/x.csv"),
        ("abfs://user:word@account/x.csv", "abfs://account/x.csv"),
        ("zip://a.csv::https://user:word@host/x.zip", "zip://host/x.zip"),
        ("https://pre.host/x=https://user:word@host", "https://pre.host/x=https://user:word@host"),
        ("folder/what?sig=abc", "folder/what?sig=abc"),
        ("C:/user:word@x", "C:/user:word@x"),
    ],
)
def test_names_have_no_secrets(url: str, public: str) -> None:
    assert remote.without_secrets(url) == public
    name = remote.shown(url)
    assert remote.shown(name) == name, "a name is shown as it is"
    assert remote.whole(name) == url


def test_a_language_before_a_url() -> None:
    name = remote.shown("pt-BR=https://user:word@language.host/x.tsv?sig=abc")
    assert name == "pt-BR=https://language.host/x.tsv" == remote.shown(name)
    assert remote.whole("https://language.host/x.tsv") == "https://user:word@language.host/x.tsv?sig=abc"


def test_urls_that_differ_in_what_is_hidden_have_different_names() -> None:
    urls = [f"https://one.host/x.csv?part={number}" for number in range(3)]
    names = [remote.shown(url) for url in urls]
    assert names == ["https://one.host/x.csv", "https://…2@one.host/x.csv", "https://…3@one.host/x.csv"]
    assert [remote.shown(url) for url in urls] == names
    assert [remote.whole(name) for name in names] == urls


def test_listings(memory: Any) -> None:
    for name in ("a/1.txt", "a/b/2.txt", "u:p@a/3.txt"):
        memory.pipe(f"/{name}", b"x")
    assert sorted(remote.matching("memory://a/*")) == [("memory://a/1.txt", False), ("memory://a/b", True)]
    assert sorted(remote.below("memory://a/")) == ["memory://a/1.txt", "memory://a/b/2.txt"]
    (secret,) = remote.matching(remote.shown("memory://u:p@a/*"))
    assert secret == ("memory://a/3.txt", False)
    assert remote.open_file("memory://a/3.txt").read() == b"x", "the name is that of the whole URL"
    assert [remote.is_folder(f"memory://a{name}") for name in ("", "/1.txt")] == [True, False]
    assert remote.size("memory://a/1.txt") == 1
    assert remote.local_path("file:///a/b.csv") == "/a/b.csv"
    assert remote.local_path("memory://a/b.csv") == remote.local_path("a/b.csv") == ""


@pytest.mark.parametrize(
    ("url", "is_pattern"),
    [
        ("s3://b/part-?.csv", True),
        ("s3://b/*/x", True),
        ("https://pattern.host/x?y=*", False),
        ("https://pattern.host/*", True),
        ("https://u:p@pattern.host/*.csv", True),
        ("https://pattern.host/x", False),
    ],
)
def test_patterns(url: str, is_pattern: bool) -> None:
    assert remote.has_pattern(remote.shown(url)) == is_pattern


def test_lines_of_a_packed_file(memory: Any) -> None:
    memory.pipe("/a/x.txt.xz", lzma.compress(b"one\ntwo\n"))
    assert list(text_lines("memory://a/x.txt.xz")) == ["one", "two"]
    memory.pipe("/a/x.txt.gz", b"one\ntwo\n")
    with pytest.raises(DataError, match=r"^memory://a/x.txt.gz: damaged, truncated or not compressed"):
        list(text_lines("memory://a/x.txt.gz"))


def test_what_is_not_there(memory: Any) -> None:
    with pytest.raises(DataError, match=r"^memory://a/x.csv: no such file$"):
        remote.is_folder("memory://a/x.csv")
    with pytest.raises(DataError, match=r"unknown scheme nix://; accepted: those of fsspec, such as s3://"):
        remote.open_file("nix://a/x.csv")
    with pytest.raises(DataError, match=r"a URL in another \(::\) is not accepted; accepted: one URL"):
        remote.open_file("zip://a.csv::memory://a/x.zip")
    for url in ("http://[::1]:8000/x.csv", "http://[2001:db8::1]/x.csv"):
        with pytest.raises(DataError, match=r"a host in brackets \(IPv6\) is not accepted; accepted: its name"):
            remote.open_file(url)


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(url: str) -> None:
        raise ImportError("Install paramiko")

    monkeypatch.setattr("fsspec.core.url_to_fs", missing)
    with pytest.raises(MachineError, match=r"^s3://b/x: s3:// needs a package .* pip install 'fsspec\[s3\]'$"):
        remote.open_file("s3://b/x")
    with pytest.raises(MachineError, match=r"^sftp://h/x: sftp:// needs a package .*: Install paramiko$"):
        remote.open_file("sftp://h/x")


SIGNED = "memory://someone:hunter2@a/x.csv?sig=sekret"


@pytest.mark.parametrize(
    ("error", "kind", "told"),
    [
        (
            PermissionError(SIGNED),
            MachineError,
            "access is denied; what the URL has for it, .* is wrong",
        ),
        (ConnectionResetError(SIGNED), MachineError, "cannot be reached or read: ConnectionResetError$"),
        (ValueError(SIGNED), DataError, "cannot be read: ValueError$"),
    ],
)
def test_failures_hide_what_the_name_hides(
    error: Exception, kind: type[UserError], told: str, memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def read(self, size: int) -> bytes:
            raise error

        def close(self) -> None:
            pass

    def broken(self: object, path: str, mode: str) -> Broken:
        return Broken()

    monkeypatch.setattr(MemoryFileSystem, "open", broken)
    name = remote.shown(SIGNED)
    with pytest.raises(kind, match=told) as found:
        list(text_lines(name))
    assert str(found.value).startswith(f"{name}: ")
    assert not any(secret in str(found.value) for secret in ("someone", "hunter2", "sekret"))


def test_an_address_in_the_words_of_a_library_loses_its_secrets() -> None:
    error = remote.failure("s3://b/x", ValueError("400, url='https://k:v@b.host/x?Signature=abc'"))
    assert str(error) == "s3://b/x: cannot be read: ValueError: 400, url='https://b.host/x'"


class AnswerError(Exception):
    """As aiohttp has it, which is not installed."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (404, "no such file"),
        (403, "access is denied; https:// takes its credentials from the environment or its configuration"),
        (500, "cannot be read: AnswerError 500"),
    ],
)
def test_answers_of_the_web_that_fsspec_takes_for_a_missing_file(status: int, told: str) -> None:
    missing = FileNotFoundError("https://h/x")
    missing.__cause__ = AnswerError(status)
    assert str(remote.failure("https://h/x", missing)) == f"https://h/x: {told}"
    assert str(remote.failure("s3://h/x", missing)) == "s3://h/x: no such file", "other file systems mean it"


def test_only_a_corpus_has_secrets() -> None:
    """Whoever reads a file checks it first, and its messages have its name as it was given."""
    with pytest.raises(DataError, match=r"^https://checked.host/x.txt: a URL with a password .* only as a corpus"):
        check_file("https://user:word@checked.host/x.txt")
    check_file("https://other.host/x.txt")
