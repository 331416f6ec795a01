"""`gpt2kit doctor`: what the machine has, and what that means."""

from typing import Annotated

from gpt2kit.cli import console, options
from gpt2kit.errors import MachineError


def doctor(
    json: Annotated[
        bool, options.switch("--json", help="Write the report as JSON to stdout, with all figures.")
    ] = False,
) -> None:
    """Report what this machine has, and what that means for each task. Nothing is sent anywhere."""
    from gpt2kit.doctor.examine import machine_findings, meaning
    from gpt2kit.doctor.finding import Finding

    width, colours, encoding = console.terminal()
    description = f"{width} columns, {colours or 'no'} colors, {encoding}"
    utf8 = encoding.lower().replace("-", "") == "utf8"
    description += "" if utf8 else "; it cannot show every character: set PYTHONIOENCODING=utf-8"
    facts = {"columns": width, "colours": colours, "encoding": encoding}
    found = [*machine_findings(), Finding("terminal", description, "ok" if utf8 else "note", facts)]
    means = meaning(found)
    lacking = [each.name for each in (*found, *means) if each.state == "lacks"]
    if json:
        parts = {"machine": [each.json() for each in found], "meaning": [each.json() for each in means]}
        console.result_json({**parts, "lacking": lacking})
    else:
        for title, part in (("this machine", found), ("gpt2kit on it", means)):
            console.table(("", title, ""), ((each.state, each.name, each.found) for each in part))
    if lacking:
        raise MachineError(f"gpt2kit cannot do all of its work here: {', '.join(lacking)}")
