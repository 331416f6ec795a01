"""`gpt2kit TASK infill`: new notes between those of a piece."""

from typing import Annotated

import typer

from gpt2kit import recipe
from gpt2kit.cli import loading, options
from gpt2kit.cli.performance import outputs, versions
from gpt2kit.cli.performance.heard import heard, reading
from gpt2kit.errors import UserError, counted

SHORTEST_GAP, LONGEST_GAP = 0.1, 15.0
"""Seconds. Gaps in training last 12 seconds at most, and 16 seconds is the longest that can be announced."""


def infill(
    task: str,
    flags: dict[str, str],
    *,
    piece: versions.FileArgument,
    begin: Annotated[
        float, typer.Option("--from", metavar="SECONDS", help="Where the gap begins.", show_default=False)
    ],
    end: Annotated[float, typer.Option("--to", metavar="SECONDS", help="Where the gap ends.", show_default=False)],
    run: options.RunOption = "",
    base: options.BaseOption = "",
    samples: versions.SamplesOption = 1,
    out: versions.OutOption = "infilled.mid",
    flac: outputs.FlacOption = False,
    sound: versions.SoundOption = True,
    temperature: options.TemperatureOption = None,
    top_k: options.TopKOption = None,
    top_p: options.TopPOption = None,
    seed: options.SeedOption = None,
    set: options.EngineSetOption,
    device: options.DeviceOption = "",
    overwrite: options.OverwriteFilesOption = False,
    json: options.JsonOption = False,
) -> None:
    """Replace the notes of a piece between two times by new ones, which fit to what is before and after."""
    from gpt2kit.music.given_file import read_gap
    from gpt2kit.pipeline.fill import infill

    _check_gap(begin, end)
    how = reading(recipe.apply({}, set).get("task", {}) | flags, run or f"runs/{task}")
    writer = versions.Writer(piece, out, samples, flac, sound, overwrite)
    whole = heard(piece, *how)
    if end > (duration := whole.duration):
        raise UserError(
            f"--to {end:g}: {piece} ends after {duration:.2f} seconds; to continue a piece, use generate --prime"
        )
    given = read_gap(piece, begin, end, *how)
    replaced = int(((whole.start >= begin) & (whole.start < end)).sum())
    writer.check(given)
    sampling = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
    engine = loading.load(task, run, sampling, device, set, flags, base=base)
    loading.settle_seed(engine, seed)
    results = infill(engine, given.notes, samples, json)
    more = {"from": begin, "to": end, "replaced": replaced}
    writer.write(engine, given, given.notes, results, more, f"instead of {counted(replaced, 'note')}", json)


def _check_gap(begin: float, end: float) -> None:
    if not 0 <= begin < float("inf"):
        raise UserError(f"--from {begin:g}: must be 0 seconds or more")
    if not SHORTEST_GAP <= end - begin <= LONGEST_GAP:
        raise UserError(
            f"--from {begin:g} --to {end:g}: a gap lasts from {SHORTEST_GAP:g} to {LONGEST_GAP:g} seconds; "
            "fill a longer one in parts"
        )
