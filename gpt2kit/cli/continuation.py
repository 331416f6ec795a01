"""`gpt2kit TASK generate`, for tasks that continue a text."""

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpt2kit.cli import console, loading, options, reports, several
from gpt2kit.cli.sources import read_training_data, table
from gpt2kit.errors import UserError

if TYPE_CHECKING:
    from gpt2kit.pipeline.engine import Engine


@several.on_devices("the texts that were printed are complete")
def generate(
    task: str,
    flags: dict[str, str],
    *,
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TEXT",
            show_default="the text of --file, or standard input",
            help="Prompts: the model continues each.",
        ),
    ] = None,
    run: options.RunsOption,
    data: options.MovedDataOption = "",
    base: options.BaseOption = "",
    file: Annotated[
        str,
        typer.Option(
            "--file",
            "-f",
            metavar="FILE",
            show_default="standard input",
            help="A file with one prompt; - is standard input, with one prompt per line.",
        ),
    ] = "",
    nsamples: Annotated[
        int, typer.Option("--nsamples", min=1, metavar="N", help="Write N continuations of each prompt.")
    ] = 1,
    length: Annotated[
        int | None,
        typer.Option(
            "--length",
            min=1,
            metavar="N",
            show_default="the run's generate.max_new_tokens",
            help="Write at most N tokens after the prompt.",
        ),
    ] = None,
    temperature: options.TemperatureOption = None,
    top_k: options.TopKOption = None,
    top_p: options.TopPOption = None,
    seed: options.SeedOption = None,
    stop: options.StopOption,
    sources: options.SourcesOption = False,
    knn: options.KnnOption = None,
    zero_shot: options.ZeroShotOption = False,
    init: options.ZeroShotInitOption = "",
    set: options.EngineSetOption,
    device: options.DeviceOption = "",
    json: options.JsonOption = False,
) -> None:
    """Continue a text, or write one from nothing. On a terminal, read prompts line by line."""
    from gpt2kit.data.lines import check_file, stream_lines, text_blocks

    if texts and file:
        raise UserError("prompts come from the command line or from --file, not from both")
    loading.check_zero_shot(zero_shot, init, run)
    loading.check_texts(texts or ())
    sampling: dict[str, Any] = {"max_new_tokens": length, "temperature": temperature, "top_k": top_k, "top_p": top_p}
    sampling |= {"knn": knn, "seed": seed, "stop": loading.stop_texts(stop)}
    if file not in ("", "-"):
        check_file(file)
    engine = loading.load(task, run, sampling, device, set, flags, init, data, base)
    loading.settle_seed(engine, seed)
    traced = read_training_data(engine, sources, data)
    if texts:
        prompts: Iterable[str] = texts
    elif file not in ("", "-"):
        prompts = ["".join(text_blocks(file)).removesuffix("\n")]
    elif sys.stdin is None or (sys.stdin.isatty() and (json or sources or nsamples > 1)):
        prompts = [""]
    elif sys.stdin.isatty():
        if several.group is not None:
            raise UserError("--devices is for many prompts: give them to standard input, or ask for --nsamples")
        _converse(engine)
        return
    else:
        prompts = _given(stream_lines(sys.stdin.buffer, "standard input"))
    sampled = circling = 0
    asked: list[str] = []

    def repeated() -> Iterator[str]:
        for prompt in prompts:
            asked.extend([prompt] * nsamples)
            yield from [prompt] * nsamples

    with several.answering(engine):
        for result in engine.results(repeated(), scored=json, traced=traced):
            sampled += 1
            prompt, text = asked.pop(0), str(result.outputs[0])
            if json:
                made = {"sample": sampled, "input": prompt, "output": text, "tokens": len(result.ids[0])}
                console.result_json(made | reports.state(result))
                continue
            circling += result.circling
            if result.truncated:
                console.say(f"sample {sampled}: the prompt is longer than the model's window; its end is continued")
            console.result(f"{_before(sampled)}{prompt}{text}")
            if result.sources:
                table(engine, result.sources)
    reports.remarks(sampled, 0, {}, {}, circling, engine.config.repetition_penalty)


def _given(lines: Iterator[str]) -> Iterator[str]:
    """Yield one text per line; without any lines, an empty text to continue."""
    first = next(lines, None)
    if first is None:
        yield ""
        return
    yield first
    yield from lines


def _converse(engine: "Engine") -> None:
    """Continue texts from the terminal, printed token by token; Enter alone starts from nothing."""
    console.say("type a prompt, or press Enter alone to start from nothing; Ctrl-D ends")
    seed = engine.config.seed
    assert isinstance(seed, int), "settle_seed came before"
    while (line := console.asked()) is not None:
        console.piece(line)
        for piece in engine.stream(line, seed=seed):
            console.piece(piece)
        console.piece("\n\n")
        seed += 1


def _before(number: int) -> str:
    """What precedes a sample: a heading on a terminal; elsewhere only the empty line between two samples."""
    if console.on_terminal():
        return f"======== SAMPLE {number} ========\n"
    return "\n" if number > 1 else ""
