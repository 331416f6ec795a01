"""Reads the weights out of an HTML page and computes with them in gpt2kit: what a page contains, without a browser."""

import base64
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gpt2kit.config import GenerateConfig
from gpt2kit.decoding.decode import answers
from gpt2kit.export.target import END, LABELS, LIMITS, WINDOW, Reader
from gpt2kit.html import json_of_element
from gpt2kit.live.content import weights
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.inference import InferenceGPT2
from gpt2kit.selftest.logits import full, scores
from gpt2kit.selftest.probes import Ids

DTYPES = {"f32": "<f4", "f16": "<f2", "int8": "<i1"}


def unpacked(packed: Mapping[str, Any]) -> NDArray[np.float32]:
    """The values of `content.packed_tensor`."""
    values = _numbers(packed["data"], DTYPES[packed["kind"]]).reshape(packed["shape"])
    if packed["kind"] != "int8":
        return values.astype(np.float32)
    return values * _numbers(packed["scales"], DTYPES["f32"]).reshape(*packed["shape"][:-1], 1)


def rounded(model: GPT2, dtype: str) -> GPT2:
    """A copy of a model with the numbers that a page in `dtype` contains."""
    return with_tensors(model, weights(model, dtype)["tensors"])


@torch.no_grad()
def with_tensors(model: GPT2, tensors: Mapping[str, Mapping[str, Any]]) -> GPT2:
    """A copy of a model with the weights of a page. Raises ValueError unless the page has exactly the model's."""
    found = deepcopy(model)
    named = dict(found.named_parameters())
    if named.keys() != tensors.keys():
        raise ValueError(f"other tensors: {', '.join(sorted(named.keys() ^ tensors.keys()))}")
    for name, parameter in named.items():
        parameter.copy_(torch.from_numpy(unpacked(tensors[name])))
    return found


def _numbers(data: str, dtype: str) -> NDArray[Any]:
    return np.frombuffer(base64.b64decode(data), dtype)


class Stored(Reader):
    """The weights in a page; `like` is a model of the same shape."""

    tool = "the weights in the page"
    exact = LIMITS["f32"]

    def __init__(self, path: Path, like: GPT2) -> None:
        self.run = json_of_element(path.read_text(encoding="utf-8"), "run")
        self.model = with_tensors(like, self.run["tensors"])

    def facts(self) -> dict[str, object]:
        config = self.run["config"]
        return {WINDOW: config["n_positions"], END: self.run["task"]["eos"], LABELS: tuple(config["labels"])}

    def logits(self, ids: Ids) -> Tensor:
        return scores(self.model, [ids]) if self.model.labels else full(self.model, ids)

    def greedy(self, prompts: Sequence[Ids], new: int, stop: int) -> list[Ids]:
        decoder, config = InferenceGPT2(self.model, "fp32"), GenerateConfig(max_new_tokens=new)
        with torch.inference_mode():
            found = {each.index: each.answers[0] for each in answers(decoder, prompts, config, stop)}
        return [[*found[index].ids, *([stop] if found[index].finished else [])] for index in range(len(prompts))]
