"""`gpt2kit explore`: the next-word explorer, a live page on this machine."""

from typing import Annotated

import typer

from gpt2kit.cli import console, options
from gpt2kit.cli.inspect import ModelArgument, opened, source_of
from gpt2kit.errors import MachineError, UserError


def explore(
    model: ModelArgument,
    inputs: Annotated[list[str] | None, typer.Argument(help="What is asked at first; for music a MIDI file.")] = None,
    *,
    compare: Annotated[str, typer.Option("--compare", help="Another run, shown beside it.")] = "",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Where to listen; 0: where it is free.")] = 0,
    set: options.SetOption,
    device: options.DeviceOption = "",
    json: options.JsonOption = False,
) -> None:
    """Type and see what the model would say next, on a page that this machine alone can open; Ctrl-C ends."""
    engine, task = opened(model, device, set)
    sides = [(model, task, engine)]
    if compare:
        other, other_task = opened(compare, device, set)
        if other_task != task:
            raise UserError(f"--compare {compare}: a model of {other_task} is asked otherwise than one of {task}")
        sides.append((compare, other_task, other))
    text = "\t".join(inputs or [])
    plays = engine.task.about.medium == "performance"
    fixed = source_of(engine, task, inputs or [], "") if plays else None

    from gpt2kit.inspection.explorer import Explorer, Server, Side

    explorer = Explorer(tuple(Side(*side) for side in sides), text or ("a new piece" if plays else ""), fixed)
    try:
        server = Server(explorer, port)
    except OSError as error:
        raise MachineError(f"--port {port}: cannot be listened to: {error.strerror or error}") from error
    with server:
        if json:
            console.result_json({"url": server.address})
        else:
            console.result(server.address)
        console.say("open it in a browser of this machine; Ctrl-C ends")
        server.serve_forever()
