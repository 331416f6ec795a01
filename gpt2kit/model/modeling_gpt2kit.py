"""gpt2kit's attention for `transformers`: AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True).

gpt2kit writes this file into the folder of each model that has layers of other attention than GPT-2's. It needs only
torch and transformers, is written to be read rather than to be fast, and holds all scores of a layer at a time;
generate computes the whole text again for each token.

The kinds of attention, by layer in config.attention:

full            GPT-2's (Radford et al. 2019)
relative        scores include a vector learned for each distance, by head (Huang et al. 2018, equation 3)
local           positions see their block of config.block positions (Liu et al. 2018)
relative-local  as relative; positions see their block and the previous one (Huang et al. 2018, section 3.5)
compressed      keys and values are groups of config.compression positions, and one learned slot (Liu et al. 2018)

Shapes: B rows, T positions, D width, H heads, K = D / H, S keys, C = config.compression.
"""

import math

import torch
from torch import Tensor, nn
from transformers import GenerationMixin, GPT2Config, PreTrainedModel
from transformers import initialization as init
from transformers.activations import ACT2FN
from transformers.modeling_outputs import BaseModelOutput, CausalLMOutput, SequenceClassifierOutput
from transformers.pytorch_utils import Conv1D

KINDS = ("full", "relative", "local", "relative-local", "compressed")
UNSUPPORTED = ("inputs_embeds", "position_ids", "token_type_ids", "output_attentions", "output_hidden_states")


class GPT2KitConfig(GPT2Config):
    """GPT-2's shape and the attention of the layers: one kind for all, or a comma-separated list of one per layer."""

    model_type = "gpt2kit"

    attention: str = "full"
    block: int = 256
    compression: int = 3


class GPT2KitAttention(nn.Module):
    """Causal self-attention of one kind."""

    def __init__(self, config: GPT2KitConfig, kind: str, layer: int) -> None:
        super().__init__()
        self.kind, self.heads, self.block, self.compression = kind, config.n_head, config.block, config.compression
        width = config.n_embd // config.n_head
        self.scale = 1 / math.sqrt(width) if config.scale_attn_weights else 1.0
        if config.scale_attn_by_inverse_layer_idx:
            self.scale /= layer + 1
        self.c_attn = Conv1D(3 * config.n_embd, config.n_embd)
        self.c_proj = Conv1D(config.n_embd, config.n_embd)
        if kind.startswith("relative"):
            reach = min(2 * config.block, config.n_positions) if kind == "relative-local" else config.n_positions
            self.distance = nn.Parameter(torch.empty(config.n_head, reach, width))
        if kind == "compressed":
            self.compress_k = nn.Parameter(torch.empty(config.n_head, config.compression, width, width))
            self.compress_v = nn.Parameter(torch.empty(config.n_head, config.compression, width, width))
            self.null_k = nn.Parameter(torch.empty(config.n_embd))
            self.null_v = nn.Parameter(torch.empty(config.n_embd))

    def forward(self, x_BTD: Tensor) -> Tensor:
        rows, positions, _ = x_BTD.shape
        query, key, value = self.c_attn(x_BTD).view(rows, positions, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        i_T1 = torch.arange(positions, device=x_BTD.device)[:, None]
        if self.kind == "compressed":
            key, value = self.slots(key, self.compress_k, self.null_k), self.slots(value, self.compress_v, self.null_v)
            visible_TS = torch.arange(key.size(2), device=x_BTD.device) <= (i_T1 + 1) // self.compression
        else:
            visible_TS = self.visible(i_T1, i_T1.T)
        scores_BHTS = query @ key.transpose(-1, -2)
        if self.kind.startswith("relative"):
            distance_TT = (i_T1 - i_T1.T).clamp(0, self.distance.size(1) - 1)
            by_distance = query @ self.distance.transpose(-1, -2)  # [B, H, T, distances]
            scores_BHTS = scores_BHTS + by_distance.gather(-1, distance_TT.expand_as(scores_BHTS))
        weights = (scores_BHTS * self.scale).masked_fill(~visible_TS, -torch.inf).softmax(-1, dtype=torch.float32)
        return self.c_proj((weights.to(value.dtype) @ value).transpose(1, 2).flatten(2))

    def visible(self, i: Tensor, j: Tensor) -> Tensor:
        """Whether position i sees position j."""
        causal = j <= i
        if self.kind == "local":
            return causal & (i // self.block == j // self.block)
        if self.kind == "relative-local":
            return causal & (i // self.block - j // self.block <= 1)
        return causal

    def slots(self, x_BHTK: Tensor, weight_HCKK: Tensor, null_D: Tensor) -> Tensor:
        """The learned slot, and one for each whole group of C positions: [B, H, 1 + T // C, K]."""
        groups = x_BHTK.size(2) // self.compression
        whole = x_BHTK[:, :, : groups * self.compression].unflatten(2, (groups, self.compression))
        null = null_D.view(self.heads, 1, -1).expand(x_BHTK.size(0), -1, -1, -1)
        return torch.cat([null, whole.flatten(3) @ weight_HCKK.flatten(1, 2)], 2)


class GPT2KitMLP(nn.Module):
    """Two projections around the activation function."""

    def __init__(self, config: GPT2KitConfig) -> None:
        super().__init__()
        inner = config.n_inner or 4 * config.n_embd
        self.c_fc = Conv1D(inner, config.n_embd)
        self.act = ACT2FN[config.activation_function]
        self.c_proj = Conv1D(config.n_embd, inner)

    def forward(self, x_BTD: Tensor) -> Tensor:
        return self.c_proj(self.act(self.c_fc(x_BTD)))


class GPT2KitBlock(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, config: GPT2KitConfig, kind: str, layer: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.attn = GPT2KitAttention(config, kind, layer)
        self.ln_2 = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.mlp = GPT2KitMLP(config)
        self.drop = nn.Dropout(config.resid_pdrop)

    def forward(self, x_BTD: Tensor) -> Tensor:
        x_BTD = x_BTD + self.drop(self.attn(self.ln_1(x_BTD)))
        return x_BTD + self.drop(self.mlp(self.ln_2(x_BTD)))


class GPT2KitPreTrainedModel(PreTrainedModel):
    """Common to the classes below: names that transformers expects, and weights for a model created from its config."""

    config_class = GPT2KitConfig
    base_model_prefix = "transformer"
    _input_embed_layer = "wte"

    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, Conv1D):
            init.normal_(module.weight, std=self.config.initializer_range)
            init.zeros_(module.bias)
        elif isinstance(module, GPT2KitAttention):
            for name, parameter in module.named_parameters(recurse=False):
                if name.startswith("null"):
                    init.zeros_(parameter)
                else:
                    init.normal_(parameter, std=self.config.initializer_range)


class GPT2KitModel(GPT2KitPreTrainedModel):
    """The decoder without a head."""

    def __init__(self, config: GPT2KitConfig) -> None:
        super().__init__(config)
        kinds = config.attention.split(",")
        if not set(kinds) <= set(KINDS) or len(kinds) not in (1, config.n_layer):
            raise ValueError(
                f"attention = {config.attention!r}; expected one of {', '.join(KINDS)}, or a list of n_layer of them"
            )
        self.wte = nn.Embedding(config.vocab_size, config.n_embd)
        self.wpe = nn.Embedding(config.n_positions, config.n_embd)
        self.drop = nn.Dropout(config.embd_pdrop)
        self.h = nn.ModuleList(GPT2KitBlock(config, kinds[n % len(kinds)], n) for n in range(config.n_layer))
        self.ln_f = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.post_init()

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None, **kwargs: object) -> BaseModelOutput:
        if unsupported := [name for name in UNSUPPORTED if kwargs.get(name) is not None and kwargs[name] is not False]:
            raise ValueError(f"gpt2kit's models do not support {', '.join(unsupported)}")
        if input_ids.size(1) > self.config.n_positions:
            raise ValueError(f"{input_ids.size(1)} tokens; the model accepts at most {self.config.n_positions}")
        if attention_mask is None:
            return BaseModelOutput(last_hidden_state=self.hidden(input_ids))
        # Positions, blocks and groups count from the first token: padding is moved to the right, where no token sees
        # it, and the vectors are moved back.
        order = attention_mask.eq(0).to(torch.uint8).argsort(dim=1, stable=True)
        x_BTD = self.hidden(input_ids.gather(1, order))
        return BaseModelOutput(last_hidden_state=x_BTD.gather(1, order.argsort(1)[..., None].expand_as(x_BTD)))

    def hidden(self, ids_BT: Tensor) -> Tensor:
        """[B, T, D], after the last norm."""
        x_BTD = self.drop(self.wte(ids_BT) + self.wpe(torch.arange(ids_BT.size(1), device=ids_BT.device)))
        for block in self.h:
            x_BTD = block(x_BTD)
        return self.ln_f(x_BTD)


class GPT2KitForCausalLM(GPT2KitPreTrainedModel, GenerationMixin):
    """The language model; its head is the token embedding unless the config says otherwise."""

    _tied_weights_keys = {"lm_head.weight": "transformer.wte.weight"}  # noqa: RUF012  # as the base class has it

    def __init__(self, config: GPT2KitConfig) -> None:
        super().__init__(config)
        self.transformer = GPT2KitModel(config)
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        logits_to_keep: int = 0,
        **kwargs: object,
    ) -> CausalLMOutput:
        x_BTD = self.transformer(input_ids, attention_mask, **kwargs).last_hidden_state
        logits = self.lm_head(x_BTD[:, -logits_to_keep:])
        if labels is None:
            return CausalLMOutput(logits=logits)
        return CausalLMOutput(self.loss_function(logits, labels, vocab_size=self.config.vocab_size, **kwargs), logits)

    def prepare_inputs_for_generation(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, **_: object
    ) -> dict[str, object]:
        """The whole text at each step, without a cache."""
        return {"input_ids": input_ids, "attention_mask": attention_mask, "logits_to_keep": 1}


class GPT2KitForSequenceClassification(GPT2KitPreTrainedModel):
    """A linear head on the last token before the padding, as GPT2ForSequenceClassification has it."""

    def __init__(self, config: GPT2KitConfig) -> None:
        super().__init__(config)
        self.num_labels = len(config.id2label or {})
        self.transformer = GPT2KitModel(config)
        self.score = nn.Linear(config.n_embd, self.num_labels, bias=False)
        self.post_init()

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, labels: Tensor | None = None, **kwargs: object
    ) -> SequenceClassifierOutput:
        x_BTD = self.transformer(input_ids, attention_mask, **kwargs).last_hidden_state
        if attention_mask is not None:
            tokens_BT = attention_mask.ne(0)
        elif self.config.pad_token_id is not None:
            tokens_BT = input_ids.ne(self.config.pad_token_id)
        else:
            tokens_BT = torch.ones_like(input_ids)
        last_B = (tokens_BT * torch.arange(input_ids.size(1), device=input_ids.device)).argmax(-1)
        logits = self.score(x_BTD[torch.arange(len(x_BTD), device=x_BTD.device), last_B])
        loss = None
        if labels is not None:
            loss = self.loss_function(logits=None, labels=labels, pooled_logits=logits, config=self.config)
        return SequenceClassifierOutput(loss, logits)
