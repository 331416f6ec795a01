"""The comparison of the ids that an export's tokenizer gives: what passes, and what is named."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from torch import Tensor

from gpt2kit import files
from gpt2kit.data.bpe import Bpe
from gpt2kit.export import tokens
from gpt2kit.export.target import Reader
from gpt2kit.selftest.probes import Ids
from gpt2kit.selftest.run_under_test import RunUnderTest, opened
from gpt2kit.tasks.text import TextTask

RunOf = Callable[..., Path]


class Tokenizing(Reader):
    """A tool of which only the tokenizer is asked."""

    tool = "a tool 1.0"

    def __init__(self, encode: Callable[[str], Ids], spelled: Sequence[str] = ()) -> None:
        self.one, self.spelled = encode, spelled

    def logits(self, ids: Ids) -> Tensor:
        raise NotImplementedError

    def greedy(self, prompts: Sequence[Ids], new: int, stop: int) -> list[Ids]:
        raise NotImplementedError

    def tokens(self) -> list[str] | None:
        return list(self.spelled)

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        return [self.one(text) for text in texts]


@pytest.fixture(scope="module")
def subject(run_of: RunOf) -> RunUnderTest:
    return opened(run_of("translate"))


@pytest.fixture
def bpe(subject: RunUnderTest) -> Bpe:
    assert isinstance(subject.task, TextTask)
    return subject.task.bpe


def spelled(bpe: Bpe) -> list[str]:
    return [bpe.token(id) for id in range(bpe.vocab_size)]


def test_control_tokens_are_recognized_in_a_text(bpe: Bpe) -> None:
    end, french = bpe.end_of_text, bpe.id("<to-fr>")
    dog, runs = bpe.encode(["a dog", " runs"])
    assert tokens.encoded(bpe, "a dog<to-fr> runs<|endoftext|>") == [*dog, french, *runs, end]
    assert tokens.encoded(bpe, "a dog<to-de") == bpe.encode(["a dog<to-de"])[0]


def test_of_two_control_tokens_the_longer_is_recognized() -> None:
    """As the tokenizers of other tools do it."""
    bpe = Bpe.train(iter(["a dog"]), 270, ["<to", "<to-fr>"])
    assert tokens.encoded(bpe, "a<to-fr><to") == [*bpe.encode(["a"])[0], bpe.id("<to-fr>"), bpe.id("<to")]


def test_equal_ids_pass(subject: RunUnderTest, bpe: Bpe) -> None:
    (check,) = tokens.checks(subject, Tokenizing(lambda text: tokens.encoded(bpe, text), spelled(bpe)))
    assert (check.passed, check.figure) == (True, 0)
    assert check.remark.startswith("a tool 1.0, ")


def test_a_tokenizer_that_spells_control_tokens_fails(subject: RunUnderTest, bpe: Bpe) -> None:
    (check,) = tokens.checks(subject, Tokenizing(lambda text: bpe.encode([text])[0], spelled(bpe)))
    assert check.passed is False
    assert subject.store is not None
    assert check.figure == len(subject.store) + 1  # every row, and the text of all control tokens


def test_the_first_different_text_is_shown(subject: RunUnderTest, bpe: Bpe) -> None:
    wrong = Tokenizing(lambda text: tokens.encoded(bpe, text.replace("  ", " ")), spelled(bpe))
    (check,) = tokens.checks(subject, wrong)
    assert check.figure == 2
    assert "different: 'two  three   four" in check.remark


def test_one_wrong_or_missing_token_fails(subject: RunUnderTest, bpe: Bpe) -> None:
    """Also one that no text of the check contains."""
    *others, last = spelled(bpe)
    for wrong in ([*others, f"{last}x"], others):
        (check,) = tokens.checks(subject, Tokenizing(lambda text: tokens.encoded(bpe, text), wrong))
        assert (check.passed, check.figure) == (False, 1)
        assert check.remark.endswith(f"different: {last!r}")


def test_a_missing_merge_fails(subject: RunUnderTest, bpe: Bpe, tmp_path: Path) -> None:
    bpe.save(tmp_path, 8)
    described = files.read_json(tmp_path / "tokenizer.json")
    described["model"]["merges"].pop()
    files.write_json(tmp_path / "tokenizer.json", described)
    other = Bpe.load(tmp_path)
    (check,) = tokens.checks(subject, Tokenizing(lambda text: tokens.encoded(other, text), spelled(bpe)))
    assert (check.passed, check.figure) != (True, 0)


def test_an_error_of_the_tool_fails_with_its_words(subject: RunUnderTest) -> None:
    def broken(text: str) -> Ids:
        raise RuntimeError("no such\nbyte")

    (check,) = tokens.checks(subject, Tokenizing(broken))
    assert check.passed is False
    assert check.remark == "a tool 1.0: RuntimeError: no such byte"


def test_without_a_tokenizer_or_without_text_there_is_no_check(subject: RunUnderTest, run_of: RunOf) -> None:
    class Silent(Tokenizing):
        def tokens(self) -> None:
            return None

    assert list(tokens.checks(subject, Silent(lambda text: []))) == []
    assert list(tokens.checks(opened(run_of("music")), Tokenizing(lambda text: []))) == []
