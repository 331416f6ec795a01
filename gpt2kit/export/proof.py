"""The proof of an export: a tool that reads it gives the logits and the answers of the run."""

from collections.abc import Iterator

import torch

from gpt2kit.errors import counted
from gpt2kit.export import tokens
from gpt2kit.export.target import END, LABELS, LIMITS, WINDOW, Reader
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.inference import InferenceGPT2
from gpt2kit.selftest.check import Check, raised, skipped, within
from gpt2kit.selftest.decoding import differing, greedy
from gpt2kit.selftest.logits import apart, full, scores
from gpt2kit.selftest.probes import NEW, Ids, Probes, probes
from gpt2kit.selftest.run_under_test import RunUnderTest

ANSWERS = 100
"""Number of rows of the validation split whose prompts are answered."""

TEXTS = 12
"""Number of texts whose logits are compared; the last is random and fills the window."""


class Proof:
    """The run's own logits and greedy answers, with which every reader of an export is compared."""

    def __init__(self, subject: RunUnderTest) -> None:
        self.subject = subject
        self.probes: Probes = probes(subject, ANSWERS)
        self.texts = [*self.probes.texts[: TEXTS - 1], self.probes.texts[-1]]
        if subject.model.labels:  # the head reads the token that ends a text
            self.texts = [text for text in self.probes.texts if text[-1] == subject.task.layout.extract]
        self.prompts: list[Ids] = self.probes.prompts
        room = subject.model.config.n_positions - max(map(len, self.prompts), default=0)
        self.new = min(NEW, room)  # several tools stop with an error at the end of the window
        stop = subject.task.vocabulary.eos
        decoder = InferenceGPT2(subject.model, "fp32")
        self.answers = greedy(decoder, self.prompts, stop, len(self.prompts)) if self.prompts else []

    @property
    def data(self) -> str:
        """What was compared, for a remark."""
        rows = "texts of the validation split" if self.subject.store is not None else "random texts"
        return f"{len(self.texts)} {rows}, up to {counted(max(map(len, self.texts)), 'token')}"

    def of(self, readers: Iterator[Reader], dtype: str, stored: GPT2 | None = None) -> Iterator[Check]:
        """Compare every reader with the run, and exact ones with `stored` too, which has the weights of the export. A
        reader that cannot open the export fails."""
        while True:
            try:
                reader = next(readers, None)
            except Exception as error:  # any error of a tool that cannot read the export
                yield raised("the export opens", error)
                return
            if reader is None:
                return
            yield from self.checks(reader, dtype, stored)

    def checks(self, reader: Reader, dtype: str, stored: GPT2 | None = None) -> Iterator[Check]:
        """Compare one reader with the run."""
        yield from self._facts(reader)
        yield from tokens.checks(self.subject, reader)
        if reader.inexact:
            yield skipped("logits equal the run's", f"{reader.tool}: {reader.inexact}")
            return
        limit = reader.limit or LIMITS[dtype]
        logits = self._logits("logits equal the run's", reader, self.subject.model, limit)
        yield logits
        if stored is not None and reader.exact is not None and dtype != "f32":
            yield self._logits(f"logits equal those of the run's weights in {dtype}", reader, stored, reader.exact)
        if self.prompts:
            yield self._answers(reader, max(logits.figure or 0, LIMITS["f32"]) if logits.passed else limit)

    def _facts(self, reader: Reader) -> Iterator[Check]:
        model, name = self.subject.model, "facts equal the run's"
        wanted = {WINDOW: model.config.n_positions, END: self.subject.task.vocabulary.eos, LABELS: model.labels}
        try:
            found = reader.facts()
        except Exception as error:  # any error of a tool that does not find them
            yield raised(name, error, reader.tool)
            return
        wrong = [f"; {fact} is {value}, not {wanted[fact]}" for fact, value in found.items() if value != wanted[fact]]
        if found:
            yield within(name, len(wrong), 0, f"{reader.tool}, {', '.join(found)}{''.join(wrong)}")

    @torch.no_grad()
    def _logits(self, name: str, reader: Reader, model: GPT2, limit: float) -> Check:
        try:
            if model.labels:
                found = torch.cat([reader.logits(text) for text in self.texts])
                figure = apart(found, scores(model, self.texts))
            else:
                figure = max(apart(reader.logits(ids)[:, : model.vocab_size], full(model, ids)) for ids in self.texts)
        except Exception as error:  # any error of a tool that cannot compute with the export
            return raised(name, error, reader.tool)
        return within(name, figure, limit, f"{reader.tool}, {self.data}")

    def _answers(self, reader: Reader, error: float) -> Check:
        """Answers may differ where the run's own logits of the two tokens are closer than the error of both."""
        name, stop = "greedy answers equal the run's", self.subject.task.vocabulary.eos
        try:
            found = reader.greedy(self.prompts, self.new, stop)
        except Exception as why:  # as above
            return raised(name, why, reader.tool)
        different, close = differing(self.subject.model, self.prompts, found, self.answers, 2 * error)
        equal = f"{len(found) - different} of {counted(len(found), 'answer')} equal"
        differ = "differs" if close == 1 else "differ"
        ties = f"; {close} first {differ} where two tokens are closer than the error of both" if close else ""
        return within(name, different - close, 0, f"{reader.tool}, {equal}{ties}")
