"""Whether a model does better than guessing: the result of one that has learned nothing is called that."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

LEVEL = 0.05
"""A result that guessing reaches or exceeds with more than this probability is at chance level."""

FEWEST = 10
"""With fewer answers nothing is said of texts."""

NOTHING = "the model has learned nothing of this task"


def probability(successes: int, trials: int, chance: float) -> float:
    """The probability of at least this number of successes, each of which has the probability `chance`."""
    if not 0 < chance < 1:
        return float(successes <= trials * chance)
    logs = (math.log(chance), math.log1p(-chance))
    tail = range(successes, trials + 1)
    return min(1.0, sum(math.exp(_choose(trials, n) + n * logs[0] + (trials - n) * logs[1]) for n in tail))


def _choose(trials: int, successes: int) -> float:
    """The logarithm of the binomial coefficient."""
    return math.lgamma(trials + 1) - math.lgamma(successes + 1) - math.lgamma(trials - successes + 1)


class Verdict(Protocol):
    """Receives answers one by one."""

    def add(self, output: str, target: str, choices: Sequence[str]) -> None:
        """`choices` are the answers that a classifier may give, empty for a text."""
        ...

    def verdict(self) -> str:
        """Why the answers are at chance level, in words; empty if they are better."""
        ...


class Labels:
    """Labels, against the best guess: always the most frequent label, or any of the choices where each example has its
    own."""

    def __init__(self, own_choices: bool) -> None:
        self.own_choices = own_choices
        self.right, self.guessed = 0, 0.0
        self.targets = Counter[str]()

    def add(self, output: str, target: str, choices: Sequence[str]) -> None:
        self.right += output == target
        self.guessed += 1 / max(1, len(choices))
        self.targets[target] += 1

    def verdict(self) -> str:
        count = self.targets.total()
        if not count or self.right == count:
            return ""
        (label, most), *_ = self.targets.most_common(1)
        chance, how = most / count, f"by always answering {label!r}"
        if self.own_choices:
            chance, how = self.guessed / count, "by taking any of the choices"
        if probability(self.right, count, chance) <= LEVEL:
            return ""
        return f"{self.right / count:.1%} of {count:,} is what guessing gives ({chance:.1%} {how}): {NOTHING}"


class Texts:
    """Texts, against the reference of another source: an answer that has nothing to do with its source resembles its
    own reference as little as that of the record before."""

    def __init__(self) -> None:
        self.before = ""
        self.pairs = self.own = self.other = 0

    def add(self, output: str, target: str, choices: Sequence[str]) -> None:
        before, self.before = self.before, target
        if not before or before == target:
            return
        said = _trigrams(output)
        own, other = _overlap(said, _trigrams(target)), _overlap(said, _trigrams(before))
        self.pairs, self.own, self.other = self.pairs + 1, self.own + (own > other), self.other + (other > own)

    def verdict(self) -> str:
        if self.pairs < FEWEST or probability(self.own, self.own + self.other, 0.5) <= LEVEL:
            return ""
        nearer = f"nearer to its own {self.own:,} times, to the other {self.other:,} times"
        return f"an answer resembles the reference of another source as much as its own ({nearer}): {NOTHING}"


def _trigrams(text: str) -> set[str]:
    """Runs of three characters: they suit every script, also those that do not separate words."""
    padded = f"  {text.casefold()} "
    return {padded[place : place + 3] for place in range(len(padded) - 2)} if text else set()


def _overlap(one: set[str], other: set[str]) -> float:
    """Dice's coefficient."""
    return 2 * len(one & other) / max(1, len(one) + len(other))


def of_stream(nats: float, counts: Sequence[int], known: Sequence[int]) -> str:
    """The verdict on a loss per token, against a model that knows nothing but the frequency of each token.

    `counts` has the number of each id in the evaluated documents, `known` in those to learn from, all 0 if they are
    not known.
    """
    total, smoothed = sum(counts), sum(known) + len(known)
    guess = -sum(n * math.log((k + 1) / smoothed) for n, k in zip(counts, known, strict=True) if n) / max(1, total)
    if nats < guess:
        return ""
    return f"{nats:.2f} nats per token is what the frequency of each token gives ({guess:.2f}): {NOTHING}"
