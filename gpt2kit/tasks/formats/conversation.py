"""Conversations: each answer of the assistant is an example, whose prompt is all turns before it.

A prompt has one control token in front of each turn, `<system>`, `<user>` or `<assistant>`, and ends with that of the
answer. A source has the texts of the turns: the system prompt (which may be empty), then user and assistant in turn.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gpt2kit.data.columns.turns import ASSISTANT, SYSTEM, USER, Turn, problem_of, read_turns
from gpt2kit.data.layouts import Rows
from gpt2kit.data.tables.rows import value_of
from gpt2kit.tasks import asking
from gpt2kit.tasks.about import About
from gpt2kit.tasks.formats.completion import Completion
from gpt2kit.tasks.formats.rows import Values
from gpt2kit.tasks.record import Record

MARKS = tuple(f"<{speaker}>" for speaker in (SYSTEM, USER, ASSISTANT))


@dataclass(frozen=True)
class Conversation(Completion):
    """Answers in conversations."""

    @property
    def about(self) -> About:
        return replace(super().about, asking=asking.Turns(("message",), MARKS))

    @property
    def input_example(self) -> str:
        return "WHAT THE USER SAYS"

    @property
    def layout(self) -> "LastTurns":
        return LastTurns(self)

    @property
    def controls(self) -> Sequence[str]:
        return (*super(Completion, self).controls, *MARKS)

    @property
    def asked(self) -> list[str]:
        return [self.named["messages"]]

    @property
    def answered(self) -> str:
        return self.named["messages"]

    def examples(self, where: str, row: dict[str, object]) -> Iterable[Record[Values, str]]:
        """A record for each answer. Their common key, the first turn of the user, keeps them in one split."""
        turns = read_turns(value_of(row, self.answered, where), where)
        if problem := problem_of(turns):
            return [self.record(where, ("",), "", where, problem)]
        key = next(turn.text for turn in turns if turn.speaker == USER)
        return [
            self.record(where, _source(turns[:place]), turn.text, key, "")
            for place, turn in enumerate(turns)
            if turn.speaker == ASSISTANT and any(before.speaker == USER for before in turns[:place])
        ]

    def fit(
        self, corpus: Sequence[str], records: Iterable[Record[Values, str]], folder: Path, window: int
    ) -> "Conversation":
        texts = (text for record in records for text in (*record.source, record.target))
        return self.learn_tokenizer(texts, MARKS, folder, window)

    def source(self, where: str, row: dict[str, object]) -> Values:
        """The turns up to the last one of the user."""
        turns = read_turns(value_of(row, self.answered, where), where)
        while turns and turns[-1].speaker != USER:
            turns.pop()
        return _source(turns)

    def parse(self, text: str) -> Values:
        """The turns with tabs between them, the first and the last by the user; one more is the system prompt."""
        turns = text.split("\t")
        return tuple(turns) if len(turns) % 2 == 0 else ("", *turns)

    def blank(self, source: Values) -> bool:
        return not source[-1].strip()

    def show(self, source: Values) -> str:
        return "\t".join(source if source[0] else source[1:])

    def encode_source(self, source: Values) -> list[int]:
        system, user, assistant = map(self.bpe.id, MARKS)
        ids = [system, *self.bpe.encode([source[0]])[0]] if source[0] else []
        for place, text in enumerate(source[1:]):
            ids += [(user, assistant)[place % 2], *self.bpe.encode([text])[0]]
        return [*ids, assistant]

    def decode_source(self, prompt: Sequence[int]) -> Values:
        system, *speakers = map(self.bpe.id, MARKS)
        turns: list[list[int]] = [[]]
        for id in prompt[:-1]:
            if id in speakers:
                turns.append([])
            elif id != system:
                turns[-1].append(id)
        return tuple(map(self.bpe.decode, turns))


class LastTurns(Rows):
    """Prompts that lose their first turns when they are too long."""

    def __init__(self, task: Conversation) -> None:
        self.task = task

    def shorten(self, prompt: list[int], room: int) -> list[int]:
        if len(prompt) <= room:
            return prompt
        user = self.task.bpe.id(f"<{USER}>")
        begins = [place for place, id in enumerate(prompt) if id == user and len(prompt) - place <= room]
        return prompt[begins[0] :] if begins else [user, *prompt[len(prompt) - room + 1 :]][-room:]


def _source(turns: Sequence[Turn]) -> Values:
    """The system prompt, then the turns of user and assistant; an assistant that begins answers an empty turn."""
    system = turns[0].text if turns and turns[0].speaker == SYSTEM else ""
    rest = [turn for turn in turns if turn.speaker != SYSTEM]
    opening = ("",) if rest and rest[0].speaker == ASSISTANT else ()
    return (system, *opening, *(turn.text for turn in rest))
