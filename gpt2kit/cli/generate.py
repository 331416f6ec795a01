"""`gpt2kit TASK generate`, for tasks that answer an input with an output."""

import signal
import sys
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpt2kit.cli import console, loading, options, reports, several
from gpt2kit.cli.sources import read_training_data, table
from gpt2kit.errors import Interrupted, UserError

if TYPE_CHECKING:
    from gpt2kit.pipeline.engine import Result
    from gpt2kit.pipeline.generation import Answered


@several.on_devices("with --out, the answers so far are kept: --resume goes on")
def generate(
    task: str,
    flags: dict[str, str],
    *,
    texts: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT", show_default="the inputs of --file, or of standard input", help="Inputs."),
    ] = None,
    run: options.RunsOption,
    data: options.MovedDataOption = "",
    base: options.BaseOption = "",
    file: Annotated[
        str,
        typer.Option(
            "--file", "-f", metavar="FILE", show_default="standard input", help="A file of inputs; - is standard input."
        ),
    ] = "",
    out: Annotated[
        str,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            show_default="standard output",
            help="Write the answers to this file, when all are complete; until then FILE.part has those so far. - is "
            "standard output.",
        ),
    ] = "",
    resume: Annotated[
        bool, options.switch("--resume", help="With --out: go on with the answers that a stopped command has left.")
    ] = False,
    beams: options.BeamsOption = None,
    mbr: options.MbrOption = None,
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
    from gpt2kit.pipeline.generation import Answered, Input, check, kept
    from gpt2kit.pipeline.kept_answers import PART, digest, part_size
    from gpt2kit.pipeline.ratios import longer

    if not texts and file not in ("", "-"):
        check_file(file)
    sampling: dict[str, Any] = {"beams": beams, "temperature": temperature, "top_k": top_k, "top_p": top_p}
    sampling |= {"mbr": mbr, "knn": knn, "seed": seed, "stop": loading.stop_texts(stop)}
    loading.check_zero_shot(zero_shot, init, run)
    loading.check_texts(texts or ())
    written = Path(out) if out not in ("", "-") else None
    if resume and written is None:
        raise UserError("--resume goes on with the answers of --out FILE: give the same file")
    if written is not None and zero_shot:
        raise UserError("--out keeps the answers of a run, and --zero-shot uses none: leave out one of them")
    if written is not None and sources and not json:
        raise UserError("--sources prints a table after each answer, and --out has a line for each: add --json")
    before = check(written, resume) if written is not None and several.is_main() else {}
    engine = loading.load(task, run, sampling, device, set, flags, init, data, base)
    if engine.task.layout.labels and (given_too := [key for key in sampling if sampling[key] is not None]):
        raise UserError(f"--{given_too[0].replace('_', '-')}: a label is classified, not generated; leave it out")
    if seed is None and "seed" in before:
        engine.config = replace(engine.config, seed=before["seed"])
    if nbest > 1 and engine.config.mbr:
        raise UserError(f"--nbest {nbest}: of the samples of --mbr one is the answer: leave out one of them")
    if not 1 <= nbest <= engine.config.beams:
        more = f"; add --beams {nbest} or more" if nbest > 1 else ""
        raise UserError(f"--nbest {nbest}: expected 1 to the number of beams, which is {engine.config.beams}{more}")
    loading.settle_seed(engine, seed)
    if not texts and file in ("", "-") and sys.stdin is None:
        raise UserError("standard input is closed: give the inputs as arguments, or in a --file")
    interactive = not texts and not file and sys.stdin.isatty()
    if interactive and (several.group is not None or written is not None):
        raise UserError("--devices and --out are for many inputs: give them in a --file, or to standard input")
    if interactive:
        console.say(f"{engine.task.about.input_unit} in, a line out; Ctrl-D ends")

    def answers(asked: Iterable[Input], first: int) -> Iterator[Answered]:
        assert isinstance(engine.config.seed, int), "settle_seed came before"
        config, shown = replace(engine.config, seed=engine.config.seed + first), deque[str]()

        def parsed() -> Iterator[Any]:
            for each in asked:
                shown.append(each.shown)
                yield each.source

        for result in engine.results(parsed(), config, scored=json, traced=traced):
            lines = _lines(result, shown.popleft(), nbest, json)
            yield Answered(lines, result.truncated, result.circling, result.limit)
            if result.sources and not json:  # after the answer was printed
                table(engine, result.sources)

    traced = read_training_data(engine, sources, data)
    count = cut = circling = 0
    limits: Counter[str] = Counter()
    with several.answering(engine):
        parsed = map(engine.task.parse, texts) if texts else engine.task.inputs(file, sys.stdin.buffer)
        inputs = (Input(engine.task.show(source), source) for source in parsed)
        if written is not None:
            details = [nbest, json, traced, engine.given]
            found = kept(written, inputs, answers, part_size(engine, PART), digest(engine, details), engine.config.seed)
        elif interactive:
            found = (answer for number, each in enumerate(inputs) for answer in answers([each], number))
        else:
            found = answers(inputs, 0)
        for answer in found if written is None else _counted(found, out):
            count, cut, circling = count + 1, cut + answer.truncated, circling + answer.circling
            if answer.limit:
                limits[answer.limit] += 1
            for line in answer.lines if written is None else ():
                console.result(line)
    reached = {limit_with_value(limit, engine.config): number for limit, number in limits.items()}
    higher = longer(limits, engine.config, engine.run.max_ratio if engine.run else None)
    reports.remarks(count, cut, reached, higher, circling, engine.config.repetition_penalty)


def _counted(answers: "Iterator[Answered]", out: str) -> "Iterator[Answered]":
    """Count the answers that are written to a file, on the terminal. Ctrl-C leaves them for --resume."""
    counter = console.Counter("answers")
    try:
        for number, answer in enumerate(answers, 1):
            counter(out, number)
            yield answer
    except KeyboardInterrupt:
        message = "interrupted; the answers so far are kept: the same command with --resume goes on"
        raise Interrupted(signal.SIGINT, message) from None
    counter.done()


def _lines(result: "Result", text: str, nbest: int, json: bool) -> list[str]:
    """What is printed for an input, whose text is `text`."""
    outputs = [str(output) for output in result.outputs[:nbest]]
    if json and result.probabilities is not None:
        details = {"probabilities": result.probabilities, "truncated": result.truncated}
        return [console.json_line({"input": text, "output": outputs[0]} | details)]
    if json:
        scores = zip(outputs, result.scores, result.log_probabilities, strict=False)
        answers = [{"text": o, "score": score, "log_probability": total} for o, score, total in scores]
        return [console.json_line({"input": text, "output": outputs[0], "answers": answers} | reports.state(result))]
    if result.probabilities is not None:
        return ["  ".join(f"{name} {share:.3f}" for name, share in result.probabilities.items())]
    return [output.replace("\n", " ").replace("\r", " ") for output in outputs]
