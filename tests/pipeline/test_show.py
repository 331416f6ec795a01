"""`show`: the very tokens that training reads, and the very ones that carry loss."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import gpt2kit
from gpt2kit import recipe, tasks
from gpt2kit.cli.app import run
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.loss import TargetLoss
from gpt2kit.music.midi import write_midi
from gpt2kit.music.notes import Notes
from gpt2kit.music.stream import encoding, events
from gpt2kit.pipeline.show import ELLIPSIS, Shown, shown
from gpt2kit.pipeline.train import task_to_train
from gpt2kit.recipe import Recipe
from gpt2kit.runs.prepared import Prepared
from gpt2kit.tasks.base import Task
from gpt2kit.training.objective import objective_of

Examples = Callable[[str], Any]
Prepare = Callable[..., Recipe]
Capture = pytest.CaptureFixture[str]


def opened(tiny: Recipe, folder: Path) -> tuple[Prepared, Task[Any, Any]]:
    data = Prepared.open(folder / "data")
    return data, task_to_train(tiny, data, fresh=True)


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize("name", [*tasks.names(), "labelled"])
def test_the_loss_is_that_of_the_tokens_that_are_marked(
    name: str, split: str, prepared: Prepare, tmp_path: Path
) -> None:
    """The batch's loss, and that of the marked tokens by their own log-probabilities, are one number."""
    tiny = prepared(name, tmp_path)
    data, task = opened(tiny, tmp_path)
    model = GPT2(replace(tiny.model, dropout=0.0), task.vocabulary.size, task.layout.labels)
    objective = objective_of(model, TargetLoss(), lm_weight=1.0)
    store = data.store(split)
    batching = task.layout.batching(tiny.model.n_positions, tiny.train.loss_on)
    tokens, seed = tiny.train.batch_tokens, tiny.train.seed
    batches = batching.training(store, tokens, seed) if split == "train" else batching.validation(store, tokens)
    rows = list(shown(tiny, data, task, split, 3))
    firsts = task.layout.first_rows(batches, len(store), 3)
    assert {row.example for row in rows} == set(range(1, len(firsts) + 1))
    with torch.no_grad():
        for number, each in enumerate(firsts, 1):
            summed, plain = objective(*batches.collate(each).inputs(torch.device("cpu")))
            expected = float(summed - plain if task.layout.labels else plain)
            found = 0.0
            for row in (row for row in rows if row.example == number):
                ids = torch.tensor([row.ids])
                log_probability = model(ids)[0].log_softmax(-1)
                marked = [place for place in range(len(row.ids)) if row.loss[place]]
                found -= row.weight * sum(float(log_probability[p - 1, row.ids[p]]) for p in marked)
            assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", [*tasks.names(), "labelled"])
def test_rows_are_those_of_the_data(name: str, prepared: Prepare, tmp_path: Path) -> None:
    tiny = prepared(
        name, tmp_path, *(["task.transpose=0", "task.stretch=0.0", "task.infill=0"] if name == "music" else [])
    )
    data, task = opened(tiny, tmp_path)
    store = data.store("train")
    rows = list(shown(tiny, data, task, "train", 2))
    if task.layout.has_answers:
        assert [row.ids for row in rows] == [[id for part in store.row(index) for id in part] for index in range(2)]
        assert [row.loss.index(True) for row in rows] == [len(store.row(index)[0]) for index in range(2)]
    elif task.layout.labels:
        assert [id for row in rows if row.example == 1 for id in row.ids] == store.row(0)[0]
        assert rows[0].answer == "good"
    else:
        ring = [*store.ids.tolist()] * 3
        text = ",".join(map(str, ring))
        # A window of music begins with the velocity that is in force there.
        assert all(",".join(map(str, row.ids[name == "music" :])) in text for row in rows)
        assert all(not row.loss[0] and all(row.loss[1:]) for row in rows)


def test_all_of_a_row_can_carry_loss(prepared: Prepare, tmp_path: Path) -> None:
    tiny = prepared("translate", tmp_path, "train.loss_on=all")
    data, task = opened(tiny, tmp_path)
    row = next(iter(shown(tiny, data, task, "train", 1)))
    assert row.loss == [False] + [True] * (len(row.ids) - 1)


def test_spans_give_the_text_again(prepared: Prepare, tmp_path: Path) -> None:
    tiny = prepared("translate", tmp_path)
    data, task = opened(tiny, tmp_path)
    row = next(iter(shown(tiny, data, task, "train", 1)))
    spans = list(row.spans(task, 1000))
    assert [loss for _, loss in spans] == [False, True]
    assert "".join(text for text, _ in spans) == task.vocabulary.render(row.ids)
    assert spans[0][0].endswith("<to-fr>")
    assert spans[1][0].endswith("<|endoftext|>")
    short = list(row.spans(task, 4))
    assert short[0][0] == task.vocabulary.render(row.ids[:2])
    assert (ELLIPSIS, False) in short
    assert short[-1][0].endswith("<|endoftext|>")


def test_music_is_shown_as_moments_with_their_events(prepared: Prepare, tmp_path: Path) -> None:
    tiny = prepared("music", tmp_path, "task.infill=0")
    data, task = opened(tiny, tmp_path)
    row = next(iter(shown(tiny, data, task, "train", 1)))
    named: list[str] = []
    for line in "".join(text for text, _ in row.spans(task, 10**6)).splitlines():
        time, *names = line.strip().split("  ")
        assert time == f"{encoding.seconds(row.ids[: len(named)]):.2f} s"
        named += names
    assert named == [task.vocabulary.spell(id) for id in row.ids], "the names in JSON"
    marked = [(text, loss) for text, loss in row.spans(task, 10**6) if text.strip()]
    unlearned = [text for text, loss in marked if not loss and not text.endswith(" s")]
    assert unlearned == [task.vocabulary.spell(row.ids[0])], "all but the first token of a window carry loss"


SCALE = [events.BEGIN, *(id for pitch in range(40) for id in (pitch, events.TIME_SHIFT + 9, events.NOTE_OFF + pitch))]


@pytest.mark.parametrize("most", [len(SCALE), len(SCALE) - 1, 60, 7, 2])
def test_of_many_moments_the_middle_is_left_out_in_whole_lines(prepared: Prepare, tmp_path: Path, most: int) -> None:
    _, task = opened(prepared("music", tmp_path), tmp_path)
    row = Shown(1, SCALE, [False] + [True] * (len(SCALE) - 1), 1.0, "")
    lines = "".join(text for text, _ in row.spans(task, most)).splitlines()
    if most >= len(SCALE):
        assert len(lines) == 41
        return
    (place,) = (place for place, line in enumerate(lines) if "…" in line)
    count = int(lines[place].split()[1])
    assert lines[place].endswith(f"…  {count} tokens left out")
    shown_names = sum(len(line.split("  ")) - 1 for line in (text.strip() for text in lines) if "…" not in line)
    assert shown_names + count == len(SCALE)
    assert shown_names <= max(most, 6), "but a line at each end"
    assert lines[0] == "    0.00 s  BEGIN  C-1 on  100 ms"
    assert lines[-1] == "    4.00 s  E♭2 off"


def test_on_the_command_line(prepared: Prepare, examples: Examples, tmp_path: Path, capsys: Capture) -> None:
    tiny = prepared("translate", tmp_path)
    data = str(tmp_path / "data")
    capsys.readouterr()
    assert run(["translate", "show", data, "--n", "1"]) == 0
    out = capsys.readouterr().out
    record = examples("translate").RECORDS[0]
    assert f"<to-fr>⟦{record.target}<|endoftext|>⟧" in out
    assert run(["translate", "show", data, "--n", "2", "--json"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    learned = "".join(token["text"] for token in told[0]["tokens"] if token["loss"])
    assert learned == f"{record.target}<|endoftext|>".replace("é", r"\xc3\xa9"), "half a character is spelt in bytes"
    list(
        gpt2kit.train(
            recipe.build("all", recipe.apply(tiny.table(), ["train.loss_on=all"])), Path(data), tmp_path / "run"
        )
    )
    capsys.readouterr()
    assert run(["translate", "show", str(tmp_path / "run"), "--n", "1"]) == 0
    first = capsys.readouterr().out.splitlines()[1]
    assert first.count("⟦") == 1
    assert "⟧" in first[-1], "as the run's own recipe has it"
    assert run(["lm", "show", str(tmp_path / "run")]) == 3
    assert run(["translate", "show", str(tmp_path / "run"), "--set", "train.loss_on=answer"]) == 2
    assert run(["translate", "show", data, "--split", "nothing"]) == 3
    assert run(["translate", "show", str(tmp_path / "nowhere")]) == 3


def test_what_steers_a_terminal_is_spelt_out(examples: Examples, tmp_path: Path, capsys: Capture) -> None:
    corpus = tmp_path / "evil.txt"
    corpus.write_text("before \x1b[2J after\n" * 40, encoding="utf-8")
    tiny = recipe.load("lm", examples("lm").TINY)
    gpt2kit.prepare(tiny, {"train": [str(corpus)]}, tmp_path / "data")
    words = [word for setting in examples("lm").TINY for word in ("--set", setting) if "task." not in setting]
    assert run(["lm", "show", str(tmp_path / "data"), *words]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert r"\x1b[2J" in out


def test_more_than_there_are_is_no_mistake(prepared: Prepare, tmp_path: Path) -> None:
    tiny = prepared("finetune", tmp_path)
    data, task = opened(tiny, tmp_path)
    rows = list(shown(tiny, data, task, "train", 10**6))
    assert max(row.example for row in rows) == len(data.store("train"))


@pytest.mark.parametrize("split", ["val", "test"])
def test_an_empty_split_is_named(split: str, tmp_path: Path, capsys: Capture) -> None:
    """Of one small piece, nothing is held out."""
    write_midi(tmp_path / "piece.mid", Notes.of([60, 62], [64, 64], [0, 1], [1, 2]))
    data = str(tmp_path / "data")
    assert run(["music", "prepare", str(tmp_path / "piece.mid"), "--out", data]) == 0
    assert run(["music", "show", data, "--split", split]) == 3
    error = capsys.readouterr().err.splitlines()[-1]
    if split == "val":
        assert error == f"error {data}: its val split is empty; show another one with --split, or prepare more data"
    else:
        assert f"{data} has no test split" in error
