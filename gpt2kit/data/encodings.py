"""Recognize bytes that are not UTF-8: UTF-16, UTF-32 and packed files, so that an error can name the right command."""

import codecs

MARKS = {  # the longest first: UTF-32's little-endian mark begins with UTF-16's
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
ZSTANDARD = "compressed by Zstandard, which is not read; unpack it, as with `zstd -d FILE`"
PACKED = {
    b"PK\x03\x04": "a ZIP archive, as are Excel and Word files; export the table as CSV (UTF-8), or unpack it",
    b"\x1f\x8b": "compressed by gzip; give it a name that ends in .gz",
    b"BZh": "compressed by bzip2; give it a name that ends in .bz2",
    b"\xfd7zXZ": "compressed by xz; give it a name that ends in .xz",
    b"\x28\xb5\x2f\xfd": ZSTANDARD,
    b"PAR1": "a Parquet file; give it a name that ends in .parquet",
}

LEAST = 2
"""The least number of NUL bytes, at odd or at even places only, that shows UTF-16."""


def not_utf8(raw: bytes, offset: int) -> str:
    """What bytes that are not UTF-8 text are instead, with the remedy; empty if they do not tell.

    `raw` begins `offset` bytes into the file.
    """
    if offset == 0:
        for mark, encoding in MARKS.items():
            if raw.startswith(mark):
                return f"{encoding} text, by its byte order mark; {_convert(encoding)}"
        for magic, remedy in PACKED.items():
            if raw.startswith(magic):
                return remedy
    encoding = _wide(raw, offset)
    return f"{encoding} text, by its NUL bytes; {_convert(encoding)}" if encoding else ""


def _convert(encoding: str) -> str:
    return f"only UTF-8 text is accepted; convert it, as in `iconv -f {encoding} -t UTF-8 OLD > NEW`"


def _wide(raw: bytes, offset: int) -> str:
    """The encoding whose characters have two or four bytes, judged by the places of the NUL bytes."""
    at = [raw[(place - offset) % 4 :: 4].count(0) for place in range(4)]
    even, odd = at[0] + at[2], at[1] + at[3]
    if even + odd < LEAST:
        return ""
    if not even or not odd:
        return "UTF-16LE" if odd else "UTF-16BE"
    if (even + odd) * 2 >= len(raw):  # three of the four bytes of an ASCII character, two of many others
        return "UTF-32LE" if not at[0] else "UTF-32BE" if not at[3] else ""
    return ""
