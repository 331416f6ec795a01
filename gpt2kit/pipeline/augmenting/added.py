"""What a run has added to prepared data: the report of augment."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from gpt2kit.pipeline.augmenting.answers import Said
from gpt2kit.tasks.base import Task
from gpt2kit.tasks.record import Question, Record

SCORED, SCORED_CHARACTERS = 1000, 1 << 18
"""Answers that are scored against the truth, and characters of their inputs: scores of long documents take long."""


@dataclass
class Added:
    """What one run has added, and why its other answers were left out: each is counted once, by the first reason."""

    origin: str
    """The run."""
    weight: float
    asked: int = 0
    """Different inputs."""
    answers: int = 0
    """Examples that its answers make: an answer may be one in each direction."""
    added: int = 0
    rows: int = 0
    """Rows of the added examples, by their weight."""
    equal: int = 0
    """Answers that are the truth."""
    duplicates: int = 0
    """Examples that are already there, from the data or from another answer, and are not the truth."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Answers that are not fit to be learned, and inputs that were not asked, by the reason."""
    cut: int = 0
    """Rows whose source was cut to fit into the window."""
    confidence: float | None = None
    """The mean confidence of the answers."""
    length_ratio: float | None = None
    """Characters of the answers over those of the truth."""
    scored: int = 0
    scores: dict[str, float] = field(default_factory=dict)
    """Scores of the first `scored` answers against the truth."""
    labels: dict[str, int] = field(default_factory=dict)
    """The labels of a classifier's answers that were added."""
    examples: list[tuple[str, str, str | None]] = field(default_factory=list)
    """The first (input, answer, truth) that made an example; None where the truth is not known."""

    def leave_out(self, counts: Mapping[str, int]) -> None:
        for reason, count in counts.items():
            self.left_out[reason] = self.left_out.get(reason, 0) + count

    def json(self) -> dict[str, Any]:
        return asdict(self)


def is_true(question: Question[Any, Any], answer: Said) -> bool:
    """Whether an answer is that of the data."""
    return question.truth is not None and answer.text.strip() == str(question.truth).strip()


def measure(
    report: Added, task: Task[Any, Any], questions: Sequence[Question[Any, Any]], said: Mapping[Any, Sequence[Said]]
) -> None:
    """What is known of all answers, and the scores of the first."""
    report.asked = len(said)
    known = [each.confidence for every in said.values() for each in every if each.confidence is not None]
    report.confidence = sum(known) / len(known) if known else None
    pairs = [(question, answer) for question in questions if question.truth for answer in said[question.source][:1]]
    if not pairs:
        return
    report.length_ratio = sum(len(answer.text) for _, answer in pairs) / sum(len(str(q.truth)) for q, _ in pairs)
    scorer, characters = task.scorer(), 0
    for question, answer in pairs[:SCORED]:
        scorer.add(Record(question.source, question.truth), answer.text)
        report.scored += 1
        characters += len(repr(question.source))
        if characters > SCORED_CHARACTERS:
            break
    report.scores = {score.name: score.value for score in scorer.scores() if not score.system}
