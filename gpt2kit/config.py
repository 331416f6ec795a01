"""The knobs that every task shares. Each part of the core receives its own section, never the whole recipe.

A field's `help` is what `gpt2kit recipes show` prints; the defaults here apply if a recipe does not state a knob.
"""

import re
from dataclasses import dataclass, field
from typing import Any

SIZES: dict[str, dict[str, int]] = {
    "gpt2": {"n_layer": 12, "n_head": 12, "n_embd": 768, "n_positions": 1024},
    "gpt2-medium": {"n_layer": 24, "n_head": 16, "n_embd": 1024, "n_positions": 1024},
    "gpt2-large": {"n_layer": 36, "n_head": 20, "n_embd": 1280, "n_positions": 1024},
    "gpt2-xl": {"n_layer": 48, "n_head": 25, "n_embd": 1600, "n_positions": 1024},
}
"""The four released GPT-2 models: Radford et al. 2019, table 2."""

LARGEST_SEED = 2**32 - 1
"""Row numbers and steps are added to it, and torch takes 64 bits."""

ATTENTIONS = ("full", "relative", "relative-local", "local", "compressed")
"""Kinds of causal self-attention: GPT-2's, two of Music Transformer (Huang et al. 2018), two of T-DMCA (Liu et al.
2018)."""


def knob(default: Any, help: str, choices: tuple[str, ...] = (), flag: tuple[str, ...] = ()) -> Any:
    """A dataclass field with its help; `flag` names the verbs that have an option for it."""
    return field(default=default, metadata={"help": help, "choices": choices, "flag": flag})


def check(condition: bool, message: str) -> None:
    """Raise ValueError(message) unless the condition holds; the recipe turns it into an error that names the
    section."""
    if not condition:
        raise ValueError(message)


def duration(text: str) -> float:
    """Seconds of a duration such as 90s, 30m, 2h or 1h30m. Raises ValueError for anything else."""
    found = re.fullmatch(r"(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?", text)
    seconds = sum(int(n or 0) * unit for n, unit in zip(found.groups(), (3600, 60, 1), strict=True)) if found else 0
    check(seconds > 0, f"{text!r} is no length of time above 0; write it as 90s, 30m, 2h or 1h30m")
    return float(seconds)


@dataclass(frozen=True)
class ModelConfig:
    """The shape of the decoder. Names are those of Hugging Face's GPT2Config."""

    size: str = knob("", "a released size, which sets n_layer, n_head, n_embd and n_positions", ("", *SIZES))
    n_layer: int = knob(6, "blocks")
    n_head: int = knob(4, "attention heads; must divide n_embd")
    n_embd: int = knob(256, "width of the residual stream")
    n_inner: int = knob(0, "width inside the MLP; 0 means 4 x n_embd")
    n_positions: int = knob(256, "the window: the longest sequence, prompt and answer together")
    dropout: float = knob(0.1, "dropout on the embeddings and on what each sublayer adds (embd_pdrop, resid_pdrop)")
    attention: str = knob(
        "full",
        "causal self-attention: full (GPT-2's), relative or relative-local (Music Transformer's), local or compressed "
        "(T-DMCA's for long windows); one kind for all layers, or a comma list with one for each, such as "
        "local,compressed,local",
    )
    block: int = knob(
        256,
        "tokens in a block of local attention, which looks at its block alone, or if relative at the one before too",
    )
    compression: int = knob(3, "tokens whose keys and values compressed attention makes one of")

    def __post_init__(self) -> None:
        for name, value in SIZES.get(self.size, {}).items():
            object.__setattr__(self, name, value)
        check(min(self.n_layer, self.n_head, self.n_embd, self.n_positions) >= 1, "sizes must be at least 1")
        check(self.n_embd % self.n_head == 0, f"n_head = {self.n_head} does not divide n_embd = {self.n_embd}")
        check(self.n_inner >= 0, "n_inner must be 0 (4 x n_embd) or a width")
        check(0 <= self.dropout < 1, "dropout must be in [0, 1)")
        check(min(self.block, self.compression) >= 1, "block and compression must be at least 1")
        kinds = [kind.strip() for kind in self.attention.split(",")]
        unknown = next((kind for kind in kinds if kind not in ATTENTIONS), None)
        accepted = f"{', '.join(ATTENTIONS)}: one for all layers, or a comma list of n_layer = {self.n_layer} of them"
        check(unknown is None, f"attention = {self.attention!r}: there is no kind {unknown!r}; accepted: {accepted}")
        count = f"attention = {self.attention!r} names {len(kinds)} kinds"
        check(len(kinds) in (1, self.n_layer), f"{count}; accepted: {accepted}")
        both = {"local", "relative-local"} <= set(kinds)
        check(
            not both, f"attention = {self.attention!r}: a model has layers of local or of relative-local, not of both"
        )
        object.__setattr__(self, "attention", kinds[0] if len(set(kinds)) == 1 else ",".join(kinds))

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kind of attention of each layer."""
        named = tuple(self.attention.split(","))
        return named if len(named) > 1 else named * self.n_layer

    @property
    def inner(self) -> int:
        return self.n_inner or 4 * self.n_embd


@dataclass(frozen=True)
class TrainConfig:
    """How the weights are trained."""

    epochs: float = knob(10.0, "passes over the training split; ignored when steps is given")
    steps: int = knob(0, "optimiser steps; 0 means: from epochs")
    least_steps: int = knob(0, "from epochs so many steps at least, however few an epoch has")
    budget: str = knob(
        "", "time to train in, such as 90s, 30m or 1h30m: sets the steps, instead of epochs; off if empty"
    )
    batch_tokens: int = knob(4096, "positions a step: rows of one width that fit into it, prompt and answer together")
    accumulate: int = knob(1, "micro-batches a step, doubled until one fits into memory; the same numbers")
    optimizer: str = knob("adamw", "muon: Muon for the blocks' matrices, AdamW for the rest", ("adamw", "muon"))
    lr: float = knob(1e-3, "peak learning rate of AdamW")
    muon_lr: float = knob(1e-3, "peak learning rate of Muon, scaled to AdamW's update size")
    warmup: float = knob(0.05, "share of the steps in which the rate rises linearly")
    final_lr: float = knob(0.0, "rate at the end, as a share of the peak; cosine in between")
    beta2: float = knob(0.98, "AdamW's second beta")
    weight_decay: float = knob(0.1, "decoupled, on matrices only")
    clip: float = knob(1.0, "largest gradient norm; 0 turns clipping off")
    loss_on: str = knob(
        "answer", "what is learned of a row: its answer, or all of it; validation is on answers", ("answer", "all")
    )
    lm_weight: float = knob(
        0.5, "of labelled examples: what the language model's loss counts beside the labels' (GPT-1)"
    )
    token_dropout: float = knob(
        0.0, "of labelled examples: share of tokens whose vectors are left out in training (word dropout)"
    )
    label_smoothing: float = knob(0.0, "probability mass spread over the vocabulary in the training loss")
    ema: float = knob(0.0, "decay of the exponential average of the weights that is saved; 0 saves the last weights")
    evaluate_every: int = knob(0, "steps between validations; 0 means: ten times in a run")
    samples: int = knob(3, "validation examples that are decoded and shown at each validation")
    validate_tokens: int = knob(
        0, "about so many tokens of the validation split are its loss measured on while training; 0: on all"
    )
    save_every: int = knob(0, "steps between saved states; 0 means: at each validation")
    patience: int = knob(0, "end after so many validations in a row that were not the lowest; 0: never")
    freeze: int = knob(0, "with --init: so many blocks from below, and the embeddings, stay as they are")
    lora: int = knob(0, "with --init: rank of adapters that learn in the place of the weights (LoRA); 0: none")
    lora_alpha: float = knob(16.0, "the adapters' part counts alpha / rank")
    lora_targets: tuple[str, ...] = knob(
        ("c_attn",), "products with adapters: c_attn, attn.c_proj, c_fc, mlp.c_proj, one or several"
    )
    keep: str = knob("last", "which weights the run folder ends with", ("last", "best"))
    dtype: str = knob(
        "auto", "arithmetic; auto is bf16 where the machine computes it natively", ("auto", "bf16", "fp32")
    )
    compile: str = knob("auto", "torch.compile; auto where it pays back within the run", ("auto", "on", "off"))
    device: str = knob("auto", "auto, cpu, cuda, cuda:1, mps")
    checkpointing: bool = knob(
        False, "recompute each block in the backward pass: less memory, the same numbers, slower"
    )
    tensorboard: bool = knob(False, "also write losses and speed for TensorBoard, into tensorboard/ of the run")
    parallel: str = knob(
        "ddp", "on several devices: a copy of the model on each, or (fsdp) a part of it", ("ddp", "fsdp")
    )
    seed: int = knob(0, "of the initial weights, the order of the batches and dropout")

    def __post_init__(self) -> None:
        check(min(self.steps, self.least_steps) >= 0, "steps and least_steps must be 0 or more")
        check(self.epochs > 0, "epochs must be above 0")
        if self.budget:
            duration(self.budget)
            check(
                not self.steps,
                f"budget = {self.budget!r} decides on the steps: set steps = 0, not {self.steps}, or budget = ''",
            )
        check(self.batch_tokens >= 1 and self.accumulate >= 1, "batch_tokens and accumulate must be at least 1")
        check(self.lr > 0 and self.muon_lr > 0, "learning rates must be above 0")
        check(0 <= self.beta2 < 1, "beta2 must be in [0, 1)")
        check(0 <= self.warmup < 1 and 0 <= self.final_lr <= 1, "warmup is in [0, 1), final_lr in [0, 1]")
        check(0 <= self.label_smoothing < 1 and 0 <= self.ema < 1, "label_smoothing and ema are in [0, 1)")
        check(0 <= self.token_dropout < 1, "token_dropout must be in [0, 1)")
        check(min(self.clip, self.weight_decay) >= 0, "clip and weight_decay must be 0 or more")
        check(
            min(self.lm_weight, self.patience, self.freeze, self.lora) >= 0,
            "lm_weight, patience, freeze and lora: 0 or more",
        )
        partly = self.freeze or self.lora
        check(
            not (partly and self.parallel == "fsdp"), "freeze and lora need little memory: they go with parallel = ddp"
        )
        check(self.lora_alpha > 0, "lora_alpha must be above 0")
        check(not (self.lora and self.freeze), "freeze and lora: adapters already leave the weights as they are")
        known = {"c_attn", "attn.c_proj", "c_fc", "mlp.c_proj"}
        wrong = ", ".join(self.lora_targets) or "nothing"
        check(
            bool(self.lora_targets) and set(self.lora_targets) <= known,
            f"lora_targets = {wrong}; accepted: {', '.join(sorted(known))}",
        )
        check(0 <= self.seed <= LARGEST_SEED, f"seed must be 0 or more, and {LARGEST_SEED} at most")
        check(min(self.evaluate_every, self.save_every, self.samples) >= 0, "intervals and samples must be 0 or more")
        check(self.validate_tokens >= 0, "validate_tokens must be 0 or more")


@dataclass(frozen=True)
class GenerateConfig:
    """How an answer is decoded. The order is repetition penalty, temperature, top-k, top-p."""

    beams: int = knob(1, "beam search with that many hypotheses; 1 samples, or is greedy at temperature 0")
    length_penalty: float = knob(0.6, "alpha of ((5 + length) / 6)^alpha, by which a beam's score is divided")
    temperature: float = knob(0.0, "0 is greedy")
    top_k: int = knob(0, "sample from the k likeliest tokens (ties kept); 0 is off")
    top_p: float = knob(1.0, "sample from the smallest set with that much probability; 1 is off")
    repetition_penalty: float = knob(1.0, "above 1: tokens that were there become less likely; 1 is off")
    penalty_on: str = knob(
        "all", "where repetition_penalty looks for them: prompt and answer, or the answer alone", ("all", "answer")
    )
    max_new_tokens: int = knob(256, "longest answer")
    max_ratio: float = knob(0.0, "longest answer as a multiple of the prompt, plus 16; 0 is off")
    roll: bool = knob(False, "write on beyond the window, each time from the last half of it; else the window ends it")
    stop_ids: tuple[int, ...] = knob((), "ids that end an answer, besides the task's own end token")
    ban_ids: tuple[int, ...] = knob((), "ids that are never chosen")
    batch_rows: int = knob(0, "sequences decoded together, which changes no answer; 0: as many as memory holds, to 256")
    dtype: str = knob("auto", "arithmetic; auto is bf16 on CUDA and fp32 elsewhere", ("auto", "bf16", "fp32"))
    device: str = knob("auto", "auto, cpu, cuda, cuda:1, mps")
    seed: int = knob(0, "of sampling; row i of a call uses seed + i")

    def __post_init__(self) -> None:
        check(self.beams >= 1, "beams must be at least 1")
        check(0 <= self.seed <= LARGEST_SEED, f"seed must be 0 or more, and {LARGEST_SEED} at most")
        check(self.temperature >= 0, "temperature must be 0 (greedy) or more")
        check(self.top_k >= 0 and 0 <= self.top_p <= 1, "top_k must be 0 or more, top_p in [0, 1]")
        check(self.max_new_tokens >= 1, "max_new_tokens must be at least 1")
        check(
            min(self.batch_rows, *self.stop_ids, *self.ban_ids, 0) >= 0,
            "batch_rows, stop_ids and ban_ids must be 0 or more",
        )
        check(self.repetition_penalty > 0, "repetition_penalty must be above 0; 1 is off")
        needed = "penalty_on needs a repetition_penalty other than 1, which is off"
        check(self.penalty_on == "all" or self.repetition_penalty != 1, needed)
        check(self.max_ratio >= 0, "max_ratio must be 0 or more")
        sampled = self.temperature > 0
        check(not (self.beams > 1 and sampled), "beam search does not sample: set temperature = 0 or beams = 1")
        other = "repetition_penalty, roll and ban_ids are for greedy decoding and sampling: set beams = 1"
        check(self.beams == 1 or (self.repetition_penalty == 1 and not self.roll and not self.ban_ids), other)
        limited = self.top_k > 0 or self.top_p < 1
        check(sampled or not limited, "top_k and top_p need a temperature above 0: greedy decoding ignores them")
