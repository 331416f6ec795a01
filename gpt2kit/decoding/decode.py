"""The only decoding loop. It is an iterator: streaming is the caller's `for`, stopping is the caller's `break`.

Shapes: B rows still being decoded, N all rows, S the most new tokens of a row, V vocabulary.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gpt2kit.config import GenerateConfig
from gpt2kit.decoding import sampling
from gpt2kit.decoding.answer import Answer, length_penalty, new_token_limit
from gpt2kit.decoding.average import Model
from gpt2kit.decoding.batching import batches
from gpt2kit.decoding.beam import beam_search
from gpt2kit.decoding.grammar import Automaton, Grammars
from gpt2kit.decoding.seeds import of_samples, seeds, with_seed
from gpt2kit.decoding.stepper import Stepper
from gpt2kit.errors import UserError
from gpt2kit.model.device import pick_dtype
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.inference import InferenceGPT2

CHECK_EVERY = {"cuda": 8}
"""Steps between two checks of which rows are alive: where the host would wait for the device, it checks less often."""


def for_inference(model: GPT2, dtype: str) -> InferenceGPT2:
    """Lay the weights out for decoding in one arithmetic; `arithmetic` finds that of settings."""
    return InferenceGPT2(model, pick_dtype(dtype, model.head.device))


def arithmetic(config: GenerateConfig, device: torch.device) -> str:
    """bf16, fp32 or int8. On a CPU `auto` samples in fp32: the likeliest token is hardly ever another one in bf16, but
    every draw depends on all roundings, and a seed should give the same text on every machine and in exported pages."""
    if config.dtype == "auto" and config.temperature > 0 and device.type != "cuda":
        return "fp32"
    return pick_dtype(config.dtype, device)


Recent = Callable[[Sequence[int], int], list[int]]
"""(text, room) -> at most `room` ids to continue from."""


Ended = Callable[[Sequence[int]], bool]
"""The ids of an answer so far -> whether the last one has ended it."""


def last(text: Sequence[int], room: int) -> list[int]:
    return [*text[-room:]]


class Decoding:
    """A batch of prompts being answered, greedily or by sampling.

    Every prompt has at least one token. Row i draws from seeds[i], so its answer does not depend on its neighbours.
    `automata`, one for each prompt, say which ids may come next and when an answer is over: on CUDA, the host then
    waits for each token. `ended` is asked after each token, which is slow; `scored` adds log-probabilities to the
    answers. With `config.roll` a row that has filled the window continues from its `recent` half window, which is read
    again, as every token then has another position.
    """

    def __init__(
        self,
        model: Model,
        prompts: Sequence[Sequence[int]],
        config: GenerateConfig,
        stops: Sequence[int],
        seeds: Sequence[int],
        automata: Sequence[Automaton] = (),
        recent: Recent = last,
        ended: Ended | None = None,
        scored: bool = False,
    ) -> None:
        self.model, self.prompts, self.config, device = model, prompts, config, model.device
        self.recent, self.ended, self.scored = recent, ended, scored
        self.window = model.window
        limits = [new_token_limit(len(prompt), self.window, config) for prompt in prompts]
        self.limits_N = torch.tensor(limits, device=device)
        self.ends, self.stops = frozenset(stops), torch.tensor(stops, device=device)
        self.banned = torch.tensor(config.ban_ids, dtype=torch.long, device=device)
        self.ids_NS = torch.zeros(len(prompts), max(limits), dtype=torch.long, device=device)
        self.made_N = torch.zeros_like(self.limits_N)
        self.stopped_N = torch.zeros_like(self.limits_N, dtype=torch.bool)
        self.scores_N = torch.zeros(len(prompts), device=device)
        self.grammars = Grammars(automata, model.vocab_size, config.ban_ids) if automata else None
        if self.grammars is not None:
            self.bias_NV = torch.from_numpy(self.grammars.bias_NV)  # which the automata write
            self.group_NV = torch.from_numpy(self.grammars.group_NV)
            self.stopped_N[:] = torch.tensor(self.grammars.over)
        if config.temperature > 0:
            self.noise_NS = _noise(max(limits), seeds).to(device)
        if config.repetition_penalty != 1:
            self.seen_NV = torch.zeros(len(prompts), model.vocab_size, dtype=torch.bool, device=device)
            for row, prompt in enumerate(prompts if config.penalty_on == "all" else ()):
                self.seen_NV[row, list(prompt)] = True

    def run(self) -> Iterator[Tensor]:
        """Yield the newest tokens [B] after each step; `ids_NS` and `made_N` hold all of them."""
        while rows := (~self.stopped_N & (self.made_N < self.limits_N)).nonzero().flatten().tolist():
            yield from self._until_the_window_is_full(rows)

    def answers(self) -> list[Answer]:
        """The answers, without their end tokens."""
        made = zip(self.ids_NS.tolist(), self.made_N.tolist(), self.stopped_N.tolist(), strict=True)
        found = []
        for (ids, count, stopped), total in zip(made, self.scores_N.tolist(), strict=True):
            closed = stopped and count > 0 and ids[count - 1] in self.ends
            score = total / length_penalty(count, self.config.length_penalty) if self.scored else None
            found.append(Answer(ids[: count - closed], score, stopped, total if self.scored else None))
        return found

    def _until_the_window_is_full(self, rows: list[int]) -> Iterator[Tensor]:
        prompts = [self._text(row) for row in rows]
        rows_B = torch.tensor(rows, device=self.model.device)
        room_B = torch.tensor([max(1, self.window - len(prompt)) for prompt in prompts], device=self.model.device)
        ends_B = torch.minimum(self.made_N[rows_B] + room_B, self.limits_N[rows_B])
        steps = int((ends_B - self.made_N[rows_B]).max())
        check_every = CHECK_EVERY.get(self.model.device.type, 1)
        stepper = Stepper(self.model, prompts, steps)
        logits_BV = stepper.logits_PV
        for step in range(steps):
            tokens_B = self._choose(logits_BV, rows_B)
            if self.scored:
                going_B = ~self.stopped_N[rows_B] & (self.made_N[rows_B] < ends_B)
                self.scores_N[rows_B] += torch.where(going_B, sampling.log_probabilities(logits_BV, tokens_B), 0.0)
            alive_B = self._note(rows_B, tokens_B, ends_B)
            yield tokens_B
            if step + 1 == steps:
                return
            if step % check_every == 0:
                if not alive_B.any():
                    return
                if (kept := stepper.compact(alive_B)) is not None:
                    rows_B, tokens_B, ends_B = rows_B[kept], tokens_B[kept], ends_B[kept]
            logits_BV = stepper.step(tokens_B[:, None])[:, 0]

    def _text(self, row: int) -> list[int]:
        """The text to read a row from: its prompt, or the `recent` part of prompt and answer."""
        text = [*self.prompts[row], *self.ids_NS[row, : int(self.made_N[row])].tolist()]
        return text if len(text) == len(self.prompts[row]) else self.recent(text, max(1, self.window // 2))

    def _choose(self, logits_BV: Tensor, rows_B: Tensor) -> Tensor:
        if self.config.repetition_penalty != 1:
            logits_BV = sampling.penalise(logits_BV, self.seen_NV[rows_B], self.config.repetition_penalty)
        if self.config.ban_ids:
            logits_BV = logits_BV.index_fill(-1, self.banned, -torch.inf)
        if self.grammars is not None:
            bias_BV = self.bias_NV.to(logits_BV.device).index_select(0, rows_B)
            if self.grammars.has_groups:
                group_BV = self.group_NV.to(logits_BV.device).index_select(0, rows_B)
                logits_BV = sampling.within_groups(logits_BV, bias_BV, group_BV)
            logits_BV = logits_BV + bias_BV
        if self.config.temperature == 0:
            return logits_BV.argmax(-1)
        uniform_B = self.noise_NS[rows_B, self.made_N[rows_B].clamp(max=self.noise_NS.size(1) - 1)]
        return sampling.draw(sampling.probabilities(logits_BV, self.config), uniform_B)

    def _note(self, rows_B: Tensor, tokens_B: Tensor, ends_B: Tensor) -> Tensor:
        """Record the tokens of the live rows; returns which are still alive."""
        made_B = self.made_N[rows_B]
        alive_B = ~self.stopped_N[rows_B] & (made_B < ends_B)
        at_B = made_B.clamp(max=self.ids_NS.size(1) - 1)
        self.ids_NS[rows_B, at_B] = torch.where(alive_B, tokens_B, self.ids_NS[rows_B, at_B])
        self.made_N[rows_B] += alive_B
        self.stopped_N[rows_B] |= alive_B & torch.isin(tokens_B, self.stops)
        if self.grammars is not None or self.ended is not None:
            self._ask(rows_B, tokens_B, alive_B & ~self.stopped_N[rows_B])
        if self.config.repetition_penalty != 1:
            self.seen_NV[rows_B, tokens_B] |= alive_B
        return alive_B & ~self.stopped_N[rows_B] & (made_B + 1 < ends_B)

    def _ask(self, rows_B: Tensor, tokens_B: Tensor, going_B: Tensor) -> None:
        """Ask whether the newest tokens end their answers. Here the host waits for the device."""
        for row, token, going in torch.stack((rows_B, tokens_B, going_B.long()), 1).tolist():
            if not going:
                continue
            over = self.grammars is not None and self.grammars.accept(row, token)
            if over or (self.ended is not None and self.ended(self.ids_NS[row, : int(self.made_N[row])].tolist())):
                self.stopped_N[row] = True


def _noise(steps: int, seeds: Sequence[int]) -> Tensor:
    """Uniform numbers [rows, steps], each row from its own generator, so that batches cannot change an answer."""
    generator = torch.Generator()
    return torch.stack([torch.rand(steps, generator=generator.manual_seed(seed)) for seed in seeds])


@dataclass(frozen=True)
class Decoded:
    """The answers to one prompt: of beam search the best first, of several samples in the order of their seeds."""

    index: int
    answers: list[Answer]


@torch.inference_mode()
def answers(
    model: Model,
    prompts: Sequence[Sequence[int]],
    config: GenerateConfig,
    stop: int,
    numbers: Sequence[int] | None = None,
    automata: Sequence[Automaton] = (),
    recent: Recent = last,
    ended: Ended | None = None,
    scored: bool = False,
) -> Iterator[Decoded]:
    """Decode any number of prompts in batches of similar length; results come when they are ready, not in order.

    An answer ends with `stop`, with one of config.stop_ids, where its automaton is over, or where `ended` says so; then
    it includes the ids that ended it. `numbers`, by default 0, 1, ..., give each prompt its seed when sampling; with
    `config.mbr` it has so many samples. Answers are scored by beam search, and otherwise if `scored`.
    """
    config = with_seed(config)
    numbers = range(len(prompts)) if numbers is None else numbers
    stops = (stop, *config.stop_ids)
    if automata and config.beams > 1:
        raise UserError(
            f"beams = {config.beams}: beam search does not support grammar: set beams = 1 or generate.grammar = false"
        )
    if automata and config.mbr:
        raise UserError(f"mbr = {config.mbr}: it does not support grammar: set mbr = 0")
    count = max(1, config.mbr)
    rows = [(index, seed) for index, first in enumerate(seeds(config, numbers)) for seed in of_samples(first, count)]
    made: dict[int, dict[int, list[Answer]]] = {}  # by prompt and row: samples of one may be in several batches
    with model.threads.used():
        for chosen in batches(model, [len(prompts[index]) for index, _ in rows], config):
            batch = [prompts[rows[row][0]] for row in chosen]
            if config.beams > 1:
                found = beam_search(model, batch, config, stops)
            else:
                own = [automata[row] for row in chosen] if automata else ()
                drawn = [rows[row][1] for row in chosen]
                decoding = Decoding(model, batch, config, stops, drawn, own, recent, ended, scored)
                for _ in decoding.run():
                    pass
                found = [[answer] for answer in decoding.answers()]
            for row, hypotheses in zip(chosen, found, strict=True):
                index = rows[row][0]
                of_prompt = made.setdefault(index, {})
                of_prompt[row] = hypotheses
                if len(of_prompt) == count:
                    del made[index]
                    yield Decoded(index, [answer for _, each in sorted(of_prompt.items()) for answer in each])


@torch.inference_mode()
def stream(
    model: Model,
    prompt: Sequence[int],
    config: GenerateConfig,
    stop: int,
    automata: Sequence[Automaton] = (),
) -> Iterator[int]:
    """Yield the tokens of one answer as they are decoded, without the end token."""
    stops, config = (stop, *config.stop_ids), with_seed(config)
    with model.threads.used():
        for new in Decoding(model, [prompt], config, stops, seeds(config, [0]), automata).run():
            token = int(new[0])
            if token in stops:
                return
            yield token
