"""Documents within one text file, between separators."""

from collections.abc import Iterable, Iterator


def split_documents(blocks: Iterable[str], separator: str) -> Iterator[str]:
    """The documents of a text that arrives in blocks, without the separators and the line ends next to them.

    What is blank before the first separator or after the last one is not a document. Memory holds one document.
    """
    pieces: list[str] = []
    held, first = "", True
    for block in blocks:
        *ended, held = (held + block).split(separator)
        for text in ended:
            document = "".join([*pieces, text]).strip("\n")
            pieces = []
            if document.strip() or not first:
                yield document
            first = False
        safe = len(held) - len(separator) + 1  # the rest may be the beginning of a separator
        if safe > 0:
            pieces.append(held[:safe])
            held = held[safe:]
    if (document := "".join([*pieces, held]).strip("\n")).strip():
        yield document


def contains(blocks: Iterable[str], separator: str) -> bool:
    """Whether a text that arrives in blocks contains a separator."""
    held = ""
    for block in blocks:
        held += block
        if separator in held:
            return True
        held = held[max(0, len(held) - len(separator) + 1) :]
    return False
