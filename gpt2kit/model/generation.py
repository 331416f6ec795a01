"""generation_config.json: how transformers decodes by default, as far as it has the settings of [generate].

Its length limit is the window: transformers has no multiple of the prompt's length, and a number of new tokens would
take precedence over the window. Beam search differs in its length penalty, and texts that end an answer need the
tokenizer, so that beam search becomes greedy decoding and `stop` is left out.
"""

from collections.abc import Iterable
from typing import Any

from gpt2kit.config import GenerateConfig

GREEDY = GenerateConfig()


def generation_settings(config: GenerateConfig, eos: int, window: int, surplus: Iterable[int] = ()) -> dict[str, Any]:
    """The settings of generation_config.json; ids of `surplus` rows, which no token has, are never generated."""
    settings: dict[str, Any] = {
        "bos_token_id": eos,
        "eos_token_id": [eos, *config.stop_ids] if config.stop_ids else eos,
        "pad_token_id": eos,
        "max_length": window,
        "do_sample": config.temperature > 0,
    }
    if config.temperature > 0:  # transformers warns of these otherwise; if they are missing, it takes the top 50 tokens
        settings |= {"temperature": config.temperature, "top_k": config.top_k, "top_p": config.top_p}
    if config.repetition_penalty != 1 and config.penalty_on == "all":
        settings["repetition_penalty"] = config.repetition_penalty
    if never := sorted({*config.ban_ids, *surplus}):
        settings["suppress_tokens"] = never
    return settings
