"""Fine-tuning on a user's own columns, whatever they are: text, prompts with completions, or labelled texts.

The task of this file is that for text; `formats` has those of the other kinds, which have other sources and answers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from gpt2kit.config import check, knob
from gpt2kit.data.roles import HOW_TO_NAME, KINDS, has_header, named_roles, roles_of
from gpt2kit.data.sources import is_table, read_rows
from gpt2kit.errors import DataError, RecipeError, UserError
from gpt2kit.tasks.base import recast
from gpt2kit.tasks.lm import Lm, Passage, passages


@dataclass(frozen=True)
class Finetune(Lm):
    """Your own data: text, prompts and completions, or texts and labels, told by their columns."""

    corpus_hint: ClassVar[str] = "YOUR.csv"
    column: str = field(default="", repr=False)  # one of `columns`, which takes the place of this knob
    kind: str = knob("", "what the columns are for; prepare looks, and says what it found", ("", *KINDS))
    columns: tuple[str, ...] = knob(
        (),
        f"which column has which role, where they are called otherwise, as in {HOW_TO_NAME}",
        flag=("prepare", "generate", "evaluate"),
    )
    template: str = knob(
        "",
        "how a row becomes a prompt, ending with its completion, as in 'Q: {question}\\nA: {answer}'",
        flag=("prepare",),
    )
    labels: tuple[str, ...] = knob(
        (), "the labels, in the order of their numbers; prepare finds them in the training part"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        named_roles(self.columns)
        check(not self.template or self.kind in ("", "completion"), f"template is for completions, not for {self.kind}")

    def examined(self, corpus: Sequence[str]) -> "Finetune":
        table = next((word for word in corpus if is_table(word)), None)
        if table is None:
            if self.columns or self.template or self.kind not in ("", "text"):
                raise UserError(f"{' '.join(corpus)}: plain text has no columns: it is learned as text alone")
            return replace(self, kind="text")
        if self.template:
            if self.columns:
                raise UserError("--template names its columns itself: leave --columns out")
            return replace(self, kind="completion", template=self.template.replace("\\n", "\n")).formed()
        where, row = next(read_rows(table, has_header(self.columns)), ("", {}))
        if not where:
            raise DataError(f"{table}: there are no rows in this table")
        kind, found = roles_of(row, named_roles(self.columns), self.kind, where)
        return replace(self, kind=kind, columns=tuple(f"{role}={column}" for role, column in found.items())).formed()

    def formed(self) -> "Finetune":
        from gpt2kit.tasks.formats.completion import Completion
        from gpt2kit.tasks.formats.labelled import Choice, Labelled

        forms = {"completion": Completion, "choice": Choice, "text": Finetune, "": Finetune}
        try:
            return recast(self, forms.get(self.kind, Labelled))
        except ValueError as error:
            raise RecipeError(f"[task] {error}") from None

    def overridden(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Columns of another table for the roles that they are named for; the other roles keep theirs."""
        if "columns" not in settings:
            return settings
        if self.template:
            raise UserError("--columns: this run's template names its columns itself")
        words = settings["columns"]
        named = named_roles(words.split(",") if isinstance(words, str) else words)
        if unknown := [role for role in named if role not in KINDS[self.kind]]:
            raise UserError(f"--columns {unknown[0]}=…: kind {self.kind} has {', '.join(KINDS[self.kind])}")
        merged = named_roles(self.columns) | named
        return settings | {"columns": [f"{role}={column}" for role, column in merged.items()]}

    def described(self) -> list[str]:
        roles = ", ".join(f"{role}: column {column!r}" for role, column in named_roles(self.columns).items())
        return [f"kind {self.kind}" + (f" ({roles})" if roles else "")]

    def read(self, corpus: Sequence[str]) -> Iterator[Passage]:
        return passages(corpus, named_roles(self.columns).get("text", ""))
