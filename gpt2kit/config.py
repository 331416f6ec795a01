"""The knobs that every task shares. Each part of the core receives its own section, never the whole recipe.

A field's `help` is what `gpt2kit recipes show` prints; the defaults here apply if a recipe does not state a knob.
"""

import re
from dataclasses import dataclass, field, replace
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

RANDOM, CORPUS = "random", "corpus"
"""Words that stand for a number that is not known yet: a random seed, and a ratio that fits the training data."""

UNKNOWN_RATIO = 2.0
"""The ratio where no training data says one; also the least that is taken from training data."""

EXTRA_TOKENS = 16
"""Tokens that an answer may have in addition to max_ratio times those of its prompt: for short prompts."""

ATTENTIONS = ("full", "relative", "relative-local", "local", "compressed")
"""Kinds of causal self-attention: GPT-2's, two of Music Transformer (Huang et al. 2018), two of T-DMCA (Liu et al.
2018)."""


def knob(
    default: Any,
    help: str,
    choices: tuple[str, ...] = (),
    flag: tuple[str, ...] = (),
    metavar: str = "TEXT",
    unset: str = "none",
    word: str = "",
) -> Any:
    """A dataclass field with its help.

    `flag` names the verbs that have an option for it, whose help shows `metavar`, and `unset` for an empty default. A
    number may have one `word` in its place.
    """
    texts = {"help": help, "choices": choices, "flag": flag, "metavar": metavar, "unset": unset, "word": word}
    return field(default=default, metadata=texts)


def check(condition: bool, message: str) -> None:
    """Raise ValueError(message) unless the condition holds; the recipe turns it into an error that names the
    section."""
    if not condition:
        raise ValueError(message)


def at_least(section: object, low: float, *names: str) -> None:
    """Raise ValueError unless each of these knobs has this value or more."""
    for name in names:
        value = getattr(section, name)
        check(value >= low, f"{name} = {value}; expected at least {low:g}")


def share(section: object, *names: str) -> None:
    """Raise ValueError unless each of these knobs is in [0, 1)."""
    for name in names:
        value = getattr(section, name)
        check(0 <= value < 1, f"{name} = {value}; expected at least 0 and less than 1")


def above_zero(section: object, *names: str) -> None:
    """Raise ValueError unless each of these knobs is positive."""
    for name in names:
        value = getattr(section, name)
        check(value > 0, f"{name} = {value}; expected a number above 0")


def seeded(seed: int) -> None:
    """Raise ValueError for a random seed out of range."""
    check(0 <= seed <= LARGEST_SEED, f"seed = {seed}; expected 0 to {LARGEST_SEED}")


def duration(text: str) -> float:
    """Seconds of a duration such as 90s, 30m, 2h or 1h30m. Raises ValueError for anything else."""
    found = re.fullmatch(r"(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?", text)
    seconds = sum(int(n or 0) * unit for n, unit in zip(found.groups(), (3600, 60, 1), strict=True)) if found else 0
    check(seconds > 0, f"{text!r} is not a duration above 0; accepted: 90s, 30m, 2h or 1h30m, for example")
    return float(seconds)


@dataclass(frozen=True)
class ModelConfig:
    """The shape of the decoder. Names are those of Hugging Face's GPT2Config."""

    size: str = knob(
        "",
        "a released GPT-2, which sets n_layer, n_head, n_embd and n_positions; empty: set them one by one",
        ("", *SIZES),
    )
    n_layer: int = knob(6, "number of transformer blocks")
    n_head: int = knob(4, "number of attention heads per block; must divide n_embd")
    n_embd: int = knob(256, "width of the residual stream")
    n_inner: int = knob(0, "width of the hidden layer of each MLP; 0 means 4 x n_embd")
    n_positions: int = knob(256, "the window: most tokens of a sequence, prompt and answer together")
    dropout: float = knob(
        0.1, "dropout rate of the embeddings and of the output of each sublayer (embd_pdrop, resid_pdrop)"
    )
    attention: str = knob(
        "full",
        "causal self-attention: full (GPT-2), relative or relative-local (Music Transformer), local or compressed "
        "(T-DMCA, for long windows); one kind for all layers, or a comma-separated list with one kind per layer, such "
        "as local,compressed,local",
    )
    block: int = knob(
        256,
        "tokens per block in local attention: a token attends to its block, with relative-local also to the previous",
    )
    compression: int = knob(3, "number of tokens whose keys and values compressed attention merges into one")

    def __post_init__(self) -> None:
        for name, value in SIZES.get(self.size, {}).items():
            object.__setattr__(self, name, value)
        at_least(self, 1, *SIZES["gpt2"], "block", "compression")
        check(self.n_embd % self.n_head == 0, f"n_head = {self.n_head} does not divide n_embd = {self.n_embd}")
        at_least(self, 0, "n_inner")
        share(self, "dropout")
        kinds = [kind.strip() for kind in self.attention.split(",")]
        unknown = next((kind for kind in kinds if kind not in ATTENTIONS), None)
        accepted = f"one of {', '.join(ATTENTIONS)}, or a comma-separated list of n_layer = {self.n_layer} of them"
        check(unknown is None, f"attention = {self.attention!r}: unknown kind {unknown!r}; expected {accepted}")
        count = f"attention = {self.attention!r} has {len(kinds)} kinds"
        check(len(kinds) in (1, self.n_layer), f"{count}; expected {accepted}")
        both = {"local", "relative-local"} <= set(kinds)
        check(
            not both,
            f"attention = {self.attention!r}: local and relative-local cannot be in one model: leave out one of them",
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
    accumulate: int = knob(
        1, "micro-batches per step (gradient accumulation), doubled until one fits into memory; same results"
    )
    optimizer: str = knob(
        "adamw", "adamw, or muon: Muon for the matrices of the blocks and AdamW for the rest", ("adamw", "muon")
    )
    lr: float = knob(1e-3, "peak learning rate of AdamW")
    muon_lr: float = knob(1e-3, "peak learning rate of Muon, whose updates are scaled to the size of AdamW's")
    warmup: float = knob(0.05, "share of the steps in which the learning rate rises linearly")
    final_lr: float = knob(0.0, "learning rate at the end, as a share of the peak; it falls along a cosine")
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
        "run folder",
        unset="none",
    )
    keep_state: bool = knob(
        True,
        "keep state.safetensors in the finished run, so that it can be resumed with more steps; its size is three to "
        "four times that of the weights",
    )
    dtype: str = knob(
        "auto",
        "arithmetic; auto is bf16 if the hardware computes it natively, otherwise fp32",
        ("auto", "bf16", "fp32"),
    )
    compile: str = knob("auto", "use torch.compile; auto: if it saves time within the run", ("auto", "on", "off"))
    device: str = knob("auto", "cpu, cuda, cuda:1, mps, or auto: the first of cuda, mps and cpu that the machine has")
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
        at_least(self, 0, "evaluate_every", "save_every", "samples", "validate_tokens")
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


@dataclass(frozen=True)
class GenerateConfig:
    """How an answer is decoded. The order is repetition penalty, temperature, top-k, top-p."""

    beams: int = knob(1, "number of hypotheses of beam search; 1 means sampling, or greedy decoding at temperature 0")
    length_penalty: float = knob(
        0.6, "alpha in ((5 + length) / 6)^alpha, which divides the score of a beam-search hypothesis"
    )
    temperature: float = knob(0.0, "sampling temperature; 0 is greedy decoding")
    top_k: int = knob(0, "sample from the k most likely tokens, ties included; 0 is off")
    top_p: float = knob(1.0, "sample from the smallest set of tokens with this total probability; 1 is off")
    repetition_penalty: float = knob(1.0, "above 1: make tokens that already occurred less likely; 1 is off")
    penalty_on: str = knob(
        "all", "where repetition_penalty looks for tokens: all (prompt and answer) or answer", ("all", "answer")
    )
    max_new_tokens: int = knob(256, "most tokens of an answer")
    max_ratio: float | str = knob(
        0.0,
        "most tokens of an answer as a multiple of the prompt's, plus 16; 0 is off; corpus: as the targets of the "
        "training data need, at least 2",
        word=CORPUS,
    )
    roll: bool = knob(
        False, "continue when the window is full, from its last half; otherwise a full window ends the answer"
    )
    stop: tuple[str, ...] = knob((), "texts that end an answer, which does not include them")
    stop_ids: tuple[int, ...] = knob((), "ids that end an answer, in addition to the task's end token")
    ban_ids: tuple[int, ...] = knob((), "ids that are never generated")
    batch_rows: int = knob(
        0, "sequences decoded together; does not change answers; 0 means as many as fit into memory, at most 256"
    )
    dtype: str = knob("auto", "arithmetic; auto is bf16 on CUDA and fp32 elsewhere", ("auto", "bf16", "fp32"))
    device: str = knob("auto", "cpu, cuda, cuda:1, mps, or auto: the first of cuda, mps and cpu that the machine has")
    seed: int | str = knob(
        RANDOM, "seed of sampling; input number i of a call uses seed + i; random: a new one for each call", word=RANDOM
    )

    @property
    def ratio(self) -> float:
        """max_ratio as a number; UNKNOWN_RATIO where it was not taken from training data yet."""
        return UNKNOWN_RATIO if isinstance(self.max_ratio, str) else self.max_ratio

    def fitted(self, ratio: float | None) -> "GenerateConfig":
        """These settings with max_ratio = corpus replaced by the ratio of the corpus, if that is known."""
        return self if self.max_ratio != CORPUS or ratio is None else replace(self, max_ratio=ratio)

    def __post_init__(self) -> None:
        at_least(self, 1, "beams", "max_new_tokens")
        at_least(self, 0, "temperature", "top_k", "batch_rows")
        if not isinstance(self.max_ratio, str):
            at_least(self, 0, "max_ratio")
        above_zero(self, "repetition_penalty")
        check(0 <= self.top_p <= 1, f"top_p = {self.top_p}; expected 0 to 1")
        for name in ("stop_ids", "ban_ids"):
            ids = getattr(self, name)
            check(min(ids, default=0) >= 0, f"{name} = {list(ids)}; expected ids of 0 or more")
        check("" not in self.stop, "stop: an empty text would end every answer before it begins")
        if not isinstance(self.seed, str):
            seeded(self.seed)
        needed = f"penalty_on = {self.penalty_on!r} needs a repetition_penalty other than 1, which is off"
        check(self.penalty_on == "all" or self.repetition_penalty != 1, needed)
        sampled = self.temperature > 0
        both = f"beams = {self.beams}, temperature = {self.temperature}"
        check(
            not (self.beams > 1 and sampled), f"{both}: beam search does not sample: set temperature = 0 or beams = 1"
        )
        used = {"repetition_penalty": self.repetition_penalty != 1, "roll": self.roll}
        used |= {"ban_ids": bool(self.ban_ids), "stop": bool(self.stop)}
        unsupported = " and ".join(name for name, is_used in used.items() if is_used)
        check(self.beams == 1 or not unsupported, f"beam search does not support {unsupported}: set beams = 1")
        limited = self.top_k > 0 or self.top_p < 1
        check(
            sampled or not limited,
            "top_k and top_p need a temperature above 0, such as --temperature 0.8: they have no effect on greedy "
            "decoding or beam search",
        )
