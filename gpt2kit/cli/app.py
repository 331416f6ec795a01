"""task x verb, built in a loop. Nothing heavy is imported before a command runs."""

import functools
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from gpt2kit import tasks
from gpt2kit.cli import (
    augment,
    console,
    continuation,
    demo,
    doctor,
    evaluate,
    explore,
    export,
    generate,
    inspect,
    merge,
    options,
    prepare,
    recipes,
    selftest,
    several,
    show,
    train,
    verbs,
)
from gpt2kit.cli.arguments import TaskSyntax, expand
from gpt2kit.cli.performance import accompany, infill, render
from gpt2kit.cli.performance import generate as play
from gpt2kit.errors import Interrupted, MachineError, UserError

PREPARATION: tuple[Callable[..., None], ...] = (prepare.prepare, show.show, train.train)
RECIPES = "recipes"
"""The group of commands on recipes."""
MEDIA: dict[str, tuple[Callable[..., None], ...]] = {
    "lines": (generate.generate, augment.augment),
    "text": (continuation.generate,),
    "performance": (play.generate, infill.infill, accompany.accompany, render.render),
}
"""The commands that depend on what a task generates (`About.medium`)."""


def commands_of(medium: str) -> list[Callable[..., None]]:
    """The commands of a task."""
    return [*PREPARATION, *MEDIA[medium], evaluate.evaluate]


class TaskGroup(TyperGroup):
    """The verbs of a task. Shell completion offers the options of generate, too, since that verb can be left out."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """While completing, insert the missing verb before options, as `expand` does in a command."""
        if ctx.resilient_parsing and args and args[0] not in self.commands:
            args = ["generate", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        found = super().shell_complete(ctx, incomplete)
        if incomplete.startswith("-"):
            generate = self.commands["generate"]
            known = {item.value for item in found}
            with generate.make_context("generate", [], parent=ctx, resilient_parsing=True) as inner:
                found += [item for item in generate.shell_complete(inner, incomplete) if item.value not in known]
        return found


class Syntaxes(Mapping[str, TaskSyntax]):
    """How the words after each task are read; a task is imported when its own are asked for."""

    def __getitem__(self, name: str) -> TaskSyntax:
        if name not in tasks.names():
            raise KeyError(name)
        return TaskSyntax([verb.__name__ for verb in commands_of(tasks.find(name)().about.medium)])

    def __iter__(self) -> Iterator[str]:
        return iter(tasks.names())

    def __len__(self) -> int:
        return len(tasks.names())


COMMANDS: tuple[Callable[..., None], ...] = (
    *(demo.demo, merge.merge, export.export, inspect.inspect, explore.explore, doctor.doctor, selftest.selftest),
)
"""The commands without a task."""


def build(names: Sequence[str] | None = None) -> typer.Typer:
    """The command line: of all tasks, or of those that are named."""
    settings = {"help_option_names": ["-h", "--help"]}
    app = typer.Typer(
        help="Train and use GPT-2 for a task: choose one, then prepare, show, train, generate or evaluate.",
        epilog="Begin with `gpt2kit demo`, which shows all of it on a small sample.",
        context_settings=settings,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    for name in tasks.names() if names is None else names:
        kind = tasks.find(name)
        short = f"Without a command, `gpt2kit {name} ...` means `gpt2kit {name} generate ...`."
        task_app = typer.Typer(
            cls=TaskGroup,
            help=verbs.first_line(kind),
            epilog=short,
            context_settings=settings,
            no_args_is_help=True,
        )
        for verb in commands_of(kind().about.medium):
            task_app.command(verb.__name__)(verbs.bind(verb, name, kind))
        app.add_typer(task_app, name=name, rich_help_panel="Tasks")
    for command in COMMANDS:
        app.command(command.__name__)(command)
    app.add_typer(recipes.app, name=RECIPES)
    app.callback(invoke_without_command=True)(version)
    return app


def tasks_needed(words: Sequence[str]) -> tuple[str, ...]:
    """The tasks that a command needs to know: its own, none, or all to list them."""
    first = words[0] if words else ""
    if first in tasks.names():
        return (first,)
    return () if first in (RECIPES, *(command.__name__ for command in COMMANDS)) else tuple(tasks.names())


@functools.cache
def command(names: tuple[str, ...]) -> Callable[..., Any]:
    """The command line of these tasks as one function of its words; it is built once in a process."""
    return typer.main.get_command(build(names))


def version(
    version: Annotated[bool, options.switch("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        import importlib.metadata

        console.result(importlib.metadata.version("gpt2kit"))
        raise typer.Exit


def run(words: Sequence[str]) -> int:
    """Run one command line; returns its exit code. A user's mistake gives a message, never a traceback."""
    try:
        return _run(words)
    except console.PipeClosed:  # also while an error was printed
        return console.PIPE_CLOSED


def _run(words: Sequence[str]) -> int:
    as_json = "--json" in words
    several.command_line = words
    try:
        needed = tasks_needed(words)
        syntaxes = Syntaxes() if needed else {}
        code = command(needed)(
            expand(words, syntaxes, sys.stdin is not None and sys.stdin.isatty()),
            prog_name="gpt2kit",
            standalone_mode=True,
        )
    except SystemExit as exit:
        unknown_shell = exit.code == 1 and any(word in words for word in ("--install-completion", "--show-completion"))
        code = MachineError.exit_code if unknown_shell else exit.code
        if _by_ctrl_c(exit):  # typer leaves without a word
            console.say("interrupted")
    except UserError as error:
        console.error(str(error), as_json, error.exit_code)
        code = error.exit_code
    except Interrupted as interrupted:
        console.say(str(interrupted))
        code = interrupted.exit_code
    except KeyboardInterrupt:
        console.say("interrupted")
        code = 130
    except OSError as error:  # errors that no other part handles
        where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
        console.error(f"{where}{error.strerror or error}", as_json, MachineError.exit_code)
        code = MachineError.exit_code
    return code if isinstance(code, int) else 0


def _by_ctrl_c(error: BaseException | None) -> bool:
    """Whether a Ctrl-C that nothing else handled led to this error."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def main() -> NoReturn:
    """The `gpt2kit` command."""
    console.any_text()
    sys.exit(run(sys.argv[1:]))
