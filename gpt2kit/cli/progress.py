"""Shows training in progress, and what can be done with a run that was stopped."""

import shlex
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gpt2kit.cli import console, loading, reports
from gpt2kit.errors import Interrupted, counted

if TYPE_CHECKING:
    from gpt2kit.pipeline.train import Event
    from gpt2kit.training import events


def training(stream: "Iterable[Event]") -> "Iterator[Event]":
    """Show events as they pass through."""
    from gpt2kit.pipeline.train import Samples
    from gpt2kit.training import events

    busy = ""  # what a wide bar says as long as it is true, and others once
    with console.Bar() as bar:
        for event in stream:
            if isinstance(event, events.Start):
                loading.say_unusual(event)
                console.say(_started(event))
                bar.begin(event.step, event.steps)
            elif isinstance(event, events.Fitted):
                parts = f"in {event.accumulate} parts to fit into memory, with the same results"
                console.say(f"each batch is computed {parts}")
            elif isinstance(event, events.Planned):
                console.say(f"budget {event.budget}: {counted(event.steps, 'step')}, {event.epochs:.1f} epochs")
            elif isinstance(event, events.Extended):
                console.say(extended(event))
            elif isinstance(event, events.Rescheduled):
                console.say(_rescheduled(event))
            elif isinstance(event, events.StepDone):
                state = f"epoch {event.epoch:.2f}  loss {event.loss:.3f}  {event.tokens_per_second:,.0f} tokens/s"
                share = f"{event.of_peak:.0%} of peak" if event.of_peak else ""
                more = busy if bar.wide and busy else share
                bar.move(event.step, event.steps, state, more, event.seconds_left)
            elif isinstance(event, events.Shared):
                busy = _shared(event) if event.busy else ""
                if not bar.wide:
                    console.say(f"step {event.step:,}  {_shared(event)}")
            elif isinstance(event, events.Validation):
                console.say(_validated(event))
            elif isinstance(event, events.Ended):
                console.say(
                    f"step {event.step:,}  ended: {event.validations} validations in a row without a new lowest loss"
                )
            elif isinstance(event, Samples):
                for row in event.rows:
                    reports.comparison(*row)
            yield event


def stopped(event: "events.Stopped", task: str, run: Path, resume: str) -> Interrupted:
    """The end of a command whose training was stopped; `resume` is the command that continues it."""
    return Interrupted(
        event.signal,
        f"stopped after step {event.step:,}, state saved; to continue:\n  {resume}\n"
        f"to use what it has learned so far:\n  gpt2kit {task} generate --run {shlex.quote(str(run))}",
    )


def interrupted(run: Path, resume: bool, before: bool, again: str) -> Interrupted:
    """The end of a command whose training Ctrl-C ended without a save: before its first step, or at the second Ctrl-C.

    `before` says whether the folder existed when the command started, and `again` is the command that continues it.
    """
    from gpt2kit.runs.folder import RUN_FILE
    from gpt2kit.training import state

    if not resume and (before or not (run / RUN_FILE).is_file()):
        message = "interrupted before the first step: nothing was trained or written"
    elif state.newest(run):
        message = f"interrupted; the state of the last save is untouched; to continue from it:\n  {again}"
    else:
        message = f"interrupted before the first save; to start the training again:\n  {again}"
    return Interrupted(signal.SIGINT, message)


def extended(event: "events.Extended") -> str:
    """The sentence about a budget that will be exceeded."""
    return (
        f"the budget of {event.budget} has time for only {event.allowed:,} of the {event.steps:,} steps that this "
        f"recipe needs to learn anything: training takes about {console.clock(event.seconds)} from now"
    )


def _rescheduled(event: "events.Rescheduled") -> str:
    what = "extended" if event.steps > event.before else "shortened"
    moments = "" if event.moments else "; the run kept no state, so the optimizer's moments start again"
    return (
        f"schedule {what} from {event.before:,} to {counted(event.steps, 'step')}: the learning rate continues at "
        f"{event.rate:.2g}, was {event.rate_before:.2g}{moments}"
    )


def _shared(event: "events.Shared") -> str:
    state = "the machine is busy" if event.busy else "the machine is free again"
    return f"{state}: {event.threads} of {event.of} threads"


def _validated(event: "events.Validation") -> str:
    part = f", on {event.batches:,} of {counted(event.of, 'batch')}: the budget leaves no time for more"
    part = part if event.batches < event.of else ""
    best = "" if event.best else "  (not the lowest so far)"
    return f"step {event.step:,}  validation loss {event.loss:.4f} nats per target token{part}{best}"


def _started(event: "events.Start") -> str:
    resumed = f", continuing after step {event.step:,}" if event.step else ""
    if event.resumed and not event.step:
        resumed = ", starting again: the run was stopped before its first saved step"
    steps = f"{counted(event.steps, 'step')}, " if event.steps else "as many steps as fit into the budget, "
    where = event.device if event.processes == 1 else f"{event.processes} x {event.device.split(':')[0]}"
    where += f" with {counted(event.threads, 'thread')}" if event.threads else ""
    compiled = ", compiled (the first steps take half a minute)" if event.compiled else ""
    part = ""
    if event.learning is not None:
        part = f"{event.learning:,} of them trained ({event.learning / event.parameters:.2%}), "
    return (
        f"{event.parameters:,} parameters, {part}{steps}{event.steps_per_epoch:,} per epoch, "
        f"{event.padding:.1%} padding, {event.dtype} on {where}{compiled}{resumed}"
    )
