"""Export to ONNX: one file with the graph and the weights, for onnxruntime and the tools built on it.

Inputs and outputs have the names that Optimum and transformers.js use.
"""

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import onnx
import onnxscript.optimizer
import torch
import torch.onnx

from gpt2kit.export import onnx_graph
from gpt2kit.export.target import Reader, Target
from gpt2kit.export.with_onnxruntime import OnnxRuntime
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.overwriting import GENERATOR, FileKind
from gpt2kit.selftest.run_under_test import RunUnderTest

LARGEST = 2**31 - 2**20
"""Bytes of the weights: a file is one protobuf message, which has less than 2 GiB."""

PRODUCER = b"\x12%c" % len(GENERATOR) + GENERATOR.encode()
"""The second field of a file, after its version."""

ROWS, PAST = 3, 5
"""Sizes of the tensors that the graph is traced with. It accepts others."""

BATCH, NEW, BEFORE = "batch_size", "sequence_length", "past_sequence_length"
"""Names of the dimensions."""

TABLE = "model.transformer.wte.weight"
"""The name of the token embedding."""


class Onnx(Target):
    """A graph of language models with a cache; of classifiers, and of compressed attention, without one."""

    kind = FileKind("an ONNX file", lambda head, _: head[:1] == b"\x08" and head[2:].startswith(PRODUCER))

    def refusal(self, subject: RunUnderTest, dtype: str) -> str:
        size = 4 * subject.model.parameter_count()
        if size <= LARGEST:
            return ""
        return f"its weights have {size / 1e9:.1f} GB in f32, and an ONNX file holds less than 2 GiB"

    def write(self, subject: RunUnderTest, path: Path, dtype: str) -> None:
        with quiet():
            proto = graph(subject.model)
        strip(proto)
        proto.producer_name, proto.producer_version = GENERATOR, version("gpt2kit")
        onnx.helper.set_model_props(proto, facts(subject))
        path.write_bytes(proto.SerializeToString(deterministic=True))

    def stored(self, model: GPT2, dtype: str) -> GPT2:
        return model

    def readers(self, subject: RunUnderTest, path: Path, dtype: str) -> Iterator[Reader]:
        yield OnnxRuntime(path)


@torch.no_grad()
def graph(model: GPT2) -> onnx.ModelProto:
    """The graph of a model with its weights in f32."""
    program = cached(model) if onnx_graph.has_cache(model) else whole(model)
    onnxscript.optimizer.optimize_ir(program.model, should_fold=foldable)
    return program.model_proto


def cached(model: GPT2) -> Any:
    """The graph of a language model: new tokens after any number of past ones, also none."""
    config = model.config
    layers, shape = range(config.n_layer), (ROWS, config.n_head, PAST, config.n_embd // config.n_head)
    batch, new, before = (torch.export.Dim(name) for name in (BATCH, NEW, BEFORE))
    length = PAST - 1  # of the new tokens
    names = [f"{layer}.{part}" for layer in layers for part in ("key", "value")]
    return torch.onnx.export(
        onnx_graph.CachedGraph(model),
        (
            torch.zeros(ROWS, length, dtype=torch.long),
            torch.ones(ROWS, PAST + length, dtype=torch.long),
            torch.arange(PAST, PAST + length).repeat(ROWS, 1),
            [(torch.zeros(shape), torch.zeros(shape)) for _ in layers],  # the exporter takes one tensor for one input
        ),
        input_names=["input_ids", "attention_mask", "position_ids", *(f"past_key_values.{name}" for name in names)],
        output_names=["logits", *(f"present.{name}" for name in names)],
        dynamic_shapes=(
            {0: batch, 1: new},
            {0: batch, 1: torch.export.Dim.DYNAMIC},
            {0: batch, 1: new},
            [({0: batch, 2: before}, {0: batch, 2: before}) for _ in layers],
        ),
        dynamo=True,
        optimize=False,
        verbose=False,
    )


def whole(model: GPT2) -> Any:
    """The graph of whole texts."""
    batch, length = torch.export.Dim(BATCH), torch.export.Dim(NEW)
    ids = torch.zeros(ROWS, 2 * model.config.compression + 1, dtype=torch.long)
    return torch.onnx.export(
        onnx_graph.WholeGraph(model),
        (ids, torch.ones_like(ids)),
        input_names=["input_ids", "attention_mask"],
        output_names=["logits"],
        dynamic_shapes=({0: batch, 1: length}, {0: batch, 1: length}),
        dynamo=True,
        optimize=False,
        verbose=False,
    )


def foldable(node: Any) -> bool | None:
    """Keep the token embedding as it is where the head uses it, transposed: the file would contain it twice."""
    return False if any(each is not None and each.name == TABLE for each in node.inputs) else None


def strip(proto: onnx.ModelProto) -> None:
    """Remove what describes the tracing: names of Python code, and shapes of intermediate results."""
    del proto.graph.value_info[:]
    for each in (*proto.graph.node, *proto.graph.initializer, *proto.graph.input, *proto.graph.output, proto.graph):
        each.doc_string = ""
        del each.metadata_props[:]
    proto.doc_string = ""
    for value in proto.graph.input:
        length = value.type.tensor_type.shape.dim[1]
        if value.name == "attention_mask" and length.dim_param != NEW:  # the exporter invents a name for a sum
            length.dim_param = f"{BEFORE} + {NEW}"


def facts(subject: RunUnderTest) -> dict[str, str]:
    """What a program needs to know to use the graph, as metadata of the file."""
    model = subject.model
    found = {
        "name": subject.run.path.resolve().name,
        "task": subject.run.task_name,
        "n_positions": str(model.config.n_positions),
        "eos_token_id": str(subject.task.vocabulary.eos),
        "attention": model.config.attention,
    }
    return found | ({"labels": json.dumps(model.labels)} if model.labels else {})


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the exporter's warnings and log lines, which are about its own code, from the user's terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
