"""Whether a model does better than guessing. Each verdict is a sentence with its figures, or empty if there is no
reason to say that the model guesses."""

import math
import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

FEWEST = 20
"""Fewer answers or comparisons get no verdict."""

FEWEST_TOKENS = 1000
"""A loss over fewer predicted tokens gets no verdict."""

LEVEL, Z = 0.05, 1.645
"""Significance level of the one-sided tests, and the standard score that corresponds to it."""

NEARLY_ALL = 0.95

SHIFTS = 10
"""Number of ways to pair each answer with the reference of another source, of which the best is taken."""

NOTHING = "the model has learned nothing"


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

    def add(self, source: str, output: str, target: str, choices: Sequence[str]) -> None:
        """`choices` are the answers that a classifier may give, empty for a text."""
        ...

    def verdict(self) -> str:
        """Why the answers are no better than guessing, in words; empty if they are better, or too few."""
        ...


class Labels:
    """Labels: whether the answers depend on the references, by Cohen's kappa and its standard error for independent
    answers (Fleiss, Cohen & Everitt 1969). Unlike accuracy, it gives no credit for a frequent label."""

    def __init__(self) -> None:
        self.right = 0
        self.outputs, self.targets = Counter[str](), Counter[str]()

    def add(self, source: str, output: str, target: str, choices: Sequence[str]) -> None:
        self.right += output == target
        self.outputs[output] += 1
        self.targets[target] += 1

    def verdict(self) -> str:
        count = self.targets.total()
        if count < FEWEST or len(self.targets) < 2:
            return ""
        if len(self.outputs) == 1:
            (label,) = self.outputs
            what = f"all {count:,} answers are {_quoted(label)}, whatever the source"
            return f"{what}; {self.right:,} are right ({self.right / count:.1%}): {NOTHING}"
        products = [(n, self.targets[label]) for label, n in self.outputs.items()]
        agreement = sum(a * b for a, b in products)  # of independent answers, times count ** 2
        # In whole numbers, so that a variance of 0 is exactly 0.
        variance = (count**2 + agreement) * agreement - count * sum(a * b * (a + b) for a, b in products)
        z = (self.right * count - agreement) * math.sqrt(count / variance) if variance else 0.0
        if z > Z:
            return ""
        kappa = (self.right * count - agreement) / (count**2 - agreement)
        guessed = f"{agreement / count**2:.1%}; Cohen's kappa {kappa:.2f}, z = {z:.1f}"
        right = f"{self.right:,} of {count:,} answers ({self.right / count:.1%}) are right"
        return f"{right}, not significantly more than guessing gives ({guessed}): {NOTHING}"


class Choices:
    """Multiple choice: the number of right answers, which is binomial if the model takes any of the choices."""

    def __init__(self) -> None:
        self.count = self.right = 0
        self.guessed = 0.0

    def add(self, source: str, output: str, target: str, choices: Sequence[str]) -> None:
        self.count, self.right = self.count + 1, self.right + (output == target)
        self.guessed += 1 / max(1, len(choices))

    def verdict(self) -> str:
        if self.count < FEWEST or self.guessed == self.count:
            return ""
        chance = self.guessed / self.count
        p = probability(self.right, self.count, chance)
        if p <= LEVEL:
            return ""
        right = f"{self.right:,} of {self.count:,} answers ({self.right / self.count:.1%}) are right"
        return f"{right}, not significantly more than guessing gives ({chance:.1%}; p = {p:.2f}): {NOTHING}"


class Texts:
    """Texts: whether they are nearer to their own reference than to that of another source, by a one-sided sign test
    without ties."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, str, str]] = []
        """Hash of the source, answer and reference. The texts are those that the scores are computed from."""

    def add(self, source: str, output: str, target: str, choices: Sequence[str]) -> None:
        self.rows.append((hash(source), output, target))

    def verdict(self) -> str:
        return self._constant() or self._unrelated()

    def _constant(self) -> str:
        """The verdict on answers of which nearly all are the same, although no reference is that frequent."""
        count = len(self.rows)
        if count < FEWEST:
            return ""
        ((answer, same),) = Counter(output.strip() for _, output, _ in self.rows).most_common(1)
        ((_, frequent),) = Counter(target for _, _, target in self.rows).most_common(1)
        if same < NEARLY_ALL * count or frequent > count / 2:
            return ""
        what = f"the same, {_quoted(answer)}" if answer else "empty"
        return f"{same:,} of {count:,} answers are {what}, whatever the source: {NOTHING}"

    def _unrelated(self) -> str:
        own = other = 0
        for output, target, foreign in self._pairs():
            said = _trigrams(output)
            to_own, to_other = _overlap(said, _trigrams(target)), _overlap(said, _trigrams(foreign))
            own, other = own + (to_own > to_other), other + (to_other > to_own)
        count = own + other
        if count < FEWEST:
            return ""
        p = probability(own, count, 0.5)
        if p <= LEVEL:
            return ""
        nearer = f"{own:,} of {count:,} answers are nearer to their own reference than to that of another source"
        return f"{nearer}, not significantly more than guessing gives ({count / 2:,g}; p = {p:.2f}): {NOTHING}"

    def _pairs(self) -> list[tuple[str, str, str]]:
        """Each answer with its reference and that of the record about half the set away.

        Records of one source are often next to each other, or a set apart. All records are paired at one distance, so
        that each reference is "another" as often as it is "own" (nearly, where records are left out): otherwise a
        frequent reference would favour a model that always writes it.
        """
        count = len(self.rows)
        shifts = range(count // 2, count // 2 + SHIFTS)
        return max((self._pairs_at(shift) for shift in shifts), key=len)

    def _pairs_at(self, shift: int) -> list[tuple[str, str, str]]:
        count = len(self.rows)
        others = (self.rows[(place + shift) % count] for place in range(count))
        return [
            (output, target, foreign)
            for (source, output, target), (elsewhere, _, foreign) in zip(self.rows, others, strict=True)
            if source != elsewhere and target != foreign
        ]


def _quoted(text: str) -> str:
    return repr(textwrap.shorten(text, 60, placeholder=" …"))


def _trigrams(text: str) -> set[str]:
    """Runs of three characters: they suit every script, also those that do not separate words."""
    padded = f"  {text.casefold()} "
    return {padded[place : place + 3] for place in range(len(padded) - 2)} if text else set()


def _overlap(one: set[str], other: set[str]) -> float:
    """Dice's coefficient."""
    return 2 * len(one & other) / max(1, len(one) + len(other))


def of_stream(nats: float, predicted: int, counts: Sequence[int], known: Sequence[int]) -> str:
    """The verdict on a loss per predicted token, against a model that knows only the frequency of each token.

    `counts` has the number of each id in the evaluated documents, `known` in the training data.
    """
    if predicted < FEWEST_TOKENS or not math.isfinite(nats):
        return ""
    total, smoothed = sum(counts), sum(known) + len(known)
    guess = -sum(n * math.log((k + 1) / smoothed) for n, k in zip(counts, known, strict=True) if n) / total
    if nats < guess:
        return ""
    loss = f"the loss over {predicted:,} tokens is {nats:.2f} nats per token"
    return f"{loss}, not below that of token frequencies from the training data ({guess:.2f}): {NOTHING}"
