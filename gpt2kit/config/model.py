"""The knobs of [model]."""

from dataclasses import dataclass

from gpt2kit.config.knobs import at_least, check, knob, share

SIZES: dict[str, dict[str, int]] = {
    "gpt2": {"n_layer": 12, "n_head": 12, "n_embd": 768, "n_positions": 1024},
    "gpt2-medium": {"n_layer": 24, "n_head": 16, "n_embd": 1024, "n_positions": 1024},
    "gpt2-large": {"n_layer": 36, "n_head": 20, "n_embd": 1280, "n_positions": 1024},
    "gpt2-xl": {"n_layer": 48, "n_head": 25, "n_embd": 1600, "n_positions": 1024},
}
"""The four released GPT-2 models: Radford et al. 2019, table 2."""

ATTENTIONS = ("full", "relative", "relative-local", "local", "compressed")
"""Kinds of causal self-attention: GPT-2's, two of Music Transformer (Huang et al. 2018), two of T-DMCA (Liu et al.
2018)."""

ACTIVATIONS = ("gelu_new", "gelu", "relu")
"""Of the MLPs: GPT-2's GELU, in the tanh form; exact GELU, as in Cerebras-GPT and nanoGPT; and ReLU."""

VARIANT = (
    "activation_function",
    "layer_norm_epsilon",
    "scale_attn_weights",
    "scale_attn_by_inverse_layer_idx",
    "tie_word_embeddings",
)
"""The fields of ModelConfig in which a checkpoint may differ from GPT-2 without another shape."""


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
    activation_function: str = knob(
        "gelu_new",
        "activation function of the MLPs: gelu_new (GPT-2: GELU in the tanh form), gelu (exact GELU) or relu",
        ACTIVATIONS,
    )
    layer_norm_epsilon: float = knob(1e-5, "number that layer norms add to the variance")
    scale_attn_weights: bool = knob(True, "divide attention scores by the square root of the width of a head")
    scale_attn_by_inverse_layer_idx: bool = knob(
        False, "divide the attention scores of layer 1, 2, 3, ... also by that number (Stanford's GPT-2)"
    )
    tie_word_embeddings: bool = knob(True, "compute logits with the token embedding; false: with a matrix of its own")

    def __post_init__(self) -> None:
        for name, value in SIZES.get(self.size, {}).items():
            object.__setattr__(self, name, value)
        at_least(self, 1, *SIZES["gpt2"], "block", "compression")
        check(self.n_embd % self.n_head == 0, f"n_head = {self.n_head} does not divide n_embd = {self.n_embd}")
        at_least(self, 0, "n_inner")
        share(self, "dropout")
        epsilon = self.layer_norm_epsilon
        check(0 < epsilon < 1, f"layer_norm_epsilon = {epsilon}; expected a number above 0 and below 1")
        activation, accepted = self.activation_function, ", ".join(ACTIVATIONS)
        check(activation in ACTIVATIONS, f"activation_function = {activation!r}; expected {accepted}")
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
