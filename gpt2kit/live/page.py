"""The page of a run: the explorer of `inspect`, with the model itself in a Worker instead of a server."""

import html
from collections.abc import Mapping
from typing import Any

from gpt2kit.html import filled, resource
from gpt2kit.inspection.composing import empty
from gpt2kit.inspection.page import FOLDER as INSPECTION
from gpt2kit.inspection.page import Live, page_of
from gpt2kit.live.scripts import engine_script

FOLDER = "live/page"
POLICY = " 'wasm-unsafe-eval'; worker-src blob:"
"""The engine compiles a few hundred bytes of WebAssembly, and the Worker's script is in the page."""

TEXTS = ("inputs", "answering", "weighing")
MUSIC = ("inputs", "keys", "performing", "continuing", "editing")

CHOOSE_A_WORD = (
    "Words that the model was unsure of are underlined. Choose a word to see what else was likely, and continue from "
    "there."
)
TITLES = {
    "answered": ("Ask the model", f"Type a text: the answer appears as you type. {CHOOSE_A_WORD}"),
    "turns": ("Talk to the model", f"Type a message: the answer appears as you type. {CHOOSE_A_WORD}"),
    "continued": ("Continue a text", "Type a text and choose the next token, or let the model write on."),
    "labelled": (
        "Ask for a label",
        "Type a text: the probability of each label appears, and what each word does for it.",
    ),
    "chosen": (
        "Ask for a choice",
        "Type a text and the choices: the probability of each appears, and what each word does for it.",
    ),
}
"""The title and the lead of each form of prompt, as in gpt2kit/tasks/asking.py."""

LABELS = 20
"""Labels that a page lists before anything was typed."""

CHOICES, FEWEST_CHOICES = 4, 2
"""Fields for the choices of a multiple choice, and how many of them must have a text."""


def run_page(run: Mapping[str, Any]) -> str:
    """The page of what `content` says of a run. The same run gives the same page."""
    task, generate, name = run["task"], run["generate"], run["shape"]["name"]
    plays = run["performance"] is not None
    knobs = {key: generate[key] for key in ("temperature", "top_k", "top_p")}
    settings = {
        "alone": True,
        "fixed": plays,
        "knobs": knobs,
        "performance": run["performance"],
        "labels": bool(run["config"]["labels"]),
    }
    settings["choices"] = not plays and task["form"] == "chosen"
    settings["answers"] = not plays and task["form"] in ("answered", "turns")
    settings["end"] = None if plays else task["eos"]
    scripts = (f"{INSPECTION}/live", *(f"{FOLDER}/{part}" for part in (MUSIC if plays else TEXTS)))
    live = Live(
        settings,
        resource(f"{FOLDER}/music.html") if plays else _inputs(run),
        (f"{FOLDER}/worker_door", *scripts, f"{FOLDER}/lesson"),
        POLICY,
        after="" if plays else resource(f"{FOLDER}/alternatives.html"),
        data={"run": run, "engine": worker_script(plays)},
        style=resource(f"{FOLDER}/page.css"),
        end=resource(f"{FOLDER}/lesson.html"),
    )
    return page_of(None, name, empty(name) if plays else None, live)


def worker_script(plays: bool) -> str:
    """All that runs in the Worker."""
    host = "worker_music" if plays else "worker_text"
    parts = (engine_script(), *(resource(f"{FOLDER}/{part}.js") for part in ("worker", host)))
    return '"use strict";\n' + "".join(parts)


def _inputs(run: Mapping[str, Any]) -> str:
    task, shape = run["task"], run["shape"]
    title, lead = TITLES[task["form"]]
    optional = [*task.get("optional", ())]
    names = [f"{name} (may be empty)" if name in optional else name for name in task["inputs"]]
    needed = [name not in optional for name in task["inputs"]]
    if task["form"] == "chosen":
        names = ["context", *(f"choice {number + 1}" for number in range(CHOICES))]
        needed = [number <= FEWEST_CHOICES for number in range(len(names))]
    elif task["form"] == "turns":
        names, needed = ["system prompt (may be empty)", "message"], [False, True]
    fields = "".join(_field(*each, len(names) > 1) for each in zip(names, needed, strict=True))
    endings = [*task.get("endings", ())]
    options = "".join(
        f'<option value="{html.escape(each)}"{" selected" * (each == task["ending"])}></option>' for each in endings
    )
    parts = {
        "title": title,
        "lead": lead,
        "about": html.escape(f"{shape['name']}: a GPT-2 with {shape['total']:,} weights.{_labels(run)}"),
        "fields": fields,
        "endings": options,
        "hidden": "" if len(endings) > 1 else " hidden",
    }
    return filled(resource(f"{FOLDER}/texts.html"), parts)


def _labels(run: Mapping[str, Any]) -> str:
    """A sentence on what a classifier chooses between; "" for other models."""
    labels = run["config"]["labels"]
    if run["task"]["form"] != "labelled" or not labels:
        return ""
    return f" It chooses between {', '.join(labels[:LABELS])}{', …' * (len(labels) > LABELS)}."


def _field(name: str, needed: bool, named: bool) -> str:
    label, required = html.escape(name), " required" * needed
    area = f'<textarea rows="2" spellcheck="false" aria-label="{label}"{required}></textarea>'
    return f'<label class="typed"><span class="faint">{label if named else ""}</span>{area}</label>\n'
