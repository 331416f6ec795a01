"""Decides which weights a run folder holds while it is trained, so that a stopped or killed run can be used."""

import math
from collections.abc import Callable

from gpt2kit.model.gpt2 import GPT2
from gpt2kit.training.progress import Progress
from gpt2kit.training.step import Learner
from gpt2kit.training.validate import SplitLoss

SaveWeights = Callable[[GPT2], None]


class KeptWeights:
    """Saves the weights of the newest validation, or with `train.keep = "best"` of the best one.

    A run that stops or ends before it has saved the weights of a validation saves its current ones. Every process must
    call the methods, as a sharded model is gathered from all of them; only the main process saves.
    """

    def __init__(self, learner: Learner, keep: str, save: SaveWeights, outdated: bool = False) -> None:
        """`save` receives the model to save, which replaces the one saved before.

        `outdated`: the one saved before is from a later step, as the process that took it was killed; it is repeated.
        """
        self.learner, self.keep, self.save, self._outdated = learner, keep, save, outdated
        self._saved: int | None = None
        self._lowest: SplitLoss | None = None  # not known of earlier processes

    def validated(self, progress: Progress, found: SplitLoss) -> bool:
        """After a validation, while the model still has its weights; returns whether it is the best so far.

        One that was cut short is compared with the lowest whole one, on the batches that both computed, and no other
        is compared with it.
        """
        if found.whole:
            best = progress.validated(found.loss)
        else:
            unknown = math.isinf(progress.best)  # an earlier process's loss cannot be compared
            best = progress.validated_in_part(unknown if self._lowest is None else found.lower_than(self._lowest))
        if best and found.whole:
            self._lowest = found
        if best or self.keep == "last":
            self._save(progress.step)
        return best

    def stopped(self, progress: Progress) -> None:
        """After the last step before a stop."""
        if self._outdated and self.keep == "best":
            progress.best = math.inf  # the weights with that loss no longer exist
        if (math.isinf(progress.best) or self._outdated) and self._saved != progress.step:
            with self.learner.averaged():
                self._save(progress.step)

    def finished(self, progress: Progress) -> None:
        """After the last step of the run, also if another process took it and was killed before it saved."""
        if self.keep == "last" and self._saved != progress.step:
            with self.learner.averaged():
                self._save(progress.step)
        else:
            self.stopped(progress)

    def _save(self, step: int) -> None:
        model = self.learner.full_model()
        if self.learner.group.is_main:
            self.save(model)
        self._saved, self._outdated = step, False
