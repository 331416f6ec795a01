"""Computes logits of prompts token by token: the batch that greedy decoding, sampling and beam search share.

On CUDA a step is captured as a graph: replayed, it costs one launch instead of hundreds.
"""

import time
from collections.abc import Sequence

import torch
from torch import Tensor

from gpt2kit.decoding.average import Model, averaged

COMPACT_BELOW = {"cuda": 0.75}
"""Where a smaller batch needs a new graph, ended rows stay until fewer than this share of the rows continue."""

WARM_UP = 2
"""Steps computed before a capture, as kernel libraries prepare themselves at first use."""


class Stepper:
    """A batch of prompts being answered."""

    def __init__(
        self,
        model: Model,
        prompts: Sequence[Sequence[int]],
        most_new: int,
        width: int = 1,
        static: bool | None = None,
    ) -> None:
        """Read the prompts, equal ones once; `logits_PV` are those after them. `static` fixes the shapes of a step; by
        default on CUDA."""
        device = model.device
        places = {prompt: place for place, prompt in enumerate(dict.fromkeys(map(tuple, prompts)))}
        rows = [places[tuple(prompt)] for prompt in prompts]
        prompts = list(places)
        static = device.type == "cuda" if static is None else static
        lengths = [len(prompt) for prompt in prompts]
        longest = max(lengths)
        ids_PT = torch.zeros(len(prompts), longest, dtype=torch.long)
        for row, prompt in zip(ids_PT, prompts, strict=True):
            row[: len(prompt)] = torch.tensor(prompt)
        self.model = model
        slots, ids_PT = longest + most_new * width, ids_PT.to(device)
        self.caches = [member.new_cache(len(prompts), slots, width, static) for member in model.members]
        self._members = list(zip(model.members, self.caches, strict=True))
        self._ended = 0.0
        self.logits_PV = averaged([member.prefill(ids_PT, lengths, cache) for member, cache in self._members])
        if len(rows) > len(prompts):
            rows_P = torch.tensor(rows, device=device)
            self.logits_PV = self.logits_PV[rows_P]
            for cache in self.caches:
                cache.keep(rows_P)
        self._captured: tuple[tuple[int, ...], ...] = ()
        self._graph: torch.cuda.CUDAGraph | None = None

    def step(self, tokens_PW: Tensor) -> Tensor:
        """Logits [P, W, V] in fp32 after one more token of each hypothesis; valid until the next step."""
        if self.model.device.type != "cuda":
            started = self._ended or time.perf_counter()  # with what the caller did after the step before
            logits_PWV = averaged([member.step(tokens_PW, cache) for member, cache in self._members])
            self._ended = time.perf_counter()
            self.model.threads.add(self._ended - started, tokens_PW.numel())
            return logits_PWV
        if self._graph is None or self._captured != self._shapes:
            self._capture(tokens_PW)
        assert self._graph is not None
        self._tokens_PW.copy_(tokens_PW)
        self._graph.replay()
        for cache in self.caches:
            cache.count()
        return self._logits_PWV

    def branch(self, origins_PW: Tensor) -> None:
        """Let hypothesis w of each prompt continue hypothesis `origins[w]`."""
        for cache in self.caches:
            cache.branch(origins_PW)

    def compact(self, alive_P: Tensor) -> Tensor | None:
        """Continue with only the live prompts, if it pays; returns which they are, in their new order.

        Live prompts beyond the new size of the batch replace those that have ended.
        """
        left = int(alive_P.sum())
        if left == len(alive_P) or left >= COMPACT_BELOW.get(alive_P.device.type, 1) * len(alive_P):
            return None
        kept_P = torch.arange(left, device=alive_P.device)
        kept_P[~alive_P[:left]] = left + alive_P[left:].nonzero().flatten()
        for cache in self.caches:
            cache.keep(kept_P)
        self._graph = None  # it refers to the previous tensors
        return kept_P

    @property
    def _shapes(self) -> tuple[tuple[int, ...], ...]:
        return tuple(cache.shapes for cache in self.caches)

    def _computed(self, tokens_PW: Tensor) -> Tensor:
        return averaged([member.compute(tokens_PW, cache) for member, cache in self._members])

    def _capture(self, tokens_PW: Tensor) -> None:
        is_first = self._graph is None
        self._captured, self._tokens_PW = self._shapes, tokens_PW.clone()
        places = [(cache, cache.positions_P.clone(), cache.slots_W.clone()) for cache in self.caches]
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            # Each one writes the slots that the real step will overwrite. For more slots, the kernels are the same.
            for _ in range(WARM_UP if is_first else 0):
                self._computed(self._tokens_PW)
                for cache, positions_P, slots_W in places:
                    cache.positions_P.copy_(positions_P)
                    cache.slots_W.copy_(slots_W)
        torch.cuda.current_stream().wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._logits_PWV = self._computed(self._tokens_PW)
