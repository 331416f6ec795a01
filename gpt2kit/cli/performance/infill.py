"""`gpt2kit TASK infill`: new notes between those of a piece."""

from functools import partial
from typing import Annotated

import typer

from gpt2kit.cli import options
from gpt2kit.cli.performance import outputs, versions, wishes
from gpt2kit.cli.performance.heard import heard
from gpt2kit.cli.performance.model_options import ModelOptions
from gpt2kit.errors import counted


def infill(
    task: str,
    flags: dict[str, str],
    *,
    piece: Annotated[str, typer.Argument(metavar="FILE", help="A MIDI file.")],
    begin: Annotated[
        float,
        typer.Option(
            "--from", metavar="SECONDS", help="Replace the notes struck from this time on.", show_default=False
        ),
    ],
    end: Annotated[
        float,
        typer.Option("--to", metavar="SECONDS", help="Keep the notes struck from this time on.", show_default=False),
    ],
    run: options.RunOption,
    base: options.BaseOption = "",
    samples: versions.SamplesOption = 1,
    out: outputs.OutOption = "infilled.mid",
    flac: outputs.FlacOption = False,
    sound: outputs.SoundOption = True,
    notes_per_second: wishes.NotesPerSecondOption = None,
    velocity: wishes.VelocityOption = None,
    temperature: options.TemperatureOption = None,
    top_k: options.TopKOption = None,
    top_p: options.TopPOption = None,
    seed: options.SeedOption = None,
    set: options.EngineSetOption,
    device: options.DeviceOption = "",
    overwrite: options.OverwriteFilesOption = False,
    json: options.JsonOption = False,
) -> None:
    """Replace the notes of a piece between two times by new ones."""
    from gpt2kit.music.editing.given_file import read_gap
    from gpt2kit.music.marked import Marked
    from gpt2kit.pipeline.fill import check_gap, infill

    wish = wishes.wished(notes_per_second, velocity)
    model = ModelOptions(task, flags, run, base, temperature, top_k, top_p, seed, set, device)
    how = model.reading()
    check_gap(begin, end, float("inf"), piece, ("--from", "--to"))
    writer = versions.Writer(out, samples, flac, sound, overwrite, piece)
    whole = heard(piece, *how, is_kept=True)
    check_gap(begin, end, whole.duration, piece, ("--from", "--to"))
    given = read_gap(piece, begin, end, *how)
    begin, end = given.notes.until, given.notes.resume
    replaced = int(((whole.start >= begin) & (whole.start < end)).sum())
    writer.check(given)
    engine = model.engine()
    writer.announce(given.notes.duration)
    results = infill(engine, given.notes, samples, json, wish)
    more = {"from": begin, "to": end, "replaced": replaced}
    words = (f"instead of {counted(replaced, 'note')}", "fillings of")
    marked = partial(Marked, begin=begin, end=end)
    writer.write(engine, given, results, marked, how.instruments, wish, more, words, json)
