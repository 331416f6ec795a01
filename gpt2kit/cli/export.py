"""`gpt2kit export`: a run in the format of another tool."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpt2kit.cli import console, options, reports
from gpt2kit.export.formats import FORMATS, find

if TYPE_CHECKING:
    from gpt2kit.selftest.check import Check

DTYPES = "; ".join(f"{each.name}: {', '.join(each.dtypes)}" for each in FORMATS.values())


def export(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run with weights; adapters are merged.")],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="FORMAT",
            help=f"One of {', '.join(FORMATS)}.",
            autocompletion=options.completing(lambda: FORMATS),
        ),
    ],
    out: Annotated[
        str,
        typer.Option(
            "--out",
            "-o",
            metavar="PATH",
            show_default="RUN with the ending of the format",
            help="Write the export here.",
        ),
    ] = "",
    dtype: Annotated[
        str,
        typer.Option(
            "--dtype", metavar="TYPE", show_default="the first", help=f"Number type of the weights. {DTYPES}."
        ),
    ] = "",
    data: options.MovedDataOption = "",
    base: options.BaseOption = "",
    overwrite: options.OverwriteOption = False,
    json: options.JsonOption = False,
) -> None:
    """Write a run for another tool, after comparing that tool's logits and answers with the run's; exit code 7 if they
    differ."""
    path = out or f"{run.rstrip('/')}{find(to).ending}"
    from gpt2kit.export.verb import check_out
    from gpt2kit.export.verb import export as exported

    taken = check_out(to, Path(path), overwrite, [run, *([base] if base else [])])
    checks: list[Check] = []

    def show(check: "Check") -> None:
        checks.append(check)
        if not json:
            console.say(f"{check.state:<6}  {check.name}: {check.measured}  {check.remark}")

    done = exported(run, to, path, dtype, data=data, base=base, overwrite=overwrite, report=show)
    reports.replaced(path, taken)
    if json:
        facts = {"run": run, "to": to, "dtype": done.dtype, "out": path, "bytes": done.size}
        console.result_json(facts | {"checks": [check.json() for check in checks]})
    else:
        console.say(f"written to {path}: {done.size / 1e6:,.1f} MB in {done.dtype}")
