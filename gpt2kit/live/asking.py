"""What a page needs to ask a run: its tokenizer, how prompts are made, and how answers are decoded."""

import json
from dataclasses import asdict, replace
from typing import Any

from gpt2kit.config import GenerateConfig
from gpt2kit.data.bpe import Bpe
from gpt2kit.data.plain_bpe import unusual
from gpt2kit.tasks.base import Task
from gpt2kit.tasks.text import TextTask


def refusal(task: Task[Any, Any]) -> str:
    """Why a page cannot ask a run of this task; "" if it can."""
    if task.about.asking is None and task.about.medium != "performance":
        return "a page cannot make the prompts of this task, which does not describe them in About.asking"
    if not isinstance(task, TextTask):
        return ""
    if reason := unusual(json.loads(task.bpe.tokenizer.to_str())):
        return f"a page splits text as GPT-2 does, and the tokenizer of this run does not: {reason}"
    added = task.bpe.tokenizer.get_added_tokens_decoder().values()
    if found := [token.content for token in added if not token.special]:
        return f"a page does not look for added tokens in a text, and this tokenizer has some, such as {found[0]!r}"
    return ""


def asking(task: Task[Any, Any], config: GenerateConfig) -> dict[str, Any]:
    """The parts `tokenizer` (None if ids are not text), `task` and `generate` of a run in a page.

    Pages have no beam search, compare no samples and have no training data: they decode greedily, give one sample, and
    use no neighbors instead.
    """
    described = {} if task.about.asking is None else task.about.asking.described()
    own = {
        "medium": task.about.medium,
        "eos": task.vocabulary.eos,
        "labels": list(task.layout.labels),
        "answers": task.layout.has_answers,
    }
    return {
        "tokenizer": _tokenizer(task.bpe) if isinstance(task, TextTask) else None,
        "task": own | described,
        "generate": asdict(replace(config, beams=1, mbr=0, knn=0.0, max_ratio=config.ratio)),
    }


def _tokenizer(bpe: Bpe) -> dict[str, Any]:
    tokens = [bpe.token(id) for id in range(bpe.vocab_size)]
    return {"tokens": tokens, "merges": bpe.merges(), "special": sorted(bpe.special_ids)}
