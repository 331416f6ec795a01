"""`gpt2kit TASK accompany`: new notes to a tune."""

from gpt2kit import recipe
from gpt2kit.cli import loading, options
from gpt2kit.cli.performance import outputs, versions
from gpt2kit.cli.performance.heard import heard, reading
from gpt2kit.errors import counted


def accompany(
    task: str,
    flags: dict[str, str],
    *,
    tune: versions.FileArgument,
    run: options.RunOption = "",
    base: options.BaseOption = "",
    samples: versions.SamplesOption = 1,
    out: versions.OutOption = "accompanied.mid",
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
    """Add notes to a tune, such as a left hand; the tune stays as it is."""
    from gpt2kit.music.given_file import read_tune
    from gpt2kit.music.notes import Notes
    from gpt2kit.pipeline.fill import accompany

    how = reading(recipe.apply({}, set).get("task", {}) | flags, run or f"runs/{task}")
    writer = versions.Writer(tune, out, samples, flac, sound, overwrite)
    heard(tune, *how)
    given = read_tune(tune, *how)
    writer.check(given)
    sampling = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
    engine = loading.load(task, run, sampling, device, set, flags, base=base)
    loading.settle_seed(engine, seed)
    results = accompany(engine, given.notes, samples, json)
    writer.write(
        engine, given, Notes.none(), results, {}, f"with {counted(len(given.notes), 'note')} of the tune", json
    )
