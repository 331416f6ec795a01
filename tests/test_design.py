"""docs/design.md against the code: the rooms of the house, and the members of the seam."""

import inspect
import re
from pathlib import Path

from gpt2kit.data import layouts
from gpt2kit.tasks.about import About
from gpt2kit.tasks.base import Task
from gpt2kit.tasks.record import Record
from gpt2kit.tasks.vocabulary import Vocabulary

ROOT = Path(__file__).parents[1]
DESIGN = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
TREE = re.search(r"```\n(.*?)```", DESIGN, re.S)


def row(object_name: str) -> str:
    """The row of the table of the seam that begins with this object."""
    return next(line for line in DESIGN.split("\n") if line.startswith(f"| {object_name}"))


def members(object_name: str) -> set[str]:
    """The names in code font in the second column of a row."""
    return set(re.findall(r"`(\w+)`", row(object_name).split("|")[2]))


def public(kind: type) -> set[str]:
    """What a class has of its own: attributes, properties, methods and fields."""
    return {
        name for base in kind.__mro__[:-1] for name in (*vars(base), *inspect.get_annotations(base)) if name[0] != "_"
    }


def test_the_rooms_are_those_of_the_tree() -> None:
    assert TREE is not None
    named = set(re.findall(r"(?:^|[ ,])((?:\w+\.(?:py|toml|md))|\w+/)", TREE[1], re.M))
    package = ROOT / "gpt2kit"
    homes = (ROOT, package, package / "runs", package / "data", package / "music", ROOT / "benchmarks")
    missing = {name for name in named if not any((home / name).exists() for home in homes)}
    assert missing == set()
    here = {path.name for path in (ROOT / "gpt2kit").iterdir() if path.suffix == ".py" and path.stem != "__main__"}
    here |= {f"{path.parent.name}/" for path in (ROOT / "gpt2kit").glob("*/__init__.py")}
    assert here <= named


def test_the_seam_is_that_of_the_table() -> None:
    assert members("`Task` (required") == Task.__abstractmethods__
    optional = members("`Task` (optional)") | members("`Task` (for settings")
    own = {"folder", "held_out", "opened"}
    assert public(Task) == Task.__abstractmethods__ | optional | own
    assert len(public(Task)) <= 31
    assert members("`Vocabulary`") == public(Vocabulary)
    kinds = (layouts.Rows, layouts.Stream, layouts.Classification)
    assert members("`Layout`") <= set().union(*map(public, kinds))
    assert members("`Record`") == public(Record)
    assert "requires" in public(About)
