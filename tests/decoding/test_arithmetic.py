"""The arithmetic of decoding: which one `auto` is, and that bf16 gives the answers of fp32, alone and in a batch."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import gpt2kit
from gpt2kit.config import GenerateConfig
from gpt2kit.decoding.decode import answers, arithmetic, for_inference
from gpt2kit.errors import MachineError
from gpt2kit.model.device import native_bf16
from gpt2kit.model.gpt2 import GPT2

CPU, GPU = torch.device("cpu"), torch.device("cuda")
GREEDY, BEAMS, SAMPLED = GenerateConfig(), GenerateConfig(beams=4), GenerateConfig(temperature=0.7)
PROMPTS = [[5, 3], [7], [1, 2, 3, 4, 5, 6, 7], [9, 9, 9], [22, 1], [14, 15, 16, 17, 18], [2], [11, 12, 13, 14]]

needs_bf16 = pytest.mark.skipif(not native_bf16(CPU), reason="this CPU does not compute bf16 natively")


@pytest.mark.parametrize(
    ("config", "device", "native", "expected"),
    [
        *((GREEDY, CPU, True, "bf16"), (BEAMS, CPU, True, "bf16"), (SAMPLED, CPU, True, "fp32")),
        *((GREEDY, CPU, False, "fp32"), (BEAMS, CPU, False, "fp32"), (SAMPLED, CPU, False, "fp32")),
        *((GREEDY, GPU, True, "bf16"), (SAMPLED, GPU, True, "bf16"), (SAMPLED, GPU, False, "fp32")),
        (GenerateConfig(temperature=0.7, dtype="bf16"), CPU, True, "bf16"),
        (GenerateConfig(dtype="fp32"), CPU, True, "fp32"),
    ],
)
def test_auto_is_bf16_where_it_is_native_and_nothing_is_drawn(
    monkeypatch: pytest.MonkeyPatch, config: GenerateConfig, device: torch.device, native: bool, expected: str
) -> None:
    monkeypatch.setattr("gpt2kit.model.device.native_bf16", lambda _: native)
    assert arithmetic(config, device) == expected


def test_bf16_that_would_be_emulated_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpt2kit.model.device.native_bf16", lambda _: False)
    with pytest.raises(MachineError, match="does not compute bf16 natively"):
        arithmetic(GenerateConfig(dtype="bf16"), CPU)


@needs_bf16
@pytest.mark.parametrize("beams", [1, 4])
def test_a_run_gives_the_answers_of_fp32(by_heart: Path, beams: int) -> None:
    """Every answer, so that BLEU is the same."""
    engine, texts = gpt2kit.load(by_heart), ["I am a student", "let them eat cake", "good morning", "two lines"]
    assert engine(texts, beams=beams) == engine(texts, beams=beams, dtype="fp32")
    assert {str(each.dtype) for decoder in engine._decoders.values() for each in decoder.members} == {
        "torch.bfloat16",
        "torch.float32",
    }


@needs_bf16
@pytest.mark.parametrize("beams", [1, 4])
def test_the_batch_does_not_change_an_answer_in_bf16(tiny_model: Callable[..., GPT2], beams: int) -> None:
    model, config = for_inference(tiny_model(seed=14), "bf16"), GenerateConfig(beams=beams, max_new_tokens=12)
    together = {each.index: each.answers for each in answers(model, PROMPTS, config, 0)}
    for index, prompt in enumerate(PROMPTS):
        (alone,) = answers(model, [prompt], config, 0)
        assert [each.ids for each in alone.answers] == [each.ids for each in together[index]]
