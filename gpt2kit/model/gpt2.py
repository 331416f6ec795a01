"""GPT-2 (Radford et al. 2019): ids -> hidden -> logits. No loss, no sampling, no files.

Shapes: B rows, T positions, D width, V vocabulary. Parameter names are Hugging Face's.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gpt2kit.config import ModelConfig
from gpt2kit.model.activations import ACTIVATIONS
from gpt2kit.model.attention import Attend, Attention
from gpt2kit.model.attention_kinds import attention_of
from gpt2kit.model.layers import Embedding, Linear

INIT_STD = 0.02

EMBEDDING, HEAD = "transformer.wte", "lm_head"
"""Names of the tables with a row for each token: the token embedding, and a head that is not tied to it."""


def dropout(x: Tensor, share: float, training: bool) -> Tensor:
    """Zero a share of x, scale up the rest. On a CPU the share is rounded to 1/256 and each value costs a byte of
    noise. Bytes are drawn eight at a time, which takes a sixth of the time of torch's own dropout."""
    if not training or share == 0:
        return x
    if x.device.type != "cpu":
        return F.dropout(x, share)
    dropped = min(round(share * 256), 255)
    # The range starts at the smallest number: random_() without it draws no negative numbers, and every eighth byte
    # would have only seven bits.
    noise = torch.empty((x.numel() + 7) // 8, dtype=torch.int64).random_(-(2**63), None).view(torch.uint8)
    return x * (noise[: x.numel()].view(x.shape) >= dropped) * (256 / (256 - dropped))


class MLP(nn.Module):
    """Two projections around the activation function."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.act = ACTIVATIONS[config.activation_function]
        self.c_fc: nn.Linear = Linear(config.n_embd, config.inner)
        self.c_proj: nn.Linear = Linear(config.inner, config.n_embd)

    def forward(self, x_BTD: Tensor) -> Tensor:
        return self.c_proj(self.act(self.c_fc(x_BTD)))


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, config: ModelConfig, layer: int) -> None:
        """`layer` is its number, from 0."""
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.attn = attention_of(config, layer)
        self.ln_2 = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.mlp = MLP(config)
        self.dropout = config.dropout

    def drop(self, x_BTD: Tensor) -> Tensor:
        return dropout(x_BTD, self.dropout, self.training)

    def forward(self, x_BTD: Tensor, attend: Attend | None = None, positions_N: Tensor | None = None) -> Tensor:
        """For training, and for decoding, in which `attend` keeps a cache. With `positions_N`, flat in B x T, only
        these positions come out, [N, D]: all others are computed as far as keys and values."""
        x = x_BTD if positions_N is None else x_BTD.flatten(0, 1)[positions_N]
        x = x + self.drop(self.attn(self.ln_1(x_BTD), attend, positions_N))
        return x + self.drop(self.mlp(self.ln_2(x)))


class Transformer(nn.Module):
    """Token and position vectors, the blocks, the last norm."""

    def __init__(self, config: ModelConfig, vocab_size: int) -> None:
        super().__init__()
        self.wte: nn.Embedding = Embedding(vocab_size, config.n_embd)
        self.wpe: nn.Embedding = Embedding(config.n_positions, config.n_embd)
        self.h = nn.ModuleList(Block(config, layer) for layer in range(config.n_layer))
        self.ln_f = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.dropout = config.dropout

    def blocks(self) -> list[Block]:
        return [block for block in self.h if isinstance(block, Block)]


class GPT2(nn.Module):
    """The decoder; its head is the token embedding, transposed, or a table of its own."""

    def __init__(self, config: ModelConfig, vocab_size: int, labels: tuple[str, ...] = ()) -> None:
        """`labels`: class names of an optional classifier on the last vector of a text; a single name means multiple
        choice."""
        super().__init__()
        self.config = config
        self.transformer = Transformer(config, vocab_size)
        self.lm_head: nn.Embedding | None = None
        """A head that is not tied, as a table like the embedding: what grows one grows the other."""
        if not config.tie_word_embeddings:
            self.lm_head = Embedding(vocab_size, config.n_embd)
        self.surplus_of: dict[str, Tensor] = {}
        """Rows that a table has in the model's file after those of its tokens, [S, D], by name: see `vocabulary`."""
        self.remarks: tuple[str, ...] = ()
        """What was unusual about the file that the model comes from, as sentences for the user."""
        self.doubts: tuple[str, ...] = ()
        """What makes it doubtful that the files of the model belong together, as sentences for the user."""
        self.score: nn.Linear | None = None
        self.set_classifier(labels)
        if not self.head.is_meta:  # on the meta device the weights are about to be loaded
            self.initialise()

    def set_classifier(self, labels: tuple[str, ...]) -> None:
        """Set a new classifier for these classes, or none."""
        self.labels = labels
        self.score = Linear(self.config.n_embd, len(labels), bias=False) if labels else None
        if self.score is not None and not self.score.weight.is_meta:
            nn.init.normal_(self.score.weight, std=INIT_STD)

    @property
    def vocab_size(self) -> int:
        return self.transformer.wte.num_embeddings

    @property
    def tables(self) -> dict[str, nn.Embedding]:
        """The tables with a row for each token, by name."""
        return {EMBEDDING: self.transformer.wte} | ({} if self.lm_head is None else {HEAD: self.lm_head})

    @property
    def surplus(self) -> Tensor | None:
        """The surplus rows of the token embedding; a head of its own has as many."""
        return self.surplus_of.get(EMBEDDING)

    @property
    def head_table(self) -> nn.Embedding:
        """The table that logits are computed with: the token embedding, or a head of its own."""
        return self.transformer.wte if self.lm_head is None else self.lm_head

    @property
    def head(self) -> Tensor:
        """[V, D], the weights of `head_table`."""
        return self.head_table.weight

    @property
    def new_rows(self) -> Tensor | None:
        """[M, D], the last rows of the head, if only these are trained."""
        return getattr(self.head_table, "new", None)

    def initialise(self) -> None:
        """N(0, 0.02); for projections into the residual stream, scaled by 1 / sqrt(2 x layers) (GPT-2 paper, section
        2.3)."""
        narrow = INIT_STD * (1 / math.sqrt(2 * self.config.n_layer))
        by_distance = all(block.attn.knows_distances for block in self.transformer.blocks())
        for name, module in self.named_modules():
            if isinstance(module, Attention):
                module.initialise(INIT_STD)
            elif module is self.transformer.wpe and by_distance:
                nn.init.zeros_(module.weight)  # position vectors start at 0
            elif isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=narrow if name.endswith("c_proj") else INIT_STD)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)

    def start_without_blocks(self) -> None:
        """Set the projections into the residual stream to 0: at first every block adds nothing, as the residual
        branches of Goyal et al. 2017 (section 5.1)."""
        for block in self.transformer.blocks():
            for projection in (block.attn.c_proj, block.mlp.c_proj):
                nn.init.zeros_(projection.weight)

    def parameter_count(self) -> int:
        """Number of weights; the tied head is not counted again."""
        return sum(parameter.numel() for parameter in self.parameters())

    def hidden(self, ids_BT: Tensor, left_out_BT: Tensor | None = None, positions_N: Tensor | None = None) -> Tensor:
        """Hidden states [B, T, D] after the last norm, or [N, D] of some positions, flat in B x T. Rows are padded on
        the right with any id. Tokens that are left out have no vector."""
        body = self.transformer
        positions_T = torch.arange(ids_BT.size(1), device=ids_BT.device)
        tokens_BTD = body.wte(ids_BT)
        if left_out_BT is not None:
            tokens_BTD = tokens_BTD.masked_fill(left_out_BT[..., None], 0.0)
        x_BTD = dropout(tokens_BTD + body.wpe(positions_T), body.dropout, self.training)
        *first, last = body.blocks()
        for block in first:
            x_BTD = block(x_BTD)
        return body.ln_f(last(x_BTD, positions_N=positions_N))

    def logits(self, hidden: Tensor) -> Tensor:
        """[..., D] to [..., V]."""
        return F.linear(hidden, self.head)

    def classify(self, extracted_BD: Tensor, examples_B: Tensor, slots_B: Tensor, examples: int) -> Tensor:
        """Logits [E, C]: of the classes, summed over an example's texts; or of its choices, one per text.

        Logits of an example with fewer choices than another end with -inf (Radford et al. 2018, figure 1).
        """
        assert self.score is not None
        scores_BC = self.score(extracted_BD).float()
        if len(self.labels) > 1:
            return scores_BC.new_zeros(examples, len(self.labels)).index_add(0, examples_B, scores_BC)
        choices = int(slots_B.max()) + 1
        return scores_BC.new_full((examples, choices), -torch.inf).index_put((examples_B, slots_B), scores_BC[:, 0])

    def forward(self, ids_BT: Tensor) -> Tensor:
        """Logits [B, T, V] of every position."""
        return self.logits(self.hidden(ids_BT))
