"""Cores, memory, disk, programs and settings, as far as the standard library can see them."""

import os
import platform
import shutil
import subprocess
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

from gpt2kit import system as allowance
from gpt2kit.doctor.finding import Finding, size
from gpt2kit.training import compiler

GPT2_WEIGHTS = 124_439_808
"""The smallest released model, whose size the figures are based on."""

TRAINED, SAVED = 16, 36
"""Bytes per weight: training's, in AdamW's fp32, for the weight, its gradient and two moments; and the most of a run
folder, while a state with averaged weights is replaced: twice four copies, and the weights."""


def system() -> Finding:
    name = f"{platform.system()} {platform.release()}, {platform.machine()}"
    return Finding("system", name, facts={"system": platform.system(), "machine": platform.machine()})


def cores() -> Finding:
    """The machine's cores, and those that this process may use."""
    everything, mine, quota = os.cpu_count() or 1, allowance.cores(), allowance.core_quota()
    found = f"{everything} of {processor()}" + (f", {mine} for this process" if mine < everything else "")
    facts = {"cores": everything, "allowed": mine, "quota": quota, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS")}
    if quota is not None and quota < mine:
        threads = max(1, round(quota))
        found += f"; a control group limits it to the time of {quota:g}"
        if not facts["OMP_NUM_THREADS"]:
            found += f", too little for {mine} threads: OMP_NUM_THREADS={threads} is faster"
            return Finding("cores", found, "note", facts)
    return Finding("cores", found, "ok", facts)


def processor() -> str:
    """The name of the CPU."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine() or "an unknown kind"


def memory() -> Finding:
    found = allowance.memory()
    if found is None:
        return Finding("memory", "this system does not report it", "note")
    total, free = found
    needed = TRAINED * GPT2_WEIGHTS
    text = f"{size(total)}, {size(free)} of it free; training GPT-2 124M takes {size(needed)} and the activations"
    return Finding("memory", text, "ok" if free > needed else "note", {"bytes": total, "free": free})


def disk(name: str) -> Finding:
    """The disk of an existing or future folder: how much is free, and whether it is writable."""
    place = Path(name).absolute()
    there = next((each for each in (place, *place.parents) if each.exists()), place)
    try:
        free = shutil.disk_usage(there).free
    except OSError as error:
        return Finding(f"{name}/", f"{there}: {error.strerror or error}", "note", {"path": str(there)})
    facts = {"path": str(there), "free": free, "writable": True}
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        why = f"{there} cannot be written to ({error.strerror or error}): choose another place with --out"
        return Finding(f"{name}/", why, "note", facts | {"writable": False})
    needed = SAVED * GPT2_WEIGHTS
    text = f"{size(free)} free; a run of GPT-2 124M takes at most {size(needed)} while it trains"
    return Finding(f"{name}/", text, "ok" if free > needed else "note", facts)


def cpp_compiler() -> Finding:
    """The compiler of torch.compile on a CPU."""
    lacking = compiler.lacking()
    if lacking is not None:
        text = f"{lacking}: training on the CPU runs without it, more slowly"
        return Finding("torch.compile", text, "note", {"compiler": None, "lacking": lacking})
    version = first_line([compiler.compiler(), "--version"])
    return Finding("torch.compile", version or compiler.compiler(), "ok", {"compiler": compiler.compiler()})


def ffmpeg() -> Finding:
    """gpt2kit does not use it, but a user may want to compress its sound."""
    if shutil.which("ffmpeg") is None:
        return Finding("ffmpeg", "not installed and not needed: gpt2kit writes .wav", "ok", {"version": None})
    version = first_line(["ffmpeg", "-version"]) or "ffmpeg"
    text = f"{version.partition(' Copyright')[0]}: ffmpeg -i piece.wav piece.mp3 compresses a piece"
    return Finding("ffmpeg", text, "ok", {"version": version})


def network() -> Finding:
    """The settings of the environment for access to the Hub; nothing is sent."""
    proxies = {name: _without_password(url) for name, url in sorted(urllib.request.getproxies_environment().items())}
    settings = {key: value for key in ("HF_HUB_OFFLINE", "HF_HOME", "HF_ENDPOINT") if (value := os.environ.get(key))}
    parts = [f"{name} proxy {url}" for name, url in proxies.items()] + [f"{k}={v}" for k, v in settings.items()]
    offline = settings.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")
    if offline:
        parts.append("offline: only models and data sets that were downloaded before")
    text = "; ".join(parts) or "no proxy and no Hub settings; only names of the Hub need a network"
    return Finding("network", text, "note" if offline else "ok", {"proxies": proxies, "settings": settings})


def _without_password(url: str) -> str:
    """A proxy's address, without a user name and password."""
    parts = urllib.parse.urlsplit(url)
    return urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def first_line(words: list[str]) -> str:
    """The first line of a program's output; empty if it cannot be run."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=10, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return next(iter(done.stdout.splitlines()), "").strip()
