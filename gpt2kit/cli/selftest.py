"""`gpt2kit selftest`: proof that a run computes what it should, on this machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpt2kit.cli import console, options
from gpt2kit.errors import CheckFailed

if TYPE_CHECKING:
    from gpt2kit.selftest.check import Check

NAMES, FIGURES = 29, 20
"""Characters."""


def selftest(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run, finished or not.")],
    data: options.MovedDataOption = "",
    base: options.BaseOption = "",
    device: Annotated[str, options.device(True)] = "auto",
    json: options.JsonOption = False,
) -> None:
    """Check on this machine that a run computes what it should; exit code 7 if a check fails."""
    from gpt2kit.selftest.prove import prove

    counter, checks = console.Counter("done"), []
    for check in prove(Path(run), device, Path(data) if data else None, base):
        checks.append(check)
        if not json:
            counter("checks", len(checks))
    counter.done()
    failed = [check.name for check in checks if check.passed is False]
    if json:
        console.result_json({"run": run, "passed": not failed, "checks": [check.json() for check in checks]})
    else:
        room = console.terminal()[0] - max(len(check.state) for check in checks) - 2
        console.table(("", "check, measured and limit"), (_row(check, room) for check in checks))
    if failed:
        raise CheckFailed(f"{run}: {len(failed)} of {len(checks)} checks failed: {'; '.join(failed)}")


def _row(check: "Check", room: int) -> tuple[str, str]:
    """A check as a row: on one line of `room` characters, or on several."""
    line = f"{check.name:<{NAMES}}  {check.measured}" if check.measured else check.name
    whole = f"{line:<{NAMES + FIGURES}}  {check.remark}"
    return check.state, whole if len(whole) <= room else f"{line}\n{check.remark}"
