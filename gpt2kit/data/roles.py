"""The roles of the columns of a user's table: they decide the kind of learning."""

from collections.abc import Collection, Mapping, Sequence

from gpt2kit.data.tables import listed
from gpt2kit.errors import DataError

KINDS: dict[str, tuple[str, ...]] = {
    "choice": ("context", "choices", "answer"),
    "entailment": ("premise", "hypothesis", "label"),
    "similarity": ("first", "second", "label"),
    "completion": ("prompt", "completion"),
    "classification": ("text", "label"),
    "text": ("text",),
}
"""The roles of each kind's columns; the first kind whose columns the table all has is chosen."""

ALSO_CALLED: dict[str, tuple[str, ...]] = {
    "context": ("question",),
    "prompt": ("question", "instruction"),
    "completion": ("answer", "response", "output"),
    "text": ("sentence", "content"),
    "label": ("class", "category"),
    "choices": ("options",),
}

HOW_TO_NAME = "--columns prompt=question,completion=answer"


def named_roles(columns: Sequence[str]) -> dict[str, str]:
    """Parse "role=column" words into a table. Raises ValueError for another word, or a role that no kind has."""
    known = dict.fromkeys(role for roles in KINDS.values() for role in roles)
    named = {}
    for word in columns:
        role, equals, column = word.partition("=")
        if not (equals and column):
            raise ValueError(f"columns: {word!r} is not of the form role=column; accepted: {HOW_TO_NAME}")
        if role not in known:
            raise ValueError(f"columns: unknown role {role!r}; accepted: {', '.join(known)}")
        named[role] = column
    return named


def has_header(columns: Sequence[str]) -> bool:
    """Whether the first line of a table names its columns: not if columns are given by number."""
    called = named_roles(columns).values()
    return not (called and all(column.isdecimal() for column in called))


def roles_of(columns: Collection[str], named: Mapping[str, str], kind: str, where: str) -> tuple[str, dict[str, str]]:
    """The kind of a table and the column of each of its roles; roles `named` by the user take precedence.

    Raises DataError when the columns fit no kind, or not the requested one.
    """
    for name, roles in KINDS.items():
        if (kind and name != kind) or not named.keys() <= set(roles):
            continue
        found = {role: named.get(role) or _well_known(role, columns) for role in roles}
        if all(column and column in columns for column in found.values()):
            return name, found
    kinds = "; ".join(f"{' + '.join(roles)} ({name})" for name, roles in KINDS.items() if kind in ("", name))
    raise DataError(
        f"{where}: cannot tell what the columns {listed(columns)} are for; accepted: {kinds}; name their roles, as in "
        f"{HOW_TO_NAME}"
    )


def _well_known(role: str, columns: Collection[str]) -> str:
    return next((name for name in (role, *ALSO_CALLED.get(role, ())) if name in columns), "")
