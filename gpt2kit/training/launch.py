"""`--devices N`: runs the same command line in N processes with torch's own launcher, and reports how they ended.

Each process reads its rank from the environment, as under torchrun: `distributed.join`.
"""

import logging
import os
import signal
import sys
import tempfile
import uuid
from collections.abc import Sequence

import torch
from torch.distributed.elastic.multiprocessing.api import DefaultLogsSpecs, SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from gpt2kit.errors import Interrupted, MachineError, UserError
from gpt2kit.model.device import pick_device
from gpt2kit.system import cores
from gpt2kit.training.distributed import STARTED_BY
from gpt2kit.training.signals import NUMBERS

CLOSED = tuple(getattr(signal, name) for name in ("SIGHUP", "SIGQUIT") if hasattr(signal, name))
"""Signals of a terminal, which the processes are ended by too."""

SECONDS_TO_SAVE = 300
"""Time limit for saving the state after a signal; then the process is killed."""

STOPPED = tuple(128 + number for number in NUMBERS)


class RankFailed(UserError):
    """A process of a run on several devices failed. The message is empty if that process has printed one."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def check_devices(count: int, device: str) -> None:
    """Raises MachineError if this machine has fewer devices."""
    kind = pick_device(device).type
    there = torch.cuda.device_count() if kind == "cuda" else cores() if kind == "cpu" else 1
    if count > there:
        what = {"cuda": "CUDA device(s)", "cpu": "CPU core(s)"}.get(kind, f"{kind} device")
        raise MachineError(f"--devices {count}: this machine has {there} {what}")


def launch(words: Sequence[str], devices: int, kept: str) -> None:
    """Run `gpt2kit WORDS` in `devices` processes and wait for them.

    Raises the error that ended the run; that of a process that could not tell it itself says what is `kept`. Raises
    Interrupted after a signal, once the processes have saved.
    """
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores() // devices)))
    os.environ[STARTED_BY] = str(devices)
    for name in ("torch.distributed.elastic", "torch.distributed.elastic.agent.server.api"):  # that has its own level
        logging.getLogger(name).setLevel(logging.CRITICAL)  # replaced by our messages below
    with tempfile.TemporaryDirectory() as scratch:
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=devices,
            run_id=uuid.uuid4().hex,
            rdzv_backend="c10d",
            rdzv_endpoint="localhost:0",  # any free port
            max_restarts=0,  # a run that failed by itself would fail again
            shutdown_timeout=SECONDS_TO_SAVE,
            signals_to_handle=",".join(signal.Signals(number).name for number in (*NUMBERS, *CLOSED)),
            logs_specs=DefaultLogsSpecs(log_dir=scratch),
        )
        try:
            elastic_launch(config, sys.executable)("-m", "gpt2kit", *words)
        except ChildFailedError as error:
            raise cause(error.failures, kept) from None
        except SignalException as error:
            raise Interrupted(error.sigval, "") from None


def cause(failures: dict[int, ProcessFailure], kept: str) -> UserError | Interrupted:
    """The failure that ended the run. The others are consequences: a lost connection, or the launcher ended them."""
    told = {rank: said(failure) for rank, failure in failures.items()}

    def order(rank: int) -> tuple[bool, bool, bool, int]:
        message, code = told[rank]
        return code == -signal.SIGTERM, code > 0, not message, rank

    rank = min(failures, key=order)
    message, code = told[rank]
    if code < 0:
        hint = "; the system does that when memory runs out" if -code == signal.SIGKILL else ""
        name = failures[rank].signal_name()
        return RankFailed(f"rank {rank} was killed by {name} (signal {-code}){hint}; {kept}", 128 - code)
    if code in STOPPED:
        return Interrupted(code - 128, "")
    if message or has_told(failures[rank]):
        return RankFailed(message, code)
    return RankFailed(f"rank {rank} ended with exit code {code}, see above; {kept}", code)


def said(failure: ProcessFailure) -> tuple[str, int]:
    """The message of the UserError that a process recorded, and its exit code; without a record "" and how it ended.

    The two may differ: after recording the error, a process can be aborted by a thread that still waits for the others.
    """
    if not has_told(failure):
        return "", failure.exitcode
    message = failure.error_file_data["message"]
    return str(message.get("message", "")), int(message.get("extraInfo", {}).get("exit_code", failure.exitcode))


def has_told(failure: ProcessFailure) -> bool:
    """Whether a process has recorded how it ended."""
    return isinstance(failure.error_file_data.get("message"), dict)
