"""The comparison with transformers and peft: of language models, heads, adapters and other kinds of attention."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gpt2kit import files, tensor_files
from gpt2kit.model import hf_config
from gpt2kit.runs.folder import Run
from gpt2kit.selftest import peer
from gpt2kit.selftest.check import Check
from gpt2kit.selftest.probes import probes
from gpt2kit.selftest.run_under_test import RunUnderTest, opened

RunOf = Callable[..., Path]
Copied = Callable[[Path], Path]


def checked(subject: RunUnderTest) -> Check:
    return peer.equals_hugging_face(subject, probes(subject))


@pytest.mark.parametrize("kind", ["translate", "music", "labelled", "choice"])
def test_their_logits_are_ours(run_of: RunOf, kind: str) -> None:
    settings = ["model.attention=full"] if kind == "music" else []
    check = checked(opened(run_of(kind, *settings)))
    assert check.passed, check.remark
    assert check.figure is not None
    assert 0 <= check.figure < 1e-4
    assert check.remark.startswith("transformers ")


def test_adapters_are_compared_merged(run_of: RunOf) -> None:
    check = checked(opened(run_of("translate", "train.lora=2", init=run_of("translate"))))
    assert check.passed
    assert check.remark.endswith(", adapters merged")


@pytest.mark.parametrize(
    ("kind", "base", "settings"),
    [
        ("translate", "translate", ()),
        ("completion", "lm", ()),
        ("labelled", "lm", ()),
        ("labelled", "choice", ()),
        ("completion", "lm", ("model.attention=local", "model.block=16")),
        ("music", "music", ()),
    ],
)
def test_adapters_are_compared_on_their_base(run_of: RunOf, kind: str, base: str, settings: tuple[str, ...]) -> None:
    """With and without new tokens, and with a new head."""
    subject = opened(run_of(kind, "train.lora=2", *settings, init=run_of(base, *settings)))
    check = peer.equals_peft(subject, probes(subject))
    assert check.passed, check.remark
    assert check.figure is not None
    assert 0 <= check.figure < 1e-4
    assert re.fullmatch(r"peft \d.*, adapters on their base", check.remark)
    with torch.no_grad():
        subject.model.transformer.ln_f.weight[:8] *= -1
    assert peer.equals_peft(subject, probes(subject)).passed is False


def test_without_peft_nothing_is_compared(run_of: RunOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpt2kit.model.peft_door.installed", lambda: False)
    subject = opened(run_of("translate", "train.lora=2", init=run_of("translate")))
    check = peer.equals_peft(subject, probes(subject))
    assert (check.passed, check.remark) == (None, "peft is not installed: pip install peft")


@pytest.mark.parametrize("kind", ["translate", "labelled"])
def test_another_weight_in_the_folder_is_found(run_of: RunOf, kind: str) -> None:
    subject = opened(run_of(kind))
    with torch.no_grad():
        subject.model.transformer.ln_f.weight[:8] *= -1
    assert checked(subject).passed is False


def test_another_shape_in_the_folder_is_found(run_of: RunOf, copied: Copied) -> None:
    run = copied(run_of("translate"))
    subject = opened(run)
    files.write_json(run / "config.json", files.read_json(run / "config.json") | {"n_head": 4})
    assert checked(subject).passed is False


def test_a_weight_that_is_not_in_the_folder_is_named(run_of: RunOf, copied: Copied) -> None:
    """Theirs would make one up."""
    run = copied(run_of("translate"))
    subject = opened(run)
    tensors, metadata = tensor_files.read_tensors(run / "model.safetensors")
    del tensors["transformer.ln_f.bias"]
    tensor_files.write_tensors(run / "model.safetensors", tensors, metadata)
    check = checked(subject)
    assert check.passed is False
    assert "missing weights: transformer.ln_f.bias" in check.remark


def test_what_theirs_cannot_read_is_a_failure(run_of: RunOf, copied: Copied) -> None:
    run = copied(run_of("translate"))
    subject = opened(run)
    (run / "config.json").write_text("{", encoding="utf-8")
    check = checked(subject)
    assert check.passed is False
    assert check.remark.startswith("transformers ")
    assert "\n" not in check.remark


def test_other_kinds_of_attention_are_compared_with_the_modeling_file(run_of: RunOf) -> None:
    subject = opened(run_of("music"))
    assert subject.model.config.attention != "full"
    check = checked(subject)
    assert check.passed, check.remark
    assert f" with modeling_gpt2kit.py, {probes(subject).what}" in check.remark
    with torch.no_grad():
        subject.model.transformer.ln_f.weight[:8] *= -1
    assert checked(subject).passed is False


@pytest.mark.parametrize("kind", ["translate", "music"])
def test_code_in_the_folder_is_not_run(run_of: RunOf, copied: Copied, kind: str) -> None:
    run = copied(run_of(kind))
    (run / "modeling_gpt2kit.py").write_text(f"open({str(run / 'marker')!r}, 'w').close()", encoding="utf-8")
    files.write_json(run / "config.json", files.read_json(run / "config.json") | {"auto_map": hf_config.AUTO_MAP})
    assert checked(opened(run)).passed
    assert not (run / "marker").exists()


def test_weights_of_a_state_are_compared(run_of: RunOf) -> None:
    assert checked(replace(opened(run_of("translate")), step=3, run=Run(Path("nowhere")))).passed


def test_their_bars_and_warnings_are_as_they_were(run_of: RunOf, capsys: pytest.CaptureFixture[str]) -> None:
    from transformers.utils import logging

    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    checked(opened(run_of("translate")))
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before
    out, err = capsys.readouterr()
    assert (out, err) == ("", "")
