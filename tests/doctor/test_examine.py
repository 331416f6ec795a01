"""The whole examination: of this machine, and of one where things are broken."""

import pytest

from gpt2kit import tasks
from gpt2kit.doctor import devices, examine, libraries
from gpt2kit.doctor.finding import Finding
from gpt2kit.music.audio import sound


def broken(*_: object) -> None:
    raise OSError("libtorch_cpu.so: cannot open shared object file")


def test_this_machine_is_ready_for_every_task() -> None:
    found = examine.machine_findings()
    names = [each.name for each in found]
    assert len(set(names)) == len(names)
    wanted = {
        "Python",
        "packages",
        "cores",
        "memory",
        "cpu",
        "torch.compile",
        "synthesizer",
        "ffmpeg",
        "data/",
        "runs/",
    }
    assert wanted | {"tensorboard", "network", "system"} <= set(names)
    assert [each for each in found if each.state == "lacks"] == []
    told = examine.meaning(found)
    assert [each.name for each in told] == ["train", "generate", *tasks.names()]
    assert all(each.found.startswith("ready") for each in told[2:])


def test_a_torch_that_fails_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("devices", "training"):
        monkeypatch.setattr(devices, name, broken)
    (found,) = examine.devices()
    assert found.state == "lacks"
    assert found.found == "torch fails: OSError: libtorch_cpu.so: cannot open shared object file"
    assert [(each.name, each.state) for each in examine.computing()] == [("train", "lacks"), ("generate", "lacks")]


def test_a_task_lacks_what_it_needs_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examine, "computing", list)
    lacking = Finding("sacrebleu", "is not installed", "lacks")
    heard = Finding("synthesizer", "x", facts={"synthesizer": "fluidsynth"})
    told = {each.name: each for each in examine.meaning([lacking, heard])}
    assert told["translate"].found == "sacrebleu is missing, needed for BLEU and chrF++"
    assert told["translate"].state == "lacks"
    assert {told[name].state for name in ("lm", "summarize", "finetune", "music")} == {"ok"}
    assert told["music"].found == "ready; sound by fluidsynth"
    lacking = Finding("numpy", "is not installed", "lacks")
    assert {each.state for each in examine.meaning([lacking, heard])} == {"lacks"}


def test_synthesizers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "installed", lambda name: None)
    monkeypatch.setattr(sound, "synthesizer", lambda: "tinysoundfont")
    assert examine.synthesizer().found == "tinysoundfont"
    monkeypatch.setattr(sound, "synthesizer", lambda: "built-in")
    found = examine.synthesizer()
    assert found.found == "the built-in piano; FluidSynth and TinySoundFont are not installed"
    assert found.state == "ok"
    monkeypatch.setattr(libraries, "installed", lambda name: "1.3" if name == "pyfluidsynth" else None)
    found = examine.synthesizer()
    assert found.found.startswith("the built-in piano; FluidSynth 1.3 is installed, but makes no sound")
    assert found.state == "note"
    monkeypatch.setattr(sound, "synthesizer", broken)
    assert examine.synthesizer().state == "lacks"
