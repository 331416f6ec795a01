"""The engine: the script that computes a run's model, in a browser's worker or in Node, without a page around it."""

from gpt2kit.html import resource

FOLDER = "live/engine"
ENGINE = (
    *("packing", "simd", "linear", "attention", "attention_compressed", "cache", "model"),
    *("heap", "random", "sampling", "reader", "decoding"),
    *("bpe", "endings", "prompts", "labelled", "paragraphs", "textrun"),
    *("arrays", "pieces", "tracing", "lens", "roles", "looking", "outlook", "attribution", "neurons", "view"),
    *("events", "encoding", "keyboard", "grammar", "wait", "steering", "given", "filling", "midi", "performing"),
    "performancerun",
)
"""Parts of one script, in order."""


def engine_script() -> str:
    """The parts share one scope, whose strict mode and whose use of them come from the script around it."""
    return "".join(resource(f"{FOLDER}/{name}.js") for name in ENGINE)
