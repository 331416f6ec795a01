"""The loss of the targets, against torch's own cross-entropy, gradients included."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from gpt2kit.model import loss as losses
from gpt2kit.model.loss import CHUNK, TargetLoss, chunk_grad, chunk_grad_in_place, chunk_size, cross_entropy

WIDTH, VOCAB = 8, 37
GRADS = (chunk_grad, chunk_grad_in_place)


def drawn(count: int) -> tuple[Tensor, Tensor, Tensor]:
    """hidden, head and labels in double precision, so that rounding cannot hide a mistake."""
    hidden = torch.randn(count, WIDTH, dtype=torch.float64, requires_grad=True)
    head = torch.randn(VOCAB, WIDTH, dtype=torch.float64, requires_grad=True)
    return hidden, head, torch.randint(VOCAB, (count,))


@pytest.fixture(params=["vocabulary as it is", "vocabulary padded"])
def padding(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """GPUs pad the vocabulary of a run to a multiple of 64."""
    monkeypatch.setattr("gpt2kit.model.loss.VOCAB_STEP", {"cpu": 64} if "padded" in request.param else {})


@pytest.mark.usefixtures("padding")
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
@pytest.mark.parametrize("count", [1, 7, CHUNK, CHUNK + 1, 2 * CHUNK + 3])
def test_values_and_gradients_are_those_of_torch(count: int, smoothing: float) -> None:
    hidden, head, labels = drawn(count)
    expected = F.cross_entropy(hidden @ head.T, labels, label_smoothing=smoothing, reduction="sum")
    wanted = torch.autograd.grad(expected * 0.37, (hidden, head))
    loss, plain = TargetLoss(smoothing)(hidden, head, labels)
    found = torch.autograd.grad(loss * 0.37, (hidden, head))
    torch.testing.assert_close(loss.double(), expected, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(
        plain.double(), F.cross_entropy(hidden @ head.T, labels, reduction="sum"), rtol=1e-5, atol=1e-4
    )
    for got, want in zip(found, wanted, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("padding")
@pytest.mark.parametrize("new", [1, 3, VOCAB])
@pytest.mark.parametrize("count", [1, CHUNK + 1])
def test_of_a_head_the_last_rows_may_learn_alone(count: int, new: int) -> None:
    hidden, head, labels = drawn(count)
    whole = torch.autograd.grad(TargetLoss(0.1)(hidden, head, labels)[0] * 0.37, (hidden, head))
    last = head.detach()[-new:].clone().requires_grad_()
    loss, _ = TargetLoss(0.1)(hidden, head.detach(), labels, new_MD=last)
    of_hidden, of_last = torch.autograd.grad(loss * 0.37, (hidden, last))
    torch.testing.assert_close(of_hidden, whole[0])
    torch.testing.assert_close(of_last, whole[1][-new:])


def test_without_smoothing_both_losses_are_one() -> None:
    loss, plain = TargetLoss()(*drawn(20))
    assert loss.item() == plain.item()
    assert loss.requires_grad
    assert not plain.requires_grad


@pytest.mark.parametrize("count", [1, CHUNK, CHUNK + 1])
def test_cross_entropy_is_the_same_without_gradients(count: int) -> None:
    hidden, head, labels = (part.detach() for part in drawn(count))
    expected = F.cross_entropy(hidden @ head.T, labels, reduction="sum")
    found = cross_entropy(hidden, head, labels)
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(found.float(), TargetLoss(0.3)(hidden, head, labels)[1].float(), rtol=1e-5, atol=1e-4)


def test_large_logits_stay_finite() -> None:
    hidden, head, labels = (part.detach() for part in drawn(5))
    hidden = (hidden.float() * 1e4).requires_grad_()
    loss, _ = TargetLoss(0.1)(hidden, head.float(), labels)
    loss.backward()
    assert loss.isfinite()
    assert hidden.grad is not None
    assert hidden.grad.isfinite().all()


def test_under_autocast_sums_and_gradients_stay_fp32() -> None:
    hidden = torch.randn(CHUNK + 9, WIDTH, requires_grad=True)
    head = torch.randn(VOCAB, WIDTH, requires_grad=True)
    labels = torch.randint(VOCAB, (CHUNK + 9,))
    expected = F.cross_entropy(hidden @ head.T, labels, reduction="sum")
    wanted = torch.autograd.grad(expected, (hidden, head))
    with torch.autocast("cpu", torch.bfloat16):
        loss, _ = TargetLoss()(hidden, head, labels)
    found = torch.autograd.grad(loss, (hidden, head))
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(expected.item(), rel=0.01)
    for got, want in zip(found, wanted, strict=True):
        assert got.dtype == torch.float32
        assert (got - want).norm() < 0.02 * want.norm()


def test_a_model_that_knows_nothing_pays_the_logarithm_of_the_vocabulary() -> None:
    zeros = torch.zeros(10, WIDTH)
    found = cross_entropy(zeros, torch.randn(VOCAB, WIDTH), torch.arange(10))
    assert found.item() / 10 == pytest.approx(torch.tensor(float(VOCAB)).log().item(), rel=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_in_place_the_numbers_are_the_same(dtype: torch.dtype, smoothing: float, weighted: bool) -> None:
    logits, labels = (4 * torch.randn(70, VOCAB)).to(dtype), torch.randint(VOCAB, (70,))
    weights = torch.rand(70) if weighted else None
    copies = [logits.clone(), logits.clone()]
    sums = [grad(copy, labels, smoothing, weights) for grad, copy in zip(GRADS, copies, strict=True)]
    assert torch.equal(*copies)
    assert not torch.equal(copies[0], logits)
    assert sums[0] == sums[1]


def test_fewer_logits_of_a_large_vocabulary_exist_at_a_time() -> None:
    assert [chunk_size(vocab, "cpu") for vocab in (37, 8192, 16384)] == [CHUNK] * 3
    assert chunk_size(50257, "cpu") == 640
    assert chunk_size(10**9, "cpu") == 64
    assert chunk_size(50257, "cuda") == CHUNK


def test_smaller_chunks_have_the_same_loss_and_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden, head, labels = drawn(200)
    whole = TargetLoss(0.1)(hidden, head, labels)
    wanted = torch.autograd.grad(whole[0], (hidden, head))
    monkeypatch.setattr(losses, "LOGITS", 64 * VOCAB)
    parts = TargetLoss(0.1)(hidden, head, labels)
    torch.testing.assert_close(parts, whole)
    for got, want in zip(torch.autograd.grad(parts[0], (hidden, head)), wanted, strict=True):
        torch.testing.assert_close(got, want)
    torch.testing.assert_close(cross_entropy(hidden, head, labels), whole[1].float(), rtol=1e-5, atol=1e-4)
