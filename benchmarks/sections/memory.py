"""Memory: the probe divides a batch that does not fit, and FSDP2 on one device."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch._C._distributed_c10d import HashStore

from gpt2kit.errors import OutOfMemory
from gpt2kit.training.loop import Loop
from sections.runs import apart, loop_of, losses
from sections.work import Figures, Work, cleared, peak_gib, seconds_of

STEPS = 4

ROWS = 16


def rows_of(work: Work) -> int:
    return 4 if work.toy else ROWS


def out_of_memory(work: Work) -> Iterator[Figures]:
    """With less memory than a batch needs, the micro-batch is halved and the losses stay; with far less, an error says
    what to do."""
    rows = rows_of(work)
    cleared()
    wanted = losses(loop_of(work, work.gpt2, rows, "enough", steps=STEPS))
    needed = peak_gib()
    yield {"row": f"{rows} rows, all memory", "accumulate": 1, "peak_gib": needed}
    for share in (0.7, 0.45):
        cleared()
        loop = loop_of(work, work.gpt2, rows, f"share-{share}", steps=STEPS)
        with limited(loop, share, needed):
            found = losses(loop)
        yield {
            "row": f"{rows} rows, {share:.0%} of that",
            "accumulate": loop.progress.accumulate,
            "halved": (loop.progress.accumulate or 1) > 1,
            "losses_apart": float(f"{apart(found, wanted):.1e}"),
            "peak_gib": peak_gib(),
        }
        del loop
    cleared()
    loop = loop_of(work, work.gpt2, rows, "too-little", steps=STEPS)
    try:
        with limited(loop, 0.1, needed):
            losses(loop)
        yield {"row": "10% of that", "refused": False}
    except OutOfMemory as error:
        yield {"row": "10% of that", "refused": True, "message": str(error)}


@contextmanager
def limited(loop: Loop, share: float, needed: float | None) -> Iterator[None]:
    """A GPU with a share of the needed memory; a CPU on which only that share of the rows fits."""
    if needed is None:
        backward: Callable[..., Any] = loop.learner.gradient.backward
        fits = int(share * len(loop.batches.longest()))

        def limited_backward(micro_batch: Any, targets: int) -> Any:
            if len(micro_batch.rows) > fits:
                raise torch.OutOfMemoryError("a rehearsal: so many rows do not fit")
            return backward(micro_batch, targets)

        loop.learner.gradient.backward = limited_backward  # type: ignore[method-assign] # memory is not limited here
        yield
        return
    device, total = loop.group.device, torch.cuda.get_device_properties(loop.group.device).total_memory
    torch.cuda.set_per_process_memory_fraction(share * needed * 2**30 / total, device)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)


def sharded(work: Work) -> Iterator[Figures]:
    """The same steps without a process group, with DDP and with FSDP2 in a group of one process."""
    plain: list[float] = []
    for name in ("plain", "ddp", "fsdp"):
        cleared()
        if name == "ddp":
            backend = "nccl" if work.device.type == "cuda" else "gloo"
            dist.init_process_group(backend, store=HashStore(), rank=0, world_size=1)
        parallel = "fsdp" if name == "fsdp" else "ddp"
        loop = loop_of(work, work.gpt2, rows_of(work), f"sharded-{name}", steps=2 * STEPS, parallel=parallel)
        found = list[float]()
        seconds = seconds_of(lambda into=found, loop=loop: into.extend(losses(loop)))  # type: ignore[misc]  # untyped lambda
        plain = plain or found
        weights = [weight for weight in loop.learner.model.parameters() if hasattr(weight, "full_tensor")]
        yield {
            "row": name,
            "sharded_weights": len(weights),
            "losses_apart": float(f"{apart(found, plain):.1e}"),
            "seconds": round(seconds, 2),
            "peak_gib": peak_gib(),
        }
        del loop, weights
    dist.destroy_process_group()
