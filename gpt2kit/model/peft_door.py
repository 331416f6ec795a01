"""The interface to `peft`, which loads adapters on their base. It need not be installed."""

import importlib.util
from pathlib import Path
from typing import Any

from gpt2kit.model import transformers_door


def installed() -> bool:
    """Whether there is a `peft` to import."""
    return importlib.util.find_spec("peft") is not None


def adapted(folder: Path, base: Path, tokens: int, labels: int) -> Any:
    """Load the adapters of a folder on the model in `base`, with rows for all `tokens`; a number of `labels` requests a
    classifier."""
    from peft import PeftModel

    with transformers_door.quietly():
        model = transformers_door.pretrained(base, bool(labels), labels)
        model.resize_token_embeddings(tokens, mean_resizing=False)
        return PeftModel.from_pretrained(model, str(folder)).eval()
