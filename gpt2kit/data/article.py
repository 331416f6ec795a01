"""The record type that the readers of tables and of dumps yield."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Article(NamedTuple):
    title: str
    body: str
    lead: str
    problem: str | None = None
    """Why it is left out, in two or three words; if set, it may have neither body nor lead."""
    name: str = ""
    """Its source, as in "train.jsonl.xz:17"."""
    id: str = ""
    """Its name in its table."""
    skipped: Mapping[str, int] = MappingProxyType({})
    """Counts of what is missing in it."""
