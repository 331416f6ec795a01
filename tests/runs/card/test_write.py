"""Cards of every kind of run: written by training and evaluation, good for the Hub, inert, and never over a user's."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard
from markdown_it import MarkdownIt
from transformers.pipelines import check_task

import gpt2kit
from gpt2kit import files, recipe
from gpt2kit.pipeline.merge import merge
from gpt2kit.runs.card.facts import facts
from gpt2kit.runs.card.write import composed, kept, metadata, ours, write
from gpt2kit.runs.folder import Run
from gpt2kit.training import events

RunOf = Callable[..., Path]
Copied = Callable[[Path], Path]

KINDS = {
    "translate": ("text-generation", "transformers"),
    "summarize": ("text-generation", "transformers"),
    "lm": ("text-generation", "transformers"),
    "music": ("other", "gpt2kit"),
    "completion": ("text-generation", "transformers"),
    "labelled": ("text-classification", "transformers"),
    "choice": ("multiple-choice", "transformers"),
}
KINDS_OF_HUB = {"translate": ["translation"], "summarize": ["summarization"]}
"""Words that the Hub knows for what has no pipeline in transformers 5."""

HOSTILE = "`</code><script>alert(1)</script> ![x](http://evil) | \x1b[2J\n---\n```\n<img src=x onerror=alert(1)>\n-->"


def card_of(run: Path) -> str:
    return (run / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_training_leaves_a_card_that_the_hub_reads(run_of: RunOf, kind: str) -> None:
    text = card_of(run_of(kind))
    assert ours(text)
    data = ModelCard(text).data.to_dict()
    tag, library = KINDS[kind]
    assert (data["pipeline_tag"], data["library_name"], data["license"]) == (tag, library, "unknown")
    assert {"gpt2kit", "gpt2", *KINDS_OF_HUB.get(kind, ())} <= set(data["tags"])
    if library == "transformers" and kind != "choice":  # `pipeline` has nothing for choices
        assert check_task(tag)[0] == tag, "`pipeline` loads the model by this name"
    assert data.get("language") == (["fr"] if kind == "translate" else None)
    assert "base_model" not in data
    for heading in ("How to use it", "Data", "Training", "Scores", "Limits", "Licence"):
        assert f"\n## {heading}\n" in text
    assert str(run_of(kind).parent.parent) not in text, "no path of this machine"


def test_what_it_was_begun_from_is_named_where_the_hub_has_it(run_of: RunOf) -> None:
    found = facts(Run(run_of("translate")))
    described = found.described | {"init": "openai-community/gpt2", "init_of_hub": True}
    assert metadata(replace(found, described=described))["base_model"] == "openai-community/gpt2"
    data = {"corpora": {"train": ["hf:owner/name:config", "a.tsv"], "val": ["hf:owner/name"]}, "splits": {}}
    assert metadata(replace(found, data=data))["datasets"] == ["owner/name"]
    run = run_of("translate", "train.lora=2", init=run_of("translate"))
    data = ModelCard(card_of(run)).data.to_dict()
    assert data["library_name"] == "peft"
    assert "base_model" not in data, "a folder of this machine is no model of the Hub"
    assert str(run_of("translate").parent) not in card_of(run)


def test_a_merged_run_has_a_card_of_its_own(run_of: RunOf, tmp_path: Path) -> None:
    merge(run_of("translate", "train.lora=2", init=run_of("translate")), tmp_path / "whole")
    text = card_of(tmp_path / "whole")
    assert ModelCard(text).data.to_dict()["library_name"] == "transformers"
    assert "# `whole`" in text
    assert "adapters" not in text.partition("## How to use it")[0]


def test_a_run_in_the_middle_of_training_says_so(examples: Callable[[str], Any], tmp_path: Path) -> None:
    module = examples("translate")
    corpus = module.write_corpus(tmp_path)
    tiny = recipe.load("translate", [*module.TINY, "train.steps=9", "train.evaluate_every=3", "train.samples=2"])
    gpt2kit.prepare(tiny, {"train": corpus, "val": corpus}, tmp_path / "data")
    for event in gpt2kit.train(tiny, tmp_path / "data", tmp_path / "run"):
        if isinstance(event, events.StepDone) and event.step == 5:
            break
    text = card_of(tmp_path / "run")
    assert "**Training is not finished.**" in text
    assert "(`after step 3`)" in text
    assert text.count("source:") == 2
    list(gpt2kit.train(tiny, tmp_path / "data", tmp_path / "run", resume=True))
    text = card_of(tmp_path / "run")
    assert "not finished" not in text
    assert "(`after step 9`)" in text


def test_what_a_user_edited_is_kept(run_of: RunOf, copied: Copied) -> None:
    run = copied(run_of("translate"))
    assert write(Run(run))
    for edited in (card_of(run).replace("## Limits", "## My limits"), "my own", card_of(run) + "\nmore\n", ""):
        (run / "README.md").write_text(edited, encoding="utf-8")
        assert kept(Run(run))
        assert not write(Run(run))
        assert card_of(run) == edited
    (run / "README.md").write_bytes(b"\xff\xfe")
    assert not write(Run(run))
    (run / "README.md").unlink()
    assert not kept(Run(run))
    assert write(Run(run))


def test_a_licence_that_was_filled_in_stays_in_a_card_that_is_written_anew(run_of: RunOf, copied: Copied) -> None:
    run = copied(run_of("translate"))
    text = re.sub("^license: .*$", "license: cc-by-4.0 \\\\1", card_of(run), count=1, flags=re.MULTILINE)
    (run / "README.md").write_text(text, encoding="utf-8")
    assert ours(text)
    told = {"scores": {"BLEU": {"value": 58.63, "signature": "s"}}, "count": 9, "truncated": 0, "unfinished": 0}
    Run(run).keep_scores(told | {"signature": "set:x"})
    assert write(Run(run))
    assert "license: cc-by-4.0 \\1\n" in card_of(run)
    assert "58.63" in card_of(run)
    assert ours(card_of(run))


def test_scores_are_kept_by_their_signature_and_the_last_stands_first(run_of: RunOf, copied: Copied) -> None:
    run = copied(run_of("translate"))
    for signature, value in (("a", 1.0), ("b", 2.0), ("a", 3.0)):
        scores = {"BLEU": {"value": value, "signature": "s"}}
        told = {"scores": scores, "count": 9, "truncated": 0, "unfinished": 0, "signature": signature}
        Run(run).keep_scores(told)
    assert list(files.read_json(run / "scores.json")) == ["b", "a"]
    assert [each["scores"]["BLEU"]["value"] for each in facts(Run(run)).scores] == [3, 2]


def test_nothing_of_the_data_is_markup(run_of: RunOf, copied: Copied) -> None:
    run = copied(run_of("labelled"))
    found = facts(Run(run))
    assert found.data is not None
    report = found.data["splits"]["train"] | {"dropped": {HOSTILE: 3}, "left_out": {HOSTILE: 1}, "leaked": 1}
    data = {"corpora": {HOSTILE: [HOSTILE, f"hf:{HOSTILE}"]}, "window": 9, "splits": {HOSTILE: report}}
    data["origins"] = [{"origin": HOSTILE, "weight": 1.0, "rows": 1}] * 2
    figure = {"value": 1.0, "signature": HOSTILE}
    told = {"scores": {HOSTILE: figure}, "beside": {HOSTILE: {HOSTILE: figure}}, "signature": HOSTILE}
    told |= {"count": 1, "truncated": 0, "unfinished": 0, "at_chance": HOSTILE}
    samples = {"from": HOSTILE, "rows": [[HOSTILE, HOSTILE, HOSTILE]]}
    described = found.described | {"init": HOSTILE, "init_of_hub": True, "torch": "2"}
    tags = replace(found.task, labels=(HOSTILE, "x"), columns=(f"text={HOSTILE}", f"label={HOSTILE}"))
    hostile = replace(found, data=data, scores=[told], samples=samples, described=described)
    hostile = replace(hostile, run=run / HOSTILE.replace("/", ":"))
    text = composed(replace(hostile, recipe=replace(found.recipe, task=tags)))
    assert ModelCard(text).data.to_dict()["base_model"] == HOSTILE
    made = MarkdownIt("commonmark").enable("table").render(text.partition("\n---\n")[2])
    plain = {"h1", "h2", "p", "strong", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "code", "pre"}
    assert set(re.findall(r"<(\w+)", made)) <= plain
    assert "href" not in made
    assert "\x1b" not in text
    assert made.count("<h1>") == 1
    assert made.count("<h2>") == 7
