"""Who prepares the parts: this process, processes that it starts on this machine, or those of torchrun."""

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any, Protocol, cast

from gpt2kit.data import remote
from gpt2kit.errors import MachineError, UserError
from gpt2kit.pipeline.preparing.kept import KEPT
from gpt2kit.pipeline.preparing.work import prepare_part
from gpt2kit.system import cores

if TYPE_CHECKING:
    from gpt2kit.training.distributed import ProcessGroup

Job = tuple[str, str, int]
"""The arguments of `prepare_part`."""

THREADS = "RAYON_NUM_THREADS"
"""The variable that limits the threads of `tokenizers`, and those of data/bulk.py."""


class Crew(Protocol):
    """Those who prepare parts together."""

    def outcomes(self, jobs: Sequence[Job], progress: Callable[[int], None]) -> Iterator[int]:
        """Prepare the parts and yield the number of records of each, in order; `progress` counts those of the one that
        this process prepares. Raises the error of the first part that has one."""
        ...


class Alone:
    """This process."""

    def outcomes(self, jobs: Sequence[Job], progress: Callable[[int], None]) -> Iterator[int]:
        return (prepare_part(*job, progress) for job in jobs)


class Processes:
    """Processes of this machine, which it starts. Each has a part of the threads."""

    def __init__(self, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        threads = max(1, cores() // count)
        self.members: dict[Connection, BaseProcess] = {}
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, threads, remote.secrets()), daemon=True)
            process.start()
            theirs.close()
            self.members[ours] = process

    def close(self) -> None:
        """End the processes, whatever they are doing: a part that is not complete leaves nothing."""
        for connection, process in self.members.items():
            connection.close()
            process.terminate()
            process.join()

    def outcomes(self, jobs: Sequence[Job], progress: Callable[[int], None]) -> Iterator[int]:
        found: dict[int, int | Exception] = {}
        free, busy = list(self.members), dict[Connection, int]()
        given = told = 0
        while told < len(jobs):
            failed = any(isinstance(outcome, Exception) for outcome in found.values())
            while free and given < len(jobs) and not failed:
                connection = free.pop()
                _send(connection, self.members[connection], jobs[given])
                busy[connection] = given
                given += 1
            for ready in wait(list(busy)):
                connection = cast("Connection[Any, Any]", ready)
                found[busy.pop(connection)] = _received(connection, self.members[connection])
                free.append(connection)
            while (outcome := found.pop(told, None)) is not None:
                if isinstance(outcome, Exception):
                    raise outcome
                told += 1
                yield outcome


def _send(connection: Connection, process: BaseProcess, job: Job) -> None:
    try:
        connection.send(job)
    except OSError:
        raise _ended(process) from None


def _received(connection: Connection, process: BaseProcess) -> int | Exception:
    try:
        found: int | Exception = connection.recv()
    except (EOFError, OSError):
        raise _ended(process) from None
    return found


def _ended(process: BaseProcess) -> MachineError:
    process.join()
    code = process.exitcode or 0
    if code >= 0:
        return MachineError(f"a process of prepare ended with exit code {code}; {KEPT}")
    hint = "; the system does that when memory runs out" if -code == signal.SIGKILL else ""
    name = signal.Signals(-code).name
    return MachineError(f"a process of prepare was killed by {name} (signal {-code}){hint}; {KEPT}")


def _serve(connection: Connection, threads: int, secrets: dict[str, str]) -> None:
    """Prepare the parts that come through a connection until its other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a whole process group: the process that started this one ends it
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.setdefault(THREADS, str(threads))
    remote.share_secrets(secrets)
    try:
        while True:
            connection.send(_outcome(connection.recv()))
    except (EOFError, OSError):
        return


def _end_with_parent() -> None:
    """End this process if the one that started it is killed: the same command may be given again at once."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def _outcome(job: Job) -> int | Exception:
    """The number of records of a part, or what is wrong: the main process raises it."""
    try:
        return prepare_part(*job)
    except UserError as error:
        return error
    except Exception as error:  # a bug, whose place would be lost
        error.add_note(traceback.format_exc())
        return error


class Ranks:
    """The processes of torchrun, of which this is the main one; the others are in `serve`."""

    def __init__(self, group: "ProcessGroup") -> None:
        self.group = group

    def outcomes(self, jobs: Sequence[Job], progress: Callable[[int], None]) -> Iterator[int]:
        size = self.group.size
        for start in range(0, len(jobs), size):
            mine = [*jobs[start : start + size]]
            for outcome in self._round([*mine, *[None] * (size - len(mine))])[: len(mine)]:
                if isinstance(outcome, Exception):
                    raise outcome
                yield outcome

    def _round(self, jobs: Sequence[Job | None]) -> list[Any]:
        """What becomes of one part for each process; None is no part."""
        return self.group.collected(_answer(self.group.dealt([(job,) for job in jobs])))


def _answer(dealt: tuple[Job | None]) -> int | Exception | None:
    (job,) = dealt
    return None if job is None else _outcome(job)


def serve(group: "ProcessGroup") -> None:
    """Prepare the parts that the main process deals, until its `crew` ends."""
    os.environ.setdefault(THREADS, str(max(1, cores() // int(os.environ.get("LOCAL_WORLD_SIZE", group.size)))))
    while (dealt := group.dealt(())) is not None:
        group.collected(_answer(dealt))


@contextmanager
def crew(processes: int, group: "ProcessGroup | None") -> Iterator[Crew]:
    """Those who prepare the parts in the block: the processes of a group, or else this number of them."""
    if group is not None:
        yield Ranks(group)
        group.dealt([None] * group.size)  # after an error they find the main process gone
    elif processes > 1:
        found = Processes(processes)
        try:
            yield found
        finally:
            found.close()
    else:
        yield Alone()
