"""All findings, in order."""

from gpt2kit import tasks
from gpt2kit.doctor import libraries, machine
from gpt2kit.doctor.finding import Finding

SYNTHESISERS = {"pyfluidsynth": "FluidSynth", "tinysoundfont": "TinySoundFont"}
"""Distributions that include a synthesizer, and its name."""


def machine_findings() -> list[Finding]:
    """The findings about the machine."""
    found = [libraries.python(), *libraries.libraries(), *libraries.extras(), machine.system(), machine.cores()]
    found += [machine.memory(), *devices(), machine.cpp_compiler(), synthesizer(), machine.ffmpeg()]
    return [*found, machine.disk("data"), machine.disk("runs"), machine.network()]


def meaning(found: list[Finding]) -> list[Finding]:
    """The consequences: for training and generating, then for each task."""
    lacking = {each.name for each in found if each.state == "lacks"} & libraries.REQUIRED.keys()
    findings = computing()
    about = {name: tasks.find(name)().about for name in tasks.names()}
    special = {library for each in about.values() for library in each.requires}
    for task in tasks.names():
        others = special - set(about[task].requires)
        lost = [name for name in libraries.REQUIRED if name in lacking - others]
        words = "; ".join(f"{name} is missing, needed for {libraries.REQUIRED[name].use}" for name in lost) or "ready"
        if about[task].medium == "performance":
            heard = next(each.facts["synthesizer"] for each in found if each.name == "synthesizer")
            words += f"; sound by {heard}" if heard else "; without sound"
        findings.append(Finding(task, words, "lacks" if lost else "ok", {"lacking": lost}))
    return findings


def devices() -> list[Finding]:
    """The devices that torch can use; if it fails, why."""
    try:
        from gpt2kit.doctor.devices import devices as found

        return found()
    except Exception as error:
        return [Finding("devices", f"torch fails: {libraries.described(error)}", "lacks", {"error": str(error)})]


def computing() -> list[Finding]:
    """The device and the dtype of training and generating here."""
    try:
        from gpt2kit.doctor.devices import generating, training

        return [training(), generating()]
    except Exception as error:
        why = f"impossible until torch works: {libraries.described(error)}"
        return [Finding(name, why, "lacks", {"error": str(error)}) for name in ("train", "generate")]


def synthesizer() -> Finding:
    """The synthesizer for music: the first installed one that makes a sound."""
    try:
        from gpt2kit.music.audio.sound import synthesizer as heard_by

        heard = heard_by()
    except Exception as error:
        return Finding("synthesizer", libraries.described(error), "lacks", {"synthesizer": None})
    if heard != "built-in":
        return Finding("synthesizer", heard, "ok", {"synthesizer": heard})
    versions = {name: libraries.installed(distribution) for distribution, name in SYNTHESISERS.items()}
    silent = [f"{name} {version} is installed, but makes no sound" for name, version in versions.items() if version]
    why = "; ".join(silent) or f"{' and '.join(SYNTHESISERS.values())} are not installed"
    text = f"the built-in piano; {why}"
    return Finding("synthesizer", text, "note" if silent else "ok", {"synthesizer": "the built-in piano"})
