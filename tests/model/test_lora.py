"""Adapters: what learns, what is saved, and that `peft` loads it to the same logits."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import GPT2ForSequenceClassification, GPT2LMHeadModel

from gpt2kit.errors import DataError
from gpt2kit.model import hf, lora
from gpt2kit.model.freeze import freeze_below, merged, only_new_tokens
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.loss import TargetLoss
from gpt2kit.model.vocabulary import grow_vocabulary

# peft asks transformers by a name that the latter has given up
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")

BuildModel = Callable[..., GPT2]
IDS = torch.tensor([[3, 1, 24, 7, 5, 25, 2]])
TARGETS = [("c_attn",), ("c_attn", "attn.c_proj", "c_fc", "mlp.c_proj")]


def trained(model: GPT2) -> GPT2:
    """All that learns is somewhere else than it began."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def saved_base(tiny_model: BuildModel, folder: Path) -> GPT2:
    base = tiny_model(vocab=24)
    folder.mkdir()
    hf.save(folder, base, eos=0)
    return base


def test_before_the_first_step_nothing_is_different(tiny_model: BuildModel) -> None:
    model, same = tiny_model(), tiny_model()
    lora.adapt(model, 4, 8.0, ("c_attn", "mlp.c_proj"), 0)
    ids = IDS.clamp(max=22)
    torch.testing.assert_close(model(ids), same(ids))
    learning = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    expected = {
        f"transformer.h.{n}.{part}.lora_{k}" for n in (0, 1) for part in ("attn.c_attn", "mlp.c_proj") for k in "AB"
    }
    assert learning == expected


@pytest.mark.parametrize("targets", TARGETS)
@pytest.mark.parametrize("new", [0, 3])
def test_peft_loads_it(tiny_model: BuildModel, tmp_path: Path, targets: tuple[str, ...], new: int) -> None:
    """New tokens included: the base is resized, as theirs always has to be."""
    model = saved_base(tiny_model, tmp_path / "base")
    grow_vocabulary(model, 24 + new)
    lora.adapt(model, 4, 6.0, targets, new)
    trained(model)
    (tmp_path / "run").mkdir()
    hf.save(tmp_path / "run", model, 0, base=str(tmp_path / "base"))
    assert not (tmp_path / "run" / hf.WEIGHTS).exists()
    theirs = GPT2LMHeadModel.from_pretrained(tmp_path / "base")
    if new:
        theirs.resize_token_embeddings(24 + new, mean_resizing=False)
    adapted = PeftModel.from_pretrained(theirs, str(tmp_path / "run")).eval()
    ids = IDS.clamp(max=23 + new)
    with torch.no_grad():
        wanted, ours = adapted(ids).logits, model(ids)
    torch.testing.assert_close(ours, wanted, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(merged(model)(ids), ours, atol=1e-4, rtol=1e-4)
    loaded = hf.load(tmp_path / "run", base=tmp_path / "base")
    torch.testing.assert_close(loaded(ids), ours, atol=1e-4, rtol=1e-4)
    assert all(parameter.requires_grad for parameter in loaded.parameters())


def test_peft_loads_a_classifier(tiny_model: BuildModel, tmp_path: Path) -> None:
    model = saved_base(tiny_model, tmp_path / "base")
    model.set_classifier(("no", "yes"))
    lora.adapt(model, 2, 2.0, ("c_attn",), 0)
    trained(model)
    (tmp_path / "run").mkdir()
    hf.save(tmp_path / "run", model, 0, base=str(tmp_path / "base"))
    theirs = GPT2ForSequenceClassification.from_pretrained(tmp_path / "base", num_labels=2, pad_token_id=0)
    adapted = PeftModel.from_pretrained(theirs, str(tmp_path / "run")).eval()
    ids = IDS.clamp(max=23)
    with torch.no_grad():
        wanted = adapted(ids).logits
        zero = torch.zeros(1, dtype=torch.long)
        ours = model.classify(model.hidden(ids)[:, -1], zero, zero, 1)
    torch.testing.assert_close(ours, wanted, atol=1e-4, rtol=1e-4)


def test_an_adapter_of_another_base(tiny_model: BuildModel, tmp_path: Path) -> None:
    model = saved_base(tiny_model, tmp_path / "base")
    lora.adapt(model, 2, 2.0, ("c_attn",), 0)
    (tmp_path / "run").mkdir()
    hf.save(tmp_path / "run", model, 0, base=str(tmp_path / "base"))
    for other in (tiny_model(vocab=24, n_embd=32), tiny_model(vocab=24, n_layer=1)):
        with pytest.raises(DataError):
            lora.load(tmp_path / "run", other)


def test_only_what_is_new_learns_of_a_frozen_model(tiny_model: BuildModel) -> None:
    model = tiny_model(vocab=24)
    grow_vocabulary(model, 26)
    before = merged(model)
    freeze_below(model, 1, 2)
    trained(model)
    after = dict(merged(model).named_parameters())
    for name, parameter in before.named_parameters():
        if name == "transformer.wte.weight":
            assert torch.equal(parameter[:24], after[name][:24])
            assert not torch.equal(parameter[24:], after[name][24:])
        else:
            frozen = name.startswith(("transformer.h.0.", "transformer.wpe"))
            assert torch.equal(parameter, after[name]) == frozen, name


def test_new_tokens_learn_as_in_an_embedding_of_which_all_learns(tiny_model: BuildModel) -> None:
    """Steps on the loss move the new rows by the gradient that a whole, tied embedding has there."""
    model, whole = tiny_model(vocab=24), tiny_model(vocab=24)
    for each in (model, whole):
        grow_vocabulary(each, 26)
    only_new_tokens(model, 2)
    labels = IDS.clamp(max=25).flatten()
    for _ in range(3):
        for each in (model, whole):
            each.zero_grad()
            hidden = each.hidden(IDS.clamp(max=25)).flatten(0, 1)
            TargetLoss()(hidden, each.head, labels, new_MD=each.new_rows)[0].backward()
        new, embedding = model.new_rows, whole.transformer.wte.weight
        assert new is not None
        assert new.grad is not None
        assert embedding.grad is not None
        torch.testing.assert_close(new.grad, embedding.grad[24:])
        with torch.no_grad():
            new.sub_(1e-2 * new.grad)
            embedding[24:].sub_(1e-2 * embedding.grad[24:])
        torch.testing.assert_close(model.head, whole.head)


def test_gradients_reach_what_learns_alone(tiny_model: BuildModel) -> None:
    model = tiny_model(vocab=24)
    grow_vocabulary(model, 26)
    lora.adapt(model, 2, 2.0, ("c_attn",), 2)
    model(IDS.clamp(max=25)).logsumexp(-1).sum().backward()
    for name, parameter in model.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, name
