"""Runs of other kinds than a translator in Trainer of transformers, and what it saves: gpt2kit reads that."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import AutoPeftModelForCausalLM
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
)

from gpt2kit.data.bpe import Bpe
from gpt2kit.model import hf, hf_config
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.pipeline.opening import model_in

RunOf = Callable[..., Path]

TEXTS = ["the robot", "a fine text, a fine text", "dull"]

pytestmark = [
    pytest.mark.filterwarnings("ignore:'pin_memory' argument is set as true:UserWarning"),
    # peft asks transformers by a name that the latter has given up
    pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning"),
]


def trained(model: Any, tokenizer: Any, rows: list[dict[str, Any]], collator: Any, folder: Path) -> None:
    """Train two steps, and save the model with its tokenizer."""
    before = {name: weight.detach().clone() for name, weight in model.named_parameters() if weight.requires_grad}
    arguments = TrainingArguments(
        output_dir=str(folder / "out"),
        max_steps=2,
        per_device_train_batch_size=3,
        learning_rate=1e-2,
        report_to=[],
        use_cpu=True,
        save_strategy="no",
        disable_tqdm=True,
    )
    trainer = Trainer(model, arguments, train_dataset=rows, data_collator=collator, processing_class=tokenizer)
    assert trainer.train().global_step == 2
    changed = {name: weight for name, weight in model.named_parameters() if name in before}
    assert any(not torch.equal(weight, before[name]) for name, weight in changed.items())
    trainer.save_model(str(folder / "saved"))
    again = AutoTokenizer.from_pretrained(folder / "saved", trust_remote_code=True)
    assert [again(text).input_ids for text in TEXTS] == [tokenizer(text).input_ids for text in TEXTS]
    model.eval()


@torch.no_grad()
def assert_same(ours: GPT2, theirs: Any) -> None:
    ids = torch.tensor([[5, 9, 6, 7]])
    found = ours.score(ours.hidden(ids)[:, -1]) if ours.score is not None else ours(ids)
    torch.testing.assert_close(found, theirs(ids).logits, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("kind", ["lm", "adapters"])
def test_a_model_that_generates(run_of: RunOf, tmp_path: Path, kind: str) -> None:
    if kind == "lm":
        run = run_of("lm")
        model: Any = AutoModelForCausalLM.from_pretrained(run)
    else:
        run = run_of("translate", "train.lora=2", init=run_of("translate"))
        model = AutoPeftModelForCausalLM.from_pretrained(run, is_trainable=True)
    tokenizer = AutoTokenizer.from_pretrained(run, padding_side="right")
    rows = [{"input_ids": ids, "labels": ids} for ids in (tokenizer(text).input_ids for text in TEXTS)]
    trained(model, tokenizer, rows, DataCollatorForSeq2Seq(tokenizer), tmp_path)
    if kind == "adapters":  # peft does not save what it has not read
        shutil.copy(run / hf_config.MERGED_CONFIG, tmp_path / "saved")
    assert_same(model_in(tmp_path / "saved").eval(), model)


@pytest.mark.parametrize("settings", [[], ["model.attention=local", "model.block=16"]], ids=["full", "local"])
def test_a_classifier(run_of: RunOf, tmp_path: Path, settings: list[str]) -> None:
    """Its tokenizer adds the same tokens to a text, and its labels have the same names."""
    run = run_of("labelled", *settings)
    tokenizer = AutoTokenizer.from_pretrained(run)
    model = AutoModelForSequenceClassification.from_pretrained(run, trust_remote_code=True)
    rows = [dict(tokenizer(text)) | {"label": number % 2} for number, text in enumerate(TEXTS)]
    trained(model, tokenizer, rows, DataCollatorWithPadding(tokenizer), tmp_path)
    ours = hf.load(tmp_path / "saved").eval()
    assert ours.labels == ("bad", "good")
    assert Bpe.load(tmp_path / "saved").frame == Bpe.load(run).frame is not None
    assert_same(ours, model)
