"""generation_config.json: what transformers then does by itself is what [generate] says."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, GenerationConfig

from gpt2kit.config import GenerateConfig
from gpt2kit.decoding import sampling
from gpt2kit.decoding.decode import answers, for_inference
from gpt2kit.model import hf, hf_config
from gpt2kit.model.generation import GREEDY, generation_settings
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.vocabulary import set_aside

Build = Callable[..., GPT2]
EOS = 0


def theirs(folder: Path, model: GPT2, config: GenerateConfig) -> Any:
    """The model as transformers loads it, with the settings of its folder."""
    hf.save(folder, model, EOS, generate=config)
    return AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True).eval()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"repetition_penalty": 1.5},
        {"repetition_penalty": 0.8},
        {"ban_ids": (3, 5)},
        {"stop_ids": (4, 9)},
        {"ban_ids": (3,), "repetition_penalty": 1.3, "stop_ids": (2,)},
    ],
)
@pytest.mark.parametrize("attention", ["full", "local"])
def test_greedy_answers_are_ours(tmp_path: Path, tiny_model: Build, attention: str, settings: dict[str, Any]) -> None:
    model = tiny_model(attention=attention, block=4)
    config = GenerateConfig(**settings, max_new_tokens=48, device="cpu", dtype="fp32")
    prompts = [torch.randint(1, 23, (length,)).tolist() for length in (1, 5, 38, 46, 47)]
    hugging_face = theirs(tmp_path, model, config)
    for found in answers(for_inference(model, "fp32"), prompts, config, EOS):
        prompt, ours = prompts[found.index], found.answers[0]
        answer = hugging_face.generate(torch.tensor([prompt]))[0, len(prompt) :].tolist()
        assert answer[: len(answer) - ours.finished] == ours.ids
        assert not ours.finished or answer[-1] in {EOS, *config.stop_ids}


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": 1.0},
        {"temperature": 0.6, "top_k": 5},
        {"temperature": 1.4, "top_p": 0.7},
        {"temperature": 1.0, "top_p": 0.0},
        {"temperature": 0.9, "top_k": 9, "top_p": 0.8, "repetition_penalty": 1.4},
    ],
)
@torch.no_grad()
def test_samples_are_of_our_distribution(tmp_path: Path, tiny_model: Build, settings: dict[str, Any]) -> None:
    model, config = tiny_model(vocab=70), GenerateConfig(**settings)
    hugging_face = theirs(tmp_path, model, config)
    prompt = torch.randint(1, 70, (1, 7))
    told = hugging_face.generate(prompt, return_dict_in_generate=True, output_scores=True)
    logits = model(prompt)[:, -1]
    seen = torch.zeros_like(logits, dtype=torch.bool).index_fill(-1, prompt[0], True)
    expected = sampling.probabilities(sampling.penalise(logits, seen, config.repetition_penalty), config)
    torch.testing.assert_close(told.scores[0].softmax(-1), expected, atol=1e-6, rtol=1e-4)
    assert (expected > 0).sum() < 70 or settings == {"temperature": 1.0}, "what is cut off, is cut off"


def test_what_transformers_cannot_do_is_left_out() -> None:
    plain = generation_settings(GREEDY, EOS, 64)
    assert plain == {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0, "max_length": 64, "do_sample": False}
    several: list[dict[str, Any]] = [
        {"beams": 4, "length_penalty": 1.0},
        {"stop": ("\n",)},
        {"repetition_penalty": 1.2, "penalty_on": "answer"},
        {"max_ratio": 2.0},
        {"max_new_tokens": 9},
    ]
    for settings in several:
        assert generation_settings(GenerateConfig(**settings), EOS, 64) == plain


def test_the_end_of_a_text_is_one_of_several_ends() -> None:
    assert generation_settings(GenerateConfig(stop_ids=(9, 4)), EOS, 64)["eos_token_id"] == [EOS, 9, 4]


def test_a_saved_config_is_valid_for_transformers(tmp_path: Path, tiny_model: Build) -> None:
    """`save_pretrained` refuses settings that do not belong together, such as a temperature without sampling."""
    for name, config in {"greedy": GREEDY, "sampled": GenerateConfig(temperature=0.7, top_k=3)}.items():
        (tmp_path / name).mkdir()
        hf_config.write(tmp_path / name, tiny_model(), EOS, generate=config)
        read = GenerationConfig.from_pretrained(tmp_path / name)
        read.validate(strict=True)
        read.save_pretrained(tmp_path / f"{name}-again")
        assert (read.do_sample, read.max_length) == (name == "sampled", 48)


def test_surplus_rows_are_banned_too(tmp_path: Path, tiny_model: Build) -> None:
    model = tiny_model()
    set_aside(model, 20)
    hf_config.write(tmp_path, model, EOS, generate=GenerateConfig(ban_ids=(7, 3)))
    read = json.loads((tmp_path / "generation_config.json").read_text(encoding="utf-8"))
    assert read["suppress_tokens"] == [3, 7, 20, 21, 22]
