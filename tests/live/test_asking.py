"""What a page is told of a run's task: every task describes its prompts, or the page is refused."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gpt2kit import recipe, tasks
from gpt2kit.config import CORPUS, GenerateConfig
from gpt2kit.data.bpe import Bpe
from gpt2kit.live.asking import asking, refusal
from gpt2kit.tasks.lm import Lm
from gpt2kit.tasks.record import Record
from gpt2kit.tasks.summarize import Summarize, TlDr
from gpt2kit.tasks.text import TextPairs
from gpt2kit.tasks.translate import ByExample, Translate


@dataclass(frozen=True)
class Shouted(TextPairs[str]):
    """A task that makes its prompts in its own way."""

    def read(self, corpus: Sequence[str]) -> Iterator[Record[str, str]]:
        return iter(())

    def text_of(self, source: str) -> str:
        return source.upper()


@pytest.mark.parametrize("name", tasks.names())
def test_a_page_can_ask_every_task(name: str, examples: Callable[[str], Any], tmp_path: Path) -> None:
    module = examples(name)
    loaded = recipe.load(name, module.TINY).task
    corpus = module.write_corpus(tmp_path)
    task = loaded.fit(corpus, loaded.read(corpus), tmp_path, 64)
    assert refusal(task) == ""
    found = asking(task, GenerateConfig(max_ratio=CORPUS, beams=4))
    assert json.loads(json.dumps(found, allow_nan=False))["task"]["medium"] == task.about.medium
    assert found["task"]["eos"] == task.vocabulary.eos
    assert (found["generate"]["beams"], found["generate"]["max_ratio"]) == (1, 2.0)
    assert asking(task, GenerateConfig(mbr=4, temperature=0.7))["generate"]["mbr"] == 0
    if found["tokenizer"] is None:
        assert found["task"]["medium"] == "performance"
    else:
        assert found["task"]["inputs"]
        assert len(found["tokenizer"]["tokens"]) == task.vocabulary.size


@pytest.mark.parametrize(("trained", "untrained"), [(Translate(), ByExample()), (Summarize(), TlDr())])
def test_prompts_of_an_untrained_model_are_not_those_of_a_trained_one(trained: Any, untrained: Any) -> None:
    assert trained.about.asking is not None
    assert untrained.about.asking is None


def test_a_task_with_prompts_of_its_own(tmp_path: Path) -> None:
    Bpe.train(iter(()), 256, [Shouted.separator]).save(tmp_path, 64)
    assert "About.asking" in refusal(Shouted(folder=tmp_path))


CHANGES: dict[str, dict[str, Any]] = {
    "normalized": {"normalizer": {"type": "NFC"}},
    "'<user>'": {
        "added_tokens": [
            {"id": 257, "content": "<user>"}
            | dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized", "special"), False)
        ]
    },
}


@pytest.mark.parametrize("reason", CHANGES)
def test_a_tokenizer_that_the_page_does_not_compute(tmp_path: Path, reason: str) -> None:
    Bpe.train(iter(()), 256, []).save(tmp_path, 64)
    path = tmp_path / "tokenizer.json"
    described = json.loads(path.read_text(encoding="utf-8"))
    assert refusal(Lm(folder=tmp_path)) == ""
    path.write_text(json.dumps(described | CHANGES[reason]), encoding="utf-8")
    assert reason in refusal(Lm(folder=tmp_path))
