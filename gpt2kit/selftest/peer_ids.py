"""Compares the ids of our tokenizer with those of AutoTokenizer of `transformers`."""

import importlib.metadata
from collections.abc import Iterator
from typing import Any

from gpt2kit.data.bpe import Bpe
from gpt2kit.decoding.classify import texts_of
from gpt2kit.errors import counted
from gpt2kit.model import transformers_door
from gpt2kit.selftest.check import Check, raised, skipped, within
from gpt2kit.selftest.run_under_test import RunUnderTest
from gpt2kit.selftest.texts import between
from gpt2kit.tasks.text import TextTask

TEXTS = {
    "digits": "0 12 345 6789 2026-11-29 3.14159 1,000,000 x86 \u0663\u0664 \u00bd",
    "newlines": "one\ntwo\n\nthree\r\nfour \n five\n",
    "runs of spaces": "two  three   four        no\u00a0break \u3000 end",
    "spaces at both ends": "  between  ",
    "tags": "<b>bold</b> <br/> &amp; [MASK] <|im_start|> </s><unk>",
    "emoji": "\U0001f642 \U0001f469\U0001f3fd\u200d\U0001f680 \U0001f3f3\ufe0f\u200d\U0001f308 \U0001f1eb\U0001f1f7",
    "apostrophes": "I'm they'VE don't 'tis",
    "scripts": "e\u0301t\u00e9 \u4e2d\u6587 \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
}
"""Kinds of text in which tokenizers differ, with an example of each."""


def texts_for(bpe: Bpe) -> dict[str, str]:
    """A text of each kind, and one that spells all control tokens of a tokenizer."""
    spelled = " ".join(f"{token} x{token}" for token in map(bpe.token, sorted(bpe.special_ids)))
    return TEXTS | {"control tokens": f"a {spelled}."}


def equal_auto_tokenizer(subject: RunUnderTest) -> Check:
    """Compare the ids of texts of several kinds, and of the prompts that the task makes from them."""
    name, task = "ids equal AutoTokenizer's", subject.task
    if not isinstance(task, TextTask):
        return skipped(name, "the ids of this run do not stand for text, so that transformers has no tokenizer for it")
    tool, texts = f"transformers {importlib.metadata.version('transformers')}", texts_for(task.bpe)
    try:
        theirs = transformers_door.tokenizer(subject.run.path)
        wrong = [kind for kind, text in texts.items() if not all(_comparisons(task, theirs, text))]
    except Exception as error:  # any error of transformers for a folder that it cannot read
        return raised(name, error, tool)
    remark = f"{tool}, {counted(len(texts), 'text')} and their prompts"
    if not task.bpe.frame:
        remark += "; control tokens in texts need split_special_tokens=True"
    return within(name, len(wrong), 0, f"{remark}; different: {', '.join(wrong)}" if wrong else remark)


def _comparisons(task: TextTask[Any, Any], theirs: Any, text: str) -> Iterator[bool]:
    """Whether the ids of a text are equal, and those of each text of its prompt."""
    bpe, head = task.bpe, task.layout.labels
    as_text = theirs(text, add_special_tokens=False, split_special_tokens=True, verbose=False).input_ids
    yield as_text == bpe.encode([text])[0]
    if not bpe.frame and any(bpe.token(id) in text for id in bpe.special_ids):
        return
    prompt = task.encode_source(task.parse("\t".join([text] * (task.about.input.count("\t") + 1 if head else 1))))
    for ids in texts_of(prompt, task.layout.extract) if head else [prompt]:
        parts = map(bpe.decode, between(ids, bpe.special_ids)) if bpe.frame else [task.vocabulary.render(ids)]
        yield theirs(*parts, verbose=False).input_ids == ids
