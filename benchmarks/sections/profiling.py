"""Where the time goes: the kernels that take the most of it, in training and in decoding."""

from collections.abc import Callable, Iterator

from torch._C._autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from gpt2kit.config import GenerateConfig
from gpt2kit.decoding import decode
from gpt2kit.training import events
from sections.decoding import decoder_of, inputs
from sections.runs import loop_of
from sections.work import Figures, Work, cleared, seconds_of

SHOWN, NAME = 14, 76
"""Kernels of a table, and characters of a name."""

COMPILING_SECONDS = 40


def kernels(work: Work) -> Iterator[Figures]:
    yield from _of_decoding(work)
    if work.late(COMPILING_SECONDS):
        yield {"row": "training", "skipped": "no time left"}
    else:
        yield from _of_training(work)


def _of_decoding(work: Work) -> Iterator[Figures]:
    cleared()
    _, decoder = decoder_of(work.gpt2, work.vocabulary, work.device)
    for count in (1,) if work.toy else (1, 64):
        prompts, config = inputs(work, count, work.vocabulary), GenerateConfig(max_new_tokens=6 if work.toy else 64)

        def answer(prompts: list[list[int]] = prompts, config: GenerateConfig = config) -> None:
            for _ in decode.answers(decoder, prompts, config, stop=-1):
                pass

        answer()
        yield from _table(f"decoding, {count} prompts", answer, config.max_new_tokens, work)


def _of_training(work: Work) -> Iterator[Figures]:
    cleared()
    compiles = "off" if work.toy else "on"
    loop = loop_of(work, work.gpt2, 2 if work.toy else 32, "profiled", steps=20, compile=compiles)
    stepping = (event for event in loop.run(lambda model: None) if isinstance(event, events.StepDone))
    for _ in range(4):
        next(stepping)

    def steps() -> None:
        for _ in range(3):
            next(stepping)

    yield from _table(f"training, compile {compiles}", steps, 3, work)


def _table(name: str, work_on: Callable[[], None], units: int, work: Work) -> Iterator[Figures]:
    """Milliseconds a unit (a step): the wall's without the profiler, the device's, and the kernels' shares."""
    wall = 1e3 * seconds_of(work_on) / units
    on_gpu = work.device.type == "cuda"
    with profile(activities=[ProfilerActivity.CUDA if on_gpu else ProfilerActivity.CPU]) as found:
        seconds_of(work_on)
    device = DeviceType.CUDA if on_gpu else DeviceType.CPU
    own = [event for event in found.key_averages() if event.device_type == device]
    taken = {event.key: (event.self_device_time_total if on_gpu else event.self_cpu_time_total) for event in own}
    counts = {event.key: event.count for event in own}
    busy = sum(taken.values()) / 1e3 / units
    yield {
        "row": name,
        "wall_ms": round(wall, 4),
        "kernels_ms": round(busy, 4),
        "kernels": round(sum(counts.values()) / units, 1),
    }
    for key in sorted(taken, key=lambda key: -taken[key])[:SHOWN]:
        ms = taken[key] / 1e3 / units
        yield {"row": f"  {key[:NAME]}", "ms": round(ms, 4), "share": round(ms / busy, 3), "count": counts[key] / units}
