"""Paths that a run records: relative to its folder where they can be, so that a project can be moved as a whole."""

import os
from pathlib import Path

from gpt2kit.errors import DataError


def recorded(target: Path, folder: Path) -> str:
    """An existing `target` as seen from an existing `folder`; absolute if only the root of the disk contains both."""
    here = os.path.realpath(folder)
    for place in (os.path.abspath(target), os.path.realpath(target)):  # a link in the project is kept as a link
        if _share_a_parent(place, here):
            relative = os.path.relpath(place, here)
            if _same(os.path.join(here, relative), place):
                return Path(relative).as_posix()
    return os.path.realpath(target)


def found(path: str, folder: Path) -> Path:
    """The place of a path that `recorded` returned, or an older version: that was absolute."""
    return Path(os.path.normpath(os.path.join(os.path.realpath(folder), path)))


def model_place(name: str, folder: Path, of_hub: bool | None) -> str:
    """The folder or Hub id of a model that a run in `folder` names; `of_hub` is None if the run does not say which.

    Older runs name a folder as it was given, relative to the current directory. Raises DataError for a folder that is
    gone.
    """
    if of_hub:
        return name
    older = [] if name.startswith("..") else [Path(name)]
    for place in (found(name, folder), *older):
        if place.is_dir():
            return str(place)
    if of_hub is None and not (Path(name).is_absolute() or name.startswith((".", "~"))):
        return name
    raise DataError(
        f"{folder}: the model that its training started from, {found(name, folder)}, no longer exists; if it was "
        "moved, name its new place with --base DIR"
    )


def _share_a_parent(one: str, other: str) -> bool:
    try:
        common = os.path.commonpath((one, other))
    except ValueError:  # on two drives
        return False
    return common != Path(common).anchor


def _same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False
