"""Training: what has no test beside the loop that it is about."""

import pytest

from gpt2kit.data.bpe import Bpe
from gpt2kit.data.bulk import BulkBpe


def test_what_a_thread_raises_is_raised_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts become ids on threads: the first that fails ends the work, and nothing waits for the others."""
    bulk = BulkBpe(Bpe.train(iter(["a b c"]), 260, []).tokenizer.to_str())
    encode = bulk.encoding.encode_to_numpy

    def failing(text: str, **options: object) -> object:
        if text == "bad":
            raise RuntimeError("this text")
        return encode(text, **options)  # type: ignore[arg-type]  # they are passed on

    monkeypatch.setattr(bulk.encoding, "encode_to_numpy", failing)
    assert len(bulk.encode(["good"] * 50)) == 50
    with pytest.raises(RuntimeError, match="this text"):
        bulk.encode([*["good"] * 50, "bad", *["good"] * 50])
