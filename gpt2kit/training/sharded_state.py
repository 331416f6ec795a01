"""The state of a sharded run: each process writes its part, in the background, and reads only what it needs.

torch.distributed.checkpoint copies the parts to the host's memory, writes them from a thread, and finds in the parts of
any number of processes what those of another number need. By default it pickles the list of parts (`.metadata`), which
runs code when it is read. `HuggingFaceStorageWriter` keeps the place of each part in the header of a safetensors file,
and needs no list: nothing in the folder is unpickled.

A folder has a safetensors file of each process, and `state.json` with progress, numbers, and the digests of the files.
It is written under a temporary name, and gets its own when all processes have written.
"""

import hashlib
import warnings
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader, HuggingFaceStorageWriter
from torch.distributed.checkpoint.metadata import Metadata, TensorStorageMetadata
from torch.distributed.checkpoint.planner import SavePlan, SavePlanner
from torch.distributed.checkpoint.state_dict_loader import load as read
from torch.distributed.checkpoint.state_dict_saver import async_save
from torch.distributed.checkpoint.storage import WriteResult
from torch.optim import Optimizer

from gpt2kit import digests, files, tensor_files
from gpt2kit.errors import DataError, MachineError
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.training import state_folders, state_tensors
from gpt2kit.training.optim import Average
from gpt2kit.training.state_tensors import PREFIXES, SURPLUS

RECORD_FILE = "state.json"


@dataclass(frozen=True)
class Written:
    """The file of a process, as it is reported to the main one."""

    name: str
    digest: str


class Writer(HuggingFaceStorageWriter):
    """Writes the parts of a state into a folder that appears when all of them are written."""

    def __init__(self, path: Path, record: dict[str, Any], keep: int, replaced: Path) -> None:
        """`replaced` is a file that is removed then, as are all but the last `keep` folders."""
        self.place, self.record, self.keep, self.replaced = path, record, keep, replaced
        super().__init__(str(path.with_name(f".{path.name}.tmp")), save_distributed=True)

    def prepare_local_plan(self, plan: SavePlan) -> SavePlan:
        """On each process; the main one will make the folder."""
        return plan

    def prepare_global_plan(self, plans: list[SavePlan]) -> list[SavePlan]:
        """On the main process, before any other writes."""
        state_folders.remove_leftovers(self.place.parent)
        self.place.parent.mkdir(exist_ok=True)
        Path(self.path).mkdir()
        return super().prepare_global_plan(plans)

    def write_data(self, plan: SavePlan, planner: SavePlanner) -> torch.futures.Future[list[WriteResult]]:
        """On each process; its results have the digest of the file instead of the places in it."""
        results = super().write_data(plan, planner).value()
        digest = {name: Written(name, _digest(Path(self.path, name))) for name in {_file_of(each) for each in results}}
        done: torch.futures.Future[list[WriteResult]] = torch.futures.Future()
        done.set_result([replace(each, storage_data=digest[_file_of(each)]) for each in results])
        return done

    def finish(self, metadata: Metadata, results: list[list[WriteResult]]) -> None:
        """On the main process, after all have written."""
        temporary = Path(self.path)
        written = {each.storage_data.name: each.storage_data.digest for part in results for each in part}
        content = self.record | {"files": written}
        files.write_json(temporary / RECORD_FILE, content | {digests.KEY: digests.of_object(content)})
        files.put_folder(temporary, self.place)
        if temporary.exists():  # a state of the same step, which was replaced
            files.remove_folder(temporary)
        self.replaced.unlink(missing_ok=True)
        state_folders.remove_old(self.place, self.keep)


class Background:
    """Writes the states of a run, one at a time, from a thread of each process."""

    def __init__(self, keep: int) -> None:
        """Every process must call this: the threads send their messages to each other apart from those of the run."""
        self.keep, self.group = keep, dist.new_group(backend="gloo")
        self._writing: tuple[Path, Future[Any]] | None = None

    def save(
        self,
        path: Path,
        tensors: dict[str, Tensor],
        numbers: dict[str, float],
        progress: dict[str, Any],
        replaced: Path,
    ) -> None:
        """Copy the tensors, and begin to write them into the folder `path`; `replaced` is a file that is removed when
        they are written. Every process must call this."""
        self.wait()
        writer = Writer(path, {"progress": progress, "numbers": numbers}, self.keep, replaced)
        future = async_save(tensors, storage_writer=writer, process_group=self.group)
        assert isinstance(future, Future)  # it is, as nothing asks for copies in the background too
        self._writing = path, future

    def wait(self) -> None:
        """Wait until the last state is complete. Raises MachineError if a process could not write its part."""
        writing, self._writing = self._writing, None
        if writing is not None:
            path, future = writing
            try:
                future.result()
            except CheckpointException as error:
                if dist.get_rank() == 0:  # on a full disk, what there is of the state takes the last space
                    state_folders.remove_leftovers(path.parent)
                raise _writing_error(path, error) from error


def load(path: Path, model: GPT2, average: Average | None, optimizers: list[Optimizer]) -> dict[str, Any]:
    """Load a state in place, and return its progress. Raises ValueError if it belongs to another model."""
    record, stored = _opened(path)
    surplus = {name: _empty(stored.pop(saved)) for name, saved in SURPLUS.items() if saved in stored}
    shapes = {name: each.size for name, each in stored.items()} | dict.fromkeys(record["numbers"], torch.Size())
    state_tensors.check(shapes, model, average, optimizers)
    wanted = {f"model.{name}": parameter.detach() for name, parameter in model.named_parameters()}
    if average is not None:
        wanted |= {f"average.{name}": weight for name, weight in average.weights.items()}
    parameters = state_tensors.parameters_of_moments(model, optimizers)
    moments = {
        name: torch.empty_like(parameters[name.rpartition(".")[0]]) if each.size else _empty(each)
        for name, each in stored.items()
        if name not in wanted
    }
    _read(path, wanted | moments | {SURPLUS[name]: rows for name, rows in surplus.items()})
    state_tensors.set_moments(moments | record["numbers"], model, optimizers)
    model.surplus_of = surplus
    return dict(record["progress"])


def weights(path: Path) -> dict[str, Tensor]:
    """The weights of a state and their averages, whole, by their names in it. Raises DataError if it is damaged."""
    found = {name: _empty(each) for name, each in _opened(path)[1].items() if name.startswith(PREFIXES)}
    _read(path, found)
    return found


def _opened(path: Path) -> tuple[dict[str, Any], dict[str, TensorStorageMetadata]]:
    """state.json, and the tensors by name. Raises DataError if a file is missing or damaged."""
    record = files.read_json(path / RECORD_FILE)
    if record.pop(digests.KEY, None) != digests.of_object(record):
        raise _damaged(path / RECORD_FILE)
    known = record["files"]
    if different := {each.name for each in path.glob("*.safetensors")} ^ known.keys():
        raise DataError(f"{path} is damaged: {', '.join(sorted(different))} is missing or not part of it")
    _verify(path, known)
    for name in known:
        tensor_files.read_metadata(path / name)  # a DataError, if torch could not read it
    found = HuggingFaceStorageReader(str(path)).read_metadata().state_dict_metadata
    stored = {name: each for name, each in found.items() if isinstance(each, TensorStorageMetadata)}
    for name, each in stored.items():
        # The size is where the last part ends, which is not to be believed without the parts before it.
        if sum(chunk.sizes.numel() for chunk in each.chunks) != each.size.numel():
            raise DataError(f"{path} is damaged: parts of {name} are missing")
    return record, stored


def _verify(path: Path, known: dict[str, str]) -> None:
    """Raise DataError if a file has changed. The processes share the work."""
    rank, size = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    for name in sorted(known)[rank::size]:
        if _digest(path / name) != known[name]:
            raise _damaged(path / name)


def _damaged(file: Path) -> DataError:
    return DataError(
        f"{file} is damaged: its digest is not the one that was saved; remove {file.parent} to continue from the state "
        "before it, if there is one"
    )


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _read(path: Path, tensors: dict[str, Tensor]) -> None:
    """Fill tensors, of sharded ones this process's part. Each process reads what it needs, and nothing is sent."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # torch's, that nothing is sent
            read(tensors, storage_reader=HuggingFaceStorageReader(str(path)), no_dist=True)
    except CheckpointException as error:
        raise DataError(f"{path} cannot be read: {_first(error)[1]}") from error


def _empty(stored: TensorStorageMetadata) -> Tensor:
    return torch.empty(stored.size, dtype=stored.properties.dtype)


def _file_of(result: WriteResult) -> str:
    return str(result.storage_data.relative_path)


def _first(error: CheckpointException) -> tuple[int, BaseException]:
    """One of the errors of all processes, which torch wraps in a BaseException, and its process."""
    rank, (cause, _) = min(error.failures.items())
    return rank, cause


def _writing_error(path: Path, error: CheckpointException) -> BaseException:
    """What to raise when a process could not write its part."""
    rank, cause = _first(error)
    if isinstance(cause, FileNotFoundError) and rank:
        return MachineError(
            f"{path}: rank {rank} does not find the folder that the main process has made: --out must be in a folder "
            "that all machines of the run share"
        )
    if isinstance(cause, OSError):
        return MachineError(f"{path}: cannot be written by rank {rank}: {cause.strerror or cause}")
    return cause
