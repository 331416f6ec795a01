"""The device and its two ceilings: bytes copied, and a large bf16 product, both measured."""

from collections.abc import Iterator

import torch
from machine import machine

from sections.work import Figures, Work, seconds_of

TIMES = 10


def ceilings(work: Work) -> Iterator[Figures]:
    yield {"row": "machine", **machine()}
    size = 256 if work.toy else 8192
    kind = torch.float32 if work.device.type == "cpu" else torch.bfloat16
    count = 8 * size * size if work.toy else 2**31
    yield {"row": "copy", "terabytes_per_second": round(_copied(count, work) / 1e12, 3)}
    left, right = (torch.randn(size, size, device=work.device).to(kind) for _ in range(2))
    left @ right
    seconds = min(seconds_of(lambda: left @ right) for _ in range(TIMES))
    yield {"row": f"product of {size}", "dtype": str(kind), "tflops": round(2 * size**3 / seconds / 1e12, 2)}


def _copied(count: int, work: Work) -> float:
    """Bytes a second that a large copy reads and writes."""
    source = torch.ones(count, device=work.device, dtype=torch.bfloat16)
    target = torch.empty_like(source)
    target.copy_(source)
    return 2 * source.nbytes / min(seconds_of(lambda: target.copy_(source)) for _ in range(TIMES))
