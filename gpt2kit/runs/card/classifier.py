"""How to use a classifier with transformers: by a pipeline if it reads its texts once, or else by its model."""

from collections.abc import Sequence

from gpt2kit.decoding.classify import texts_of
from gpt2kit.runs.card.facts import Facts


def classification(facts: Facts, name: str, loading: Sequence[str]) -> list[str]:
    """A snippet that prints the probabilities of the example input; `loading` are its lines that load the model."""
    task, framed = facts.task, bool(facts.task.bpe.frame)
    source = task.parse(task.about.input)
    if framed:
        rows = task.orders(source)
    else:  # in the run of an older version, each text spells its control tokens
        prompt = texts_of(task.encode_source(source), task.layout.extract)
        rows = [(task.vocabulary.render(ids),) for ids in prompt]
    if framed and len(rows) == 1 and not facts.adapters:
        return _by_pipeline(name, rows[0], facts.custom_code)
    one_of = "logits[:, 0].softmax(0)" if len(task.layout.labels) == 1 else "logits.sum(0).softmax(0)"
    ids = f'tokenizer(*texts, {"truncation=True, " if framed else ""}return_tensors="pt").input_ids'
    return [
        "import torch",
        *loading,
        f"rows = {rows!r}",
        f"logits = torch.cat([model({ids}).logits for texts in rows])",
        f"print({one_of}, model.config.id2label)",
    ]


def _by_pipeline(name: str, texts: tuple[str, ...], custom_code: bool) -> list[str]:
    asked = dict(zip(("text", "text_pair"), texts, strict=True)) if len(texts) > 1 else texts[0]
    return [
        "from transformers import pipeline",
        "",
        f'classify = pipeline("text-classification", {name!r}{", trust_remote_code=True" if custom_code else ""})',
        f"print(classify({asked!r}, truncation=True, top_k=None))",
    ]
