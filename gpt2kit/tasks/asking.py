"""How prompts are made, as data: for a page in a browser, which asks the model without Python.

`gpt2kit/live/engine` makes from it the same ids as the task's `encode_source` and its layout's `shorten`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True)
class Asking:
    """The texts of an input, and the form of its prompt."""

    form: ClassVar[str]
    inputs: tuple[str, ...] = ("text",)
    """The names of the texts of an input, for people."""

    def described(self) -> dict[str, Any]:
        """The fields and the form as JSON."""
        return {"form": self.form, **asdict(self)}


@dataclass(frozen=True)
class Continued(Asking):
    """The text alone, which the model continues; the end token if it is empty. A long one keeps its end."""

    form = "continued"


@dataclass(frozen=True)
class Answered(Asking):
    """Texts, which are followed by their answer. A long prompt loses a part of its text."""

    form = "answered"
    optional: tuple[str, ...] = ()
    """Those of `inputs` that may be missing, and that are nothing to answer by themselves."""
    template: tuple[str | int, ...] | None = None
    """What the text of a prompt consists of: texts as they are, and the numbers of inputs; None: the inputs that are
    not blank, one on each line."""
    endings: Mapping[str, str] = field(default_factory=dict)
    """Control tokens, one of which is the last one of a prompt, by what they ask for, such as a language; without any,
    the prompt ends with the template."""
    ending: str = ""
    """The one of `endings` that is used by default."""
    cut: str = "head"
    """What is kept of a text that is too long: head (its beginning), head-tail (its beginning and end) or tfidf (the
    paragraphs closest to its first line)."""
    tail: str = ""
    """The end of the template, which is kept as well."""
    space: str = ""
    """What precedes an answer and is not part of it: the space at the end of a template, a part of the first token."""
    copies_without_letters: bool = False
    """Whether a text without letters, addresses and tags aside, is its own answer."""


@dataclass(frozen=True)
class Turns(Asking):
    """A system prompt, which may be empty, then the turns of user and assistant, the last one by the user. A
    long prompt loses its first turns."""

    form = "turns"
    marks: tuple[str, ...] = ()
    """The control tokens before a turn of system, user and assistant."""


@dataclass(frozen=True)
class Labelled(Asking):
    """Texts with delimiters between them, for a classifier. The longest ones are cut."""

    form = "labelled"
    marks: tuple[str, ...] = ()
    """The control tokens before, between and after the texts."""
    both_orders: bool = False
    """Whether the texts are read in both orders."""


@dataclass(frozen=True)
class Chosen(Labelled):
    """A context and its choices, each of which is read after the context, for a classifier."""

    form = "chosen"
