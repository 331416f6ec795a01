"""Python that uses a run with transformers, or with peft on the base of its adapters."""

from gpt2kit.config import EXTRA_TOKENS
from gpt2kit.decoding.classify import texts_of
from gpt2kit.runs.card.facts import Facts
from gpt2kit.tasks.text import TextTask


def snippet(facts: Facts, name: str) -> str:
    """Code that prints what the example input gives, or loads a model whose ids are not text; `name` is its folder."""
    if facts.task.layout.labels:
        return "\n".join(_classification(facts, name))
    if isinstance(facts.task, TextTask):
        return "\n".join(_generation(facts, name))
    package, kind = ("peft", "AutoPeftModelForCausalLM") if facts.adapters else ("transformers", "AutoModelForCausalLM")
    return f"from {package} import {kind}\n\nmodel = {kind}.{_from(facts, name)}"


def _from(facts: Facts, name: str, options: str = "") -> str:
    """The call that loads the folder; with trust_remote_code if its model, or the base of its adapters, has code."""
    return f"from_pretrained({name!r}{options}{', trust_remote_code=True' if facts.custom_code else ''})"


def _load(facts: Facts, name: str, *more: str) -> list[str]:
    """The lines that load the tokenizer and the model, and import `more` from transformers."""
    labels = facts.task.layout.labels
    kind = "ModelForSequenceClassification" if labels else "ModelForCausalLM"
    if not facts.adapters:
        return [
            f"from transformers import {', '.join((f'Auto{kind}', 'AutoTokenizer', *more))}",
            "",
            f"kinds = (AutoTokenizer, Auto{kind})",
            f"tokenizer, model = (kind.{_from(facts, name)} for kind in kinds)",
        ]
    settings = () if labels else ("GenerationConfig",)
    # A head of the base, which may be for other labels, is replaced.
    options = f", id2label={dict(enumerate(labels))!r}, ignore_mismatched_sizes=True" if labels else ""
    lines = [
        f"from peft import AutoPeft{kind}",
        f"from transformers import {', '.join(('AutoTokenizer', *settings, *more))}",
        "",
        f"tokenizer = AutoTokenizer.from_pretrained({name!r})",
        f"model = AutoPeft{kind}.{_from(facts, name, options)}",
    ]
    return lines if labels else [*lines, f"model.generation_config = GenerationConfig.from_pretrained({name!r})"]


def _generation(facts: Facts, name: str) -> list[str]:
    """Decode as [generate] says, with its limits of length. The prompt spells its control tokens."""
    task = facts.task
    prompt = task.vocabulary.render(task.encode_source(task.parse(task.about.input)))
    config, window = facts.generate, facts.recipe.model.n_positions
    imports, lines = list[str](), list[str]()
    limits = [str(window), *([f"size + {config.max_new_tokens}"] if config.max_new_tokens < window else [])]
    limits += [f"size + int({config.ratio} * size) + {EXTRA_TOKENS}"] if config.ratio else []
    settings = [f"max_length=min({', '.join(limits)})" if len(limits) > 1 else f"max_length={window}"]
    if config.temperature:
        sampling = ("temperature", "top_k", "top_p")
        settings += ["do_sample=True", *(f"{key}={getattr(config, key)}" for key in sampling)]
    else:
        settings.append("do_sample=False")
    if config.repetition_penalty != 1 and config.penalty_on == "all":
        settings.append(f"repetition_penalty={config.repetition_penalty}")
    elif config.repetition_penalty != 1:
        imports.append("RepetitionPenaltyLogitsProcessor")
        lines.append(f"penalty = {imports[-1]}({config.repetition_penalty}, prompt_ignore_length=size)")
        settings.append("logits_processor=[penalty]")
    return [
        *_load(facts, name, *imports),
        f'ids = tokenizer({prompt!r}, return_tensors="pt").input_ids',
        "size = ids.size(1)",
        *lines,
        f"answer = model.generate(ids, {', '.join(settings)})",
        "print(tokenizer.decode(answer[0, size:], skip_special_tokens=True))",
    ]


def _classification(facts: Facts, name: str) -> list[str]:
    """Print the probabilities: by a pipeline if the model reads the texts once, or else by the model."""
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
        *_load(facts, name),
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
