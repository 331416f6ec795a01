"""Several processes that answer as one: the main process reads inputs, deals them by length, and gets all answers.

Each process has loaded the same engine. Input number i is answered as by one process, whichever process it is dealt to.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from gpt2kit.config import GenerateConfig
from gpt2kit.errors import UserError
from gpt2kit.pipeline.engine import Engine, Result
from gpt2kit.training.distributed import ProcessGroup

Share = tuple[list[Any], list[int], GenerateConfig, bool, int]
"""The arguments of `Engine.window`."""


class Dealer:
    """The main process's view of the others, which are in `serve`."""

    def __init__(self, group: ProcessGroup) -> None:
        self.group = group

    @property
    def processes(self) -> int:
        return self.group.size

    def answers(
        self,
        engine: Engine,
        sources: Sequence[Any],
        numbers: Sequence[int],
        config: GenerateConfig,
        scored: bool,
        traced: int = 0,
    ) -> list[Result]:
        """As `Engine.window`, by all processes. Raises the UserError of any of them."""
        shares = dealt([len(repr(source)) for source in sources], self.processes)
        asked: list[Share] = [
            ([sources[place] for place in share], [numbers[place] for place in share], config, scored, traced)
            for share in shares
        ]
        found: list[list[Result] | UserError] = self.group.collected(_answered(engine, self.group.dealt(asked)))
        results: dict[int, Result] = {}
        for share, answers in zip(shares, found, strict=True):
            if isinstance(answers, UserError):
                raise answers
            results |= zip(share, answers, strict=True)
        return [results[place] for place in range(len(sources))]


def dealt(sizes: Sequence[int], processes: int) -> list[list[int]]:
    """The places of the inputs for each process, longest first: as many of each length for one as for another."""
    order = sorted(range(len(sizes)), key=lambda place: -sizes[place])
    return [order[rank::processes] for rank in range(processes)]


@contextmanager
def dealing(engine: Engine, group: ProcessGroup | None) -> Iterator[None]:
    """The main process's block in which all processes of a group answer for the engine; at its end they leave `serve`.

    An error ends the block without a word to the others: they find the main process gone. No group: this process alone.
    """
    if group is None:
        yield
        return
    engine.dealer = Dealer(group)
    yield
    group.dealt([None] * group.size)
    engine.dealer = None


def serve(engine: Engine, group: ProcessGroup) -> None:
    """Answer the shares that the main process deals, until its `dealing` ends."""
    while (share := group.dealt(())) is not None:
        group.collected(_answered(engine, share))


def _answered(engine: Engine, share: Share) -> list[Result] | UserError:
    """The answers, or what is wrong: the main process raises it."""
    try:
        return list(engine.window(*share))
    except UserError as error:
        return error
