"""The comparison of an export with its run: what passes, what fails, and what a tie is."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from gpt2kit.export.proof import Proof
from gpt2kit.export.target import END, WINDOW, Reader
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.inference import InferenceGPT2
from gpt2kit.selftest.check import Check
from gpt2kit.selftest.decoding import greedy
from gpt2kit.selftest.logits import full
from gpt2kit.selftest.probes import Ids
from gpt2kit.selftest.run_under_test import RunUnderTest, opened

RunOf = Callable[..., Path]


class Changed(Reader):
    """A tool that computes with a changed copy of the model."""

    tool = "a tool 1.0"

    def __init__(self, model: GPT2, change: float = 0.0) -> None:
        self.model, self.change = model, change

    @torch.no_grad()
    def logits(self, ids: Ids) -> Tensor:
        found = full(self.model, ids)
        return found + self.change * found.std() * torch.linspace(-1, 1, found.size(1))

    def greedy(self, prompts: Sequence[Ids], new: int, stop: int) -> list[Ids]:
        return greedy(InferenceGPT2(self.model, "fp32"), prompts, stop, 1)


class Wordy(Changed):
    """Its answers begin with the least likely token."""

    @torch.no_grad()
    def greedy(self, prompts: Sequence[Ids], new: int, stop: int) -> list[Ids]:
        return [[int(full(self.model, prompt)[-1].argmin())] for prompt in prompts]


class Second(Changed):
    """Its answers are the second likeliest token."""

    @torch.no_grad()
    def greedy(self, prompts: Sequence[Ids], new: int, stop: int) -> list[Ids]:
        return [[int(full(self.model, prompt)[-1].topk(2).indices[1])] for prompt in prompts]


class Broken(Changed):
    def logits(self, ids: Ids) -> Tensor:
        raise RuntimeError("no such\nposition")

    def greedy(self, prompts: Sequence[Ids], new: int, stop: int) -> list[Ids]:
        raise RuntimeError("no such\nposition")


@pytest.fixture(scope="module")
def subject(run_of: RunOf) -> RunUnderTest:
    return opened(run_of("translate"))


@pytest.fixture(scope="module")
def proof(subject: RunUnderTest) -> Proof:
    return Proof(subject)


def checks(proof: Proof, reader: Reader, dtype: str = "f32") -> list[Check]:
    return list(proof.checks(reader, dtype))


def test_the_run_itself_passes(proof: Proof, subject: RunUnderTest) -> None:
    logits, answers = checks(proof, Changed(subject.model))
    assert (logits.passed, logits.figure) == (True, 0)
    assert logits.remark.startswith("a tool 1.0, ")
    assert logits.remark.endswith("texts of the validation split, up to 64 tokens"), "one fills the window"
    assert (answers.passed, answers.figure) == (True, 0)
    count = len(proof.prompts)
    assert answers.remark == f"a tool 1.0, {count} of {count} answers equal"
    assert count > 3  # the rows of the split, not random ones alone


def test_the_limit_is_that_of_the_number_type_or_of_the_tool(proof: Proof, subject: RunUnderTest) -> None:
    reader = Changed(subject.model, 0.03)
    assert checks(proof, reader, "f32")[0].passed is False
    assert checks(proof, reader, "f16")[0].passed is True
    reader.limit = 0.1
    assert checks(proof, reader, "f32")[0].passed is True
    reader.limit = 0.01
    assert checks(proof, reader, "f16")[0].passed is False


def test_other_answers_fail(proof: Proof, subject: RunUnderTest) -> None:
    logits, answers = checks(proof, Wordy(subject.model), "f16")
    assert logits.passed
    assert answers.passed is False
    assert answers.figure == len(proof.prompts)
    assert "0 of " in answers.remark


@torch.no_grad()
def test_other_answers_pass_between_tokens_closer_than_the_error_of_both(proof: Proof, subject: RunUnderTest) -> None:
    """In the run's own logits, each of which may be wrong by the error that was measured, but at most by the limit."""
    last = torch.stack([full(subject.model, prompt)[-1] for prompt in proof.prompts])
    gaps = (-last.topk(2).values.diff(dim=1)[:, 0] / last.std(1)).tolist()
    assert min(gaps) < 0.9 * max(gaps)
    for error in (0.51 * max(gaps), 0.49 * max(gaps), 0.51 * min(gaps), 9.0):
        reader = Second(subject.model, error)
        reader.limit = max(gaps) if error < 9 else 0.51 * min(gaps)
        _, answers = checks(proof, reader)
        close = sum(gap < 2 * min(error, reader.limit) for gap in gaps)
        assert answers.figure == len(gaps) - close
        assert answers.passed == (close == len(gaps))
        differ = "differs" if close == 1 else "differ"
        assert f"0 of {len(gaps)} answers equal; {close} first {differ} where two tokens are closer" in answers.remark


@pytest.mark.parametrize("stored_in", ["bf16", "f32"])
def test_a_small_error_is_found_where_only_weights_are_rounded(
    proof: Proof, subject: RunUnderTest, stored_in: str
) -> None:
    """Rounding to bf16 hides it otherwise: of a bias that is missing, say."""
    reader = Changed(subject.model, 0.03)
    assert len(list(proof.checks(reader, "bf16", subject.model))) == 2
    reader.exact = 1e-3
    names = {check.name: check.passed for check in proof.checks(reader, stored_in, subject.model)}
    exact = {"logits equal those of the run's weights in bf16": False} if stored_in == "bf16" else {}
    assert {name: passed for name, passed in names.items() if "weights" in name} == exact
    assert names["logits equal the run's"] == (stored_in == "bf16")


def test_what_an_export_says_of_the_run_must_be_right(proof: Proof, subject: RunUnderTest) -> None:
    class Saying(Changed):
        said: ClassVar[dict[str, object]] = {WINDOW: subject.model.config.n_positions, END: subject.task.vocabulary.eos}

        def facts(self) -> dict[str, object]:
            return self.said

    facts, *_ = checks(proof, Saying(subject.model))
    assert (facts.passed, facts.remark) == (True, "a tool 1.0, window, end token")
    Saying.said = Saying.said | {END: 7}
    facts, *_ = checks(proof, Saying(subject.model))
    assert (facts.passed, facts.figure) == (False, 1)
    assert facts.remark.endswith(f"; end token is 7, not {subject.task.vocabulary.eos}")


def test_nan_fails(proof: Proof, subject: RunUnderTest) -> None:
    assert checks(proof, Changed(subject.model, float("nan")))[0].passed is False


def test_an_error_of_the_tool_fails_with_its_words(proof: Proof, subject: RunUnderTest) -> None:
    for check in checks(proof, Broken(subject.model)):
        assert check.passed is False
        assert check.remark == "a tool 1.0: RuntimeError: no such position"


def test_a_tool_that_cannot_open_the_export_fails(proof: Proof, subject: RunUnderTest) -> None:
    def readers() -> Iterator[Reader]:
        yield Changed(subject.model)
        raise OSError("no such\nfile")

    *others, last = proof.of(readers(), "f32")
    assert [check.passed for check in others] == [True, True]
    assert (last.name, last.passed, last.remark) == ("the export opens", False, "OSError: no such file")


def test_of_a_classifier_the_head_is_compared(run_of: RunOf) -> None:
    subject = opened(run_of("labelled"))

    class Head(Changed):
        @torch.no_grad()
        def logits(self, ids: Ids) -> Tensor:
            assert ids[-1] == subject.task.layout.extract
            assert self.model.score is not None
            return self.model.score(self.model.hidden(torch.tensor([ids]))[:, -1]) + self.change

    (found,) = checks(Proof(subject), Head(subject.model))
    assert (found.passed, found.figure) == (True, 0)
    assert checks(Proof(subject), Head(subject.model, 9.0))[0].passed is False


def test_without_the_data_random_texts_are_compared(
    run_of: RunOf, copied: Callable[[Path], Path], tmp_path: Path
) -> None:
    run = copied(run_of("translate"))
    subject = opened(run, tmp_path / "gone")
    assert subject.store is None
    logits, _ = checks(Proof(subject), Changed(subject.model))
    assert logits.passed
    assert "random text" in logits.remark
