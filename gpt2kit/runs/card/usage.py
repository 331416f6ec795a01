"""How to use a run: by a command, from Python, and with transformers or peft if they load it. Every snippet runs."""

import shlex

from gpt2kit.errors import counted
from gpt2kit.model import hf_config, lora
from gpt2kit.runs.card.facts import Facts
from gpt2kit.runs.card.markdown import fenced, visible
from gpt2kit.runs.card.snippets import snippet
from gpt2kit.tasks.about import About
from gpt2kit.tasks.text import TextTask

OF_MUSIC = "gpt2kit turns the generated ids into a piece"


def usage(facts: Facts) -> str:
    name = visible(facts.name)
    run, about = shlex.quote(name), facts.task.about
    command = f"gpt2kit {facts.task_name} generate --run {run} {generate_example(about)}"
    for words in about.commands:
        command += f"\ngpt2kit {facts.task_name} {words.replace('RUN', run)}"
    lines = ["import gpt2kit", "", f"model = gpt2kit.load({name!r})", *python_example(about)]
    parts = ["## How to use it", fenced(command, "sh"), fenced("\n".join(lines), "python")]
    if facts.adapters or facts.loads_in_transformers or (facts.theirs and facts.custom_code):
        parts += [_introduction(facts), fenced(snippet(facts, name), "python"), *_differences(facts)]
    elif facts.theirs:
        parts.append(f"The weights are those of a `GPT2LMHeadModel` of `transformers`; {OF_MUSIC}.")
    else:
        text = f"`transformers` has no model with its attention ({facts.recipe.model.attention})"
        parts.append(f"{text}, and the folder has no `{hf_config.MODELING}`: only gpt2kit loads it.")
    if facts.adapters:
        merge = f"gpt2kit merge {shlex.quote(name)} --out {shlex.quote(f'{name}-merged')}"
        merged = "To merge the adapters into one complete model, which needs no `peft`:"
        parts += [merged, fenced(merge, "sh")]
    return "\n\n".join(parts)


def _introduction(facts: Facts) -> str:
    """The sentence before the snippet."""
    text = isinstance(facts.task, TextTask)
    tools = "`transformers`"
    if facts.adapters:
        base = f"the base model that `{lora.ADAPTER_CONFIG}` names"
        tools = f"`peft` (`pip install peft`){f' and {tools}' if text else ''}, on {base}"
    if facts.custom_code:
        code = f"`{hf_config.MODELING}`"
        tools += f", running its {code}" if facts.adapters else f", which runs {code} of the folder"
    return f"{_same(facts)} with {tools}:" if text else f"The weights load with {tools}; {OF_MUSIC}."


def _same(facts: Facts) -> str:
    """What the snippet computes as gpt2kit does."""
    if facts.task.layout.labels:
        return "The same probabilities"
    if facts.generate.temperature:
        return "Samples of the same distribution"
    return "The same answer" if facts.generate.beams == 1 else "The same model's greedy answer"


def _differences(facts: Facts) -> list[str]:
    """What gpt2kit does and the snippet does not."""
    config, layout, window = facts.generate, facts.task.layout, facts.recipe.model.n_positions
    if layout.labels or not isinstance(facts.task, TextTask):
        return []
    room = config.room_for_prompt(window)
    found = [f"cuts a prompt to the {counted(room, 'token')} that leave room for an answer"]
    found += [f"searches with {config.beams} beams"] if config.beams > 1 else []
    found += [f"answers with the most typical of {config.mbr} samples"] if config.mbr else []
    found += ["continues when the window is full"] if config.roll else []
    found += ["ends an answer before the texts in `generate.stop`"] if config.stop else []
    found += ["reads a control token in a text, such as `<|endoftext|>`, as text"]
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
