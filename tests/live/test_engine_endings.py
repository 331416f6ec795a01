"""Where the page ends the text of an answer: as gpt2kit/pipeline/endings.py does."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gpt2kit.config import GenerateConfig
from gpt2kit.data.bpe import Bpe
from gpt2kit.live.asking import asking
from gpt2kit.pipeline.endings import output_of, stops_of, whole
from gpt2kit.tasks.lm import Lm

Engine = Callable[..., Any]

TEXT = "the end of the line, the end. été 中文 🙂 ending\nthe\n\n"
STOPS = [(), ("end",), ("\n", "the end."), ("é",), ("🙂", "文 "), ("the", "the e", "he")]


def test_ends_of_texts(engine: Engine, tmp_path: Path) -> None:
    Bpe.train(iter([TEXT]), 300, []).save(tmp_path, 64)
    task, draw = Lm(folder=tmp_path), random.Random(0)
    text = task.bpe.encode([TEXT])[0]
    rows = [text[:end] for end in range(len(text) + 1)]
    rows += [[draw.randrange(task.bpe.vocab_size) for _ in range(draw.randrange(7))] for _ in range(400)]
    rows += [[*text[:3], *(draw.randrange(1, 257) for _ in range(draw.randrange(5)))] for _ in range(400)]  # bytes
    body = """({ tokenizer, task }, texts, rows) => {
        const bpe = new Bpe(tokenizer), prompts = promptsOf(task, bpe);
        const stops = new Stops(texts, bpe, (ids) => prompts.decode(ids));
        return rows.map((ids) => {
            const text = prompts.decode(ids);
            return [wholeText(text, ids, bpe), prompts.answer(ids, stops), stops.ended(ids), stops.held(text)];
        });
    }"""
    run = asking(task, GenerateConfig())
    for texts in STOPS:
        found = engine(body, run, texts, rows)
        stops = stops_of(task, GenerateConfig(stop=texts))
        for ids, (text, answer, ended, held) in zip(rows, found, strict=True):
            assert text == whole(task.decode(ids), ids, task.vocabulary)
            assert answer == output_of(task, ids, stops)
            assert (ended, held) == ((stops.ended(ids), stops.held(task.decode(ids))) if stops else (False, 0))
