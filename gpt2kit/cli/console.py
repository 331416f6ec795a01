"""The only place that prints, and the door to `rich`: results to stdout, everything else to stderr."""

import json
import os
import re
import sys
import time
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from gpt2kit.errors import DataError, MachineError

if TYPE_CHECKING:
    from gpt2kit.data.report import SplitReport
    from gpt2kit.pipeline import Event
    from gpt2kit.preflight import Preflight
    from gpt2kit.recipe import Knob
    from gpt2kit.scoring import Evaluation
    from gpt2kit.train import events as kinds

SECONDS_BETWEEN_LINES = 5.0
"""Off a terminal a progress line comes that often at most."""

MUCH_DAMAGE = 0.5
"""The share of a corpus from which on damage is no longer a matter of a few files."""

PIPE_CLOSED = 141
"""The exit code that a shell gives a command whose reader has gone."""


class PipeClosed(Exception):
    """The reader of stdout has gone, as `head` does."""


messages = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)

STEERING = re.compile(r"[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What json leaves as it is though it moves a cursor, ends a line, turns the direction of a text or is half of a
character."""


def any_text() -> None:
    """Let stdout take all there is in Unicode, whatever the terminal can show: what it cannot is written as an escape.

    Where nobody looks at it, it is UTF-8.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        encoding = sys.stdout.encoding if sys.stdout.isatty() else "utf-8"
        sys.stdout.reconfigure(encoding=encoding, errors="backslashreplace")


def result(text: str) -> None:
    """One line of stdout: as it is, or on a terminal without what would steer it.

    Raises PipeClosed when nobody reads any more, MachineError when it cannot be written.
    """
    piece(text + "\n")


def piece(text: str) -> None:
    """The same of a part of a line, which is seen at once."""
    _write(printable(text) if sys.stdout and sys.stdout.isatty() else text)


def _write(text: str) -> None:
    if sys.stdout is None:  # it was closed before this process began
        raise PipeClosed
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains at its own flush
        if isinstance(error, BrokenPipeError):
            raise PipeClosed from None
        raise MachineError(f"standard output: cannot be written: {error.strerror or error}") from error


def result_json(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    result(STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def asked() -> str | None:
    """A line that is typed on the terminal; None when there are no more. Raises DataError for what is no text."""
    messages.print("[bold]>[/] ", end="")
    try:
        line = sys.stdin.readline()
    except UnicodeDecodeError as error:
        raise DataError(f"standard input: this is no {error.encoding} text: {error.reason}") from None
    return line.removesuffix("\n") if line else None


def silence() -> None:
    """Say nothing from here on: one of several processes speaks for all."""
    messages.quiet = True


def say(text: str) -> None:
    """A line of stderr; text in it is never taken for markup."""
    messages.print(escape(printable(text)))


def error(text: str, as_json: bool, exit_code: int) -> None:
    if as_json:
        sys.stderr.write(json.dumps({"ok": False, "error": {"code": exit_code, "message": text}}) + "\n")
    else:
        messages.print(f"[bold red]error[/] {escape(printable(text))}")


def printable(text: str) -> str:
    """Text with its control characters shown, so that data cannot steer a terminal."""
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(char: str) -> str:
    """A character that is no control, or its escape; spaces of all widths and what joins emoji are harmless."""
    steers = unicodedata.category(char) == "Cc" or STEERING.match(char)
    return repr(char)[1:-1] if steers and char not in "\n\t" else char


class Counter:
    """Counts records on one line of a terminal; elsewhere says now and then how far it is."""

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


def prepared(reports: "dict[str, SplitReport]", out: str) -> None:
    """What was read, kept, dropped and why."""
    table = Table(box=None, pad_edge=False)
    columns = ("split", "read", "rows", "tokens", "dropped", "source cut", "duplicates", "source also in train")
    for column in columns:
        table.add_column(column, justify="left" if column == "split" else "right")
    for split, report in reports.items():
        dropped = sum(report.dropped.values())
        figures = (report.read, report.rows, report.tokens, dropped, report.cut, report.duplicates, report.leaked)
        table.add_row(split, *(f"{figure:,}" for figure in figures))
    messages.print(table)
    for split, report in reports.items():
        left_out(split, report)
        if split == "val" and not report.rows:
            say("val: nothing is held out of so little: no loss will be watched; --val names a corpus for it")
        if report.cut:
            lost = f"{report.cut_tokens:,} tokens beside {report.tokens:,} that stay"
            say(f"{split}: {report.cut:,} sources were cut to fit into the window, by {lost}")
        if report.leaked and split != "train":
            example = report.examples["source also in training"][0]
            say(f"{split}: {report.leaked:,} sources stand in train too, such as {example}")
        if report.nearly_leaked and split != "train":
            aside = "but for case, spaces and punctuation"
            say(f"{split}: {report.nearly_leaked:,} more stand in train {aside}")
    say(f"written to {out}; prepare.json in it lists examples, and every damaged record")


def described(lines: list[str], examples: list[str]) -> None:
    """What prepare found, and examples as the model reads them."""
    for line in lines:
        say(line)
    for number, example in enumerate(examples, 1):
        messages.print(f"[bold]example {number}[/] {escape(printable(example))}")


def left_out(split: str, report: "SplitReport") -> None:
    """What was read and is not used, by the reason."""
    for reason, count in report.dropped.items():
        say(f"{split}: {count:,} dropped, {reason}, such as {report.examples[reason][0]}")
    for reason, count in report.left_out.items():
        say(f"{split}: {count:,} {reason}")
    if report.damaged >= MUCH_DAMAGE * report.read > 0:
        share = f"{report.damaged:,} of {report.read:,} ({report.damaged / report.read:.0%}) could not be read"
        what = "is this the corpus that you meant? What is prepared is the rest"
        messages.print(f"[bold red]WARNING[/] {escape(printable(split))}: {share}: {what}")


def training(events: "Iterable[Event]") -> "Iterator[Event]":
    """Show events as they pass: a bar with rate and time left on a terminal, a line every few seconds elsewhere."""
    from gpt2kit import pipeline
    from gpt2kit.train import events as kinds

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[state]}"),
        TimeRemainingColumn(),
    )
    spoken = 0.0
    with Progress(*columns, console=messages, disable=not messages.is_terminal) as progress:
        bar = progress.add_task("training", total=None, state="")
        for event in events:
            if isinstance(event, kinds.Start):
                _started(event)
                progress.update(bar, total=event.steps or None, completed=event.step)
            elif isinstance(event, kinds.Fitted):
                say(f"a batch is computed in {event.accumulate} parts, to fit into memory; the numbers are the same")
            elif isinstance(event, kinds.Planned):
                say(f"budget {event.budget}: {event.steps:,} steps, {event.epochs:.1f} epochs")
            elif isinstance(event, kinds.Step):
                state = f"epoch {event.epoch:.2f}  loss {event.loss:.3f}  {event.tokens_per_second:,.0f} tokens/s"
                state += f"  {event.of_peak:.0%} of peak"
                progress.update(bar, completed=event.step, total=event.steps, state=state)
                if not messages.is_terminal and time.monotonic() - spoken > SECONDS_BETWEEN_LINES:
                    spoken = time.monotonic()
                    left = _duration(event.seconds_left)
                    say(f"step {event.step:,}/{event.steps:,}  {state}  {left} left")
            elif isinstance(event, kinds.Validation):
                best = "" if event.best else "  (not the lowest so far)"
                say(f"step {event.step:,}  validation loss {event.loss:.4f} nats per target token{best}")
            elif isinstance(event, kinds.Ended):
                say(f"step {event.step:,}  ended: {event.validations} validations in a row were not the lowest")
            elif isinstance(event, pipeline.Samples):
                for row in event.rows:
                    comparison(*row)
            yield event


def preflight(report: "Preflight") -> None:
    """What would be trained, a line for each thing."""
    cost, end = report.cost, report.ends
    learning = "all learn" if report.learning == report.parameters else f"{report.learning:,} of them learn"
    parts = f", a batch in {report.accumulate} parts, to fit into memory" if report.accumulate > 1 else ""
    share = f", {report.targets / report.epoch_tokens:.1%} of all" if report.target_unit == "tokens" else ""
    eager = ", measured without torch.compile, which the run would use" if report.compiles else ""
    said = {
        "model": f"{report.parameters:,} parameters, {learning}; {report.dtype} on {report.device}{parts}",
        "epoch": f"{report.epoch_tokens:,} tokens in {report.batches:,} batches, {report.padding:.1%} padding",
        "run": f"{report.steps:,} steps, {report.epochs:.1f} epochs",
        "loss": f"on {report.targets:,} {report.target_unit} of an epoch{share}",
        "end token": f"learned {end.learned:,} times of {end.of:,}: {end.remark}" if end.of else end.remark,
        **{name: _overlap(**split) for name, split in report.overlap.items()},
        "lost bytes": _listed(report.unknown) or "none: every byte has a token",
        "cut": f"{report.cut:,} sources, by {report.cut_tokens:,} tokens" if report.cut else "nothing",
        "dropped": "; ".join(f"{count:,} {reason}" for reason, count in report.dropped.items()) or "nothing",
        "a step": f"{cost.step:.3g} s ({cost.step_from:.3g} to {cost.step_to:.3g}){eager}",
        "in all": f"{_duration(cost.total)} ({_duration(cost.total_from)} to {_duration(cost.total_to)})",
        "memory": "this system does not say" if cost.memory is None else f"{size(cost.memory)} at most",
        "disk": f"{size(cost.disk)} at most, of {size(cost.disk_free)} that are free",
    }
    for what, text in said.items():
        result(f"{what:<12}{printable(text)}")
    if end.learned < end.of:
        messages.print("[bold red]WARNING[/] answers whose end is not learned: the model may not know when to stop")
    if report.unknown:
        messages.print("[bold red]WARNING[/] these bytes have no token: the texts that hold them lose them")
    if cost.disk > cost.disk_free:
        messages.print("[bold red]WARNING[/] the disk may become full: the run would stop at a save")


def _overlap(rows: int, leaked: int, nearly_leaked: int) -> str:
    said = [f"{leaked:,}"] if leaked else []
    said += [f"{nearly_leaked:,} but for case, spaces and punctuation"] if nearly_leaked else []
    return f"{rows:,} rows, of whose sources stand in train too: {', and '.join(said) or 'none'}"


def loss_legend() -> None:
    """How `marked` tells what carries loss."""
    say("what carries loss is green" if _stdout().color_system else "what carries loss stands in ⟦ ⟧")


def marked(heading: str, spans: "Iterable[tuple[str, bool]]") -> None:
    """Text of which some carries loss."""
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


SHOWN_BYTES = 8


def _listed(items: list[str]) -> str:
    more = f" and {len(items) - SHOWN_BYTES} more" if len(items) > SHOWN_BYTES else ""
    return ", ".join(items[:SHOWN_BYTES]) + more


def size(count: float) -> str:
    """Bytes as people say them."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:,.3g} GB"


def _started(event: "kinds.Start") -> None:
    going_on = f", going on after step {event.step:,}" if event.step else ""
    if event.resumed and not event.step:
        going_on = ", from the first step again: the run was stopped before its first save"
    steps = f"{event.steps:,} steps, " if event.steps else "steps by the budget of time, "
    where = event.device if event.processes == 1 else f"{event.processes} x {event.device.split(':')[0]}"
    compiled = ", compiled (the first steps take half a minute)" if event.compiled else ""
    say(
        f"{event.parameters:,} parameters, {steps}{event.steps_per_epoch:,} an epoch, "
        f"{event.padding:.1%} padding, {event.dtype} on {where}{compiled}{going_on}"
    )


def comparison(source: str, output: str, target: str) -> None:
    """A source, the model's answer and the reference, one below the other."""
    say(f"    source     {source}\n    model      {output}\n    reference  {target}\n")


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def evaluated(evaluation: "Evaluation") -> None:
    systems = dict.fromkeys(score.system for score in evaluation.scores)
    for score in evaluation.scores:
        if not score.system:
            within = " [{:.2f}, {:.2f}]".format(*score.interval) if score.interval else ""
            result(f"{score.name} {score.value:.{score.digits}f}{within}  {score.signature}")
    for system in filter(None, systems):
        beside = (score for score in evaluation.scores if score.system == system)
        result(f"{system}:  " + "  ".join(f"{score.name} {score.value:.{score.digits}f}" for score in beside))
    say(
        f"{evaluation.count:,} examples in {evaluation.seconds:.1f} s "
        f"({evaluation.count / evaluation.seconds:.1f} a second)  {evaluation.signature}"
    )
    remarks(evaluation.truncated, evaluation.unfinished, evaluation.circling)
    for remark in evaluation.remarks:
        say(remark)


def remarks(cut: int, unfinished: int, circling: int) -> None:
    """What a user of the answers should know of them, if there is anything."""
    if unfinished:
        say(f"{unfinished:,} answers were ended by the length limit")
    if circling:
        say(f"{circling:,} answers say the same again and again; generate.repetition_penalty=1.2 is against that")
    if cut:
        say(f"{cut:,} sources were cut to fit into the window")


def recipe_list(recipes: "Iterable[tuple[str, str, str]]") -> None:
    """(name, task, first line of its comment) of each."""
    table(("recipe", "task", "what it is"), recipes)


COLOURS = {"ok": "green", "note": "yellow", "lacks": "red", "failed": "bold red", "not asked": "yellow"}
"""Of words that say how something is."""


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Rows of stdout under their columns; text in them is never taken for markup."""
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
    """(columns, how colours are shown, encoding) of stdout."""
    stdout = Console()
    return stdout.width, stdout.color_system or "", sys.stdout.encoding or "unknown"


def recipe_shown(task: str, knobs: "Iterable[Knob]") -> None:
    """Every knob with its value and what there is to know of it, as TOML that can be saved and used."""
    section = ""
    for knob in knobs:
        if knob.section != section:
            result(f"\n[{knob.section}]" if section else f"[{knob.section}]")
            section = knob.section
            if section == "task":
                result(f"name = {_toml(task)}")
        # What a size sets cannot be stated beside it.
        line = f"{'# ' if knob.origin == 'model.size' else ''}{knob.name} = {_toml(knob.value)}"
        default = "" if knob.origin == "default" else f", by default {_toml(knob.default)}"
        result(f"{line:<32} # {knob.meaning} [{knob.type}{default}; from {FROM.get(knob.origin, knob.origin)}]")


FROM = {"default": "the default", "recipe": "the recipe"}


def _toml(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, bool) else str(value).lower()
