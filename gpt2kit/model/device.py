"""Selects the device and the arithmetic: bf16 if the hardware supports it natively, else fp32; int8 on request."""

import ctypes
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from gpt2kit.errors import MachineError


def pick_device(name: str) -> torch.device:
    """auto: CUDA, then Apple's GPU, then the CPU. Raises MachineError for a missing device."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise MachineError(f"device = {name!r}: expected auto, cpu, cuda, cuda:1 or mps") from None
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(device.type, False):
        raise MachineError(f"device = {name!r}: torch finds no such device here; device = auto uses the best one")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        last = torch.cuda.device_count() - 1
        raise MachineError(f"device = {name!r}: the last CUDA device of this machine is cuda:{last}")
    return device


def keep_memory(device: torch.device) -> None:
    """On a Linux CPU, let the C library keep freed memory. Each step requests the same memory again. Zeroing pages that
    the system hands out again costs a training step up to a sixth of its time."""
    if device.type == "cpu" and sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):
        trim_threshold, top_pad, mmap_max = -1, -2, -4  # malloc.h
        mallopt(mmap_max, 0)
        mallopt(trim_threshold, 2**31 - 1)
        mallopt(top_pad, 64 << 20)


def release_memory(device: torch.device) -> None:
    """Give memory that is not in use back to the system: a GPU's cache, or what the C library keeps."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)


def native_bf16(device: torch.device) -> bool:
    """Whether the hardware computes bf16 products; emulated, they would be slower than fp32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        return bool(_capabilities().get("avx512_bf16") or _capabilities().get("amx_bf16"))
    return False


def sums_of_int8_overflow() -> bool:
    """Whether other programs' products of 8-bit numbers on this CPU may be far off: x86 without VNNI adds each two in
    16 bits (oneDNN's guide, "Nuances of int8 computations")."""
    found = _capabilities()
    return found.get("architecture") == "x86_64" and not (found.get("avx512_vnni") or found.get("avx_vnni"))


def _capabilities() -> dict[str, Any]:
    """What the CPU has, by the names of its instructions; empty before torch 2.11."""
    found: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return found


def lacks_int8(device: torch.device) -> str:
    """Why decoding cannot compute with 8-bit weights on a device; empty where it can."""
    if device.type != "cpu":
        return f"{device} does not compute with 8-bit weights, which are for CPUs"
    if not _capabilities().get("avx512_vnni"):  # without it the kernel's sums of two products overflow
        return "this CPU has no AVX512-VNNI instructions, which products of 8-bit numbers need"
    shipped = "fbgemm" in torch.backends.quantized.supported_engines and hasattr(torch.ops.quantized, "linear_dynamic")
    return "" if shipped else f"torch {torch.__version__} has no kernel for 8-bit weights"


def autocast(device: torch.device, dtype: str) -> AbstractContextManager[object]:
    """The context for computing products; dtype is bf16 or fp32, from `pick_dtype`."""
    return torch.autocast(device.type, torch.bfloat16) if dtype == "bf16" else nullcontext()


def product_dtype(device: torch.device, otherwise: torch.dtype) -> torch.dtype:
    """The arithmetic of products on a device: that of autocast, if it is on; some devices do not have it."""
    kind = device.type
    on = torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)
    return torch.get_autocast_dtype(kind) if on else otherwise


def pick_dtype(name: str, device: torch.device) -> str:
    """bf16, fp32, or int8 if that was requested. Raises MachineError for what the device cannot compute natively."""
    if name == "auto":
        return "bf16" if native_bf16(device) else "fp32"
    if name == "int8" and (reason := lacks_int8(device)):
        accepted = "auto, bf16 and fp32" if native_bf16(device) else "auto and fp32"
        raise MachineError(f"dtype = int8: {reason}; accepted here: {accepted}")
    if name == "bf16" and not native_bf16(device):
        raise MachineError(f"dtype = bf16: {device} does not compute bf16 natively; accepted here: auto and fp32")
    return name
