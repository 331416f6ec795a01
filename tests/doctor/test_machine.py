"""Cores, memory, disk, programs and settings, on this machine and on pretended ones."""

import os
import shutil
from pathlib import Path

import pytest

from gpt2kit import system as allowance
from gpt2kit.doctor import machine
from gpt2kit.doctor.finding import size
from gpt2kit.training import compiler


def test_sizes() -> None:
    assert [size(n) for n in (0, 999_999, 1.5e6, 2.04e9, 3e12)] == [
        "0 bytes",
        "999999 bytes",
        "1.5 MB",
        "2.0 GB",
        "3.0 TB",
    ]


def test_cores_and_a_quota_below_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(allowance, "cores", lambda: 8)
    monkeypatch.setattr(allowance, "core_quota", lambda: None)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    found = machine.cores()
    assert found.state == "ok"
    assert found.found.startswith("64 of ")
    assert found.found.endswith(", 8 for this process")
    monkeypatch.setattr(allowance, "core_quota", lambda: 2.5)
    found = machine.cores()
    assert found.state == "note"
    assert found.found.endswith("limits it to the time of 2.5, too little for 8 threads: OMP_NUM_THREADS=2 is faster")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert machine.cores().state == "ok"


def test_too_little_memory_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    needed = 16 * 124_439_808
    for free, state in ((needed - 1, "note"), (needed + 1, "ok")):
        monkeypatch.setattr(allowance, "memory", lambda free=free: (8 << 30, free))
        assert machine.memory().state == state
    assert "8.6 GB, 2.0 GB of it free" in machine.memory().found
    monkeypatch.setattr(allowance, "memory", lambda: None)
    assert machine.memory().state == "note"


def test_a_folder_that_is_not_there_yet_is_looked_for_above(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    found = machine.disk("data")
    assert (found.name, found.facts["path"], found.facts["writable"]) == ("data/", str(tmp_path), True)
    assert abs(found.facts["free"] - shutil.disk_usage(tmp_path).free) < 1 << 30
    (tmp_path / "data").mkdir()
    assert machine.disk("data").facts["path"] == str(tmp_path / "data")
    assert list(tmp_path.rglob("*")) == [tmp_path / "data"]


def test_a_folder_that_cannot_be_written_to_is_noted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(dir: Path) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    monkeypatch.chdir(tmp_path)
    found = machine.disk("runs")
    assert (found.state, found.facts["writable"]) == ("note", False)
    assert found.found == f"{tmp_path} cannot be written to (Read-only file system): choose another place with --out"


def test_a_file_in_the_place_of_a_folder_is_noted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "runs").touch()
    monkeypatch.chdir(tmp_path)
    assert machine.disk("runs").state == "note"
    assert "cannot be written to" in machine.disk("runs").found


def test_a_compiler_or_what_it_means_that_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "lacking", lambda: "no C++ compiler (g++)")
    found = machine.cpp_compiler()
    assert (found.state, found.found) == (
        "note",
        "no C++ compiler (g++): training on the CPU runs without it, more slowly",
    )
    monkeypatch.setattr(compiler, "lacking", lambda: None)
    monkeypatch.setattr(compiler, "compiler", lambda: "/nowhere/g++")
    assert machine.cpp_compiler().found == "/nowhere/g++"
    monkeypatch.setattr(machine, "first_line", lambda words: f"{words} 1.2")
    assert machine.cpp_compiler().found == "['/nowhere/g++', '--version'] 1.2"


def test_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert machine.ffmpeg().found == "not installed and not needed: gpt2kit writes .wav"
    monkeypatch.setattr(shutil, "which", lambda name: "/bin/ffmpeg")
    monkeypatch.setattr(machine, "first_line", lambda words: "ffmpeg version 7 Copyright (c) them")
    assert machine.ffmpeg().found.startswith("ffmpeg version 7: ffmpeg -i piece.wav")


def test_proxies_and_settings_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*os.environ]:
        if name.lower().endswith("_proxy") or name.startswith("HF_"):
            monkeypatch.delenv(name)
    assert machine.network().state == "ok"
    assert machine.network().found.startswith("no proxy")
    monkeypatch.setenv("https_proxy", "http://me:secret@proxy.example:3128")
    found = machine.network()
    assert found.found == "https proxy http://proxy.example:3128"
    assert "secret" not in str(found.json())
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    found = machine.network()
    assert found.state == "note"
    assert "HF_HUB_OFFLINE=1; offline: only models and data sets that were downloaded before" in found.found


def test_a_program_that_cannot_be_asked_says_nothing() -> None:
    assert machine.first_line(["/nowhere/program"]) == ""
    assert machine.first_line(["sh", "-c", "echo one; echo two"]) == "one"
    assert machine.first_line(["sh", "-c", "exit 1"]) == ""
