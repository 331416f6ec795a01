"""Checks that the weights on disk are those that were saved, and that saving and loading is exact to the last bit."""

from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from gpt2kit import tensor_files
from gpt2kit.data.hub import fetch
from gpt2kit.errors import counted
from gpt2kit.model import hf, lora
from gpt2kit.selftest.check import Check, skipped, within
from gpt2kit.selftest.logits import full
from gpt2kit.selftest.probes import Probes
from gpt2kit.selftest.run_under_test import RunUnderTest


def weights_as_recorded(subject: RunUnderTest) -> Check:
    """Compare the tensors in the run's file with the digest in its header."""
    name = "weights as recorded"
    if subject.step is not None:
        return skipped(name, "there is only a training state, without saved weights")
    path = subject.run.path / (lora.ADAPTER if subject.base else hf.WEIGHTS)
    if not path.is_file():
        return skipped(name, f"{path.name} is in several parts, which another program has saved")
    with tensor_files.unverified():
        tensors, metadata = tensor_files.read_tensors(path)
    if (recorded := metadata.get(tensor_files.DIGEST)) is None:
        return skipped(name, f"{path.name} has no digest: another program has saved it, or an older gpt2kit")
    found = tensor_files.digest(tensors)
    remark = f"{path.name}, {found[:16]}" + ("" if found == recorded else f"; its header says {recorded[:16]}")
    return within(name, found != recorded, 0, remark)


@torch.no_grad()
def saved_equals_loaded(subject: RunUnderTest, probes: Probes) -> Check:
    """Save and load the model, and compare weights and logits; with adapters, on the same base."""
    before = subject.learned
    with TemporaryDirectory() as folder:
        hf.save(Path(folder), before, subject.task.vocabulary.eos, base=subject.base)
        with tensor_files.unverified():
            loaded = hf.load_adapted(Path(folder), fetch(subject.base)) if subject.base else hf.load(Path(folder))
    weights, again = dict(before.named_parameters()), dict(loaded.eval().named_parameters())
    different = [name for name in weights.keys() | again.keys() if not _same(weights.get(name), again.get(name))]
    logits = sum(not torch.equal(full(loaded, ids), full(before, ids)) for ids in probes.texts)
    remark = f"{len(weights)} tensors, logits of {counted(len(probes.texts), 'text')}, bit for bit"
    named = f"; {', '.join(sorted(different)[:2])} differ" if different else ""
    return within("saved equals loaded", len(different) + logits, 0, remark + named)


def _same(one: torch.Tensor | None, other: torch.Tensor | None) -> bool:
    return one is not None and other is not None and torch.equal(one, other)
