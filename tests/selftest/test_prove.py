"""Every check of every kind of run, and of runs in the middle of training."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gpt2kit
from gpt2kit import recipe
from gpt2kit.selftest.prove import prove
from gpt2kit.training import events

RunOf = Callable[..., Path]

KINDS = ["translate", "lm", "music", "completion", "labelled", "compressed", "lora"]
FEWER = {
    "ids equal AutoTokenizer's": {"music"},
    "cached equals full": {"labelled"},
    "beam 1 equals greedy": {"labelled"},
}
"""Checks that cannot be asked of these."""


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer steps: there are tests of each check."""
    monkeypatch.setattr("gpt2kit.selftest.logits.STEPS", 8)
    monkeypatch.setattr("gpt2kit.selftest.probes.COUNT", 2)


def states(run: Path) -> dict[str, bool | None]:
    checks = list(prove(run))
    assert len({check.name for check in checks}) == len(checks) >= 10
    return {check.name: check.passed for check in checks}


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_passes_all_that_it_can_be_asked(run_of: RunOf, kind: str) -> None:
    if kind == "lora":
        run = run_of("translate", "train.lora=2", init=run_of("translate"))
    elif kind == "compressed":
        run = run_of("summarize", "model.attention=local,compressed", "model.n_layer=2", "model.block=32")
    else:
        run = run_of(kind)
    for name, passed in states(run).items():
        if name == "bf16 equals fp32" or kind in FEWER.get(name, ()):
            assert passed is None, name
        else:
            assert passed is True, name


@pytest.mark.parametrize("keep", ["best", "last"])
def test_a_run_in_the_middle_of_training(examples: Callable[[str], Any], tmp_path: Path, keep: str) -> None:
    module = examples("translate")
    corpus = module.write_corpus(tmp_path)
    settings = [*module.TINY, "train.steps=9", "train.evaluate_every=3", f"train.keep={keep}", "train.ema=0.9"]
    tiny = recipe.load("translate", settings)
    gpt2kit.prepare(tiny, {"train": corpus, "val": corpus}, tmp_path / "data")
    for event in gpt2kit.train(tiny, tmp_path / "data", tmp_path / "run"):
        if isinstance(event, events.StepDone) and event.step == 5:
            break
    found = states(tmp_path / "run")
    skipped = {name for name, passed in found.items() if passed is None} - {"bf16 equals fp32"}
    assert skipped == set(), "those of the validation at step 3 are there, whichever are kept"
    assert False not in found.values()
