"""`gpt2kit TASK train --dry-run`: what would be trained, and at what cost."""

from pathlib import Path
from typing import TYPE_CHECKING

from gpt2kit import overwriting
from gpt2kit.cli import console, progress, reports
from gpt2kit.errors import UserError, counted
from gpt2kit.runs.kinds import RUN

if TYPE_CHECKING:
    from gpt2kit.pipeline.dry_run import Preflight
    from gpt2kit.recipe import Recipe

SHOWN_BYTES = 8


def say_plan(loaded: "Recipe", data: str, run: Path, init: str, overwrite: bool, json: bool) -> None:
    """Print the plan of a run, or raise what `train` would refuse; writes nothing. A folder that is in the way does not
    hide the plan."""
    from gpt2kit.pipeline.dry_run import preflight
    from gpt2kit.pipeline.start import inputs_of

    report = preflight(loaded, data, run, init or None)
    if json:
        console.result_json(report.json())
    else:
        _print(report)
    try:
        reports.replaced(run, overwriting.check_folder(run, overwrite, RUN, inputs_of(loaded, data, init)))
    except UserError as in_the_way:
        console.warn(f"train would not begin: {in_the_way}")


def _print(report: "Preflight") -> None:
    """Print one line per item."""
    cost, end = report.cost, report.ends
    trained = "all trained" if report.learning == report.parameters else f"{report.learning:,} of them trained"
    parts = f", each batch in {report.accumulate} parts to fit into memory" if report.accumulate > 1 else ""
    share = f", {report.targets / report.epoch_tokens:.1%} of its tokens" if report.target_unit == "tokens" else ""
    eager = ", measured without torch.compile, which the run would use" if report.compiles else ""
    lines = {
        "model": f"{report.parameters:,} parameters, {trained}; {report.dtype} on {report.device}{parts}",
        "epoch": (
            f"{counted(report.epoch_tokens, 'token')} in {counted(report.batches, 'batch')}, "
            f"{report.padding:.1%} padding"
        ),
        "run": f"{counted(report.steps, 'step')}, {report.epochs:.1f} epochs",
        "loss": f"on {report.targets:,} {report.target_unit} per epoch{share}",
        "end token": f"learned in {end.learned:,} of {counted(end.of, 'answer')}: {end.remark}"
        if end.of
        else end.remark,
        **{name: _overlap(**split) for name, split in report.overlap.items()},
        "lost bytes": _listed(report.unknown) or "none: every byte has a token",
        "cut": f"{counted(report.cut, 'source')}, which lost {counted(report.cut_tokens, 'token')}"
        if report.cut
        else "nothing",
        **({"answers": _answers(report.beyond)} if report.beyond else {}),
        "dropped": "; ".join(f"{count:,} {reason}" for reason, count in report.dropped.items()) or "nothing",
        "step time": f"{cost.step:.3g} s ({cost.step_from:.3g} to {cost.step_to:.3g}){eager}",
        "total time": "{} ({} to {})".format(*map(console.clock, (cost.total, cost.total_from, cost.total_to))),
        "memory": "not reported by this system" if cost.memory is None else f"at most {_size(cost.memory)}",
        "disk": f"at most {_size(cost.disk)}; {_size(cost.disk_free)} are free",
    }
    for what, text in lines.items():
        console.result(f"{what:<12}{console.printable(text)}")
    if cost.extended:
        console.say(progress.extended(cost.extended))
    if end.learned < end.of:
        console.warn("the end of some answers is not learned: the model may not know when to stop")
    if report.unknown:
        console.warn("some bytes have no token: they are lost from texts that contain them")
    if cost.disk > cost.disk_free:
        console.warn("the disk may become full, and the run stop at a save")


def _answers(beyond: "dict[str, dict[str, int]]") -> str:
    """The targets that are longer than an answer may become."""
    found = [f"{count:,} in {split} ({limit})" for split, each in beyond.items() for limit, count in each.items()]
    return f"targets longer than the limit of an answer: {', '.join(found) or 'none'}"


def _overlap(rows: int, leaked: int, nearly_leaked: int) -> str:
    found = [f"{leaked:,}"] if leaked else []
    found += [f"{nearly_leaked:,} with other case, spaces or punctuation"] if nearly_leaked else []
    return f"{counted(rows, 'row')}; sources that are also in train: {' and '.join(found) or 'none'}"


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
