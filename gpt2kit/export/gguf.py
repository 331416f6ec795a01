"""Export to GGUF, one file with weights and tokenizer, which llama.cpp and the programs built on it read.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import importlib.util
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from gpt2kit.data.bpe import Bpe
from gpt2kit.data.byte_alphabet import bytes_by_character
from gpt2kit.data.plain_bpe import unusual
from gpt2kit.export import gguf_file
from gpt2kit.export.target import Reader, Target
from gpt2kit.export.with_transformers import Transformers
from gpt2kit.model import transformers_door
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.overwriting import FileKind
from gpt2kit.selftest.run_under_test import RunUnderTest
from gpt2kit.tasks.text import TextTask


class Gguf(Target):
    """Surplus rows are left out, as every row of a GGUF file has a token."""

    kind = FileKind("an export to GGUF", lambda head, _: gguf_file.is_ours(head))

    def refusal(self, subject: RunUnderTest, dtype: str) -> str:
        config, task = subject.model.config, subject.task
        if subject.model.labels:
            return "llama.cpp has no classifier for a GPT-2"
        if not isinstance(task, TextTask):
            return "llama.cpp needs a tokenizer, and the ids of this run do not stand for text"
        if config.attention != "full":
            return f"llama.cpp has no attention = {config.attention} for a GPT-2, only full"
        if config.activation_function != "gelu_new":
            return f"llama.cpp has no activation_function = {config.activation_function} for a GPT-2, only gelu_new"
        if reason := unusual(json.loads(task.bpe.tokenizer.to_str())):
            return f"llama.cpp would split text as GPT-2 does, and the tokenizer of this run does not: {reason}"
        if trimmed := [token.content for token in _added(task.bpe) if not token.special and _trims(token)]:
            return (
                f"llama.cpp finds an added token whatever is next to it, and {trimmed[0]!r} takes spaces or whole words"
            )
        if not task.bpe.merges():
            return "llama.cpp needs the merges of a tokenizer, and this one has none: its vocabulary has bytes alone"
        return gguf_file.unsuitable(config, dtype)

    def write(self, subject: RunUnderTest, path: Path, dtype: str) -> None:
        assert isinstance(subject.task, TextTask)
        name = subject.run.path.resolve().name
        gguf_file.write(path, name, subject.model, subject.task.bpe, subject.recipe.generate, dtype)

    def stored(self, model: GPT2, dtype: str) -> GPT2:
        return gguf_file.stored(model, dtype)

    def readers(self, subject: RunUnderTest, path: Path, dtype: str) -> Iterator[Reader]:
        config, task = subject.model.config, subject.task
        assert isinstance(task, TextTask)
        model, tokenizer = transformers_door.of_gguf(path, config.n_positions, config.inner)
        if not all(set(token.content) <= bytes_by_character().keys() for token in _added(task.bpe)):
            tokenizer = None  # it spells added tokens of other characters, such as a space, by their bytes
        yield Transformers(model, subject.model.vocab_size, tokenizer=tokenizer)
        if importlib.util.find_spec("llama_cpp") is not None:
            from gpt2kit.export.with_llama_cpp import LlamaCpp

            with closing(LlamaCpp(path, dtype)) as reader:
                yield reader


def _added(bpe: Bpe) -> list[Any]:
    """The tokens that are found in a text before it is split."""
    return list(bpe.tokenizer.get_added_tokens_decoder().values())


def _trims(token: Any) -> bool:
    """Whether a token depends on what is next to it."""
    return token.lstrip or token.rstrip or token.single_word
