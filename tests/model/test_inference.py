"""Decoding step by step gives the logits of one full pass: packed or plain, static or not."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gpt2kit.model import kernels
from gpt2kit.model.cache import Cache
from gpt2kit.model.compressed import CompressedAttention
from gpt2kit.model.compressed_cache import Groups
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.inference import InferenceGPT2
from gpt2kit.model.local import LocalAttention

Build = Callable[..., GPT2]

pytestmark = pytest.mark.usefixtures("no_gradients")


@pytest.fixture
def no_gradients() -> object:
    with torch.inference_mode():
        yield


@pytest.fixture(autouse=True)
def packed_at_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the weights of large models are."""
    monkeypatch.setattr(kernels, "LARGE", 0)


@pytest.fixture(params=["packed", "plain"])
def layout(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of keeping weights on a CPU; the first is skipped by machines whose kernels know no blocked layout."""
    if request.param == "plain":
        monkeypatch.setattr(kernels, "packs", lambda device, dtype: False)


def prefilled(
    model: GPT2,
    ids: Tensor,
    lengths: list[int],
    steps: int,
    width: int = 1,
    static: bool = False,
    decoder: InferenceGPT2 | None = None,
) -> Cache:
    """A cache with the first `lengths` ids of each row in it."""
    decoder = decoder or InferenceGPT2(model, "fp32")
    longest = max(lengths)
    cache = decoder.new_cache(len(ids), longest + steps * width, width, static)
    logits = decoder.prefill(ids[:, :longest], lengths, cache)
    for row, length, found in zip(ids, lengths, logits, strict=True):
        torch.testing.assert_close(found, model(row[None, :length])[0, -1], atol=1e-5, rtol=1e-5)
    return cache


KINDS = pytest.mark.parametrize(
    "attention",
    [
        "full",
        "relative",
        "local",
        "compressed",
        "local,compressed",
        "relative,local",
        "compressed,relative",
        "relative-local",
        "relative,relative-local",
    ],
)
SHORT_BLOCKS = {"block": 4}
"""Of local attention, so that few tokens fill several."""


@pytest.mark.usefixtures("layout")
@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize("lengths", [[1, 1, 1], [5, 1, 3], [12, 4, 7], [15, 2, 8]])
@KINDS
def test_step_by_step_equals_one_pass(tiny_model: Build, attention: str, lengths: list[int], static: bool) -> None:
    """Rows of different lengths, up to the last position of the window and past it for rows that have ended."""
    model, ids = tiny_model(n_positions=16, attention=attention, **SHORT_BLOCKS), torch.randint(23, (3, 16))
    steps = 16 - min(lengths)
    decoder = InferenceGPT2(model, "fp32")
    full, cache = model(ids), prefilled(model, ids, lengths, steps, static=static, decoder=decoder)
    for step in range(steps):
        at = torch.tensor([min(length + step, 15) for length in lengths])
        logits = decoder.step(ids.gather(1, at[:, None]), cache)[:, 0]
        for row, length in enumerate(lengths):
            if length + step < 16:
                torch.testing.assert_close(logits[row], full[row, length + step], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("static", [False, True])
@KINDS
def test_hypotheses_see_their_own_past_alone(tiny_model: Build, attention: str, static: bool) -> None:
    """Three hypotheses of each prompt branch from each other at random; each is compared with a pass of its own."""
    model, prompts, lengths = tiny_model(attention=attention, **SHORT_BLOCKS), torch.randint(23, (2, 6)), [6, 4]
    decoder, width, steps = InferenceGPT2(model, "fp32"), 3, 7
    cache = prefilled(model, prompts, lengths, steps, width, static, decoder)
    past = [[prompt[:length].tolist() for _ in range(width)] for prompt, length in zip(prompts, lengths, strict=True)]
    for _ in range(steps):
        origins, tokens = torch.randint(width, (2, width)), torch.randint(23, (2, width))
        cache.branch(origins)
        past = [[[*past[p][int(origins[p, w])], int(tokens[p, w])] for w in range(width)] for p in range(len(prompts))]
        logits = decoder.step(tokens, cache)
        for p, hypotheses in enumerate(past):
            torch.testing.assert_close(logits[p], model(torch.tensor(hypotheses))[:, -1], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize("kept", [[1, 0, 2], [2], [0, 2]])
@KINDS
def test_prompts_can_leave(tiny_model: Build, attention: str, kept: list[int], static: bool) -> None:
    model, ids, lengths = tiny_model(attention=attention, **SHORT_BLOCKS), torch.randint(23, (3, 10)), [8, 3, 5]
    decoder = InferenceGPT2(model, "fp32")
    cache = prefilled(model, ids, lengths, 4, static=static, decoder=decoder)
    first = torch.randint(23, (3, 1))
    decoder.step(first, cache)
    cache.keep(torch.tensor(kept))
    second = torch.randint(23, (len(kept), 1))
    found = decoder.step(second, cache)[:, 0]
    for row, (index, token) in enumerate(zip(kept, second, strict=True)):
        whole = torch.cat([ids[index, : lengths[index]], first[index], token])[None]
        torch.testing.assert_close(found[row], model(whole)[0, -1], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("attention", ["local", "compressed", "local,compressed,local"])
@pytest.mark.parametrize("static", [False, True])
def test_long_windows_at_every_length(tiny_model: Build, attention: str, static: bool) -> None:
    """Each length of a prompt, up to five blocks and six groups, alone and beside others, and what follows it."""
    model = tiny_model(n_layer=max(2, attention.count(",") + 1), attention=attention, block=4)
    decoder, last = InferenceGPT2(model, "fp32"), 21
    ids = torch.randint(23, (3, last))
    full = model(ids)
    for length in range(1, last):
        for lengths in ([length] * 3, [length, (length + 5) % 20 + 1, (length * 7) % 20 + 1]):
            steps = min(9, last - max(lengths))  # on through two blocks
            cache = prefilled(model, ids, lengths, steps, static=static, decoder=decoder)
            for step in range(steps):
                at = torch.tensor([length + step for length in lengths])
                logits = decoder.step(ids.gather(1, at[:, None]), cache)[:, 0]
                torch.testing.assert_close(logits, full[torch.arange(3), at], atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize("width", [1, 3])
def test_local_layers_read_their_blocks_alone(tiny_model: Build, width: int, static: bool) -> None:
    """What lies before the blocks that the prompts are in is not looked at; in a cache of fixed shapes, in buckets."""
    model = tiny_model(n_positions=400, attention="local", block=8)
    decoder, lengths = InferenceGPT2(model, "fp32"), [300, 295]
    cache = prefilled(model, torch.randint(23, (2, 300)), lengths, 40, width, static, decoder)
    starts, first = [], 256 if static else 288
    for _ in range(40):
        starts.append(cache.masks[LocalAttention].first)
        decoder.step(torch.randint(23, (2, width)), cache)
    assert starts[0] == first
    assert starts == sorted(starts)
    # The newest tokens stand at positions 339 and 334, whose blocks begin at 336 and 328: 33 steps after the prompt.
    newest = 300 + 33 * width
    assert starts[-1] == (newest // 128 * 128 if static else newest)


@pytest.mark.parametrize("attention", ["compressed", "local,compressed"])
def test_compressed_layers_keep_a_third(tiny_model: Build, attention: str) -> None:
    model = tiny_model(n_positions=100, attention=attention)
    cache = prefilled(model, torch.randint(23, (2, 60)), [60, 60], 30)
    kinds = model.config.kinds
    slots = [layer.slots for layer, kind in zip(cache.layers, kinds, strict=True) if kind == "compressed"]
    assert all(keys.size(2) <= 26 for layer in slots for keys in layer)
    decoder = InferenceGPT2(model, "fp32")
    for _ in range(30):
        decoder.step(torch.randint(23, (2, 1)), cache)
    groups = cache.masks[CompressedAttention]
    assert isinstance(groups, Groups)
    assert groups.seen == 1 + 91 // 3
    assert sum(layer.slots[0].size(2) > 60 for layer in cache.layers) == len(kinds) - len(slots)


@KINDS
def test_bf16_is_close_to_fp32(tiny_model: Build, attention: str) -> None:
    model, ids = tiny_model(attention=attention, **SHORT_BLOCKS), torch.randint(23, (4, 9))
    exact, rounded = InferenceGPT2(model, "fp32"), InferenceGPT2(model, "bf16")
    lengths = [9] * 4
    full = exact.prefill(ids, lengths, exact.new_cache(4, 12))
    found = rounded.prefill(ids, lengths, rounded.new_cache(4, 12))
    assert found.dtype == torch.float32
    assert 0 < (found - full).abs().max() < 0.15 * full.abs().max()


@KINDS
def test_the_step_of_a_gpu(tiny_model: Build, attention: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a CUDA graph captures, computed on the CPU: shapes that stay, plain weights, and the fused kernel's mask."""
    monkeypatch.setattr(kernels, "packs", lambda device, dtype: False)
    monkeypatch.setattr(kernels, "fuses", lambda device: True)
    test_step_by_step_equals_one_pass(tiny_model, attention, [5, 1, 3], static=True)
    test_hypotheses_see_their_own_past_alone(tiny_model, attention, static=True)
