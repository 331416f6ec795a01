"""`gpt2kit TASK generate`, for tasks that play."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpt2kit import files
from gpt2kit.cli import console, loading, options
from gpt2kit.cli.performance import outputs, side_by_side, wishes
from gpt2kit.cli.performance.heard import Reading, heard, reading
from gpt2kit.errors import DataError, UserError

if TYPE_CHECKING:
    from gpt2kit.music.editing.primer import Primer


def generate(
    task: str,
    flags: dict[str, str],
    *,
    run: options.RunOption = "",
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
    set: options.EngineSetOption,
    device: options.DeviceOption = "",
    overwrite: options.OverwriteFilesOption = False,
    json: options.JsonOption = False,
) -> None:
    """Play a new piece, or continue one: writes MIDI, sound and a picture, and a page for several."""
    from gpt2kit import recipe as recipes
    from gpt2kit.music.marked import Marked
    from gpt2kit.music.notes import Notes
    from gpt2kit.pipeline.play import continuation, fulfilled, piece, play, shortfall, waiting

    check_seconds(seconds)
    wish = wishes.wished(notes_per_second, velocity)
    paths = [outputs.numbered(Path(out), number, samples) for number in range(1, samples + 1)]
    kind = outputs.sound_kind(flac, sound)
    outputs.check(paths, (".mid", kind, ".png") if sound else (".mid",), overwrite, [prime])
    page = Path(out).with_suffix(".html") if samples > 1 else None
    outputs.check([Path(out)] * (samples > 1), (".html",), overwrite, [prime])
    if prime_seconds is not None and not prime:
        raise UserError("--prime-seconds is a part of --prime: give the file, too")
    own = recipes.apply({}, set).get("task", {}) | flags
    how = reading(own, run or f"runs/{task}")
    primer = _primer(prime, prime_seconds, how, alone) if prime else None
    begun = primer.opening.until if primer else 0.0
    check_seconds(seconds, begun)
    files.writable_folder(Path(out).parent)
    sampling = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
    engine = loading.load(task, run, sampling, device, set, flags, base=base)
    outputs.announce(paths, seconds + (0.0 if alone else begun), kind)
    loading.settle_seed(engine, seed)
    written = []
    given = primer.opening if primer else Notes.none()
    marked = partial(Marked, begin=0.0 if alone else begun)
    for path, result in zip(paths, play(engine, given, seconds, samples, json, wish), strict=True):
        if primer:
            content = continuation(engine, primer, result, alone)
            written.append(outputs.completed(path, content, marked, kind, how.instruments))
        else:
            written.append(outputs.written(path, piece(engine, result), kind))
        facts = written[-1].facts
        if result.seed is not None:
            facts["seed"] = result.seed
        facts |= wishes.told(path, fulfilled(engine, given, result, wish))
        facts["log_probability"] = result.log_probabilities[0]
        if lacking := shortfall(result, seconds, waiting(engine, given)):
            facts["short"] = lacking
            console.say(f"{path}: {lacking}")
        if result.truncated:
            console.say(f"{path}: the primer is longer than the model's window; only its end was used")
    side_by_side.compare(page, written, engine, f"continuations of {Path(prime).name}" if prime else "samples")
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
    from gpt2kit.music.midi_file.smf import MidiError
    from gpt2kit.music.notes import Notes
    from gpt2kit.music.stream.keyboard import Continuation

    if seconds is not None and not seconds > 0:
        raise UserError(f"--prime-seconds {seconds:g}: must be more than 0")
    heard(path, *how, is_kept=not alone)
    primer = read_primer(path, seconds, *how)
    if not len(primer.opening):
        raise DataError(f"{path}: no piano notes in its first {seconds:g} seconds")
    try:
        continued_file(primer, Continuation(Notes.none(), {}))  # what it refuses is refused before the model plays
    except MidiError as error:
        raise DataError(f"{path}: {error}") from None
    return primer
