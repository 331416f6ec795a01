"""The cache of compressed attention for prompts that are answered together: one slot per group of C positions.

Shapes: P prompts, W hypotheses of each, H heads, T positions, S slots, K = width of a head.

Slot 0 is the learned one, followed by those of a prompt's whole groups; then each group of an answer has W slots, one
per hypothesis. So a slot's number depends on the length of its prompt, and prompts of all lengths complete their groups
in slots without gaps. A step writes the slot of its group, whole or not: shapes stay the same, and only the slot of a
whole group becomes visible.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from gpt2kit.model.cache import Cache, DecodeMasks, LayerCache
from gpt2kit.model.cache_slots import BUCKET, roomy


class Groups(DecodeMasks):
    """The groups of one batch: their slots, and which of these the new tokens see."""

    def __init__(self, cache: Cache, compression: int) -> None:
        super().__init__(cache)
        most = cache.most // compression + 2 * cache.width + 1  # an answer may begin and end within a group
        self.most = -(-most // BUCKET) * BUCKET if cache.static else most
        self.compression = compression
        prompts, width, device = cache.prompts, cache.width, cache.device
        self.visible_PWS = torch.zeros(prompts, width, self.most, device=device, dtype=torch.bool)
        self.whole_P = torch.zeros(prompts, device=device, dtype=torch.long)
        """The number of whole groups of each prompt."""
        self.slots_PW = torch.zeros(prompts, width, device=device, dtype=torch.long)
        """The first of the next slots to write."""
        self.places_P = torch.zeros(prompts, device=device, dtype=torch.long)
        """The place of the next token within its group."""
        self.room = self.most if cache.static else 0
        self.made = 0
        """Steps since the prompts."""

    @property
    def there(self) -> int:
        return self.room

    @property
    def shapes(self) -> tuple[int, ...]:
        return (self.seen,)

    @property
    def _used(self) -> int:
        """The most slots that are in use after the next step."""
        answer = (self.compression - 1 + self.made) // self.compression + 1
        return 1 + self.cache.longest // self.compression + answer * self.cache.width

    @property
    def seen(self) -> int:
        """Slots that the next step reads."""
        cache = self.cache
        if cache.static:
            return -(-self._used // BUCKET) * BUCKET
        return self._used if cache.masked else 1 + (cache.longest + self.made + 1) // self.compression

    def begin(self, lengths: Sequence[int]) -> None:
        self.whole_P.copy_(self.cache.positions_P // self.compression)
        self.visible_PWS.copy_(torch.arange(self.most, device=self.whole_P.device) <= self.whole_P[:, None, None])
        self._reserve(1 + self.cache.longest // self.compression)

    def _reserve(self, slots: int) -> None:
        if slots > self.room:
            self.room = min(self.most, roomy(slots, self.cache.width))

    def prepare(self) -> None:
        """A hypothesis sees the slot of its own group too if its new token completes it."""
        self._reserve(self._used)
        width, positions_P = self.cache.width, self.cache.positions_P
        hypotheses_W = torch.arange(width, device=positions_P.device)
        new_P = positions_P // self.compression - self.whole_P
        self.places_P.copy_(positions_P % self.compression)
        self.slots_PW.copy_((1 + self.whole_P + new_P * width)[:, None] + hypotheses_W)
        whole_P = self.places_P == self.compression - 1
        self.visible_PWS.scatter_(2, self.slots_PW[:, :, None], whole_P[:, None, None].expand(-1, width, 1))
        self.visible = self.visible_PWS[:, None, :, : self.seen] if self.cache.masked else None

    def count(self) -> None:
        self.made += 1

    def branch(self, origins_PW: Tensor) -> None:
        self.visible_PWS.copy_(self.visible_PWS.gather(1, origins_PW[:, :, None].expand_as(self.visible_PWS)))

    def keep(self, prompts_P: Tensor) -> None:
        self.visible_PWS = self.visible_PWS[prompts_P]
        self.whole_P, self.places_P = self.whole_P[prompts_P], self.places_P[prompts_P]
        self.slots_PW = self.slots_PW[prompts_P]


class GroupLayerCache(LayerCache[Groups]):
    """One layer's slots, and the keys and values of each hypothesis's current group, its tail."""

    def __init__(self, masks: Groups) -> None:
        super().__init__(masks)
        cache = masks.cache
        shape = (cache.prompts, cache.heads, cache.width, masks.compression, cache.head_dim)
        self.tails = [torch.zeros(shape, device=cache.device, dtype=cache.dtype) for _ in range(2)]
        """[P, H, W, C, K]."""

    def fill_tails(self, keys_PHTK: Tensor, values_PHTK: Tensor) -> None:
        """Write the beginnings of the groups in which the prompts end."""
        compression, longest = self.masks.compression, keys_PHTK.size(2)
        begins_P = self.masks.whole_P * compression
        within_C = torch.arange(compression, device=begins_P.device)
        # Values beyond the end are arbitrary: they are overwritten before the group is whole.
        last_PC = (begins_P[:, None] + within_C).clamp(max=longest - 1)
        for tails, x_PHTK in zip(self.tails, (keys_PHTK, values_PHTK), strict=True):
            index = last_PC[:, None, :, None].expand(-1, x_PHTK.size(1), -1, x_PHTK.size(3))
            tails.copy_(x_PHTK.gather(2, index)[:, :, None].expand_as(tails))

    def extend_tails(self, keys_PHWK: Tensor, values_PHWK: Tensor) -> list[Tensor]:
        """Write the keys and values of a step; returns the tails of keys and of values."""
        for tails, x_PHWK in zip(self.tails, (keys_PHWK, values_PHWK), strict=True):
            shape = x_PHWK.shape
            place = self.masks.places_P[:, None, None, None, None].expand(*shape[:3], 1, shape[3])
            tails.scatter_(3, place, x_PHWK[:, :, :, None].to(tails.dtype))
        return self.tails

    def append(self, keys_PHWK: Tensor, values_PHWK: Tensor) -> tuple[Tensor, Tensor]:
        """Write the slots of the tails; returns all slots that the step reads, [P, H, S', K]."""
        self.reserve()
        for slots, x_PHWK in zip(self.slots, (keys_PHWK, values_PHWK), strict=True):
            slots.scatter_(2, self.masks.slots_PW[:, None, :, None].expand(x_PHWK.shape), x_PHWK.to(slots.dtype))
        keys, values = self.slots
        return keys[:, :, : self.masks.seen], values[:, :, : self.masks.seen]

    def branch(self, origins_PW: Tensor) -> None:
        for tails in self.tails:
            tails.copy_(tails.gather(2, origins_PW[:, None, :, None, None].expand_as(tails)))

    def tensors(self) -> Iterable[list[Tensor]]:
        return self.slots, self.tails
