"""Writes the English-French sample corpus of `gpt2kit demo`: gpt2kit/samples/translate/{train,heldout}.tsv.

    python tools/sample_pairs.py            writes both files
    python tools/sample_pairs.py --check    fails if a file differs from what would be written

A sentence has a key, the content words whose combination carries it (girl + letter + read), and a hash of the key alone
decides which file it is for: a held-out combination appears in the training file in no tense, no form and no frame,
while each of its words does, in other company.
"""

import hashlib
import re
import sys
from collections import Counter
from functools import cache
from pathlib import Path

from sample_frames import FRAMES, Pair
from sample_grammar import Dice

FOLDER = Path(__file__).parents[1] / "gpt2kit" / "samples" / "translate"
SEED = 1882
TRAIN, HELDOUT = 5900, 450  # pairs; the top-up of rare words comes on top
HELDOUT_KEYS = 0.1  # the share of all combinations
MINIMUM = 8  # times that each word occurs in the training part at least
LONGEST = 14  # words in a sentence
PATIENCE = 200  # draws a wanted pair may take
ROUNDS = 2000  # of the search for rare words at most

# The worked example of The Illustrated GPT-2, word for word.
ILLUSTRATED = [
    Pair(("I am a student", "je suis étudiant"), "I+student"),
    Pair(("let them eat cake", "qu'ils mangent du gâteau"), "cake+eat+they"),
    Pair(("good morning", "bonjour"), "good morning"),
]


def is_short(pair: Pair) -> bool:
    return max(len(words(pair.english)), len(words(pair.french))) <= LONGEST


def is_heldout(key: str) -> bool:
    if key in {pair.key for pair in ILLUSTRATED}:
        return False
    digest = hashlib.sha256(key.encode()).digest()
    return int.from_bytes(digest[:4], "big") < HELDOUT_KEYS * 2**32


def plain(text: str) -> str:
    """Lower case, letters and figures alone: what must not recur across the two parts."""
    return re.sub(r"[\W_]+", "", text.lower())


def words(text: str) -> list[str]:
    """The words as they are written, with what is elided in front of them, less the punctuation."""
    return [word for word in (part.strip(".,?!") for part in text.lower().split()) if word]


def pieces(pair: Pair) -> list[str]:
    """The words of both sides, tagged with their language; l' and qu', 's and s' count for themselves."""
    english = [piece for word in words(pair.english) for piece in english_pieces(word)]
    return english + [piece for word in words(pair.french) for piece in french_pieces(word)]


@cache
def english_pieces(word: str) -> list[str]:
    return ["en " + piece for piece in re.findall(r"'s|[^']+|'", word)]


@cache
def french_pieces(word: str) -> list[str]:
    return ["fr " + piece for piece in re.findall(r"aujourd'hui|[^']+'?", word)]


def training_pairs() -> list[Pair]:
    dice, seen, pairs = Dice(SEED), {plain(pair.english) for pair in ILLUSTRATED}, list(ILLUSTRATED)

    def accept(pair: Pair) -> bool:
        if is_heldout(pair.key) or plain(pair.english) in seen or not is_short(pair):
            return False
        seen.add(plain(pair.english))
        pairs.append(pair)
        return True

    for frame, share in FRAMES.items():
        wanted = round(TRAIN * share / sum(FRAMES.values()))
        draws = wanted * PATIENCE
        while wanted and draws:
            wanted -= accept(frame(dice))
            draws -= 1
    counts = Counter(piece for pair in pairs for piece in pieces(pair))

    def welcome(pair: Pair) -> bool:
        """Takes whatever sentence has a rare word."""
        if is_heldout(pair.key):
            return False
        rare = any(0 < counts[piece] < MINIMUM for piece in pieces(pair)) and accept(pair)
        if rare:
            counts.update(pieces(pair))
        return rare

    useful = list(FRAMES)
    for _ in range(ROUNDS):
        if min(counts.values()) >= MINIMUM:
            break
        useful = [frame for frame in useful or FRAMES if sum(welcome(frame(dice)) for _ in range(10))]
    return shuffled(pairs, dice)


def heldout_pairs(training: list[Pair]) -> list[Pair]:
    dice, pairs = Dice(SEED + 1), list[Pair]()
    seen = {plain(side) for pair in training for side in (pair.english, pair.french)}
    known = {word for pair in training for side in (pair.english, pair.french) for word in words(side)}
    for frame, share in FRAMES.items():
        wanted = round(HELDOUT * share / sum(FRAMES.values()))
        draws = wanted * PATIENCE * 10
        while wanted and draws:
            draws -= 1
            pair = frame(dice)
            if not is_heldout(pair.key) or not is_short(pair):
                continue
            sides = {plain(pair.english), plain(pair.french)}
            if not sides & seen and known.issuperset(words(f"{pair.english} {pair.french}")):
                wanted -= 1
                seen |= sides
                pairs.append(pair)
    return shuffled(pairs, dice)


def shuffled(pairs: list[Pair], dice: Dice) -> list[Pair]:
    order = sorted((dice.random.random(), number) for number in range(len(pairs)))
    return [pairs[number] for _, number in order]


def corpus() -> dict[str, list[Pair]]:
    """The pairs of each file; every English sentence has one French translation."""
    training = training_pairs()
    parts = {"train.tsv": training, "heldout.tsv": heldout_pairs(training)}
    french: dict[str, str] = {}
    for pair in (pair for pairs in parts.values() for pair in pairs):
        if french.setdefault(pair.english, pair.french) != pair.french:
            raise ValueError(f"two translations of {pair.english!r}: {french[pair.english]!r} and {pair.french!r}")
    return parts


def contents() -> dict[str, str]:
    """The text of each file."""
    return {name: "".join(f"{pair.english}\t{pair.french}\n" for pair in pairs) for name, pairs in corpus().items()}


def main() -> int:
    differing = 0
    for name, text in contents().items():
        path = FOLDER / name
        if "--check" in sys.argv[1:]:
            if not path.exists() or path.read_bytes() != text.encode():
                sys.stderr.write(f"{path} differs: run python tools/sample_pairs.py\n")
                differing = 1
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
            sys.stdout.write(f"{path}: {text.count(chr(10))} pairs, {len(text.encode())} bytes\n")
    return differing


if __name__ == "__main__":
    sys.exit(main())
