"""A run that is resumed, and one that is not interrupted.

On a GPU some sums have no fixed order: the rows say how far apart the losses are, and those of two whole runs."""

from collections.abc import Iterator

from gpt2kit.config import ModelConfig
from sections.runs import apart, loop_of, losses
from sections.work import Figures, Work


def resumed(work: Work) -> Iterator[Figures]:
    width, steps, stop = (32, 6, 3) if work.toy else (256, 12, 6)
    for attention in ("full", "relative-local"):
        shape = ModelConfig(
            n_layer=2, n_head=2, n_embd=width, n_positions=2 * width, dropout=0.1, attention=attention, block=width // 4
        )
        knobs = {"steps": steps, "save_every": stop, "ema": 0.9, "optimizer": "muon"}
        first, second = (losses(loop_of(work, shape, 4, f"{attention}-{name}", **knobs)) for name in ("one", "two"))
        name = f"{attention}-interrupted"
        losses(loop_of(work, shape, 4, name, **knobs), stop + 1)  # the state is saved before the next step
        rest = loop_of(work, shape, 4, name, **knobs)
        rest.resume()
        continued = losses(rest)
        assert len(continued) == steps - stop
        of_resume, of_repeat = apart(continued, first[stop:]), apart(second[stop:], first[stop:])
        yield {
            "row": f"{attention}, {steps - stop} steps after the resume",
            "bit_equal": of_resume == 0,
            "largest_difference": float(f"{of_resume:.1e}"),
            "of_two_whole_runs": float(f"{of_repeat:.1e}"),
        }
