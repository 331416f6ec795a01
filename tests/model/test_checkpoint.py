"""Folders that other programs wrote: what is read, what is left out, and how the rest can be converted."""

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import GPT2Config, GPT2DoubleHeadsModel, GPT2ForTokenClassification, GPT2LMHeadModel

from gpt2kit.errors import DataError
from gpt2kit.model import checkpoint, hf, hf_config

IDS = torch.arange(60).view(2, 30) % 23


def their_model(kind: Any = GPT2LMHeadModel, **changes: Any) -> Any:
    """A random model of Hugging Face, all of whose weights matter."""
    torch.manual_seed(0)
    model = kind(GPT2Config(vocab_size=23, n_layer=2, n_head=2, n_embd=16, n_positions=32, **changes)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.2)
    return model


def rewrite(folder: Path, change: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> None:
    path = folder / "model.safetensors"
    save_file({name: weight.contiguous().clone() for name, weight in change(load_file(path)).items()}, path)


def assert_same(folder: Path, theirs: GPT2LMHeadModel, *remarks: str) -> None:
    """The folder gives their logits, with these remarks."""
    ours = hf.load(folder).eval()
    with torch.inference_mode():
        torch.testing.assert_close(ours(IDS), theirs(IDS).logits, atol=1e-5, rtol=0)
    assert len(ours.remarks) == len(remarks)
    for said, expected in zip(ours.remarks, remarks, strict=True):
        assert expected in said


@pytest.fixture
def theirs(tmp_path: Path) -> GPT2LMHeadModel:
    """Their tiny model, saved in tmp_path as they save it."""
    model: GPT2LMHeadModel = their_model()
    model.save_pretrained(tmp_path)
    return model


@pytest.mark.parametrize("prefix", ["_orig_mod.", "module.", "module._orig_mod.", "model.", "_orig_mod.model."])
@pytest.mark.parametrize("bare", [False, True])
def test_prefixes_of_wrappers(tmp_path: Path, theirs: GPT2LMHeadModel, prefix: str, bare: bool) -> None:
    def wrapped(weights: dict[str, Tensor]) -> dict[str, Tensor]:
        return {f"{prefix}{n.removeprefix('transformer.') if bare else n}": w for n, w in weights.items()}

    rewrite(tmp_path, wrapped)
    said = ", ".join(f"{word}." for word in sorted(prefix.rstrip(".").split("."), key=lambda word: word == "model"))
    assert_same(tmp_path, theirs, f"have {said} in them, which is left out")


@pytest.mark.parametrize("prefix", ["base_model.model.", "net.gpt.", "transformer."])
def test_the_model_as_a_part_of_another_module(tmp_path: Path, theirs: GPT2LMHeadModel, prefix: str) -> None:
    rewrite(tmp_path, lambda weights: {f"{prefix}{name}": weight for name, weight in weights.items()})
    assert_same(tmp_path, theirs, f"have {prefix} in them, which is left out")


def test_weights_that_are_not_those_of_a_gpt2(tmp_path: Path, theirs: GPT2LMHeadModel) -> None:
    rewrite(tmp_path, lambda weights: {f"{name}_q": (100 * weight).to(torch.int8) for name, weight in weights.items()})
    with pytest.raises(DataError, match=r"h\.0\.attn\.c_attn\.bias_q has integers; quantized weights"):
        hf.load(tmp_path)
    rewrite(tmp_path, lambda _: {"model.layers.0.q_proj.weight": torch.zeros(2, 2)})
    with pytest.raises(DataError, match=r"ln_1\.weight; the first is model\.layers\.0\.q_proj\.weight"):
        hf.load(tmp_path)


@pytest.mark.parametrize("wrap", [partial(torch.compile, backend="eager"), nn.DataParallel])
def test_the_names_that_wrappers_give(tmp_path: Path, theirs: GPT2LMHeadModel, wrap: Callable[..., Any]) -> None:
    """As `save_file(wrapped.state_dict())` writes them, also with blocks that are wrapped one by one."""
    theirs.transformer.h[1] = wrap(theirs.transformer.h[1])
    state = {name: weight.clone() for name, weight in wrap(theirs).state_dict().items()}
    assert not set(state) & set(load_file(tmp_path / "model.safetensors"))
    save_file(state, tmp_path / "model.safetensors")
    theirs = their_model()
    assert_same(tmp_path, theirs, "module." if wrap is nn.DataParallel else "_orig_mod.")


def test_a_name_with_and_without_its_prefix(tmp_path: Path, theirs: GPT2LMHeadModel) -> None:
    name = "transformer.ln_f.bias"
    rewrite(tmp_path, lambda weights: weights | {f"module.{name}": weights[name]})
    assert_same(tmp_path, theirs, "module.")
    rewrite(tmp_path, lambda weights: weights | {f"module.{name}": weights[name] + 1})
    with pytest.raises(DataError, match=f"has {name} twice, with different values: once as "):
        hf.load(tmp_path)


@pytest.mark.parametrize(
    ("kind", "head"), [(GPT2DoubleHeadsModel, "multiple_choice_head"), (GPT2ForTokenClassification, "classifier")]
)
def test_a_second_head_is_left_out(tmp_path: Path, kind: Any, head: str) -> None:
    model = their_model(kind)
    model.save_pretrained(tmp_path)
    assert any(name.startswith(head) for name in load_file(tmp_path / "model.safetensors"))
    theirs = GPT2LMHeadModel(model.config).eval()
    theirs.transformer = model.transformer
    theirs.tie_weights()
    assert_same(tmp_path, theirs, f"has a second head, {head}, which is left out")


def test_the_head_alone_of_two_tied_names(tmp_path: Path, theirs: GPT2LMHeadModel) -> None:
    def only_head(weights: dict[str, Tensor]) -> dict[str, Tensor]:
        return weights | {"lm_head.weight": weights.pop("transformer.wte.weight")}

    rewrite(tmp_path, only_head)
    assert_same(tmp_path, theirs)


def test_matrices_as_nanogpt_stores_them(tmp_path: Path, theirs: GPT2LMHeadModel) -> None:
    """[out, in], with a head next to the embedding; and without biases, which is a bias of 0."""

    def of_nanogpt(weights: dict[str, Tensor]) -> dict[str, Tensor]:
        found = {f"_orig_mod.{name}": checkpoint.stored(name, weight) for name, weight in weights.items()}
        return found | {"_orig_mod.lm_head.weight": weights["transformer.wte.weight"]}

    rewrite(tmp_path, of_nanogpt)
    assert_same(tmp_path, theirs, "_orig_mod.", "has the layout of nanoGPT, whose matrices are transposed")
    rewrite(tmp_path, lambda weights: {name: w for name, w in weights.items() if not name.endswith(".bias")})
    with torch.no_grad():
        for name, parameter in theirs.named_parameters():
            if name.endswith(".bias"):
                parameter.zero_()
    assert_same(tmp_path, theirs, "_orig_mod.", "nanoGPT", "has no biases: they begin at 0")


@pytest.mark.parametrize("named", [True, False])
def test_a_model_of_nanogpt_s_own(tmp_path: Path, named: bool) -> None:
    """Its GELU is the exact one, which nothing in the weights says."""
    theirs = their_model(activation_function="gelu" if named else "gelu_new")
    weights = {name: checkpoint.stored(name, each).contiguous() for name, each in theirs.named_parameters()}
    save_file(weights, tmp_path / "model.safetensors")
    sizes = {key: getattr(theirs.config, key) for key in ("n_layer", "n_head", "n_embd", "n_positions", "vocab_size")}
    described = {"model_type": "gpt2", **sizes} | ({"activation_function": "gelu"} if named else {})
    (tmp_path / "config.json").write_text(json.dumps(described), encoding="utf-8")
    doubt = [] if named else ["names no activation_function, so it is GPT-2's gelu_new; nanoGPT's own models use gelu"]
    assert_same(tmp_path, theirs, "has the layout of nanoGPT", *doubt)


@pytest.mark.parametrize(
    ("names", "wrapped"),
    [
        (["pytorch_model.bin"], ""),
        (["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"], ""),
        (["ckpt.pt"], "model"),
        (["last.ckpt"], "state_dict"),
        (["weights.pth"], ""),
    ],
)
def test_the_two_lines_convert_pickled_weights(
    tmp_path: Path, theirs: GPT2LMHeadModel, names: list[str], wrapped: str
) -> None:
    """Typed as the message has them, next to what trainers save; tied weights share their memory in the pickle."""
    state, weights = theirs.state_dict(), tmp_path / "model.safetensors"
    weights.unlink()
    parts = [list(state.items())[number :: len(names)] for number in range(len(names))]
    for name, part in zip(names, parts, strict=True):
        torch.save({wrapped: dict(part), "step": 3} if wrapped else dict(part), tmp_path / name)
    for other in ("training_args.bin", "optimizer.pt", "scheduler.pt", "rng_state.pth"):
        torch.save({}, tmp_path / other)
    with pytest.raises(DataError, match="has pickled weights only, which can run code; two lines of Python") as error:
        hf.load(tmp_path)
    _, *lines = str(error.value).split("\n")
    assert len(lines) == 2
    assert "weights_only=True" in lines[0]
    exec("\n".join(line.strip() for line in lines), {})  # what a user is told to type
    assert_same(tmp_path, theirs)
    with torch.inference_mode():
        again = GPT2LMHeadModel.from_pretrained(tmp_path).eval()(IDS).logits
    torch.testing.assert_close(again, theirs(IDS).logits)


def test_of_several_checkpoints_the_newest_is_named(tmp_path: Path) -> None:
    """A training folder of nanoGPT has no config.json yet: the weights are what is said first."""
    for name, age in (("ckpt-1.pt", 20), ("ckpt-3.pt", 0), ("ckpt-2.pt", 10)):
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, (1e9 - age, 1e9 - age))
    with pytest.raises(DataError, match=r"ckpt-3\.pt") as error:
        hf.load(tmp_path)
    assert "ckpt-2" not in str(error.value)
    with pytest.raises(DataError, match=r"ckpt-3\.pt"):
        hf_config.read(tmp_path)


@pytest.mark.parametrize(
    ("name", "library"),
    [("tf_model.h5", "TensorFlow"), ("flax_model.msgpack", "Flax"), ("model.ckpt.index", "TensorFlow")],
)
def test_weights_of_another_library(tmp_path: Path, theirs: GPT2LMHeadModel, name: str, library: str) -> None:
    (tmp_path / "model.safetensors").rename(tmp_path / name)
    with pytest.raises(DataError, match=rf"has weights of {library} only, such as {name}; expected model\.safetensors"):
        hf.load(tmp_path)


def test_weights_under_another_name(tmp_path: Path, theirs: GPT2LMHeadModel) -> None:
    (tmp_path / "model.safetensors").rename(tmp_path / "ckpt.safetensors")
    with pytest.raises(DataError, match=r"model\.safetensors is missing; if ckpt\.safetensors has the weights, rename"):
        hf.load(tmp_path)


def test_a_clone_without_git_lfs(tmp_path: Path, theirs: GPT2LMHeadModel) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0f1e\nsize 548105171\n"
    (tmp_path / "model.safetensors").write_text(pointer, encoding="utf-8")
    with pytest.raises(DataError, match=r"is the placeholder of a file in Git LFS.*: run `git lfs pull` in "):
        hf.load(tmp_path)


def test_no_remarks_on_a_folder_of_ours(tmp_path: Path, theirs: GPT2LMHeadModel) -> None:
    ours = hf.load(tmp_path)
    assert ours.remarks == ()
    hf.save(tmp_path, ours, 0)
    assert "surplus_rows" not in json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    assert_same(tmp_path, theirs)
