"""`gpt2kit TASK evaluate`, of tasks whose answers have references."""

from pathlib import Path
from typing import Annotated

import typer

from gpt2kit.cli import cards, console, loading, options, reports
from gpt2kit.errors import PARTLY_DONE, UserError


def evaluate(
    task: str,
    flags: dict[str, str],
    *,
    run: options.RunOption = "",
    pairs: options.PairsOption,
    split: Annotated[str, typer.Option("--split", help="The prepared split to score on.")] = "val",
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Score only the first examples.")] = None,
    beams: options.BeamsOption = None,
    predictions: Annotated[
        str, typer.Option("--predictions", help="Write the answers to this file, as JSON lines.")
    ] = "",
    zero_shot: options.ZeroShotOption = False,
    init: options.ZeroShotInitOption = "",
    set: options.SetOption,
    device: options.DeviceOption = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --predictions if it exists.")] = False,
    json: options.JsonOption = False,
) -> None:
    """Score a run's answers against references, with the signature of every score."""
    from gpt2kit import files
    from gpt2kit.data.report import SplitReport
    from gpt2kit.pipeline import evaluate as scoring

    loading.check_zero_shot(zero_shot, init, run)
    if zero_shot and not pairs:
        raise UserError("--zero-shot has no prepared data: name with --pairs what to score on")
    engine = loading.load(task, run, {"beams": beams}, device, set, flags, init)
    counter = console.Counter("answers")
    written = Path(predictions) if predictions else None
    if written is not None:
        files.refuse_existing_file(written, overwrite)
        files.writable_folder(written.parent)
    report, folder = SplitReport(), Path(run or f"runs/{task}")
    training = None if zero_shot else loading.training_of(folder, engine.task)
    if engine.task.layout.continues:
        if written is not None:
            raise UserError("--predictions: text has a loss, not answers; leave it out")
        with scoring.documents(folder, engine.task, pairs, "" if pairs else split, limit) as documents:
            name, report = documents.name, documents.report or report
            evaluation = scoring.evaluate_stream(engine, documents, training=training)
    else:
        if pairs:
            name, records = scoring.corpus_records(engine.task, pairs, report, limit)
        else:
            name, records = scoring.stored_records(folder, engine.task, split, limit)
        evaluation = scoring.evaluate(engine, records, name, written, lambda done: counter(name, done), training)
    counter.done()
    reports.left_out(name, report)
    if json:
        console.result_json(evaluation.json() | ({"dropped": report.dropped} if report.dropped else {}))
    else:
        reports.evaluated(evaluation)
    if not zero_shot:
        cards.scored(folder, evaluation.json(), evaluation.samples)
    if report.damaged:
        raise typer.Exit(PARTLY_DONE)
