"""The knobs of [train]."""

from dataclasses import dataclass
from typing import Any

from gpt2kit.config.knobs import above_zero, at_least, check, duration, knob, seeded, share

LENGTH = ("epochs", "steps", "least_steps", "budget", "budget_steps")
"""Knobs of [train] that set the number of steps: a resumed run may change them."""


@dataclass(frozen=True)
class TrainConfig:
    """How the weights are trained."""

    epochs: float = knob(10.0, "passes over the training split; ignored if steps or budget is set")
    steps: int = knob(0, "optimizer steps; 0 means: from epochs")
    least_steps: int = knob(0, "minimum number of steps if epochs sets it, for small training splits")
    budget: str = knob(
        "", "training time, such as 90s, 30m or 1h30m, which sets the number of steps; empty: no time limit"
    )
    budget_steps: int = knob(
        0, "minimum number of steps if budget sets it: on a slow machine training then takes longer, and says so"
    )
    batch_tokens: int = knob(
        4096, "positions per step, padding included: a batch has as many rows of similar length as fit"
    )
    window: int = knob(
        0, "tokens of a training window of whole documents; 0, or more than model.n_positions: model.n_positions"
    )
    accumulate: int = knob(
        1, "micro-batches per step (gradient accumulation), doubled until one fits into memory; same results"
    )
    optimizer: str = knob(
        "adamw", "adamw, or muon: Muon for the matrices of the blocks and AdamW for the rest", ("adamw", "muon")
    )
    lr: float = knob(1e-3, "peak learning rate of AdamW")
    muon_lr: float = knob(1e-3, "peak learning rate of Muon, whose updates are scaled to the size of AdamW's")
    warmup: float = knob(0.05, "share of the steps in which the learning rate rises linearly")
    final_lr: float = knob(0.0, "learning rate at the end, as a share of the peak")
    decay: str = knob(
        "cosine", "how the learning rate falls after the warm-up: along a cosine, or linearly", ("cosine", "linear")
    )
    beta2: float = knob(0.98, "AdamW's second beta")
    weight_decay: float = knob(0.1, "decoupled weight decay, on matrices only")
    clip: float = knob(1.0, "largest gradient norm; 0 turns clipping off")
    loss_on: str = knob(
        "answer",
        "tokens that carry loss in training: answer, or all (prompt and answer); validation is always on answers",
        ("answer", "all"),
    )
    lm_weight: float = knob(
        0.5, "with labels: weight of the language-model loss that is added to the loss of the labels (GPT-1)"
    )
    token_dropout: float = knob(
        0.0, "with labels: share of tokens whose vectors are set to zero in training (word dropout)"
    )
    label_smoothing: float = knob(0.0, "probability mass spread over the vocabulary in the training loss")
    ema: float = knob(
        0.0, "decay of the exponential moving average of the weights, which is saved; 0 saves the weights themselves"
    )
    evaluate_every: int = knob(0, "steps between validations; 0 means ten validations in a run")
    samples: int = knob(3, "validation examples that are decoded and shown at each validation")
    validate_tokens: int = knob(
        0, "approximate number of validation tokens on which the loss is measured during training; 0 means all"
    )
    save_every: int = knob(0, "steps between saved states; 0 means at each validation")
    patience: int = knob(0, "early stopping: end after N validations in a row without a new lowest loss; 0 is off")
    position_vectors: bool = knob(
        True,
        "train the position vectors; false: they stay as they are, which is 0 in a new model with relative attention",
    )
    zero_projections: bool = knob(
        False,
        "the projections into the residual stream of a new model start at 0, so that at first no block adds anything",
    )
    freeze: int = knob(0, "with --init: do not train the embeddings and the first N blocks")
    lora: int = knob(0, "with --init: rank of the adapters that are trained instead of the weights (LoRA); 0 is off")
    lora_alpha: float = knob(16.0, "the output of the adapters is multiplied by lora_alpha / lora")
    lora_targets: tuple[str, ...] = knob(
        ("c_attn",), "layers with adapters: one or several of c_attn, attn.c_proj, c_fc, mlp.c_proj"
    )
    keep: str = knob(
        "last",
        "weights in the finished run folder: last, or best (those with the lowest validation loss)",
        ("last", "best"),
    )
    keep_checkpoints: int = knob(
        0,
        "number of checkpoints that the run keeps in checkpoints/: the last N, and the best one; each is a complete "
        "run folder; with parallel = fsdp also the number of states in states/",
        unset="none",
    )
    keep_state: bool = knob(
        True,
        "keep the state in the finished run, so that it can be resumed with more steps; it is three to four times the "
        "size of the weights",
    )
    dtype: str = knob(
        "auto",
        "arithmetic; auto is bf16 if the hardware computes it natively, otherwise fp32",
        ("auto", "bf16", "fp32"),
    )
    compile: str = knob("auto", "use torch.compile; auto: if it saves time within the run", ("auto", "on", "off"))
    device: str = knob("auto", "cpu, cuda, cuda:1, mps, or auto: the first of cuda, mps and cpu that the machine has")
    threads: int = knob(
        0,
        "threads on a CPU; 0: all that PyTorch uses, fewer while other programs keep the cores busy, which changes "
        "rounding",
    )
    checkpointing: bool = knob(
        False, "gradient checkpointing: recompute each block in the backward pass; less memory, same results, slower"
    )
    tensorboard: bool = knob(False, "also write losses and speed for TensorBoard, to tensorboard/ in the run folder")
    parallel: str = knob(
        "ddp", "on several devices: ddp (each has a copy of the model) or fsdp (each has a part of it)", ("ddp", "fsdp")
    )
    seed: int = knob(0, "random seed of the initial weights, the order of the batches and dropout")

    def __post_init__(self) -> None:
        above_zero(self, "epochs", "lr", "muon_lr", "lora_alpha")
        at_least(self, 0, "steps", "least_steps", "budget_steps", "clip", "weight_decay", "lm_weight", "patience")
        at_least(self, 0, "freeze", "lora", "keep_checkpoints")
        at_least(self, 0, "evaluate_every", "save_every", "samples", "validate_tokens", "window", "threads")
        at_least(self, 1, "batch_tokens", "accumulate")
        share(self, "beta2", "warmup", "label_smoothing", "ema", "token_dropout")
        check(0 <= self.final_lr <= 1, f"final_lr = {self.final_lr}; expected 0 to 1")
        seeded(self.seed)
        if self.budget:
            duration(self.budget)
            both = f"budget = {self.budget!r} and steps = {self.steps} exclude each other"
            check(not self.steps, f"{both}: set steps = 0 or budget = ''")
        partly = self.freeze or self.lora
        check(
            not (partly and self.parallel == "fsdp"),
            "parallel = 'fsdp' is not supported with freeze or lora, which need little memory: set parallel = 'ddp'",
        )
        check(
            not (self.lora and self.freeze),
            f"lora = {self.lora} and freeze = {self.freeze} exclude each other: with lora all weights are frozen",
        )
        known = {"c_attn", "attn.c_proj", "c_fc", "mlp.c_proj"}
        wrong = ", ".join(self.lora_targets) or "nothing"
        check(
            bool(self.lora_targets) and set(self.lora_targets) <= known,
            f"lora_targets = {wrong}; accepted: {', '.join(sorted(known))}",
        )

    @property
    def length(self) -> dict[str, Any]:
        """The knobs of LENGTH."""
        return {key: getattr(self, key) for key in LENGTH}
