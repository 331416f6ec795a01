"""How to use a run: by a command, from Python, and with transformers or peft if they load it. Every snippet runs."""

import shlex

from gpt2kit.decoding.classify import texts_of
from gpt2kit.model import hf, lora
from gpt2kit.runs.card.facts import Facts
from gpt2kit.runs.card.markdown import fenced, visible
from gpt2kit.tasks.base import About
from gpt2kit.tasks.text import TextTask


def usage(facts: Facts) -> str:
    name = visible(facts.name)
    command = f"gpt2kit {facts.task_name} generate --run {shlex.quote(name)} {generate_example(facts.task.about)}"
    lines = ["import gpt2kit", "", f"model = gpt2kit.load({name!r})", *python_example(facts.task.about)]
    parts = ["## How to use it", fenced(command, "sh"), fenced("\n".join(lines), "python")]
    if facts.adapters:
        parts += _adapters(facts, name)
    elif facts.loads_in_transformers:
        code = f", which runs `{hf.MODELING}` of the folder" if facts.custom_code else ""
        snippet = "\n".join(_transformers(facts, name))
        parts += [f"The same logits with `transformers`{code}:", fenced(snippet, "python")]
    elif facts.theirs and facts.custom_code:
        snippet = f"from transformers import AutoModelForCausalLM\n\nmodel = AutoModelForCausalLM.{_from(facts, name)}"
        text = f"The weights load in `transformers`, which runs `{hf.MODELING}` of the folder"
        parts += [f"{text}; gpt2kit turns its ids into a piece.", fenced(snippet, "python")]
    elif facts.theirs:
        text = "The weights are those of a `GPT2LMHeadModel` of `transformers`; gpt2kit turns its ids into a piece."
        parts.append(text)
    else:
        text = f"`transformers` has no model with its attention ({facts.recipe.model.attention})"
        parts.append(f"{text}, and the folder has no `{hf.MODELING}`: only gpt2kit loads it.")
    return "\n\n".join(parts)


def _adapters(facts: Facts, name: str) -> list[str]:
    """With peft, which finds the base itself, and merged."""
    base = f"the base model that `{lora.ADAPTER_CONFIG}` names"
    code = f", running its `{hf.MODELING}`" if facts.custom_code else ""
    kind = "AutoPeftModelForCausalLM"
    if isinstance(facts.task, TextTask):
        text = f"The same logits with `peft` (`pip install peft`) and `transformers`, on {base}{code}:"
        snippet = _transformers(facts, name)
    else:
        text = f"`peft` (`pip install peft`) loads the weights, on {base}{code}; gpt2kit turns their ids into a piece."
        snippet = [f"from peft import {kind}", "", f"model = {kind}.{_from(facts, name)}"]
    merge = f"gpt2kit merge {shlex.quote(name)} --out {shlex.quote(f'{name}-merged')}"
    merged = "To merge the adapters into one complete model, which needs no `peft`:"
    return [text, fenced("\n".join(snippet), "python"), merged, fenced(merge, "sh")]


def _from(facts: Facts, name: str, options: str = "") -> str:
    """The call that loads the folder; with trust_remote_code if its model, or the base of its adapters, has code."""
    return f"from_pretrained({name!r}{options}{', trust_remote_code=True' if facts.custom_code else ''})"


def _load(facts: Facts, name: str) -> list[str]:
    """The lines that load the tokenizer and the model."""
    labels = facts.task.layout.labels
    kind = "ModelForSequenceClassification" if labels else "ModelForCausalLM"
    if not facts.adapters:
        return [
            f"from transformers import Auto{kind}, AutoTokenizer",
            "",
            f"kinds = (AutoTokenizer, Auto{kind})",
            f"tokenizer, model = (kind.{_from(facts, name)} for kind in kinds)",
        ]
    settings = "" if labels else ", GenerationConfig"
    # A head of the base, which may be for other labels, is replaced.
    options = f", id2label={dict(enumerate(labels))!r}, ignore_mismatched_sizes=True" if labels else ""
    lines = [
        f"from peft import AutoPeft{kind}",
        f"from transformers import AutoTokenizer{settings}",
        "",
        f"tokenizer = AutoTokenizer.from_pretrained({name!r})",
        f"model = AutoPeft{kind}.{_from(facts, name, options)}",
    ]
    return lines if labels else [*lines, f"model.generation_config = GenerationConfig.from_pretrained({name!r})"]


def _transformers(facts: Facts, name: str) -> list[str]:
    """The snippet spells a prompt as the task encodes it, control tokens included."""
    task = facts.task
    prompt = task.encode_source(task.parse(task.about.input))
    if not task.layout.labels:
        return [
            *_load(facts, name),
            f'ids = tokenizer({task.vocabulary.render(prompt)!r}, return_tensors="pt").input_ids',
            "answer = model.generate(ids, max_new_tokens=40, do_sample=False)",
            "print(tokenizer.decode(answer[0, ids.size(1) :], skip_special_tokens=True))",
        ]
    texts = [task.vocabulary.render(text) for text in texts_of(prompt, task.layout.extract)]
    one_of = "logits[:, 0].softmax(0)" if len(task.layout.labels) == 1 else "logits.sum(0).softmax(0)"
    return [
        "import torch",
        *_load(facts, name),
        f"texts = {texts!r}",
        'logits = torch.cat([model(tokenizer(text, return_tensors="pt").input_ids).logits for text in texts])',
        f"print({one_of}, model.config.id2label)",
    ]


def generate_example(about: About) -> str:
    """The words after `generate`, for a shell."""
    if about.generate:
        return about.generate
    if "\t" not in about.input:
        return shlex.quote(about.input)
    spelled = about.input.replace("\\", "\\\\").replace("'", "\\'").replace("\t", "\\t")
    return f"$'{spelled}'"


def python_example(about: About) -> tuple[str, ...]:
    """Lines of Python that query an Engine called `model`."""
    return about.python or (f"print(model({about.input!r}))",)
