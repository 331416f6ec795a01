"""Fine-tuning on a user's own columns, of any kind: text, prompts with completions, or labelled texts.

This file has the task for text; `formats` has those of the other kinds, whose sources and answers differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from gpt2kit.data.columns.roles import has_header
from gpt2kit.data.shards import several
from gpt2kit.data.sources import is_table
from gpt2kit.errors import DataError, RecipeError, UserError
from gpt2kit.tasks.about import About
from gpt2kit.tasks.base import Task, recast
from gpt2kit.tasks.formats.choice import Choice
from gpt2kit.tasks.formats.completion import Completion
from gpt2kit.tasks.formats.conversation import Conversation
from gpt2kit.tasks.formats.labelled import Labelled
from gpt2kit.tasks.formats.table import TableTask
from gpt2kit.tasks.lm import ABOUT, Continued, Lm
from gpt2kit.tasks.text import check_separator

FORMATS: dict[str, type[TableTask[Any]]] = {
    "conversation": Conversation,
    "completion": Completion,
    "choice": Choice,
    "classification": Labelled,
    "entailment": Labelled,
    "similarity": Labelled,
}
"""The tasks of tables whose rows are separate examples, by the kind of their columns."""


@dataclass(frozen=True)
class Finetune(TableTask[Continued], Lm):
    """Fine-tuning on your own table: text, prompts and completions, or texts and labels."""

    @property
    def about(self) -> About:
        requires = (*ABOUT.requires, "rouge-score", "scikit-learn")
        return replace(ABOUT, corpus="YOUR.csv", medium="lines", pretrained=True, requires=requires)

    def infer_task(self, corpus: Sequence[str]) -> Task[Any, Any]:
        table = next((word for word in corpus if is_table(word)), None)
        check_separator(self.separator, corpus)
        if table is None:
            if self.columns or self.template or self.kind not in ("", "text"):
                raise UserError(
                    f"{several(corpus)}: plain text has no columns: leave out --columns, --template and task.kind"
                )
            if not (self.kind or self.separator):
                _refuse_tables(corpus)
            return replace(self, kind="text")
        if self.template:
            if self.columns:
                raise UserError("--template already names its columns: leave out --columns")
            return replace(self, kind="completion", template=self.template.replace("\\n", "\n")).specialize()
        from gpt2kit.data.columns.inference import infer  # here, so that --help does not wait for them
        from gpt2kit.data.columns.sample import Sample

        sample = Sample.read(filter(is_table, corpus), has_header(self.columns))
        if not sample.rows:
            raise DataError(f"{table}: this table has no rows")
        return replace(self, **infer(self, sample)).specialize()

    def specialize(self) -> Task[Any, Any]:
        try:
            return recast(self, FORMATS.get(self.kind, Finetune))
        except ValueError as error:
            raise RecipeError(f"[task] {error}") from None

    @property
    def text_column(self) -> str:
        return self.named.get("text", "")


def _refuse_tables(corpus: Sequence[str]) -> None:
    """Raises DataError for a table in a file that is not called one."""
    from gpt2kit.data.tables.in_text import table_in_text

    for word in corpus:
        if found := table_in_text(word):
            raise DataError(f"{word}: {found}; to learn it as text: --set task.kind=text")
