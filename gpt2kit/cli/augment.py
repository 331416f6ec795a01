"""`gpt2kit TASK augment`: adds what trained runs answer to prepared data."""

import math
import shlex
import signal
from pathlib import Path
from typing import Annotated, Any

import typer

from gpt2kit.cli import console, loading, options, reports, several
from gpt2kit.errors import DataError, Interrupted, UserError


@several.on_devices("the answers so far are kept: the same command continues")
def augment(
    task: str,
    flags: dict[str, str],
    *,
    data: Annotated[
        str, typer.Argument(metavar="DIR", show_default="data/TASK", help="The prepared folder to add to.")
    ] = "",
    run: Annotated[list[str], options.several("--run", "DIR", "A run whose answers are added.", "runs/TASK")],
    out: Annotated[
        str, typer.Option("--out", "-o", metavar="DIR", show_default="DIR-more", help="Write the new folder here.")
    ] = "",
    input: Annotated[
        str,
        typer.Option(
            "--input",
            metavar="FILE",
            show_default="the sources of the training examples",
            help="Inputs without answers, as for `generate --file`.",
        ),
    ] = "",
    answers: Annotated[
        int,
        typer.Option("--answers", metavar="N", help="Answers to each input: samples, or the N best of beam search."),
    ] = 1,
    confidence: Annotated[
        float,
        typer.Option(
            "--confidence",
            metavar="P",
            help="Leave out answers that the run gives a lower probability: of a label, or of a token on average.",
        ),
    ] = 0.0,
    weight: Annotated[
        list[str],
        options.several(
            "--weight",
            "X|DIR=X",
            "How often each example of a run, or of the data, occurs: 2 is twice, 0.5 a half of them; without DIR: "
            "of every run.",
            "1",
        ),
    ],
    beams: options.BeamsOption = None,
    temperature: options.TemperatureOption = None,
    top_k: options.TopKOption = None,
    top_p: options.TopPOption = None,
    seed: options.FixedSeedOption = None,
    set: options.EngineSetOption,
    device: options.DeviceOption = "",
    overwrite: options.OverwriteOption = False,
    json: options.JsonOption = False,
) -> None:
    """Add to prepared data what runs answer to its inputs; a killed command goes on when it is given again."""
    from gpt2kit import recipe as recipes
    from gpt2kit.overwriting import check_folder
    from gpt2kit.pipeline.augment import augment as augmented
    from gpt2kit.runs.folder import Run
    from gpt2kit.runs.kinds import PREPARED
    from gpt2kit.runs.prepared import Prepared

    folder, runs = data or f"data/{task}", run or [f"runs/{task}"]
    if (made_for := Prepared.open(folder).task_name) != task:
        raise DataError(f"{folder} was prepared for {made_for}, not for {task}")
    written = out or f"{folder.rstrip('/')}-more"
    table = recipes.apply({}, set)
    if others := [section for section in table if section != "generate"]:
        raise UserError(f"--set {others[0]}.…: only generate.… can be set now; the rest is fixed in the runs")
    generation: dict[str, Any] = {"beams": beams, "temperature": temperature, "top_k": top_k, "top_p": top_p}
    generation |= {"seed": seed, "device": device or None}
    settings = table.get("generate", {}) | {key: value for key, value in generation.items() if value is not None}
    settings = several.with_own_device(settings, "auto")
    weights = _weights(weight, runs)
    taken = check_folder(Path(written), overwrite, PREPARED, [folder, *runs, input]) if several.is_main() else ""
    for each in runs:
        loading.say_edited(Run.open(each))
    began: dict[str, int] = {}
    with console.Bar("answer") as bar:

        def progress(name: str, done: int, of: int, seconds: float) -> None:
            if not began:  # no argument can be refused any more
                reports.replaced(written, taken)
            if name not in began:
                began[name] = done
                console.say(f"{name}: {of:,} answers" + (f", of which {done:,} are there" if done else ""))
                bar.begin(done, of)
            if math.isfinite(seconds):
                bar.move(done, of, name, "", seconds)

        try:
            found = augmented(
                folder,
                runs,
                written,
                input=input,
                settings=settings,
                answers=answers,
                confidence=confidence,
                weights=weights,
                overwrite=overwrite,
                progress=progress,
                group=several.group,
                **flags,
            )
        except KeyboardInterrupt:
            raise Interrupted(
                signal.SIGINT, "interrupted; the answers so far are kept: the same command continues"
            ) from None
    several.leave_to_main()
    reports.augmented(found, written)
    if not any(each.added for each in found):
        console.warn(f"no answer was added: {written} has no other examples than {folder}")
    console.say(f"next:\n  gpt2kit {task} train {shlex.quote(written)}")
    if json:
        console.result_json({"origins": [each.json() for each in found], "out": written})


def _weights(given: list[str], runs: list[str]) -> dict[str, float]:
    """The weights of --weight by the folder that they are for, in whatever order: the one of a run is for that run."""
    found: dict[str, float] = {}
    of_every_run: dict[str, float] = {}
    for text in given:
        name, equals, number = text.rpartition("=")
        try:
            weight = float(number)
        except ValueError:
            raise UserError(f"--weight {text}: expected a number, or DIR=NUMBER as in --weight runs/a=0.5") from None
        if equals:
            found[str(Path(name))] = weight
        else:
            of_every_run = {str(Path(run)): weight for run in runs}
    return of_every_run | found
