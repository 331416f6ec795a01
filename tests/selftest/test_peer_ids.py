"""The comparison with AutoTokenizer: equal in every run of text, and the kind of text in which it differs is named."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tokenizers.processors import TemplateProcessing

from gpt2kit import files
from gpt2kit.data.bpe import END_OF_TEXT, Bpe
from gpt2kit.selftest.peer_ids import TEXTS, equal_auto_tokenizer
from gpt2kit.selftest.run_under_test import opened

RunOf = Callable[..., Path]
Copied = Callable[[Path], Path]

SPELLED = "; control tokens in texts need split_special_tokens=True"
CLASSIFIERS = ["labelled", "pairs", "similar", "choice"]


@pytest.mark.parametrize("kind", ["translate", "summarize", "lm", "completion", *CLASSIFIERS, "lora", "local"])
def test_a_run_has_their_ids(run_of: RunOf, kind: str) -> None:
    if kind == "lora":
        run = run_of("translate", "train.lora=2", init=run_of("translate"))
    elif kind == "local":
        run = run_of("labelled", "model.attention=local", "model.block=16")
    else:
        run = run_of(kind)
    check = equal_auto_tokenizer(opened(run))
    assert (check.passed, check.figure, check.limit) == (True, 0, 0), check.remark
    assert check.remark.startswith("transformers 5.")
    assert check.remark.endswith(SPELLED) == (kind not in [*CLASSIFIERS, "local"])


def test_music_has_no_texts(run_of: RunOf) -> None:
    check = equal_auto_tokenizer(opened(run_of("music")))
    assert check.passed is None
    assert "do not stand for text" in check.remark


def test_a_classifier_of_an_older_version(run_of: RunOf, copied: Copied) -> None:
    """Its tokenizer adds nothing: the texts spell the control tokens."""
    run = copied(run_of("pairs"))
    Bpe.load(run).save(run, window=64)
    check = equal_auto_tokenizer(opened(run))
    assert check.passed, check.remark
    assert check.remark.endswith(SPELLED)


def configure(run: Path, **values: object) -> None:
    path = run / "tokenizer_config.json"
    files.write_json(path, files.read_json(path) | values)


def add_begin_token(run: Path) -> None:
    """As in the run of an older version, whose tokenizer comes from a folder with such a post-processor."""
    bpe = Bpe.load(run)
    known = [(END_OF_TEXT, bpe.end_of_text)]
    bpe.tokenizer.post_processor = TemplateProcessing(single=f"{END_OF_TEXT} $A", pair=None, special_tokens=known)
    (run / "tokenizer.json").write_text(bpe.tokenizer.to_str(), encoding="utf-8")


WRONG: dict[str, tuple[Callable[[Path], None], str, set[str]]] = {
    "a space before each text": (
        lambda run: configure(run, tokenizer_class="GPT2Tokenizer", add_prefix_space=True),
        "translate",
        {*TEXTS, "control tokens"} - {"spaces at both ends"},
    ),
    "a begin token": (add_begin_token, "lm", {*TEXTS}),
    "control tokens in texts": (lambda run: configure(run, split_special_tokens=False), "pairs", {"control tokens"}),
}


@pytest.mark.parametrize(("change", "kind", "named"), WRONG.values(), ids=WRONG.keys())
def test_a_difference_is_found(
    run_of: RunOf, copied: Copied, change: Callable[[Path], None], kind: str, named: set[str]
) -> None:
    run = copied(run_of(kind))
    change(run)
    check = equal_auto_tokenizer(opened(run))
    assert check.passed is False
    assert {*check.remark.partition("; different: ")[2].split(", ")} == named
    assert check.figure == len(named)


def test_a_folder_that_they_cannot_read(run_of: RunOf, copied: Copied) -> None:
    run = copied(run_of("lm"))
    subject = opened(run)
    (run / "tokenizer_config.json").write_text("{", encoding="utf-8")
    check = equal_auto_tokenizer(subject)
    assert check.passed is False
    assert "Error" in check.remark
    assert "\n" not in check.remark
