"""`gpt2kit inspect`: what a model computes on one input, as a page, tables, numbers or figures."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpt2kit import files, overwriting, tasks
from gpt2kit.cli import console, loading, options, reports
from gpt2kit.cli.sources import read_training_data, table
from gpt2kit.errors import UserError, counted

if TYPE_CHECKING:
    from gpt2kit.inspection.subject import Subject
    from gpt2kit.pipeline.engine import Engine
    from gpt2kit.pipeline.sources import TokenSources

PAGE = "inspect.html"

ModelArgument = Annotated[
    str, typer.Argument(metavar="MODEL", help="A run of any task, a GPT-2 folder, or a model of the Hub such as gpt2.")
]


def inspect(
    model: ModelArgument,
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT",
            show_default="the input of --file; else an empty prompt, or a new piece",
            help="A text, or a MIDI file for music; - is standard input. For a row of several columns, one text each.",
        ),
    ] = None,
    *,
    file: Annotated[
        str, typer.Option("--file", "-f", metavar="FILE", show_default="none", help="A file with the input.")
    ] = "",
    out: Annotated[
        str,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            show_default=f"{PAGE}, unless another output is chosen",
            help="Write the page.",
        ),
    ] = "",
    text: Annotated[bool, options.switch("--text", help="Print the same as tables on stdout.")] = False,
    png: Annotated[
        str, typer.Option("--png", metavar="DIR", show_default="none", help="Write figures into this folder.")
    ] = "",
    visualizer: Annotated[
        str,
        typer.Option(
            "--visualizer",
            metavar="FILE",
            show_default="none",
            help="For music: write the JSON of the public music-transformer-visualization.",
        ),
    ] = "",
    generate: Annotated[
        int | None,
        typer.Option(
            "--generate",
            min=0,
            metavar="N",
            show_default="the model's generate.max_new_tokens; 64 for music",
            help="Generate an answer of at most N tokens; 0: none.",
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            metavar="TEXT",
            show_default="the model's answer",
            help="Inspect this answer instead of generating.",
        ),
    ] = None,
    sources: options.SourcesOption = False,
    data: options.MovedDataOption = "",
    base: options.BaseOption = "",
    set: options.EngineSetOption,
    device: options.DeviceOption = "",
    overwrite: options.OverwriteFilesOption = False,
    json: options.JsonOption = False,
) -> None:
    """Inspect what a model computes on one input: every token, head and layer, as a page that works offline."""
    if generate is not None and target is not None:
        raise UserError("--target is the answer: leave out --generate")
    if not (out or text or json or png or visualizer):
        out = PAGE
    read = [model, file, *(inputs or [])]
    taken = {}
    for name, kind in ((out, overwriting.PAGE), (visualizer, overwriting.VISUALIZED)):
        if name:
            taken[name] = overwriting.check_file(Path(name), overwrite, kind, read)
            files.writable_folder(Path(name).parent)
    if png and Path(png).is_file():
        raise UserError(f"{png} is a file; --png takes a folder")
    if png:
        from gpt2kit.inspection.figures import FIGURES, path_of

        for path in (path_of(Path(png), name) for name in FIGURES):
            taken[str(path)] = overwriting.check_file(path, overwrite, overwriting.PICTURE, read)
    for name, what in taken.items():
        reports.replaced(name, what)
    engine, task = opened(model, device, set, base, data)
    traced = read_training_data(engine, sources, data)
    if visualizer and engine.task.about.medium != "performance":
        raise UserError(f"--visualizer is for music: {model} is a model of {task}")
    source = source_of(engine, task, inputs or [], file)

    from gpt2kit.decoding.seeds import with_seed
    from gpt2kit.inspection.subject import subject_of

    engine.config = with_seed(engine.config)
    subject = subject_of(engine, model, task, source, generate, target)
    sampled = not subject.given and len(subject.ids) > subject.prompt and engine.config.temperature > 0
    seed = engine.config.seed if sampled else None
    if seed is not None:
        console.say(f"seed: {seed}; the same again with --set generate.seed={seed}")
    for remark in subject.remarks:
        console.say(remark)
    answer = subject.ids[: subject.prompt], subject.ids[subject.prompt :]
    found = engine.sources_of(*answer, traced) if traced else []
    _write(subject, out, text, png, visualizer, json, found, {} if seed is None else {"seed": seed})


def _write(
    subject: "Subject",
    out: str,
    text: bool,
    png: str,
    visualizer: str,
    json: bool,
    sources: "list[TokenSources]",
    more: dict[str, Any],
) -> None:
    """Write what was asked for, with the sources of the answer; the JSON says `more`, too."""
    from gpt2kit.inspection.trace import trace_of

    found = trace_of(subject)
    if out:
        from gpt2kit.inspection.page import write_page
        from gpt2kit.inspection.performance import piece_view
        from gpt2kit.inspection.sources import section_of
        from gpt2kit.inspection.subject import short_name
        from gpt2kit.inspection.view import view_of

        piece = piece_view(subject) if subject.engine.task.about.medium == "performance" else None
        title = f"{short_name(subject.name)}: inside the model"
        write_page(Path(out), view_of(found), title, piece, section_of(sources) if sources else "")
        console.say(f"{out}: a page that works offline, {Path(out).stat().st_size / 1e6:.1f} MB")
    if visualizer:
        from gpt2kit.inspection.performance import write_visualizer

        write_visualizer(Path(visualizer), subject)
        console.say(f"{visualizer}: for the performance page of music-transformer-visualization")
        if subject.engine.model.config.n_head > 8:
            console.say("it shows 8 heads: only the first 8 of each layer are written")
    if png:
        from gpt2kit.inspection.figures import write_figures

        files.writable_folder(Path(png))
        for path in write_figures(Path(png), found):
            console.say(str(path))
    if text:
        from gpt2kit.inspection.tables import text_of

        console.result("\n".join(text_of(found)))
        if sources:
            table(subject.engine, sources)
    if json:
        from gpt2kit.inspection.numbers import numbers_of

        more |= {"sources": [each.json() for each in sources]} if sources else {}
        console.result_json(numbers_of(found) | more)


def opened(model: str, device: str, settings: list[str], base: str = "", data: str = "") -> "tuple[Engine, str]":
    """The engine of a run, or of a GPT-2 that continues texts, and its task."""
    from gpt2kit.pipeline.opening import opened_run
    from gpt2kit.runs.task_folder import TASK_FILE

    if (Path(model) / TASK_FILE).is_file():
        run = opened_run(model, data, base)
        return loading.load(run.task_name, run, {}, device, settings, {}), run.task_name
    if base:
        raise UserError(f"--base {base}: {model} is not a run of gpt2kit; leave it out")
    return loading.load(tasks.PLAIN, "", {}, device, settings, {}, model, data), tasks.PLAIN


def source_of(engine: "Engine", task: str, inputs: list[str], file: str) -> Any:
    """The one input of the command line, as the task's source."""
    from gpt2kit.data.lines import check_file

    if inputs and file:
        raise UserError("the input comes from the command line or from --file, not from both")
    if engine.task.about.medium == "performance":
        return _performance(engine, inputs, file)
    asked = getattr(engine.task, "asked", [""])
    if inputs and inputs != ["-"]:
        if len(inputs) > 1 and len(asked) == 1:
            raise UserError(f"{len(inputs)} inputs, but one is inspected: put a text of several words in quotes")
        return engine.task.parse("\t".join(inputs))
    if not inputs and not file:
        if not engine.task.layout.continues:
            raise UserError("no input: give a text, a --file, or - for standard input")
        return engine.task.parse("")
    file = file or "-"
    if file != "-":
        check_file(file)
    return _read(engine, task, file)


def _read(engine: "Engine", task: str, file: str) -> Any:
    """The first input of a file or of standard input; all of it for a text to continue."""
    from gpt2kit.data.lines import stream_lines, text_lines

    if engine.task.layout.continues:
        lines = stream_lines(sys.stdin.buffer, "standard input") if file == "-" else text_lines(file)
        return engine.task.parse("\n".join(lines))
    sources = engine.task.inputs(file, sys.stdin.buffer)
    first = next(sources, None)
    if first is None:
        raise UserError("the input is empty: there is nothing to inspect")
    if next(sources, None) is not None:
        console.say(f"{file}: only the first input is shown")
    return first


def _performance(engine: "Engine", inputs: list[str], file: str) -> Any:
    """The notes of a MIDI file; none for a new piece."""
    from gpt2kit.cli.performance.heard import heard, of_task
    from gpt2kit.music.notes import Notes

    if len(inputs) > 1:
        raise UserError(f"{counted(len(inputs), 'piece')}, but one is inspected")
    path = file or "".join(inputs)
    if path == "-":
        raise UserError("a performance is a MIDI file, and is not read from standard input: give a file")
    return heard(path, *of_task(engine.task)) if path else Notes.none()
