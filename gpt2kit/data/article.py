"""What the readers of tables and of dumps give."""

from typing import NamedTuple


class Article(NamedTuple):
    title: str
    body: str
    lead: str
    problem: str | None = None
    """Why it is left out, in two or three words; then it may have neither body nor lead."""
    name: str = ""
    """Where it comes from, as in "train.jsonl.xz:17"."""
    id: str = ""
    """What its table calls it."""
