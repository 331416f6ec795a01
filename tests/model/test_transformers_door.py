"""The door to transformers: what is written stays as it was given, what is wrong is refused by the file's name."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, GenerationConfig, GPT2ForSequenceClassification, GPT2LMHeadModel
from transformers.utils import logging

from gpt2kit.config import GenerateConfig
from gpt2kit.decoding.decode import answers, for_inference
from gpt2kit.errors import DataError
from gpt2kit.model import hf, transformers_door
from gpt2kit.model.gpt2 import EMBEDDING, GPT2

Build = Callable[..., GPT2]

SHAPE: dict[str, Any] = {"model_type": "gpt2", "vocab_size": 23, "n_layer": 2, "n_head": 2, "n_embd": 16}
SHAPE |= {"bos_token_id": 0, "eos_token_id": 0}


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def test_what_is_given_is_written_also_where_it_is_a_default(tmp_path: Path) -> None:
    given = SHAPE | {"n_inner": None, "embd_pdrop": 0.1, "dtype": "float32"}
    given |= {"id2label": {"0": "LABEL_0", "1": "LABEL_1"}, "label2id": {"LABEL_0": 0, "LABEL_1": 1}}
    transformers_door.write_config(tmp_path / "config.json", given)
    written = read(tmp_path / "config.json")
    assert {key: written[key] for key in given} == given
    assert {"summary_type", "scale_attn_weights"} <= written.keys(), "and what GPT2Config adds"
    assert AutoConfig.from_pretrained(tmp_path).num_labels == 2


def test_equal_values_are_equal_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        transformers_door.write_config(tmp_path / name, SHAPE)
        transformers_door.write_generation_config(tmp_path / f"{name}-generation", {"eos_token_id": 3})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert (tmp_path / "one-generation").read_bytes() == (tmp_path / "two-generation").read_bytes()


@pytest.mark.parametrize("wrong", [{"vocab_size": 2.5}, {"n_layer": "two"}, {"n_inner": [4]}, {"eos_token_id": "end"}])
def test_a_config_that_is_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"config\.json: transformers does not accept these values: ") as caught:
        transformers_door.write_config(tmp_path / "config.json", SHAPE | wrong)
    assert "\n" not in str(caught.value)
    assert next(iter(wrong)) in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_generation_config_that_is_refused(tmp_path: Path) -> None:
    refusal = r"generation_config\.json: transformers does not accept these values: .*max_new_tokens"
    with pytest.raises(DataError, match=refusal):
        transformers_door.write_generation_config(tmp_path / "generation_config.json", {"max_new_tokens": -1})


def test_a_run_s_files(tmp_path: Path, tiny_model: Build) -> None:
    """The names of the classes are theirs, and the settings are those of transformers' own class."""
    model = tiny_model()
    hf.save(tmp_path, model, 7)
    assert read(tmp_path / "config.json")["architectures"] == [GPT2LMHeadModel.__name__]
    generation = read(tmp_path / "generation_config.json")
    ids = {"bos_token_id", "eos_token_id", "pad_token_id"}
    assert generation.keys() - {"transformers_version"} == {*ids, "max_length", "do_sample"}
    assert GenerationConfig.from_pretrained(tmp_path).pad_token_id == 7
    model.set_classifier(("bad", "good", "so-so"))
    hf.save(tmp_path, model, 7)
    assert read(tmp_path / "config.json")["architectures"] == [GPT2ForSequenceClassification.__name__]
    config = AutoConfig.from_pretrained(tmp_path)
    assert (config.num_labels, config.id2label[2], config.label2id["so-so"]) == (3, "so-so", 2)
    assert hf.load(tmp_path).labels == ("bad", "good", "so-so")


def test_the_greedy_answers_of_a_proof_do_not_depend_on_the_settings_of_the_folder(
    tmp_path: Path, tiny_model: Build
) -> None:
    model, config = tiny_model(), GenerateConfig(repetition_penalty=4.0, ban_ids=(3, 5), stop_ids=(9,))
    hf.save(tmp_path, model, 7, generate=config)
    ids = torch.randint(1, 23, (1, 5))
    theirs = transformers_door.pretrained(tmp_path, head=False)
    answer = transformers_door.greedy(theirs, ids, torch.ones_like(ids), 20, 7, 23)[0].tolist()
    decoded = answers(for_inference(model, "fp32"), ids.tolist(), GenerateConfig(max_new_tokens=20, dtype="fp32"), 7)
    (ours,) = next(decoded).answers
    assert answer[: len(ours.ids)] == ours.ids
    assert len(ours.ids) > 5


def test_a_greedy_answer_has_no_surplus_row(tmp_path: Path, tiny_model: Build) -> None:
    """One of them would be the likeliest token everywhere."""
    model = tiny_model()
    model.surplus_of[EMBEDDING] = 100 * torch.randn(20, 16)
    hf.save(tmp_path, model, 7)
    theirs, ids = transformers_door.pretrained(tmp_path, head=False), torch.tensor([[5, 6, 8]])
    assert (theirs(ids).logits.argmax(-1) >= 23).all()
    answer = transformers_door.greedy(theirs, ids, torch.ones_like(ids), 20, 7, 23)
    assert (answer < 23).all()


@pytest.mark.parametrize("bars", [True, False])
def test_the_settings_of_transformers_are_restored(bars: bool) -> None:
    before = logging.is_progress_bar_enabled(), logging.get_verbosity()
    try:
        (logging.enable_progress_bar if bars else logging.disable_progress_bar)()
        logging.set_verbosity_info()
        with transformers_door.quietly():
            assert not logging.is_progress_bar_enabled()
            assert logging.get_verbosity() == logging.log_levels["error"]
        assert (logging.is_progress_bar_enabled(), logging.get_verbosity()) == (bars, logging.log_levels["info"])
    finally:
        (logging.enable_progress_bar if before[0] else logging.disable_progress_bar)()
        logging.set_verbosity(before[1])
