"""The characters that stand for bytes in a byte-level vocabulary."""

from functools import cache


@cache
def bytes_by_character() -> dict[str, int]:
    """The byte of each character: printable bytes are written as themselves, the other 68 from U+0100 on (Radford et
    al. 2019, released code)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return {chr(byte) if byte in printable else chr(next(others)): byte for byte in range(256)}
