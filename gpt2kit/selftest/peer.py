"""Compares our logits with those of `transformers` and, for adapters, of `peft`.

Shapes: T positions, V vocabulary, N texts, C classes.
"""

import importlib.metadata
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from gpt2kit.errors import counted
from gpt2kit.model import hf, hf_config, peft_door, transformers_door
from gpt2kit.selftest.check import Check, raised, skipped, within
from gpt2kit.selftest.logits import SAME, apart, full, scores
from gpt2kit.selftest.probes import Ids, Probes
from gpt2kit.selftest.run_under_test import RunUnderTest


def equals_hugging_face(subject: RunUnderTest, probes: Probes) -> Check:
    """Compare our logits with those of the model that transformers loads from the same folder.

    For attention that it lacks, its classes are those of modeling_gpt2kit.py: the package's file, not the copy in the
    folder.
    """
    merged = ", adapters merged" if subject.base else ""
    return _compared("logits equal Hugging Face's", "transformers", _whole, subject, probes, merged)


def equals_peft(subject: RunUnderTest, probes: Probes) -> Check:
    """Compare our logits with those of the adapters, as we save them, that peft loads on their base."""
    name = "logits equal peft's"
    if not peft_door.installed():
        return skipped(name, "peft is not installed: pip install peft")
    return _compared(name, "peft", _on_base, subject, probes, ", adapters on their base")


def _compared(
    name: str, tool: str, load: Callable[[RunUnderTest], Any], subject: RunUnderTest, probes: Probes, how: str
) -> Check:
    version, model = f"{tool} {importlib.metadata.version(tool)}", subject.model
    try:
        figure = _difference(subject, load(subject), probes)
    except Exception as error:  # any error of the tool for a folder that it cannot read
        return raised(name, error, version)
    what = f"{counted(len(_of_head(subject, probes)), 'text')} to classify" if model.labels else probes.what
    code = f" with {hf_config.MODELING}" if model.config.attention != "full" else ""
    return within(name, figure, SAME, f"{version}{code}, {what}{how}")


def _whole(subject: RunUnderTest) -> Any:
    """What transformers loads from the run's folder, or from a copy of its model if adapters have to be merged or no
    weights are saved yet."""
    labels = bool(subject.model.labels)
    if subject.whole:
        return transformers_door.pretrained(subject.run.path, labels)
    with TemporaryDirectory() as folder:
        hf.save(Path(folder), subject.model, subject.task.vocabulary.eos)
        return transformers_door.pretrained(Path(folder), labels)


def _on_base(subject: RunUnderTest) -> Any:
    """What peft loads. It reads adapter_config.json as we write it, not that of the folder, which may name modules that
    it would import."""
    model = subject.model
    with TemporaryDirectory() as folder:
        hf.save(Path(folder), subject.learned, subject.task.vocabulary.eos, base=subject.base)
        return peft_door.adapted(Path(folder), subject.run.base_folder(), model.vocab_size, len(model.labels))


@torch.no_grad()
def _difference(subject: RunUnderTest, theirs: Any, probes: Probes) -> float:
    model = subject.model
    if model.labels:
        texts = _of_head(subject, probes)
        return apart(torch.cat([_logits(theirs, text) for text in texts]), scores(model, texts))
    # transformers also computes the logits of surplus rows, which no token has
    return max(apart(_logits(theirs, ids)[0, :, : model.vocab_size], full(model, ids)) for ids in probes.texts)


def _of_head(subject: RunUnderTest, probes: Probes) -> list[Ids]:
    """Texts that end with the token that the classifier reads; the random one does not."""
    return [text for text in probes.texts if text[-1] == subject.task.layout.extract] if subject.model.labels else []


def _logits(theirs: Any, ids: Sequence[int]) -> Tensor:
    """[1, T, V], or [1, C] for a classifier."""
    return theirs(torch.tensor([list(ids)])).logits
