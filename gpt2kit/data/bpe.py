"""Byte-level BPE as in GPT-2, through `tokenizers`. Separators are control ids: text never encodes to one."""

import hashlib
import json
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt2kit import files
from gpt2kit.data.byte_alphabet import bytes_by_character
from gpt2kit.data.frame import Described, Frame, appended, frame_in, is_sequence
from gpt2kit.errors import DataError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from gpt2kit.data.bulk import BulkBpe

END_OF_TEXT = "<|endoftext|>"
TOKENIZER_FILE = "tokenizer.json"
OLDER_FILES = (("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe"))
"""Vocabulary and merges files of older Hugging Face GPT-2 folders, and those that OpenAI released."""

BYTES = 256


LONG_RUN = 10_000


def has_long_run(text: str) -> bool:
    """Whether the text has a long run without a space, or of spaces: bulk encoding is very slow for these."""
    if len(text) < LONG_RUN:
        return False
    return (
        max(map(len, text.split()), default=LONG_RUN) >= LONG_RUN or " " * LONG_RUN in text or "\n" * LONG_RUN in text
    )


def _without_gaps(tokenizer: "Tokenizer") -> "Tokenizer":
    """Raises ValueError when ids are missing: the last ids would exceed the rows of any model."""
    found = tokenizer.get_vocab()
    if found and max(found.values()) >= len(found):
        raise ValueError(f"its {len(found)} tokens have ids up to {max(found.values())}, not {len(found) - 1}")
    return tokenizer


def write_tokenizer_config(folder: Path, window: int, padding_side: str) -> None:
    """Write what Hugging Face's AutoTokenizer needs next to tokenizer.json, for a model with this window.

    GPT-2 has one special token, and transformers uses it as the unknown token too. As a padding token it is masked.
    """
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **dict.fromkeys(("bos_token", "eos_token", "pad_token", "unk_token"), END_OF_TEXT),
        "padding_side": padding_side,
        "model_max_length": window,
        "clean_up_tokenization_spaces": False,
        # Their older versions would add token_type_ids, which their GPT-2 treats as tokens.
        "model_input_names": ["input_ids", "attention_mask"],
    }
    files.write_json(folder / "tokenizer_config.json", config)


class Bpe:
    """A tokenizer with lossless text -> ids -> text."""

    def __init__(self, tokenizer: "Tokenizer") -> None:
        self.tokenizer = tokenizer
        # A literal "<to-fr>" in a user's text is text here; Hugging Face's loader does not set this.
        self.tokenizer.encode_special_tokens = True
        self.tokenizer.no_truncation()  # a Hugging Face folder may ask for it
        self.tokenizer.no_padding()
        described = self._post_processor
        self.frame = frame_in(described, tokenizer.token_to_id)
        """The control tokens that AutoTokenizer adds to a text, if the folder says so. The tokenizer here has no
        frame, so that its fingerprint and what it saves do not depend on that."""
        if self.frame:
            framed: Any = tokenizer.post_processor
            self.tokenizer.post_processor = framed[0] if is_sequence(described) else None

    @classmethod
    def train(cls, texts: Iterator[str], vocab: int, separators: Sequence[str]) -> "Bpe":
        """Learn merges from `texts` until there are `vocab` tokens, including 256 bytes and the special tokens.

        256 means bytes alone: nothing is learned, and the special tokens are added to them.
        """
        from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

        special = [END_OF_TEXT, *separators]
        if vocab == BYTES:
            vocab, texts = BYTES + len(special), iter(())
        if vocab < 256 + len(special):
            raise DataError(
                f"task.vocab = {vocab}; expected at least {256 + len(special)}, for 256 bytes and "
                f"{', '.join(special)}, or 256 for bytes alone"
            )
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
        """Load tokenizer.json, or the vocabulary and merges of an older GPT-2 folder."""
        from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

        path = folder / TOKENIZER_FILE
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
        older = ", or ".join(map(" and ".join, OLDER_FILES))
        raise DataError(f"{folder} has no tokenizer; expected tokenizer.json, or {older}")

    def add_separators(self, separators: Sequence[str]) -> None:
        """Give each new separator the next free id."""
        from tokenizers import AddedToken

        self.tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in separators])

    def save(self, folder: Path, window: int) -> None:
        """Write tokenizer.json and tokenizer_config.json, for a model that generates.

        A post-processor by which AutoTokenizer would add tokens is left out: gpt2kit does not add them.
        """
        if not self._takes_frame:
            self.tokenizer.post_processor = None
        files.write_text(folder / TOKENIZER_FILE, self.tokenizer.to_str(pretty=True))
        write_tokenizer_config(folder, window, "left")

    def save_frame(self, folder: Path, frame: Frame) -> None:
        """Change the files of this tokenizer in a folder, so that AutoTokenizer adds a frame to each text, and a
        control token that a text spells stays text.

        Data of an older version may have a post-processor that adds tokens itself; then nothing is changed.
        """
        if not self._takes_frame:
            return
        described = json.loads(self.tokenizer.to_str())
        described["post_processor"] = appended(self._post_processor, frame.template(self.tokenizer.token_to_id))
        files.write_json(folder / TOKENIZER_FILE, described)
        path = folder / "tokenizer_config.json"
        files.write_json(path, files.read_json(path) | {"split_special_tokens": True})

    @property
    def _post_processor(self) -> Described | None:
        """The post-processor of the tokenizer, which only other programs use."""
        found = self.tokenizer.post_processor
        return None if found is None else json.loads(found.__getstate__())

    @property
    def _takes_frame(self) -> bool:
        """Whether a frame can follow the post-processor: it adds no tokens itself and is not a sequence."""
        return not (self._adds_tokens or is_sequence(self._post_processor))

    @property
    def _adds_tokens(self) -> bool:
        """Whether the post-processor adds tokens to a text, or to two."""
        found = self.tokenizer.post_processor
        return found is not None and any(map(found.num_special_tokens_to_add, (False, True)))

    @property
    def end_of_text(self) -> int:
        return self.id(END_OF_TEXT)

    @property
    def vocab_size(self) -> int:
        return self.tokenizer.get_vocab_size()

    @cached_property
    def special_ids(self) -> frozenset[int]:
        """Ids that text never encodes to."""
        added = self.tokenizer.get_added_tokens_decoder()
        return frozenset(id for id, token in added.items() if token.special)

    def id(self, token: str) -> int:
        """The id of a special token."""
        found = self.tokenizer.token_to_id(token)
        if found is None:
            raise DataError(f"the tokenizer has no special token {token!r}")
        return found

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text, on all cores."""
        return [encoding.ids for encoding in self.tokenizer.encode_batch_fast(texts, add_special_tokens=False)]

    @cached_property
    def _bulk(self) -> "BulkBpe | None":
        from gpt2kit.data.bulk import BulkBpe  # starts slowly: worth it only for corpora

        with suppress(ValueError):  # it supports plain ones only
            return BulkBpe(self.tokenizer.to_str())
        return None

    def encode_arrays(self, texts: Sequence[str]) -> "Sequence[array[int]]":
        """Like `encode`, but as 32-bit arrays and as fast as possible: for corpora."""
        if self._bulk is None:
            return [array("I", ids) for ids in self.encode(texts)]
        odd = [place for place, text in enumerate(texts) if has_long_run(text)]
        found = self._bulk.encode([text for text in texts if not odd or not has_long_run(text)])
        for place, ids in zip(odd, self.encode([texts[place] for place in odd]), strict=True):
            found.insert(place, array("I", ids))
        return found

    def decode(self, ids: Sequence[int], special: bool = False) -> str:
        """The text of ids; an incomplete character becomes U+FFFD, special tokens are dropped unless `special`."""
        return self.tokenizer.decode(list(ids), skip_special_tokens=not special)

    def unknown_bytes(self) -> list[str]:
        """Bytes without a token, as 0x41; text loses them. GPT-2's vocabulary and those learned here have every
        byte."""
        known = self.tokenizer.get_vocab()
        return [f"0x{byte:02x}" for char, byte in bytes_by_character().items() if char not in known]

    def merges(self) -> list[str]:
        """The merges, each two tokens with a space between them, which no token contains."""
        return [" ".join(merge) for merge in json.loads(self.tokenizer.to_str())["model"]["merges"]]

    def token(self, id: int) -> str:
        """A token as the vocabulary spells it."""
        return self.tokenizer.id_to_token(id) or ""

    def spell(self, id: int) -> bytes | str:
        """The bytes of a token, which may be part of a character; the name of a special token."""
        token, byte_of = self.token(id), bytes_by_character()
        if id in self.tokenizer.get_added_tokens_decoder() or any(char not in byte_of for char in token):
            return token
        return bytes(byte_of[char] for char in token)

    def extends(self, other: "Bpe") -> bool:
        """Whether every token of `other` has the same id here."""
        ours = self.tokenizer.get_vocab()
        return all(ours.get(token) == id for token, id in other.tokenizer.get_vocab().items())

    def fingerprint(self, whole: bool = False) -> str:
        """A short hash of the vocabulary and merges: another tokenizer's ids mean other text.

        A post-processor that adds no tokens, which transformers appends when it saves a tokenizer again, makes no
        difference, unless the `whole` file is hashed, as earlier versions did.
        """
        kept = self.tokenizer.post_processor
        if not whole and not self._adds_tokens:
            self.tokenizer.post_processor = None
        text = self.tokenizer.to_str()
        self.tokenizer.post_processor = kept
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
