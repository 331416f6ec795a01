"""The decoding loop: the same answer in any batch, as a stream, and as Hugging Face gives it."""

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from weakref import ReferenceType, ref

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import GPT2LMHeadModel, LogitsProcessorList, RepetitionPenaltyLogitsProcessor

from gpt2kit.config import ATTENTIONS, GenerateConfig
from gpt2kit.decoding import stepper
from gpt2kit.decoding.answer import Answer, new_token_limit
from gpt2kit.decoding.decode import CHECK_EVERY, Recent, answers, for_inference, last, stream
from gpt2kit.decoding.sampling import draw, probabilities
from gpt2kit.decoding.seeds import of_samples
from gpt2kit.model import hf
from gpt2kit.model.cache import Cache
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.inference import InferenceGPT2

Build = Callable[..., GPT2]

EOS = 0
PROMPTS = [[5, 3], [7], [1, 2, 3, 4, 5, 6, 7], [9, 9, 9], [22, 1], [14, 15, 16, 17, 18], [2], [11, 12, 13, 14]]
GREEDY = GenerateConfig(max_new_tokens=20, device="cpu", dtype="fp32", seed=0)
SAMPLED = replace(GREEDY, temperature=1.0, seed=3)
LIMITED = replace(SAMPLED, top_k=8, top_p=0.9)


@pytest.fixture(scope="module")
def model(tiny_model: Build) -> GPT2:
    """A model whose answers end early, late and never, greedy and sampled; see below."""
    return tiny_model(seed=14)


def run(model: GPT2, prompts: Sequence[Sequence[int]], config: GenerateConfig, **options: Any) -> list[Answer]:
    """The answers in the order of the prompts; one each."""
    found = {
        decoded.index: decoded.answers
        for decoded in answers(for_inference(model, config.dtype), prompts, config, EOS, **options)
    }
    assert sorted(found) == list(range(len(prompts)))
    assert all(len(each) == 1 for each in found.values())
    return [found[index][0] for index in range(len(prompts))]


@cache
def answered(model: GPT2, config: GenerateConfig) -> list[Answer]:
    """The answers to all PROMPTS in one batch, decoded once for each model and configuration."""
    return run(model, PROMPTS, config)


def chosen_by_full_passes(
    model: GPT2, read: Sequence[int], answer: Sequence[int], config: GenerateConfig, noise: Tensor
) -> list[int]:
    """The token that a pass without a cache chooses after `read` and after each token of `answer`.

    One pass gives all of them, as no position sees what comes after it.
    """
    with torch.no_grad():
        logits = model(torch.tensor([[*read, *answer]]))[0, len(read) - 1 :]
    if config.temperature == 0:
        return logits.argmax(-1).tolist()
    return draw(probabilities(logits, config), noise[: len(logits)]).tolist()


def assert_uncached(found: Answer, model: GPT2, prompt: Sequence[int], config: GenerateConfig, number: int) -> None:
    """The answer is what full forward passes choose, and ends at the end token or at the limit."""
    limit = new_token_limit(len(prompt), model.config.n_positions, config)
    noise = torch.rand(limit, generator=torch.Generator().manual_seed(int(config.seed) + number))
    made = [*found.ids, EOS] if found.finished else found.ids
    assert EOS not in found.ids
    assert found.finished or len(made) == limit
    assert 0 < len(made) <= limit
    assert chosen_by_full_passes(model, prompt, made[:-1], config, noise) == made


MODES = pytest.mark.parametrize("config", [GREEDY, SAMPLED, LIMITED], ids=["greedy", "sampled", "limited"])


@MODES
def test_cached_equals_uncached(model: GPT2, config: GenerateConfig) -> None:
    for number, (prompt, answer) in enumerate(zip(PROMPTS, answered(model, config), strict=True)):
        assert_uncached(answer, model, prompt, config, number)


@MODES
def test_the_examples_end_in_different_ways(model: GPT2, config: GenerateConfig) -> None:
    """Otherwise the tests of batches would prove little."""
    found = answered(model, config)
    assert {answer.finished for answer in found} == {True, False}
    assert len({len(answer.ids) for answer in found}) >= 4


@MODES
@pytest.mark.parametrize("batch_rows", [1, 2, 3, 64])
def test_the_batch_does_not_change_an_answer(model: GPT2, config: GenerateConfig, batch_rows: int) -> None:
    assert run(model, PROMPTS, replace(config, batch_rows=batch_rows)) == answered(model, config)


@MODES
def test_the_order_does_not_change_an_answer(model: GPT2, config: GenerateConfig) -> None:
    order = [3, 0, 7, 2, 6, 1, 5, 4]
    shuffled = run(model, [PROMPTS[index] for index in order], config, numbers=order)
    expected = answered(model, config)
    assert shuffled == [expected[index] for index in order]


def test_a_longer_limit_of_a_neighbour_does_not_change_a_draw(model: GPT2) -> None:
    """A row's numbers come from its own generator, however many of them its batch needs."""
    config = replace(SAMPLED, max_ratio=1.0, max_new_tokens=100)
    together = run(model, PROMPTS, config)
    assert together == [run(model, [prompt], config, numbers=[n])[0] for n, prompt in enumerate(PROMPTS)]


def test_samples_of_each_prompt(model: GPT2) -> None:
    """Each is the answer with its own seed, though batches separate the samples of a prompt."""
    prompts, decoder = PROMPTS[:3], for_inference(model, "fp32")
    alone = {
        number: [run(model, [prompt], replace(SAMPLED, seed=seed))[0] for seed in of_samples(3 + number, 3)]
        for number, prompt in enumerate(prompts)
    }
    for rows in (0, 4):
        found = answers(decoder, prompts, replace(SAMPLED, mbr=3, batch_rows=rows), EOS)
        assert {each.index: each.answers for each in found} == alone


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_equal_prompts_are_read_once(tiny_model: Build, attention: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their answers are those that each has alone, in sampling and with beams."""
    model, prompts = tiny_model(seed=14, attention=attention, block=8), [[5, 3], [7, 1, 2], [5, 3], [5, 3], [7, 1, 2]]
    decoder, read, prefill = for_inference(model, "fp32"), list[int](), InferenceGPT2.prefill

    def counted(self: InferenceGPT2, ids: Tensor, lengths: Sequence[int], cache: Cache) -> Tensor:
        read.append(len(ids))
        return prefill(self, ids, lengths, cache)

    monkeypatch.setattr(InferenceGPT2, "prefill", counted)
    for config in (SAMPLED, replace(GREEDY, beams=2)):
        together, alone = (
            {each.index: [answer.ids for answer in each.answers] for each in answers(decoder, prompts, asked, EOS)}
            for asked in (config, replace(config, batch_rows=1))
        )
        assert together == alone
    assert read == [2, *[1] * 5] * 2


def test_seeds(model: GPT2) -> None:
    one = run(model, [[5, 3]] * 6, SAMPLED)
    assert run(model, [[5, 3]] * 6, SAMPLED) == one
    assert run(model, [[5, 3]] * 6, replace(SAMPLED, seed=4))[:5] == one[1:], "row i uses seed + i"
    assert len({tuple(answer.ids) for answer in one}) > 1


@pytest.mark.parametrize("share", [0.0, 0.5, 0.75, 1.0])
@MODES
def test_rows_leave_the_batch_without_a_trace(
    model: GPT2, config: GenerateConfig, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = answered(model, config)
    monkeypatch.setitem(stepper.COMPACT_BELOW, "cpu", share)
    assert run(model, PROMPTS, config) == expected


@pytest.mark.parametrize("attention", ["full", "local", "compressed"])
def test_a_cache_is_freed_with_its_batch(tiny_model: Build, attention: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only when Python looks for cycles, which is rare: the caches of many batches do not fit into memory."""
    caches = list[ReferenceType[Cache]]()
    begin = Cache.begin

    def noted(self: Cache, lengths: Sequence[int]) -> None:
        caches.append(ref(self))
        begin(self, lengths)

    monkeypatch.setattr(Cache, "begin", noted)
    usual = gc.get_threshold()
    gc.set_threshold(0)
    try:
        run(tiny_model(attention=attention), PROMPTS, GREEDY)
        assert caches
        assert not any(each() for each in caches)
    finally:
        gc.set_threshold(*usual)


def test_finished_rows_are_not_computed(model: GPT2, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = []
    compute = InferenceGPT2.compute

    def counted(self: InferenceGPT2, tokens: torch.Tensor, cache: Cache) -> torch.Tensor:
        rows.append(tokens.size(0))
        return compute(self, tokens, cache)

    monkeypatch.setattr(InferenceGPT2, "compute", counted)
    made = [len(answer.ids) + answer.finished for answer in run(model, PROMPTS, SAMPLED)]
    assert sum(rows) == sum(made) - len(made), "the first token of an answer needs no step"


def test_greedy_is_hugging_faces(model: GPT2, tmp_path: Path) -> None:
    hf.save(tmp_path, model, EOS)
    theirs = GPT2LMHeadModel.from_pretrained(tmp_path).eval()
    for prompt, answer in zip(PROMPTS, answered(model, GREEDY), strict=True):
        ids = torch.tensor([prompt])
        found = theirs.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=20, pad_token_id=EOS
        )[0, len(prompt) :].tolist()
        assert found == [*answer.ids, *[EOS] * answer.finished]


@pytest.mark.parametrize("config", [GREEDY, *(replace(SAMPLED, seed=seed) for seed in range(5))])
def test_a_stream_is_the_answer(model: GPT2, config: GenerateConfig) -> None:
    decoder = for_inference(model, "fp32")
    for prompt, answer in zip(PROMPTS, run(model, PROMPTS, config, numbers=[0] * len(PROMPTS)), strict=True):
        assert list(stream(decoder, prompt, config, EOS)) == answer.ids


def test_a_stream_can_be_left(model: GPT2) -> None:
    tokens = stream(for_inference(model, "fp32"), [2], replace(GREEDY, max_new_tokens=40), EOS)
    first = next(tokens)
    tokens.close()  # type: ignore[attr-defined]  # a generator
    assert first == run(model, [[2]], GREEDY)[0].ids[0]


def test_decoding_has_no_dropout_and_keeps_no_gradients(tiny_model: Build) -> None:
    model = tiny_model(dropout=0.5)
    expected = run(model, PROMPTS, GREEDY)
    model.train()
    assert run(model, PROMPTS, GREEDY) == expected
    assert list(stream(for_inference(model, "fp32"), PROMPTS[0], GREEDY, EOS)) == expected[0].ids


def test_a_decoder_does_not_change_with_its_model(tiny_model: Build) -> None:
    model = tiny_model(seed=14)
    decoder, expected = for_inference(model, "fp32"), run(model, PROMPTS, GREEDY)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    found = {decoded.index: decoded.answers[0] for decoded in answers(decoder, PROMPTS, GREEDY, EOS)}
    assert [found[index] for index in range(len(PROMPTS))] == expected


def assert_rolled(
    found: Answer, model: GPT2, prompt: Sequence[int], config: GenerateConfig, number: int, recent: Recent = last
) -> None:
    """The answer is what config.roll promises: a full window continues from what is recent of half a window."""
    window, read, left = model.config.n_positions, list(prompt), [*found.ids, *[EOS] * found.finished]
    noise = torch.rand(config.max_new_tokens, generator=torch.Generator().manual_seed(int(config.seed) + number))
    assert EOS not in found.ids
    assert found.finished or len(left) == config.max_new_tokens
    while left:
        part = left[: max(1, window - len(read))]
        assert chosen_by_full_passes(model, read, part[:-1], config, noise) == part
        read = recent([*read, *part], window // 2)
        left, noise = left[len(part) :], noise[len(part) :]


def marked(text: Sequence[int], room: int) -> list[int]:
    """The last of a text behind a mark of its own."""
    return [7, *text[1 - room :]]


@MODES
def test_a_rolling_window_goes_on_beyond_the_trained_one(tiny_model: Build, config: GenerateConfig) -> None:
    model = tiny_model(seed=14, n_positions=12)
    config = replace(config, roll=True, max_new_tokens=50)
    found, with_marks = run(model, PROMPTS, config), run(model, PROMPTS, config, recent=marked)
    for number, prompt in enumerate(PROMPTS):
        assert_rolled(found[number], model, prompt, config, number)
        assert_rolled(with_marks[number], model, prompt, config, number, marked)
    assert max(len(answer.ids) for answer in found) > 24, "two windows"
    assert with_marks != found
    full = [list(range(1, 13)), [4] * 11]
    for number, (prompt, answer) in enumerate(zip(full, run(model, full, config), strict=True)):
        assert_rolled(answer, model, prompt, config, number)


@pytest.mark.parametrize("penalty_on", ["all", "answer"])
def test_the_repetition_penalty_is_hugging_faces(model: GPT2, tmp_path: Path, penalty_on: str) -> None:
    hf.save(tmp_path, model, EOS)
    theirs = GPT2LMHeadModel.from_pretrained(tmp_path).eval()
    config = replace(GREEDY, repetition_penalty=1.7, penalty_on=penalty_on)
    found = run(model, PROMPTS, config)
    for prompt, answer in zip(PROMPTS, found, strict=True):
        ids = torch.tensor([prompt])
        ignored = len(prompt) if penalty_on == "answer" else 0
        expected = theirs.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            max_new_tokens=20,
            pad_token_id=EOS,
            logits_processor=LogitsProcessorList([RepetitionPenaltyLogitsProcessor(1.7, ignored)]),
        )[0, len(prompt) :].tolist()
        assert expected == [*answer.ids, *[EOS] * answer.finished]
    assert found != answered(model, GREEDY)
    assert found != run(model, PROMPTS, replace(config, penalty_on="all" if penalty_on == "answer" else "answer"))


def test_other_ids_can_end_an_answer_too(tiny_model: Build) -> None:
    model = rigged(tiny_model, CHAIN)
    config = replace(GREEDY, max_new_tokens=40, stop_ids=(5, 7))
    assert run(model, [[2], [6], [8]], config) == [
        Answer([3, 4], None, True),
        Answer([], None, True),
        Answer([9, 10, 11], None, True),
    ]
    assert list(stream(for_inference(model, "fp32"), [2], config, EOS)) == [3, 4]


def rigged(tiny_model: Build, following: dict[int, int], **shape: int) -> GPT2:
    """A model whose next token depends on the last one alone, as `following` says."""
    vocab = 12
    model = tiny_model(vocab=vocab, n_embd=2 * vocab, n_head=1, n_layer=1, **shape)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        body = model.transformer
        body.ln_f.weight.fill_(1)
        block = body.blocks()[0]
        block.ln_2.weight.fill_(1)
        for token, after in following.items():
            body.wte.weight[token, token] = 1
            # The MLP sees which token stands here, takes it away and writes the next one in its place.
            block.mlp.c_fc.weight[token, token] = 10
            block.mlp.c_proj.weight[after, token] = 10
    return model


CHAIN = {token: (token + 1) % 12 for token in range(12)}


def test_the_end_token_ends_an_answer(tiny_model: Build) -> None:
    model = rigged(tiny_model, CHAIN)
    found = run(model, [[8], [10], [1], [11]], replace(GREEDY, max_new_tokens=40))
    assert found == [
        Answer([9, 10, 11], None, True),
        Answer([11], None, True),
        Answer([2, 3, 4, 5, 6, 7, 8, 9, 10, 11], None, True),
        Answer([], None, True),
    ]


def test_an_answer_that_is_cut_off_is_unfinished(tiny_model: Build) -> None:
    """A limit of three tokens: the end may be the third."""
    model = rigged(tiny_model, CHAIN)
    found = run(model, [[8], [9], [10]], replace(GREEDY, max_new_tokens=3))
    assert found == [Answer([9, 10, 11], None, False), Answer([10, 11], None, True), Answer([11], None, True)]


def test_the_limit_grows_with_the_prompt(tiny_model: Build) -> None:
    model = rigged(tiny_model, dict.fromkeys(range(12), 5), n_positions=64)
    config = replace(GREEDY, max_new_tokens=30, max_ratio=1.5)
    found = run(model, [[5], [5] * 7, [5] * 20], config)
    assert [len(answer.ids) for answer in found] == [int(1.5 * 1) + 16, int(1.5 * 7) + 16, 30]
    assert not any(answer.finished for answer in found)


@pytest.mark.parametrize("batch_rows", [1, 64])
@pytest.mark.parametrize("config", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
def test_an_answer_stays_within_the_window(tiny_model: Build, config: GenerateConfig, batch_rows: int) -> None:
    """Rows that fill the window stay in the batch beside many that go on."""
    model = tiny_model(n_positions=16)
    config = replace(config, max_new_tokens=100, batch_rows=batch_rows)
    prompts = [[5] * 16, [6] * 15, [7] * 14, *([index + 1, 2] for index in range(12))]
    found = run(model, prompts, config)
    assert len(found[0].ids) <= 1
    for number, (prompt, answer) in enumerate(zip(prompts, found, strict=True)):
        assert_uncached(answer, model, prompt, config, number)
        room = max(1, 16 - len(prompt))
        assert len(answer.ids) <= room
        assert answer.finished or len(answer.ids) == room


def test_limits() -> None:
    assert new_token_limit(10, 48, GenerateConfig(max_new_tokens=5)) == 5
    assert new_token_limit(46, 48, GenerateConfig(max_new_tokens=5)) == 2
    assert new_token_limit(48, 48, GenerateConfig(max_new_tokens=5)) == 1
    assert new_token_limit(46, 48, GenerateConfig(max_new_tokens=500, roll=True)) == 500
    assert new_token_limit(10, 48, GenerateConfig(max_ratio=0.5)) == 21
    assert new_token_limit(10, 48, GenerateConfig(max_ratio=0.5, max_new_tokens=20)) == 20


def test_nothing_to_answer(model: GPT2) -> None:
    assert run(model, [], GREEDY) == []


def test_results_come_as_they_are_ready(model: GPT2) -> None:
    """The longest prompts first, a batch at a time; the caller may stop."""
    found = answers(for_inference(model, "fp32"), PROMPTS, replace(GREEDY, batch_rows=2), EOS)
    assert {next(found).index, next(found).index} == {2, 5}


def test_bf16_decodes(model: GPT2, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpt2kit.model.device.native_bf16", lambda device: True)
    config = replace(GREEDY, dtype="bf16")
    found = run(model, PROMPTS, config)
    assert all(len(answer.ids) <= 20 for answer in found)
    assert list(stream(for_inference(model, "bf16"), PROMPTS[0], config, EOS)) == run(model, PROMPTS[:1], config)[0].ids


# banned ids


@MODES
def test_a_banned_id_is_never_chosen(model: GPT2, config: GenerateConfig) -> None:
    chosen = {id for answer in answered(model, config) for id in answer.ids} | {EOS}
    banned = tuple(sorted(chosen))[:8]
    for seed in range(5):
        found = run(model, PROMPTS, replace(config, ban_ids=banned, seed=seed))
        assert not any(answer.finished for answer in found), "the end token is among the banned"
        assert all(len(answer.ids) == 20 for answer in found)
        assert not {id for answer in found for id in answer.ids} & set(banned)


@pytest.mark.parametrize("batch_rows", [1, 3, 64])
def test_a_ban_takes_the_likeliest_of_the_others(model: GPT2, batch_rows: int) -> None:
    banned = [EOS, 3, 9, 12, 20]
    config = replace(GREEDY, ban_ids=tuple(banned), batch_rows=batch_rows)
    for prompt, answer in zip(PROMPTS, run(model, PROMPTS, config), strict=True):
        with torch.no_grad():
            logits = model(torch.tensor([[*prompt, *answer.ids[:-1]]]))[0, len(prompt) - 1 :]
        logits[:, banned] = -torch.inf
        assert logits.argmax(-1).tolist() == answer.ids


@MODES
def test_a_ban_of_what_is_not_chosen_changes_nothing(model: GPT2, config: GenerateConfig) -> None:
    """Sampling draws from what a ban leaves, another distribution: with it this holds where one id alone is likely."""
    expected = answered(model, config)
    unseen = set(range(1, 23)) - {id for answer in expected for id in answer.ids}
    if config.temperature == 0:
        assert len(unseen) >= 3
        assert run(model, PROMPTS, replace(config, ban_ids=tuple(unseen))) == expected
    peaked = replace(config, top_k=1) if config.temperature else config
    expected = answered(model, peaked)
    unseen = set(range(1, 23)) - {id for answer in expected for id in answer.ids}
    assert run(model, PROMPTS, replace(peaked, ban_ids=tuple(unseen))) == expected


@pytest.mark.parametrize("config", [GREEDY, *(replace(SAMPLED, seed=seed) for seed in range(3))])
def test_a_stream_obeys_a_ban(model: GPT2, config: GenerateConfig) -> None:
    config = replace(config, ban_ids=(EOS, 3, 9))
    decoder = for_inference(model, "fp32")
    for prompt, answer in zip(PROMPTS, run(model, PROMPTS, config, numbers=[0] * len(PROMPTS)), strict=True):
        found = list(stream(decoder, prompt, config, EOS))
        assert found == answer.ids
        assert not {EOS, 3, 9} & set(found)


# automata that only end answers


@dataclass(frozen=True)
class Clock:
    """Ends an answer at a total of its ids' `advance`, or after `patience` ids in a row that do not advance."""

    advance: Sequence[int]
    limit: int
    patience: int

    def ends(self, ids: Sequence[int]) -> bool:
        waited = 0
        for id in ids:
            waited = 0 if self.advance[id] else waited + 1
        return sum(self.advance[id] for id in ids) >= self.limit or waited >= self.patience


class Watching:
    """The automaton of a clock: it chooses nothing."""

    groups = None

    def __init__(self, clock: Clock) -> None:
        self.clock, self.ids = clock, list[int]()

    @property
    def over(self) -> bool:
        return self.clock.ends(self.ids)

    def weigh(self, bias_V: NDArray[np.float32]) -> None:
        assert not self.over
        bias_V.fill(0)

    def accept(self, id: int) -> None:
        self.ids.append(id)


def run_by(model: GPT2, prompts: Sequence[Sequence[int]], config: GenerateConfig, clock: Clock) -> list[Answer]:
    return run(model, prompts, config, automata=[Watching(clock) for _ in prompts])


ADVANCE = [id % 3 if id % 2 else 0 for id in range(23)]
CLOCKS = [Clock(ADVANCE, limit=4, patience=99), Clock(ADVANCE, limit=99, patience=3), Clock(ADVANCE, 5, 4)]
LONG = [replace(GREEDY, max_new_tokens=40), replace(SAMPLED, max_new_tokens=40), replace(LIMITED, max_new_tokens=40)]
TIMED = pytest.mark.parametrize("config", LONG, ids=["greedy", "sampled", "limited"])


def timed(answer: Answer, clock: Clock) -> Answer:
    """What a clock leaves of an answer that was made without one: it chooses nothing, it only ends."""
    for length in range(1, len(answer.ids) + 1):
        if clock.ends(answer.ids[:length]):
            return Answer(answer.ids[:length], None, True)
    return answer


@TIMED
@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("batch_rows", [1, 3, 64])
def test_a_clock_ends_an_answer_and_chooses_nothing(
    model: GPT2, config: GenerateConfig, clock: Clock, batch_rows: int
) -> None:
    config = replace(config, batch_rows=batch_rows)
    expected = [timed(answer, clock) for answer in answered(model, replace(config, batch_rows=64))]
    assert run_by(model, PROMPTS, config, clock) == expected


@TIMED
def test_the_clocks_end_some_answers_and_not_others(model: GPT2, config: GenerateConfig) -> None:
    """Otherwise the test above would prove little."""
    whole = answered(model, config)
    for clock in CLOCKS:
        cut = [timed(answer, clock) != answer for answer in whole]
        assert any(cut)
    assert any(answer.finished and timed(answer, CLOCKS[0]) == answer for answer in whole)
    by_both = [(timed(answer, CLOCKS[0]), timed(answer, CLOCKS[1])) for answer in whole]
    assert any(len(limit.ids) < len(patience.ids) for limit, patience in by_both)
    assert any(len(limit.ids) > len(patience.ids) for limit, patience in by_both)


@TIMED
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("stop_ids", [(), (5, 17)])
def test_rows_that_a_clock_ends_leave_the_batch_without_a_trace(
    model: GPT2, config: GenerateConfig, share: float, stop_ids: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each row is ended by its own time, wherever its neighbours stand, however rarely the loop looks."""
    config = replace(config, stop_ids=stop_ids)
    expected = [timed(answer, CLOCKS[2]) for answer in answered(model, config)]
    monkeypatch.setitem(stepper.COMPACT_BELOW, "cpu", share)
    for look_every in (1, 8):
        monkeypatch.setitem(CHECK_EVERY, "cpu", look_every)
        assert run_by(model, PROMPTS, config, CLOCKS[2]) == expected


@cache
def small_window(tiny_model: Build) -> GPT2:
    return tiny_model(seed=14, n_positions=12)


@TIMED
@pytest.mark.parametrize("batch_rows", [1, 3, 64])
def test_a_clock_goes_on_where_the_window_rolls(tiny_model: Build, config: GenerateConfig, batch_rows: int) -> None:
    config = replace(config, roll=True, max_new_tokens=48, ban_ids=(EOS,))
    model = small_window(tiny_model)
    whole = answered(model, config)
    assert all(len(answer.ids) == 48 for answer in whole)
    numbers = [*range(len(PROMPTS))] if batch_rows > 1 else [4, 5, 6, 7]  # one row at a time is slow
    for clock in (Clock(ADVANCE, 20, 99), Clock(ADVANCE, 99, 7), Clock([1] * 23, 41, 99), Clock([0] * 23, 1, 30)):
        prompts = [PROMPTS[number] for number in numbers]
        automata = [Watching(clock) for _ in prompts]
        found = run(model, prompts, replace(config, batch_rows=batch_rows), numbers=numbers, automata=automata)
        assert found == [timed(whole[number], clock) for number in numbers]
    assert max(len(timed(answer, Clock(ADVANCE, 20, 99)).ids) for answer in whole) > 24, "two windows"


def test_the_id_that_reaches_the_limit_is_the_last(tiny_model: Build) -> None:
    model = rigged(tiny_model, CHAIN)
    config = replace(GREEDY, max_new_tokens=40)
    advance = [0, 0, 0, 5, 0, 0, 5, 0, 0, 5, 0, 0]
    for limit, ids in [(1, [2, 3]), (5, [2, 3]), (6, [2, 3, 4, 5, 6]), (10, [2, 3, 4, 5, 6])]:
        assert run_by(model, [[1]], config, Clock(advance, limit, 99)) == [Answer(ids, None, True)]
    whole = [*range(2, 12)]
    assert run_by(model, [[1]], config, Clock(advance, 16, 99)) == [Answer(whole, None, True)]
    assert run_by(model, [[1]], config, Clock(advance, 16, 2)) == [Answer([2, 3, 4, 5], None, True)]
    assert run_by(model, [[1]], config, Clock(advance, 16, 3)) == [Answer(whole, None, True)], "two, then the end"


def test_an_end_token_that_also_reaches_the_limit_is_the_end(tiny_model: Build) -> None:
    model = rigged(tiny_model, CHAIN)
    config = replace(GREEDY, max_new_tokens=40)
    assert run_by(model, [[10]], config, Clock([1] * 12, 2, 99)) == [Answer([11], None, True)]
    assert run_by(model, [[10]], config, Clock([0] * 12, 1, 2)) == [Answer([11], None, True)]


def test_time_is_counted_exactly(tiny_model: Build) -> None:
    """Small steps, up to a time at which they would be lost among the digits of a number of single precision."""
    model = rigged(tiny_model, {token: 3 - token % 2 for token in range(12)}, n_positions=12)
    config = replace(GREEDY, roll=True, max_new_tokens=50)
    clock = Clock([0, 0, 1, 2**24, *[0] * 8], 2**24 + 20 + 2**24 * 20, 99)
    expected = timed(run(model, [[2]], config)[0], clock)
    assert run_by(model, [[2]], config, clock) == [expected]


# kinds of attention for long windows

LONG_WINDOWS = pytest.mark.parametrize(
    "attention",
    ["local", "compressed", "local,compressed,local", "compressed,full", "relative-local", "full,relative-local"],
)


@cache
def of_kinds(tiny_model: Build, attention: str, **shape: int) -> GPT2:
    return tiny_model(seed=14, n_layer=max(2, attention.count(",") + 1), attention=attention, block=4, **shape)


@LONG_WINDOWS
@MODES
def test_long_windows_cached_equal_uncached(tiny_model: Build, config: GenerateConfig, attention: str) -> None:
    model = of_kinds(tiny_model, attention)
    found = answered(model, config)
    for number, (prompt, answer) in enumerate(zip(PROMPTS, found, strict=True)):
        assert_uncached(answer, model, prompt, config, number)
    assert max(len(answer.ids) for answer in found) > 8, "two blocks"


@LONG_WINDOWS
@MODES
@pytest.mark.parametrize(("batch_rows", "share"), [(1, None), (3, None), (64, 0.0), (64, 0.5)])
def test_long_windows_in_any_batch(
    tiny_model: Build,
    config: GenerateConfig,
    attention: str,
    batch_rows: int,
    share: float | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Few rows at a time, or all that leave the batch as they end, or stay."""
    model = of_kinds(tiny_model, attention)
    config = replace(config, stop_ids=tuple(range(1, 23, 3)))
    expected = answered(model, config)
    assert len({len(answer.ids) for answer in expected}) > 1
    if share is not None:
        monkeypatch.setitem(stepper.COMPACT_BELOW, "cpu", share)
    assert run(model, PROMPTS, replace(config, batch_rows=batch_rows)) == expected


@LONG_WINDOWS
@MODES
def test_long_windows_roll(tiny_model: Build, config: GenerateConfig, attention: str) -> None:
    """Behind the last half of the window blocks and groups begin anew."""
    model = of_kinds(tiny_model, attention, n_positions=13)
    config = replace(config, roll=True, max_new_tokens=40)
    found = run(model, PROMPTS, config)
    for number, (prompt, answer) in enumerate(zip(PROMPTS, found, strict=True)):
        assert_rolled(answer, model, prompt, config, number)
    assert max(len(answer.ids) for answer in found) > 13


# log-probabilities


@pytest.mark.parametrize("seed", [0, 1])
def test_log_probabilities_are_hugging_faces(model: GPT2, tmp_path: Path, seed: int) -> None:
    """Of what is sampled they are those before temperature, top-k and top-p."""
    hf.save(tmp_path, model, EOS)
    theirs = GPT2LMHeadModel.from_pretrained(tmp_path).eval()
    for config in (GREEDY, replace(LIMITED, temperature=0.7, seed=seed)):
        for prompt, answer in zip(PROMPTS, run(model, PROMPTS, config, scored=True), strict=True):
            made = [*answer.ids, *[EOS] * answer.finished]
            with torch.no_grad():
                logits = theirs(torch.tensor([[*prompt, *made]])).logits[:, len(prompt) - 1 : -1].transpose(0, 1)
            scores = theirs.compute_transition_scores(
                torch.tensor([made]), tuple(logits), normalize_logits=True
            ).double()
            assert answer.log_probability == pytest.approx(float(scores.sum()), abs=1e-3)
            assert answer.score == pytest.approx(float(scores.sum()) / ((5 + len(made)) / 6) ** 0.6, abs=1e-3)


@MODES
@pytest.mark.parametrize(("share", "look_every"), [(1, 1), (0, 8)])
def test_log_probabilities_are_the_same_in_any_batch(
    model: GPT2, config: GenerateConfig, share: float, look_every: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that has ended and is still in the batch adds nothing."""
    alone = run(model, PROMPTS, replace(config, batch_rows=1), scored=True)
    monkeypatch.setitem(stepper.COMPACT_BELOW, "cpu", share)
    monkeypatch.setitem(CHECK_EVERY, "cpu", look_every)
    together = run(model, PROMPTS, config, scored=True)
    plain = answered(model, config)
    assert [answer.log_probability for answer in together] == pytest.approx(
        [answer.log_probability for answer in alone], abs=1e-4
    )
    assert [answer.ids for answer in together] == [answer.ids for answer in plain], "scores change nothing"
    assert {answer.log_probability for answer in plain} == {None}


def test_a_beam_knows_its_log_probability(model: GPT2) -> None:
    config = replace(GREEDY, beams=3)
    found = next(answers(for_inference(model, "fp32"), [[5, 3]], config, EOS)).answers
    for answer in found:
        made = [*answer.ids, *[EOS] * answer.finished]
        with torch.no_grad():
            likely = model(torch.tensor([[5, 3, *made[:-1]]]))[0, 1:].log_softmax(-1)
        expected = float(sum(likely[place, id] for place, id in enumerate(made)))
        assert answer.log_probability == pytest.approx(expected, abs=1e-3)


def test_every_token_of_a_text_that_rolls_counts(tiny_model: Build) -> None:
    rolling = tiny_model(seed=14, n_positions=12)
    config = replace(GREEDY, roll=True, max_new_tokens=50, ban_ids=(EOS,))
    (answer,) = run(rolling, [[5, 3]], config, scored=True)
    read, left, total = [5, 3], answer.ids, 0.0
    while left:
        part = left[: rolling.config.n_positions - len(read)]
        with torch.no_grad():
            likely = rolling(torch.tensor([[*read, *part[:-1]]]))[0, len(read) - 1 :].log_softmax(-1)
        total += float(sum(likely[place, id] for place, id in enumerate(part)))
        read, left = [*read, *part][-(rolling.config.n_positions // 2) :], left[len(part) :]
    assert answer.log_probability == pytest.approx(total, abs=1e-3)


@MODES
@pytest.mark.parametrize("batch_rows", [0, 1, 3])
def test_an_answer_ends_where_the_caller_says(model: GPT2, config: GenerateConfig, batch_rows: int) -> None:
    """The others in its batch continue; the id that ended it is in it."""
    found = run(model, PROMPTS, replace(config, batch_rows=batch_rows), ended=lambda ids: ids[-1] % 5 == 1)
    for whole, answer in zip(answered(model, config), found, strict=True):
        place = next((place for place, id in enumerate(whole.ids) if id % 5 == 1), None)
        expected = whole.ids if place is None else whole.ids[: place + 1]
        assert (answer.ids, answer.finished) == (expected, whole.finished or place is not None)
