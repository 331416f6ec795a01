"""The door to `transformers`, which is asked for its logits if it is there; gpt2kit itself never needs it.

Shapes: T positions, V vocabulary, N texts, C answers of a head.
"""

import importlib.metadata
import importlib.util
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from gpt2kit.model import hf
from gpt2kit.selftest.check import Check, not_asked, within
from gpt2kit.selftest.logits import SAME, apart, full, scores
from gpt2kit.selftest.probes import Ids, Probes
from gpt2kit.selftest.subject import Subject


def equals_hugging_face(subject: Subject, probes: Probes) -> Check:
    """Our logits against those of the model that transformers makes of the same folder."""
    name, model = "logits equal Hugging Face's", subject.model
    if model.config.attention != "full":
        return not_asked(name, f"transformers has no model with attention = {model.config.attention}")
    if importlib.util.find_spec("transformers") is None:
        return not_asked(name, "transformers is not installed: pip install transformers")
    version = importlib.metadata.version("transformers")
    try:
        with _folder(subject) as folder, _quietly():
            figure = _compared(subject, folder, probes)
    except Exception as error:  # whatever theirs says of a folder that it cannot read
        reason = " ".join(str(error).split())
        return Check(name, False, remark=f"transformers {version}: {type(error).__name__}: {reason}")
    what = f"{len(_of_head(subject, probes))} texts to a head" if model.labels else probes.what
    merged = ", adapters merged" if subject.base else ""
    return within(name, figure, SAME, f"transformers {version}, {what}{merged}")


@contextmanager
def _folder(subject: Subject) -> Iterator[Path]:
    """The run; a copy of its model where adapters have to be merged, or no weights are saved yet."""
    if subject.whole:
        yield subject.run
        return
    with TemporaryDirectory() as folder:
        hf.save(Path(folder), subject.model, subject.task.eos)
        yield Path(folder)


@torch.no_grad()
def _compared(subject: Subject, folder: Path, probes: Probes) -> float:
    model = subject.model
    theirs = _theirs(folder, bool(model.labels))
    if model.labels:
        texts = _of_head(subject, probes)
        return apart(torch.cat([_logits(theirs, text) for text in texts]), scores(model, texts))
    return max(apart(_logits(theirs, ids)[0], full(model, ids)) for ids in probes.texts)


def _of_head(subject: Subject, probes: Probes) -> list[Ids]:
    """Texts that end where a head looks; the random one does not."""
    return [text for text in probes.texts if text[-1] == subject.task.extract] if subject.model.labels else []


def _theirs(folder: Path, head: bool) -> Any:
    """Their model of a folder, in fp32. Raises ValueError where it would leave some weight to chance."""
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

    kind: Any = AutoModelForSequenceClassification if head else AutoModelForCausalLM
    model, told = kind.from_pretrained(folder, local_files_only=True, output_loading_info=True)
    if missing := sorted(told["missing_keys"]):
        raise ValueError(f"weights that are not in the folder: {', '.join(missing[:3])}")
    return model.eval().float()


def _logits(theirs: Any, ids: Sequence[int]) -> Tensor:
    """[1, T, V], or of a head [1, C]."""
    return theirs(torch.tensor([list(ids)])).logits


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the bars and warnings of theirs, which are as they were afterwards."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
