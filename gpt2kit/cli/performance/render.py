"""`gpt2kit TASK render`: MIDI files as sound, pictures and pages."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpt2kit.cli import console, loading, options
from gpt2kit.cli.performance import outputs
from gpt2kit.cli.performance.heard import heard, reading
from gpt2kit.errors import PARTLY_DONE, DataError, UserError

if TYPE_CHECKING:
    from gpt2kit.music.notes import Notes
    from gpt2kit.pipeline.engine import Engine


def render(
    task: str,
    flags: dict[str, str],
    *,
    pieces: Annotated[list[str], typer.Argument(metavar="FILE", help="MIDI files.")],
    run: Annotated[
        str,
        typer.Option(
            "--run", "-r", metavar="DIR", show_default="no attention", help="Show which notes this run attends to."
        ),
    ] = "",
    primer: Annotated[
        float, typer.Option("--primer", metavar="SECONDS", help="Mark the first SECONDS as the primer.")
    ] = 0.0,
    flac: outputs.FlacOption = False,
    overwrite: options.OverwriteFilesOption = False,
    json: options.JsonOption = False,
) -> None:
    """Render MIDI files as sound (.wav or .flac), picture (.png) and a page with a player, next to each file."""
    if not 0 <= primer < float("inf"):
        raise UserError(f"--primer {primer:g}: must be 0 seconds or more")
    paths = [Path(word) for word in pieces]
    shown: dict[Path, Path] = {}
    for path in paths:
        if (other := shown.setdefault(path.with_suffix(".html"), path)) is not path:
            raise UserError(f"{other} and {path} would both be rendered as {path.with_suffix('.html')}: rename one")
    sound = outputs.sound_kind(flac)
    engine = loading.load(task, run, {}, "", [], flags) if run else None
    if overwrite:  # otherwise what exists is kept
        outputs.check(paths, (sound, ".png", ".html"), overwrite, pieces)
    how = reading(flags, run)
    rendered, failed = [], []
    for path in paths:
        try:
            notes = heard(path, *how)
        except DataError as error:
            failed.append(str(error))
            continue
        rendered.append(_rendered(path, notes, primer, engine, overwrite, sound))
    if not rendered:
        raise DataError("; ".join(failed))
    for reason in failed:
        console.say(reason)
    if json:
        console.result_json(rendered if len(paths) > 1 else rendered[0])
    if failed:
        raise typer.Exit(PARTLY_DONE)


def _rendered(
    path: Path, notes: "Notes", primer: float, engine: "Engine | None", overwrite: bool, sound: str
) -> dict[str, Any]:
    """Write the sound, the picture and the page of a piece, with the attention of a model."""
    from gpt2kit.music.marked import Marked
    from gpt2kit.music.pages.page import write_page

    attention = None
    if engine is not None:
        from gpt2kit.pipeline.play import looked_back

        prompt = engine.task.encode_source(notes)
        notes, attention = engine.task.decode(prompt), looked_back(engine, prompt)
    page = path.with_suffix(".html")
    if overwrite or not path.with_suffix(sound).exists():
        outputs.announce([path], notes.duration, sound)
    described = outputs.shown(path, Marked(notes, primer), overwrite, sound) | {"page": str(page)}
    if outputs.wanted(page, overwrite):
        with outputs.replacing(page):
            write_page(page, notes, path.stem, primer, attention)
        console.say(f"{page}: a page with a player{', with the attention of the model' if engine else ''}")
    return described
