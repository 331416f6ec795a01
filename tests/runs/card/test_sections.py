"""The parts of a card: what they say, and what they do not say."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from gpt2kit import recipe
from gpt2kit.runs.card import sections
from gpt2kit.runs.card.facts import Facts, Point, facts
from gpt2kit.runs.folder import Run

RunOf = Callable[..., Path]

REPORT: dict[str, Any] = {
    "read": 1200,
    "rows": 1000,
    "tokens": 5000,
    "prompt_tokens": 3000,
    "dropped": {"source empty": 200},
    "damaged": 0,
    "left_out": {"targets <b>shortened": 7},
    "cut": 50,
    "cut_tokens": 400,
    "duplicates": 3,
    "leaked": 0,
}


def of(run_of: RunOf, **changes: Any) -> Facts:
    return replace(facts(Run(run_of("translate"))), **changes)


def test_the_title_says_what_it_is(run_of: RunOf) -> None:
    found = of(run_of)
    shown = sections.title(found)
    assert shown.startswith("# `run`\n\nTranslation learned from sentence pairs")
    assert f"GPT-2 with {found.parameters:,} weights: 1 layer, width 32, 2 heads, a window of 64 tokens." in shown
    assert "It was trained from random weights with gpt2kit" in shown
    assert "not finished" not in shown
    shown = sections.title(
        replace(found, described=found.described | {"finished": False, "init": "/home/me/gpt2-mine"})
    )
    assert "**Training is not finished.**" in shown
    assert "It was trained from `gpt2-mine` with" in shown
    assert "/home" not in shown


def test_the_data_is_counted_and_reasons_are_told(run_of: RunOf) -> None:
    val = REPORT | {"leaked": 15, "nearly_leaked": 5, "dropped": {}, "left_out": {}, "cut": 0}
    data = {"corpora": {"train": ["a|b.tsv"]}, "window": 64, "splits": {"train": REPORT, "val": val}}
    shown = sections.data(of(run_of, data=data))
    assert "- `train`: `a|b.tsv`" in shown
    assert "| `train` | 1,200 | 1,000 | 5,000 | 200 | 50 | 3 | 0 |" in shown
    assert "| `val` | 1,200 | 1,000 | 5,000 | 0 | 0 | 3 | 15 |" in shown
    assert "- `train`: 200 dropped, `source empty`" in shown
    assert "- `train`: 7 `targets <b>shortened`" in shown
    assert "- `train`: sources cut to fit into the window lost 400 tokens" in shown
    origins = [{"origin": name, "weight": 1.0, "rows": rows} for name, rows in (("data", 900), ("a", 60), ("b|", 40))]
    shown = sections.data(of(run_of, data=data | {"origins": origins}))
    assert "Rows of train: 900 of `data`, and with answers of runs: 60 of `a`, 40 of `b|`.\n" in shown
    shown = sections.limits(of(run_of, data=data))
    assert "- 5% of its training sources were cut to fit into the window." in shown
    assert "- 20 of 1,000 sources of `val` are also in its training data, or nearly so" in shown
    assert "The run does not record its training data." in sections.data(of(run_of, data=None))


def test_the_curve_and_the_recipe(run_of: RunOf, tmp_path: Path) -> None:
    found = of(run_of, curve=[Point(2, 0.5, 3.25, None), Point(1004, 1.0, None, 2.125)])
    shown = sections.training(found)
    assert "| 2 | 0.50 | 3.2500 |  |\n| 1,004 | 1.00 |  | 2.1250 |" in shown
    assert "The weights are those of the last step." in shown
    text = shown.partition("```toml\n")[2].partition("\n```")[0]
    (tmp_path / "again.toml").write_text(text, encoding="utf-8")
    assert recipe.load(str(tmp_path / "again.toml")).table() == found.recipe.table()
    assert "No losses have been recorded yet." in sections.training(of(run_of, curve=[]))
    assert "nats per label" in sections.training(facts(Run(run_of("labelled"))))


def test_scores_stand_with_their_signatures(run_of: RunOf) -> None:
    assert "gpt2kit translate evaluate --run run" in sections.scores(of(run_of))
    rouge = {"value": 15.8, "interval": [15.2, 16.5], "signature": "stem|n"}
    told: dict[str, Any] = {"scores": {"ROUGE-L": rouge, "x": {"value": None, "signature": ""}}}
    told |= {"beside": {"lead-3": {"ROUGE-L": {"value": 14.4, "signature": "stem|n"}}}, "signature": "set:a|n:500"}
    told |= {"count": 500, "truncated": 490, "unfinished": 2}
    shown = sections.scores(of(run_of, scores=[told]))
    assert "`set:a|n:500`: 500 examples or documents, 490 sources cut, 2 answers without an end." in shown
    assert "| `ROUGE-L` | the model | 15.8 | 15.20 to 16.50 | `stem\\|n` |" in shown
    assert "| `x` | the model | infinite |  |  |" in shown
    assert "| `ROUGE-L` | `lead-3` | 14.4 |  | `stem\\|n` |" in shown
    assert "guessing" not in shown
    shown = sections.scores(of(run_of, scores=[told | {"at_chance": "70 of 100 answers are 'x'"}]))
    assert "without an end.\n\n**No better than guessing:** `70 of 100 answers are 'x'`\n\n| score |" in shown
    assert sections.scores(of(run_of, scores=[told] * 20)).count("set:a") == sections.EVALUATIONS


def test_pieces_of_music_stand_beside_real_ones(run_of: RunOf) -> None:
    figures = [
        {"name": "notes a second", "sample": 9.5, "reference": 8.25},
        {"name": "pitches", "sample": [0.5], "reference": [1]},
    ]
    played = {"statistics": figures, "copied": {"notes": 12, "seconds": 1.5}, "signature": "n:16"}
    told: dict[str, Any] = {"scores": {}, "count": 1, "truncated": 0, "unfinished": 0, "signature": "s"}
    told["samples"] = played
    shown = sections.scores(of(run_of, scores=[told]))
    assert "| `notes a second` | 9.50 | 8.25 |" in shown
    assert "The longest passage that they share with a training piece has 12 notes (1.5 seconds)" in shown
    assert "pitches" not in shown
    told["samples"] = {"signature": "n:16", "notes": 0}
    assert "compared with held-out" not in sections.scores(of(run_of, scores=[told]))


def test_samples(run_of: RunOf) -> None:
    assert sections.samples(of(run_of, samples=None)) == ""
    rows = [["good", "bon", "bonjour"], ["a new piece", "12 notes", ""]]
    shown = sections.samples(of(run_of, samples={"from": "after step 9", "rows": rows}))
    assert "(`after step 9`)" in shown
    assert (
        "source:\n\n```text\ngood\n```\n\nmodel:\n\n```text\nbon\n```\n\nreference:\n\n```text\nbonjour\n```" in shown
    )
    assert shown.count("reference:") == 1


def test_limits_are_those_of_its_kind(run_of: RunOf) -> None:
    shown = sections.limits(of(run_of))
    assert "It sees at most 64 tokens at a time" in shown
    assert "which does not make it true" in shown
    assert "one of its 2 labels" in sections.limits(facts(Run(run_of("labelled"))))
