"""Automata that say what may come next: in any batch, in rolling windows, with every way of choosing."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from gpt2kit.config import GenerateConfig
from gpt2kit.decoding import stepper
from gpt2kit.decoding.answer import Answer
from gpt2kit.decoding.decode import CHECK_EVERY, answers, for_inference, stream
from gpt2kit.decoding.grammar import Automaton
from gpt2kit.errors import UserError
from gpt2kit.model.gpt2 import GPT2

Build = Callable[..., GPT2]
Bias = NDArray[np.float32]

EOS, VOCABULARY = 0, 23
PROMPTS = [[5, 3], [7], [1, 2, 3, 4, 5, 6, 7], [9, 9, 9], [22, 1], [14, 15, 16, 17, 18]]
GREEDY = GenerateConfig(max_new_tokens=20, device="cpu", dtype="fp32", seed=0)
SAMPLED = replace(GREEDY, temperature=1.0, seed=3)
LIMITED = replace(SAMPLED, top_k=3, top_p=0.9)
MODES = pytest.mark.parametrize("config", [GREEDY, SAMPLED, LIMITED], ids=["greedy", "sampled", "limited"])


class Climbing:
    """Each id is 1 to 4 higher than the one before, in a circle; it ends after `length` ids."""

    groups = None

    def __init__(self, prompt: Sequence[int], length: int = 99) -> None:
        self.last, self.length, self.made = prompt[-1], length, list[int]()

    def next(self) -> list[int]:
        return [(self.last + step) % VOCABULARY for step in (1, 2, 3, 4)]

    @property
    def over(self) -> bool:
        return len(self.made) >= self.length

    def weigh(self, bias_V: Bias) -> None:
        assert len(bias_V) == VOCABULARY
        assert not self.over
        bias_V.fill(-np.inf)
        bias_V[self.next()] = 0

    def accept(self, id: int) -> None:
        assert id in self.next()
        self.made.append(id)
        self.last = id


class Written:
    """A bias that does not change."""

    over = False

    def __init__(
        self, ids: Iterable[int], wishes: dict[int, float] | None = None, groups: Sequence[int] | None = None
    ) -> None:
        self.ids, self.wishes = list(ids), wishes or {}
        self.groups = None if groups is None else np.array(groups)

    def weigh(self, bias_V: Bias) -> None:
        bias_V.fill(-np.inf)
        bias_V[self.ids] = 0
        for id, wish in self.wishes.items():
            bias_V[id] = wish

    def accept(self, id: int) -> None:
        assert id in self.ids or id in self.wishes


@pytest.fixture(scope="module")
def model(tiny_model: Build) -> GPT2:
    return tiny_model(seed=14)


def run(
    model: GPT2, config: GenerateConfig, automata: Sequence[Automaton], prompts: Any = PROMPTS, **options: Any
) -> list[Answer]:
    decoder = for_inference(model, config.dtype)
    found = {each.index: each.answers for each in answers(decoder, prompts, config, EOS, automata=automata, **options)}
    return [found[index][0] for index in range(len(prompts))]


def climbing(
    lengths: Sequence[int] = (3, 20, 1, 7, 12, 5), prompts: Sequence[Sequence[int]] = PROMPTS
) -> list[Climbing]:
    return [Climbing(prompt, length) for prompt, length in zip(prompts, lengths, strict=True)]


@MODES
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_an_answer_is_what_its_automaton_allows(
    model: GPT2, config: GenerateConfig, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each row by its own automaton, whether ended rows leave the batch or stay; so are the answers of single ones."""
    monkeypatch.setitem(stepper.COMPACT_BELOW, "cpu", share)
    monkeypatch.setitem(CHECK_EVERY, "cpu", 1 if share else 8)
    config = replace(config, ban_ids=(EOS,))
    automata = climbing()
    together = run(model, config, automata)
    assert [len(answer.ids) for answer in together] == [3, 20, 1, 7, 12, 5]
    assert [answer.finished for answer in together] == [True] * 6
    assert [answer.ids for answer in together] == [automaton.made for automaton in automata]
    assert run(model, replace(config, batch_rows=1), climbing()) == together
    assert run(model, replace(config, batch_rows=4), climbing()) == together
    assert len({tuple(answer.ids[:1]) for answer in together}) > 2


@MODES
def test_the_choice_is_the_models_among_what_is_allowed(model: GPT2, config: GenerateConfig) -> None:
    """Without a cache: top-k and top-p count only what is possible."""
    from gpt2kit.decoding.sampling import draw, probabilities

    prompt = PROMPTS[2]
    (answer,) = run(model, config, [Climbing(prompt)], [prompt])
    automaton, noise = Climbing(prompt), torch.rand(20, generator=torch.Generator().manual_seed(int(config.seed)))
    made = [*answer.ids, *([EOS] if answer.finished else [])]
    with torch.no_grad():
        logits = model(torch.tensor([[*prompt, *made]]))[0, len(prompt) - 1 : -1]
    for row, uniform, id in zip(logits, noise, made, strict=False):
        allowed = torch.full_like(row, -torch.inf)
        allowed[automaton.next()] = row[automaton.next()]
        if config.temperature:
            assert draw(probabilities(allowed[None], config), uniform[None]).item() == id
        else:
            assert allowed.argmax() == id
        automaton.accept(id)


@MODES
def test_an_automaton_goes_on_where_the_window_rolls(tiny_model: Build, config: GenerateConfig) -> None:
    small = tiny_model(seed=14, n_positions=12)
    config = replace(config, roll=True, max_new_tokens=60, ban_ids=(EOS,))
    lengths = (31, 45, 7, 52, 18, 26)
    automata = climbing(lengths)
    together = run(small, config, automata)
    assert [answer.ids for answer in together] == [automaton.made for automaton in automata]
    assert [len(answer.ids) for answer in together] == [*lengths]
    assert run(small, replace(config, batch_rows=1), climbing(lengths)) == together


@MODES
def test_one_allowed_id_is_forced(model: GPT2, config: GenerateConfig) -> None:
    config = replace(config, max_new_tokens=5)
    assert run(model, config, [Written([id]) for id in range(1, 7)]) == [
        Answer([id] * 5, None, False) for id in range(1, 7)
    ]


def test_a_wish_counts_before_the_temperature(model: GPT2) -> None:
    """Two ids: the logit of one is raised until it is taken; at half the temperature the wish weighs double."""
    config = replace(GREEDY, max_new_tokens=1)
    with torch.no_grad():
        gap = float((row := model(torch.tensor([[5, 3]]))[0, -1])[row[[8, 9]].argmax() + 8] - row[[8, 9]].min())
    likelier = int(row[[8, 9]].argmax()) + 8
    other = 17 - likelier
    for wish, expected in [(gap - 0.01, likelier), (gap + 0.01, other)]:
        assert run(model, config, [Written([likelier], {other: wish})], [[5, 3]])[0].ids == [expected]
    for temperature in (1.0, 0.5):
        wish = gap + 2.0
        sampled = replace(SAMPLED, temperature=temperature, max_new_tokens=1)
        found = run(model, sampled, [Written([likelier], {other: wish}) for _ in range(400)], [[5, 3]] * 400)
        share = sum(answer.ids == [other] for answer in found) / 400
        assert share == pytest.approx(1 / (1 + np.exp(-2.0 / temperature)), abs=0.05)


def test_what_is_impossible_in_a_group_goes_to_the_group(model: GPT2) -> None:
    """Ids 1 to 10 are a group, of which 3 remains: it gets the share of the group among the others that are possible.

    A row without groups in the same batch is as without them."""
    with torch.no_grad():
        likely = model(torch.tensor([[5, 3]]))[0, -1].softmax(-1)
    groups = [0, *[1] * 10]
    of_group, others = likely[1:11].sum(), likely[[12, 14]].sum()
    rows = [Written([3, 12, 14], groups=groups) for _ in range(600)] + [Written([3, 12, 14]) for _ in range(600)]
    found = run(model, replace(SAMPLED, max_new_tokens=1), rows, [[5, 3]] * 1200)
    ids = [answer.ids[0] for answer in found]
    assert ids[:600].count(3) / 600 == pytest.approx(float(of_group / (of_group + others)), abs=0.06)
    assert ids[600:].count(3) / 600 == pytest.approx(float(likely[3] / (likely[3] + others)), abs=0.06)
    nothing = Written([12, 14], groups=groups)
    assert set(run(model, GREEDY, [nothing], [[5, 3]])[0].ids) <= {12, 14}, "a group of which nothing is possible"


def test_log_probabilities_stay_those_of_the_model(model: GPT2) -> None:
    found = run(model, replace(SAMPLED, max_new_tokens=6, ban_ids=(EOS,)), climbing([6] * 6), scored=True)
    for prompt, answer in zip(PROMPTS, found, strict=True):
        with torch.no_grad():
            rows = model(torch.tensor([[*prompt, *answer.ids]]))[0, len(prompt) - 1 : -1].log_softmax(-1)
        total = rows[torch.arange(6), torch.tensor(answer.ids)].sum().item()
        assert answer.log_probability == pytest.approx(total, abs=1e-4)


def test_the_end_token_and_stop_ids_end_an_answer_if_they_are_allowed(model: GPT2) -> None:
    config = replace(GREEDY, stop_ids=(4,))
    assert run(model, config, [Written([EOS]), Written([4])], [[5, 3]] * 2) == [Answer([], None, True)] * 2


@MODES
def test_an_answer_may_be_over_before_it_begins(model: GPT2, config: GenerateConfig) -> None:
    lengths = (0, 4, 0, 2, 3, 0)
    found = run(model, replace(config, ban_ids=(EOS,)), climbing(lengths), scored=True)
    assert [len(answer.ids) for answer in found] == [*lengths]
    assert all(answer.finished for answer in found)
    assert found[0].log_probability == 0


@MODES
def test_a_stream_obeys_its_automaton(model: GPT2, config: GenerateConfig) -> None:
    config = replace(config, ban_ids=(EOS,))
    found = list(stream(for_inference(model, "fp32"), PROMPTS[1], config, EOS, [Climbing(PROMPTS[1], 9)]))
    assert found == run(model, config, [Climbing(PROMPTS[1], 9)], PROMPTS[1:2])[0].ids
    assert len(found) == 9


@MODES
def test_an_automaton_that_allows_nothing_is_named(model: GPT2, config: GenerateConfig) -> None:
    with pytest.raises(UserError, match=r"grammar Written allows no id after 0 ids$"):
        run(model, config, [Written([1]), Written([])], PROMPTS[:2])
    automaton = Written([1, 2])
    with pytest.raises(UserError, match=r"Written allows no id that generate\.ban_ids does not ban after 0 ids$"):
        run(model, replace(config, ban_ids=(1, 2, 3)), [automaton], PROMPTS[:1])


def test_beam_search_refuses_a_grammar(model: GPT2) -> None:
    with pytest.raises(UserError, match=r"beams = 3: beam search does not support grammar: set beams = 1 or"):
        run(model, replace(GREEDY, beams=3), climbing())
