"""Ctrl-C, SIGTERM and SIGUSR1 request a stop after the current step; a second one stops immediately.

Schedulers of clusters send SIGTERM before they end a job, and SIGUSR1 is what Slurm's users ask for (`--signal`).
"""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

NUMBERS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGUSR1") if hasattr(signal, name))
"""Windows has no SIGUSR1."""


class StopRequest:
    """While entered, `number` is the first signal received, or 0."""

    def __init__(self) -> None:
        self.number = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is threading.main_thread():  # Python allows handlers only there
            for number in NUMBERS:
                self._before[number] = signal.signal(number, self._request)
        return self

    def _request(self, number: int, frame: FrameType | None) -> None:
        if self.number:
            raise KeyboardInterrupt
        self.number = number

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
