"""Train and use GPT-2 for translation, summaries, music and your own tasks: one decoder-only core, wrapped by tasks.

The names below are imported when they are first used, so that `import gpt2kit` does not import torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gpt2kit.model.gpt2 import GPT2
    from gpt2kit.pipeline.augment import augment
    from gpt2kit.pipeline.engine import Engine
    from gpt2kit.pipeline.evaluate import evaluate
    from gpt2kit.pipeline.opening import load
    from gpt2kit.pipeline.prepare import prepare
    from gpt2kit.pipeline.train import train
    from gpt2kit.recipe import Recipe
    from gpt2kit.recipe import load as load_recipe
    from gpt2kit.tasks.base import Task
    from gpt2kit.tasks.record import Record

__all__ = ["GPT2", "Engine", "Recipe", "Record", "Task"]
__all__ += ["augment", "evaluate", "load", "load_recipe", "prepare", "train"]

_HOMES = {
    "Engine": "pipeline.engine",
    "GPT2": "model.gpt2",
    "Recipe": "recipe",
    "Record": "tasks.record",
    "Task": "tasks.base",
    "augment": "pipeline.augment",
    "evaluate": "pipeline.evaluate",
    "load": "pipeline.opening",
    "load_recipe": "recipe",
    "prepare": "pipeline.prepare",
    "train": "pipeline.train",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'gpt2kit' has no attribute {name!r}")
    module = importlib.import_module(f"gpt2kit.{_HOMES[name]}")
    return getattr(module, "load" if name == "load_recipe" else name)


def __dir__() -> list[str]:
    """The public names, without those that this file imports and without submodules that happen to be loaded."""
    return sorted([*__all__, *(name for name in globals() if name.startswith("__"))])
