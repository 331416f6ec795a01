"""What is read from a run, finished or not, old or new."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gpt2kit import files
from gpt2kit.errors import DataError
from gpt2kit.pipeline.opening import model_in
from gpt2kit.runs.card.facts import ROWS, Point, curve, facts
from gpt2kit.runs.folder import Run

RunOf = Callable[..., Path]
Copied = Callable[[Path], Path]


def write(run: Path, steps: int, every: int) -> None:
    lines: list[dict[str, float]] = []
    for step in range(1, steps + 1):
        lines.append({"step": step, "epoch": step / 10, "loss": float(step)})
        if every and step % every == 0:
            lines.append({"step": step, "validation_loss": 100.0 + step})
    (run / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")


def test_a_curve_has_a_row_for_each_validation(tmp_path: Path) -> None:
    write(tmp_path, 6, 2)
    assert curve(Run(tmp_path)) == [Point(2, 0.2, 1.5, 102), Point(4, 0.4, 3.5, 104), Point(6, 0.6, 5.5, 106)]


@pytest.mark.parametrize(("steps", "every"), [(1000, 10), (1000, 0), (1000, 999), (5, 0), (1, 1)])
def test_a_curve_is_short_and_ends_at_the_end(tmp_path: Path, steps: int, every: int) -> None:
    write(tmp_path, steps, every)
    points = curve(Run(tmp_path))
    assert 1 <= len(points) <= ROWS
    assert points[-1].step == (steps if not every else steps - steps % every)
    counted = [point.step for point in points]
    assert counted == sorted(set(counted))
    assert points[0].loss == (counted[0] + 1) / 2, "the mean since the row before"


def test_no_metrics_and_damaged_ones(tmp_path: Path) -> None:
    assert curve(Run(tmp_path)) == []
    (tmp_path / "metrics.jsonl").write_text('{"step": 1, "loss', encoding="utf-8")
    assert curve(Run(tmp_path)) == []
    (tmp_path / "metrics.jsonl").write_text("nonsense}\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"metrics\.jsonl is damaged"):
        curve(Run(tmp_path))


def test_what_loads_in_transformers(run_of: RunOf) -> None:
    found = facts(Run(run_of("translate")))
    assert (found.theirs, found.loads_in_transformers, found.adapters) == (True, True, False)
    found = facts(Run(run_of("music", "model.attention=full")))
    assert (found.theirs, found.loads_in_transformers) == (True, False)
    found = facts(Run(run_of("music")))
    assert (found.theirs, found.loads_in_transformers, found.custom_code) == (True, False, True)
    found = facts(Run(run_of("summarize")))
    assert (found.theirs, found.loads_in_transformers, found.custom_code) == (True, True, True)
    found = facts(Run(run_of("translate", "train.lora=2", init=run_of("translate"))))
    assert (found.theirs, found.adapters) == (False, True)


@pytest.mark.parametrize("kind", ["translate", "labelled", "lora"])
def test_weights_are_counted(run_of: RunOf, kind: str) -> None:
    run = run_of("translate", "train.lora=2", init=run_of("translate")) if kind == "lora" else run_of(kind)
    assert facts(Run(run)).parameters == model_in(run).parameter_count()


def test_the_data_is_known_by_names_alone(run_of: RunOf) -> None:
    run = run_of("translate")
    found = facts(Run(run))
    assert found.data is not None
    assert found.data["corpora"] == {"train": ["corpus.jsonl"], "val": ["corpus.jsonl"]}
    assert found.data["splits"]["train"]["rows"] == 4
    text = (run / "data.json").read_text(encoding="utf-8")
    assert str(run.parent) not in text
    assert "examples" not in text


def test_an_older_run_says_less(run_of: RunOf, copied: Copied) -> None:
    run = copied(run_of("translate"))
    kept = facts(Run(run)).data
    (run / "data.json").unlink()
    assert facts(Run(run)).data == kept, "from its data"
    files.write_json(run / "run.json", files.read_json(run / "run.json") | {"data": str(run / "gone")})
    found = facts(Run(run))
    assert (found.data, found.scores, found.samples) == (None, [], None)
