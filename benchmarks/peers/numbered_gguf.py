"""A GPT-2 folder as a GGUF file in Q8_0 whose tokens are the ids, written as numbers.

    python benchmarks/peers/numbered_gguf.py FOLDER NEW_FILE

gpt2kit's own export writes the weights. llama.cpp wants a tokenizer to open a model; with a stand-in, prompts and
answers are ids here as everywhere, and a folder needs no tokenizer.
"""

import sys
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

from gpt2kit.config import GenerateConfig
from gpt2kit.data.bpe import END_OF_TEXT, Bpe
from gpt2kit.export import gguf_file
from gpt2kit.model import hf


def numbers(count: int) -> Bpe:
    """The stand-in: bytes and a merge, which llama.cpp looks for, then token 300 is called "300"; the last one ends a
    text."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    names = [*alphabet, "ab", *map(str, range(len(alphabet) + 1, count - 1)), END_OF_TEXT]
    tokenizer = Tokenizer(models.BPE(vocab={name: id for id, name in enumerate(names)}, merges=[("a", "b")]))
    tokenizer.add_special_tokens([AddedToken(END_OF_TEXT, special=True)])
    return Bpe(tokenizer)


if __name__ == "__main__":
    model = hf.load(Path(sys.argv[1]))
    gguf_file.write(Path(sys.argv[2]), "numbered", model, numbers(model.vocab_size), GenerateConfig(), "q8_0")
