"""Updates the card of a run, unless a user has edited it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gpt2kit.cli import console
from gpt2kit.errors import UserError

if TYPE_CHECKING:
    from gpt2kit.runs.folder import Run


def scored(run: "Run", evaluation: dict[str, Any], samples: Sequence[tuple[str, str, str]]) -> None:
    """Keep an evaluation in its run, as `--json` prints it, and update the card."""
    from gpt2kit.runs.card.write import write

    try:
        run.keep_scores(evaluation)
        run.keep_samples(evaluation["signature"], samples)
        write(run)
    except UserError as error:  # the run may belong to somebody else; the scores have been printed
        console.say(f"cannot save the scores in the run: {error}")
    else:
        own(run)


def own(run: "Run") -> None:
    """Print a remark if a user has edited the card."""
    from gpt2kit.runs.card.write import CARD_FILE, kept

    if kept(run):
        console.say(f"{run.path / CARD_FILE} was edited, so it is not updated")
