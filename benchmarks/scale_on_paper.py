"""What a large run needs of time, memory, files and network, on paper, and what breaks first.

    python benchmarks/scale_on_paper.py [--tokens 2.5e11] [--documents 1e9] [--gpus 64] [--size gpt2-xl] [--smoke]

Nothing of that size is run. Formulas are the code's own: FLOP of a step, types of the files, weights and moments. What
grows with the data is measured here on less of it, as bytes or CPU seconds of a row, window or document, and
multiplied. Each figure says where it comes from: `code`, `here` (measured on this machine), `earlier` (measured for
docs/results.md), `maker` (a data sheet) or `assumed`.
"""

import argparse
import hashlib
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gpt2kit import files
from gpt2kit.config import ModelConfig, TrainConfig
from gpt2kit.config.model import SIZES
from gpt2kit.data.batches import RowBatches
from gpt2kit.data.hashes import AT_ONCE, Hashes
from gpt2kit.data.store import SCANNED_IDS, Store, id_dtype
from gpt2kit.data.streams import DocumentWindows, StreamBatches
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.training import optim
from gpt2kit.training.muon import Muon
from gpt2kit.training.speed import model_flop

VOCABULARY = 50257


@dataclass(frozen=True)
class Assumptions:
    """The run, and what it is assumed to run on."""

    tokens: float = 2.5e11
    """1 TB of text, at 4 bytes a token."""
    documents: float = 1e9
    held_out: float = 0.02
    """The default of `task.held_out`."""
    lines: float = 3.0
    """Hashes of sampled lines of a document of about 1 kB."""
    name: float = 40.0
    """Bytes of a document's name, such as `part-00017.jsonl:123456`."""
    gpus: int = 64
    a_machine: int = 8
    size: str = "gpt2-xl"
    batch_tokens: int = 1 << 20
    peak: float = 989.4e12
    """FLOP per second of dense bf16: NVIDIA's data sheet of the H100 SXM."""
    share: float = 0.4
    """Of the peak."""
    network: float = 50e9
    """Bytes per second of each GPU to other machines: 400 Gb/s, as the makers of ConnectX-7 say."""
    storage: float = 10e9
    """Bytes per second of the storage that all machines share."""
    preparing: float = 8.1e6
    """Bytes of text per second that one `prepare` encodes on two cores: docs/results.md."""
    cores: int = 16
    """Cores of a machine for `prepare`, a process each."""


LONG_START, A_TENTH = 600.0, 1e11
"""Seconds before the first step, and bytes of a machine with 1 TB, that are too much."""

Row = tuple[str, str, str]
"""What, how much, and where that comes from."""


def time_of(assumed: Assumptions, config: ModelConfig, grows: "Grows") -> tuple[list[Row], float]:
    """The time of one epoch, and the seconds of a step."""
    window = config.n_positions
    flop = model_flop(config, VOCABULARY, np.array([window + 1]), window) / window
    seconds = flop * assumed.tokens / (assumed.gpus * assumed.peak * assumed.share)
    steps = assumed.tokens / assumed.batch_tokens
    processes = assumed.gpus // assumed.a_machine * assumed.cores
    return [
        (
            "`prepare` in one process, with two cores",
            days(4 * assumed.tokens / assumed.preparing),
            "earlier, multiplied",
        ),
        (f"`prepare` in {processes} processes", seconds_of(preparing(assumed, grows)), "earlier, here, assumed"),
        (
            "of that, hashes to find duplicates and leaks, which the first process compares",
            seconds_of(comparing(assumed, grows)),
            "here, multiplied",
        ),
        (f"FLOP of a token, {assumed.size}, window {window:,}", f"{flop:.3g}", "code"),
        (f"one epoch at {assumed.share:.0%} of the peak of {assumed.gpus} GPUs", days(seconds), "code, maker, assumed"),
        (f"steps of {assumed.batch_tokens:,} tokens", f"{steps:,.0f} of {seconds / steps:.2f} s", "code"),
    ], seconds / steps


def comparing(assumed: Assumptions, grows: "Grows") -> float:
    """Seconds that the hashes of all documents take in `prepare`."""
    return grows.appending * assumed.documents * (3 + assumed.lines)


def preparing(assumed: Assumptions, grows: "Grows") -> float:
    """Seconds of `prepare` in a process for each core of all machines; one of them compares the hashes."""
    alone, cores = 4 * assumed.tokens / assumed.preparing, assumed.gpus // assumed.a_machine * assumed.cores
    return 2 * (alone - comparing(assumed, grows)) / cores + comparing(assumed, grows)


def files_of(assumed: Assumptions) -> list[Row]:
    """The files of the prepared folder, and the temporary ones of prepare."""
    ids = id_dtype(VOCABULARY).itemsize * assumed.tokens
    ends, prompts = 8 * assumed.documents, 4 * assumed.documents
    hashes = 8 * assumed.documents * (3 + assumed.lines)
    divided = 2 * 16 * assumed.documents * max(1.0, assumed.lines)
    return [
        ("`train.ids`", size(ids), "code"),
        ("`train.ends` and `train.prompts`", size(ends + prompts), "code"),
        ("`train.names` (`lm`, `music`)", size(assumed.name * assumed.documents), "assumed"),
        ("temporary hashes of `prepare`", size(hashes), "code"),
        ("and while the largest of them are compared", size(divided), "code"),
    ]


def model_of(config: ModelConfig, optimizer: str) -> tuple[float, float, float]:
    """Parameters, bytes of the moments of an optimizer, and bytes of the weights that Muon updates."""
    with torch.device("meta"):
        model = GPT2(config, VOCABULARY)
    moments = muon = 0
    for each in optim.build(model, TrainConfig(optimizer=optimizer)):
        weights = sum(4 * weight.numel() for group in each.param_groups for weight in group["params"])
        moments += weights * (1 if isinstance(each, Muon) else 2)
        muon += weights if isinstance(each, Muon) else 0
    return float(sum(weight.numel() for weight in model.parameters())), float(moments), float(muon)


def memory_of(assumed: Assumptions, config: ModelConfig) -> list[Row]:
    """Weights, gradients, moments and states, without activations."""
    parameters, moments, _ = model_of(config, "adamw")
    _, _, muon = model_of(config, "muon")
    each = 8 * parameters + moments
    state = 4 * parameters + moments
    inner = 2 * 2 * assumed.batch_tokens * config.inner  # before and after the activation, in bf16
    return [
        (f"a GPU with DDP and AdamW: {parameters:,.0f} weights, gradients, moments", size(each), "code"),
        (f"the same with FSDP over {assumed.gpus}", size(each / assumed.gpus), "code"),
        ("Muon with FSDP: all momenta and their copy, on each GPU", size(2 * muon), "code"),
        (f"MLP of a validation batch: {assumed.batch_tokens:,} positions on each GPU", size(inner), "code"),
        ("state on disk; two while one is replaced", size(state), "code"),
        ("part of a process, with FSDP", size(state / assumed.gpus), "code"),
        ("host memory of a process while its part is written", size(2 * state / assumed.gpus), "code"),
        ("weights that the first process gathers at each validation", size(4 * parameters), "code"),
    ]


def network_of(assumed: Assumptions, config: ModelConfig, step: float) -> list[Row]:
    """What a step sends, and how long the slowest connection takes for it."""
    parameters, _, _ = model_of(config, "adamw")
    others = (assumed.gpus - 1) / assumed.gpus
    sent = {"DDP": 2 * 4 * parameters * others, "FSDP, for each micro-batch": 3 * 4 * parameters * others}
    return [
        (
            f"{name}: bytes of a GPU in a step",
            f"{size(count)}, {count / assumed.network:.2f} s of {step:.2f} s",
            "code, maker",
        )
        for name, count in sent.items()
    ]


def peak_of(work: Callable[[], object]) -> int:
    """The most bytes that are allocated while something is made, NumPy's arrays included."""
    tracemalloc.start()
    try:
        kept = work()
        found = tracemalloc.get_traced_memory()[1]
        del kept
    finally:
        tracemalloc.stop()
    return found


def sparse(folder: Path, tokens: int, documents: int) -> Store:
    """A store of ids that are all 0 and take no space on disk, in documents of one length."""
    with (folder / "train.ids").open("wb") as file:
        file.truncate(np.dtype(np.uint16).itemsize * tokens)
    np.ones(documents, np.uint32).tofile(folder / "train.prompts")
    ends = np.arange(1, documents + 1, dtype=np.int64) * (tokens // documents)
    ends[-1] = tokens
    ends.tofile(folder / "train.ends")
    counts: dict[str, Any] = {"rows": documents, "tokens": tokens, "prompt_tokens": documents, "dtype": "uint16"}
    files.write_json(folder / "train.json", counts | {"text_bytes": 0})
    return Store(folder, "train")


def crop(ids: Any, start: int, length: int, noise: object) -> Any:
    """A window as it is."""
    return ids[(start + np.arange(length)) % len(ids)]


@dataclass(frozen=True)
class Grows:
    """What the data costs, measured on a part of it."""

    window: float
    """Bytes of a window in the order of an epoch, at the peak."""
    row: float
    """The same of a row of a task such as translation."""
    document: float
    """Bytes of a validation document, at the peak."""
    ordering: float
    """Seconds of a window in the order of an epoch."""
    opening: float
    """Seconds of a row, when a store is opened."""
    hashing: float
    """Bytes per second of the digest of a file."""
    scanning: float
    """Ids per second in the search for the largest."""
    appending: float
    """Seconds of a hash in prepare that is appended, divided and compared."""


def measured(count: int) -> Grows:
    """`count` windows, rows and documents; the order of an epoch of all of them is in memory."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = sparse(folder, 32 * count, count)
        window = peak_of(lambda: StreamBatches(store, 32, 32 * 1024, 0, crop).epoch(0))
        row = peak_of(lambda: (batches := RowBatches(store, 32 * 1024, 0)).epoch(0) and batches)
        document: float = peak_of(lambda: DocumentWindows(store.first(count // 10), 1024, 1 << 20))
        started = time.process_time()
        StreamBatches(store, 32, 32 * 1024, 0, crop).epoch(0)
        ordering = (time.process_time() - started) / count
        started = time.process_time()
        Store(folder, "train")
        opening = (time.process_time() - started) / count
        content = np.random.default_rng(0).integers(0, VOCABULARY, SCANNED_IDS, np.uint16)
        started = time.process_time()
        hashlib.blake2b(content.tobytes(), digest_size=16).hexdigest()
        hashing = content.nbytes / (time.process_time() - started)
        started = time.process_time()
        content.max()
        scanning = len(content) / (time.process_time() - started)
        values = np.random.default_rng(0).integers(0, 1 << 63, max(count, 2 * AT_ONCE), np.uint64)
        started, hashes = time.process_time(), Hashes(folder)
        for block in np.array_split(values, 1 + len(values) // 4096):
            hashes.append(block)
        hashes.distinct()
        hashes.close()
        appending = (time.process_time() - started) / len(values)
    document /= count // 10
    return Grows(window / count, row / count, document, ordering, opening, hashing, scanning, appending)


def far_away() -> Iterator[Row]:
    """Windows at the end of 2.5e11 ids: no place of one is computed in 32 bits."""
    with tempfile.TemporaryDirectory() as name:
        tokens = 250_000_000_000
        store = sparse(Path(name), tokens, 1)
        ids = np.memmap(Path(name) / "train.ids", np.uint16, "r+", shape=(tokens,))
        ids[-3:] = (7, 8, 9)
        ids.flush()
        batches = StreamBatches(store, 1 << 20, 1 << 20, 0, crop)
        found = batches.collate(np.array([[tokens - 3, 4, 0]]))
        assert found.ids_BT.tolist() == [[7, 8, 9, 0]]
        batches.collate(batches.epoch(0)[-1])
        yield "places beyond 32 bits, in a sparse file of 2.5e11 ids", "read correctly", "here"


def starting_of(assumed: Assumptions, window: int, grows: Grows) -> tuple[list[Row], float]:
    """What each process does before its first step, and the seconds of that."""
    ids = id_dtype(VOCABULARY).itemsize * assumed.tokens
    places, names = 12 * assumed.documents, assumed.name * assumed.documents
    read = 2 * ids + 2 * places + names
    opening = grows.opening * assumed.documents
    checking = (ids + places + names) / grows.hashing + assumed.tokens / grows.scanning
    order = grows.ordering * assumed.tokens / window
    machines = -(-assumed.gpus // assumed.a_machine)
    shared = machines * read / assumed.storage
    return [
        ("opening the split, in each process", seconds_of(opening), "here, multiplied"),
        ("digests and largest id, in one process of each machine", seconds_of(checking), "here, multiplied"),
        (f"{size(read)} for each of {machines} machines from shared storage", seconds_of(shared), "assumed"),
        ("order of the windows of an epoch, in each process", seconds_of(order), "here, multiplied"),
    ], max(opening + checking, shared) + order


def order_of(assumed: Assumptions, config: ModelConfig, grows: Grows) -> tuple[list[Row], dict[str, float]]:
    """What the order of an epoch takes of the memory of a machine, whose processes have a copy each."""
    windows = assumed.tokens / config.n_positions
    found = {
        "windows": assumed.a_machine * grows.window * windows,
        "rows": assumed.a_machine * grows.row * assumed.documents,
        "validation windows": assumed.a_machine * grows.document * assumed.documents * assumed.held_out,
    }
    each = f"of {assumed.a_machine} processes"
    return [
        (f"order of {windows:,.0f} windows (`lm`, `music`), {each}", size(found["windows"]), "here, multiplied"),
        (f"order of {assumed.documents:,.0f} rows (other tasks), {each}", size(found["rows"]), "here, multiplied"),
        (
            f"windows of {assumed.documents * assumed.held_out:,.0f} validation documents (`lm`), {each}",
            size(found["validation windows"]),
            "here, multiplied",
        ),
    ], found


def breaks(
    assumed: Assumptions, prepared: float, start: float, orders: dict[str, float], epoch: float
) -> Iterator[str]:
    """What is too much, in the order in which the run meets it."""
    if prepared > epoch / 10:
        yield f"`prepare` takes {seconds_of(prepared)}; the training takes {days(epoch)}"
    if start > LONG_START:
        yield f"each start of the run, also after a requeue, takes {seconds_of(start)} before the first step"
    for what, needed in orders.items():
        if needed > A_TENTH:
            yield f"the order of {what} takes {size(needed)} of a machine's memory, as each process has its own"


def size(count: float) -> str:
    """Bytes, in decimal units."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:,.3g} TB"


def seconds_of(count: float) -> str:
    return f"{count:.0f} s" if count < 180 else f"{count / 60:.0f} min" if count < 3 * 3600 else f"{count / 3600:.1f} h"


def days(seconds: float) -> str:
    return f"{seconds / 86400:.1f} days"


def table(title: str, rows: list[Row]) -> None:
    print(f"\n| {title} | | from |\n|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=float, default=Assumptions.tokens, help="tokens of the training split")
    parser.add_argument("--documents", type=float, default=Assumptions.documents, help="documents, or rows")
    parser.add_argument("--gpus", type=int, default=Assumptions.gpus, help="GPUs")
    parser.add_argument("--size", choices=SIZES, default=Assumptions.size, help="the model")
    parser.add_argument("--count", type=int, default=10_000_000, help="rows that are measured; 1 GB of memory")
    parser.add_argument("--smoke", action="store_true", help="measure a few rows")
    arguments = parser.parse_args()
    assumed = replace(
        Assumptions(),
        **{key: getattr(arguments, key) for key in ("tokens", "documents", "gpus", "size")},
    )
    config = ModelConfig(size=assumed.size)
    grows = measured(20_000 if arguments.smoke else arguments.count)
    times, step = time_of(assumed, config, grows)
    starts, start = starting_of(assumed, config.n_positions, grows)
    orders, needed = order_of(assumed, config, grows)
    table("time", times)
    table("files", files_of(assumed))
    table("before the first step", starts)
    table("memory of a machine", orders)
    table("memory of a GPU, and states", memory_of(assumed, config))
    table("network", network_of(assumed, config, step))
    table("numbers", list(far_away()))
    print("\nWhat is too much, in the order in which the run meets it:\n")
    epoch = step * assumed.tokens / assumed.batch_tokens
    for number, line in enumerate(breaks(assumed, preparing(assumed, grows), start, needed, epoch), 1):
        print(f"{number}. {line}")
    print(f"\n{grows}")


if __name__ == "__main__":
    main()
