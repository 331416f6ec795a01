"""Compares our logits with those of `transformers`.

Shapes: T positions, V vocabulary, N texts, C classes.
"""

import importlib.metadata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from gpt2kit.model import hf, transformers_door
from gpt2kit.selftest.check import Check, within
from gpt2kit.selftest.logits import SAME, apart, full, scores
from gpt2kit.selftest.probes import Ids, Probes
from gpt2kit.selftest.run_under_test import RunUnderTest


def equals_hugging_face(subject: RunUnderTest, probes: Probes) -> Check:
    """Compare our logits with those of the model that transformers loads from the same folder.

    For attention that it lacks, its classes are those of modeling_gpt2kit.py: the package's file, not the copy in the
    folder.
    """
    name, model = "logits equal Hugging Face's", subject.model
    version = importlib.metadata.version("transformers")
    try:
        with _folder(subject) as folder:
            figure = _difference(subject, folder, probes)
    except Exception as error:  # any error of transformers for a folder that it cannot read
        reason = " ".join(str(error).split())
        return Check(name, False, remark=f"transformers {version}: {type(error).__name__}: {reason}")
    what = f"{len(_of_head(subject, probes))} texts to classify" if model.labels else probes.what
    merged = ", adapters merged" if subject.base else ""
    code = f" with {hf.MODELING}" if model.config.attention != "full" else ""
    return within(name, figure, SAME, f"transformers {version}{code}, {what}{merged}")


@contextmanager
def _folder(subject: RunUnderTest) -> Iterator[Path]:
    """The run's folder, or a copy of its model if adapters have to be merged or no weights are saved yet."""
    if subject.whole:
        yield subject.run.path
        return
    with TemporaryDirectory() as folder:
        hf.save(Path(folder), subject.model, subject.task.vocabulary.eos)
        yield Path(folder)


@torch.no_grad()
def _difference(subject: RunUnderTest, folder: Path, probes: Probes) -> float:
    model = subject.model
    theirs = transformers_door.pretrained(folder, bool(model.labels))
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
