"""What the page of a run that plays is told about its events."""

from typing import Any

from gpt2kit.music.playing.grammar import HIGHEST_KEY, LOWEST_KEY
from gpt2kit.music.stream import announcements
from gpt2kit.music.stream.events import STEPS_A_SECOND, VELOCITY_BINS
from gpt2kit.pipeline.fill import LONGEST_GAP, SHORTEST_GAP
from gpt2kit.tasks.base import Task


def performing(task: Task[Any, Any]) -> dict[str, Any] | None:
    """As JSON: sizes, limits in seconds, and whether the run has learned to fill gaps. None for a task that does not
    play."""
    if task.about.medium != "performance":
        return None
    size = task.vocabulary.size
    return {
        "events": size,
        "steps_a_second": STEPS_A_SECOND,
        "velocity_bins": VELOCITY_BINS,
        "lowest_key": LOWEST_KEY,
        "highest_key": HIGHEST_KEY,
        "infills": size >= announcements.SIZE and getattr(task, "infill", 0.0) > 0,
        "shortest_gap": SHORTEST_GAP,
        "longest_gap": LONGEST_GAP,
    }
