"""Reads a GGUF file with llama.cpp: the only import of `llama_cpp`.

Shapes: T positions, V vocabulary.
"""

from collections.abc import Sequence
from contextlib import redirect_stderr
from importlib.metadata import version
from io import StringIO
from pathlib import Path

import llama_cpp
import torch
from torch import Tensor

from gpt2kit.export.target import END, WINDOW, Reader
from gpt2kit.selftest.probes import Ids

LIMIT_F32 = 0.02
"""Largest accepted error of a logit in f32: GELU is a table in f16 here."""


class LlamaCpp(Reader):
    """A model that llama.cpp computes with the whole window of the file and an fp32 cache of keys and values."""

    def __init__(self, path: Path, dtype: str) -> None:
        self.tool = f"llama-cpp-python {version('llama-cpp-python')}"
        self.limit = LIMIT_F32 if dtype == "f32" else None
        threads, f32 = torch.get_num_threads(), llama_cpp.GGML_TYPE_F32
        with redirect_stderr(StringIO()):  # `verbose` alone does not silence it
            self.model = llama_cpp.Llama(
                str(path),
                n_ctx=0,  # the window, rounded up to a multiple of 256
                logits_all=True,
                type_k=f32,
                type_v=f32,
                n_threads=threads,
                n_threads_batch=threads,
                verbose=False,
            )

    def logits(self, ids: Ids) -> Tensor:
        self.model.reset()
        self.model.eval(ids)
        return torch.from_numpy(self.model.scores[: len(ids)].copy())

    def greedy(self, prompts: Sequence[Ids], new: int, stop: int) -> list[Ids]:
        return [self._answer(prompt, new, stop) for prompt in prompts]

    def _answer(self, prompt: Ids, new: int, stop: int) -> Ids:
        answer: Ids = []
        for id in self.model.generate(prompt, temp=0.0):
            answer.append(id)
            if id == stop or len(answer) == new:
                break
        return answer

    def facts(self) -> dict[str, object]:
        return {WINDOW: int(self.model.metadata["gpt2.context_length"]), END: self.model.token_eos()}

    def tokens(self) -> list[str]:
        vocabulary = self.model._model
        return [vocabulary.token_get_text(id) for id in range(self.model.n_vocab())]

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        return [self.model.tokenize(text.encode(), add_bos=False, special=True) for text in texts]

    def close(self) -> None:
        self.model.close()
