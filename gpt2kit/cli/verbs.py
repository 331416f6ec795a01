"""The four verbs, the same for every task. A task's own flags are the fields that it marks as such."""

import functools
import inspect
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpt2kit import tasks
from gpt2kit.cli import cards, console
from gpt2kit.errors import PARTLY_DONE, DataError, Interrupted, UserError
from gpt2kit.recipe import knobs, read_by
from gpt2kit.tasks.base import Task

if TYPE_CHECKING:
    from gpt2kit.data.store import Store


def several(name: str, help: str) -> Any:
    """An option that may be repeated."""
    return typer.Option(name, default_factory=list, show_default=False, help=help)


RecipeOption = Annotated[str, typer.Option("--recipe", help="A shipped recipe (gpt2kit recipes) or a .toml file.")]
SetOption = Annotated[list[str], several("--set", "section.key=value, over the recipe; may be repeated.")]
ValOption = Annotated[list[str], several("--val", "The validation corpus; else a part is held out.")]
TestOption = Annotated[list[str], several("--test", "A test corpus, prepared and checked for leaks.")]
PairsOption = Annotated[list[str], several("--pairs", "The corpus to score on; else a prepared split.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Results as JSON on stdout, errors as JSON on stderr.")]
OutOption = Annotated[str, typer.Option("--out", "-o", help="The folder to write.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace --out if it exists.")]
RunOption = Annotated[str, typer.Option("--run", "-r", help="A run folder.")]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1 or mps.")]
ZeroShotOption = Annotated[
    bool, typer.Option("--zero-shot", help="Ask the pretrained model --init, which was never trained for this.")
]
ZeroShotInitOption = Annotated[str, typer.Option("--init", help="With --zero-shot: a GPT-2 folder or Hub id.")]
BeamsOption = Annotated[int | None, typer.Option("--beams", help="Beam search with that many hypotheses.")]


def first_line(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").split("\n")[0]


def bind(verb: Callable[..., None], name: str, kind: type[Task[Any, Any]]) -> Callable[..., None]:
    """A verb for one task: the task's flags become options, and reach the verb as its `flags`."""
    flagged = read_by(verb.__name__, kind)

    @functools.wraps(verb)
    def command(**options: Any) -> None:
        flags = {key: value for key in flagged if (value := options.pop(key)) is not None}
        verb(name, flags, **options)

    own = [p for p in inspect.signature(verb).parameters.values() if p.name not in ("task", "flags")]
    extra = [
        inspect.Parameter(
            key,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[str | None, typer.Option(f"--{key}", help=field.metadata["help"].capitalize() + ".")],
        )
        for key, field in flagged.items()
    ]
    keyword = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
    command.__signature__ = inspect.Signature([*keyword, *extra])  # type: ignore[attr-defined]  # read by typer
    command.__annotations__ = {p.name: p.annotation for p in [*keyword, *extra]}
    return command


def _settings(settings: list[str], flags: dict[str, str]) -> list[str]:
    return [*settings, *(f"task.{key}={value}" for key, value in flags.items())]


def check_task_settings(task: str, settings: list[str], *verbs: str) -> None:
    """Raises UserError for a --set of a task's knob that none of these verbs reads."""
    kind = tasks.find(task)
    readable = {key for verb in verbs for key in read_by(verb, kind)}
    for key in (setting.removeprefix("task.").partition("=")[0] for setting in settings if setting.startswith("task.")):
        if key in readable or key not in knobs(kind):
            continue
        if "prepare" not in verbs:
            raise UserError(f"--set task.{key}: it was fixed when the data was prepared, and cannot change now")
        if key in read_by("train", kind):
            raise UserError(f"--set task.{key}: the data is the same for all its values; set it for train")


def prepare(
    task: str,
    flags: dict[str, str],
    *,
    corpus: Annotated[list[str], typer.Argument(help="Files of the task's kind, or hf:owner/name; more than once.")],
    val: ValOption,
    test: TestOption,
    out: OutOption = "",
    recipe: RecipeOption = "",
    set: SetOption,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
) -> None:
    """Turn a corpus into ids on disk, and say what became of every line."""
    from gpt2kit import folders, preparing
    from gpt2kit import recipe as recipes

    check_task_settings(task, set, "prepare")
    loaded = recipes.load(recipe or task, _settings(set, flags), task)
    corpora = {"train": corpus} | ({"val": val} if val else {}) | ({"test": test} if test else {})
    folder = out or f"data/{task}"
    counter = console.Counter("records")
    reports = preparing.prepare(loaded, corpora, Path(folder), overwrite, counter)
    counter.done()
    console.prepared(reports, folder)
    opened = folders.load_task(Path(folder))[1]
    if told := opened.described():
        console.described(told, preparing.rendered(Path(folder), opened))
    if json:
        console.result_json({split: report.json() for split, report in reports.items()} | {"out": folder})
    if any(report.damaged for report in reports.values()):
        raise typer.Exit(PARTLY_DONE)


def train(
    task: str,
    flags: dict[str, str],
    *,
    data: Annotated[str, typer.Argument(help="A prepared folder.")] = "",
    out: OutOption = "",
    recipe: RecipeOption = "",
    set: SetOption,
    init: Annotated[str, typer.Option("--init", help="A run, GPT-2 folder or Hub id to start from.")] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    device: DeviceOption = "",
    budget: Annotated[str, typer.Option("--budget", help="Time to train in, such as 30m or 1h30m.")] = "",
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Also write curves for TensorBoard.")] = False,
    freeze: Annotated[int, typer.Option("--freeze", help="With --init: so many blocks stay as they are.")] = 0,
    lora: Annotated[int, typer.Option("--lora", help="With --init: learn adapters of this rank, not the weights.")] = 0,
    devices: Annotated[int, typer.Option("--devices", min=1, help="So many GPUs, or processes on a CPU.")] = 1,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be trained and what it would take; write nothing.")
    ] = False,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
) -> None:
    """Train a model on a prepared folder."""
    from gpt2kit import folders
    from gpt2kit import recipe as recipes

    check_task_settings(task, set, "train")
    run, data = Path(out or f"runs/{task}"), data or f"data/{task}"
    if resume and (init or overwrite):
        raise UserError("--resume goes on with a run as it is: it takes neither --init nor --overwrite")
    if dry_run and (resume or devices > 1):
        raise UserError("--dry-run looks at a new run, on one device: leave --resume and --devices out")
    settings = [*_settings(set, flags), *([f"train.device={device}"] if device else [])]
    settings += [*([f'train.budget="{budget}"'] if budget else []), *(["train.tensorboard=true"] * tensorboard)]
    settings += [f"train.{key}={value}" for key, value in (("freeze", freeze), ("lora", lora)) if value]
    if resume and not recipe:
        loaded = recipes.build(run.name, recipes.apply(folders.recipe_of(run).table(), settings))
    else:
        loaded = recipes.load(recipe or task, settings, task)
    if dry_run:
        _dry_run(loaded, data, run, init, overwrite, json)
        return
    words = [task, "train", data, "--out", str(run)]
    again = f"gpt2kit {shlex.join([*words, '--resume'])}"
    if devices == 1:
        _train(loaded, data, run, init, resume, overwrite, json, again)
        return
    from gpt2kit.train import launch

    launch.check_devices(devices, loaded.train.device)
    words += [word for setting in settings for word in ("--set", setting)]
    words += [*(["--recipe", recipe] if recipe else []), *(["--init", init] if init else [])]
    given = {"--resume": resume, "--overwrite": overwrite, "--json": json}
    try:
        launch.launch([*words, *(word for word in given if given[word])], devices, f"{again} --devices {devices}")
    except Interrupted as stopped:  # the first process has said so
        raise typer.Exit(stopped.exit_code) from None


def _dry_run(loaded: Any, data: str, run: Path, init: str, overwrite: bool, json: bool) -> None:
    from gpt2kit import files
    from gpt2kit.preflight import preflight

    files.refuse_existing(run, overwrite)
    report = preflight(loaded, Path(data), run, init or None)
    if json:
        console.result_json(report.json())
    else:
        console.preflight(report)


def _train(loaded: Any, data: str, run: Path, init: str, resume: bool, overwrite: bool, json: bool, again: str) -> None:
    """In this process; one of several speaks for all, and the launcher says what the others died of."""
    from gpt2kit import pipeline
    from gpt2kit.train import distributed
    from gpt2kit.train import events as kinds

    rank, processes = distributed.place()
    started_here = distributed.STARTED_BY in os.environ
    if rank:
        console.silence()
    if processes > 1:
        again = f"{again} --devices {processes}" if started_here else "the same torchrun command with --resume"
    last: kinds.Validation | None = None
    events = pipeline.train(loaded, Path(data), run, init or None, resume, overwrite)
    try:
        for event in console.training(events):
            if isinstance(event, kinds.Validation):
                last = event
            if isinstance(event, kinds.Stopped):
                raise Interrupted(event.signal, f"stopped after step {event.step:,}, state saved; to go on:\n  {again}")
    except UserError as error:
        if processes == 1:
            raise
        distributed.record(error)
        if rank or started_here:
            raise typer.Exit(error.exit_code) from error
        raise
    if not rank:
        cards.own(run)
    name, task = shlex.quote(str(run)), loaded.task_name
    console.say(f"trained: {run}; try\n  gpt2kit {task} generate --run {name}\n  gpt2kit {task} evaluate --run {name}")
    if json and not rank:
        console.result_json({"run": str(run), "validation_loss": last.loss if last else None})


def generate(
    task: str,
    flags: dict[str, str],
    *,
    texts: Annotated[list[str] | None, typer.Argument(help="Inputs; without any, those of --file or stdin.")] = None,
    run: RunOption = "",
    file: Annotated[str, typer.Option("--file", "-f", help="A file of inputs; - is stdin.")] = "",
    beams: BeamsOption = None,
    temperature: Annotated[float | None, typer.Option("--temperature", help="0 is greedy.")] = None,
    top_k: Annotated[int | None, typer.Option("--top-k", help="Sample from the k likeliest tokens.")] = None,
    top_p: Annotated[float | None, typer.Option("--top-p", help="Sample from this much probability.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of sampling.")] = None,
    nbest: Annotated[int, typer.Option("--nbest", help="Print that many answers of beam search each.")] = 1,
    zero_shot: ZeroShotOption = False,
    init: ZeroShotInitOption = "",
    set: SetOption,
    device: DeviceOption = "",
    json: JsonOption = False,
) -> None:
    """Answer each input on a line of its own."""
    from gpt2kit.data.lines import check_file

    if not texts and file not in ("", "-"):
        check_file(file)
    options = {"beams": beams, "temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
    check_zero_shot(zero_shot, init, run)
    check_texts(texts or ())
    engine = load(task, run, options, device, set, flags, init)
    if engine.task.layout == "examples" and (given_too := [key for key in options if options[key] is not None]):
        raise UserError(f"--{given_too[0].replace('_', '-')}: a label is not drawn; leave it out")
    if not 1 <= nbest <= engine.config.beams:
        raise UserError(
            f"--nbest {nbest}: beam search with {engine.config.beams} beams gives 1 to {engine.config.beams}"
        )
    given: list[str] = []
    if not texts and file in ("", "-") and sys.stdin is None:
        raise UserError("standard input is closed: give inputs as words, or a file of them with --file")
    interactive = not texts and not file and sys.stdin.isatty()
    if interactive:
        console.say(f"{engine.task.input_unit} in, a line out; Ctrl-D ends")

    def inputs() -> Iterator[Any]:
        sources = map(engine.task.parse, texts) if texts else engine.task.inputs(file, sys.stdin.buffer)
        for source in sources:
            given.append(engine.task.show(source))
            yield source

    cut = unfinished = circling = 0
    batches = ([source] for source in inputs()) if interactive else iter([inputs()])
    for batch in batches:
        for result in engine.results(batch):
            text = given.pop(0)
            cut += result.truncated
            unfinished += not result.finished
            circling += result.circling
            outputs = [str(output) for output in result.outputs[:nbest]]
            if json and result.probabilities is not None:
                told = {"probabilities": result.probabilities, "truncated": result.truncated}
                console.result_json({"input": text, "output": outputs[0]} | told)
            elif json:
                answers = [{"text": o, "score": s} for o, s in zip(outputs, result.scores, strict=False)]
                state = {"finished": result.finished, "truncated": result.truncated, "circling": result.circling}
                console.result_json({"input": text, "output": outputs[0], "answers": answers} | state)
            elif result.probabilities is not None:
                console.result("  ".join(f"{name} {share:.3f}" for name, share in result.probabilities.items()))
            else:
                for output in outputs:
                    console.result(output.replace("\n", " ").replace("\r", " "))
    console.remarks(cut, unfinished, circling)


def evaluate(
    task: str,
    flags: dict[str, str],
    *,
    run: RunOption = "",
    pairs: PairsOption,
    split: Annotated[str, typer.Option("--split", help="The prepared split to score on.")] = "val",
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Score only the first examples.")] = None,
    beams: BeamsOption = None,
    predictions: Annotated[
        str, typer.Option("--predictions", help="Write the answers to this file, as JSON lines.")
    ] = "",
    zero_shot: ZeroShotOption = False,
    init: ZeroShotInitOption = "",
    set: SetOption,
    device: DeviceOption = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --predictions if it exists.")] = False,
    json: JsonOption = False,
) -> None:
    """Score a run's answers against references, with the signature of every score."""
    from gpt2kit import files, scoring
    from gpt2kit.data.report import SplitReport

    check_zero_shot(zero_shot, init, run)
    if zero_shot and not pairs:
        raise UserError("--zero-shot has no prepared data: name with --pairs what to score on")
    engine = load(task, run, {"beams": beams}, device, set, flags, init)
    counter = console.Counter("answers")
    written = Path(predictions) if predictions else None
    if written is not None:
        files.refuse_existing_file(written, overwrite)
        files.writable_folder(written.parent)
    report, folder = SplitReport(), Path(run or f"runs/{task}")
    training = None if zero_shot else training_of(folder, engine.task)
    if engine.task.layout == "stream":
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
    console.left_out(name, report)
    if json:
        console.result_json(evaluation.json() | ({"dropped": report.dropped} if report.dropped else {}))
    else:
        console.evaluated(evaluation)
    if not zero_shot:
        cards.scored(folder, evaluation.json(), evaluation.samples)
    if report.damaged:
        raise typer.Exit(PARTLY_DONE)


def training_of(run: Path, task: Task[Any, Any]) -> "Store | None":
    """What a run was trained on, where it matters how much of it comes back; says so if it is not there any more."""
    from gpt2kit import folders
    from gpt2kit.data.store import Store

    if not task.copies:
        return None
    try:
        return Store(folders.data_of(run, task), "train")
    except DataError as error:
        console.say(f"how much is copied from the training data is not known: {error}")
        return None


def check_zero_shot(zero_shot: bool, init: str, run: str) -> None:
    """Raises UserError unless there is one model to ask: a run, or a pretrained one."""
    if zero_shot != bool(init) or (zero_shot and run):
        raise UserError("--zero-shot and --init go together, instead of --run: the model is asked as it is")


def check_texts(texts: Sequence[str]) -> None:
    """Raises DataError for a word of the command line whose bytes are no UTF-8."""
    for number, text in enumerate(texts, 1):
        try:
            text.encode()
        except UnicodeEncodeError:
            raise DataError(f"input {number}, {text!r}, is no UTF-8 text") from None


def load(
    task: str,
    run: str,
    options: dict[str, Any],
    device: str,
    settings: list[str],
    flags: dict[str, str],
    zero_shot: str = "",
) -> Any:
    """The engine of a run, which must be one of this task; or of a pretrained model that is asked as it is."""
    from gpt2kit import engine, folders
    from gpt2kit import recipe as recipes

    check_task_settings(task, settings, "generate", "evaluate")
    table = recipes.apply({}, settings)
    if unknown := [section for section in table if section not in ("generate", "task")]:
        raise UserError(f"--set {unknown[0]}.…: only generate.… and task.… can be set now; the rest is in the run")
    generate = table.get("generate", {}) | {key: value for key, value in options.items() if value is not None}
    if device:
        generate["device"] = device
    own = table.get("task", {}) | flags
    if zero_shot:
        return engine.zero_shot(task, zero_shot, generate, **own)
    folder = run or f"runs/{task}"
    if (found := folders.load_task(Path(folder))[0]) != task:
        raise DataError(f"{folder} is a run of {found}, not of {task}")
    return engine.load(folder, generate, **own)
