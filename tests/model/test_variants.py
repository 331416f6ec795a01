"""Variants of GPT-2, such as Cerebras-GPT and Stanford's: logits, gradients and folders are those of transformers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from torch import Tensor
from torch._dynamo.testing import CompileCounter
from transformers import GPT2Config, GPT2ForSequenceClassification, GPT2LMHeadModel, GPT2Model
from transformers.activations import ACT2FN

from gpt2kit.config import ACTIVATIONS, ATTENTIONS, GenerateConfig, ModelConfig, TrainConfig
from gpt2kit.decoding.decode import answers, for_inference
from gpt2kit.errors import DataError
from gpt2kit.model import checkpoint, hf, kernels, lora, transformers_door
from gpt2kit.model.activations import ALIASES
from gpt2kit.model.attention_weights import attention_spans
from gpt2kit.model.freeze import freeze_below, merged
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.inference import InferenceGPT2
from gpt2kit.model.loss import TargetLoss
from gpt2kit.model.trace import layers
from gpt2kit.model.vocabulary import grow_vocabulary, set_aside
from gpt2kit.training import optim, state
from gpt2kit.training.optim import Average

# peft asks transformers by a name that the latter has given up
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")

Build = Callable[..., GPT2]

UNTIED = {"tie_word_embeddings": False}
ALL: dict[str, Any] = {
    "activation_function": "gelu",
    "layer_norm_epsilon": 1e-2,
    "scale_attn_weights": False,
    "scale_attn_by_inverse_layer_idx": True,
    **UNTIED,
}
VARIANTS: list[dict[str, Any]] = [
    *({key: value} for key, value in ALL.items()),
    {"activation_function": "relu"},
    ALL,
]
EVERY = pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: "-".join(map(str, variant.values())))
IDS = torch.arange(60).view(2, 30) * 7 % 23


def their_model(kind: Any = GPT2LMHeadModel, **changes: Any) -> Any:
    """A random model of Hugging Face, all of whose weights matter."""
    torch.manual_seed(0)
    shape: dict[str, Any] = {"vocab_size": 23, "n_layer": 3, "n_head": 2, "n_embd": 16, "n_positions": 32}
    model = kind(GPT2Config(**shape | {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0} | changes)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.3)
    return model


def same(found: Tensor, wanted: Tensor) -> None:
    torch.testing.assert_close(found, wanted, atol=2e-5, rtol=1e-5)
    assert wanted.std() > 0.1, "logits that are all alike would prove nothing"


@EVERY
@torch.no_grad()
def test_their_folder_gives_their_logits_and_ours_too(tmp_path: Path, variant: dict[str, Any]) -> None:
    theirs = their_model(**variant)
    theirs.save_pretrained(tmp_path / "theirs")
    ours = hf.load(tmp_path / "theirs").eval()
    assert not ours.remarks
    assert {key: getattr(ours.config, key) for key in variant} == variant
    wanted = theirs(IDS).logits
    same(ours(IDS), wanted)
    plain = their_model(**UNTIED if "tie_word_embeddings" in variant else {})
    plain.load_state_dict(theirs.state_dict())
    if variant != UNTIED:
        assert (plain(IDS).logits - wanted).abs().max() > 1e-4, "the variant matters"
    hf.save(tmp_path, ours, 0)
    loaded: Any = GPT2LMHeadModel.from_pretrained(tmp_path, output_loading_info=True)
    again, report = loaded
    assert not any(report.values()), report
    same(again.eval()(IDS).logits, wanted)
    assert torch.equal(hf.load(tmp_path).eval()(IDS), ours(IDS))


@torch.no_grad()
def test_a_stanford_gpt2_reorders_and_upcasts(tmp_path: Path) -> None:
    """That changes only rounding, and is not kept."""
    flags: dict[str, Any] = {"scale_attn_by_inverse_layer_idx": True, "reorder_and_upcast_attn": True}
    theirs = their_model(**flags, attn_implementation="eager")
    assert theirs.transformer.h[1].attn.reorder_and_upcast_attn
    theirs.save_pretrained(tmp_path)
    same(hf.load(tmp_path).eval()(IDS), theirs(IDS).logits)


def test_every_activation_function_is_theirs() -> None:
    x = torch.cat((torch.linspace(-12, 12, 2001), torch.tensor([-1e4, 1e4])))
    for name in (*ACTIVATIONS, *ALIASES):
        of_ours = GPT2(ModelConfig(n_embd=8, activation_function=ALIASES.get(name, name)), 5).transformer.blocks()[0]
        torch.testing.assert_close(of_ours.mlp.act(x), ACT2FN[name](x), atol=2e-6, rtol=1e-6)
    assert ModelConfig().activation_function == "gelu_new"


def test_another_name_of_an_activation_function(tmp_path: Path) -> None:
    for alias, name in ALIASES.items():
        theirs = their_model(n_layer=1, activation_function=alias)
        theirs.save_pretrained(tmp_path)
        ours = hf.load(tmp_path).eval()
        assert ours.config.activation_function == name
        with torch.no_grad():
            same(ours(IDS), theirs(IDS).logits)


@EVERY
def test_gradients_are_theirs(tmp_path: Path, variant: dict[str, Any]) -> None:
    theirs = their_model(**variant)
    theirs.save_pretrained(tmp_path)
    model = hf.load(tmp_path, dropout=0.0)
    labels = IDS[:, 1:].flatten()
    loss, _ = TargetLoss()(model.train().hidden(IDS)[:, :-1].flatten(0, 1), model.head, labels)
    loss.backward()
    wanted = torch.nn.functional.cross_entropy(theirs(IDS).logits[:, :-1].flatten(0, 1), labels, reduction="sum")
    wanted.backward()
    torch.testing.assert_close(loss, wanted)
    gradients = {name: parameter.grad for name, parameter in theirs.named_parameters()}
    assert gradients.keys() == {name for name, _ in model.named_parameters()}
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None
        found = checkpoint.stored(name, parameter.grad)
        scale = float(gradients[name].abs().max())
        torch.testing.assert_close(found, gradients[name], atol=1e-4 * scale, rtol=1e-3, msg=name)


def mixed(tiny_model: Build, **changes: Any) -> GPT2:
    """Every kind of attention, and all that a variant has."""
    every = {"n_layer": 5, "attention": "full,relative,local,compressed,relative", "block": 4, "compression": 2}
    return tiny_model(**every | ALL | changes)


@torch.no_grad()
def test_other_attention_in_transformers(tiny_model: Build, tmp_path: Path) -> None:
    for kind in ATTENTIONS:
        model = tiny_model(n_layer=2, attention=kind, block=4, **ALL)
        hf.save(tmp_path, model, 0)
        same(transformers_door.pretrained(tmp_path, False)(IDS).logits, model(IDS))
        assert torch.equal(hf.load(tmp_path).eval()(IDS), model(IDS))


@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize("packed", [False, True])
@torch.inference_mode()
def test_cached_equals_full(tiny_model: Build, monkeypatch: pytest.MonkeyPatch, static: bool, packed: bool) -> None:
    monkeypatch.setattr(kernels, "LARGE", 0 if packed else 2**62)
    for activation in ("gelu", "relu"):
        model = mixed(tiny_model, activation_function=activation)
        decoder, lengths = InferenceGPT2(model, "fp32"), [5, 1, 3]
        ids = torch.randint(23, (3, 16))
        full, cache = model(ids), decoder.new_cache(3, 20, static=static)
        logits = decoder.prefill(ids[:, :5], lengths, cache)
        for step in range(11):
            at = torch.tensor(lengths) + step
            same(logits, full[torch.arange(3), at - 1])
            logits = decoder.step(ids.gather(1, at[:, None]), cache)[:, 0]


def test_greedy_answers_are_theirs_in_a_batch_too(tmp_path: Path) -> None:
    theirs = their_model(**ALL)
    theirs.save_pretrained(tmp_path)
    prompts = [[1, 2, 3], [4], [5, 6, 7, 8, 9, 10], [11, 12]]
    config = GenerateConfig(max_new_tokens=12, device="cpu", dtype="fp32")
    found = answers(for_inference(hf.load(tmp_path), "fp32"), prompts, config, stop=0)
    ours = {each.index: each.answers[0].ids for each in found}
    for index, prompt in enumerate(prompts):
        ids = torch.tensor([prompt])
        text = theirs.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False)
        assert [id for id in text[0, len(prompt) :].tolist() if id] == ours[index]


@torch.no_grad()
def test_attention_weights_and_heads_of_a_trace(tiny_model: Build, tmp_path: Path) -> None:
    theirs = their_model(scale_attn_by_inverse_layer_idx=True, scale_attn_weights=False, attn_implementation="eager")
    theirs.save_pretrained(tmp_path)
    wanted = theirs(IDS[:1], output_attentions=True).attentions
    (*_, (_, last)) = attention_spans(hf.load(tmp_path), IDS[0].tolist())
    torch.testing.assert_close(last, torch.stack([each[0, :, -1] for each in wanted]), atol=1e-5, rtol=1e-5)
    model = mixed(tiny_model)
    for layer, block in zip(layers(model, IDS[0].tolist()), model.transformer.blocks(), strict=True):
        summed = layer.heads.sum(0) + block.attn.c_proj.bias
        torch.testing.assert_close(summed, layer.attention, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_layers_of_different_scales_do_not_exhaust_the_compiler(tiny_model: Build) -> None:
    model = tiny_model(n_layer=4, scale_attn_by_inverse_layer_idx=True)
    wanted, counter = model(IDS), CompileCounter()
    for block in model.transformer.blocks():
        block.compile(dynamic=True, backend=counter)
    for length in (9, 20):
        same(model(IDS[:, :length]), wanted[:, :length])
    assert counter.frame_count <= 3, "not once for each layer"


@torch.no_grad()
def test_a_classifier_of_theirs_has_no_other_head(tmp_path: Path) -> None:
    theirs = their_model(GPT2ForSequenceClassification, num_labels=3, **ALL)
    theirs.save_pretrained(tmp_path)
    ours = hf.load(tmp_path).eval()
    assert ours.labels == ("LABEL_0", "LABEL_1", "LABEL_2")
    assert ours.lm_head is None
    ids = IDS % 22 + 1
    same(logits_of_labels(ours, ids), theirs(ids).logits)


def logits_of_labels(model: GPT2, ids: Tensor) -> Tensor:
    assert model.score is not None
    found: Tensor = model.score(model.hidden(ids)[:, -1])
    return found


@torch.no_grad()
def test_our_classifier_in_transformers(tmp_path: Path, tiny_model: Build) -> None:
    """The head of the language model, which may be trained next to it, stays in the folder."""
    model = tiny_model(**ALL)
    model.set_classifier(("no", "yes"))
    assert model.score is not None
    torch.nn.init.normal_(model.score.weight)
    hf.save(tmp_path, model, 0)
    theirs = transformers_door.pretrained(tmp_path, True)
    ids = IDS % 22 + 1
    same(logits_of_labels(model, ids), theirs(ids).logits)
    loaded = hf.load(tmp_path).eval()
    assert torch.equal(loaded(ids), model(ids))
    assert loaded.config == model.config


def test_a_language_model_without_its_head(tmp_path: Path) -> None:
    their_model(GPT2Model, **UNTIED).save_pretrained(tmp_path)
    with pytest.raises(DataError, match=r"missing \['lm_head\.weight'\]"):
        hf.load(tmp_path)


# A head of its own


def test_both_tables_grow_and_have_surplus_rows(tmp_path: Path, tiny_model: Build) -> None:
    model = tiny_model(vocab=32, **UNTIED)
    assert model.lm_head is not None
    before = {name: table.weight.detach().clone() for name, table in model.tables.items()}
    wanted = model(IDS % 20)[..., :20]
    assert set_aside(model, 20) == 12
    torch.testing.assert_close(model(IDS % 20), wanted)
    grow_vocabulary(model, 22)
    for name, table in model.tables.items():
        assert torch.equal(table.weight[:20], before[name][:20])
        torch.testing.assert_close(table.weight[20:], before[name][:20].mean(0).expand(2, -1))
        assert torch.equal(model.surplus_of[name], before[name][22:])
    hf.save(tmp_path, model, 0)
    theirs: Any = GPT2LMHeadModel.from_pretrained(tmp_path)
    assert torch.equal(theirs.lm_head.weight[22:], before["lm_head"][22:])
    loaded = hf.load(tmp_path).eval()
    with torch.no_grad():
        ids = IDS % 22
        same(loaded(ids), theirs(ids).logits[..., :22])
    assert set(loaded.surplus_of) == set(before)
    assert set(merged(loaded).surplus_of) == set(before)


def test_a_state_has_the_surplus_rows_of_both(tmp_path: Path, tiny_model: Build) -> None:
    first, second = tiny_model(vocab=32, **UNTIED), tiny_model(vocab=20, seed=2, **UNTIED)
    set_aside(first, 20)
    state.save(tmp_path / "state", first, None, [], {"step": 3})
    state.load(tmp_path / "state", second, None, [])
    assert second.surplus_of.keys() == first.surplus_of.keys() == {"transformer.wte", "lm_head"}
    assert all(torch.equal(rows, first.surplus_of[name]) for name, rows in second.surplus_of.items())
    assert torch.equal(first.head, second.head)


@pytest.mark.parametrize("new", [0, 3])
def test_adapters_are_those_of_peft(tiny_model: Build, tmp_path: Path, new: int) -> None:
    model = tiny_model(vocab=24, **ALL)
    for name in ("base", "run"):
        (tmp_path / name).mkdir()
    hf.save(tmp_path / "base", model, 0)
    frozen = model.head.detach().clone()
    grow_vocabulary(model, 24 + new)
    lora.adapt(model, 4, 6.0, ("c_attn", "c_fc"), new)
    labels = IDS.flatten()
    for _ in range(2):
        hidden = model.hidden(IDS).flatten(0, 1)
        TargetLoss()(hidden, model.head, labels, new_MD=model.new_rows)[0].backward()
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.requires_grad:
                    assert parameter.grad is not None
                    parameter.add_(0.1 * torch.randn_like(parameter) - 1e-3 * parameter.grad)
    assert torch.equal(model.head[:24], frozen)
    assert (model.new_rows is not None) == bool(new)
    hf.save(tmp_path / "run", model.eval(), 0, base=str(tmp_path / "base"))
    theirs = GPT2LMHeadModel.from_pretrained(tmp_path / "base")
    if new:
        theirs.resize_token_embeddings(24 + new, mean_resizing=False)
    adapted = PeftModel.from_pretrained(theirs, str(tmp_path / "run")).eval()
    ids = IDS.clone()
    ids[0, -1] = 23 + new
    with torch.no_grad():
        ours = model(ids)
        same(ours, adapted(ids).logits)
        same(merged(model)(ids), ours)
        same(hf.load(tmp_path / "run", base=tmp_path / "base").eval()(ids), ours)


def test_a_frozen_model_trains_its_head(tiny_model: Build) -> None:
    """It comes after the blocks; of the embedding only the rows of new tokens learn."""
    model = tiny_model(vocab=24, **UNTIED)
    grow_vocabulary(model, 26)
    freeze_below(model, 1, 2)
    learning = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert {"lm_head.weight", "transformer.wte.new"} < learning
    assert not {"transformer.wte.whole", "transformer.wpe.weight", "transformer.h.0.ln_1.weight"} & learning


def test_the_head_learns_at_the_rate_and_decay_of_the_embedding(tiny_model: Build) -> None:
    model = tiny_model(**UNTIED)
    for optimizer in ("adamw", "muon"):
        groups = optim.build(model, TrainConfig(optimizer=optimizer, weight_decay=0.3))[0].param_groups
        decayed = {id(each) for each in groups[0]["params"]}
        assert {id(model.head), id(model.transformer.wte.weight)} <= decayed
    assert "lm_head.weight" in Average(model, 0.9).weights
