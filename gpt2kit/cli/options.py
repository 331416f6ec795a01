"""Options that several commands share, and their accepted values.

In a help text, a metavar or a default, TASK is replaced by the name of the task (`verbs.bind`). A default in
parentheses describes what happens without the option.
"""

import json
from collections.abc import Callable, Iterable
from typing import Annotated, Any, get_type_hints

import typer

from gpt2kit import recipe as recipes
from gpt2kit import tasks
from gpt2kit.errors import UserError
from gpt2kit.recipe import knobs, read_by


def switch(*names: str, help: str) -> Any:
    """An option without a value."""
    return typer.Option(*names, metavar="", help=help)


def several(name: str, metavar: str, help: str, default: str, *, short: str = "") -> Any:
    """An option that may be repeated."""
    help = f"{help} May be repeated."
    names = [name, short] if short else [name]
    return typer.Option(*names, metavar=metavar, default_factory=list, show_default=default, help=help)


def completing(values: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """A shell completion that offers these values."""

    def complete(incomplete: str) -> list[str]:
        return [value for value in values() if value.startswith(incomplete)]

    return complete


DEVICES, SPLITS = ("auto", "cpu", "cuda", "mps"), ("train", "val", "test")

RecipeOption = Annotated[
    str,
    typer.Option(
        "--recipe",
        metavar="NAME|FILE",
        show_default="TASK",
        help="A shipped recipe, as listed by `gpt2kit recipes`, or a .toml file.",
        autocompletion=completing(recipes.shipped),
    ),
]
SetOption = Annotated[
    list[str],
    several("--set", "KEY=VALUE", "Set one knob of the recipe, such as train.lr=1e-3.", "none"),
]
EngineSetOption = Annotated[
    list[str],
    several("--set", "KEY=VALUE", "Set one knob of the run, such as generate.max_new_tokens=50.", "none"),
]
ValOption = Annotated[
    list[str],
    several(
        "--val", "CORPUS...", "The validation corpus: all words up to the next option.", "a part of the training corpus"
    ),
]
TestOption = Annotated[
    list[str],
    several("--test", "CORPUS...", "A test corpus, given like --val: prepared, and checked for leaks.", "none"),
]
OnOption = Annotated[
    list[str],
    several(
        "--on", "CORPUS...", "The corpus to score, given like --val of `prepare`.", "a split of the run's prepared data"
    ),
]
JsonOption = Annotated[bool, switch("--json", help="Write results as JSON to stdout, errors as JSON to stderr.")]
OverwriteOption = Annotated[
    bool, switch("--overwrite", help="Replace --out if gpt2kit made it for the same purpose; nothing else.")
]
OverwriteFilesOption = Annotated[
    bool, switch("--overwrite", help="Replace files that gpt2kit made; no others, and never an input.")
]
RunOption = Annotated[
    list[str],
    typer.Option(
        "--run",
        "-r",
        metavar="DIR",
        default_factory=list,
        show_default="runs/TASK",
        help="The run whose model is used.",
    ),
]
"""A list, so that a second one is noticed."""
RunsOption = Annotated[
    list[str],
    several(
        "--run",
        "DIR",
        "The run whose model is used; of several, which have one vocabulary, the probabilities are averaged, and "
        "settings and data are those of the first.",
        "runs/TASK",
        short="-r",
    ),
]
MovedDataOption = Annotated[
    str,
    typer.Option(
        "--data", metavar="DIR", show_default="as recorded in the run", help="The prepared folder, if it was moved."
    ),
]
BaseOption = Annotated[
    str,
    typer.Option(
        "--base",
        metavar="DIR|HUB_ID",
        show_default="as recorded in the run",
        help="For a run with LoRA adapters: the model that they were trained on, if it was moved.",
    ),
]


def device(default: str | bool) -> Any:
    """The option for a device."""
    return typer.Option(
        "--device",
        metavar="DEVICE",
        show_default=default,
        help="Compute on auto (a GPU if there is one), cpu, cuda (an NVIDIA GPU), cuda:1 (the second) or mps (Apple).",
        autocompletion=completing(lambda: DEVICES),
    )


def decoding(name: str, unit: str, help: str) -> Any:
    """An option for a knob of `[generate]`, whose default is the run's."""
    default = f"the run's generate.{name.replace('-', '_')}"
    return typer.Option(f"--{name}", metavar=unit, show_default=default, help=help)


DeviceOption = Annotated[str, device("auto, or the recipe's")]
ZeroShotOption = Annotated[
    bool, switch("--zero-shot", help="Use the pretrained model --init as it is, without any training.")
]
ZeroShotInitOption = Annotated[
    str,
    typer.Option(
        "--init",
        metavar="DIR|HUB_ID",
        show_default="none",
        help="With --zero-shot: the pretrained GPT-2, such as gpt2.",
    ),
]
SplitOption = Annotated[
    str,
    typer.Option(
        "--split",
        metavar="train|val|test",
        help="The split of the prepared data: train, val (validation) or test, if prepare had a --test.",
        autocompletion=completing(lambda: SPLITS),
    ),
]
SeedOption = Annotated[
    int | None,
    typer.Option(
        "--seed",
        metavar="N",
        show_default="random and printed, unless the recipe has one",
        help="Random seed for sampling; input or sample number i, counted from 0, uses N + i.",
    ),
]
FixedSeedOption = Annotated[
    int | None,
    typer.Option(
        "--seed",
        metavar="N",
        show_default="0, or the recipe's, so that scores can be compared",
        help="Random seed for sampling.",
    ),
]
StopOption = Annotated[
    list[str],
    several(
        "--stop",
        "TEXT",
        r"End an answer before this text, which may have \n (a new line) and \t (a tab) in it.",
        "the run's generate.stop",
    ),
]
BeamsOption = Annotated[
    int | None,
    decoding("beams", "N", "Beam search with N hypotheses; 1: greedy decoding or sampling."),
]
MbrOption = Annotated[
    int | None,
    decoding("mbr", "N", "Answer with the one of N samples that is most similar to the others; 0: off."),
]
TemperatureOption = Annotated[
    float | None,
    decoding("temperature", "X", "How random samples are; 0: greedy decoding, 1: by the probabilities of the model."),
]
TopKOption = Annotated[
    int | None,
    decoding("top-k", "N", "Sample from the N most likely tokens; 0: from all."),
]
TopPOption = Annotated[
    float | None,
    decoding(
        "top-p", "X", "Sample from the most likely tokens whose probabilities add up to X, from 0 to 1; 1: from all."
    ),
]
KnnOption = Annotated[
    float | None,
    decoding("knn", "X", "The share of the training examples with the most similar contexts in each prediction."),
]
SourcesOption = Annotated[
    bool,
    switch("--sources", help="Also write the training examples that each token comes from."),
]


Verb = Callable[..., None]


def only_for(**media: tuple[str, ...]) -> Callable[[Verb], Verb]:
    """Mark options of a verb that only tasks of these media have; for other tasks they keep their defaults."""

    def mark(verb: Verb) -> Verb:
        verb.only_for = media  # type: ignore[attr-defined]  # read by verbs.bind
        return verb

    return mark


def settings_of(task: str, settings: list[str], flags: dict[str, str]) -> list[str]:
    """The values of --set, and those of a task's own options, which set the same knobs."""
    types = get_type_hints(tasks.find(task))
    # As a TOML string, a text that looks like a number stays a text, and its spaces and line ends stay in it.
    quoted = {
        key: json.dumps(value, ensure_ascii=False)
        for key, value in flags.items()
        if types[key] is str or (types[key] == tuple[str, ...] and not value.startswith("["))  # not a list of TOML
    }
    switches = {key: "true" for key, value in flags.items() if types[key] is bool and value}
    return [*settings, *(f"task.{key}={value}" for key, value in (flags | quoted | switches).items())]


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
