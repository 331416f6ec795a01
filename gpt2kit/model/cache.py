"""Preallocated KV cache of prompts that are answered together.

Shapes: P prompts, W hypotheses of each prompt (1 except in beam search), H heads, S slots, K = width of a head.

The hypotheses of a prompt share its slots: each step writes W new ones, and `visible` says which slots each hypothesis
sees. So nothing is copied when hypotheses are dropped and others branch, the prompt is stored once, and attention is
one product of W queries with all slots of their prompt.

`Cache` knows where tokens are. Each kind of attention decides what its layers store of them (`LayerCache`) and what a
new token sees (`DecodeMasks`, one object for all layers of a kind).
"""

import weakref
from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

import torch
from torch import Tensor

from gpt2kit.model.cache_slots import BUCKET, enlarge, keep_rows, roomy


class Cache:
    """The positions of one batch's tokens, and each layer's cache."""

    def __init__(
        self, shape: tuple[int, int, int, int], width: int, device: torch.device, dtype: torch.dtype, static: bool
    ) -> None:
        """`shape` is (P, H, S, K), S being the largest number of slots needed. If `static`, all of them are allocated
        from the start, and steps read whole buckets of them and change tensors in place."""
        prompts, self.heads, slots, self.head_dim = shape
        if static:
            slots = -(-slots // BUCKET) * BUCKET
        self.device, self.dtype, self.static, self.width, self.most = device, dtype, static, width, slots
        self.layers: list[LayerCache[DecodeMasks]] = []
        self.masks: dict[type, DecodeMasks] = {}
        """Masks by the kind of attention."""
        self.visible_PWS = torch.zeros(prompts, width, slots, device=device, dtype=torch.bool)
        self.key_positions_PS = torch.zeros(prompts, slots, device=device, dtype=torch.long)
        """The position of the token in each slot, or of the one that will be written there."""
        self.positions_P = torch.zeros(prompts, device=device, dtype=torch.long)
        """The position of the next token of each prompt."""
        self.slots_W = torch.arange(width, device=device)
        """The slot of the next keys and values."""
        self.filled = self.longest = 0
        self.masked = True
        """Whether some slot is hidden from some hypothesis."""
        self.there = slots if static else 0
        """Slots allocated."""

    @property
    def prompts(self) -> int:
        return len(self.positions_P)

    @property
    def shapes(self) -> tuple[int, ...]:
        """As long as these do not change, the next step can replay the last one."""
        return self.seen, *(shape for masks in self.masks.values() for shape in masks.shapes)

    @property
    def seen(self) -> int:
        """Slots that the next step reads: including its own and, if a mask hides them, those not yet written."""
        after = self.filled + self.width
        if self.static:
            return -(-after // BUCKET) * BUCKET
        return self._room(after) if self.masked else after

    def _room(self, slots: int) -> int:
        """Slots to allocate when at least `slots` are needed."""
        return self.there if slots <= self.there else min(self.most, roomy(slots, self.width))

    def begin(self, lengths: Sequence[int]) -> None:
        """Announce prompts, each padded to the longest. The host keeps what it needs of their lengths: it must not wait
        for the device in a step."""
        longest, lengths_P = max(lengths), torch.tensor(lengths, device=self.device)
        slots_S = torch.arange(self.most, device=self.device)
        self.visible_PWS[:, :, :longest] = (slots_S[:longest] < lengths_P[:, None])[:, None]
        steps_S = (slots_S - longest).div(self.width, rounding_mode="floor")
        self.key_positions_PS.copy_(torch.where(slots_S < longest, slots_S, lengths_P[:, None] + steps_S))
        self.positions_P.copy_(lengths_P)
        self.slots_W += longest
        self.filled = self.longest = longest
        self.masked = min(lengths) < longest or self.static or self.width > 1
        self.there = self._room(longest)
        for masks in self.masks.values():
            masks.begin(lengths)

    def prepare(self) -> None:
        """Each hypothesis sees its past and, from now on, the slot of its new token, which is allocated here."""
        self.there = self._room(self.filled + self.width)
        self.visible_PWS.scatter_(2, self.slots_W[:, None].expand(self.prompts, -1, 1), True)
        for masks in self.masks.values():
            masks.prepare()
            masks.mask = None if masks.visible is None else self._added(masks.visible)

    def _added(self, visible: Tensor) -> Tensor:
        """What attention adds to the scores of keys that are visible or not, made here once a step for all layers."""
        return torch.zeros(visible.shape, device=self.device, dtype=self.dtype).masked_fill(~visible, -torch.inf)

    def step(self) -> None:
        """Count the slots and positions of the token just computed (on the device; `count` does it for the host)."""
        self.positions_P += 1
        self.slots_W += self.width

    def count(self) -> None:
        self.filled += self.width
        for masks in self.masks.values():
            masks.count()

    def branch(self, origins_PW: Tensor) -> None:
        """Let hypothesis w of each prompt continue hypothesis `origins[w]`."""
        whole = origins_PW[:, :, None].expand_as(self.visible_PWS)
        self.visible_PWS.copy_(self.visible_PWS.gather(1, whole))
        for masks in self.masks.values():
            masks.branch(origins_PW)
        for layer in self.layers:
            layer.branch(origins_PW)

    def keep(self, prompts_P: Tensor) -> None:
        """Keep only these prompts, in this order, or repeat some of them; those that keep their places are not
        copied."""
        keep_rows((tensors for layer in self.layers for tensors in layer.tensors()), prompts_P)
        self.visible_PWS = self.visible_PWS[prompts_P]
        self.key_positions_PS = self.key_positions_PS[prompts_P]
        self.positions_P = self.positions_P[prompts_P]
        for masks in self.masks.values():
            masks.keep(prompts_P)


class DecodeMasks:
    """What the new tokens of a step see in the layers of one kind of attention."""

    visible: Tensor | None = None
    """[P, 1, W, S'], S' being the slots that `append` returns; None: all are visible."""
    mask: Tensor | None = None
    """The same in the form that attention takes."""
    first = 0
    """The first slot that the next step reads."""

    def __init__(self, cache: Cache) -> None:
        self.cache: Cache = weakref.proxy(cache)
        """It holds this object: as a cycle, its memory would be free only when Python looks for garbage."""

    @property
    def there(self) -> int:
        """Slots to allocate."""
        return self.cache.there

    @property
    def shapes(self) -> tuple[int, ...]:
        """See Cache: the part that it does not know."""
        return ()

    def begin(self, lengths: Sequence[int]) -> None:
        """Announce the prompts, which the cache already knows."""

    def prepare(self) -> None:
        """Compute what the next step sees."""
        cache = self.cache
        self.visible = cache.visible_PWS[:, None, :, : cache.seen] if cache.masked else None

    def count(self) -> None:
        """See Cache."""

    def branch(self, origins_PW: Tensor) -> None:
        """See Cache."""

    def keep(self, prompts_P: Tensor) -> None:
        """See Cache."""


M = TypeVar("M", bound=DecodeMasks, covariant=True)


class LayerCache(Generic[M]):
    """Keys and values of one layer, one slot per token."""

    def __init__(self, masks: M) -> None:
        self.masks, cache, self.there = masks, masks.cache, masks.there
        shape = (cache.prompts, cache.heads, self.there, cache.head_dim)
        self.slots = [torch.zeros(shape, device=cache.device, dtype=cache.dtype) for _ in range(2)]
        """Keys and values, [P, H, S, K] each; slots not yet written are 0, as they are multiplied by weights of 0."""

    def reserve(self) -> None:
        """Make room for all slots."""
        if self.there < self.masks.there:
            self.there = self.masks.there
            enlarge(self.slots, self.there)

    def fill(self, keys_PHTK: Tensor, values_PHTK: Tensor) -> None:
        """Write the prompts."""
        new = keys_PHTK.size(2)
        self.reserve()
        for slots, x_PHTK in zip(self.slots, (keys_PHTK, values_PHTK), strict=True):
            slots[:, :, :new] = x_PHTK

    def append(self, keys_PHWK: Tensor, values_PHWK: Tensor) -> tuple[Tensor, Tensor]:
        """Write the keys and values of a step; returns all that it reads, [P, H, S', K]."""
        cache = self.masks.cache
        self.reserve()
        keys, values = self.slots
        if cache.static:
            keys.index_copy_(2, cache.slots_W, keys_PHWK.to(keys.dtype))
            values.index_copy_(2, cache.slots_W, values_PHWK.to(values.dtype))
        else:
            new = slice(cache.filled, cache.filled + cache.width)
            keys[:, :, new] = keys_PHWK
            values[:, :, new] = values_PHWK
        looked = slice(self.masks.first, cache.seen)
        return keys[:, :, looked], values[:, :, looked]

    def branch(self, origins_PW: Tensor) -> None:
        """See Cache."""

    def tensors(self) -> Iterable[list[Tensor]]:
        """Lists of all tensors with a row per prompt."""
        return (self.slots,)
