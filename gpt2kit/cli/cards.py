"""What the card of a run has to do with the verbs: it is kept up to date, and a user's own is left alone, aloud."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gpt2kit.cli import console
from gpt2kit.errors import UserError


def scored(run: Path, told: dict[str, Any], samples: Sequence[tuple[str, str, str]]) -> None:
    """Keep an evaluation in its run, as `--json` tells it, and write the card anew."""
    from gpt2kit.runs import folder as folders
    from gpt2kit.runs.card.write import write

    try:
        folders.keep_scores(run, told)
        folders.keep_samples(run, told["signature"], samples)
        write(run)
    except UserError as error:  # a run may be somebody else's; the scores have been told
        console.say(f"the scores are not kept in the run: {error}")
    else:
        own(run)


def own(run: Path) -> None:
    """Say so where the card is a user's own."""
    from gpt2kit.runs.card.write import CARD_FILE, kept

    if kept(run):
        console.say(f"{run / CARD_FILE} was edited: it is kept as it is")
