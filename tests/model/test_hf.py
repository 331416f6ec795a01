"""The Hugging Face door: their folders give our logits, ours give theirs, and what is no GPT-2 is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel

from gpt2kit.errors import DataError
from gpt2kit.model import hf
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.vocabulary import grow_vocabulary

Build = Callable[..., GPT2]

TINY = {"vocab_size": 23, "n_layer": 2, "n_head": 2, "n_embd": 16, "n_positions": 32}
IDS = torch.arange(60).view(2, 30) % 23


def their_model(**changes: Any) -> GPT2LMHeadModel:
    """A random model of Hugging Face, all of whose weights matter."""
    torch.manual_seed(0)
    config = GPT2Config(**TINY | {"bos_token_id": 0, "eos_token_id": 0} | changes)
    model = GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.2)
    return model


def their_logits(model: GPT2LMHeadModel) -> Tensor:
    with torch.inference_mode():
        return model(IDS).logits


def our_logits(model: GPT2) -> Tensor:
    with torch.inference_mode():
        return model.eval()(IDS)


def assert_same(ours: Tensor, theirs: Tensor) -> None:
    assert (ours - theirs).abs().max() < 1e-5
    assert theirs.std() > 0.1, "logits that are all alike would prove nothing"


@pytest.fixture
def theirs(tmp_path: Path) -> GPT2LMHeadModel:
    """Their tiny model, saved in tmp_path as they save it."""
    model = their_model()
    model.save_pretrained(tmp_path)
    return model


def rewrite(folder: Path, change: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> None:
    """Replace the weights of a folder."""
    path = folder / "model.safetensors"
    weights = {name: tensor.clone() for name, tensor in change(load_file(path)).items()}
    save_file(weights, path, {"format": "pt"})


def rewrite_config(folder: Path, **changes: Any) -> None:
    """Change the values of config.json; None takes a key away."""
    path = folder / "config.json"
    config = json.loads(path.read_text()) | changes
    path.write_text(
        json.dumps({key: value for key, value in config.items() if key not in changes or value is not None})
    )


@pytest.mark.parametrize("changes", [{}, {"n_inner": 40}, {"n_layer": 1, "n_head": 4}])
def test_their_folder_gives_their_logits(tmp_path: Path, changes: dict[str, int]) -> None:
    model = their_model(**changes)
    model.save_pretrained(tmp_path)
    assert_same(our_logits(hf.load(tmp_path)), their_logits(model))


@pytest.mark.parametrize("shape", [{}, {"n_inner": 40}, {"n_layer": 1, "n_head": 4}])
def test_our_folder_gives_our_logits_there(tmp_path: Path, tiny_model: Build, shape: dict[str, int]) -> None:
    model = tiny_model(**shape)
    hf.save(tmp_path, model, eos=7)
    loaded: Any = GPT2LMHeadModel.from_pretrained(tmp_path, output_loading_info=True)
    theirs, report = loaded
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert theirs.config.eos_token_id == theirs.generation_config.eos_token_id == 7
    assert_same(our_logits(model), their_logits(theirs.eval()))


def test_our_folder_loads_here_to_the_last_bit(tmp_path: Path, tiny_model: Build) -> None:
    model = tiny_model(n_inner=24, dropout=0.2)
    hf.save(tmp_path, model, eos=0)
    loaded = hf.load(tmp_path)
    assert loaded.config == model.config
    for (name, before), after in zip(model.named_parameters(), loaded.parameters(), strict=True):
        assert torch.equal(before, after), name
        assert after.requires_grad


def test_loaded_weights_can_be_trained(tmp_path: Path, theirs: GPT2LMHeadModel) -> None:
    model = hf.load(tmp_path, dropout=0.3)
    assert model.config.dropout == model.transformer.dropout == 0.3
    model.train()(IDS).square().mean().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_weights_become_fp32(tmp_path: Path, dtype: torch.dtype) -> None:
    model = their_model()
    for parameter in model.parameters():
        parameter.data = parameter.data.to(dtype)
    model.save_pretrained(tmp_path)
    ours = hf.load(tmp_path)
    assert {parameter.dtype for parameter in ours.parameters()} == {torch.float32}
    assert_same(our_logits(ours), their_logits(model.float()))


def test_keys_without_the_prefix(tmp_path: Path, theirs: GPT2LMHeadModel) -> None:
    rewrite(tmp_path, lambda weights: {name.removeprefix("transformer."): w for name, w in weights.items()})
    assert_same(our_logits(hf.load(tmp_path)), their_logits(theirs))


def test_the_masks_that_old_folders_store(tmp_path: Path, theirs: GPT2LMHeadModel) -> None:
    mask = {f"transformer.h.{layer}.attn.bias": torch.ones(1, 1, 32, 32).tril() for layer in range(2)}
    masked = {f"transformer.h.{layer}.attn.masked_bias": torch.tensor(-1e4) for layer in range(2)}
    rewrite(tmp_path, lambda weights: weights | mask | masked)
    assert_same(our_logits(hf.load(tmp_path)), their_logits(theirs))


def test_a_head_that_repeats_the_embedding(tmp_path: Path, theirs: GPT2LMHeadModel) -> None:
    rewrite(tmp_path, lambda weights: weights | {"lm_head.weight": weights["transformer.wte.weight"]})
    assert_same(our_logits(hf.load(tmp_path)), their_logits(theirs))


def test_a_head_of_its_own_is_refused(tmp_path: Path, theirs: GPT2LMHeadModel) -> None:
    rewrite(tmp_path, lambda weights: weights | {"lm_head.weight": weights["transformer.wte.weight"] + 1})
    with pytest.raises(DataError, match=r"lm_head\.weight differs .* does not say \"tie_word_embeddings\": false"):
        hf.load(tmp_path)


def test_weights_in_several_files(tmp_path: Path) -> None:
    model = their_model()
    model.save_pretrained(tmp_path, max_shard_size="5KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 1
    assert_same(our_logits(hf.load(tmp_path)), their_logits(model))
    next(tmp_path.glob("model-00002-*")).unlink()
    with pytest.raises(DataError, match=r"model-00002-of-.* is missing"):
        hf.load(tmp_path)


def test_an_index_without_its_map(tmp_path: Path, theirs: GPT2LMHeadModel) -> None:
    (tmp_path / "model.safetensors").rename(tmp_path / "model-1.safetensors")
    (tmp_path / "model.safetensors.index.json").write_text("{}")
    with pytest.raises(DataError, match="weight_map"):
        hf.load(tmp_path)


@pytest.mark.parametrize("name", ["../model.safetensors", "/etc/passwd", "a/b.safetensors", 3, ["a"], None])
def test_an_index_that_leads_elsewhere(tmp_path: Path, theirs: GPT2LMHeadModel, name: Any) -> None:
    (tmp_path / "model.safetensors").rename(tmp_path / "other.safetensors")
    index = {"weight_map": {"transformer.wte.weight": "other.safetensors", "transformer.wpe.weight": name}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(DataError, match="weight_map may only name files in the same folder"):
        hf.load(tmp_path)


def test_more_layers_than_there_are_weights_of(tmp_path: Path, theirs: GPT2LMHeadModel) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"n_layer": 10**9}))
    with pytest.raises(DataError, match=r"config\.json says n_layer = 1000000000, but the weights have 2 layers"):
        hf.load(tmp_path)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt"])
def test_pickled_weights_are_not_opened(tmp_path: Path, theirs: GPT2LMHeadModel, name: str) -> None:
    torch.save(theirs.state_dict(), tmp_path / name)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(DataError, match="pickled weights only"):
        hf.load(tmp_path)


def test_no_weights_at_all(tmp_path: Path, theirs: GPT2LMHeadModel) -> None:
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(DataError, match=r"model\.safetensors is missing"):
        hf.load(tmp_path)


@pytest.mark.parametrize("size", [0, 4, 500, 10_000])
def test_half_written_weights(tmp_path: Path, theirs: GPT2LMHeadModel, size: int) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(DataError, match="damaged or not a safetensors file"):
        hf.load(tmp_path)


def test_no_config(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"config\.json is missing"):
        hf.load(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "llama"}, "model_type = 'llama'; expected 'gpt2', as in GPT-2"),
        ({"model_type": None}, "model_type = None"),
        (
            {"activation_function": "quick_gelu"},
            "activation_function = 'quick_gelu'; expected one of gelu_new, gelu, relu",
        ),
        ({"activation_function": ["gelu"]}, r"activation_function = \['gelu'\]; expected one of gelu_new"),
        ({"layer_norm_epsilon": "1e-5"}, "layer_norm_epsilon = '1e-5'; expected a number above 0 and below 1"),
        ({"layer_norm_epsilon": 0.0}, r"layer_norm_epsilon = 0\.0; expected a number above 0 and below 1"),
        ({"tie_word_embeddings": False}, r"missing \['lm_head\.weight'\]"),
        ({"tie_word_embeddings": 0}, "tie_word_embeddings = 0; expected true or false"),
        ({"scale_attn_weights": "no"}, "scale_attn_weights = 'no'; expected true or false"),
        ({"scale_attn_by_inverse_layer_idx": 1}, "scale_attn_by_inverse_layer_idx = 1; expected true or false"),
        ({"add_cross_attention": True}, "add_cross_attention"),
        ({"n_embd": None}, "'n_embd' is missing"),
        ({"vocab_size": None}, "'vocab_size' is missing"),
        ({"n_head": 3}, "n_head = 3 does not divide n_embd = 16"),
        ({"n_layer": "two"}, r"config\.json"),
        ({"vocab_size": "many"}, r"config\.json"),
        ({"n_embd": 8}, r"has shape \(.*16.*\), but config\.json says \(.*8.*\)"),
        ({"vocab_size": 24}, r"wte\.weight has shape \(23, 16\), but config\.json says \(24, 16\)"),
        ({"n_positions": 64}, r"wpe\.weight has shape"),
        ({"n_layer": 3}, "says n_layer = 3, but the weights have 2 layers"),
        ({"n_layer": 1}, "says n_layer = 1, but the weights have 2 layers"),
    ],
)
def test_another_model_is_refused(
    tmp_path: Path, theirs: GPT2LMHeadModel, changes: dict[str, Any], message: str
) -> None:
    rewrite_config(tmp_path, **changes)
    with pytest.raises(DataError, match=message):
        hf.load(tmp_path)


def test_a_config_of_the_first_releases(tmp_path: Path, theirs: GPT2LMHeadModel) -> None:
    """The one of the Hub's gpt2 has n_ctx and lacks what later versions added."""
    later = ("n_inner", "tie_word_embeddings", "scale_attn_weights", "add_cross_attention", "n_positions")
    rewrite_config(tmp_path, n_ctx=32, **dict.fromkeys(later))
    assert_same(our_logits(hf.load(tmp_path)), their_logits(theirs))


def test_no_json_in_config(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(DataError, match="not a JSON file"):
        hf.load(tmp_path)


def test_new_tokens_start_at_the_mean_of_the_old(tiny_model: Build) -> None:
    model = tiny_model(vocab=10)
    before = model.head.detach().clone()
    grow_vocabulary(model, 12)
    assert model.vocab_size == 12
    assert torch.equal(model.head[:10], before)
    torch.testing.assert_close(model.head[10:], before.mean(0).expand(2, -1))
    assert model.head.requires_grad
    logits = model(torch.tensor([[1, 11]]))
    assert logits.shape == (1, 2, 12)
    assert (logits[..., 10:].amax() < logits.amax()).item(), "no new token outshouts the trained ones"


def test_new_tokens_start_halfway_to_the_end_of_a_text(tiny_model: Build) -> None:
    """So that what comes behind a separator is like the beginning of a text, before anything was learned."""
    for end, known in ((3, True), (11, False)):
        model = tiny_model(vocab=10)
        mean, row = model.head.mean(0), model.head[3].clone()
        grow_vocabulary(model, 12, end)
        torch.testing.assert_close(model.head[10:], ((mean + row) / 2 if known else mean).expand(2, -1))


def test_a_vocabulary_does_not_shrink(tiny_model: Build) -> None:
    with pytest.raises(DataError, match="prepare it with the tokenizer of this model"):
        grow_vocabulary(tiny_model(vocab=10), 9)


def test_another_kind_of_attention_is_not_called_a_gpt2(tiny_model: Build, tmp_path: Path) -> None:
    """It loads here, and Hugging Face refuses it rather than computing something else."""
    model, ids = tiny_model(attention="relative"), torch.randint(23, (2, 9))
    hf.save(tmp_path, model, 0)
    loaded = hf.load(tmp_path).eval()
    assert loaded.config.attention == "relative"
    assert torch.equal(loaded(ids), model(ids))
    with pytest.raises(ValueError, match="trust_remote_code=True"):
        AutoModelForCausalLM.from_pretrained(tmp_path, trust_remote_code=False)


@pytest.mark.parametrize("attention", ["local", "compressed", "local,compressed,local", "relative,compressed,full"])
def test_kinds_of_attention_by_layer_are_saved(tiny_model: Build, tmp_path: Path, attention: str) -> None:
    model = tiny_model(n_layer=3, attention=attention, block=4, compression=2)
    ids = torch.randint(23, (2, 30))
    hf.save(tmp_path, model, 0)
    described = json.loads((tmp_path / "config.json").read_text())
    assert (described["model_type"], described["attention"]) == ("gpt2kit", attention)
    assert described.get("block") == (4 if "local" in attention else None)
    assert described.get("compression") == (2 if "compressed" in attention else None)
    loaded = hf.load(tmp_path).eval()
    assert loaded.config.kinds == model.config.kinds
    assert torch.equal(loaded(ids), model(ids))


def test_all_layers_full_is_a_gpt2(tiny_model: Build, tmp_path: Path) -> None:
    model = tiny_model(attention="full,full")
    hf.save(tmp_path, model, 0)
    theirs = GPT2LMHeadModel.from_pretrained(tmp_path).eval()
    assert_same(our_logits(model), their_logits(theirs))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attention": "dilated"}, "unknown kind 'dilated'; expected one of full, relative, "),
        ({"attention": ["local", "full"]}, "unknown kind"),
        ({"attention": "local,compressed,local"}, "has 3 kinds; expected .*n_layer = 2"),
        ({"attention": "local"}, "not the weights of a GPT-2; missing \\[\\], unknown .*compress_k"),
        ({"attention": "compressed"}, "missing .*h.0.attn.compress_k"),
        ({"compression": 2}, r"compress_k has shape \(2, 3, 8, 8\), but config.json says \(2, 2, 8, 8\)"),
        ({"compression": 0}, "compression = 0; expected at least 1"),
        ({"block": "wide"}, r"config\.json"),
    ],
)
def test_kinds_that_cannot_be_are_refused(
    tiny_model: Build, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    hf.save(tmp_path, tiny_model(attention="local,compressed"), 0)
    rewrite_config(tmp_path, **changes)
    with pytest.raises(DataError, match=message):
        hf.load(tmp_path)
