"""`gpt2kit export`: a run in the format of another tool."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpt2kit.cli import console, options, reports
from gpt2kit.export.formats import FORMATS, dtype_of, find

if TYPE_CHECKING:
    from gpt2kit.selftest.check import Check

PURPOSES = "Format of the export. " + "; ".join(f"{name}: {of.purpose}" for name, of in FORMATS.items())
DTYPES = "Number type of the weights. " + "; ".join(f"{name}: {', '.join(of.dtypes)}" for name, of in FORMATS.items())


def export(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run with weights; adapters are merged.")],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="FORMAT",
            help=f"{PURPOSES}.",
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
        typer.Option("--dtype", metavar="TYPE", show_default="the first of its format", help=f"{DTYPES}."),
    ] = "",
    data: options.MovedDataOption = "",
    base: options.BaseOption = "",
    overwrite: options.OverwriteOption = False,
    yes: Annotated[bool, options.switch("--yes", help="Write a page of any size.")] = False,
    json: options.JsonOption = False,
) -> None:
    """Write a run for another tool, which must give the run's logits and answers; exit code 7 if it does not."""
    path, dtype = out or f"{run.rstrip('/')}{find(to).ending}", dtype_of(find(to), dtype)
    from gpt2kit.export.verb import check_out
    from gpt2kit.export.verb import export as exported

    taken = check_out(to, Path(path), overwrite, [run, *([base] if base else [])])

    def show(check: "Check") -> None:
        if not json:
            console.say(f"{check.state:<6}  {check.name}: {check.measured}  {check.remark}")

    if not json:
        console.say(f"writing {path}, then comparing it with {run}")
    done = exported(run, to, path, dtype, data=data, base=base, overwrite=overwrite, yes=yes, report=show)
    reports.replaced(path, taken)
    if json:
        facts = {"run": run, "to": to, "dtype": done.dtype, "out": path, "bytes": done.size}
        console.result_json(facts | {"checks": [check.json() for check in done.checks]})
    else:
        console.say(f"written to {path}: {done.size / 1e6:,.1f} MB in {done.dtype}")
