"""The devices that torch can use here, and their speed. Callers must handle any error of torch."""

from gpt2kit.doctor.finding import Finding, size
from gpt2kit.doctor.machine import GPT2_WEIGHTS
from gpt2kit.model.device import pick_device, pick_dtype
from gpt2kit.model.devices import inventory, threads
from gpt2kit.training import compilation, compiler
from gpt2kit.training.speed import peak


def devices() -> list[Finding]:
    """Each device with its memory, its dtypes and the speed of its matrix products, measured now."""
    found = []
    for device, name, memory, bf16 in inventory():
        speeds = {dtype: peak(device, dtype) for dtype in (("fp32", "bf16") if bf16 else ("fp32",))}
        text = f"{name}, {size(memory)}" if memory else f"{name}, {_threads()}" if device.type == "cpu" else name
        text += ", " + ", ".join(f"{dtype} {_speed(flop)}" for dtype, flop in speeds.items())
        text += "" if bf16 else "; no native bf16"
        facts = {"memory": memory, "bf16": bf16, "threads": threads() if device.type == "cpu" else None}
        found.append(Finding(str(device), text, "ok", facts | {"flop_per_second": speeds}))
    return found


def training() -> Finding:
    """The defaults of `train`."""
    device = pick_device("auto")
    dtype = pick_dtype("auto", device)
    fastest = peak(device, dtype)
    tokens = fastest / (6 * GPT2_WEIGHTS)
    compiled, minutes = "with torch.compile", compilation.PAYS_BACK / (compilation.REACHED * fastest) / 60
    if device.type == "mps" or (device.type == "cpu" and compiler.lacking() is not None):
        compiled = "without torch.compile"
    elif minutes > 1:
        compiled += f" if a run is longer than about {minutes:.0f} minutes"
    text = f"in {dtype} on {device}, {compiled}; at most {tokens:,.0f} tokens a second for GPT-2 124M"
    count = sum(each.device.type == "cuda" for each in inventory())
    if count > 1:
        text += f"; --devices {count} uses all GPUs"
    return Finding(
        "train", text, "ok", {"device": str(device), "dtype": dtype, "most_tokens_per_second": round(tokens)}
    )


def generating() -> Finding:
    """The defaults of `generate`."""
    device = pick_device("auto")
    dtype = pick_dtype("auto", device)
    sampling = ", to sample in fp32" if device.type != "cuda" and dtype != "fp32" else ""
    return Finding("generate", f"in {dtype} on {device}{sampling}", facts={"device": str(device), "dtype": dtype})


def _speed(flop: float) -> str:
    return f"{flop / 1e12:.1f} TFLOP/s" if flop >= 1e12 else f"{flop / 1e9:.0f} GFLOP/s"


def _threads() -> str:
    return "1 thread" if (count := threads()) == 1 else f"{count} threads"
