"""The characters that represent bytes in a byte-level vocabulary."""

from functools import cache


@cache
def bytes_by_character() -> dict[str, int]:
    """The byte of each character: printable bytes represent themselves, the other 68 start at U+0100 (Radford et al.
    2019, released code)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return {chr(byte) if byte in printable else chr(next(others)): byte for byte in range(256)}
