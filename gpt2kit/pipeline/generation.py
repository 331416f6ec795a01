"""The answers of `generate --out`: kept in a part file while they are made, and written to the output when complete."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from gpt2kit import files
from gpt2kit.errors import DataError, UserError
from gpt2kit.pipeline.kept_answers import whole_lines


class Answered(NamedTuple):
    """What is printed for one input, and what is counted."""

    lines: list[str]
    truncated: bool
    circling: bool
    limit: str
    """What ended an unfinished answer; empty for others."""


class Input(NamedTuple):
    """An input, and how it is shown."""

    shown: str
    source: Any


Answer = Callable[[Iterable[Input], int], Iterator[Answered]]
"""(inputs, number of the first of them) -> their answers, in order."""


def part_of(out: Path) -> Path:
    return out.with_name(f"{out.name}.part")


def check(out: Path, resume: bool) -> dict[str, Any]:
    """What the first line of the part file says: `digest` and `seed`; {} if there is none.

    Raises UserError if the output is there already, or a part without `resume`; DataError for a damaged part.
    """
    if out.exists() or out.is_symlink():
        raise UserError(f"{out} already exists; choose another --out")
    files.writable_folder(out.parent)
    part = part_of(out)
    if not part.exists():
        return {}
    if not resume:
        raise UserError(f"{part} has answers of a command that was stopped: go on with --resume, or delete it")
    with part.open("rb") as file:
        line = file.readline()
    if not line:
        return {}
    with suppress(ValueError):
        found = json.loads(line)
        if isinstance(found, dict) and found.keys() == {"digest", "seed"}:
            return found
    raise DataError(f"{part} is damaged, or not of this command: delete it, and the answers are made again")


def kept(
    out: Path, inputs: Iterator[Input], answer: Answer, size: int, digest: str, seed: object
) -> Iterator[Answered]:
    """Yield the answers to all inputs, of which the first may be in the part file; then write the output.

    `size` inputs are answered together. `digest` is that of all that answers depend on but the inputs.

    Raises UserError if the part has another digest, or answers to other inputs.
    """
    part = part_of(out)
    with files.writing(part):
        part.touch()
    with files.held(part), files.appended(part) as append:
        lines = whole_lines(part)
        if (header := next(lines, None)) is None:
            append(json.dumps({"digest": digest, "seed": seed}))
        elif json.loads(header)["digest"] != digest:
            raise UserError(
                f"{part} has answers of another model or other settings: repeat the command that was stopped, or "
                "delete the file"
            )
        number = 0
        for number, line in enumerate(lines, 1):
            made, found = next(inputs, None), _read(line, part, number)
            if made is None or _mark(made) != found[0]:
                raise UserError(f"{part}: answer {number} has another input: give the same ones, or delete the file")
            yield found[1]
        while asked := _taken(inputs, size, () if number else (part,)):
            for each, answered in zip(asked, answer(asked, number), strict=True):
                append(json.dumps([_mark(each), *answered]))
                yield answered
            number += len(asked)
        with files.atomic(out) as temporary, temporary.open("w", encoding="utf-8", errors="backslashreplace") as file:
            for number, line in enumerate(whole_lines(part)):
                if number:
                    file.writelines(f"{text}\n" for text in _read(line, part, number)[1].lines)
        part.unlink()


def _taken(inputs: Iterator[Input], size: int, unused: Sequence[Path]) -> list[Input]:
    """The next inputs. The `unused` files are removed if one of these cannot be read."""
    try:
        return list(islice(inputs, size))
    except UserError:
        for path in unused:
            with suppress(OSError):
                path.unlink()
        raise


def _read(line: bytes, part: Path, number: int) -> tuple[str, Answered]:
    try:
        mark, *answered = json.loads(line)
        return mark, Answered(*answered)
    except (ValueError, TypeError):
        raise DataError(f"{part}: answer {number} is damaged: delete the file, and all are made again") from None


def _mark(each: Input) -> str:
    """A digest of an input."""
    return hashlib.blake2b(repr(each.source).encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()
