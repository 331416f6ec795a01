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
    from gpt2kit.pipeline.evaluate import (
        corpus_records,
        documents,
        evaluate_records,
        evaluate_stream,
        run_of,
        stored_records,
    )

    loading.check_zero_shot(zero_shot, init, run)
    if zero_shot and not pairs:
        raise UserError("--zero-shot has no prepared data: name with --pairs what to score on")
    engine = loading.load(task, run, {"beams": beams}, device, set, flags, init)
    counter = console.Counter("answers")
    written = Path(predictions) if predictions else None
    if written is not None:
        files.refuse_existing_file(written, overwrite)
        files.writable_folder(written.parent)
    report, training = SplitReport(), loading.training_of(engine)
    if engine.task.layout.continues:
        if written is not None:
            raise UserError("--predictions: text has a loss, not answers; leave it out")
        with documents(engine, pairs, "" if pairs else split, limit) as found:
            name, report = found.name, found.report or report
            evaluation = evaluate_stream(engine, found, training=training)
    else:
        if pairs:
            name, records = corpus_records(engine.task, pairs, report, limit)
        else:
            name, records = stored_records(run_of(engine).prepared, engine.task, split, limit)
        evaluation = evaluate_records(engine, records, name, written, lambda done: counter(name, done), training)
    counter.done()
    reports.left_out(name, report)
    if json:
        console.result_json(evaluation.json() | ({"dropped": report.dropped} if report.dropped else {}))
    else:
        reports.evaluated(evaluation)
    if engine.run is not None:
        cards.scored(engine.run, evaluation.json(), evaluation.samples)
    if report.damaged:
        raise typer.Exit(PARTLY_DONE)
