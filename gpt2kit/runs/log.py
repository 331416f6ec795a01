"""metrics.jsonl of a run: one line for each step and each validation. A killed run may leave a damaged line."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpt2kit import files

LOSS, PART = "validation_loss", "validation_batches"
"""Keys of a validation: its loss and, if it was cut short, the number of its batches."""


@dataclass(frozen=True)
class Log:
    """The file of a run; it need not exist."""

    path: Path

    def forget_after(self, step: int) -> None:
        """Drop what a killed run logged after its last save: those steps are repeated."""
        if self.path.is_file():
            files.write_text(self.path, "".join(f"{line}\n" for line, at in self._lines() if at <= step))

    def threads_after(self, step: int) -> dict[int, int]:
        """The number of threads of each logged step after this one, 0 for all; empty if all of them had all."""
        lines = [json.loads(line) for line, at in self._lines() if step < at < math.inf and f'"{LOSS}"' not in line]
        counts = {line["step"]: int(line.get("threads") or 0) for line in lines}
        return counts if any(counts.values()) else {}

    def last_step(self) -> int | None:
        """The last step; None if the log is empty."""
        steps = [int(step) for _, step in self._lines() if math.isfinite(step)]
        return max(steps, default=None)

    def lowest_loss(self, until: int) -> float:
        """The lowest loss of a whole validation up to a step; infinity without any."""
        return float(min((line[LOSS] for line in self._validations(until) if PART not in line), default=math.inf))

    def best_step(self, until: int) -> int | None:
        """The step of the last validation up to a step that was the best so far."""
        return max((line["step"] for line in self._validations(until) if line.get("best")), default=None)

    def _validations(self, until: int) -> list[dict[str, Any]]:
        return [json.loads(line) for line, step in self._lines() if step <= until and f'"{LOSS}"' in line]

    def _lines(self) -> list[tuple[str, float]]:
        """The whole lines with their steps."""
        text = self.path.read_bytes().decode("utf-8", "replace") if self.path.is_file() else ""
        return [(line, _step_of(line)) for line in text.split("\n") if line.endswith("}")]


def _step_of(line: str) -> float:
    """The step of a line; infinity where the line is damaged."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return math.inf
