"""Preallocated keys and values of prompts that are answered together.

Shapes: L layers, P prompts, W hypotheses of each prompt (1 but in beam search), H heads, S slots, K = width of a head.
The hypotheses of a prompt share its slots: each step writes W new ones, and `visible` says which of them are the past
of which hypothesis. So nothing is copied when hypotheses are dropped and others branch, the prompt is stored once, and
attention is one product of W queries with all slots of their prompt.

Layers of compressed attention keep something else (groups.py), and have no number here.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from gpt2kit.model.cache_slots import BUCKET, enlarge, keep_rows, roomy
from gpt2kit.model.groups import Groups


@dataclass
class DecodeMasks:
    """What the new tokens of one step look at, for each kind of attention."""

    mask: Tensor | None
    """[P, 1, W, S'], S' being what `append` returns; None: all of it."""
    distances_PWS: Tensor | None
    """How far before the new token each slot's token stands; None without relative attention."""
    start: int
    """Local attention looks at the slots from here on,"""
    local: Tensor | None
    """[P, 1, W, S' - start], at these; None: at all of them."""
    groups: Tensor | None
    """[P, 1, W, S''], what compressed attention sees of what the groups return; None: all of it."""


class Cache:
    """The slots of one batch, and what stands in them."""

    def __init__(
        self,
        shape: tuple[int, int, int, int, int],
        width: int,
        device: torch.device,
        dtype: torch.dtype,
        static: bool = False,
        relative: bool = False,
        local: tuple[int, int] = (0, 0),
        groups: Groups | None = None,
    ) -> None:
        """`shape` is (L, P, H, S, K), S being the most slots that will be needed. With `static` they are there from the
        start, steps read whole buckets of them and change tensors in place.

        `relative` says that some layer asks for distances, `local` that some look at no more than so many blocks, the
        last of which is their own, of so many positions; `groups` is what compressed layers keep.
        """
        layers, prompts, heads, slots, head_dim = shape
        if static:
            slots = -(-slots // BUCKET) * BUCKET
        self.static, self.width, self.most = static, width, slots
        self.relative, self.groups = relative, groups
        self.blocks, self.block = local
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
        self.there = slots if static else 0
        """Slots that there is room for."""
        self.lengths: list[int] = []
        """Of the prompts; known where local layers need them."""
        self.longest = 0

    @property
    def shapes(self) -> tuple[int, ...]:
        """While these stay, the next step can be a replay of the last one."""
        return self.seen, self.start, self.groups.seen if self.groups else 0

    @property
    def start(self) -> int:
        """The first slot that local attention looks at in the next step: what some prompt sees begins there."""
        if not self.blocks:
            return 0
        steps = (self.filled - self.longest) // self.width
        begins = {length: (length + steps) // self.block - self.blocks + 1 for length in self.lengths}
        first = min(self._slot_of(length, max(0, block) * self.block) for length, block in begins.items())
        return first // BUCKET * BUCKET if self.static else first

    def _slot_of(self, length: int, position: int) -> int:
        """The first slot with a position of a prompt of that length."""
        return position if position < length else self.longest + (position - length) * self.width

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
        if slots <= self.there:
            return self.there
        return min(self.most, roomy(slots, self.width))

    def fill(self, layer: int, keys_PHTK: Tensor, values_PHTK: Tensor) -> None:
        """Write the prompts of one layer."""
        new = keys_PHTK.size(2)
        self._reserve(self._room(new))
        self.keys_LPHSK[layer][:, :, :new] = keys_PHTK
        self.values_LPHSK[layer][:, :, :new] = values_PHTK

    def _reserve(self, room: int) -> None:
        """Make room; what nothing was written to yet is 0, as it is multiplied by weights of 0."""
        if room > self.there:
            self.there = room
            for layers in (self.keys_LPHSK, self.values_LPHSK):
                enlarge(layers, room, self.filled)

    def begin(self, lengths_P: Tensor, longest: int, ragged: bool) -> None:
        """The prompts stand in the slots, each padded to `longest`."""
        slots_S = torch.arange(longest, device=lengths_P.device)
        self.visible_PWS[:, :, :longest] = (slots_S < lengths_P[:, None])[:, None]
        self.key_positions_PS[:, :longest] = slots_S
        self.positions_P.copy_(lengths_P)
        self.slots_W += longest
        self.filled, self.longest, self.ragged = longest, longest, ragged
        if self.blocks:
            self.lengths = lengths_P.tolist()
        if self.groups:
            self.groups.begin(lengths_P, longest, ragged)

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

    def masks(self) -> DecodeMasks:
        """Each hypothesis sees its past and, from now on, the slot of its new token, for which there is room now."""
        self._reserve(self._room(self.filled + self.width))
        prompts = self.visible_PWS.size(0)
        self.visible_PWS.scatter_(2, self.slots_W[:, None].expand(prompts, -1, 1), True)
        if self.relative or self.blocks:
            own_PW = self.positions_P[:, None].expand(-1, self.width)
            self.key_positions_PS.scatter_(1, self.slots_W.expand(prompts, -1), own_PW)
        visible = self.visible_PWS[:, None, :, : self.seen] if self.masked else None
        distances = self._distances() if self.relative else None
        groups = self.groups.mask(self.positions_P) if self.groups else None
        start = self.start
        return DecodeMasks(visible, distances, start, self._in_block(visible, start), groups)

    def _distances(self) -> Tensor:
        before_PWS = self.positions_P[:, None, None] - self.key_positions_PS[:, None, : self.seen]
        return before_PWS.expand(-1, self.width, -1)

    def _in_block(self, visible: Tensor | None, start: int) -> Tensor | None:
        """What of the visible slots from `start` on is in the blocks that the new token sees."""
        if not self.blocks or visible is None:
            return None
        begins_P = (self.positions_P // self.block - self.blocks + 1) * self.block
        inside_PS = self.key_positions_PS[:, start : self.seen] >= begins_P[:, None]
        return visible[..., start:] & inside_PS[:, None, None]

    def step(self) -> None:
        """Count the slots and positions of the token just computed (on the device; `count` does it for the host)."""
        self.positions_P += 1
        self.slots_W += self.width

    def count(self) -> None:
        self.filled += self.width
        if self.groups:
            self.groups.count()

    def branch(self, origins_PW: Tensor) -> None:
        """Hypothesis w of each prompt goes on from what was hypothesis `origins[w]`."""
        whole = origins_PW[:, :, None].expand_as(self.visible_PWS)
        self.visible_PWS.copy_(self.visible_PWS.gather(1, whole))
        if self.groups:
            self.groups.branch(origins_PW)

    def keep(self, prompts_P: Tensor) -> None:
        """Go on with these prompts alone, in this order; those that keep their places are not copied."""
        keep_rows(self.keys_LPHSK, prompts_P)
        keep_rows(self.values_LPHSK, prompts_P)
        self.visible_PWS = self.visible_PWS[prompts_P]
        self.key_positions_PS = self.key_positions_PS[prompts_P]
        self.positions_P = self.positions_P[prompts_P]
        if self.blocks:
            self.lengths = [self.lengths[prompt] for prompt in prompts_P.tolist()]
        if self.groups:
            self.groups.keep(prompts_P)
