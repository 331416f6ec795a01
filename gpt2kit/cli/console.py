"""The only module that prints, and that imports `rich`: results go to stdout, everything else to stderr."""

import json
import os
import re
import sys
import time
import unicodedata
from collections.abc import Iterable, Sequence
from io import TextIOWrapper
from types import TracebackType
from typing import Any, TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from gpt2kit.errors import DataError, MachineError

SECONDS_BETWEEN_LINES = 5.0
"""Least seconds between progress lines when stderr is not a terminal."""

WIDE = 100
"""Columns of a terminal that has room for everything that a progress bar can say."""

PIPE_CLOSED = 141
"""The exit code that a shell gives a command whose reader has closed the pipe."""


class PipeClosed(Exception):
    """The reader of stdout has closed it, as `head` does."""


class Messages(Console):
    """stderr, whose reader may have closed it like that of stdout."""

    def on_broken_pipe(self) -> None:
        """Rich would exit with 1, which means a bug here."""
        _discard(sys.stderr)
        raise PipeClosed


messages = Messages(stderr=True, highlight=False, soft_wrap=True, emoji=False)

STEERING = re.compile(r"[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that json does not escape although they move a cursor, end a line, change the direction of a text or are
half of a character."""


def any_text() -> None:
    """Let stdout accept all of Unicode: characters that the terminal cannot show are written as escapes.

    If it is not a terminal, it is UTF-8.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        encoding = sys.stdout.encoding if sys.stdout.isatty() else "utf-8"
        sys.stdout.reconfigure(encoding=encoding, errors="backslashreplace")


def on_terminal() -> bool:
    """Whether results go to a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def result(text: str) -> None:
    """Print one line to stdout: unchanged, or on a terminal without control characters.

    Raises PipeClosed if the reader has closed it, MachineError if it cannot be written.
    """
    piece(text + "\n")


def piece(text: str) -> None:
    """Print a part of a line to stdout, without buffering."""
    _write(printable(text) if on_terminal() else text)


def _write(text: str) -> None:
    if sys.stdout is None:  # closed before this process began
        raise PipeClosed
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        _discard(sys.stdout)
        if isinstance(error, BrokenPipeError):
            raise PipeClosed from None
        raise MachineError(f"standard output: cannot be written: {error.strerror or error}") from error


def _discard(stream: TextIO) -> None:
    """Send the rest to nowhere, which avoids an error at Python's own flush."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def result_json(value: Any) -> None:
    result(json_line(value))


def json_line(value: Any) -> str:
    """JSON without characters that steer a terminal."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def asked() -> str | None:
    """A line typed on the terminal; None at the end of input. Raises DataError for bytes that are not text."""
    messages.print("[bold]>[/] ", end="")
    try:
        line = sys.stdin.readline()
    except UnicodeDecodeError as error:
        raise DataError(f"standard input is not valid {error.encoding} text: {error.reason}") from None
    return line.removesuffix("\n") if line else None


def silence() -> None:
    """Print nothing from now on: of several processes, only the main one prints."""
    messages.quiet = True


def say(text: str) -> None:
    """Print a line to stderr; its text is never interpreted as markup."""
    messages.print(escape(printable(text)))


def warn(text: str) -> None:
    """Print a warning."""
    _headed("bold red", "WARNING", text)


def example(number: int, text: str) -> None:
    """Print one of the first rows, as the model reads it; on a terminal its lines are indented."""
    heading = f"example {number}"
    if not messages.is_terminal:
        _headed("bold", heading, text)
        return
    shown = Table.grid(padding=(0, 1))
    shown.add_row(Text(heading, "bold"), Text(printable(text)))
    messages.print(shown, soft_wrap=False)


def _headed(style: str, heading: str, text: str) -> None:
    messages.print(f"[{style}]{heading}[/] {escape(printable(text))}")


def error(text: str, as_json: bool, exit_code: int) -> None:
    if as_json:
        line = json.dumps({"ok": False, "error": {"code": exit_code, "message": text}})
        messages.print(line, markup=False)
    else:
        _headed("bold red", "error", text)


def printable(text: str) -> str:
    """Text with its control characters escaped, so that data cannot control a terminal."""
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(char: str) -> str:
    """A character, or its escape if it is a control; spaces of all widths and emoji joiners are harmless."""
    steers = unicodedata.category(char) == "Cc" or STEERING.match(char)
    return repr(char)[1:-1] if steers and char not in "\n\t" else char


class Counter:
    """Counts records on one line of a terminal; otherwise prints progress now and then."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.spoken = time.monotonic()

    def __call__(self, phase: str, count: int) -> None:
        line = escape(printable(f"{phase}: {count:,} {self.unit}"))
        if messages.is_terminal:
            messages.print(line, end="\r")
        elif time.monotonic() - self.spoken > SECONDS_BETWEEN_LINES:
            self.spoken = time.monotonic()
            messages.print(line)

    def done(self) -> None:
        if messages.is_terminal:
            messages.print(" " * 60, end="\r")


class Bar:
    """Progress: a bar with rate and time left on a terminal, otherwise a line every few seconds."""

    def __init__(self, unit: str = "step") -> None:
        self.unit = unit
        state = "{task.fields[state]}"
        if messages.width >= WIDE:
            state += "  {task.fields[more]}"
        columns = (BarColumn(bar_width=None), MofNCompleteColumn(), TextColumn(state), TimeRemainingColumn())
        self.progress = Progress(*columns, console=messages, disable=not messages.is_terminal)
        self.bar = self.progress.add_task("training", total=None, state="", more="")
        self.spoken = 0.0
        self.wide = messages.is_terminal and messages.width >= WIDE

    def __enter__(self) -> "Bar":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()

    def begin(self, step: int, steps: int) -> None:
        """Show the bar; `steps` 0: not yet known."""
        self.progress.start()
        self.progress.update(self.bar, total=steps or None, completed=step)

    def move(self, step: int, steps: int, state: str, more: str, seconds_left: float) -> None:
        """`more` is left out where the terminal is not wide."""
        self.progress.update(self.bar, completed=step, total=steps, state=state, more=more)
        if not messages.is_terminal and time.monotonic() - self.spoken > SECONDS_BETWEEN_LINES:
            self.spoken = time.monotonic()
            said = (f"{self.unit} {step:,}/{steps:,}", state, more, f"{clock(seconds_left)} left")
            say("  ".join(filter(None, said)))


def clock(seconds: float) -> str:
    """Hours, minutes and seconds, with colons between them."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def figures(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows to stderr under their columns, all but the first right-aligned."""
    shown = Table(box=None, pad_edge=False)
    for place, column in enumerate(columns):
        shown.add_column(column, justify="right" if place else "left")
    for row in rows:
        shown.add_row(*row)
    messages.print(shown)


def loss_legend() -> None:
    """Explain how `marked` shows which tokens carry loss."""
    say(f"tokens that carry loss are {'green' if _stdout().color_system else 'between ⟦ and ⟧'}")


def marked(heading: str, spans: "Iterable[tuple[str, bool]]") -> None:
    """Print text of which some carries loss."""
    stdout = _stdout()
    text = Text()
    for span, loss in spans:
        shown = printable(span)
        if stdout.color_system:
            text.append(shown, "green" if loss else "dim")
        else:
            text.append(f"⟦{shown}⟧" if loss else shown)
    with stdout.capture() as found:
        stdout.print(Text(printable(heading), "bold"))
        stdout.print(text)
    _write(found.get().rstrip("\n") + "\n\n")


def _stdout() -> Console:
    return Console(highlight=False, soft_wrap=True)


COLOURS = {"ok": "green", "note": "yellow", "lacks": "red", "failed": "bold red", "skipped": "yellow"}
"""Colours of words that describe a state."""


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows to stdout under their columns; their text is never interpreted as markup."""
    shown = Table(box=None, pad_edge=False)
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*(Text(printable(cell), COLOURS.get(cell, "")) for cell in row))
    stdout = Console(highlight=False)
    with stdout.capture() as captured:
        stdout.print(shown)
    _write("\n".join(line.rstrip() for line in captured.get().rstrip("\n").split("\n")) + "\n")


def terminal() -> tuple[int, str, str]:
    """(columns, colour system, encoding) of stdout."""
    stdout = Console()
    return stdout.width, stdout.color_system or "", sys.stdout.encoding or "unknown"
