"""Training, by gpt2kit and by its peers: the same weights, rows, dtype and AdamW; a tick after each optimiser step."""

import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from turns import Program, Settings, Turn

from gpt2kit import load_recipe
from gpt2kit.config import TrainConfig
from gpt2kit.data.batches import RowBatches
from gpt2kit.data.store import Store
from gpt2kit.model import hf
from gpt2kit.model.device import autocast, pick_device, pick_dtype
from gpt2kit.training import events, loop
from peers import plain

BETAS, DECAY, CLIP = (0.9, TrainConfig.beta2), TrainConfig.weight_decay, TrainConfig.clip

CHECK = 4
"""The training loss of this step goes into the results: programs that do the same have about the same."""


def gpt2kit(settings: Settings, turn: Turn) -> None:
    """The real loop. `compile` is on by default, which `auto` takes by itself for any run of more than minutes."""
    recipe = load_recipe("translate")
    config = replace(recipe.train, **{"steps": 10**6, "warmup": 0.0, "compile": "on"} | settings["train"])
    model = hf.load(Path(settings["weights"]))
    store = Store(Path(settings["data"]), "train")
    count = _counter(store, config, settings["count"])
    for event in _events(model, store, config, turn):
        if isinstance(event, events.StepDone):
            if event.step == CHECK:
                turn.note(loss=round(event.loss, 4))
            turn.tick(next(count))


def _events(model: Any, store: Store, config: TrainConfig, turn: Turn) -> Iterator[events.Event]:
    """All that this benchmark knows of how the loop is called. Nothing is ever validated or saved."""
    with tempfile.TemporaryDirectory() as folder:
        work = loop.Loop(model, store, None, config, Path(folder))
        for event in work.run(lambda model: None):
            if isinstance(event, events.Start):
                turn.note(dtype=event.dtype, padding=round(event.padding, 4))
            elif isinstance(event, events.Fitted):
                turn.note(accumulate=event.accumulate)
            yield event


def _counter(store: Store, config: TrainConfig, what: str) -> Iterator[int]:
    """What each step of the loop counts for: its rows' tokens, padding left out, or its targets' positions."""
    batches = RowBatches(store, config.batch_tokens, config.seed)
    epoch = 0
    while True:
        for rows in batches.epoch(epoch):
            yield batches.tokens(rows) - (len(rows) if what == "positions" else 0)
        epoch += 1


def plain_loop(settings: Settings, turn: Turn) -> None:
    """The plain model, compiled as a whole."""
    device = pick_device("auto")
    model = plain.load(Path(settings["weights"]), 64 if device.type == "cuda" else 1).to(device)
    forward = torch.compile(model)
    _simple_loop(model, lambda inputs, targets: forward(inputs, targets), settings, turn)


def huggingface_loop(settings: Settings, turn: Turn) -> None:
    """GPT2LMHeadModel in the same simple loop, compiled or not."""
    from transformers import GPT2LMHeadModel

    model: Any = GPT2LMHeadModel.from_pretrained(settings["weights"])
    model.to(pick_device("auto")).train()
    forward = torch.compile(model) if settings["compile"] else model

    def loss(inputs: Tensor, targets: Tensor) -> Tensor:
        return forward(input_ids=inputs, labels=targets, shift_labels=targets, use_cache=False).loss

    _simple_loop(model, loss, settings, turn)


def _simple_loop(model: nn.Module, loss_of: Callable[[Tensor, Tensor], Tensor], settings: Settings, turn: Turn) -> None:
    """Forward, backward, clip, step, on the batches that gpt2kit's loop takes."""
    device = pick_device("auto")
    dtype = pick_dtype("auto", device)
    turn.note(dtype=dtype)
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": DECAY},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=settings["train"]["lr"], betas=BETAS, fused=True)
    for step, ids in enumerate(_batches(settings), 1):
        inputs, targets = ids[:, :-1].contiguous().to(device), ids[:, 1:].contiguous().to(device)
        with autocast(device, dtype):
            loss = loss_of(inputs, targets)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, CLIP)
        optimizer.step()
        optimizer.zero_grad()
        if step == CHECK:
            turn.note(loss=round(float(loss.detach()), 4))
        turn.tick(targets.numel())


def _batches(settings: Settings) -> Iterator[Tensor]:
    """Rows of one length, in the order in which gpt2kit's loop takes them, for ever."""
    store = Store(Path(settings["data"]), "train")
    ids = torch.from_numpy(store.ids.astype("int64")).view(len(store), -1)
    batches = RowBatches(store, settings["train"]["batch_tokens"], seed=0)
    epoch = 0
    while True:
        for rows in batches.epoch(epoch):
            yield ids[torch.from_numpy(rows)]
        epoch += 1


def huggingface_trainer(settings: Settings, turn: Turn) -> None:
    """Hugging Face's Trainer with rows grouped by length, padded to the longest of a batch, loss on targets alone."""
    from transformers import GPT2LMHeadModel, Trainer, TrainerCallback, TrainingArguments

    store = Store(Path(settings["data"]), "train")
    rows = [store.row(index) for index in range(len(store))]
    examples = [
        {"input_ids": prompt + target, "labels": [-100] * len(prompt) + target, "length": len(prompt) + len(target)}
        for prompt, target in rows
    ]
    tokens: deque[int] = deque()  # of batches that were collated and not yet trained on: one is read ahead
    inputs = {"tokens": 0, "positions": 0}

    def collate(batch: list[dict[str, Any]]) -> dict[str, Tensor]:
        lengths = [len(row["input_ids"]) for row in batch]
        width = max(lengths)
        tokens.append(sum(lengths))
        inputs["tokens"] += tokens[-1]
        inputs["positions"] += width * len(batch)
        padded = {
            key: torch.tensor([row[key] + [value] * (width - len(row[key])) for row in batch])
            for key, value in (("input_ids", 0), ("labels", -100))
        }
        return padded | {"attention_mask": (torch.arange(width) < torch.tensor(lengths)[:, None]).long()}

    class WithLoss(Trainer):
        last = torch.zeros(())

        def compute_loss(self, *arguments: Any, **named: Any) -> Any:
            loss = super().compute_loss(*arguments, **named)
            self.last = (loss[0] if isinstance(loss, tuple) else loss).detach()
            return loss

    class Ticks(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.global_step == CHECK:
                turn.note(loss=round(float(trainer.last), 4))
            turn.note(padding=round(1 - inputs["tokens"] / inputs["positions"], 4))
            turn.tick(tokens.popleft())

    device = pick_device("auto")
    dtype = pick_dtype("auto", device)
    turn.note(dtype=dtype)
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            max_steps=10**6,
            per_device_train_batch_size=max(1, round(settings["train"]["batch_tokens"] * len(store) / store.tokens)),
            train_sampling_strategy="group_by_length",
            length_column_name="length",
            bf16=dtype == "bf16",
            use_cpu=device.type == "cpu",
            optim="adamw_torch_fused",
            learning_rate=settings["train"]["lr"],
            lr_scheduler_type="constant",
            adam_beta2=BETAS[1],
            weight_decay=DECAY,
            max_grad_norm=CLIP,
            torch_compile=settings["compile"],
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        model = GPT2LMHeadModel.from_pretrained(settings["weights"])
        trainer = WithLoss(model, arguments, collate, examples, callbacks=[Ticks()])
        trainer.train()


def matrix_product(settings: Settings, turn: Turn) -> None:
    """The machine's own limit: one large product, as fast as torch does it; FLOP are counted."""
    device = pick_device("auto")
    dtype = pick_dtype("auto", device)
    turn.note(dtype=dtype)
    turn.seconds = min(turn.seconds, 1)
    size = 8192 if device.type == "cuda" else 2048
    left, right = (torch.randn(size, size, device=device).to(getattr(torch, DTYPES[dtype])) for _ in range(2))
    while True:
        left @ right
        turn.tick(2 * size**3)


DTYPES = {"bf16": "bfloat16", "fp32": "float32"}

PROGRAMS: dict[str, Program] = {
    "gpt2kit": gpt2kit,
    "plain": plain_loop,
    "huggingface": huggingface_loop,
    "trainer": huggingface_trainer,
    "product": matrix_product,
}
