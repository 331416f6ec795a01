"""The form of a text by which nearly equal texts are found."""

import re
import string
import unicodedata

TYPOGRAPHIC = re.compile("[‘’‚“”„«»‹›–—]")
END = 2000
"""Characters at each end of a long text that are compared with other texts."""
ASIDE = (string.punctuation + string.whitespace).encode()


def bare(text: str) -> bytes:
    """A text without its case, spaces, punctuation and compatible forms (NFKC), so that copies that were typed, cleaned
    or quoted differently are equal. The whole text if nothing else would remain; the beginning and the end of a long
    one."""
    if len(text) > 2 * END:
        text = text[:END] + text[-END:]
    if not text.isascii():
        text = TYPOGRAPHIC.sub("", unicodedata.normalize("NFKC", text))
    return text.casefold().encode().translate(None, ASIDE) or text.encode()
