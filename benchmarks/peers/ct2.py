"""A Hugging Face GPT-2 folder as a CTranslate2 model whose tokens are the ids, written as numbers.

    python benchmarks/peers/ct2.py HF_FOLDER NEW_FOLDER

CTranslate2's own converter does the work. It wants a tokenizer for nothing but the names of the tokens; with a
stand-in, prompts and answers are ids here as everywhere, and a folder needs no tokenizer.
"""

import sys
from typing import Any

from ctranslate2.converters import TransformersConverter


class Numbers:
    """The stand-in: token 17 is called "17"."""

    def __init__(self, count: int, eos: int) -> None:
        self.count = count
        self.bos_token = self.eos_token = self.unk_token = str(eos)

    def get_vocab(self) -> dict[str, int]:
        return {str(number): number for number in range(self.count)}


class Converter(TransformersConverter):  # type: ignore[misc]
    def load_model(self, model_class: Any, model_name_or_path: str, **kwargs: Any) -> Any:
        model = super().load_model(model_class, model_name_or_path, **kwargs)
        self.numbers = Numbers(model.config.vocab_size, model.config.eos_token_id)
        return model

    def load_tokenizer(self, tokenizer_class: Any, model_name_or_path: str, **kwargs: Any) -> Any:
        return self.numbers


if __name__ == "__main__":
    Converter(sys.argv[1]).convert(sys.argv[2])
