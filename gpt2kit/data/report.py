"""The report of prepare on a corpus: every drop by its reason, with examples."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

EXAMPLES = 5
"""Examples per reason, except damage: every damaged record is listed, so that it can be repaired."""
WIDTH = 160
"""Characters of an example. A longer one loses its middle: paths differ at their ends."""


class Damage(str):
    """A problem of a record that should have been readable, unlike one that is left out on purpose."""


class PassedOver(str):
    """A part of a corpus that is not a record, such as a file of another kind; only the number of them is reported."""


class Unsuitable(str):
    """A problem of a record that should not be learned from, but can be scored."""


class Frequent(str):
    """A remark on parts of records that is worth making only if it holds for many."""


KINDS: dict[str, type[str]] = {kind.__name__: kind for kind in (Damage, Frequent)}
"""The kinds of reasons that a report of a part keeps, as they are counted or shown in their own way."""

FREQUENT = 0.1
"""The share of the records for which a `Frequent` remark holds, if it is made."""


@dataclass
class SplitReport:
    """One split; lengths are in tokens."""

    read: int = 0
    rows: int = 0
    tokens: int = 0
    prompt_tokens: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    damaged: int = 0
    """Dropped records that should have been readable."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Parts skipped within rows that were kept, and what was passed over."""
    partly_read: int = 0
    """Rows of damaged records, of which only the part before the damage was read."""
    cut: int = 0
    """Rows whose source was cut so that the separator, the target and its end fit into the window."""
    cut_tokens: int = 0
    """Tokens that these rows lost."""
    duplicates: int = 0
    """Rows equal to an earlier one; they are kept."""
    leaked: int = 0
    """Rows whose source is also in the training split; they are kept."""
    leaks: dict[str, int] = field(default_factory=dict)
    """Rows that share texts with the training split in other roles, by what they share; they are kept."""
    nearly_leaked: int = 0
    """Rows whose source is there with other case, spaces or punctuation; they are kept too."""
    beyond: dict[str, int] = field(default_factory=dict)
    """Rows with targets longer than an answer may become, by the knob of [generate] with its value; they are kept."""
    examples: dict[str, list[str]] = field(default_factory=dict)
    """By reason: every damaged record, and a few of the others."""

    def drop(self, reason: str, example: object) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + 1
        if isinstance(reason, Damage):
            self.damaged += 1
            self.examples.setdefault(reason, []).append(repr(example))
        else:
            self.show(reason, example)

    def leave_out(self, counts: Mapping[str, int], record: object = None) -> None:
        for reason, count in counts.items():
            self.left_out[reason] = self.left_out.get(reason, 0) + count
            if isinstance(reason, Damage):
                self.partly_read += count
                self.examples.setdefault(reason, []).append(repr(record))

    def show(self, reason: str, example: object) -> None:
        shown = self.examples.setdefault(reason, [])
        if len(shown) < EXAMPLES:
            text = repr(example)
            shown.append(text if len(text) <= WIDTH else f"{text[: WIDTH // 3]}…{text[WIDTH // 3 + 1 - WIDTH :]}")

    def add(self, part: Self) -> None:
        """Add the report of the next part of the split."""
        for name in (each.name for each in fields(self)):
            mine, more = getattr(self, name), getattr(part, name)
            if name == "examples":
                for reason, shown in more.items():
                    mine.setdefault(reason, []).extend(shown)
                    if not isinstance(reason, Damage):
                        del mine[reason][EXAMPLES:]
            elif isinstance(more, dict):
                mine |= {reason: mine.get(reason, 0) + count for reason, count in more.items()}
            else:
                setattr(self, name, mine + more)

    @property
    def has_damage(self) -> bool:
        """Whether a record could not be read, or only a part of it."""
        return self.damaged + self.partly_read > 0

    def reasons(self) -> str:
        """The reasons for the dropped records with an example each, for a message."""
        each = (f"{reason}: {n:,}, such as {self.examples[reason][0]}" for reason, n in self.dropped.items())
        return "; ".join(each) or "it is empty"

    def remarks(self) -> dict[str, int]:
        """Counts of what was left out of records or is remarkable in them."""
        return {
            reason: count
            for reason, count in self.left_out.items()
            if not isinstance(reason, Frequent) or count >= FREQUENT * self.read
        }

    def json(self) -> dict[str, object]:
        return asdict(self)

    def saved(self) -> dict[str, Any]:
        """The report of a part as JSON, from which `restored` makes it again."""
        reasons = {reason for each in (self.dropped, self.left_out, self.examples) for reason in each}
        kinds = {reason: name for reason in sorted(reasons) for name, kind in KINDS.items() if isinstance(reason, kind)}
        return {"report": self.json(), "kinds": kinds}

    @classmethod
    def restored(cls, saved: Mapping[str, Any]) -> Self:
        kinds = {reason: KINDS[name](reason) for reason, name in saved["kinds"].items()}
        values: dict[str, Any] = {
            name: {kinds.get(key, key): each for key, each in value.items()} if isinstance(value, dict) else value
            for name, value in saved["report"].items()
        }
        return cls(**values)
