"""Export to CTranslate2, and reading it with CTranslate2.

The weights are given to CTranslate2's own description of a decoder. Its converter of Hugging Face folders ignores
another epsilon than GPT-2's, and other scales of attention.

https://opennmt.net/CTranslate2/
"""

import json
import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import torch
from ctranslate2.specs import common_spec, transformer_spec
from torch import Tensor, nn

from gpt2kit.data.bpe import Bpe
from gpt2kit.export.target import END, LIMITS, WINDOW, Reader, Target
from gpt2kit.model.device import sums_of_int8_overflow
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.overwriting import FolderKind
from gpt2kit.selftest.probes import Ids
from gpt2kit.selftest.run_under_test import RunUnderTest
from gpt2kit.tasks.text import TextTask

DTYPES = {"f32": "float32", "f16": "float16", "bf16": "bfloat16", "int8": "int8"}
"""Their names in CTranslate2."""

ACTIVATIONS = {
    "gelu_new": common_spec.Activation.GELUTanh,
    "gelu": common_spec.Activation.GELU,
    "relu": common_spec.Activation.RELU,
}

OVERFLOWS = (
    "not compared, as this CPU has no VNNI instructions and its sums of 8-bit products overflow: use "
    "compute_type='float32' here"
)
EXACT_INT8 = 0.05
"""Largest accepted error in fp32 of weights that are stored in int8. 0.006 was seen, as CTranslate2 4.8.5 does not
restore them in full precision; a missing bias gives 0.15 or more."""

ROWS = 32
"""Number of prompts that are answered together."""


class CTranslate2(Target):
    """A folder that `ctranslate2.Generator` opens, with the tokenizer."""

    kind = FolderKind(
        "a CTranslate2 export",
        marks=("model.bin", "proof.md"),  # other programs write no proof
        patterns=("model.bin", "vocabulary.json", "config.json", "tokenizer.json", "tokenizer_config.json", "proof.md"),
    )

    def refusal(self, subject: RunUnderTest, dtype: str) -> str:
        attention = subject.model.config.attention
        if subject.model.labels:
            return "CTranslate2 has no classifier on top of a GPT-2"
        if not isinstance(subject.task, TextTask):
            return "CTranslate2 generates text, and the tokens of this run are events of music"
        return "" if attention == "full" else f"CTranslate2 does not compute a GPT-2 with attention = {attention}"

    def write(self, subject: RunUnderTest, path: Path, dtype: str) -> None:
        assert isinstance(subject.task, TextTask)
        bpe = subject.task.bpe
        spec = _spec(subject.model, [bpe.token(id) for id in range(subject.model.vocab_size)], bpe.end_of_text)
        spec.validate()
        spec.optimize(quantization=DTYPES[dtype])
        spec.save(str(path))
        subject.task.vocabulary.copy_files(path, subject.model.config.n_positions)

    @torch.no_grad()
    def stored(self, model: GPT2, dtype: str) -> GPT2:
        found = deepcopy(model)
        for block in found.transformer.blocks():
            _scale_queries(block.attn.c_attn, model.config.n_embd, block.attn.query_scale)
            block.attn.query_scale = 1.0
        for name, parameter in found.named_parameters():
            if dtype != "int8":
                parameter.copy_(parameter.to(getattr(torch, DTYPES[dtype])))
            elif parameter.dim() == 2 and name != "transformer.wpe.weight":
                scale = 127 / parameter.abs().amax(1, keepdim=True).clamp(min=127 / torch.finfo(torch.float32).max)
                parameter.copy_((parameter * scale).round() / scale)
        return found

    def readers(self, subject: RunUnderTest, path: Path, dtype: str) -> Iterator[Reader]:
        window = subject.model.config.n_positions
        yield Generator(path, window, "float32", EXACT_INT8 if dtype == "int8" else LIMITS["f32"])
        if (fastest := Generator(path, window)).computes != "float32":
            if fastest.computes.startswith("int8") and sums_of_int8_overflow():
                fastest.inexact = OVERFLOWS
            yield fastest


def _spec(model: GPT2, tokens: list[str], eos: int) -> Any:
    """The model as CTranslate2 describes it, without surplus rows."""
    config, body = model.config, model.transformer
    spec = transformer_spec.TransformerDecoderModelSpec.from_config(
        config.n_layer, config.n_head, activation=ACTIVATIONS[config.activation_function]
    )
    decoder = spec.decoder
    decoder.scale_embeddings = False
    decoder.embeddings.weight, decoder.projection.weight = _copied(body.wte.weight), _copied(model.head)
    decoder.position_encodings.encodings = _copied(body.wpe.weight)
    _set_norm(decoder.layer_norm, body.ln_f)
    for layer, block in zip(decoder.layer, body.blocks(), strict=True):
        _set_norm(layer.self_attention.layer_norm, block.ln_1)
        _set_linear(layer.self_attention.linear[0], block.attn.c_attn)
        _scale_queries(layer.self_attention.linear[0], config.n_embd, block.attn.query_scale)
        _set_linear(layer.self_attention.linear[1], block.attn.c_proj)
        _set_norm(layer.ffn.layer_norm, block.ln_2)
        _set_linear(layer.ffn.linear_0, block.mlp.c_fc)
        _set_linear(layer.ffn.linear_1, block.mlp.c_proj)
    spec.config.layer_norm_epsilon = config.layer_norm_epsilon
    spec.config.bos_token = spec.config.eos_token = spec.config.unk_token = tokens[eos]
    spec.config.add_attribute("n_positions", config.n_positions)  # for users: CTranslate2 does not read it
    spec.register_vocabulary(tokens)
    return spec


def _copied(weight: Tensor) -> Tensor:
    """A copy, which CTranslate2 may overwrite: to make int8 of a weight, it scales the weight in place."""
    return weight.detach().clone()


def _set_norm(spec: Any, norm: nn.LayerNorm) -> None:
    spec.gamma, spec.beta = _copied(norm.weight), _copied(norm.bias)


def _set_linear(spec: Any, linear: nn.Linear) -> None:
    spec.weight, spec.bias = _copied(linear.weight), _copied(linear.bias)


def _scale_queries(spec: Any, width: int, factor: float) -> None:
    """Scale the queries, the first rows of the product for query, key and value."""
    spec.weight[:width] *= factor
    spec.bias[:width] *= factor


class Generator(Reader):
    """An export that CTranslate2 has opened on the CPU, with as many threads as PyTorch uses."""

    def __init__(self, path: Path, window: int, computing: str = "default", exact: float | None = None) -> None:
        level = ctranslate2.get_log_level()
        ctranslate2.set_log_level(logging.ERROR)  # it warns where 16-bit weights are computed with in fp32
        try:
            self.generator = ctranslate2.Generator(
                str(path), device="cpu", compute_type=computing, intra_threads=torch.get_num_threads()
            )
        finally:
            ctranslate2.set_log_level(level)
        self.computes = self.generator.compute_type
        self.exact = exact
        self.tool = f"CTranslate2 {ctranslate2.__version__}, computing in {self.computes}"
        self.folder = path
        self.window = window
        self.names: list[str] = json.loads((path / "vocabulary.json").read_text(encoding="utf-8"))
        self.tokenizer = Bpe.load(path).tokenizer
        self.tokenizer.encode_special_tokens = False  # as in the scripts of users

    def logits(self, ids: Ids) -> Tensor:
        return torch.from_numpy(np.array(self.generator.forward_batch([ids])))[0]

    def greedy(self, prompts: Sequence[Ids], new: int, stop: int) -> list[Ids]:
        """Prompts go together if their answers have the same limit, as CTranslate2 raises an error beyond the window.

        Prompts of one token go alone: CTranslate2 4.8.5 would return the other prompts of their batch with the answers.
        """
        found: list[Ids] = [[]] * len(prompts)
        groups = defaultdict(list)
        for index, prompt in enumerate(prompts):
            groups[max(1, min(new, self.window - len(prompt))), len(prompt) == 1].append(index)
        for (length, _), chosen in groups.items():
            results = self.generator.generate_batch(
                [[self.names[id] for id in prompts[index]] for index in chosen],
                max_batch_size=ROWS,
                max_length=length,
                end_token=[stop],
                return_end_token=True,
                include_prompt_in_result=False,
            )
            for index, result in zip(chosen, results, strict=True):
                found[index] = result.sequences_ids[0]
        return found

    def facts(self) -> dict[str, object]:
        said = json.loads((self.folder / "config.json").read_text(encoding="utf-8"))
        return {WINDOW: said["n_positions"], END: self.tokens().index(said["eos_token"])}

    def tokens(self) -> list[str]:
        """CTranslate2 gives the names of tokens, and the tokenizer decodes their ids."""
        return [name if self.tokenizer.id_to_token(id) == name else "" for id, name in enumerate(self.names)]

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        """The tokenizer gives CTranslate2 the names of tokens."""
        ids = {token: id for id, token in enumerate(self.names)}
        encodings = self.tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [[ids[token] for token in encoding.tokens] for encoding in encodings]
