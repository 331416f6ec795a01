"""`gpt2kit TASK accompany`: new notes to a tune."""

from functools import partial
from typing import Annotated

import typer

from gpt2kit.cli import console, options
from gpt2kit.cli.performance import outputs, versions, wishes
from gpt2kit.cli.performance.heard import heard
from gpt2kit.cli.performance.model_options import ModelOptions
from gpt2kit.errors import counted

LONG = 120
"""Seconds of music from which on the command says how to accompany less."""


def accompany(
    task: str,
    flags: dict[str, str],
    *,
    tune: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="A MIDI file: a single line, or a piece, whose highest voice is taken for its tune."
        ),
    ],
    tune_only: Annotated[
        bool, options.switch("--tune-only", help="Leave out the other notes of the part; without this, all stay.")
    ] = False,
    begin: Annotated[float, typer.Option("--from", metavar="SECONDS", help="Accompany from this time on.")] = 0.0,
    end: Annotated[
        float,
        typer.Option("--to", metavar="SECONDS", show_default="the end of FILE", help="Accompany up to this time."),
    ] = float("inf"),
    run: options.RunOption,
    base: options.BaseOption = "",
    samples: versions.SamplesOption = 1,
    out: outputs.OutOption = "accompanied.mid",
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
    """Add notes to a tune, such as a left hand; the tune stays as it is."""
    from gpt2kit.music.editing.given_file import read_tune
    from gpt2kit.music.marked import Marked
    from gpt2kit.pipeline.fill import accompany, check_part, part

    wish = wishes.wished(notes_per_second, velocity)
    model = ModelOptions(task, flags, run, base, temperature, top_k, top_p, seed, set, device)
    how = model.reading()
    check_part(begin, end, float("inf"), tune, ("--from", "--to"))
    writer = versions.Writer(out, samples, flac, sound, overwrite, tune)
    whole = heard(tune, *how, is_kept=True)
    check_part(begin, end, whole.duration, tune, ("--from", "--to"))
    given = read_tune(tune, *how, begin, end, tune_only)
    writer.check(given)
    count = int(given.notes.tune.sum())
    left_out, others = len(whole) - len(given.notes), len(given.notes) - count
    if left_out or others:
        fate = f"{left_out:,} left out, {others:,} kept" if tune_only else f"{others:,} kept"
        hint = "" if tune_only else " (--tune-only leaves out those of the part)"
        console.say(f"{tune}: the tune is the highest voice, {counted(count, 'note')}; others: {fate}{hint}")
    begin, end = part(given.notes)
    if end - begin > LONG:
        minutes = f"{(end - begin) / 60:.1f} minutes"
        console.say(f"{tune}: {minutes} are accompanied, which takes a while; --from and --to choose less")
    engine = model.engine()
    writer.announce(given.notes.duration)
    results = accompany(engine, given.notes, samples, json, wish)
    more = {"from": begin, "to": end, "tune_notes": count}
    words = (f"with {counted(count, 'note')} of the tune", "accompaniments of")
    after = given.notes.finish if end < given.notes.duration else float("inf")
    marked = partial(Marked.among, given=given.notes, begin=begin, end=after)
    writer.write(engine, given, results, marked, how.instruments, wish, more, words, json)
