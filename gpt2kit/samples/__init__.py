"""What `gpt2kit demo` trains on: a small sample for every task that has a demo."""

from importlib.resources import files
from typing import Any

DEFAULT = "translate"
"""The task that `gpt2kit demo` shows when none is named."""

BORROWED = {"lm": "summarize"}
"""Tasks that learn from the sample of another one."""

PRETRAINED = {"finetune": "lm"}
"""Tasks whose demo starts from the weights of another demo, and is compared with one that starts from random ones."""


def sample(task: str) -> Any:
    """The folder of a task's sample; it may not exist."""
    return files("gpt2kit") / "samples" / BORROWED.get(task, task)
