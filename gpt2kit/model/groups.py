"""What compressed attention keeps of prompts that are answered together: a slot for each group of C positions.

Shapes: L compressed layers, P prompts, W hypotheses of each, H heads, T positions, S slots, K = width of a head.
Slot 0 is the learned one, the next are those of a prompt's whole groups; behind them each group of an answer has W
slots, one for each hypothesis. So a slot's number depends on the length of its prompt, and prompts of all lengths
complete their groups in slots without gaps. A step writes the slot of the group that it is in, whole or not: shapes
stay the same, and only the slot of a whole group becomes visible.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from gpt2kit.model.cache_slots import BUCKET, enlarge, keep_rows, roomy
from gpt2kit.model.compressed import behind_null, joined, shortened


@dataclass(frozen=True)
class Shortening:
    """How a layer makes slots of keys, or of values."""

    weight_HCKK: Tensor
    null_D: Tensor

    def __call__(self, x_PHTK: Tensor) -> Tensor:
        """Slot 0 and those of the whole groups, [P, H, 1 + T // C, K]."""
        return behind_null(shortened(x_PHTK, self.weight_HCKK), self.null_D)

    def one(self, group_PHWCK: Tensor) -> Tensor:
        """The slots of single groups, [P, H, W, K]."""
        return joined(group_PHWCK.to(self.weight_HCKK.dtype), self.weight_HCKK)


class Groups:
    """The slots of one batch, and the keys and values of the group that each hypothesis is in."""

    def __init__(
        self,
        shape: tuple[int, int, int, int, int],
        width: int,
        compression: int,
        device: torch.device,
        dtype: torch.dtype,
        static: bool,
    ) -> None:
        """`shape` is that of a cache without compression: (L, P, H, the most positions and hypotheses' tokens, K)."""
        layers, prompts, heads, tokens, head_dim = shape
        most = tokens // compression + 2 * width + 1  # an answer may begin and end inside of a group
        self.most = -(-most // BUCKET) * BUCKET if static else most
        self.width, self.compression, self.static = width, compression, static
        new = torch.zeros((prompts, heads, self.most if static else 0, head_dim), device=device, dtype=dtype)
        self.keys_LPHSK = [new.clone() for _ in range(layers)]
        self.values_LPHSK = [new.clone() for _ in range(layers)]
        tail = torch.zeros((prompts, heads, width, compression, head_dim), device=device, dtype=dtype)
        self.key_tails_LPHWCK = [tail.clone() for _ in range(layers)]
        self.value_tails_LPHWCK = [tail.clone() for _ in range(layers)]
        self.visible_PWS = torch.zeros(prompts, width, self.most, device=device, dtype=torch.bool)
        self.whole_P = torch.zeros(prompts, device=device, dtype=torch.long)
        """Whole groups of each prompt."""
        self.slots_PW = torch.zeros(prompts, width, device=device, dtype=torch.long)
        """Where the next slots are written."""
        self.places_P = torch.zeros(prompts, device=device, dtype=torch.long)
        """Where in its group the next token stands."""
        self.there = self.most if static else 0
        self.longest = self.made = 0
        self.masked = True

    @property
    def _used(self) -> int:
        """At most so many slots are written to after the next step."""
        answer = (self.compression - 1 + self.made) // self.compression + 1
        return 1 + self.longest // self.compression + answer * self.width

    @property
    def seen(self) -> int:
        """Slots that the next step looks at."""
        if self.static:
            return -(-self._used // BUCKET) * BUCKET
        return self._used if self.masked else 1 + (self.longest + self.made + 1) // self.compression

    def fill(
        self, layer: int, keys_PHTK: Tensor, values_PHTK: Tensor, lengths_P: Tensor, shorten: tuple[Shortening, ...]
    ) -> tuple[Tensor, Tensor]:
        """Write the prompts of one layer, padded on the right; returns the slots of each, padding too."""
        compression, longest = self.compression, keys_PHTK.size(2)
        self._reserve(1 + longest // compression, 0)
        begins_P = lengths_P // compression * compression
        within_C = torch.arange(compression, device=lengths_P.device)
        # Beyond the end stands anything: all of it is written again before its group is whole.
        last_PC = (begins_P[:, None] + within_C).clamp(max=longest - 1)
        found = []
        kept = (self.keys_LPHSK, self.key_tails_LPHWCK), (self.values_LPHSK, self.value_tails_LPHWCK)
        for x_PHTK, (slots, tails), how in zip((keys_PHTK, values_PHTK), kept, shorten, strict=True):
            short = how(x_PHTK)
            slots[layer][:, :, : short.size(2)] = short
            index = last_PC[:, None, :, None].expand(-1, x_PHTK.size(1), -1, x_PHTK.size(3))
            tails[layer].copy_(x_PHTK.gather(2, index)[:, :, None].expand_as(tails[layer]))
            found.append(short)
        return found[0], found[1]

    def begin(self, lengths_P: Tensor, longest: int, ragged: bool) -> None:
        """The prompts stand in the slots."""
        self.whole_P.copy_(lengths_P // self.compression)
        self.visible_PWS.copy_(torch.arange(self.most, device=lengths_P.device) <= self.whole_P[:, None, None])
        self.longest, self.masked = longest, ragged or self.static or self.width > 1

    def _reserve(self, slots: int, filled: int) -> None:
        if slots > self.there:
            self.there = min(self.most, roomy(slots, self.width))
            for layers in (self.keys_LPHSK, self.values_LPHSK):
                enlarge(layers, self.there, filled)

    def mask(self, positions_P: Tensor) -> Tensor | None:
        """[P, 1, W, S']: what each hypothesis sees, its own group too where its new token completes that; None: all."""
        self._reserve(self._used, self.there)
        hypotheses_W = torch.arange(self.width, device=positions_P.device)
        new_P = positions_P // self.compression - self.whole_P
        self.places_P.copy_(positions_P % self.compression)
        self.slots_PW.copy_((1 + self.whole_P + new_P * self.width)[:, None] + hypotheses_W)
        whole_P = self.places_P == self.compression - 1
        self.visible_PWS.scatter_(2, self.slots_PW[:, :, None], whole_P[:, None, None].expand(-1, self.width, 1))
        return self.visible_PWS[:, None, :, : self.seen] if self.masked else None

    def append(
        self, layer: int, keys_PHWK: Tensor, values_PHWK: Tensor, shorten: tuple[Shortening, ...]
    ) -> tuple[Tensor, Tensor]:
        """Take in what one step adds to one layer; returns all that the step looks at, [P, H, S', K]."""
        kept = (self.keys_LPHSK, self.key_tails_LPHWCK), (self.values_LPHSK, self.value_tails_LPHWCK)
        found = []
        for x_PHWK, (slots, tails), how in zip((keys_PHWK, values_PHWK), kept, shorten, strict=True):
            shape = x_PHWK.shape
            place = self.places_P[:, None, None, None, None].expand(*shape[:3], 1, shape[3])
            tails[layer].scatter_(3, place, x_PHWK[:, :, :, None].to(tails[layer].dtype))
            made = how.one(tails[layer]).to(slots[layer].dtype)
            slots[layer].scatter_(2, self.slots_PW[:, None, :, None].expand(shape), made)
            found.append(slots[layer][:, :, : self.seen])
        return found[0], found[1]

    def count(self) -> None:
        self.made += 1

    def branch(self, origins_PW: Tensor) -> None:
        """Hypothesis w of each prompt goes on from what was hypothesis `origins[w]`."""
        self.visible_PWS.copy_(self.visible_PWS.gather(1, origins_PW[:, :, None].expand_as(self.visible_PWS)))
        for tails in (*self.key_tails_LPHWCK, *self.value_tails_LPHWCK):
            tails.copy_(tails.gather(2, origins_PW[:, None, :, None, None].expand_as(tails)))

    def keep(self, prompts_P: Tensor) -> None:
        """Go on with these prompts alone, in this order."""
        for layers in (self.keys_LPHSK, self.values_LPHSK, self.key_tails_LPHWCK, self.value_tails_LPHWCK):
            keep_rows(layers, prompts_P)
        self.visible_PWS = self.visible_PWS[prompts_P]
        self.whole_P, self.places_P = self.whole_P[prompts_P], self.places_P[prompts_P]
        self.slots_PW = self.slots_PW[prompts_P]
