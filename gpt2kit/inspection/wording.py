"""Groups tokens into words, and computes the attention between words: an alignment."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gpt2kit.inspection.pieces import piece_of, visible
from gpt2kit.inspection.trace import Trace


class Word(NamedTuple):
    """Tokens from `begin` to before `end`."""

    begin: int
    end: int
    text: str


def words_of(trace: Trace, begin: int, end: int, id_at: Callable[[int], int]) -> list[Word]:
    """Words are separated by spaces, which belong to the next word; control tokens do not form words."""
    task, found, open_word = trace.subject.engine.task, list[tuple[int, bytes]](), False
    ends = list[int]()
    for place in range(begin, end):
        content = piece_of(task, id_at(place)).content if id_at(place) >= 0 else b""
        if not content:
            open_word = False
            continue
        if open_word and (not found[-1][1].strip() or not content[:1].isspace()):
            found[-1] = found[-1][0], found[-1][1] + content
            ends[-1] = place + 1
        else:
            found.append((place, content))
            ends.append(place + 1)
        open_word = not (content[-1:] in b"\n\t" and found[-1][1].strip())
    words = zip(found, ends, strict=True)
    return [Word(first, last, visible(content.strip())) for (first, content), last in words if content.strip()]


def source_words(trace: Trace) -> list[Word]:
    """The words of the prompt."""
    return words_of(trace, 0, trace.subject.prompt, lambda place: trace.ids[place])


def answer_words(trace: Trace) -> list[Word]:
    """The words of the answer at the positions that predicted them: those of the previous tokens."""
    return words_of(
        trace,
        trace.subject.prompt - 1,
        len(trace.ids),
        lambda place: trace.subject.followers[place],
    )


def alignment(trace: Trace) -> tuple[list[Word], list[Word], NDArray[np.float32]]:
    """Words of the source, words of the answer, and [answer, source] attention weights between them: the mean over all
    heads of all layers, and over a word's tokens."""
    sources, answers = source_words(trace), answer_words(trace)
    looks = np.zeros((len(answers), len(sources)), np.float32)
    for line, answer in enumerate(answers):
        rows = [looked.row(place) for looked in trace.looked for place in range(answer.begin, answer.end)]
        mean = np.mean(rows, axis=0)
        looks[line] = [mean[source.begin : source.end].sum() for source in sources]
    return sources, answers, looks


def surprise(trace: Trace) -> list[float | None]:
    """Bits of each token, given those before it; None for the first."""
    chances = np.maximum(trace.chances[-1], 1e-30)
    return [None, *(float(-np.log2(chance)) for chance in chances[: len(trace.ids) - 1])]
