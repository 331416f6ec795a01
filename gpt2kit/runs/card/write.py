"""Writes and updates the card of a run, unless a user has edited it."""

import hashlib
import re
from pathlib import Path
from typing import Any

from gpt2kit import files
from gpt2kit.errors import DataError
from gpt2kit.runs.card import sections
from gpt2kit.runs.card.facts import Facts, facts
from gpt2kit.runs.card.markdown import front_matter
from gpt2kit.runs.card.usage import usage
from gpt2kit.runs.folder import Run

CARD_FILE = "README.md"

LICENCE = re.compile(r"^license:.*$", re.MULTILINE)
"""The one line for the user to fill in. A card with another licence still counts as unedited, and keeps it."""

MARK = re.compile(r"<!-- gpt2kit card ([0-9a-f]{16}), [^\n]*-->\n?\Z")


def write(run: Run) -> bool:
    """Write the card of a run as it is now; False if a user has edited it, in which case it is kept.

    Raises DataError for a folder that is not a run, MachineError if it cannot be written.
    """
    path = run.path / CARD_FILE
    before = _read(path)
    if before is not None and not ours(before):
        return False
    body = _body(run)
    if before is not None and (licence := LICENCE.search(before)):
        body = LICENCE.sub(lambda _: licence.group(), body, count=1)
    files.write_text(path, f"{body}\n{_mark(body)}")
    return True


def _body(run: Run) -> str:
    """The card of a run. Raises DataError if a record that it shows is damaged: these have no digest."""
    try:
        return composed(facts(run))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"{run.path}: {CARD_FILE} cannot be written, because data.json, samples.json or scores.json is damaged: "
            f"{type(error).__name__} {error}"
        ) from error


def kept(run: Run) -> bool:
    """Whether the card of a run has been edited by a user."""
    found = _read(run.path / CARD_FILE)
    return found is not None and not ours(found)


def ours(text: str) -> bool:
    """Whether a card is unchanged since it was written, except for its licence."""
    mark = MARK.search(text)
    return mark is not None and mark.group(1) == _digest(text[: mark.start()].removesuffix("\n"))


def _mark(body: str) -> str:
    return f"<!-- gpt2kit card {_digest(body)}, updated automatically as long as only its license is edited -->\n"


def _digest(body: str) -> str:
    return hashlib.blake2b(LICENCE.sub("license:", body, count=1).encode(), digest_size=8).hexdigest()


def _read(path: Path) -> str | None:
    """None if there is none; a card that is not text counts as edited."""
    try:
        return path.read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return None


def composed(found: Facts) -> str:
    """The whole card, without its mark."""
    parts = [sections.title(found), usage(found), sections.data(found), sections.training(found)]
    parts += [sections.scores(found), sections.samples(found), sections.limits(found), sections.LICENCE]
    return "\n\n".join([front_matter(metadata(found), NOTE), *filter(None, parts)]) + "\n"


NOTE = "state the licence of these weights here: https://huggingface.co/docs/hub/repositories-licenses"


def metadata(found: Facts) -> dict[str, Any]:
    """The metadata that the Hub reads; unknown values are left out."""
    init, corpora = found.described["init"], (found.data or {"corpora": {}})["corpora"]
    of_hub = [word for names in corpora.values() for word in names if word.startswith("hf:")]
    library = "peft" if found.adapters else "transformers" if found.loads_in_transformers else "gpt2kit"
    return {
        "license": "unknown",
        "library_name": library,
        "pipeline_tag": found.task.about.pipeline_tag,
        "language": list(found.task.about.languages),
        "tags": ["gpt2kit", "gpt2", found.task_name, *found.task.about.tags],
        "base_model": init if init and found.described.get("init_of_hub") else None,
        "datasets": list(dict.fromkeys(word.removeprefix("hf:").partition(":")[0] for word in of_hub)),
    }
