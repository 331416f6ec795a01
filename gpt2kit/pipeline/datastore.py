"""The hidden states of a run before every target of its training data: the datastore of Khandelwal et al. 2020.

A state is the model's last one, after the final norm, at the position that predicts the target. It is computed once and
kept in the run folder.

Shapes: N targets, D width, K neighbors.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from gpt2kit import digests, files, recipe, tensor_files
from gpt2kit.data.batches import RowBatches
from gpt2kit.data.layouts import Stream
from gpt2kit.data.store import Store
from gpt2kit.data.streams import DocumentWindows, pieces_of
from gpt2kit.decoding.batching import free_memory
from gpt2kit.decoding.nearest import States, quantized
from gpt2kit.decoding.neighbors import Neighbors
from gpt2kit.errors import DataError, MachineError
from gpt2kit.model.device import autocast, pick_dtype
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.runs.folder import Run

FILE = Path("sources", "index.safetensors")
"""Where it is in the run folder; not next to the weights, where other programs look for more of these."""

VERSION = 1
"""Of what the file contains."""

BATCH_TOKENS = 8192
"""Positions of a batch."""

Progress = Callable[[int, int], None]
"""Called with the number of states so far, and of all."""


class Near(NamedTuple):
    """A target of the training data."""

    distance: float
    """Between the state before it and another one, Euclidean."""
    place: int
    """Its place in the ids of the split."""


@dataclass(frozen=True)
class Datastore:
    """The states, and where in the training data they are."""

    store: Store
    neighbors: Neighbors
    places_N: Tensor
    unkept: str = ""
    """Why the states could not be kept in the run folder; empty if they are."""

    @torch.inference_mode()
    def near(self, model: GPT2, ids: Sequence[int], first: int, count: int) -> list[list[Near]]:
        """For each of the ids from `first` on, which is at least 1, the targets whose contexts are nearest to its own.

        In a text that is longer than the window, every id has at least half a window as its context.
        """
        found = []
        window = model.config.n_positions
        for start, target, end in pieces_of(0, len(ids), window, stride_of(window)):
            begin = max(first, target)
            if begin >= end:
                continue
            inputs = torch.tensor([ids[start : end - 1]], device=model.head.device)
            before = torch.arange(begin - 1 - start, end - 1 - start, device=inputs.device)
            distances, indices = self.neighbors.states.nearest(_states(model, inputs, before), count)
            places = self.places_N[indices.cpu()].tolist()
            for row in zip(distances.sqrt().tolist(), places, strict=True):
                found.append([Near(*each) for each in zip(*row, strict=True)])
        return found


def stride_of(window: int) -> int:
    """Of the windows over a long text, which overlap by the other half."""
    return max(1, window // 2)


def open_datastore(run: Run, model: GPT2, progress: Progress) -> Datastore:
    """The datastore of a run with this model, computed if the run folder has none of these weights and this data.

    Raises DataError if the training data has changed or no longer exists.
    """
    prepared = run.prepared_as_it_was()
    store = prepared.store("train")
    store.check_ids(run.task.vocabulary.size)
    path = run.path / FILE
    version = _version(model, store)
    unkept = ""
    found = _read(path, version)
    if found is None:
        found = _computed(model, run, store, progress)
        try:
            files.writable_folder(path.parent)
            tensor_files.write_tensors(path, found, {"of": version, tensor_files.DIGEST: tensor_files.digest(found)})
        except MachineError as error:
            unkept = str(error)
    device, places = model.head.device, found["places"].long()
    tokens = torch.from_numpy(store.ids[places.numpy()].astype("int64"))
    states = States(found["levels"].to(device), found["scales"].to(device))
    return Datastore(store, Neighbors(states, tokens.to(device)), places, unkept)


def _version(model: GPT2, store: Store) -> str:
    """The digest of what the states depend on."""
    weights = {name: weight.cpu() for name, weight in model.state_dict().items()}
    return digests.of_object(
        {
            "version": VERSION,
            "model": recipe.values(model.config),
            "weights": tensor_files.digest(weights),
            "data": store.digests or store.digest(),
        }
    )


def _read(path: Path, version: str) -> dict[str, Tensor] | None:
    """The tensors of this version; None if there are none, or only damaged ones."""
    try:
        tensors, metadata = tensor_files.read_tensors(path)
    except DataError:
        return None
    return tensors if metadata.get("of") == version else None


@torch.inference_mode()
def _computed(model: GPT2, run: Run, store: Store, progress: Progress) -> dict[str, Tensor]:
    """The states before all targets of a split, as int8 [N, D] with scales [N], and the places [N] of the targets."""
    layout, window, device = run.task.layout, model.config.n_positions, model.head.device
    if isinstance(layout, Stream):
        batches = layout.batching(window, stride=stride_of(window)).validation(store, BATCH_TOKENS)
    else:
        batches = layout.batching(window).validation(store, BATCH_TOKENS)
    assert isinstance(batches, RowBatches | DocumentWindows)
    epoch = batches.epoch(0)
    count = sum(batches.targets(rows) for rows in epoch)
    if not count:
        raise DataError(f"{store.folder}: its train split has no targets to compare with")
    needed, free = count * (model.config.n_embd + 8), free_memory(torch.device("cpu"))
    if needed > free:
        raise MachineError(
            f"{store.folder}: the states before its {count:,} target tokens take {needed / 1e9:.1f} GB, and "
            f"{free / 1e9:.1f} GB of memory are free: sources and generate.knn need all of them at a time"
        )
    levels_ND, scales_N = torch.empty(count, model.config.n_embd, dtype=torch.int8), torch.empty(count)
    places_N = torch.empty(count, dtype=torch.int32 if store.tokens < 1 << 31 else torch.int64)
    done = 0
    for rows in epoch:
        batch = batches.collate(rows)
        starts_B, width = torch.from_numpy(batches.starts(rows)), batch.ids_BT.size(1)
        part = slice(done, done + batch.targets)
        states = _states(model, batch.ids_BT.to(device), batch.positions_N.to(device))
        levels_ND[part], scales_N[part] = (each.cpu() for each in quantized(states))
        places_N[part] = starts_B[batch.positions_N // width] + batch.positions_N % width + 1
        done += batch.targets
        progress(done, count)
    return {"levels": levels_ND, "scales": scales_N, "places": places_N}


def _states(model: GPT2, ids_BT: Tensor, positions_N: Tensor) -> Tensor:
    """Hidden states [N, D] in fp32 at these positions, flat in B x T."""
    device = model.head.device
    with autocast(device, pick_dtype("auto", device)):
        return model.hidden(ids_BT, positions_N=positions_N).float()
