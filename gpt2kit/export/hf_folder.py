"""A run as a complete Hugging Face folder, with adapters merged: what other tools convert from."""

from pathlib import Path

from gpt2kit.model import hf
from gpt2kit.selftest.run_under_test import RunUnderTest


def write(subject: RunUnderTest, folder: Path) -> None:
    """Write config.json, weights in fp32 and the tokenizer."""
    subject.task.vocabulary.copy_files(folder, subject.model.config.n_positions)
    hf.save(folder, subject.model, subject.task.vocabulary.eos, generate=subject.recipe.generate)
