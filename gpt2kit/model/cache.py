"""Preallocated keys and values of prompts that are answered together.

Shapes: L layers, P prompts, W hypotheses of each prompt (1 but in beam search), H heads, S slots, K = width of a head.
The hypotheses of a prompt share its slots: each step writes W new ones, and `visible` says which of them are the past
of which hypothesis. So nothing is copied when hypotheses are dropped and others branch, the prompt is stored once, and
attention is one product of W queries with all slots of their prompt.
"""

import torch
from torch import Tensor

BUCKET = 128
"""Where shapes must stay the same (CUDA graphs), so many slots more are looked at a time."""


class Cache:
    """The slots of one batch, and what stands in them."""

    def __init__(
        self,
        shape: tuple[int, int, int, int, int],
        width: int,
        device: torch.device,
        dtype: torch.dtype,
        static: bool = False,
    ) -> None:
        """`shape` is (L, P, H, S, K); with `static`, steps read whole buckets of slots and change tensors in place."""
        layers, prompts, heads, slots, head_dim = shape
        if static:
            slots = -(-slots // BUCKET) * BUCKET
        self.static, self.width = static, width
        room = (prompts, heads, slots, head_dim)
        new = torch.zeros if static else torch.empty  # unseen slots enter a static product, with weight 0
        self.keys_LPHSK = [new(room, device=device, dtype=dtype) for _ in range(layers)]
        self.values_LPHSK = [new(room, device=device, dtype=dtype) for _ in range(layers)]
        self.visible_PWS = torch.zeros(prompts, width, slots, device=device, dtype=torch.bool)
        self.key_positions_PS = torch.zeros(prompts, slots, device=device, dtype=torch.long)
        """Where the token of each slot stands."""
        self.positions_P = torch.zeros(prompts, device=device, dtype=torch.long)
        """Where the next token of each prompt stands."""
        self.slots_W = torch.arange(width, device=device)
        """Where the next keys and values are written."""
        self.filled = 0
        self.ragged = False

    @property
    def masked(self) -> bool:
        """Whether some slot is hidden from some hypothesis."""
        return self.ragged or self.static or self.width > 1

    @property
    def seen(self) -> int:
        """Slots that the next step looks at, its own included."""
        after = self.filled + self.width
        return -(-after // BUCKET) * BUCKET if self.static else after

    def fill(self, layer: int, keys_PHTK: Tensor, values_PHTK: Tensor) -> None:
        """Write the prompts of one layer."""
        new = keys_PHTK.size(2)
        self.keys_LPHSK[layer][:, :, :new] = keys_PHTK
        self.values_LPHSK[layer][:, :, :new] = values_PHTK

    def begin(self, lengths_P: Tensor, longest: int, ragged: bool) -> None:
        """The prompts stand in the slots, each padded to `longest`."""
        slots_S = torch.arange(longest, device=lengths_P.device)
        self.visible_PWS[:, :, :longest] = (slots_S < lengths_P[:, None])[:, None]
        self.key_positions_PS[:, :longest] = slots_S
        self.positions_P.copy_(lengths_P)
        self.slots_W += longest
        self.filled, self.ragged = longest, ragged

    def append(self, layer: int, keys_PHWK: Tensor, values_PHWK: Tensor) -> tuple[Tensor, Tensor]:
        """Write what one step adds to one layer; returns all that the step looks at, [P, H, S', K]."""
        keys, values = self.keys_LPHSK[layer], self.values_LPHSK[layer]
        if self.static:
            keys.index_copy_(2, self.slots_W, keys_PHWK.to(keys.dtype))
            values.index_copy_(2, self.slots_W, values_PHWK.to(values.dtype))
        else:
            new = slice(self.filled, self.filled + self.width)
            keys[:, :, new] = keys_PHWK
            values[:, :, new] = values_PHWK
        return keys[:, :, : self.seen], values[:, :, : self.seen]

    def see_own(self) -> Tensor:
        """[P, 1, W, S']: each hypothesis sees its past and, from now on, the slot of its new token."""
        self.visible_PWS.scatter_(2, self.slots_W[:, None].expand(self.visible_PWS.size(0), -1, 1), True)
        return self.visible_PWS[:, None, :, : self.seen]

    def distances(self) -> Tensor:
        """[P, 1, S']: how far before the next token each slot's token stands."""
        own_PW = self.positions_P[:, None].expand(-1, self.width)
        self.key_positions_PS.scatter_(1, self.slots_W.expand(len(own_PW), -1), own_PW)
        return self.positions_P[:, None, None] - self.key_positions_PS[:, None, : self.seen]

    def step(self) -> None:
        """Count the slots and positions of the token just computed (on the device; `count` does it for the host)."""
        self.positions_P += 1
        self.slots_W += self.width

    def count(self) -> None:
        self.filled += self.width

    def branch(self, origins_PW: Tensor) -> None:
        """Hypothesis w of each prompt goes on from what was hypothesis `origins[w]`."""
        whole = origins_PW[:, :, None].expand_as(self.visible_PWS)
        self.visible_PWS.copy_(self.visible_PWS.gather(1, whole))

    def keep(self, prompts: Tensor) -> None:
        """Go on with these prompts alone."""
        for layers in (self.keys_LPHSK, self.values_LPHSK):
            for layer, old in enumerate(layers):
                kept = (torch.zeros_like if self.static else torch.empty_like)(old[: len(prompts)])
                kept[:, :, : self.filled] = old[prompts, :, : self.filled]
                layers[layer] = kept
        self.visible_PWS = self.visible_PWS[prompts]
        self.key_positions_PS = self.key_positions_PS[prompts]
        self.positions_P = self.positions_P[prompts]
