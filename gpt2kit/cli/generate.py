"""`gpt2kit TASK generate`, for tasks that answer an input with an output."""

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any

import typer

from gpt2kit.cli import console, loading, options, reports
from gpt2kit.cli.sources import read_training_data, table
from gpt2kit.errors import UserError


def generate(
    task: str,
    flags: dict[str, str],
    *,
    texts: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT", show_default="the inputs of --file, or of standard input", help="Inputs."),
    ] = None,
    run: options.RunOption = "",
    data: options.MovedDataOption = "",
    base: options.BaseOption = "",
    file: Annotated[
        str,
        typer.Option(
            "--file", "-f", metavar="FILE", show_default="standard input", help="A file of inputs; - is standard input."
        ),
    ] = "",
    beams: options.BeamsOption = None,
    temperature: options.TemperatureOption = None,
    top_k: options.TopKOption = None,
    top_p: options.TopPOption = None,
    seed: options.SeedOption = None,
    stop: options.StopOption,
    nbest: Annotated[
        int, typer.Option("--nbest", metavar="N", help="Print the N best answers to each input, of beam search.")
    ] = 1,
    sources: options.SourcesOption = False,
    knn: options.KnnOption = None,
    zero_shot: options.ZeroShotOption = False,
    init: options.ZeroShotInitOption = "",
    set: options.EngineSetOption,
    device: options.DeviceOption = "",
    json: options.JsonOption = False,
) -> None:
    """Answer each input, on one line each."""
    from gpt2kit.data.lines import check_file
    from gpt2kit.decoding.answer import limit_with_value
    from gpt2kit.pipeline.ratios import longer

    if not texts and file not in ("", "-"):
        check_file(file)
    sampling: dict[str, Any] = {"beams": beams, "temperature": temperature, "top_k": top_k, "top_p": top_p}
    sampling |= {"knn": knn, "seed": seed, "stop": loading.stop_texts(stop)}
    loading.check_zero_shot(zero_shot, init, run)
    loading.check_texts(texts or ())
    engine = loading.load(task, run, sampling, device, set, flags, init, data, base)
    if engine.task.layout.labels and (given_too := [key for key in sampling if sampling[key] is not None]):
        raise UserError(f"--{given_too[0].replace('_', '-')}: a label is classified, not generated; leave it out")
    loading.settle_seed(engine, seed)
    if not 1 <= nbest <= engine.config.beams:
        raise UserError(
            f"--nbest {nbest}: expected 1 to the number of beams, which is {engine.config.beams}; "
            f"add --beams {max(1, nbest)} or more"
        )
    given: list[str] = []
    if not texts and file in ("", "-") and sys.stdin is None:
        raise UserError("standard input is closed: give the inputs as arguments, or in a --file")
    interactive = not texts and not file and sys.stdin.isatty()
    if interactive:
        console.say(f"{engine.task.about.input_unit} in, a line out; Ctrl-D ends")

    def inputs() -> Iterator[Any]:
        parsed = map(engine.task.parse, texts) if texts else engine.task.inputs(file, sys.stdin.buffer)
        for source in parsed:
            given.append(engine.task.show(source))
            yield source

    traced = read_training_data(engine, sources, data)
    count = cut = circling = 0
    limits: Counter[str] = Counter()
    batches = ([source] for source in inputs()) if interactive else iter([inputs()])
    for batch in batches:
        for result in engine.results(batch, engine.config, scored=json, traced=traced):
            text = given.pop(0)
            count, cut = count + 1, cut + result.truncated
            circling += result.circling
            if result.limit:
                limits[result.limit] += 1
            outputs = [str(output) for output in result.outputs[:nbest]]
            if json and result.probabilities is not None:
                details = {"probabilities": result.probabilities, "truncated": result.truncated}
                console.result_json({"input": text, "output": outputs[0]} | details)
            elif json:
                scores = zip(outputs, result.scores, result.log_probabilities, strict=False)
                answers = [{"text": o, "score": score, "log_probability": total} for o, score, total in scores]
                console.result_json({"input": text, "output": outputs[0], "answers": answers} | reports.state(result))
            elif result.probabilities is not None:
                console.result("  ".join(f"{name} {share:.3f}" for name, share in result.probabilities.items()))
            else:
                for output in outputs:
                    console.result(output.replace("\n", " ").replace("\r", " "))
                if result.sources:
                    table(engine, result.sources)
        if interactive and isinstance(engine.config.seed, int):  # as input number i of one call
            engine.config = replace(engine.config, seed=engine.config.seed + 1)
    reached = {limit_with_value(limit, engine.config): number for limit, number in limits.items()}
    higher = longer(limits, engine.config, engine.run.max_ratio if engine.run else None)
    reports.remarks(count, cut, reached, higher, circling, engine.config.repetition_penalty)
