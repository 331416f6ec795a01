"""Cores and memory of a process in control groups of both versions, as files of the kernel say them."""

import os
from pathlib import Path

import pytest

from gpt2kit import system as allowance

GIB = 1 << 30


class Kernel:
    """Files in the place of the kernel's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def says(self, **files: str) -> None:
        """`cgroup` and `meminfo`, and files of groups with `__` for `/`."""
        for name, content in files.items():
            path = self.folder / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Kernel:
    monkeypatch.setattr(allowance, "MEMBERSHIP", tmp_path / "cgroup")
    monkeypatch.setattr(allowance, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(allowance, "MEMORY", tmp_path / "meminfo")
    monkeypatch.setattr(allowance, "TIMES", tmp_path / "stat")
    monkeypatch.setattr(allowance, "SCHEDULED", tmp_path / "schedstat")
    return Kernel(tmp_path)


def test_a_machine_without_groups_has_no_quota(kernel: Kernel) -> None:
    assert allowance.core_quota() is None
    assert 1 <= allowance.cores() <= (os.cpu_count() or 1)


def test_idle_seconds_are_those_of_the_cores_of_this_process(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Idle, and waiting for I/O; the fourth and fifth column."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {1, 2}, raising=False)
    monkeypatch.setattr(os, "sysconf", lambda name: 100)
    kernel.says(stat="cpu  9 9 9 999 99\ncpu0 1 0 1 500 0\ncpu1 1 0 1 300 50\ncpu2 1 0 1 250 0 0\nintr 1 2 3 4\n")
    assert allowance.idle_seconds() == 6.0
    for nonsense in ("cpu1 1 2\n", "cpu1 a b c d e\n", "cpu0 1 2 3 4 5\n", "cpu1 0 0 0 0 0\n"):
        kernel.says(stat=nonsense)
        assert allowance.idle_seconds() is None
    (kernel.folder / "stat").unlink()
    assert allowance.idle_seconds() is None


def test_the_time_for_which_a_thread_waited_for_a_core(kernel: Kernel) -> None:
    kernel.says(schedstat="5000000000 1500000000 77\n")
    assert allowance.waited_seconds() == 1.5
    kernel.says(schedstat="0 0\n")
    assert allowance.waited_seconds() is None


def test_the_smallest_quota_of_all_groups_above_counts(kernel: Kernel) -> None:
    kernel.says(cgroup="0::/a/b\n", groups__a__cpu_dot_max="150000 100000", groups__a__b__cpu_dot_max="max 100000")
    assert allowance.core_quota() == 1.5
    kernel.says(groups__cpu_dot_max="50000 100000")
    assert allowance.core_quota() == 0.5


def test_quotas_of_version_1(kernel: Kernel) -> None:
    kernel.says(cgroup="4:memory:/m\n3:cpu,cpuacct:/c\n", groups__cpu__c__cpu_dot_cfs_quota_us="-1")
    assert allowance.core_quota() is None
    kernel.says(
        groups__cpu__c__cpu_dot_cfs_quota_us="300000",
        groups__cpu__c__cpu_dot_cfs_period_us="200000",
        groups__memory__m__cpu_dot_cfs_quota_us="1000",
    )
    assert allowance.core_quota() == 1.5


def test_memory_is_that_of_the_machine_or_of_a_group(kernel: Kernel) -> None:
    kernel.says(meminfo=f"MemTotal: {8 * GIB // 1024} kB\nMemFree: 5 kB\nMemAvailable: {6 * GIB // 1024} kB\n")
    assert allowance.memory() == (8 * GIB, 6 * GIB)
    kernel.says(cgroup="0::/a\n", groups__a__memory_dot_max="max")
    assert allowance.memory() == (8 * GIB, 6 * GIB)
    kernel.says(groups__a__memory_dot_max=str(2 * GIB), groups__a__memory_dot_current=str(GIB // 2))
    assert allowance.memory() == (2 * GIB, 3 * GIB // 2)
    kernel.says(groups__a__memory_dot_current=str(3 * GIB))
    assert allowance.memory() == (2 * GIB, 0)


def test_no_limit_in_version_1_is_a_large_number(kernel: Kernel) -> None:
    kernel.says(
        meminfo=f"MemTotal: {8 * GIB // 1024} kB\nMemAvailable: {6 * GIB // 1024} kB\n",
        cgroup="4:memory:/m\n",
        groups__memory__m__memory_dot_limit_in_bytes="9223372036854771712",
        groups__memory__m__memory_dot_usage_in_bytes=str(GIB),
    )
    assert allowance.memory() == (8 * GIB, 6 * GIB)


@pytest.mark.parametrize("nonsense", ["", "many", "-5 0", "1 2 3", "\xff\xfe"])
def test_nonsense_is_no_limit(kernel: Kernel, nonsense: str) -> None:
    kernel.says(cgroup=f"0::/\n{nonsense}", groups__cpu_dot_max=nonsense, groups__memory_dot_max=nonsense)
    assert allowance.core_quota() is None
    total, free = allowance.memory() or (1, 1)  # of the machine, where there is no file of it
    assert 0 < free <= total
