"""export: a run in the format of another tool, which takes its name only after the proof."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from gpt2kit import files, overwriting
from gpt2kit.errors import CheckFailed, DataError, UserError
from gpt2kit.export import formats
from gpt2kit.export.proof import Proof
from gpt2kit.export.target import Target
from gpt2kit.overwriting import FileKind, FolderKind
from gpt2kit.pipeline.opening import load_run, opened_run
from gpt2kit.runs.card.markdown import code, table, visible
from gpt2kit.runs.folder import Run
from gpt2kit.selftest.check import Check
from gpt2kit.selftest.run_under_test import RunUnderTest, validation

PROOF = "proof.md"
TITLE = "# Proof of an export by gpt2kit"
PROOF_OF_FILE = FileKind("the proof of an export", lambda head, _: head.startswith(TITLE.encode()))


@dataclass(frozen=True)
class Exported:
    """An export that has taken its name."""

    path: Path
    dtype: str
    checks: list[Check]
    size: int
    """Bytes of the export."""


def proof_of(path: Path, target: Target) -> Path:
    """Where the checks of an export are kept: in its folder, or next to its file."""
    return path / PROOF if isinstance(target.kind, FolderKind) else path.with_name(f"{path.name}.{PROOF}")


def check_out(to: str, out: Path, overwrite: bool, inputs: list[str]) -> str:
    """Raise UserError if an export must not be written to `out`; returns what it replaces, "" for nothing."""
    target = formats.target(formats.find(to))
    if isinstance(target.kind, FolderKind):
        return overwriting.check_folder(out, overwrite, target.kind, inputs)
    taken = overwriting.check_file(out, overwrite, target.kind, inputs)
    overwriting.check_file(proof_of(out, target), overwrite, PROOF_OF_FILE, inputs)
    return taken


def export(
    run: str | Path,
    to: str,
    out: str | Path,
    dtype: str = "",
    *,
    data: str | Path = "",
    base: str | Path = "",
    overwrite: bool = False,
    yes: bool = False,
    report: Callable[[Check], None] = lambda check: None,
) -> Exported:
    """Write a run to `out` in the format `to`, and compare every installed tool that reads it with the run.

    `report` receives each check when it is complete. `data` and `base` are where the prepared data and the model that
    adapters belong to are now, if they were moved. `yes` writes what the format doubts, such as a very large page.

    Raises UserError for an unknown format or number type and for a doubt, MachineError without the format's packages,
    DataError for a run that the format cannot contain, and CheckFailed if a check fails; then nothing is written.
    """
    found = formats.find(to)
    dtype, target, path = formats.dtype_of(found, dtype), formats.target(found), Path(out)
    inputs = [str(run), *([str(base)] if base else [])]
    check_out(to, path, overwrite, inputs)
    subject = _subject(opened_run(run, data, base))
    if reason := target.refusal(subject, dtype):
        raise DataError(f"{run} cannot be exported to {to}: {reason}")
    if not yes and (doubt := target.doubt(subject, dtype)):
        raise UserError(f"{run}: {doubt}; --yes writes it all the same")
    proof, checks = Proof(subject), []

    def prove(written: Path) -> str:
        stored = target.stored(subject.model, dtype)
        for check in proof.of(target.readers(subject, written, dtype), dtype, stored):
            checks.append(check)
            report(check)
        if failed := [check.name for check in checks if check.passed is False]:
            raise CheckFailed(f"{run}: {len(failed)} of {len(checks)} checks of the export failed, nothing was written")
        return _document(subject, to, dtype, size_of(written), checks)

    if isinstance(target.kind, FolderKind):
        with overwriting.new_folder(path, overwrite, target.kind, inputs) as folder:
            target.write(subject, folder, dtype)
            files.write_text(proof_of(folder, target), prove(folder))
        target.completed(path)
    else:
        files.remove_abandoned(path)
        with files.atomic(path) as temporary, files.held(temporary):
            target.write(subject, temporary, dtype)
            document = prove(temporary)
            check_out(to, path, overwrite, inputs)  # somebody may have put a file there meanwhile
            files.write_text(proof_of(path, target), document)
    return Exported(path, dtype, checks, size_of(path))


def _subject(run: Run) -> RunUnderTest:
    """The run with its complete model. Raises DataError for a run that is damaged or has no weights."""
    run.check_copied()
    engine = load_run(run)
    store, without = validation(run)
    model = engine.model.eval()
    return RunUnderTest(
        run,
        engine.task,
        run.recipe,
        learned=model,
        model=model,
        base="",  # adapters are merged
        step=None,
        store=store,
        without=without,
    )


def _document(subject: RunUnderTest, to: str, dtype: str, size: int, checks: list[Check]) -> str:
    """The proof as Markdown."""
    run = subject.run.path
    weights = 4 * subject.model.parameter_count()
    facts = (
        f"The run {code(run.resolve().name)} as {to} in {dtype}: {size / 1e6:,.1f} MB; its weights in fp32 have "
        f"{weights / 1e6:,.1f} MB. Written by gpt2kit {version('gpt2kit')}. Errors of logits are in "
        "standard deviations of all logits."
    )
    rows = [(each.name, each.measured, visible(each.remark)) for each in checks]
    return f"{TITLE}\n\n{facts}\n\n{table(('check', 'measured and limit', 'by'), rows)}\n"


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    return sum(each.stat().st_size for each in (path, *path.rglob("*")) if each.is_file())
