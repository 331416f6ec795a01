"""Marks that other programs leave in a corpus when they tokenize it: a model that learns from it expects and writes
them."""

import re

from gpt2kit.data.report import Frequent

_EFFECT = "the model will expect and write such text; sacremoses -l LANGUAGE detokenize < OLD > NEW undoes it"
MOSES = f"texts tokenized and escaped by Moses, with marks such as &apos;s or @-@: {_EFFECT}"
SPACED = Frequent(f"tokenized texts, with a space before commas and full stops: {_EFFECT}")
ESCAPED = "texts with HTML escapes such as &amp;, which are learned as they are; Python's html.unescape undoes it"

START = 1000
"""Characters of a text to look at."""

_MOSES = re.compile(r"(?<!\S)(?:@[-–,./:]@|&(?:quot|lt|gt|#91|#93|#124|bar|bra|ket);)(?!\S)|(?<!\S)&apos;")
_ESCAPED = re.compile(r"&(?:apos|quot|lt|gt|amp|nbsp|#\d{2,5});")
_SPACED = re.compile(r"[^\W_] [.,](?!\S)")
_JOINED = re.compile(r"[^\W_][.,](?!\S)")


def marks(text: str) -> dict[str, int]:
    """What a text looks like, for a report: at most one reason, counted once."""
    text = text[:START]
    spaced = len(_SPACED.findall(text)) if " ." in text or " ," in text else 0
    if spaced and spaced <= len(_JOINED.findall(text)):
        spaced = 0
    if "&" in text or "@" in text:
        escaped = _ESCAPED.search(text)
        if _MOSES.search(text) or (escaped and spaced):
            return {MOSES: 1}
        if escaped:
            return {ESCAPED: 1}
    return {SPACED: 1} if spaced else {}
