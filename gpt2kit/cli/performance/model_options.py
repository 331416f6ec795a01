"""The options of a command that say which model plays, and how."""

from typing import TYPE_CHECKING, NamedTuple

from gpt2kit import recipe
from gpt2kit.cli import loading
from gpt2kit.cli.performance.heard import Reading, reading
from gpt2kit.errors import UserError

if TYPE_CHECKING:
    from gpt2kit.pipeline.engine import Engine


class ModelOptions(NamedTuple):
    """The values of these options; None and "" are defaults."""

    task: str
    flags: dict[str, str]
    runs: list[str]
    base: str
    temperature: float | None
    top_k: int | None
    top_p: float | None
    seed: int | None
    settings: list[str]
    device: str
    data: str = ""
    knn: float | None = None

    @property
    def run(self) -> str:
        """The one of --run, or "". Raises UserError for several."""
        if len(self.runs) > 1:
            raise UserError(
                f"--run {' --run '.join(self.runs)}: {self.task} is played by one run; give one --run, as the "
                "probabilities of several are averaged for text only"
            )
        return "".join(self.runs)

    def reading(self) -> Reading:
        """How the command reads MIDI files."""
        own = recipe.apply({}, self.settings).get("task", {}) | self.flags
        return reading(own, self.run or f"runs/{self.task}")

    def engine(self) -> "Engine":
        """Load the model; prints the seed unless it was given."""
        sampling = {name: getattr(self, name) for name in ("temperature", "top_k", "top_p", "knn", "seed")}
        engine: Engine = loading.load(
            self.task, self.run, sampling, self.device, self.settings, self.flags, data=self.data, base=self.base
        )
        loading.settle_seed(engine, self.seed)
        return engine
