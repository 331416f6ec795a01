"""Kills, full disks, truncations and bit flips while gpt2kit prepares, trains, saves, resumes, evaluates and merges.

    python benchmarks/faults.py [--faults 2400] [--workers 2] [--seed 0] [--smoke]

Each fault hits a copy of a small project, in a process that is forked from a warm one; Linux only. Kills and full disks
come at a place drawn at random: at the n-th call that opens, syncs, renames or removes a file, or in the middle of a
write, when a file reaches a size (RLIMIT_FSIZE). Truncations and bit flips hit a random place of a random file that the
operation reads, except the corpus: there, nobody can know what the user meant. After a kill or a full disk, a run is
used as it is, and the operation is tried again without a fault. A kill ends the process, not the machine: what a disk
loses at a power failure is not tried. The outcome is

old      everything is as it was before the operation
new      the operation is complete, or is completed by the next try, with the results of an undisturbed one
refused  an error message and an exit code, and nothing else has changed
wrong    a traceback, results that differ without a word, a lost old state, a folder that cannot be used, or a file
         that has changed although it is not of what the operation writes
"""

import argparse
import errno
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["TOKENIZERS_PARALLELISM"] = "false"  # its threads would not survive the forks
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from machine import record

from gpt2kit import tensor_files
from gpt2kit.cli.app import run
from gpt2kit.errors import UserError
from gpt2kit.model import hf

SETTINGS = ["model.n_layer=1", "model.n_head=2", "model.n_embd=8", "model.n_positions=32", "generate.max_new_tokens=4"]
SETTINGS += ["train.steps=4", "train.evaluate_every=2", "train.save_every=1", "train.samples=1", "train.ema=0.9"]
SET = [word for setting in SETTINGS for word in ("--set", setting)]
PREPARE = ["translate", "prepare", "corpus.tsv", "--val", "corpus.tsv", "--set", "model.n_positions=32", "--set"]
TRAIN = ["translate", "train", "data", "--out"]
EVALUATE = ["translate", "evaluate", "--run", "run", "--json", "--predictions", "said.jsonl", "--overwrite"]
KEPT = ("model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json", "recipe.toml", "task.json")
"""The files of a run that its results depend on."""
WORDS = ("good", "bad", "cat", "dog", "house", "tree", "sun", "moon")

FAULTS = ("kill", "full disk", "truncation", "bit flip")
PATIENCE = 60


def save() -> int:
    """Save the weights of one run into another, as training does."""
    try:
        hf.save(Path("run"), hf.load(Path("merged")), 0, step=9)
    except UserError as error:
        print(f"error {error}")
        return error.exit_code
    return 0


def command(*words: str) -> Callable[[], int]:
    return lambda: run([*words])


OPERATIONS: dict[str, tuple[Callable[[], int], tuple[str, ...], str]] = {
    "prepare": (command(*PREPARE, "task.vocab=265", "--out", "data", "--overwrite"), ("data",), "data"),
    "train": (command(*TRAIN, "fresh", *SET), ("data",), "fresh"),
    "save": (save, ("run",), "run"),
    "resume": (command(*TRAIN, "stopped", "--resume"), ("stopped", "data"), "stopped"),
    "evaluate": (command(*EVALUATE), ("run", "data"), "said.jsonl"),
    "merge": (command("merge", "adapted", "--out", "merged", "--overwrite"), ("adapted", "run"), "merged"),
}
"""What is done, the folders that it reads, and what it writes."""


def project(place: Path) -> None:
    """A corpus, prepared data, a finished run, one that was stopped, adapters and their merged model."""
    os.chdir(place)
    Path("corpus.tsv").write_text("".join(f"{word} {n}\t{word[::-1]} {n}\n" for n in range(3) for word in WORDS))
    assert run([*PREPARE, "task.vocab=270", "--out", "data"]) == 0
    assert run([*TRAIN, "run", *SET]) == 0
    lora = ["--init", "run", "--lora", "2", *SET]
    assert run([*TRAIN, "first", *lora, "--set", "train.steps=1"]) == 0
    assert run(["merge", "first", "--out", "merged"]) == 0
    shutil.rmtree("first")
    assert run([*TRAIN, "adapted", *lora]) == 0
    assert run([*EVALUATE, "--limit", "2"]) == 0


def stopped_run(place: Path) -> None:
    """Train until the second step is saved, and no further."""
    os.chdir(place)
    write, saves = tensor_files.write_tensors, 0

    def counted(path: Path, *rest: Any) -> None:
        nonlocal saves
        write(path, *rest)
        saves += path.name == "state.safetensors"
        if saves == 2:
            os._exit(0)

    tensor_files.write_tensors = counted  # type: ignore[assignment]  # it passes its arguments on
    run([*TRAIN, "stopped", *SET])


def forked(work: Callable[[], object], place: Path) -> tuple[int, str]:
    """Work in a child in a folder; its exit code, negative for a signal, and what it printed."""
    sys.stdout.flush()
    reading, output = os.pipe()  # a limit on the size of files does not hold for a pipe
    child = os.fork()
    if not child:
        code = 1
        try:
            signal.alarm(PATIENCE)
            os.close(reading)
            os.dup2(output, 1)
            os.dup2(output, 2)
            sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115  # until the process ends
            sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115  # the same
            os.chdir(place)
            code = int(work() or 0)  # type: ignore[call-overload]  # an exit code, or nothing
            sys.stdout.flush()
            sys.stderr.flush()
        except BaseException as error:
            os.write(2, f"Traceback: {type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(code)
    os.close(output)
    with open(reading, errors="replace") as printed:
        said = printed.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


class Calls:
    """Counts the calls that change files, and does something at the n-th."""

    def __init__(self, number: int, act: Callable[[str], None]) -> None:
        self.count, self.number, self.act, self.on = 0, number, act, True
        sys.addaudithook(self._hear)
        fsync = os.fsync

        def synced(file: int) -> None:
            self._called("os.fsync")
            fsync(file)

        os.fsync = synced  # type: ignore[assignment]  # of ours, which pass a number

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        changes = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate")
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if (event in changes or writes) and "__pycache__" not in str(arguments[0]):
            self._called(event)

    def _called(self, event: str) -> None:
        self.count += 1
        if self.on and self.count >= self.number:
            self.act(event)


def die(_: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def is_full(event: str) -> None:
    if event in ("open", "os.mkdir", "os.fsync"):
        raise OSError(errno.ENOSPC, "No space left on device")


def limited(size: int, kills: bool) -> None:
    """No file grows beyond a size: a write there fails, or ends the process."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL if kills else signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def damage(chance: random.Random, place: Path, folders: tuple[str, ...], fault: str) -> tuple[str, str]:
    """Truncate a random file, or flip one of its bits; returns where, and the name of the file."""
    paths = sorted(path for name in folders for path in (place / name).rglob("*") if path.is_file())
    path = chance.choice([path for path in paths if path.stat().st_size])
    content = bytearray(path.read_bytes())
    at = chance.randrange(len(content))
    if fault == "truncation":
        content = content[:at]
    else:
        content[at] ^= 1 << chance.randrange(8)
    path.write_bytes(content)
    return f"{path.relative_to(place)} at {at}", path.name


def others(place: Path, operation: str) -> dict[str, bytes]:
    """The files of a project that an operation must leave as they are."""
    written = OPERATIONS[operation][2]
    recorded = ("run/scores.json", "run/samples.json", "run/README.md") if operation == "evaluate" else ()
    found = contents(place)
    return {name: found[name] for name in found if name not in recorded and name.split("/")[0] != written}


def contents(path: Path) -> dict[str, bytes]:
    if path.is_file():
        return {"": path.read_bytes()}
    paths = [each for each in path.rglob("*") if each.is_file() and not each.name.startswith(".")]
    return {each.relative_to(path).as_posix(): each.read_bytes() for each in paths}


def essence(operation: str, place: Path) -> Any:
    """What an operation made, without times."""
    made = place / OPERATIONS[operation][2]
    found = contents(made)
    if operation == "save":
        return {name: found.get(name) for name in KEPT[:2]}
    if operation == "resume":  # which does not write the others
        return {name: found.get(name) for name in KEPT[:3]}
    if operation in ("train", "merge"):
        return {name: found.get(name) for name in KEPT}
    return found


def scores(said: str) -> Any:
    """What evaluate printed, without times."""
    lines = [json.loads(line) for line in said.splitlines() if line.startswith('{"scores"')]
    return [{key: value for key, value in line.items() if "second" not in key} for line in lines]


def is_refused(code: int, said: str) -> bool:
    return 2 <= code <= 7 and ("error " in said or '"error": ' in said) and "Traceback" not in said


class Trials:
    """A project, and what each operation makes of it without a fault."""

    def __init__(self, template: Path, work: Path) -> None:
        self.template, self.work = template, work
        self.before: dict[str, Any] = {}
        self.after: dict[str, Any] = {}
        self.said: dict[str, list[str]] = {}
        self.calls: dict[str, int] = {}
        self.largest: dict[str, int] = {}
        for name, (act, _, written) in OPERATIONS.items():
            place = self.copy(name)
            self.before[name] = contents(place / written)

            def counted(act: Callable[[], int] = act) -> int:
                calls = Calls(1 << 60, die)
                code = act()
                calls.on = False
                Path(".calls").write_text(str(calls.count))
                return code

            code, said = forked(counted, place)
            assert code == 0, (name, code, said)
            self.calls[name] = int((place / ".calls").read_text())
            self.after[name], self.said[name] = (essence(name, place), scores(said)), said.splitlines()
            self.largest[name] = max(path.stat().st_size for path in place.rglob("*") if path.is_file())
            shutil.rmtree(place)

    def copy(self, name: str) -> Path:
        place = self.work / f"{name}-{os.getpid()}"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self.template, place)
        return place

    def trial(self, seed: str, operation: str, fault: str) -> tuple[str, str]:
        """The outcome of one fault, and its description."""
        chance = random.Random(seed)
        act, folders, written = OPERATIONS[operation]
        place = self.copy("trial")
        if fault in ("truncation", "bit flip"):
            where, name = damage(chance, place, folders, fault)
            code, said = forked(act, place)
            outcome, why = self._damaged(operation, place, name, code, said)
            return outcome, f"{where}: {why}"
        number, size = chance.randint(1, self.calls[operation]), int(self.largest[operation] * chance.random() ** 3)
        in_write = chance.random() < 0.4
        where = f"at {size} bytes" if in_write else f"call {number} of {self.calls[operation]}"

        def work() -> int:
            if in_write:
                limited(size, fault == "kill")
            else:
                Calls(number, die if fault == "kill" else is_full)
            return act()

        before = others(place, operation)
        code, said = forked(work, place)
        outcome, why = self._stopped(operation, place, written, code, said)
        changed = sorted(name for name, content in others(place, operation).items() if before.get(name) != content)
        if changed or before.keys() - others(place, operation).keys():
            outcome, why = "wrong", f"other files: {changed or 'lost'}"
        return outcome, f"{where}: {why}"

    def _damaged(self, operation: str, place: Path, name: str, code: int, said: str) -> tuple[str, str]:
        if code == 0 and (essence(operation, place), scores(said)) == self.after[operation]:
            return "new", ""
        if code in (0, 5) and any(name in line and line not in self.said[operation] for line in said.splitlines()):
            return "refused", said[-300:]  # in part: a figure is left out, and the message says why
        if is_refused(code, said):
            return "refused", said[-300:]
        return "wrong", f"exit code {code}; {said[-600:]}"

    def _stopped(self, operation: str, place: Path, written: str, code: int, said: str) -> tuple[str, str]:
        refused = is_refused(code, said)
        if not (code in (0, -signal.SIGKILL, -signal.SIGXFSZ) or refused):
            return "wrong", f"exit code {code}; {said[-600:]}"
        found = contents(place / written)
        is_old = found == self.before[operation]
        is_new = essence(operation, place) == self.after[operation][0]
        if operation in ("prepare", "evaluate", "merge", "save") and not (is_old or is_new):
            state = {name: value == self.before[operation].get(name) for name, value in found.items()}
            if operation != "save":  # several files, of which each is old or new
                return "wrong", f"neither old nor new: {state}"
        if operation in ("train", "resume", "save") and (place / written).exists():
            use, message = forked(command("translate", "generate", "--run", written, "good 0"), place)
            if use and not (is_refused(use, message) and "has not saved a model so far" in message):
                return "wrong", f"the run cannot be used: exit code {use}; {message[-600:]}"
        act = OPERATIONS[operation][0]
        if operation == "train" and (place / written).exists():
            act = command(*TRAIN, "fresh", "--resume")
        again, message = forked(act, place)
        finished = again == 2 and "is finished" in message
        if not (again == 0 or finished) or essence(operation, place) != self.after[operation][0]:
            return "wrong", f"tried again: exit code {again}; {message[-600:]}"
        if refused:
            return "refused", said[-200:]
        return ("old" if is_old and not is_new else "new"), ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=2400)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--smoke", action="store_true", help="48 faults, which are not kept")
    arguments = parser.parse_args()
    count = min(arguments.faults, 48) if arguments.smoke else arguments.faults
    torch.set_num_threads(1)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        template, work = Path(folder, "project"), Path(folder, "work")
        template.mkdir()
        work.mkdir()
        with open(os.devnull, "w") as nowhere:
            project_in(template, nowhere)
        trials = Trials(template, work)
        pairs = [(operation, fault) for operation in OPERATIONS for fault in FAULTS]
        asked = [(f"{arguments.seed}:{n}", *pairs[n % len(pairs)]) for n in range(count)]
        outcomes: Counter[tuple[str, str, str]] = Counter()
        wrong = []
        with multiprocessing.get_context("fork").Pool(arguments.workers, _adopt, (trials,)) as pool:
            for (seed, operation, fault), (outcome, why) in pool.imap_unordered(_try, asked, chunksize=8):
                outcomes[operation, fault, outcome] += 1
                if outcome == "wrong":
                    wrong.append(f"{seed} {operation}, {fault}: {why}")
                    print(wrong[-1], flush=True)
    seconds = time.perf_counter() - started
    kinds = ("old", "new", "refused", "wrong")
    print("| operation | fault | " + " | ".join(kinds) + " |\n|---|---|" + "---|" * len(kinds))
    for operation, fault in pairs:
        print(
            f"| {operation} | {fault} | " + " | ".join(str(outcomes[operation, fault, kind]) for kind in kinds) + " |"
        )
    totals = {kind: sum(n for key, n in outcomes.items() if key[2] == kind) for kind in kinds}
    print(f"{count} faults in {seconds / 60:.1f} minutes: {totals}")
    if not arguments.smoke:
        table = {f"{o}, {f}": {kind: outcomes[o, f, kind] for kind in kinds} for o, f in pairs}
        figures = {"faults": count, "seed": arguments.seed, "minutes": round(seconds / 60, 1)}
        record("faults", figures | totals | {"outcomes": table})
    sys.exit(bool(wrong))


def project_in(template: Path, nowhere: Any) -> None:
    """Make the project in this process, which warms up what the forked ones need."""
    here, streams = Path.cwd(), (sys.stdout, sys.stderr)
    sys.stdout = sys.stderr = nowhere
    try:
        project(template)
    finally:
        os.chdir(here)
        sys.stdout, sys.stderr = streams
    code, said = forked(lambda: stopped_run(template), template)
    assert code == 0, said


_TRIALS: list[Trials] = []


def _adopt(trials: Trials) -> None:
    _TRIALS.append(trials)


def _try(asked: tuple[str, str, str]) -> tuple[tuple[str, str, str], tuple[str, str]]:
    return asked, _TRIALS[0].trial(*asked)


if __name__ == "__main__":
    main()
