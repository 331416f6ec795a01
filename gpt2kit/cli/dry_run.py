"""`gpt2kit TASK train --dry-run`: what would be trained, and at what cost."""

from pathlib import Path
from typing import TYPE_CHECKING

from gpt2kit import files
from gpt2kit.cli import console

if TYPE_CHECKING:
    from gpt2kit.pipeline.dry_run import Preflight
    from gpt2kit.recipe import Recipe

SHOWN_BYTES = 8


def say_plan(loaded: "Recipe", data: str, run: Path, init: str, overwrite: bool, json: bool) -> None:
    """Print the plan of a run, or raise what `train` would refuse; writes nothing."""
    from gpt2kit.pipeline.dry_run import preflight

    files.refuse_existing(run, overwrite)
    report = preflight(loaded, data, run, init or None)
    if json:
        console.result_json(report.json())
    else:
        told(report)


def told(report: "Preflight") -> None:
    """Print one line per item."""
    cost, end = report.cost, report.ends
    learning = "all learn" if report.learning == report.parameters else f"{report.learning:,} of them learn"
    parts = f", a batch in {report.accumulate} parts, to fit into memory" if report.accumulate > 1 else ""
    share = f", {report.targets / report.epoch_tokens:.1%} of all" if report.target_unit == "tokens" else ""
    eager = ", measured without torch.compile, which the run would use" if report.compiles else ""
    said = {
        "model": f"{report.parameters:,} parameters, {learning}; {report.dtype} on {report.device}{parts}",
        "epoch": f"{report.epoch_tokens:,} tokens in {report.batches:,} batches, {report.padding:.1%} padding",
        "run": f"{report.steps:,} steps, {report.epochs:.1f} epochs",
        "loss": f"on {report.targets:,} {report.target_unit} of an epoch{share}",
        "end token": f"learned {end.learned:,} times of {end.of:,}: {end.remark}" if end.of else end.remark,
        **{name: _overlap(**split) for name, split in report.overlap.items()},
        "lost bytes": _listed(report.unknown) or "none: every byte has a token",
        "cut": f"{report.cut:,} sources, by {report.cut_tokens:,} tokens" if report.cut else "nothing",
        "dropped": "; ".join(f"{count:,} {reason}" for reason, count in report.dropped.items()) or "nothing",
        "a step": f"{cost.step:.3g} s ({cost.step_from:.3g} to {cost.step_to:.3g}){eager}",
        "in all": "{} ({} to {})".format(*map(console.clock, (cost.total, cost.total_from, cost.total_to))),
        "memory": "this system does not say" if cost.memory is None else f"{_size(cost.memory)} at most",
        "disk": f"{_size(cost.disk)} at most, of {_size(cost.disk_free)} that are free",
    }
    for what, text in said.items():
        console.result(f"{what:<12}{console.printable(text)}")
    if end.learned < end.of:
        console.warn("answers whose end is not learned: the model may not know when to stop")
    if report.unknown:
        console.warn("these bytes have no token: the texts that hold them lose them")
    if cost.disk > cost.disk_free:
        console.warn("the disk may become full: the run would stop at a save")


def _overlap(rows: int, leaked: int, nearly_leaked: int) -> str:
    said = [f"{leaked:,}"] if leaked else []
    said += [f"{nearly_leaked:,} but for case, spaces and punctuation"] if nearly_leaked else []
    return f"{rows:,} rows, of whose sources stand in train too: {', and '.join(said) or 'none'}"


def _listed(items: list[str]) -> str:
    more = f" and {len(items) - SHOWN_BYTES} more" if len(items) > SHOWN_BYTES else ""
    return ", ".join(items[:SHOWN_BYTES]) + more


def _size(count: float) -> str:
    """Bytes in readable form."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:,.3g} GB"
