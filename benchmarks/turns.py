"""Programs that take turns: each stays warm in a process of its own, and only one of them computes at a time.

A shared machine drifts in speed within minutes, so figures are comparable only within a round, in which every program
has its turn (A B C A B C ...). The parent asks for a turn with a line on a pipe; the program works, then answers.
"""

import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

import torch

Settings = dict[str, Any]


class Turn:
    """The program's side: it calls `tick` after each unit of work, and waits in there until it has its turn again."""

    def __init__(self, pipe: TextIO, seconds: float, warm_units: int, warm_seconds: float) -> None:
        """A turn lasts about `seconds`; units before it are warm-up, so many and for so long after the first."""
        self.pipe, self.seconds, self.warm_units, self.warm_seconds = pipe, seconds, warm_units, warm_seconds
        self.warm_ends: list[float] = []
        self.units_a_turn = 0  # until the warm-up says; a program without one goes by the clock
        self.notes: dict[str, Any] = {}
        self.answer: dict[str, Any] = {}
        self.warm, self.untimed, self.units, self.count = False, 0, 0, 0.0
        self.started, self.cpu = 0.0, 0.0

    def note(self, **notes: Any) -> None:
        """What the parent shall know of the program, before its first turn."""
        self.notes |= notes

    def send(self, message: dict[str, Any]) -> None:
        self.pipe.write(json.dumps(message) + "\n")
        self.pipe.flush()

    def tick(self, count: float, **answer: Any) -> None:
        """`count` (tokens, sentences, FLOP) was done; `answer` goes back with the turn's figures, behind the clock."""
        if not self.warm:
            self._warm_up()
            return
        if self.untimed:
            self.untimed -= 1
            if not self.untimed:
                self._start()
            return
        self.units += 1
        self.count += count
        self.answer = answer
        if self.units < self.units_a_turn or (
            not self.units_a_turn and time.perf_counter() - self.started < self.seconds
        ):
            return
        device_idle()
        seconds, cpu = time.perf_counter() - self.started, time.process_time() - self.cpu
        figures = {"count": self.count, "seconds": seconds, "cores": cpu / seconds, "memory_gib": memory()}
        self.send(figures | self.answer)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()  # the others need the room
        self._wait()

    def ready(self) -> None:
        """Warm-up is over: say so, and wait for the first turn."""
        device_idle()
        self.warm = True
        self.send(self.notes)
        self._wait()

    def _warm_up(self) -> None:
        self.warm_ends.append(time.perf_counter())
        ends = self.warm_ends
        if len(ends) < max(2, self.warm_units) or ends[-1] - ends[0] < self.warm_seconds:
            return
        later = ends[len(ends) // 2 - 1 :]  # the first ones compile
        self.units_a_turn = max(1, math.ceil(self.seconds * (len(later) - 1) / (later[-1] - later[0])))
        self.ready()

    def _wait(self) -> None:
        if not sys.stdin.readline():
            sys.exit(0)
        self.untimed = int(torch.cuda.is_available())  # takes back the memory that was given to the others
        self._start()

    def _start(self) -> None:
        device_idle()
        self.units, self.count = 0, 0.0
        self.started, self.cpu = time.perf_counter(), time.process_time()


Program = Callable[[Settings, Turn], None]


def device_idle() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def memory() -> float:
    """The most that the process has held, in GiB: on the GPU where torch uses one, else of the machine's."""
    if torch.cuda.is_available() and (held := torch.cuda.max_memory_allocated()):
        return held / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def serve(programs: Mapping[str, Program]) -> None:
    """The whole of a worker process: run the program that the first line on stdin names."""
    pipe = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not come between the answers
    order = json.loads(sys.stdin.readline())
    torch.set_num_threads(order["settings"]["threads"])
    turn = Turn(pipe, order["seconds"], order["warm_units"], order["warm_seconds"])
    try:
        programs[order["program"]](order["settings"], turn)
    except Exception as error:  # whatever it is: the other programs go on, and the table says why this one did not
        traceback.print_exc()
        turn.send({"failed": reason(error)})


def reason(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"{error.name} is not installed"
    lines = str(error).strip().split("\n")
    return f"{type(error).__name__}: {lines[0]}"[:200]


@dataclass
class Player:
    """The parent's side: a program, how it is set, and what it did."""

    name: str
    program: str
    settings: Settings
    ours: bool = False
    environment: dict[str, str | None] = field(default_factory=dict)
    """Variables of its own; None removes one."""
    warm_seconds: float | None = None
    """Its own warm-up."""
    failed: str = ""
    notes: dict[str, Any] = field(default_factory=dict)
    turns: list[dict[str, Any]] = field(default_factory=list)

    @property
    def done(self) -> bool:
        return bool(self.turns) and not self.failed

    @property
    def rates(self) -> list[float]:
        """Units of `count` a second, a round each."""
        return [turn["count"] / turn["seconds"] for turn in self.turns]

    @property
    def cores(self) -> float:
        """Cores that were busy: fewer than there are threads where the program waits, or others are on the machine."""
        return statistics.median(turn["cores"] for turn in self.turns)

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)


@dataclass(frozen=True)
class Plan:
    """How long everybody works."""

    rounds: int
    seconds: float
    warm_units: int
    warm_seconds: float
    threads: int
    limit: float = 600
    """Seconds after which a program that does not answer is given up."""


def play(script: str, players: Sequence[Player], plan: Plan) -> None:
    """Start each program and let it warm up, then let all take turns; whoever fails is out, and `failed` says why."""
    workers: list[tuple[Player, _Worker]] = []
    try:
        for player in players:
            if not player.failed:
                say(f"{player.name}: warming up")
                worker = _Worker(script, player, plan)
                workers.append((player, worker))
                player.notes = worker.hear()
        for number in range(plan.rounds):
            for player, worker in workers:
                if not player.failed and (turn := worker.ask()):
                    player.turns.append(turn)
                    say(f"round {number + 1} of {plan.rounds}: {player.name} {player.rates[-1]:,.2f}")
    finally:
        for _, worker in workers:
            worker.end()


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


class _Worker:
    def __init__(self, script: str, player: Player, plan: Plan) -> None:
        self.player, self.limit = player, plan.limit
        self.log = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - lives as long
        threads = {name: str(plan.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
        gpu = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]  # Trainer would spread over all that it sees
        changes = threads | {"CUDA_VISIBLE_DEVICES": gpu, "HF_HUB_OFFLINE": "1"} | player.environment
        environment = {name: value for name, value in (os.environ | changes).items() if value is not None}
        self.process = subprocess.Popen(
            [sys.executable, script, "--worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            encoding="utf-8",
            env=environment,
        )
        order = {
            "program": player.program,
            "settings": {"threads": plan.threads} | player.settings,
            "seconds": plan.seconds,
            "warm_units": plan.warm_units,
            "warm_seconds": plan.warm_seconds if player.warm_seconds is None else player.warm_seconds,
        }
        self._write(json.dumps(order))

    def ask(self) -> dict[str, Any]:
        """One turn; nothing when the program has failed."""
        time.sleep(0.3)  # threads of the one before may still spin
        self._write("turn")
        return self.hear()

    def hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        timer = threading.Timer(self.limit, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        answer: dict[str, Any] = json.loads(line) if line else {"failed": self._last_words()}
        if "failed" not in answer:
            return answer
        self.player.failed = answer["failed"]
        say(f"{self.player.name}: {self.player.failed}")
        return {}

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()
        self.log.close()

    def _write(self, line: str) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # hear() finds out why

    def _last_words(self) -> str:
        code = self.process.wait()
        self.log.seek(0)
        lines = [line for line in self.log.read().split("\n") if line.strip()]
        return f"ended with code {code}: {lines[-1] if lines else 'it said nothing'}"[:200]
