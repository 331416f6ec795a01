"""`gpt2kit TASK evaluate`: a run's answers next to references, or its loss on whole documents."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpt2kit.cli import cards, console, loading, options, reports, several
from gpt2kit.cli.performance.generate import check_seconds
from gpt2kit.cli.performance.judged import judged
from gpt2kit.cli.sources import read_training_data
from gpt2kit.data import remote
from gpt2kit.data.sources import is_table
from gpt2kit.errors import PARTLY_DONE, UserError

if TYPE_CHECKING:
    from gpt2kit.data.report import SplitReport
    from gpt2kit.pipeline.engine import Engine


@several.on_devices("nothing was written")
@options.only_for(
    beams=("lines",),
    mbr=("lines",),
    knn=("lines",),
    predictions=("lines",),
    overwrite=("lines",),
    stride=("text",),
    zero_shot=("lines", "text"),
    init=("lines", "text"),
    samples=("performance",),
    seconds=("performance",),
    seed=("performance",),
)
def evaluate(
    task: str,
    flags: dict[str, str],
    *,
    run: options.RunsOption,
    data: options.MovedDataOption = "",
    base: options.BaseOption = "",
    on: options.OnOption,
    split: Annotated[
        str,
        typer.Option(
            "--split",
            metavar="train|val|test",
            show_default="val",
            help="Score this split of the prepared data: train, val (validation) or test, if prepare had a --test.",
            autocompletion=options.completing(lambda: options.SPLITS),
        ),
    ] = "",
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, metavar="N", show_default="all", help="Score only the first N examples."),
    ] = None,
    beams: options.BeamsOption = None,
    mbr: options.MbrOption = None,
    knn: options.KnnOption = None,
    predictions: Annotated[
        str,
        typer.Option(
            "--predictions",
            metavar="FILE",
            show_default="not written",
            help="Write each answer to this file, as JSON lines.",
        ),
    ] = "",
    stride: Annotated[
        int,
        typer.Option(
            "--stride",
            metavar="N",
            help="Move the window by N tokens, so that the others are context; 0: half a window.",
        ),
    ] = 0,
    samples: Annotated[
        int,
        typer.Option(
            "--samples", min=0, metavar="N", help="Play N pieces and compare their statistics with those of real ones."
        ),
    ] = 16,
    seconds: Annotated[
        float, typer.Option("--seconds", metavar="SECONDS", help="The length of each of these pieces.")
    ] = 30.0,
    seed: options.FixedSeedOption = None,
    zero_shot: options.ZeroShotOption = False,
    init: options.ZeroShotInitOption = "",
    set: options.EngineSetOption,
    device: options.DeviceOption = "",
    overwrite: Annotated[
        bool, options.switch("--overwrite", help="Replace --predictions if it has earlier predictions; no other file.")
    ] = False,
    json: options.JsonOption = False,
) -> None:
    """Score a run: its answers against references, or its loss on documents. Each score has its signature."""
    from gpt2kit import files
    from gpt2kit.decoding.seeds import reproducible
    from gpt2kit.overwriting import PREDICTIONS, check_file

    on = list(map(remote.shown, on))
    loading.check_zero_shot(zero_shot, init, run)
    if zero_shot and not on:
        raise UserError("--zero-shot has no prepared data: give a corpus with --on")
    check_seconds(seconds)
    decoding = {"beams": beams, "mbr": mbr, "knn": knn, "seed": seed}
    engine = loading.load(task, run, decoding, device, set, flags, init, data, base)
    engine.config = reproducible(engine.config)
    medium = engine.task.about.medium
    if on and split and medium != "performance":  # a corpus of pieces may name the split of each piece
        raise UserError("--split is for prepared data, and a corpus of --on is scored whole: leave out one of them")
    if flags and medium == "text" and not any(map(is_table, on)):
        raise UserError(f"--{next(iter(flags))} is for a table: give one with --on")
    window = engine.model.config.n_positions
    if not 0 <= stride <= window:
        raise UserError(f"--stride {stride}: must be from 1 to {window}, the model's window, or 0 for half of it")
    written = Path(predictions) if predictions else None
    if written is not None:
        if engine.task.layout.continues:
            raise UserError("--predictions: this task is scored by its loss and has no answers; leave it out")
        if several.is_main():
            reports.replaced(written, check_file(written, overwrite, PREDICTIONS, on))
            files.writable_folder(written.parent)
    read_training_data(engine, False, "")
    if engine.task.layout.continues:
        pieces = samples if medium == "performance" else 0
        scores, shown, report = _documents(engine, on, split, limit, stride, pieces, seconds, json)
    else:
        scores, shown, report = _answers(engine, on, split, limit, written, json)
    if json:
        console.result_json(scores | ({"dropped": report.dropped} if report.dropped else {}))
    if engine.run is not None and not engine.others:  # scores of several runs are not those of one
        cards.scored(engine.run, scores, shown)
    if not json and not zero_shot and "at_chance" in scores:
        steps, shows = f"gpt2kit {task} train DATA --dry-run", f"gpt2kit {task} show DATA"
        console.say(
            f"Train longer, or find the cause: {steps} shows the number of steps, {shows} the tokens that carry loss"
        )
    if report.has_damage or "short" in scores.get("samples", {}):
        raise typer.Exit(PARTLY_DONE)


Scored = tuple[dict[str, Any], list[tuple[str, str, str]], "SplitReport"]
"""The evaluation as in `--json`, its samples, and the number of records left out of the corpus."""


def _answers(
    engine: "Engine", on: list[str], split: str, limit: int | None, predictions: Path | None, json: bool
) -> Scored:
    """Answers next to their references."""
    from gpt2kit.data.report import SplitReport
    from gpt2kit.pipeline.evaluate import evaluate_records
    from gpt2kit.pipeline.evaluation_sets import records_to_score

    report, counter = SplitReport(), console.Counter("answers")
    name, records = records_to_score(engine, on, split, report, limit)
    training = loading.training_of(engine)
    with several.answering(engine):
        evaluation = evaluate_records(engine, records, name, predictions, lambda done: counter(name, done), training)
    counter.done()
    reports.left_out(name, report)
    if not json:
        reports.evaluated(evaluation)
    return evaluation.json(), evaluation.samples, report


def _documents(
    engine: "Engine",
    on: list[str],
    split: str,
    limit: int | None,
    stride: int,
    pieces: int,
    seconds: float,
    json: bool,
) -> Scored:
    """Evaluate the loss on whole documents, and the statistics of `pieces` that the model plays."""
    from gpt2kit.data.report import SplitReport
    from gpt2kit.pipeline.evaluate import evaluate_stream
    from gpt2kit.pipeline.evaluation_sets import documents

    with documents(engine, on, split, limit) as found:
        report = found.report or SplitReport()
        reports.left_out(found.name, report)
        training = loading.training_of(engine) if several.is_main() else None
        evaluation = evaluate_stream(engine, found, stride, training, several.group)
        several.leave_to_main()
        if not json:
            reports.evaluated(evaluation)
        scores, shown = evaluation.json(), evaluation.samples
        if pieces:
            statistics, shown = judged(engine, found, pieces, seconds, json)
            scores["samples"] = statistics
    return scores, shown, report
