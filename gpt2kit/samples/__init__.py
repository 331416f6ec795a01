"""The data of `gpt2kit demo`: a small sample for every task that has a demo."""

from importlib.resources import files
from typing import Any

DEFAULT = "translate"
"""The task that `gpt2kit demo` shows when none is named."""

BORROWED = {"lm": "summarize"}
"""Tasks that use the sample of another task."""

PRETRAINED = {"finetune": "lm"}
"""Tasks whose demo starts from the model of another demo, and is compared with training from random weights."""


def sample(task: str) -> Any:
    """The folder of a task's sample; it may not exist."""
    return files("gpt2kit") / "samples" / BORROWED.get(task, task)
