"""`gpt2kit explore`: the next-word explorer, a live page on this machine."""

import signal
from contextlib import suppress
from typing import Annotated

import typer

from gpt2kit.cli import console, options
from gpt2kit.cli.inspect import ModelArgument, opened, source_of
from gpt2kit.errors import MachineError, UserError


def explore(
    model: ModelArgument,
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT",
            show_default="an empty text, or a new piece",
            help="The first input; for music a MIDI file.",
        ),
    ] = None,
    *,
    compare: Annotated[
        str,
        typer.Option(
            "--compare", metavar="MODEL", show_default="none", help="Another model of the same task, shown next to it."
        ),
    ] = "",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, metavar="N", help="The port of the page; 0: any free one.")
    ] = 0,
    base: options.BaseOption = "",
    set: options.EngineSetOption,
    device: options.DeviceOption = "",
    json: options.JsonOption = False,
) -> None:
    """Type and see the model's next words, on a live page that only this machine can open; Ctrl-C ends."""
    engine, task = opened(model, device, set, base)
    sides = [(model, task, engine)]
    if compare:
        other, other_task = opened(compare, device, set)
        if other_task != task:
            raise UserError(f"--compare {compare}: a model of {other_task} has other inputs than one of {task}")
        sides.append((compare, other_task, other))
    text = "\t".join(inputs or [])
    plays = engine.task.about.medium == "performance"
    fixed = source_of(engine, task, inputs or [], "") if plays else None

    from gpt2kit.inspection.explorer import Explorer, Server, Side

    explorer = Explorer(tuple(Side(*side) for side in sides), text or ("a new piece" if plays else ""), fixed)
    try:
        server = Server(explorer, port)
    except OSError as error:
        raise MachineError(f"--port {port}: cannot listen on it: {error.strerror or error}") from error
    with server:
        if json:
            console.result_json({"url": server.address})
        else:
            console.result(server.address)
        console.say("open this address in a browser on this machine; Ctrl-C ends")
        with suppress(KeyboardInterrupt):
            server.serve_forever()
    raise typer.Exit(128 + signal.SIGINT)
