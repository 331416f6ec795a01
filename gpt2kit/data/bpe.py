"""Byte-level BPE as in GPT-2, through `tokenizers`. Separators are control ids: text never turns into one."""

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from gpt2kit import files
from gpt2kit.data.byte_alphabet import bytes_by_character
from gpt2kit.errors import DataError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from gpt2kit.data.bulk import BulkBpe

END_OF_TEXT = "<|endoftext|>"
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
OLDER_FILES = (("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe"))
"""Vocabulary and merges as older GPT-2 folders of Hugging Face have them, and as OpenAI released them."""

BYTES = 256


LONG_RUN = 10_000


def has_long_run(text: str) -> bool:
    """Whether so many characters stand together without a space, or so many spaces: bulk takes forever over these."""
    if len(text) < LONG_RUN:
        return False
    return (
        max(map(len, text.split()), default=LONG_RUN) >= LONG_RUN or " " * LONG_RUN in text or "\n" * LONG_RUN in text
    )


def _without_gaps(tokenizer: "Tokenizer") -> "Tokenizer":
    """Raises ValueError when ids are left out: the last ones would lie beyond what any model has rows for."""
    found = tokenizer.get_vocab()
    if found and max(found.values()) >= len(found):
        raise ValueError(f"its {len(found)} tokens have ids up to {max(found.values())}")
    return tokenizer


class Bpe:
    """A tokenizer with lossless text -> ids -> text."""

    def __init__(self, tokenizer: "Tokenizer") -> None:
        self.tokenizer = tokenizer
        # A literal "<to-fr>" in a user's text is text here; Hugging Face's loader does not set this.
        self.tokenizer.encode_special_tokens = True
        self.tokenizer.no_truncation()  # which a folder of Hugging Face may ask for
        self.tokenizer.no_padding()

    @classmethod
    def train(cls, texts: Iterator[str], vocab: int, separators: Sequence[str]) -> "Bpe":
        """Learn merges from `texts` until there are `vocab` tokens, 256 bytes and the special ones included.

        256 means bytes alone: nothing is learned, and the special tokens come on top of them.
        """
        from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

        special = [END_OF_TEXT, *separators]
        if vocab == BYTES:
            vocab, texts = BYTES + len(special), iter(())
        if vocab < 256 + len(special):
            raise DataError(f"task.vocab = {vocab}: at least {256 + len(special)}: every byte and {', '.join(special)}")
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=vocab,
            special_tokens=[AddedToken(token, special=True, normalized=False) for token in special],
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
        tokenizer.train_from_iterator(texts, trainer)
        return cls(tokenizer)

    @classmethod
    def load(cls, folder: Path) -> "Bpe":
        """From tokenizer.json, or from the vocabulary and the merges of an older GPT-2 folder."""
        from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

        path = folder / "tokenizer.json"
        try:
            if path.is_file():
                return cls(_without_gaps(Tokenizer.from_buffer(path.read_bytes())))
            for vocabulary, merges in ((folder / first, folder / second) for first, second in OLDER_FILES):
                if not (vocabulary.is_file() and merges.is_file()):
                    continue
                path = vocabulary
                tokenizer = Tokenizer(models.BPE.from_file(str(vocabulary), str(merges)))
                tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
                tokenizer.decoder = decoders.ByteLevel()
                tokenizer.add_special_tokens([AddedToken(END_OF_TEXT, special=True, normalized=False)])
                return cls(_without_gaps(tokenizer))
        except Exception as error:  # the library raises bare Exception for a file it cannot parse
            raise DataError(f"{path} is damaged: {error}") from error
        raise DataError(f"{folder} has no tokenizer.json, nor {' nor '.join(map(' and '.join, OLDER_FILES))}")

    def add_separators(self, separators: Sequence[str]) -> None:
        """Give each separator that is not there yet the next free id."""
        from tokenizers import AddedToken

        self.tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in separators])

    def save(self, folder: Path, window: int) -> None:
        """tokenizer.json, and the little that Hugging Face's AutoTokenizer wants beside it."""
        files.write_text(folder / "tokenizer.json", self.tokenizer.to_str(pretty=True))
        config = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": END_OF_TEXT,
            "eos_token": END_OF_TEXT,
            "model_max_length": window,
            "clean_up_tokenization_spaces": False,
            # Their older versions would add token_type_ids, which their GPT-2 takes for tokens.
            "model_input_names": ["input_ids", "attention_mask"],
        }
        files.write_json(folder / "tokenizer_config.json", config)

    @property
    def end_of_text(self) -> int:
        return self.id(END_OF_TEXT)

    @property
    def vocab_size(self) -> int:
        return self.tokenizer.get_vocab_size()

    @cached_property
    def special_ids(self) -> frozenset[int]:
        """Those that no text becomes."""
        added = self.tokenizer.get_added_tokens_decoder()
        return frozenset(id for id, token in added.items() if token.special)

    def id(self, token: str) -> int:
        """The id of a special token."""
        found = self.tokenizer.token_to_id(token)
        if found is None:
            raise DataError(f"the tokenizer has no token {token!r}")
        return found

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text, over all cores."""
        return [encoding.ids for encoding in self.tokenizer.encode_batch_fast(texts, add_special_tokens=False)]

    @cached_property
    def _bulk(self) -> "BulkBpe | None":
        from gpt2kit.data.bulk import BulkBpe  # only corpora are worth its start

        with suppress(ValueError):  # it runs plain ones alone
            return BulkBpe(self.tokenizer.to_str())
        return None

    def encode_arrays(self, texts: Sequence[str]) -> "Sequence[array[int]]":
        """The same as arrays of 32 bits, as fast as can be: for corpora."""
        if self._bulk is None:
            return [array("I", ids) for ids in self.encode(texts)]
        odd = [place for place, text in enumerate(texts) if has_long_run(text)]
        found = self._bulk.encode([text for text in texts if not odd or not has_long_run(text)])
        for place, ids in zip(odd, self.encode([texts[place] for place in odd]), strict=True):
            found.insert(place, array("I", ids))
        return found

    def decode(self, ids: Sequence[int], special: bool = False) -> str:
        """The text of ids; a character cut in half becomes U+FFFD, special tokens vanish unless asked for."""
        return self.tokenizer.decode(list(ids), skip_special_tokens=not special)

    def unknown_bytes(self) -> list[str]:
        """The bytes that have no token, as 0x41; text loses them. None of a vocabulary that is GPT-2's or learned
        here."""
        known = self.tokenizer.get_vocab()
        return [f"0x{byte:02x}" for char, byte in bytes_by_character().items() if char not in known]

    def token(self, id: int) -> str:
        """A token as the vocabulary spells it."""
        return self.tokenizer.id_to_token(id) or ""

    def spell(self, id: int) -> bytes | str:
        """The bytes that a token stands for, which may be a part of a character; the name of one that is no text."""
        token, byte_of = self.token(id), bytes_by_character()
        if id in self.tokenizer.get_added_tokens_decoder() or any(char not in byte_of for char in token):
            return token
        return bytes(byte_of[char] for char in token)

    def extends(self, other: "Bpe") -> bool:
        """Whether every token of `other` has the same id here."""
        ours = self.tokenizer.get_vocab()
        return all(ours.get(token) == id for token, id in other.tokenizer.get_vocab().items())

    def fingerprint(self) -> str:
        """A short hash of the vocabulary and merges: ids of another tokenizer mean other text."""
        return hashlib.blake2b(self.tokenizer.to_str().encode(), digest_size=8).hexdigest()
