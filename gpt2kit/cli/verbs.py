"""Turns a verb of every task into a command of one task. Its options include the fields that the task marks for it."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from gpt2kit.recipe import read_by
from gpt2kit.tasks.base import Task


def first_line(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").split("\n")[0]


def bind(verb: Callable[..., None], name: str, kind: type[Task[Any, Any]]) -> Callable[..., None]:
    """A verb for one task: the task's flags become options, and reach the verb as its `flags`.

    Options that are marked as those of other media are left out.
    """
    flagged = read_by(verb.__name__, kind)

    @functools.wraps(verb)
    def command(**options: Any) -> None:
        flags = {key: value for key in flagged if (value := options.pop(key)) is not None}
        verb(name, flags, **options)

    medium, media = kind().about.medium, getattr(verb, "only_for", {})
    parameters = inspect.signature(verb).parameters.values()
    own = [p for p in parameters if p.name not in ("task", "flags") and medium in media.get(p.name, (medium,))]
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
