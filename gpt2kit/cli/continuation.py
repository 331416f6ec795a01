"""`gpt2kit TASK generate`, for tasks that continue a text."""

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from gpt2kit.cli import console, loading, options, reports
from gpt2kit.errors import UserError

if TYPE_CHECKING:
    from gpt2kit.pipeline.engine import Engine


def generate(
    task: str,
    flags: dict[str, str],
    *,
    texts: Annotated[
        list[str] | None, typer.Argument(help="Texts that are to go on; without any, those of --file or stdin.")
    ] = None,
    run: options.RunOption = "",
    file: Annotated[
        str, typer.Option("--file", "-f", help="One text that is to go on; - is stdin, a text a line.")
    ] = "",
    nsamples: Annotated[int, typer.Option("--nsamples", min=1, help="So many of each.")] = 1,
    length: Annotated[int | None, typer.Option("--length", min=1, help="Tokens at most, prompt not counted.")] = None,
    temperature: Annotated[float | None, typer.Option("--temperature", help="0 is greedy.")] = None,
    top_k: Annotated[int | None, typer.Option("--top-k", help="Sample from the k likeliest tokens; 0: all.")] = None,
    top_p: Annotated[float | None, typer.Option("--top-p", help="Sample from this much probability.")] = None,
    seed: options.SeedOption = None,
    zero_shot: options.ZeroShotOption = False,
    init: options.ZeroShotInitOption = "",
    set: options.SetOption,
    device: options.DeviceOption = "",
    json: options.JsonOption = False,
) -> None:
    """Go on with a text, or ramble from nothing; on a terminal, ask for texts."""
    from gpt2kit.data.lines import check_file, stream_lines, text_blocks

    if texts and file:
        raise UserError("texts come from the command line or from --file, not from both")
    loading.check_zero_shot(zero_shot, init, run)
    loading.check_texts(texts or ())
    sampling = {"max_new_tokens": length, "temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
    if temperature == 0:  # greedy: the recipe's sampling limits have no effect
        sampling |= {key: off for key, off in (("top_k", 0), ("top_p", 1.0)) if sampling[key] is None}
    if file not in ("", "-"):
        check_file(file)
    engine = loading.load(task, run, sampling, device, set, flags, init)
    if texts:
        prompts: Iterable[str] = texts
    elif file not in ("", "-"):
        prompts = ["".join(text_blocks(file)).removesuffix("\n")]
    elif sys.stdin is None or (sys.stdin.isatty() and (json or nsamples > 1)):
        prompts = [""]
    elif sys.stdin.isatty():
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

    for result in engine.results(repeated()):
        sampled += 1
        prompt, text = asked.pop(0), str(result.outputs[0])
        if json:
            state = {"finished": result.finished, "truncated": result.truncated, "circling": result.circling}
            made = {"tokens": len(result.ids[0])}
            console.result_json({"sample": sampled, "input": prompt, "output": text} | state | made)
            continue
        circling += result.circling
        if result.truncated:
            console.say(f"sample {sampled}: the text is longer than the model's window; it goes on from its end")
        console.result(f"{_header(sampled)}\n{prompt}{text}")
    reports.remarks(sampled, 0, 0, circling, engine.config.repetition_penalty)


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
    console.say("a text that is to go on, or Enter to ramble; Ctrl-D ends")
    seed = engine.config.seed
    while (line := console.asked()) is not None:
        console.piece(line)
        for piece in engine.stream(line, seed=seed):
            console.piece(piece)
        console.piece("\n\n")
        seed += 1


def _header(number: int) -> str:
    return f"======== SAMPLE {number} ========"
