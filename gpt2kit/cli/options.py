"""Options that several commands share, and their accepted values."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from gpt2kit import tasks
from gpt2kit.errors import UserError
from gpt2kit.recipe import knobs, read_by


def several(name: str, help: str) -> Any:
    """An option that may be repeated."""
    return typer.Option(name, default_factory=list, show_default=False, help=help)


RecipeOption = Annotated[str, typer.Option("--recipe", help="A shipped recipe (gpt2kit recipes) or a .toml file.")]
SetOption = Annotated[list[str], several("--set", "section.key=value, over the recipe; may be repeated.")]
ValOption = Annotated[list[str], several("--val", "The validation corpus; else a part is held out.")]
TestOption = Annotated[list[str], several("--test", "A test corpus, prepared and checked for leaks.")]
OnOption = Annotated[list[str], several("--on", "The corpus to score on, as for prepare; else a prepared split.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Results as JSON on stdout, errors as JSON on stderr.")]
OutOption = Annotated[str, typer.Option("--out", "-o", help="The folder to write.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace --out if it exists.")]
RunOption = Annotated[str, typer.Option("--run", "-r", help="A run folder.")]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1 or mps.")]
ZeroShotOption = Annotated[
    bool, typer.Option("--zero-shot", help="Ask the pretrained model --init, which was never trained for this.")
]
ZeroShotInitOption = Annotated[str, typer.Option("--init", help="With --zero-shot: a GPT-2 folder or Hub id.")]
SeedOption = Annotated[int | None, typer.Option("--seed", help="Random seed for sampling.")]
BeamsOption = Annotated[int | None, typer.Option("--beams", help="Beam search with that many hypotheses.")]


Verb = Callable[..., None]


def only_for(**media: tuple[str, ...]) -> Callable[[Verb], Verb]:
    """Mark options of a verb that only tasks of these media have; for other tasks they keep their defaults."""

    def mark(verb: Verb) -> Verb:
        verb.only_for = media  # type: ignore[attr-defined]  # read by verbs.bind
        return verb

    return mark


def settings_of(settings: list[str], flags: dict[str, str]) -> list[str]:
    """The values of --set, and those of a task's own options, which set the same knobs."""
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
