"""The only import of TensorBoard: shows the contents of metrics.jsonl as curves."""

from pathlib import Path
from types import TracebackType

from gpt2kit.errors import MachineError
from gpt2kit.training.events import Event, StepDone, Validation

FOLDER = "tensorboard"


class Board:
    """Writes a run's losses, rate and speed into its tensorboard/ folder."""

    def __init__(self, run: Path, step: int) -> None:
        """Curves after `step` are removed: those steps are repeated. Raises MachineError without the package."""
        try:
            import tensorboard  # noqa: F401  # torch's own message does not say how it is installed
        except ModuleNotFoundError:
            raise MachineError(
                "train.tensorboard = true: the package is not installed; pip install 'gpt2kit[tensorboard]'"
            ) from None
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(str(run / FOLDER), purge_step=step + 1 if step else None)

    def __enter__(self) -> "Board":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.writer.close()

    def show(self, event: Event) -> None:
        """Add a step or a validation to the curves."""
        if isinstance(event, StepDone):
            figures = {"loss/train": event.loss, "rate": event.rate, "speed/tokens per second": event.tokens_per_second}
            if event.of_peak:
                figures["speed/share of peak"] = event.of_peak
        elif isinstance(event, Validation):
            figures = {"loss/validation": event.loss}
        else:
            return
        for name, value in figures.items():
            self.writer.add_scalar(name, value, event.step)
        if isinstance(event, Validation):
            self.writer.flush()
