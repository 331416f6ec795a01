"""Export to one HTML page in which the model itself runs: it opens from a file, without a server or a network."""

from collections.abc import Iterator
from pathlib import Path

from gpt2kit import files
from gpt2kit.errors import counted
from gpt2kit.export.target import Reader, Target
from gpt2kit.export.with_node import Node, node
from gpt2kit.export.with_page import Stored, rounded
from gpt2kit.live.asking import refusal
from gpt2kit.live.content import content
from gpt2kit.live.page import run_page
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.overwriting import MODEL_PAGE
from gpt2kit.selftest.run_under_test import RunUnderTest

LARGE = 30_000_000
"""Number of weights above which a page is only written on request."""

BYTES = {"f32": 4, "f16": 2, "int8": 1}


class Html(Target):
    """A page of any run whose input a page can make; beam search is greedy there."""

    kind = MODEL_PAGE

    def refusal(self, subject: RunUnderTest, dtype: str) -> str:
        return refusal(subject.task)

    def doubt(self, subject: RunUnderTest, dtype: str) -> str:
        weights = subject.model.parameter_count()
        if weights <= LARGE:
            return ""
        size = weights * BYTES[dtype] * 4 / 3  # three bytes are four letters of base64
        return f"the page would have about {size / 1e6:,.0f} MB for {counted(weights, 'weight')}, and be slow"

    def write(self, subject: RunUnderTest, path: Path, dtype: str) -> None:
        files.write_text(path, run_page(content(subject, dtype)))

    def stored(self, model: GPT2, dtype: str) -> GPT2:
        return rounded(model, dtype)

    def readers(self, subject: RunUnderTest, path: Path, dtype: str) -> Iterator[Reader]:
        yield Stored(path, subject.model)
        if node() is not None:
            with Node(path) as reader:
                yield reader
