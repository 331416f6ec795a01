"""Whether a tokenizer is a plain byte-level BPE like GPT-2's, the only kind that some other tools compute."""

from typing import Any


def unusual(described: dict[str, Any]) -> str:
    """How the tokenizer in a tokenizer.json differs from a plain one, added tokens aside; "" if it does not."""
    model, splitter = described["model"], described.get("pre_tokenizer") or {}
    plain = {
        "type": ("BPE",),
        "dropout": (None,),
        "continuing_subword_prefix": (None, ""),
        "end_of_word_suffix": (None, ""),
        "ignore_merges": (None, False),
    }
    for key, accepted in plain.items():
        if model.get(key) not in accepted:
            return f"the model's {key} is {model.get(key)!r}"
    by_bytes = splitter.get("type") == "ByteLevel" and not splitter.get("add_prefix_space", True)
    if described.get("normalizer") or not by_bytes or splitter.get("use_regex") is False:
        return "text is normalized, or split in another way than GPT-2's"
    return ""
