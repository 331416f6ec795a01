"""Turns a verb of every task into a command of one task. Its options include the fields that the task marks for it."""

import copy
import functools
import inspect
from collections.abc import Callable
from dataclasses import Field
from typing import Annotated, Any

import typer

from gpt2kit import recipe as recipes
from gpt2kit.cli.options import completing
from gpt2kit.recipe import read_by
from gpt2kit.tasks.base import Task

TASK = "TASK"
"""The word that stands for the task's name in the texts of a verb's options."""

BEFORE_THE_RUN = ("prepare", "train")
"""Verbs whose settings come from a recipe; those of the others come from the run."""


def first_line(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").split("\n")[0]


def bind(verb: Callable[..., None], name: str, kind: type[Task[Any, Any]]) -> Callable[..., None]:
    """A verb for one task: the task's flags become options, and reach the verb as its `flags`.

    Options that are marked as those of other media are left out.
    """
    flagged = read_by(verb.__name__, kind)

    @functools.wraps(verb)
    def command(**options: Any) -> None:
        given = {key: value for key in flagged if (value := options.pop(key)) not in (None, [])}
        flags = {key: ",".join(value) if isinstance(value, list) else value for key, value in given.items()}
        verb(name, flags, **options)

    medium, media = kind().about.medium, getattr(verb, "only_for", {})
    parameters = inspect.signature(verb).parameters.values()
    own = [p for p in parameters if p.name not in ("task", "flags") and medium in media.get(p.name, (medium,))]
    extra = [
        inspect.Parameter(
            key,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            # A list, such as --columns, may be given in several options.
            annotation=Annotated[
                _kind(field),
                _option(key, field, verb.__name__, name),
            ],
        )
        for key, field in flagged.items()
    ]
    keyword = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=_named_for(p.annotation, name)) for p in own]
    command.__signature__ = inspect.Signature([*keyword, *extra])  # type: ignore[attr-defined]  # read by typer
    command.__annotations__ = {p.name: p.annotation for p in [*keyword, *extra]}
    return command


def _kind(field: "Field[Any]") -> Any:
    """The type of the option for a field: a switch, or a value that the recipe checks."""
    if isinstance(field.default, bool):
        return bool | None
    return list[str] | None if isinstance(field.default, tuple) else str | None


def _named_for(annotation: Any, name: str) -> Any:
    """The annotation of an option with the task's name in its texts."""
    (info,) = annotation.__metadata__
    info = copy.copy(info)
    for text in ("help", "show_default", "metavar"):
        if isinstance(value := getattr(info, text), str):
            setattr(info, text, value.replace(TASK, name))
    return Annotated[annotation.__origin__, info]


def _option(key: str, field: "Field[Any]", verb: str, task: str) -> Any:
    """The option for a field of a task."""
    choices = field.metadata["choices"]
    text = field.metadata["help"]
    return typer.Option(
        f"--{key.replace('_', '-')}",
        help=f"{text[0].upper()}{text[1:]}.{' May be repeated.' if isinstance(field.default, tuple) else ''}",
        metavar="" if isinstance(field.default, bool) else "|".join(filter(None, choices)) or field.metadata["metavar"],
        show_default=_default(key, field, verb, task),
        autocompletion=completing(lambda: filter(None, choices)) if choices else None,
    )


def _default(key: str, field: "Field[Any]", verb: str, task: str) -> str:
    """What holds without the option, in words."""
    if verb == "augment":
        return "as the data says"
    if verb not in BEFORE_THE_RUN and not set(BEFORE_THE_RUN).isdisjoint(field.metadata["flag"]):
        return f"the run's task.{key}"
    settings = _shipped(task)
    value = field.default if settings is None else getattr(settings, key)
    if isinstance(value, bool):
        return "on" if value else "off"
    if not value and value != 0:
        unset: str = field.metadata["unset"]
        return unset
    return f"{value}, or the recipe's" if verb in BEFORE_THE_RUN else str(value)


@functools.cache
def _shipped(task: str) -> Task[Any, Any] | None:
    """The task as the shipped recipe of its name sets it."""
    return recipes.load(task).task if task in recipes.shipped() else None
