"""The cores and memory that this process may use, from its affinity and its control groups."""

import os
from collections.abc import Iterator
from pathlib import Path

MEMBERSHIP = Path("/proc/self/cgroup")
GROUPS = Path("/sys/fs/cgroup")
MEMORY = Path("/proc/meminfo")
TIMES = Path("/proc/stat")
SCHEDULED = Path("/proc/thread-self/schedstat")


def cores() -> int:
    """CPU cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def idle_seconds() -> float | None:
    """Seconds for which the cores that this process may use were idle, summed since the machine started; None if the
    system does not say."""
    mine = {f"cpu{core}" for core in os.sched_getaffinity(0)} if hasattr(os, "sched_getaffinity") else set()
    try:
        lines = (line.split() for line in TIMES.read_text(encoding="ascii").splitlines())
        ticks = [
            int(words[4]) + int(words[5]) for words in lines if words and words[0] in mine
        ]  # idle, waiting for I/O
        return sum(ticks) / os.sysconf("SC_CLK_TCK") or None  # some sandboxes have a file of zeros
    except (OSError, ValueError, IndexError):
        return None


def waited_seconds() -> float | None:
    """Seconds for which this thread was ready to run while others had the core; None if the system does not say."""
    words = _words(SCHEDULED)
    return int(words[1]) / 1e9 if len(words) == 3 and words[1].isdecimal() else None


def core_quota() -> float | None:
    """The number of cores whose time the control groups allow; None without a limit, as outside containers."""
    found = []
    for folder in _groups("cpu"):
        limit, period = _words(folder / "cpu.max"), ["100000"]
        if len(limit) == 2:
            limit, period = limit[:1], limit[1:]
        else:  # version 1
            limit, period = _words(folder / "cpu.cfs_quota_us"), _words(folder / "cpu.cfs_period_us") or period
        if limit and limit[0].isdecimal() and period[0].isdecimal() and int(period[0]):
            found.append(int(limit[0]) / int(period[0]))
    return min(found, default=None)


def memory() -> tuple[int, int] | None:
    """(total, free) bytes that this process may use, of the machine or its control groups; None if the system does not
    say."""
    total, free = _of_machine()
    if not total:
        return None
    for folder in _groups("memory"):
        limit = _words(folder / "memory.max") or _words(folder / "memory.limit_in_bytes")
        used = _words(folder / "memory.current") or _words(folder / "memory.usage_in_bytes")
        if limit and limit[0].isdecimal() and int(limit[0]) < total:
            total = int(limit[0])
            free = min(free, max(0, total - int(used[0]))) if used and used[0].isdecimal() else min(free, total)
    return total, free


def _of_machine() -> tuple[int, int]:
    """The total and available memory on Linux; elsewhere all of it counts as available, as no other system reports
    that."""
    try:
        lines = dict(line.split(":", 1) for line in MEMORY.read_text(encoding="ascii").splitlines() if ":" in line)
        return (1024 * int(lines["MemTotal"].split()[0]), 1024 * int(lines["MemAvailable"].split()[0]))
    except (OSError, KeyError, ValueError):
        pass
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows
        return 0, 0
    return total, total


def _groups(controller: str) -> Iterator[Path]:
    """The folders of the groups that this process is in, each from its own up to the root, for both versions."""
    try:
        lines = MEMBERSHIP.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        _, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        if names and controller not in names.split(","):
            continue
        root = GROUPS / controller if names else GROUPS
        folder = root / path.lstrip("/")
        yield from (each for each in (folder, *folder.parents) if each.is_relative_to(root))


def _words(path: Path) -> list[str]:
    """The words of a kernel file; none if it does not exist."""
    try:
        return path.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return []
