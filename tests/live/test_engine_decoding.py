"""The page's answers are those of gpt2kit/decoding: greedy and sampled, to any limit, with and without a grammar."""

import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gpt2kit.config import GenerateConfig
from gpt2kit.decoding.answer import limited_by, new_token_limit
from gpt2kit.decoding.decode import answers, for_inference
from gpt2kit.decoding.repetition import repeats_itself
from gpt2kit.live.content import weights
from gpt2kit.model.gpt2 import GPT2

Engine = Callable[..., Any]

EOS = 0
PROMPTS = [[5, 3], [7], [1, 2, 3, 4, 5, 6, 7], [9, 9, 9], [22, 1], [14, 15, 16, 17, 18], [2], [11, 12] * 20]
GREEDY = GenerateConfig(max_new_tokens=20, device="cpu", dtype="fp32", seed=0)
SAMPLED = replace(GREEDY, temperature=1.0, seed=3)

CONFIGS = {
    "greedy": GREEDY,
    "to the end of the window": replace(GREEDY, max_new_tokens=100),
    "by the length of the prompt": replace(GREEDY, max_ratio=1.4),
    "sampled": SAMPLED,
    "limited": replace(SAMPLED, temperature=1.7, top_k=8, top_p=0.9),
    "rolled": replace(GREEDY, max_new_tokens=130, roll=True, ban_ids=(EOS,)),
    "sampled and rolled": replace(SAMPLED, max_new_tokens=130, roll=True, ban_ids=(EOS,)),
    "without what occurred": replace(GREEDY, repetition_penalty=1.8),
    "without what was answered": replace(SAMPLED, repetition_penalty=0.6, penalty_on="answer"),
    "without some ids": replace(SAMPLED, ban_ids=(3, 4, 5, 21)),
    "with more ends": replace(SAMPLED, stop_ids=(6, 7)),
}

ANSWER = """(prompt, settings, stops, seed) => {
    const ids = generate(kept.model, prompt, settings, stops, seed), yielded = [];
    let next = ids.next();
    for (; !next.done; next = ids.next()) yielded.push(next.value);
    return [yielded, next.value];
}"""


@pytest.fixture(scope="module")
def model(tiny_model: Callable[..., GPT2]) -> GPT2:
    """A model whose answers end early, late and never."""
    return tiny_model(seed=14)


@pytest.fixture
def loaded(engine: Engine, model: GPT2) -> Engine:
    """The engine with the model, as `kept.model`."""
    engine("(run) => { kept.model = new Model(run); }", weights(model, "f32"))
    return engine


@pytest.mark.parametrize("name", CONFIGS)
def test_answers(loaded: Engine, model: GPT2, name: str) -> None:
    config, window = CONFIGS[name], model.config.n_positions
    stops = [EOS, *config.stop_ids]
    ends = set()
    for decoded in answers(for_inference(model, "fp32"), PROMPTS, config, EOS):
        prompt, (wanted,) = PROMPTS[decoded.index], decoded.answers
        yielded, found = loaded(ANSWER, prompt, asdict(config), stops, int(config.seed) + decoded.index)
        assert yielded == wanted.ids
        assert found.pop("end") in (stops if wanted.finished else [None])
        assert found == {
            "ids": wanted.ids,
            "finished": wanted.finished,
            "limit": "" if wanted.finished else limited_by(len(prompt), window, config),
            "circling": repeats_itself(wanted.ids),
        }
        ends.add(found["limit"])
    assert len(ends) > 1 or name not in ("greedy", "sampled", "limited"), "they end in different ways"


class Alternating:
    """An answer of a few ids, each in another group than the last one, which is preferred if it is a neighbor."""

    def __init__(self, prompt: Sequence[int]) -> None:
        self.last, self.left = prompt[-1], prompt[0] % 9

    @property
    def over(self) -> bool:
        return self.left == 0

    def weigh(self, bias_V: NDArray[np.float32]) -> None:
        ids = np.arange(len(bias_V))
        bias_V[:] = np.where(ids % 3 == self.last % 3, -np.inf, np.where(abs(ids - self.last) == 1, 2, 0))

    def accept(self, id: int) -> None:
        self.last, self.left = id, self.left - 1

    @property
    def groups(self) -> NDArray[np.int64]:
        return np.arange(20, dtype=np.int64) // 4 % 4


ALTERNATING = """class Alternating {
    constructor(prompt) {
        this.last = prompt.at(-1);
        this.left = prompt[0] % 9;
    }
    get over() {
        return this.left === 0;
    }
    weigh(bias) {
        bias.forEach((_, id) => {
            bias[id] = id % 3 === this.last % 3 ? -Infinity : Math.abs(id - this.last) === 1 ? 2 : 0;
        });
    }
    accept(id) {
        this.last = id;
        this.left--;
    }
    get groups() {
        return Array.from(Array(20), (_, id) => Math.floor(id / 4) % 4);
    }
}"""


@pytest.mark.parametrize(
    "config", [GREEDY, SAMPLED, replace(SAMPLED, ban_ids=(1, 2, 8))], ids=["", "sampled", "banned"]
)
def test_a_grammar(loaded: Engine, model: GPT2, config: GenerateConfig) -> None:
    automata = [Alternating(prompt) for prompt in PROMPTS]
    body = f"""(prompt, settings, seed) => {{
        {ALTERNATING}
        return answer(kept.model, prompt, settings, [{EOS}], seed, new Alternating(prompt));
    }}"""
    lengths = set()
    for decoded in answers(for_inference(model, "fp32"), PROMPTS, config, EOS, automata=automata):
        found = loaded(body, PROMPTS[decoded.index], asdict(config), int(config.seed) + decoded.index)
        (wanted,) = decoded.answers
        assert (found["ids"], found["finished"]) == (wanted.ids, wanted.finished)
        lengths.add(len(wanted.ids))
    assert {0, 1} < lengths, "no id, one and several"


def test_a_grammar_that_allows_nothing(loaded: Engine) -> None:
    body = """(settings) => {
        const automaton = { over: false, weigh: (bias) => bias.fill(-Infinity) };
        try { answer(kept.model, [1], settings, [0], 0, automaton); } catch (error) { return error.message; }
    }"""
    assert loaded(body, asdict(GREEDY)) == "the grammar allows no id after 0 ids"
    banned = loaded(body, asdict(replace(GREEDY, ban_ids=(1,))))
    assert banned == "the grammar allows no id that generate.ban_ids does not ban after 0 ids"


def test_other_ends_and_other_beginnings(loaded: Engine, model: GPT2) -> None:
    """What is kept when the window is full, and when an answer is over, may be a caller's choice."""
    config = replace(SAMPLED, max_new_tokens=130, roll=True, ban_ids=(EOS,))
    body = """(prompt, settings, seed) => answer(kept.model, prompt, settings, [0], seed, null, {
        recent: (ids, room) => [ids[0], ...ids.slice(ids.length - room + 3)],
        ended: (ids) => ids.length > 60 && ids.at(-1) === ids.at(-2),
    })"""

    def recent(ids: Sequence[int], room: int) -> list[int]:
        return [ids[0], *ids[len(ids) - room + 3 :]]

    def ended(ids: Sequence[int]) -> bool:
        return len(ids) > 60 and ids[-1] == ids[-2]

    for decoded in answers(for_inference(model, "fp32"), PROMPTS, config, EOS, recent=recent, ended=ended):
        found = loaded(body, PROMPTS[decoded.index], asdict(config), int(config.seed) + decoded.index)
        assert (found["ids"], found["finished"]) == (decoded.answers[0].ids, decoded.answers[0].finished)


def test_an_edited_text_is_read_from_its_change(loaded: Engine) -> None:
    """One reader for all of them, or two, give the answers that each has by itself."""
    prompts = [[5, 3, 8, 1], [5, 3, 8, 1], [5, 3, 2], [5, 3, 2, 9, 9, 4], [7], [5, 3], PROMPTS[-1], PROMPTS[-1][:9]]
    body = """(prompts, settings, names) => {
        const readers = Object.fromEntries(names.map((name) => [name, new Reader(kept.model)]));
        return prompts.map((prompt) => answer(kept.model, prompt, settings, [0], 3, null, readers).ids);
    }"""
    alone = [loaded(ANSWER, prompt, asdict(SAMPLED), [EOS], 3)[0] for prompt in prompts]
    for names in (["reader"], ["reader", "later"]):
        assert loaded(body, prompts, asdict(SAMPLED), names) == alone


def test_limits(engine: Engine) -> None:
    configs = [
        GenerateConfig(max_new_tokens=tokens, max_ratio=ratio, roll=roll)
        for tokens in (1, 9, 40, 300)
        for ratio in (0.0, 0.7, 2.3)
        for roll in (False, True)
    ]
    body = """(settings, window, tokens) => tokens.map((count) => [
        newTokenLimit(count, window, settings), limitedBy(count, window, settings), roomForPrompt(window, settings),
    ])"""
    for config in configs:
        found = engine(body, asdict(config), 48, [*range(1, 60)])
        assert found == [
            [new_token_limit(n, 48, config), limited_by(n, 48, config), config.room_for_prompt(48)]
            for n in range(1, 60)
        ]


def test_repetitions(engine: Engine) -> None:
    draw = random.Random(0)
    rows = [[draw.randrange(3) for _ in range(draw.randrange(5))] * draw.randrange(1, 9) for _ in range(400)]
    rows += [
        [*row, *range(9), *passage * 5] for row in rows[:9] for passage in ([1], [1, 2], [*range(31)], [*range(33)])
    ]
    found = engine("(rows) => rows.map(repeatsItself)", rows)
    assert found == [repeats_itself(row) for row in rows]
    assert 50 < sum(found) < 390
