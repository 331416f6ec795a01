"""`gpt2kit TASK generate`, for tasks that play."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpt2kit.cli import options
from gpt2kit.cli.performance import outputs, side_by_side, wishes
from gpt2kit.cli.performance.heard import Reading, heard
from gpt2kit.cli.performance.model_options import ModelOptions
from gpt2kit.cli.sources import read_training_data, table
from gpt2kit.errors import DataError, UserError

if TYPE_CHECKING:
    from gpt2kit.music.editing.primer import Primer


def generate(
    task: str,
    flags: dict[str, str],
    *,
    run: options.RunOption,
    data: options.MovedDataOption = "",
    base: options.BaseOption = "",
    seconds: Annotated[
        float, typer.Option("--seconds", metavar="SECONDS", help="Play for this long, in addition to the primer.")
    ] = 60.0,
    prime: Annotated[
        str,
        typer.Option(
            "--prime", metavar="FILE", show_default="start from nothing", help="A MIDI file to continue, the primer."
        ),
    ] = "",
    prime_seconds: Annotated[
        float | None,
        typer.Option(
            "--prime-seconds", metavar="SECONDS", show_default="all of it", help="Use only the beginning of --prime."
        ),
    ] = None,
    alone: Annotated[bool, options.switch("--alone", help="Write only the continuation, without the primer.")] = False,
    samples: Annotated[
        int,
        typer.Option(
            "--samples",
            min=1,
            metavar="N",
            help="Play N pieces: piece-1.mid, piece-2.mid, ..., and a page to listen to all, piece.html.",
        ),
    ] = 1,
    out: outputs.OutOption = "piece.mid",
    sound: outputs.SoundOption = True,
    flac: outputs.FlacOption = False,
    notes_per_second: wishes.NotesPerSecondOption = None,
    velocity: wishes.VelocityOption = None,
    temperature: options.TemperatureOption = None,
    top_k: options.TopKOption = None,
    top_p: options.TopPOption = None,
    seed: options.SeedOption = None,
    sources: options.SourcesOption = False,
    knn: options.KnnOption = None,
    set: options.EngineSetOption,
    device: options.DeviceOption = "",
    overwrite: options.OverwriteFilesOption = False,
    json: options.JsonOption = False,
) -> None:
    """Play a new piece, or continue one: writes MIDI, sound and a picture, and a page for several."""
    from gpt2kit.music.marked import Marked
    from gpt2kit.music.notes import Notes
    from gpt2kit.pipeline.play import continuation, fulfilled, piece, play, shortfall, waiting

    check_seconds(seconds)
    wish = wishes.wished(notes_per_second, velocity)
    files = outputs.Files(out, samples, flac, sound, overwrite, prime)
    if prime_seconds is not None and not prime:
        raise UserError("--prime-seconds is a part of --prime: give the file, too")
    model = ModelOptions(task, flags, run, base, temperature, top_k, top_p, seed, set, device, data, knn)
    how = model.reading()
    primer = _primer(prime, prime_seconds, how, alone) if prime else None
    given = primer.opening if primer else Notes.none()
    begun = primer.opening.until if primer else 0.0
    check_seconds(seconds, begun)
    files.make_folder()
    engine = model.engine()
    traced = read_training_data(engine, sources, data)
    begin = 0.0 if alone else begun
    files.announce(begin + seconds)
    written = []
    for path, result in zip(files.paths, play(engine, given, seconds, samples, json, wish, traced), strict=True):
        if primer:
            content, marked = continuation(engine, primer, result, alone), partial(Marked, begin=begin)
            written.append(outputs.completed(path, content, marked, files.sound, how.instruments))
        else:
            written.append(outputs.written(path, piece(engine, result), files.sound))
        reached, lacking = fulfilled(engine, given, result, wish), shortfall(result, seconds, waiting(engine, given))
        outputs.describe(written[-1], result, reached, lacking, "the primer")
        if result.sources and not json:
            table(engine, result.sources)
    what = f"continuations of {Path(prime).name}" if prime else "samples"
    side_by_side.compare(files.page, written, engine, what, seconds)
    outputs.report(written, json)


def check_seconds(seconds: float, primer: float = 0.0) -> None:
    if not (seconds > 0 and primer + seconds <= outputs.LONGEST_HOURS * 3600):
        after = f" after a primer of {primer:g}" if primer else ""
        raise UserError(
            f"--seconds {seconds:g}{after}: must be more than 0, and at most {outputs.LONGEST_HOURS} hours in all"
        )


def _primer(path: str, seconds: float | None, how: Reading, alone: bool) -> "Primer":
    from gpt2kit.music.editing.primer import read_primer
    from gpt2kit.music.editing.splice import continued_file
    from gpt2kit.music.midi_file.smf import naming
    from gpt2kit.music.notes import Notes
    from gpt2kit.music.stream.keyboard import Continuation

    if seconds is not None and not seconds > 0:
        raise UserError(f"--prime-seconds {seconds:g}: must be more than 0")
    heard(path, *how, is_kept=not alone)
    primer = read_primer(path, seconds, *how)
    if not len(primer.opening):
        raise DataError(f"{path}: no piano notes in its first {seconds:g} seconds")
    with naming(path):
        continued_file(primer, Continuation(Notes.none(), {}))  # what it refuses is refused before the model plays
    return primer
