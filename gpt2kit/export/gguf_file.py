"""Writes GGUF files: the only import of `gguf`.

The names of tensors and keys are those of llama.cpp's converter.
"""

from collections.abc import Iterator
from copy import deepcopy
from importlib.metadata import version
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import gguf
import torch

from gpt2kit.config import GenerateConfig, ModelConfig
from gpt2kit.data.bpe import Bpe
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.overwriting import GENERATOR

F32 = gguf.GGMLQuantizationType.F32
TYPES = {
    "f32": (F32, gguf.LlamaFileType.ALL_F32),
    "f16": (gguf.GGMLQuantizationType.F16, gguf.LlamaFileType.MOSTLY_F16),
    "q8_0": (gguf.GGMLQuantizationType.Q8_0, gguf.LlamaFileType.MOSTLY_Q8_0),
}
"""The type of matrices and that of the file, by the name of --dtype."""

VERSION = f"{GENERATOR}.version"
"""A key of our own, the second of a file."""


class Stored(NamedTuple):
    """A tensor of the file."""

    name: str
    values: Any
    """A NumPy array in fp32."""
    kind: gguf.GGMLQuantizationType
    """The type that it is stored in."""


def is_ours(head: bytes) -> bool:
    """Whether the first bytes of a file are those of one that `write` made."""
    return head.startswith(b"GGUF") and VERSION.encode() in head


def unsuitable(config: ModelConfig, dtype: str) -> str:
    """Why a model cannot be stored in `dtype`; "" if it can."""
    block = gguf.GGML_QUANT_SIZES[TYPES[dtype][0]][0]
    for name, width in (("n_embd", config.n_embd), ("n_inner", config.inner)):
        if width % block:
            return f"{dtype} stores rows in blocks of {block} numbers, but {name} = {width}; choose --dtype f16"
    return ""


def write(path: Path, name: str, model: GPT2, bpe: Bpe, generate: GenerateConfig, dtype: str) -> None:
    """Write one file, whose bytes depend on the arguments and the version of gpt2kit alone."""
    writer = gguf.GGUFWriter(path, gguf.MODEL_ARCH_NAMES[gguf.MODEL_ARCH.GPT2])
    writer.add_string(VERSION, version(GENERATOR))
    writer.add_type("model")
    writer.add_name(name)
    writer.add_size_label(gguf.size_label(model.parameter_count(), 0, 0, 0))
    writer.add_file_type(TYPES[dtype][1])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    _add_sampling(writer, generate)
    _add_shape(writer, model)
    _add_tokenizer(writer, bpe)
    tensors = list(_tensors(model, TYPES[dtype][0]))
    for each in tensors:
        size = prod(gguf.quant_shape_to_byte_shape(each.values.shape, each.kind))
        writer.add_tensor_info(each.name, each.values.shape, each.values.dtype, size, each.kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for each in tensors:  # one at a time, so that only one is in memory twice
        writer.write_tensor_data(gguf.quantize(each.values, each.kind))
    writer.close()


def stored(model: GPT2, dtype: str) -> GPT2:
    """A copy of the model with the numbers of a file."""
    found = deepcopy(model)
    for parameter, each in zip(found.parameters(), _tensors(model, TYPES[dtype][0]), strict=True):
        rounded = torch.from_numpy(gguf.dequantize(gguf.quantize(each.values, each.kind), each.kind))
        with torch.no_grad():
            parameter.copy_(rounded)
    for block in found.transformer.blocks():
        block.attn.query_scale = 1.0  # the weights include it
    return found


def _add_sampling(writer: gguf.GGUFWriter, generate: GenerateConfig) -> None:
    """The defaults of llama-cli and llama-server for this model, which are not greedy otherwise."""
    writer.add_sampling_temp(generate.temperature)
    writer.add_sampling_top_k(generate.top_k)
    writer.add_sampling_top_p(generate.top_p)
    writer.add_sampling_min_p(0.0)
    writer.add_sampling_penalty_repeat(generate.repetition_penalty)
    writer.add_sampling_penalty_last_n(-1)  # of all tokens


def _add_shape(writer: gguf.GGUFWriter, model: GPT2) -> None:
    config = model.config
    writer.add_context_length(config.n_positions)
    writer.add_embedding_length(config.n_embd)
    writer.add_feed_forward_length(config.inner)
    writer.add_block_count(config.n_layer)
    writer.add_head_count(config.n_head)
    writer.add_layer_norm_eps(config.layer_norm_epsilon)


def _add_tokenizer(writer: gguf.GGUFWriter, bpe: Bpe) -> None:
    """Control tokens are found in a prompt where a program parses special tokens, other added tokens everywhere."""
    added, end = bpe.tokenizer.get_added_tokens_decoder(), bpe.end_of_text
    types = [gguf.TokenType.NORMAL] * bpe.vocab_size
    for id, token in added.items():
        types[id] = gguf.TokenType.CONTROL if token.special else gguf.TokenType.USER_DEFINED
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")  # how text is split; without it some texts have other ids
    writer.add_token_list([bpe.token(id) for id in range(bpe.vocab_size)])
    writer.add_token_types(types)
    writer.add_token_merges(bpe.merges())
    for add_id in (writer.add_bos_token_id, writer.add_eos_token_id, writer.add_pad_token_id):
        add_id(end)
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)


def _tensors(model: GPT2, matrices: gguf.GGMLQuantizationType) -> Iterator[Stored]:
    """Matrices are stored in the type `matrices`; vectors and the position embedding in fp32, as llama.cpp needs it.

    The weights of the queries include their scale in variants of GPT-2, which llama.cpp does not know.
    """
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.GPT2, model.config.n_layer)
    scales = {
        f"transformer.h.{n}.attn.c_attn": each.attn.query_scale for n, each in enumerate(model.transformer.blocks())
    }
    for name, parameter in model.named_parameters():
        found, weight = names.get_name(name, (".weight", ".bias")), parameter.detach()
        assert found is not None, name
        if (scale := scales.get(name.rpartition(".")[0], 1.0)) != 1:
            weight = torch.cat([scale * weight[: model.config.n_embd], weight[model.config.n_embd :]])
        kept = weight.dim() == 1 or name == "transformer.wpe.weight"
        yield Stored(found, weight.numpy(), F32 if kept else matrices)
