"""No dead flags: every option of every command changes what the command prints, writes or ends with."""

import hashlib
import io
import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer

import gpt2kit
from gpt2kit import recipe, samples, tasks
from gpt2kit.cli import console
from gpt2kit.cli.app import build, run
from gpt2kit.inspection.explorer import Server
from gpt2kit.music.marked import Marked
from gpt2kit.music.midi import write_midi
from gpt2kit.music.notes import Notes
from gpt2kit.music.pages import roll
from gpt2kit.recipe import read_by
from gpt2kit.training import launch

Examples = Callable[[str], Any]
Capture = pytest.CaptureFixture[str]

TRAIN = "translate train DATA --out new SMALL --set train.steps=2"
GENERATE = "translate generate --run RUN"
EVALUATE = "translate evaluate --run RUN"
LM = "lm generate --run LM --length 8 --seed 0"
AUGMENT = "translate augment DATA --run RUN"
INFILL = "music infill TUNE --run PIANO --from 0.2 --to 0.6 --no-sound --seed 0"
ACCOMPANY = "music accompany TUNE --run PIANO --no-sound --seed 0"
MUSIC = "music generate --run PIANO --seconds 1 --out a.mid --seed 0"

PORT = 38017

FLAGS: dict[str, dict[str, tuple[str, str]]] = {
    "prepare": {
        "corpus": ("translate prepare TINY --out new CORPUS", "OTHER"),
        "--val": ("translate prepare CORPUS TINY --out new", "--val OTHER"),
        "--test": ("translate prepare CORPUS TINY --out new", "--test OTHER"),
        "--out": ("translate prepare CORPUS TINY", "--out new"),
        "--recipe": ("translate prepare CORPUS --out new", "--recipe TOML"),
        "--set": ("translate prepare CORPUS TINY --out new", "--set task.vocab=310"),
        "--devices": ("translate prepare CORPUS TINY --out new", "--devices 2"),
        "--overwrite": ("translate prepare CORPUS TINY --out DATA", "--overwrite"),
        "--json": ("translate prepare CORPUS TINY --out new", "--json"),
    },
    "show": {
        "data": ("translate show SMALL", "DATA"),
        "--split": ("translate show DATA SMALL", "--split val"),
        "--n": ("translate show DATA SMALL", "--n 1"),
        "--tokens": ("translate show DATA SMALL", "--tokens 4"),
        "--recipe": ("translate show DATA", "--recipe TOML"),
        "--data": ("translate show RUN", "--data nowhere"),
        "--set": ("translate show DATA SMALL", "--set train.loss_on=all"),
        "--json": ("translate show DATA SMALL", "--json"),
    },
    "train": {
        "data": ("translate train --out new SMALL --set train.steps=2", "DATA"),
        "--out": ("translate train DATA SMALL --set train.steps=2", "--out new"),
        "--recipe": (TRAIN, "--recipe TOML"),
        "--set": (TRAIN, "--set train.samples=0 --set train.ema=0.5"),
        "--init": (TRAIN, "--init RUN"),
        "--resume": (TRAIN, "--resume"),
        "--base": (TRAIN, "--base RUN"),
        "--device": (TRAIN, "--device cuda:99"),
        "--budget": (TRAIN, "--budget 10s"),
        "--tensorboard": (TRAIN, "--tensorboard"),
        "--freeze": (f"{TRAIN} --init RUN", "--freeze 1"),
        "--lora": (f"{TRAIN} --init RUN", "--lora 2"),
        "--devices": (TRAIN, "--devices 2"),
        "--dry-run": (TRAIN, "--dry-run"),
        "--overwrite": ("translate train DATA --out DATA SMALL --set train.steps=2", "--overwrite"),
        "--json": (TRAIN, "--json"),
    },
    "generate": {
        "texts": (f"{GENERATE} --file /dev/null", "good"),
        "--run": ("translate generate good", "--run RUN"),
        "--file": (f"{GENERATE}", "--file TEXTS"),
        "--out": (f"{GENERATE} x", "--out new"),
        "--resume": (f"{GENERATE} x", "--resume"),
        "--beams": (f"{GENERATE} x --json", "--beams 2"),
        "--mbr": (f"{GENERATE} xyz --temperature 9 --seed 1", "--mbr 4"),
        "--temperature": (f"{GENERATE} xyz", "--temperature 9"),
        "--top-k": (f"{GENERATE} xyz --temperature 9 --seed 0", "--top-k 2"),
        "--top-p": (f"{GENERATE} xyz --temperature 9 --seed 0", "--top-p 0.1"),
        "--seed": (f"{GENERATE} xyz --temperature 9 --seed 0", "--seed 3"),
        "--stop": (f"{GENERATE} good", "--stop t"),
        "--nbest": (f"{GENERATE} xyz --beams 3", "--nbest 2"),
        "--sources": (f"{GENERATE} good", "--sources"),
        "--knn": (f"{GENERATE} xyz --json", "--knn 0.9"),
        "--zero-shot": (f"{GENERATE} x", "--zero-shot"),
        "--init": ("translate generate x --zero-shot", "--init RUN"),
        "--data": (f"{GENERATE} good --sources", "--data nowhere"),
        "--base": (f"{GENERATE} good", "--base nowhere"),
        "--set": (f"{GENERATE} xyz", "--set generate.max_new_tokens=1"),
        "--device": (f"{GENERATE} x", "--device cuda:99"),
        "--devices": (f"{GENERATE} x", "--devices 2"),
        "--json": (f"{GENERATE} x", "--json"),
    },
    "augment": {
        "data": ("translate augment --run RUN", "DATA"),
        "--run": (AUGMENT, "--run RUN"),
        "--out": (AUGMENT, "--out new"),
        "--input": (AUGMENT, "--input TEXTS"),
        "--answers": (f"{AUGMENT} --beams 2", "--answers 2"),
        "--confidence": (AUGMENT, "--confidence 0.999"),
        "--weight": (AUGMENT, "--weight 2"),
        "--beams": (AUGMENT, "--beams 2"),
        "--temperature": (AUGMENT, "--temperature 9"),
        "--top-k": (f"{AUGMENT} --temperature 9", "--top-k 2"),
        "--top-p": (f"{AUGMENT} --temperature 9", "--top-p 0.1"),
        "--seed": (f"{AUGMENT} --temperature 9", "--seed 3"),
        "--set": (AUGMENT, "--set generate.max_new_tokens=1"),
        "--device": (AUGMENT, "--device cuda:99"),
        "--devices": (AUGMENT, "--devices 2"),
        "--overwrite": ("translate augment PREPARED --run RUN --out DATA", "--overwrite"),
        "--json": (AUGMENT, "--json"),
    },
    "evaluate": {
        "--run": ("translate evaluate", "--run RUN"),
        "--on": (EVALUATE, "--on OTHER"),
        "--split": (f"{EVALUATE} --json", "--split train"),
        "--limit": (EVALUATE, "--limit 1"),
        "--beams": (f"{EVALUATE} --json", "--beams 2"),
        "--mbr": (f"{EVALUATE} --json", "--mbr 2"),
        "--knn": (f"{EVALUATE} --json", "--knn 0.9"),
        "--predictions": (EVALUATE, "--predictions p.jsonl"),
        "--zero-shot": (EVALUATE, "--zero-shot"),
        "--init": ("translate evaluate --zero-shot --on OTHER --set generate.max_new_tokens=4", "--init RUN"),
        "--data": (EVALUATE, "--data nowhere"),
        "--base": (EVALUATE, "--base nowhere"),
        "--set": (EVALUATE, "--set generate.max_new_tokens=2"),
        "--device": (EVALUATE, "--device cuda:99"),
        "--devices": (EVALUATE, "--devices 2"),
        "--overwrite": (f"{EVALUATE} --predictions KEPT", "--overwrite"),
        "--json": (EVALUATE, "--json"),
    },
    "lm generate": {
        "texts": (f"{LM} --file TEXTS", "x"),
        "--run": ("lm generate x --length 8", "--run LM"),
        "--file": (f"{LM}", "--file TEXTS"),
        "--nsamples": (f"{LM} x", "--nsamples 2"),
        "--length": ("lm generate --run LM xyz --temperature 0", "--length 3"),
        "--temperature": (f"{LM} x", "--temperature 9"),
        "--top-k": (f"{LM} x --temperature 9", "--top-k 2"),
        "--top-p": (f"{LM} x --temperature 9", "--top-p 0.1"),
        "--seed": (f"{LM} x --temperature 9", "--seed 3"),
        "--stop": (f"{LM} x", "--stop e"),
        "--sources": (f"{LM} x", "--sources"),
        "--knn": (f"{LM} x --json", "--knn 0.9"),
        "--zero-shot": (f"{LM} x", "--zero-shot"),
        "--init": ("lm generate x --length 8 --zero-shot", "--init LM"),
        "--data": (f"{LM} x --sources", "--data nowhere"),
        "--base": (f"{LM} x", "--base nowhere"),
        "--set": (f"{LM} xyz", "--set generate.ban_ids=[10,11,12,13,14,15,16,17,18,19,20,100,101,102,103]"),
        "--device": (f"{LM} x", "--device cuda:99"),
        "--devices": (LM, "--devices 2"),
        "--json": (f"{LM} x", "--json"),
    },
    "lm evaluate": {
        "--run": ("lm evaluate", "--run LM"),
        "--on": ("lm evaluate --run LM", "--on TEXTS"),
        "--split": ("lm evaluate --run LM --json", "--split train"),
        "--limit": ("lm evaluate --run LM --on TEXTS --on TEXTS", "--limit 1"),
        "--stride": ("lm evaluate --run LM --json", "--stride 3"),
        "--zero-shot": ("lm evaluate --run LM", "--zero-shot"),
        "--init": ("lm evaluate --zero-shot --on TEXTS", "--init LM"),
        "--data": ("lm evaluate --run LM", "--data nowhere"),
        "--base": ("lm evaluate --run LM", "--base nowhere"),
        "--set": ("lm evaluate --run LM --json", "--set generate.temperature=9"),
        "--device": ("lm evaluate --run LM", "--device cuda:99"),
        "--devices": ("lm evaluate --run LM", "--devices 2"),
        "--json": ("lm evaluate --run LM", "--json"),
    },
    "music generate": {
        "--run": ("music generate --seconds 1 --out a.mid", "--run PIANO"),
        "--seconds": ("music generate --run PIANO --out a.mid --no-sound --seed 0", "--seconds 1"),
        "--prime": (MUSIC, "--prime TUNE"),
        "--prime-seconds": (f"{MUSIC} --prime TUNE", "--prime-seconds 0.5"),
        "--alone": (f"{MUSIC} --prime TUNE", "--alone"),
        "--samples": (MUSIC, "--samples 2"),
        "--out": ("music generate --run PIANO --seconds 1 --seed 0", "--out b.mid"),
        "--sound": (MUSIC, "--no-sound"),
        "--flac": (MUSIC, "--flac"),
        "--notes-per-second": (MUSIC, "--notes-per-second 2"),
        "--velocity": (MUSIC, "--velocity 100"),
        "--temperature": (MUSIC, "--temperature 5"),
        "--top-k": (f"{MUSIC} --temperature 5", "--top-k 2"),
        "--top-p": (f"{MUSIC} --temperature 5", "--top-p 0.1"),
        "--seed": (f"{MUSIC} --temperature 5", "--seed 3"),
        "--sources": (MUSIC, "--sources"),
        "--knn": (f"{MUSIC} --json", "--knn 0.9"),
        "--data": (f"{MUSIC} --sources", "--data nowhere"),
        "--base": (MUSIC, "--base nowhere"),
        "--set": (MUSIC, "--set generate.temperature=5"),
        "--device": (MUSIC, "--device cuda:99"),
        "--overwrite": ("music generate --run PIANO --seconds 1 --out TUNE --no-sound", "--overwrite"),
        "--json": (MUSIC, "--json"),
    },
    "music infill": {
        "piece": ("music infill --run PIANO --from 0.2 --to 0.6 --no-sound --seed 0", "TUNE"),
        "--from": ("music infill TUNE --run PIANO --to 0.6 --no-sound --seed 0", "--from 0.2"),
        "--to": ("music infill TUNE --run PIANO --from 0.2 --no-sound --seed 0", "--to 0.6"),
        "--run": ("music infill TUNE --from 0.2 --to 0.6 --no-sound --seed 0", "--run PIANO"),
        "--samples": (INFILL, "--samples 2"),
        "--out": ("music infill TUNE --run PIANO --from 0.2 --to 0.6 --no-sound --seed 0", "--out b.mid"),
        "--sound": ("music infill TUNE --run PIANO --from 0.2 --to 0.6 --out a.mid --seed 0", "--no-sound"),
        "--flac": ("music infill TUNE --run PIANO --from 0.2 --to 0.6 --out a.mid --seed 0", "--flac"),
        "--notes-per-second": (INFILL, "--notes-per-second 20"),
        "--velocity": (INFILL, "--velocity 120"),
        "--temperature": (INFILL, "--temperature 5"),
        "--top-k": (f"{INFILL} --temperature 5", "--top-k 2"),
        "--top-p": (f"{INFILL} --temperature 5", "--top-p 0.1"),
        "--seed": (f"{INFILL} --temperature 5", "--seed 3"),
        "--base": (INFILL, "--base nowhere"),
        "--set": (INFILL, "--set generate.temperature=5"),
        "--device": (INFILL, "--device cuda:99"),
        "--overwrite": (f"{INFILL} --out TUNE2", "--overwrite"),
        "--json": (INFILL, "--json"),
    },
    "music accompany": {
        "tune": ("music accompany --run PIANO --no-sound --seed 0", "TUNE"),
        "--run": ("music accompany TUNE --no-sound --seed 0", "--run PIANO"),
        "--samples": (ACCOMPANY, "--samples 2"),
        "--out": ("music accompany TUNE --run PIANO --no-sound --seed 0", "--out b.mid"),
        "--sound": ("music accompany TUNE --run PIANO --out a.mid --seed 0", "--no-sound"),
        "--flac": ("music accompany TUNE --run PIANO --out a.mid --seed 0", "--flac"),
        "--from": (ACCOMPANY, "--from 0.4"),
        "--to": (ACCOMPANY, "--to 0.6"),
        "--tune-only": (ACCOMPANY, "--tune-only"),
        "--notes-per-second": (ACCOMPANY, "--notes-per-second 20"),
        "--velocity": (ACCOMPANY, "--velocity 120"),
        "--temperature": (ACCOMPANY, "--temperature 5"),
        "--top-k": (f"{ACCOMPANY} --temperature 5", "--top-k 2"),
        "--top-p": (f"{ACCOMPANY} --temperature 5", "--top-p 0.1"),
        "--seed": (f"{ACCOMPANY} --temperature 5", "--seed 3"),
        "--base": (ACCOMPANY, "--base nowhere"),
        "--set": (ACCOMPANY, "--set generate.temperature=5"),
        "--device": (ACCOMPANY, "--device cuda:99"),
        "--overwrite": (f"{ACCOMPANY} --out TUNE2", "--overwrite"),
        "--json": (ACCOMPANY, "--json"),
    },
    "music evaluate": {
        "--run": ("music evaluate --samples 0", "--run PIANO"),
        "--on": ("music evaluate --run PIANO --samples 0", "--on TUNE2"),
        "--split": ("music evaluate --run PIANO --samples 0 --json", "--split train"),
        "--limit": ("music evaluate --run PIANO --samples 0 --on TUNE --on TUNE2", "--limit 1"),
        "--samples": ("music evaluate --run PIANO --samples 0", "--samples 1"),
        "--seconds": ("music evaluate --run PIANO --samples 1", "--seconds 1"),
        "--seed": ("music evaluate --run PIANO --samples 1 --seconds 1", "--seed 2"),
        "--data": ("music evaluate --run PIANO --samples 0", "--data nowhere"),
        "--base": ("music evaluate --run PIANO --samples 0", "--base nowhere"),
        "--set": ("music evaluate --run PIANO --samples 1 --seconds 1", "--set generate.temperature=5"),
        "--device": ("music evaluate --run PIANO --samples 0", "--device cuda:99"),
        "--devices": ("music evaluate --run PIANO --samples 0", "--devices 2"),
        "--json": ("music evaluate --run PIANO --samples 0", "--json"),
    },
    "music render": {
        "pieces": ("music render TUNE", "TUNE2"),
        "--run": ("music render TUNE", "--run PIANO"),
        "--primer": ("music render TUNE", "--primer 0.5"),
        "--flac": ("music render TUNE", "--flac"),
        "--overwrite": ("music render TUNE2", "--overwrite"),
        "--json": ("music render TUNE", "--json"),
    },
    "demo": {"task": ("demo", "nonsense"), "--json": ("demo nonsense", "--json")},
    "merge": {
        "run": ("merge", "LORA"),
        "--out": ("merge LORA", "--out merged"),
        "--base": ("merge LORA --out merged", "--base nowhere"),
        "--overwrite": ("merge LORA --out DATA", "--overwrite"),
        "--json": ("merge LORA --out merged", "--json"),
    },
    "export": {
        "run": ("export --to safetensors --out small", "RUN"),
        "--to": ("export RUN --out small", "--to safetensors"),
        "--out": ("export LORA --to safetensors --overwrite", "--out small"),
        "--dtype": ("export RUN --to safetensors --out small", "--dtype f32"),
        "--data": ("export RUN --to safetensors --out small", "--data nowhere"),
        "--base": ("export LORA --to safetensors --out small", "--base nowhere"),
        "--overwrite": ("export RUN --to safetensors --out DATA", "--overwrite"),
        "--yes": ("export RUN --to html --out page.html", "--yes"),
        "--json": ("export RUN --to safetensors --out small", "--json"),
    },
    "inspect": {
        "model": ("inspect", "RUN --json x"),
        "inputs": ("inspect LM --json --set generate.seed=0", "xyz"),
        "--file": ("inspect LM --json --set generate.seed=0", "--file TEXTS"),
        "--out": ("inspect RUN x", "--out page.html"),
        "--text": ("inspect RUN x --json", "--text"),
        "--png": ("inspect RUN x --json", "--png figures"),
        "--visualizer": ("inspect PIANO TUNE --json --set generate.seed=0", "--visualizer v.json"),
        "--generate": ("inspect RUN x --json", "--generate 1"),
        "--target": ("inspect RUN x --json", "--target un"),
        "--sources": ("inspect RUN x --json", "--sources"),
        "--data": ("inspect RUN x --json --sources", "--data nowhere"),
        "--base": ("inspect RUN x --json", "--base nowhere"),
        "--set": ("inspect RUN xyz --json", "--set generate.max_new_tokens=1"),
        "--device": ("inspect RUN x --json", "--device cuda:99"),
        "--overwrite": ("inspect RUN x --out KEPT", "--overwrite"),
        "--json": ("inspect RUN x --text", "--json"),
    },
    "explore": {
        "model": ("explore", "RUN"),
        "inputs": ("explore RUN", "xyz"),
        "--compare": ("explore RUN", "--compare RUN"),
        "--port": ("explore RUN", f"--port {PORT}"),
        "--base": ("explore RUN", "--base nowhere"),
        "--set": ("explore RUN", "--set generate.max_new_tokens=1"),
        "--device": ("explore RUN", "--device cuda:99"),
        "--json": ("explore RUN", "--json"),
    },
    "selftest": {
        "run": ("selftest", "RUN --json"),
        "--data": ("selftest RUN --json", "--data nowhere"),
        "--base": ("selftest LORA --json", "--base nowhere"),
        "--device": ("selftest RUN --json", "--device cuda:99"),
        "--json": ("selftest nowhere", "--json"),
    },
    "doctor": {"--json": ("doctor", "--json")},
    "recipes show": {
        "name": ("recipes show", "lm"),
        "--set": ("recipes show lm", "--set train.lr=1.0"),
    },
    "": {"--version": ("", "--version")},
}
"""By command: a flag, a command without it, and the words that bring it in. Verbs that all tasks share are tried with
one of them."""


CHANGING = ("metrics.jsonl", "run.json", "README.md", "state.safetensors")
"""Files of a run that say when it was, how long it took, or where."""


class Place(NamedTuple):
    """What the words in capitals stand for."""

    words: dict[str, list[str]]
    folder: Path


@pytest.fixture(scope="session")
def place(
    by_heart: Path,
    examples: Examples,
    prepared: Callable[..., Any],
    random_notes: Callable[..., Notes],
    tmp_path_factory: pytest.TempPathFactory,
) -> Place:
    """Runs of three tasks, adapters, corpora and a recipe; each command works in a copy of the files it may change."""
    folder = tmp_path_factory.mktemp("flags")
    tiny = examples("translate").TINY
    words = {"TINY": [word for setting in tiny for word in ("--set", setting)], "RUN": [str(by_heart)]}
    words["SMALL"] = [word for setting in tiny for word in ("--set", setting) if "task." not in setting]
    for kind, name in (("lm", "LM"), ("music", "PIANO")):
        (folder / kind).mkdir()
        own = ["task.infill=0.5"] if name == "PIANO" else []
        small = prepared(kind, folder / kind, "train.steps=4", "train.evaluate_every=4", "generate.temperature=1", *own)
        list(gpt2kit.train(small, folder / kind / "data", folder / kind / "run"))
        words[name] = [str(folder / kind / "run")]
    (folder / "tunes").mkdir()
    for seed, name in ((1, "tune.mid"), (2, "tune2.mid")):
        write_midi(folder / "tunes" / name, random_notes(seed, 8, 2.0))
    lora = recipe.load("translate", [*tiny, "train.steps=2", "train.lora=2"])
    list(gpt2kit.train(lora, by_heart.parent / "data", folder / "lora", str(by_heart)))
    words |= {"CORPUS": [str(by_heart.parent / "corpus.jsonl")], "LORA": [str(folder / "lora")]}
    (folder / "other.jsonl").write_text(f"{json.dumps({'en': 'other words', 'fr': 'autres mots'})}\n", encoding="utf-8")
    (folder / "texts.txt").write_text("good morning\nother\n" * 6, encoding="utf-8")
    (folder / "mine.toml").write_text(recipe.load("translate", [*tiny, "train.loss_on=all", "task.vocab=305"]).toml())
    words |= {"OTHER": [str(folder / "other.jsonl")], "TEXTS": [str(folder / "texts.txt")]}
    words |= {"TOML": [str(folder / "mine.toml")], "PREPARED": [str(by_heart.parent / "data")]}
    return Place(words, folder)


def served(server: Server) -> None:
    """Says what would be served, and ends."""
    sides = [(side.name, side.engine.config) for side in server.explorer.sides]
    console.result(f"{sides} {server.explorer.text}")


def drawn(path: Path, piece: Marked, title: str = "") -> None:
    """Writes what a picture would show."""
    path.write_text(f"{piece} {title}", encoding="utf-8")


@pytest.fixture
def seen(
    place: Place,
    tmp_path: Path,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
    by_heart: Path,
    short_pieces: None,
) -> Callable[[str], object]:
    """What can be seen of a command that runs in a folder of its own: exit code, stdout, errors, what it says of
    processes, whose number changes nothing else, and the files with sizes."""
    numbers = iter(range(100))
    monkeypatch.setattr(launch, "launch", lambda words, devices, again: None)
    monkeypatch.setattr(samples, "sample", lambda task: tmp_path / "nowhere")
    monkeypatch.setattr(Server, "serve_forever", served)
    monkeypatch.setattr(roll, "write_roll", drawn)
    monkeypatch.setattr("gpt2kit.selftest.logits.STEPS", 4)
    monkeypatch.setattr("gpt2kit.selftest.probes.probes.__defaults__", (2,))
    monkeypatch.setattr("gpt2kit.export.proof.ANSWERS", 2)
    monkeypatch.setattr("gpt2kit.export.html.LARGE", 100)
    for part in ("machine_findings", "meaning"):
        monkeypatch.setattr(f"gpt2kit.doctor.examine.{part}", lambda *_: [])

    def look(command: str) -> object:
        work = tmp_path / f"work-{next(numbers)}"
        work.mkdir()
        monkeypatch.chdir(work)
        shutil.copytree(by_heart.parent / "data", "data/kept")
        shutil.copytree(place.folder / "tunes", ".", dirs_exist_ok=True)
        Path("tune2.html").touch()
        Path("kept.jsonl").touch()
        words = dict(place.words) | {"DATA": ["data/kept"], "KEPT": ["kept.jsonl"]}
        words |= {"TUNE": ["tune.mid"], "TUNE2": ["tune2.mid"]}
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))
        capsys.readouterr()
        code = run([part for word in command.split() for part in words.get(word, [word])])
        out, err = capsys.readouterr()
        out = re.sub(r'("[a-z_]*second[a-z_]*": )[0-9.e-]+', r"\1", out)
        out = re.sub(rf"127\.0\.0\.1:(?!{PORT})\d+", "", out)
        files = {
            str(path.relative_to(work)): "" if path.name in CHANGING else hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(work.rglob("*"))
            if path.is_file() and "tfevents" not in path.name
        }
        said = err if code else "".join(line for line in err.splitlines() if " processes " in line)
        return code, out, said, files

    return look


def commands(command: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every command with its words."""
    yield path, command
    for name, each in getattr(command, "commands", {}).items():
        yield from commands(each, f"{path} {name}".strip())


def options(path: str, command: Any) -> Iterator[str]:
    """Its options and arguments; not those that are a task's knobs, which have tests of their own."""
    task, _, verb = path.partition(" ")
    knobs = read_by(verb, tasks.find(task)) if task in tasks.names() else {}
    for option in command.params:
        if option.name in (*knobs, "help", "install_completion", "show_completion"):  # test_completion has the last two
            continue
        yield max(option.opts, key=len)


def shared_as(path: str) -> str:
    task, _, verb = path.partition(" ")
    own = path in FLAGS or task not in tasks.names()
    return path if own else verb


def test_every_flag_is_in_the_table() -> None:
    for path, command in commands(typer.main.get_command(build())):
        there = set(options(path, command))
        if there:
            assert there == set(FLAGS[shared_as(path)]), path


BEFORE: dict[str, object] = {}
"""What was seen of commands without a flag."""


@pytest.mark.parametrize(("command", "flag"), [(command, flag) for command in FLAGS for flag in FLAGS[command]])
def test_flags(command: str, flag: str, seen: Callable[[str], object]) -> None:
    base, more = FLAGS[command][flag]
    if base not in BEFORE:
        BEFORE[base] = seen(base)
        assert BEFORE[base] == seen(base), "what is compared does not change by itself"
    assert seen(f"{base} {more}") != BEFORE[base]


def test_a_task_s_knob_as_a_flag_is_the_same_as_set(seen: Callable[[str], object]) -> None:
    prepared: Sequence[str] = ("--columns fr,en", "--set task.columns=fr,en")
    flagged, set = (seen(f"translate prepare CORPUS TINY --out new {words}") for words in prepared)
    assert flagged == set != seen("translate prepare CORPUS TINY --out new")
