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

LEAST_GROWTH, GROWTH = 2, 1 / 8
"""Elsewhere room is made for two steps, or by an eighth: what lies between the slots of one row and those of the next
costs a CPU's prefetching more than copying all of them now and then."""


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
        """`shape` is (L, P, H, S, K), S being the most slots that will be needed. With `static` they are there from the
        start, steps read whole buckets of them and change tensors in place."""
        layers, prompts, heads, slots, head_dim = shape
        if static:
            slots = -(-slots // BUCKET) * BUCKET
        self.static, self.width, self.most = static, width, slots
        new = torch.zeros((prompts, heads, slots if static else 0, head_dim), device=device, dtype=dtype)
        self.keys_LPHSK = [new.clone() for _ in range(layers)]
        self.values_LPHSK = [new.clone() for _ in range(layers)]
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
        """Slots that the next step looks at: its own too, and where a mask hides them those that nothing was written to
        yet."""
        after = self.filled + self.width
        if self.static:
            return -(-after // BUCKET) * BUCKET
        return self._room(after) if self.masked else after

    def _room(self, slots: int) -> int:
        """Slots that there are once there is room for so many."""
        there = self.keys_LPHSK[0].size(2)
        if slots <= there:
            return there
        return min(self.most, slots + max(LEAST_GROWTH * self.width, int(GROWTH * slots)))

    def fill(self, layer: int, keys_PHTK: Tensor, values_PHTK: Tensor) -> None:
        """Write the prompts of one layer."""
        new = keys_PHTK.size(2)
        self._reserve(layer, self._room(new))
        self.keys_LPHSK[layer][:, :, :new] = keys_PHTK
        self.values_LPHSK[layer][:, :, :new] = values_PHTK

    def _reserve(self, layer: int, room: int) -> None:
        """Make room; what nothing was written to yet is 0, as it is multiplied by weights of 0."""
        for layers in (self.keys_LPHSK, self.values_LPHSK):
            old = layers[layer]
            if room > old.size(2):
                layers[layer] = old.new_zeros(old.size(0), old.size(1), room, old.size(3))
                layers[layer][:, :, : self.filled] = old[:, :, : self.filled]

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
        """[P, 1, W, S']: each hypothesis sees its past and, from now on, the slot of its new token, for which there is
        room now."""
        room = self._room(self.filled + self.width)
        for layer in range(len(self.keys_LPHSK)):
            self._reserve(layer, room)
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

    def keep(self, prompts_P: Tensor) -> None:
        """Go on with these prompts alone, in this order; those that keep their places are not copied."""
        left = len(prompts_P)
        moved = (prompts_P != torch.arange(left, device=prompts_P.device)).nonzero().flatten()
        for layers in (self.keys_LPHSK, self.values_LPHSK):
            for layer, old in enumerate(layers):
                old[moved] = old[prompts_P[moved]]
                layers[layer] = old[:left]
        self.visible_PWS = self.visible_PWS[prompts_P]
        self.key_positions_PS = self.key_positions_PS[prompts_P]
        self.positions_P = self.positions_P[prompts_P]
