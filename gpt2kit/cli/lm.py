"""What a language model has beside the verbs of every task: it rambles, it goes on with a text, it has a perplexity."""

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from gpt2kit.cli import cards, console, loading, options, reports
from gpt2kit.data.sources import is_table
from gpt2kit.errors import PARTLY_DONE, UserError

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
    seed: Annotated[int | None, typer.Option("--seed", help="Of sampling.")] = None,
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
    if temperature == 0:  # greedy: the recipe's limits have nothing to limit
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
    reports.remarks(0, 0, circling)


def evaluate(
    task: str,
    flags: dict[str, str],
    *,
    run: options.RunOption = "",
    file: Annotated[list[str], options.several("--file", "What to score on, as for prepare; else a prepared split.")],
    split: Annotated[str, typer.Option("--split", help="The prepared split to score on.")] = "",
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Score only the first documents.")] = None,
    stride: Annotated[
        int, typer.Option("--stride", help="Tokens that each window predicts behind the others; 0: half a window.")
    ] = 0,
    zero_shot: options.ZeroShotOption = False,
    init: options.ZeroShotInitOption = "",
    set: options.SetOption,
    device: options.DeviceOption = "",
    json: options.JsonOption = False,
) -> None:
    """Score a run by its perplexity per token and per word, and in bits per byte."""
    from gpt2kit.pipeline.evaluate import documents, evaluate_stream

    loading.check_zero_shot(zero_shot, init, run)
    if zero_shot and not file:
        raise UserError("--zero-shot has no prepared data: name with --file what to score on")
    if file and split:
        raise UserError("--split is a part of prepared data, and --file is scored whole: leave one of them out")
    if flags and not any(map(is_table, file)):
        raise UserError(f"--{next(iter(flags))} is for a table that --file names")
    engine = loading.load(task, run, {}, device, set, flags, init)
    window = engine.model.config.n_positions
    if not 0 <= stride <= window:
        raise UserError(f"--stride {stride}: the model's window has {window} tokens, of which 1 to {window} are new")
    with documents(engine, file, "" if file else split, limit) as found:
        if found.report is not None:
            reports.left_out(found.name, found.report)
        evaluation = evaluate_stream(engine, found, stride, loading.training_of(engine))
    if json:
        console.result_json(evaluation.json())
    else:
        reports.evaluated(evaluation)
    if engine.run is not None:
        cards.scored(engine.run, evaluation.json(), evaluation.samples)
    if found.report is not None and found.report.damaged:
        raise typer.Exit(PARTLY_DONE)


def _given(lines: Iterator[str]) -> Iterator[str]:
    """A text a line; where there is not one line, nothing is what goes on."""
    first = next(lines, None)
    if first is None:
        yield ""
        return
    yield first
    yield from lines


def _converse(engine: "Engine") -> None:
    """Texts from the terminal, each gone on with token by token as it is found; Enter alone rambles."""
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
