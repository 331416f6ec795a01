"""What prepare did to a corpus: every drop by its reason, with examples, so that nothing vanishes in silence."""

from dataclasses import asdict, dataclass, field

EXAMPLES = 5
WIDTH = 120


@dataclass
class SplitReport:
    """One split; lengths are in tokens."""

    read: int = 0
    rows: int = 0
    tokens: int = 0
    prompt_tokens: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    cut: int = 0
    """Rows whose source was cut so that the separator, the target and its end fit into the window."""
    duplicates: int = 0
    """Rows equal to an earlier one; they are kept."""
    leaked: int = 0
    """Rows whose source also stands in the training split; they are kept."""
    examples: dict[str, list[str]] = field(default_factory=dict)

    def drop(self, reason: str, example: object) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + 1
        self.show(reason, example)

    def show(self, reason: str, example: object) -> None:
        shown = self.examples.setdefault(reason, [])
        if len(shown) < EXAMPLES:
            text = repr(example)
            shown.append(text if len(text) <= WIDTH else text[: WIDTH - 1] + "…")

    def json(self) -> dict[str, object]:
        return asdict(self)
