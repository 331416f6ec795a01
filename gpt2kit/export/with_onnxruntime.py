"""Runs an ONNX file with onnxruntime.

Shapes: B rows, T new positions, S positions with those of the cache, V vocabulary, C classes.
"""

import json
from pathlib import Path

import onnxruntime
import torch
from torch import Tensor

from gpt2kit.export.padded import PaddedReader
from gpt2kit.export.target import END, LABELS, WINDOW
from gpt2kit.selftest.probes import Ids

PAST, PRESENT = "past_key_values.", "present."


class OnnxRuntime(PaddedReader):
    """A graph on the CPU, with the cache if it has one."""

    def __init__(self, path: Path) -> None:
        self.tool = f"onnxruntime {onnxruntime.__version__}"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3  # errors
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.past = {each.name: each.shape for each in self.session.get_inputs() if each.name.startswith(PAST)}

    def facts(self) -> dict[str, object]:
        said = self.session.get_modelmeta().custom_metadata_map
        found: dict[str, object] = {WINDOW: int(said["n_positions"]), END: int(said["eos_token_id"])}
        return found | {LABELS: tuple(json.loads(said["labels"]))} if "labels" in said else found

    def logits(self, ids: Ids) -> Tensor:
        """With a cache, the text is read in two parts."""
        ids_BT = torch.tensor([ids])
        if not self.past or len(ids) == 1:
            found, _ = self.run(ids_BT, torch.ones_like(ids_BT), self.empty(1))
            return found[0] if found.dim() == 3 else found
        middle = len(ids) // 2
        first, past = self.run(ids_BT[:, :middle], torch.ones_like(ids_BT[:, :middle]), self.empty(1))
        second, _ = self.run(ids_BT[:, middle:], torch.ones_like(ids_BT), past)
        return torch.cat([first, second], 1)[0]

    def answers(self, ids_BT: Tensor, mask_BT: Tensor, new: int, stop: int) -> Tensor:
        """With a cache, only the last token is computed in each step."""
        rows, mask_BS = len(ids_BT), mask_BT
        past, chosen, ended_B = self.empty(rows), list[Tensor](), torch.zeros(rows, dtype=torch.bool)
        for _ in range(new):
            logits_BTV, past = self.run(ids_BT, mask_BS, past)
            next_B1 = logits_BTV[:, -1].argmax(-1, keepdim=True)
            chosen.append(next_B1)
            ended_B |= next_B1[:, 0] == stop
            if ended_B.all():
                break
            ids_BT = next_B1 if self.past else torch.cat([ids_BT, next_B1], 1)
            mask_BS = torch.cat([mask_BS, torch.ones_like(next_B1)], 1)
        return torch.cat(chosen, 1)

    def run(self, ids_BT: Tensor, mask_BS: Tensor, past: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Logits of the new tokens, or of a classifier, and the cache for the next call."""
        inputs = {"input_ids": ids_BT, "attention_mask": mask_BS} | past
        if past:
            inputs["position_ids"] = (mask_BS.cumsum(1) - 1).clamp(min=0)[:, -ids_BT.size(1) :]
        outputs = self.session.run(None, {name: value.numpy() for name, value in inputs.items()})
        names = [each.name.replace(PRESENT, PAST) for each in self.session.get_outputs()]
        logits, *present = map(torch.from_numpy, outputs)
        return logits, dict(zip(names[1:], present, strict=True))

    def empty(self, rows: int) -> dict[str, Tensor]:
        """The cache before any token."""
        return {name: torch.zeros(rows, heads, 0, width) for name, (_, heads, _, width) in self.past.items()}
