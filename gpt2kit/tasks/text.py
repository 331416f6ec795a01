"""What tasks have in common whose ids stand for text."""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from gpt2kit.config import knob
from gpt2kit.data.bpe import END_OF_TEXT, TOKENIZER_FILES, Bpe
from gpt2kit.data.hub import fetch
from gpt2kit.tasks.base import Source, Target, Task


@dataclass(frozen=True)
class TextTask(Task[Source, Target]):
    """A task whose files are a byte-level BPE tokenizer."""

    vocab: int = knob(8192, "tokens that prepare learns, bytes and separators included; 256: bytes alone")
    tokenizer: str = knob(
        "", "a folder or Hub id whose tokenizer is used instead, as --init needs it", flag=("prepare",)
    )

    def fitted(self, texts: Iterable[str], separators: Sequence[str], folder: Path, window: int) -> Self:
        """The task with a tokenizer in `folder`: its own, learned from texts, or the one that it names."""
        if self.tokenizer:
            bpe = Bpe.load(fetch(self.tokenizer))
            bpe.add_separators(separators)
        else:
            bpe = Bpe.train(iter(texts), self.vocab, separators)
        bpe.save(folder, window)
        return self.opened(folder)

    def controls_in(self, text: str) -> dict[str, int]:
        """What a report says of a text that spells control tokens, which it does not turn into."""
        found = {token: text.count(token) for token in self.controls if token in text}
        return {f"times {token} was in the text, and was read as text": count for token, count in found.items()}

    @property
    def controls(self) -> Sequence[str]:
        """The control tokens of the task, as they are spelled."""
        return (END_OF_TEXT,)

    @cached_property
    def bpe(self) -> Bpe:
        """The tokenizer in `folder`, which stays what it was when the folder is written anew."""
        return Bpe.load(self.folder)

    @property
    def vocab_size(self) -> int:
        return self.bpe.vocab_size

    @property
    def eos(self) -> int:
        return self.bpe.end_of_text

    def unknown(self) -> list[str]:
        return self.bpe.unknown_bytes()

    def render(self, ids: Sequence[int]) -> str:
        return self.bpe.decode(ids, special=True)

    def spelled(self, id: int) -> bytes | str:
        return self.bpe.spelled(id)

    def fingerprint(self) -> str:
        return self.bpe.fingerprint()

    def copy_files(self, folder: Path) -> None:
        for name in TOKENIZER_FILES:
            shutil.copyfile(self.folder / name, folder / name)

    def extends(self, folder: Path) -> bool:
        return self.bpe.extends(Bpe.load(folder))
