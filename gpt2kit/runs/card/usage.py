"""How to use a run: by a command, from Python, and with transformers or peft if they load it. Every snippet runs."""

import shlex

from gpt2kit.config import EXTRA_TOKENS
from gpt2kit.errors import counted
from gpt2kit.model import hf, lora
from gpt2kit.runs.card.classifier import classification
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
        parts += [f"{_same(facts)} with `transformers`{code}:", fenced(snippet, "python"), *_differences(facts)]
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
        text = f"{_same(facts)} with `peft` (`pip install peft`) and `transformers`, on {base}{code}:"
        snippet, differences = _transformers(facts, name), _differences(facts)
    else:
        text = f"`peft` (`pip install peft`) loads the weights, on {base}{code}; gpt2kit turns their ids into a piece."
        snippet, differences = [f"from peft import {kind}", "", f"model = {kind}.{_from(facts, name)}"], []
    merge = f"gpt2kit merge {shlex.quote(name)} --out {shlex.quote(f'{name}-merged')}"
    merged = "To merge the adapters into one complete model, which needs no `peft`:"
    return [text, fenced("\n".join(snippet), "python"), *differences, merged, fenced(merge, "sh")]


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


def _transformers(facts: Facts, name: str) -> list[str]:
    """The snippet. A prompt is spelled as the task encodes it, control tokens included."""
    task = facts.task
    if task.layout.labels:
        return classification(facts, name, _load(facts, name))
    return _generation(facts, name, task.vocabulary.render(task.encode_source(task.parse(task.about.input))))


def _same(facts: Facts) -> str:
    """What the snippet computes as gpt2kit does."""
    if facts.task.layout.labels:
        return "The same probabilities"
    if facts.generate.temperature:
        return "Samples of the same distribution"
    return "The same answer" if facts.generate.beams == 1 else "The same model's greedy answer"


def _generation(facts: Facts, name: str, prompt: str) -> list[str]:
    """The snippet that decodes as [generate] says, with its limits of length."""
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


def _differences(facts: Facts) -> list[str]:
    """What gpt2kit does and the snippet does not."""
    config, layout, window = facts.generate, facts.task.layout, facts.recipe.model.n_positions
    if layout.labels:
        return []
    room = config.room_of_prompt(window)
    found = [f"cuts a prompt to the {counted(room, 'token')} that leave room for an answer"]
    found += [f"searches with {config.beams} beams"] if config.beams > 1 else []
    found += ["continues when the window is full"] if config.roll else []
    found += ["ends an answer before the texts in `generate.stop`"] if config.stop else []
    found += ["reads a control token that a text spells, such as `<|endoftext|>`, as text"]
    listed = f"{', '.join(found[:-1])}, and {found[-1]}"
    return [f"Unlike the snippet, gpt2kit {listed}."]


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
