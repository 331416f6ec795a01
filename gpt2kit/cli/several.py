"""Verbs that several processes share: `--devices N` starts them, and so does torchrun.

All processes run the same command. The main one does all the work but for answering, in which the others help; it
alone prints and writes.
"""

import functools
import inspect
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpt2kit.cli import console
from gpt2kit.errors import Interrupted, UserError

if TYPE_CHECKING:
    from gpt2kit.pipeline.engine import Engine
    from gpt2kit.training.distributed import ProcessGroup

OPTION = "devices"
DevicesOption = Annotated[
    int, typer.Option("--devices", min=1, metavar="N", help="Answer on N GPUs, or with N processes on the CPU.")
]

command_line: Sequence[str] = ()
"""The words of the command that this process runs."""

group: "ProcessGroup | None" = None
"""The processes of this command, if they are several."""


class _Served(Exception):
    """A process has done its part of a command."""


def on_devices(kept: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a verb the option --devices; `kept` says what is left after a process has died."""

    def mark(verb: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(verb)
        def shared(*words: Any, devices: int = 1, **options: Any) -> None:
            if processes() > 1:
                _in_rank(functools.partial(verb, *words, **options))
            elif devices > 1:
                _launch(devices, options["device"], kept)
            else:
                verb(*words, **options)

        signature = inspect.signature(verb)
        own = inspect.Parameter(OPTION, inspect.Parameter.KEYWORD_ONLY, default=1, annotation=DevicesOption)
        places = [*signature.parameters.values()]
        after = [parameter.name for parameter in places].index("device") + 1
        places.insert(after, own)
        shared.__signature__ = signature.replace(parameters=places)  # type: ignore[attr-defined]  # read by verbs.bind
        return shared

    return mark


ProcessesOption = Annotated[
    int,
    typer.Option("--devices", min=1, metavar="N", help="Prepare a corpus of many files with N processes on the CPU."),
]


def by_torchrun(verb: Callable[..., None]) -> Callable[..., None]:
    """A verb that starts its processes itself, but may also be run by torchrun."""

    @functools.wraps(verb)
    def shared(*words: Any, **options: Any) -> None:
        command = functools.partial(verb, *words, **options)
        if processes() > 1:
            _in_rank(command)
        else:
            command()

    return shared


def processes() -> int:
    """How many share this command. The module that knows is imported only where there may be others."""
    if "WORLD_SIZE" not in os.environ:
        return 1
    from gpt2kit.training import distributed

    return distributed.place()[1]


def is_main() -> bool:
    """Whether this process is the one that prints and writes."""
    return group is None or group.is_main


def leave_to_main() -> None:
    """End the other processes here: they have done their part of the command."""
    if not is_main():
        raise _Served


def with_own_device(settings: dict[str, Any], default: str) -> dict[str, Any]:
    """[generate] settings with this process's own device, of those that their `device` stands for."""
    if group is None:
        return settings
    from gpt2kit.training import distributed

    return settings | {"device": str(distributed.device_of_rank(settings.get("device", default)))}


def _launch(devices: int, device: str, kept: str) -> None:
    """Run this command in several processes and wait for them."""
    from gpt2kit.training import launch

    launch.check_devices(devices, device or "auto")
    try:
        launch.launch(command_line, devices, kept)
    except Interrupted as stopped:  # the main process has printed it
        raise typer.Exit(stopped.exit_code) from None
    except launch.RankFailed as failed:
        if str(failed):
            raise
        raise typer.Exit(failed.exit_code) from None


def _in_rank(command: Callable[[], None]) -> None:
    """Do one process's part of a command. Of several only the main one prints; the launcher reports their errors."""
    global group
    from gpt2kit.training import distributed

    rank, _ = distributed.place()
    if rank:
        console.silence()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    else:
        signal.signal(signal.SIGTERM, _terminated)
    code = 0
    try:
        with distributed.join_to_answer() as group:
            try:
                command()
            except _Served:
                pass
            except typer.Exit as ended:
                code = ended.exit_code
    except (distributed.LostPeer, _Terminated):  # what ended the other one is the launcher's to tell
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTERM)
    except UserError as error:
        distributed.record_error(error)
        if rank or distributed.STARTED_BY in os.environ:
            raise typer.Exit(error.exit_code) from error
        raise
    except console.PipeClosed:
        distributed.record_end("", console.PIPE_CLOSED)
        raise
    finally:
        group = None
    if code:
        distributed.record_end("", code)
        raise typer.Exit(code)


class _Terminated(BaseException):
    """SIGTERM, as an exception: temporary files are removed."""


def _terminated(number: int, frame: object) -> None:
    raise _Terminated


@contextmanager
def main_first() -> Iterator[None]:
    """A block that the main process leaves before the others enter it, as it writes what they read."""
    if group is not None and not group.is_main:
        group.barrier()
    yield
    if group is not None and group.is_main:
        group.barrier()


@contextmanager
def answering(engine: "Engine") -> Iterator[None]:
    """A block in which all processes of the command answer for the engine. Only the main one gets into it."""
    if group is None:
        yield
        return
    from gpt2kit.pipeline.dealing import dealing, serve

    if not group.is_main:
        serve(engine, group)
        leave_to_main()
    with dealing(engine, group):
        yield
