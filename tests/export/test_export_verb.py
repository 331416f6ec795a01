"""gpt2kit export: an export takes its name after the proof, and nothing is lost otherwise."""

import json
import os
import shutil
import signal
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import gpt2kit
from gpt2kit import tensor_files
from gpt2kit.errors import CheckFailed, DataError, UserError
from gpt2kit.export.gguf import Gguf
from gpt2kit.export.safetensors import Safetensors
from gpt2kit.export.target import Reader, Target
from gpt2kit.export.verb import export
from gpt2kit.model import hf
from gpt2kit.selftest.prove import prove
from gpt2kit.selftest.run_under_test import RunUnderTest

RunOf = Callable[..., Path]


def damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Change a weight between the writing and the proof."""
    write = Safetensors.write

    def wrong(self: Safetensors, subject: RunUnderTest, path: Path, dtype: str) -> None:
        write(self, subject, path, dtype)
        tensors, metadata = tensor_files.read_tensors(path / "model.safetensors")
        tensors["transformer.ln_f.weight"] *= -1
        tensor_files.write_tensors(path / "model.safetensors", tensors, {"format": metadata["format"]})

    monkeypatch.setattr(Safetensors, "write", wrong)


@pytest.mark.parametrize(
    ("dtype", "stored"), [("bf16", torch.bfloat16), ("f16", torch.float16), ("f32", torch.float32)]
)
def test_the_copy_has_the_number_type_and_the_answers(run_of: RunOf, tmp_path: Path, dtype: str, stored: Any) -> None:
    run, out = run_of("translate"), tmp_path / "small"
    done = export(run, "safetensors", out, dtype)
    assert (done.path, done.dtype) == (out, dtype)
    assert [check.passed for check in done.checks] == [True] * (4 if dtype == "f32" else 5)
    tensors, _ = tensor_files.read_tensors(out / "model.safetensors")
    assert {tensor.dtype for tensor in tensors.values()} == {stored}
    assert json.loads((out / "config.json").read_text())["dtype"] == str(stored).removeprefix("torch.")
    assert done.size == sum(path.stat().st_size for path in out.iterdir())
    before, _ = tensor_files.read_tensors(run / "model.safetensors")
    assert all(torch.equal(before[name].to(stored), tensor) for name, tensor in tensors.items())


def test_the_copy_is_a_run_that_passes_the_self_test(run_of: RunOf, tmp_path: Path) -> None:
    run, out = run_of("translate"), tmp_path / "deeper" / "small"
    export(run, "safetensors", out)
    assert [check.name for check in prove(out) if check.passed is False] == []
    assert not (out / "state.safetensors").exists()
    assert "gpt2kit translate generate --run small " in (out / "README.md").read_text()
    gpt2kit.load(out)("The dog sleeps.")


def test_the_proof_is_kept(run_of: RunOf, tmp_path: Path) -> None:
    done = export(run_of("translate"), "safetensors", tmp_path / "small")
    text = (tmp_path / "small" / "proof.md").read_text()
    weights = hf.parameter_count(run_of("translate"))
    assert text.startswith(
        f"# Proof of an export by gpt2kit\n\nThe run `run` as safetensors in bf16: {done.size / 1e6:,.1f} MB; its "
        f"weights in fp32 have {4 * weights / 1e6:,.1f} MB."
    )
    for check in done.checks:
        assert f"| {check.name} | {check.measured} | {check.remark} |" in text


def test_adapters_are_merged(run_of: RunOf, tmp_path: Path) -> None:
    run = run_of("translate", "train.lora=2", init=run_of("translate"))
    out = tmp_path / "whole"
    export(run, "safetensors", out, "f32")
    assert not list(out.glob("adapter*"))
    sources = ["The dog sleeps.", "A cat."]
    assert gpt2kit.load(out)(sources) == gpt2kit.load(run)(sources)


@pytest.mark.parametrize("kind", ["labelled", "music", "lm", "local"])
def test_any_run_has_a_copy(run_of: RunOf, tmp_path: Path, kind: str) -> None:
    run = run_of("translate", "model.attention=local", "model.block=16") if kind == "local" else run_of(kind)
    done = export(run, "safetensors", tmp_path / "small")
    assert all(check.passed for check in done.checks)


def test_a_failed_proof_writes_nothing(run_of: RunOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged(monkeypatch)
    seen: list[bool | None] = []
    with pytest.raises(CheckFailed, match=r"3 of 5 checks of the export failed, nothing was written") as failure:
        export(run_of("translate"), "safetensors", tmp_path / "small", report=lambda check: seen.append(check.passed))
    assert failure.value.exit_code == 7
    assert seen == [True, True, False, False, False]
    assert list(tmp_path.iterdir()) == []


def test_a_failed_proof_keeps_the_export_before(run_of: RunOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "small"
    export(run_of("translate"), "safetensors", out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    damaged(monkeypatch)
    with pytest.raises(CheckFailed):
        export(run_of("translate"), "safetensors", out, overwrite=True)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_overwrite_replaces_an_export_only(run_of: RunOf, tmp_path: Path) -> None:
    run, out = run_of("translate"), tmp_path / "small"
    export(run, "safetensors", out, "f32")
    with pytest.raises(UserError, match="already exists; choose another --out, or replace it with --overwrite"):
        export(run, "safetensors", out)
    assert export(run, "safetensors", out, overwrite=True).dtype == "bf16"
    (out / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"is not replaced: it also has notes\.txt"):
        export(run, "safetensors", out, overwrite=True)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
@pytest.mark.parametrize(("to", "module"), [("safetensors", Safetensors), ("gguf", Gguf)])
def test_a_killed_export_leaves_nothing_after_the_next(
    run_of: RunOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str, module: type[Target]
) -> None:
    """The export before stays until then, and its proof."""
    run, out = run_of("translate"), tmp_path / "out"
    export(run, to, out)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with monkeypatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of other tests; the child only writes
        patch.setattr(module, "readers", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        child = os.fork()
        if not child:
            try:
                export(run, to, out, overwrite=True)
            finally:
                os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert list(tmp_path.glob(".out.*.tmp"))
    assert {path: path.read_bytes() for path in before} == before
    export(run, to, out, overwrite=True)
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == before.keys()


@pytest.mark.parametrize("out", [".", "..", "/"])
def test_a_directory_is_no_name_for_a_file(run_of: RunOf, out: str) -> None:
    with pytest.raises(UserError, match="is a directory; a file name is needed"):
        export(run_of("translate"), "gguf", out)


def test_a_run_is_not_exported_onto_itself_or_its_base(run_of: RunOf, copied: Callable[[Path], Path]) -> None:
    run = copied(run_of("translate"))
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    with pytest.raises(UserError, match="is not replaced: this command reads it"):
        export(run, "safetensors", run, overwrite=True)
    adapted = run_of("translate", "train.lora=2", init=run_of("translate"))
    with pytest.raises(UserError, match="is not replaced: this command reads it"):
        export(adapted, "safetensors", run, base=run, overwrite=True)
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


def test_what_a_format_cannot_contain_is_refused_before_anything_is_written(
    run_of: RunOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Safetensors, "refusal", lambda self, subject, dtype: "it has five legs")
    with pytest.raises(DataError, match="cannot be exported to safetensors: it has five legs"):
        export(run_of("translate"), "safetensors", tmp_path / "small")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_run_is_refused(run_of: RunOf, copied: Callable[[Path], Path], tmp_path: Path) -> None:
    run = copied(run_of("translate"))
    path = run / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x55")
    with pytest.raises(DataError, match="damaged"):
        export(run, "safetensors", tmp_path / "small")
    assert not (tmp_path / "small").exists()


def test_a_changed_file_is_not_copied(run_of: RunOf, copied: Callable[[Path], Path], tmp_path: Path) -> None:
    """Which gpt2kit itself does not read."""
    run = copied(run_of("translate"))
    path = run / "tokenizer_config.json"
    path.write_text(path.read_text().replace("left", "right"))
    with pytest.raises(DataError, match=r"tokenizer_config\.json is damaged or missing"):
        export(run, "safetensors", tmp_path / "small")


def test_every_tool_that_reads_an_export_is_asked(
    run_of: RunOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = Safetensors.readers

    def twice(self: Safetensors, subject: RunUnderTest, path: Path, dtype: str) -> Iterator[Reader]:
        yield from readers(self, subject, path, dtype)
        yield from readers(self, subject, path, dtype)

    monkeypatch.setattr(Safetensors, "readers", twice)
    assert len(export(run_of("translate"), "safetensors", tmp_path / "small").checks) == 10


def test_a_moved_base_is_named(run_of: RunOf, copied: Callable[[Path], Path], tmp_path: Path) -> None:
    base = run_of("translate")
    run = copied(run_of("translate", "train.lora=2", init=base))
    described = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(described | {"init": "../gone"}))
    with pytest.raises(DataError, match="--base DIR"):
        export(run, "safetensors", tmp_path / "whole")
    shutil.copytree(base, tmp_path / "moved")
    export(run, "safetensors", tmp_path / "whole", base=tmp_path / "moved")
    assert (tmp_path / "whole" / "model.safetensors").is_file()
