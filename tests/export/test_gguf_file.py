"""What a GGUF file says of decoding and of the tokenizer: other tools read the same ids from it."""

from collections.abc import Callable
from pathlib import Path

import gguf
import pytest
from tokenizers import AddedToken, normalizers
from transformers import AutoTokenizer

from gpt2kit.config import GenerateConfig, ModelConfig
from gpt2kit.data.bpe import Bpe
from gpt2kit.export import gguf_file, tokens
from gpt2kit.export.gguf import Gguf
from gpt2kit.model import transformers_door
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.selftest.run_under_test import opened
from gpt2kit.tasks.text import TextTask


def test_programs_sample_as_the_recipe_says(tmp_path: Path, tiny_model: Callable[..., GPT2]) -> None:
    bpe = Bpe.train(iter(["the cat sat on the mat"]), 270, [])
    settings = GenerateConfig(temperature=0.75, top_k=5, top_p=0.5, repetition_penalty=1.25)
    gguf_file.write(tmp_path / "a.gguf", "a", tiny_model(bpe.vocab_size), bpe, settings, "f32")
    fields = gguf.GGUFReader(tmp_path / "a.gguf").fields
    found = {key.rpartition(".")[2]: each.contents() for key, each in fields.items() if ".sampling." in key}
    assert found == {"temp": 0.75, "top_k": 5, "top_p": 0.5, "min_p": 0, "penalty_repeat": 1.25, "penalty_last_n": -1}


@pytest.mark.parametrize(("name", "shape"), [("n_embd", (24, 96)), ("n_inner", (32, 40))])
def test_rows_that_have_no_whole_blocks_are_refused_in_q8_0(name: str, shape: tuple[int, int]) -> None:
    config = ModelConfig(n_embd=shape[0], n_inner=shape[1], n_head=2)
    assert f"blocks of 32 numbers, but {name} = " in gguf_file.unsuitable(config, "q8_0")
    assert gguf_file.unsuitable(config, "f16") == ""


def test_another_kind_of_tokenizer_is_refused(by_heart: Path) -> None:
    subject = opened(by_heart)
    assert isinstance(subject.task, TextTask)
    assert Gguf().refusal(subject, "f16") == ""
    subject.task.bpe.tokenizer.normalizer = normalizers.Lowercase()
    assert "text is normalized, or split in another way than GPT-2's" in Gguf().refusal(subject, "f16")


@pytest.mark.parametrize(
    ("flags", "refused"),
    [
        ({}, False),
        ({"lstrip": True}, True),
        ({"rstrip": True}, True),
        ({"single_word": True}, True),
        ({"lstrip": True, "special": True}, False),
    ],
)
def test_an_added_token_is_found_everywhere_or_refused(by_heart: Path, flags: dict[str, bool], refused: bool) -> None:
    subject = opened(by_heart)
    assert isinstance(subject.task, TextTask)
    subject.task.bpe.tokenizer.add_tokens([AddedToken("<think>", normalized=False, **flags)])
    assert ("'<think>' takes spaces or whole words" in Gguf().refusal(subject, "f16")) == refused


def with_token(path: Path, model: Callable[..., GPT2], token: str) -> tuple[str, list[int]]:
    """Write a file whose tokenizer has an added token; returns a text with it, and the ids of that."""
    bpe = Bpe.train(iter(["the cat sat on the mat"] * 3), 280, ["<to-fr>"])
    bpe.tokenizer.add_tokens([AddedToken(token, normalized=False)])
    gguf_file.write(path, "a", model(bpe.vocab_size), bpe, GenerateConfig(), "f32")
    text = f"the cat{token}sat {token} on  the mat<to-fr>"
    ids = tokens.encoded(bpe, text)
    assert bpe.vocab_size - 1 in ids
    return text, ids


def test_transformers_knows_an_added_token(tmp_path: Path, tiny_model: Callable[..., GPT2]) -> None:
    text, ids = with_token(tmp_path / "a.gguf", tiny_model, "<think>")
    assert AutoTokenizer.from_pretrained(tmp_path, gguf_file="a.gguf")(text).input_ids == ids


@pytest.mark.parametrize("token", ["<think>", "  ", "<ab c>", "<\u4e2d>"])
def test_llama_cpp_knows_an_added_token(tmp_path: Path, tiny_model: Callable[..., GPT2], token: str) -> None:
    pytest.importorskip("llama_cpp")
    from gpt2kit.export.with_llama_cpp import LlamaCpp

    text, ids = with_token(tmp_path / "a.gguf", tiny_model, token)
    reader = LlamaCpp(tmp_path / "a.gguf", "f32")
    assert reader.encode([text]) == [ids]
    reader.close()


def test_a_file_that_lacks_a_tensor_does_not_load(
    tmp_path: Path, tiny_model: Callable[..., GPT2], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Transformers would draw its weights at random."""
    written, lacking = gguf_file._tensors, "blk.1.ffn_down.weight"
    monkeypatch.setattr(gguf_file, "_tensors", lambda *told: (x for x in written(*told) if x.name != lacking))
    with_token(tmp_path / "a.gguf", tiny_model, "<think>")
    with pytest.raises(ValueError, match=r"missing weights: transformer\.h\.1\.mlp\.c_proj\.weight"):
        transformers_door.of_gguf(tmp_path / "a.gguf", 48, 64)


def test_bytes_alone_are_refused(by_heart: Path) -> None:
    """gguf cannot write an empty list, and programs need the merges."""
    subject = opened(by_heart)
    alone = Bpe.train(iter(()), 256, [])
    assert alone.merges() == []
    subject.task.__dict__["bpe"] = alone
    assert "its vocabulary has bytes alone" in Gguf().refusal(subject, "f16")
