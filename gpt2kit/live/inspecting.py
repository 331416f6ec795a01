"""What a page that computes its own inspection is told about the run."""

from typing import Any

from gpt2kit.inspection.view import shape_view
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.tasks.base import Task


def inspecting(model: GPT2, task: Task[Any, Any], name: str, task_name: str) -> dict[str, Any]:
    """The parts of what `viewOf` of the engine knows that do not depend on an input."""
    return {
        "shape": shape_view(model, name, task_name),
        "answers": task.layout.has_answers,
        "plays": task.about.medium == "performance",
    }
