"""Export to safetensors: the run itself in another number type, with adapters merged."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import torch

from gpt2kit.export.target import Reader, Target
from gpt2kit.export.with_transformers import Transformers
from gpt2kit.model import transformers_door
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.pipeline.complete import write_complete
from gpt2kit.runs.card import write as card
from gpt2kit.runs.folder import Run
from gpt2kit.runs.kinds import RUN
from gpt2kit.selftest.run_under_test import RunUnderTest
from gpt2kit.tasks.text import TextTask

DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}


class Safetensors(Target):
    """A run folder, which gpt2kit and transformers open."""

    kind = RUN

    def write(self, subject: RunUnderTest, path: Path, dtype: str) -> None:
        write_complete(subject.run, subject.model, path, DTYPES[dtype])

    def stored(self, model: GPT2, dtype: str) -> GPT2:
        return deepcopy(model).to(DTYPES[dtype]).float()

    def readers(self, subject: RunUnderTest, path: Path, dtype: str) -> Iterator[Reader]:
        labels = bool(subject.model.labels)
        tokenizer = transformers_door.tokenizer(path) if isinstance(subject.task, TextTask) else None
        yield Transformers(transformers_door.pretrained(path, labels), subject.model.vocab_size, labels, tokenizer)

    def completed(self, path: Path) -> None:
        card.write(Run(path))
