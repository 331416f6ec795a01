"""Resuming as a user does: without naming data or recipe, from data that moved, and a finished run with more steps."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gpt2kit
from gpt2kit import files, recipe
from gpt2kit.cli.app import run as command
from gpt2kit.errors import DataError, UserError
from gpt2kit.recipe import Recipe
from gpt2kit.runs.folder import Run
from gpt2kit.training import events
from gpt2kit.training.loop import Loop

Capture = pytest.CaptureFixture[str]
CONSTANT = ("train.warmup=0", "train.final_lr=1.0", "train.samples=0", "train.evaluate_every=3", "model.dropout=0.2")


@pytest.fixture
def short(prepared: Callable[..., Recipe], tmp_path: Path) -> Recipe:
    """A recipe of six steps, whose rate does not depend on their number, and its data."""
    return prepared("translate", tmp_path, *CONSTANT, "train.steps=6", "train.batch_tokens=64")


def changed(short: Recipe, *settings: str) -> Recipe:
    return recipe.build(short.name, recipe.apply(short.table(), settings))


def logged(run: Path) -> list[tuple[Any, ...]]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    return [(line["step"], line.get("loss"), line.get("validation_loss")) for line in lines]


def rescheduled(seen: list[Any]) -> list[events.Rescheduled]:
    return [event for event in seen if isinstance(event, events.Rescheduled)]


def test_a_finished_run_is_continued_as_if_it_had_been_longer(short: Recipe, tmp_path: Path) -> None:
    data, run, whole = tmp_path / "data", tmp_path / "run", tmp_path / "whole"
    longer = changed(short, "train.steps=12")
    list(gpt2kit.train(longer, data, whole))
    list(gpt2kit.train(short, data, run))
    seen = list(gpt2kit.train(longer, data, run, resume=True))
    assert rescheduled(seen) == [events.Rescheduled(6, 6, 12, short.train.lr, short.train.lr)]
    assert logged(run) == logged(whole)
    assert (run / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert Run(run).recipe.train == longer.train
    assert Run(run).record["finished"]
    with pytest.raises(UserError, match=r"is finished; .* such as --resume --set train\.steps=24"):
        list(gpt2kit.train(longer, data, run, resume=True))


def test_the_rate_is_that_of_the_longer_run_from_then_on(short: Recipe, tmp_path: Path) -> None:
    data, falling = tmp_path / "data", changed(short, "train.final_lr=0.0", "train.warmup=0.2")
    longer = changed(falling, "train.steps=0", "train.epochs=6")
    rates = {e.step: e.rate for e in gpt2kit.train(longer, data, tmp_path / "whole") if isinstance(e, events.StepDone)}
    list(gpt2kit.train(falling, data, tmp_path / "run"))
    seen = list(gpt2kit.train(longer, data, tmp_path / "run", resume=True))
    (event,) = rescheduled(seen)
    assert (event.step, event.before, event.steps) == (6, 6, len(rates))
    assert event.rate_before == 0
    assert event.rate == rates[7]
    assert [e.rate for e in seen if isinstance(e, events.StepDone)] == [
        rates[step] for step in range(7, len(rates) + 1)
    ]


@pytest.mark.parametrize(("steps", "total"), [(9, 9), (4, 4)])
def test_a_stopped_run_takes_another_length(short: Recipe, tmp_path: Path, steps: int, total: int) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    stopping = gpt2kit.train(changed(short, "train.save_every=1"), data, run)
    assert next(e for e in stopping if isinstance(e, events.StepDone) and e.step == 4)
    stopping.close()  # type: ignore[attr-defined]  # a generator: as if it were killed after three saved steps
    seen = list(gpt2kit.train(changed(short, "train.save_every=1", f"train.steps={steps}"), data, run, resume=True))
    (event,) = rescheduled(seen)
    assert (event.step, event.before, event.steps) == (3, 6, total)
    assert logged(run)[-1][0] == total
    assert Run(run).recipe.train.steps == total


def test_a_finished_run_without_a_state_starts_its_moments_again(short: Recipe, tmp_path: Path) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    bare = changed(short, "train.keep_state=false")
    list(gpt2kit.train(bare, data, run))
    assert not (run / "state.safetensors").exists()
    before = logged(run)
    longer = changed(bare, "train.steps=9", "train.keep_state=true")
    seen = list(gpt2kit.train(longer, data, run, resume=True))
    (event,) = rescheduled(seen)
    assert (event.step, event.steps, event.moments) == (6, 9, False)
    assert logged(run)[: len(before)] == before
    assert [step for step, loss, _ in logged(run) if loss is not None] == list(range(1, 10))
    assert (run / "state.safetensors").is_file()
    assert Run(run).recipe.train.keep_state


def test_a_finished_run_without_a_state_that_is_killed_at_once_is_not_started_again(
    short: Recipe, tmp_path: Path
) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    list(gpt2kit.train(short, data, run))
    (run / "state.safetensors").unlink()
    longer = changed(short, "train.steps=9")
    continued = gpt2kit.train(longer, data, run, resume=True)
    assert isinstance(next(continued), events.Start)
    continued.close()  # type: ignore[attr-defined]  # a generator: as if it were killed before its first step
    start = next(event for event in gpt2kit.train(Run(run).recipe, data, run, resume=True))
    assert isinstance(start, events.Start)
    assert (start.step, start.steps) == (6, 9)


def test_a_kill_between_the_records_of_a_longer_run(
    short: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """run.json is written, the recipe is not: the run is resumed as what it was, or as the longer one."""
    data, run = tmp_path / "data", tmp_path / "run"
    list(gpt2kit.train(short, data, run))
    longer = changed(short, "train.steps=9")

    write = files.write_text

    def killed(path: Path, text: str, errors: str = "strict") -> None:
        if path.name == "recipe.toml":
            raise KeyboardInterrupt
        write(path, text, errors)

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_text", killed)
        with pytest.raises(KeyboardInterrupt):
            list(gpt2kit.train(longer, data, run, resume=True))
    before = logged(run)
    list(gpt2kit.train(Run(run).recipe, data, run, resume=True))
    assert logged(run) == before
    assert Run(run).record["finished"]
    list(gpt2kit.train(longer, data, run, resume=True))
    assert logged(run)[-1][0] == 9


def test_a_budget_that_grows(short: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock that is fast, so that its seconds are soon over."""
    monkeypatch.setattr(Loop.__init__, "__defaults__", (None, None, lambda: 8 * time.perf_counter()))
    data, run = tmp_path / "data", tmp_path / "run"
    first = changed(short, "train.steps=0", "train.budget=1s", "train.budget_steps=4")
    list(gpt2kit.train(first, data, run))
    done = logged(run)[-1][0]
    assert done >= 4
    with pytest.raises(UserError, match=r"train\.epochs = 99 has no effect, because train\.budget = '1s' decides"):
        list(gpt2kit.train(changed(first, "train.epochs=99"), data, run, resume=True))
    longer = changed(first, "train.budget=2s", f"train.budget_steps={done + 3}")
    (event,) = rescheduled(list(gpt2kit.train(longer, data, run, resume=True)))
    assert (event.step, event.before) == (done, done)
    assert logged(run)[-1][0] >= done + 3
    with pytest.raises(UserError, match=r"train\.budget = '1s' is over: the run has trained for \d+ seconds"):
        list(gpt2kit.train(changed(first, "train.budget_steps=1"), data, run, resume=True))


def test_steps_become_a_budget(short: Recipe, tmp_path: Path) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    list(gpt2kit.train(short, data, run))
    timed = changed(short, "train.steps=0", "train.budget=1h", "train.budget_steps=9")
    stream = gpt2kit.train(timed, data, run, resume=True)
    seen = [event for _, event in zip(range(6), stream, strict=False)]
    stream.close()  # type: ignore[attr-defined]  # a generator
    (event,) = rescheduled(seen)
    assert (event.step, event.before) == (6, 6)
    assert event.steps > 9
    step = next(event for event in seen if isinstance(event, events.StepDone))
    assert step.step == 7


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["train.steps=5"], r"train\.steps = 5 means 5 steps, and the run has taken 6: give it more"),
        (["train.steps=0", "train.epochs=0.1"], r"train\.epochs = 0\.1 means 1 step, and the run has taken 6"),
        (["train.epochs=20"], r"train\.epochs = 20 has no effect, because train\.steps = 6 decides: .* train\.steps=0"),
        (["train.steps=9", "train.budget_steps=9"], r"train\.budget_steps = 9 has no effect, because train\.steps = 9"),
        (["train.steps=9", "train.lr=1"], r"was started with other values of train\.lr, which --resume cannot change"),
    ],
)
def test_lengths_that_are_refused(short: Recipe, tmp_path: Path, settings: list[str], message: str) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    list(gpt2kit.train(short, data, run))
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    with pytest.raises(UserError, match=message):
        list(gpt2kit.train(changed(short, *settings), data, run, resume=True))
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


def test_data_is_known_by_what_it_is(short: Recipe, tmp_path: Path) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    list(gpt2kit.train(short, data, run))
    data.rename(tmp_path / "moved")
    longer = changed(short, "train.steps=9")
    list(gpt2kit.train(longer, tmp_path / "moved", run, resume=True))
    assert Run(run).data_path == tmp_path / "moved"
    counts = files.read_json(tmp_path / "moved" / "val.json")
    files.write_json(tmp_path / "moved" / "val.json", counts | {"digest": "that a newer version knows"})
    list(gpt2kit.train(changed(short, "train.steps=10"), tmp_path / "moved", run, resume=True))
    shutil.copytree(tmp_path / "moved", data)
    files.write_json(data / "val.json", counts | {"prompt_tokens": 3})
    with pytest.raises(DataError, match=r"run was started on .*moved; .*data has other data"):
        list(gpt2kit.train(changed(short, "train.steps=11"), data, run, resume=True))
    rows = (tmp_path / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    (tmp_path / "corpus.jsonl").write_text("\n".join(reversed(rows)), encoding="utf-8")
    corpus = [str(tmp_path / "corpus.jsonl")]
    gpt2kit.prepare(short, {"train": corpus, "val": corpus}, data, overwrite=True)
    other = files.read_json(data / "val.json")
    assert {key: value for key, value in counts.items() if value != other[key]}.keys() == {"digests"}
    with pytest.raises(DataError, match=r"run was started on .*moved; .*data has other data"):
        list(gpt2kit.train(changed(short, "train.steps=11"), data, run, resume=True))


def said(words: list[str], capsys: Capture) -> tuple[int, str]:
    capsys.readouterr()
    return command(words), capsys.readouterr().err


def test_a_run_knows_its_data_and_recipe(
    short: Recipe, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(gpt2kit.train(changed(short, "train.final_lr=0"), tmp_path / "data", tmp_path / "run"))
    monkeypatch.chdir(tmp_path)
    resume = ["translate", "train", "--out", "run", "--resume"]
    code, err = said([*resume, "--set", "train.steps=9"], capsys)
    assert code == 0
    assert "schedule extended from 6 to 9 steps: the learning rate continues at 0.0" in err
    assert ", was 0\n" in err
    (tmp_path / "data").rename(tmp_path / "moved")
    code, err = said([*resume, "--set", "train.steps=10"], capsys)
    assert code == 3
    assert f"run: its prepared data {tmp_path / 'data'} no longer exists; if it was moved, name its new place:" in err
    again = err.rstrip().rsplit("\n", 1)[1].strip()
    assert again == "gpt2kit translate train DATA --out run --resume"
    words = again.replace("DATA", "moved").split()[1:]
    assert said([*words, "--set", "train.steps=10"], capsys)[0] == 0
    assert said([*resume, "--set", "train.steps=11"], capsys)[0] == 0
    code, err = said(["lm", *resume[1:]], capsys)
    assert (code, "run is a run of translate, not of lm" in err) == (3, True)
    code, err = said(["translate", "train", "moved", "--out", "new", "--base", "run"], capsys)
    assert (code, "--base is for --resume" in err) == (2, True)


def test_generation_may_be_edited_by_hand(
    short: Recipe, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(gpt2kit.train(changed(short, "generate.max_new_tokens=3"), tmp_path / "data", tmp_path / "run"))
    monkeypatch.chdir(tmp_path)
    path, generate = Path("run/recipe.toml"), ["translate", "generate", "--run", "run", "good morning"]
    edited = "WARNING run/recipe.toml: [generate] is not as training wrote it; it is used as it is now"
    written = path.read_text(encoding="utf-8")
    path.write_text("# mine\n" + written, encoding="utf-8")
    assert edited not in said(generate, capsys)[1]
    path.write_text(written.replace("max_new_tokens = 3", "max_new_tokens = 5"), encoding="utf-8")
    for words in (generate, ["translate", "evaluate", "--run", "run"]):
        code, err = said(words, capsys)
        assert (code, edited in err) == (0, True), err
    resume = ["translate", "train", "--out", "run", "--resume", "--set"]
    code, err = said([*resume, "train.steps=7"], capsys)
    assert (code, edited in err) == (0, True)
    assert edited not in said(generate, capsys)[1], "the resumed run has recorded it"
    assert gpt2kit.load("run").config.max_new_tokens == 5
    assert said([*resume, "train.steps=8", "--set", "generate.max_new_tokens=6"], capsys)[0] == 0
    assert gpt2kit.load("run").config.max_new_tokens == 6, "what the command set is recorded, too"
    path.write_text(path.read_text(encoding="utf-8").replace("batch_tokens = 64", "batch_tokens = 65"), "utf-8")
    for words in (generate, [*resume, "train.steps=9"]):
        code, err = said(words, capsys)
        assert (code, "if you changed more than [generate] on purpose, delete the key 'recipe'" in err) == (3, True)


def test_auto_starts_continues_and_ends(
    short: Recipe, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One command line, however often a job runs it."""
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(changed(short, "train.save_every=2").toml(), encoding="utf-8")
    whole = changed(short, "train.save_every=2")
    list(gpt2kit.train(whole, "data", "whole"))
    command = ["translate", "train", "data", "--out", "run", "--recipe", "mine.toml", "--resume", "auto"]
    stopping = gpt2kit.train(whole, "data", "run", resume="auto")
    assert next(event for event in stopping if isinstance(event, events.StepDone) and event.step == 3)
    stopping.close()  # type: ignore[attr-defined]  # a generator: as if it were killed
    Path("run/recipe.toml").write_text(
        Path("run/recipe.toml").read_text(encoding="utf-8").replace("max_new_tokens = ", "max_new_tokens = 1"), "utf-8"
    )
    edited = Run(Path("run")).recipe.generate.max_new_tokens
    code, err = said(command, capsys)
    assert (code, "continuing after step 2" in err, "nothing is left" in err) == (0, True, False), err
    assert "[generate] is not as training wrote it; it is used as it is now" in err
    assert Run(Path("run")).recipe.generate.max_new_tokens == edited
    assert logged(Path("run")) == logged(Path("whole"))
    before = {path.name: path.read_bytes() for path in Path("run").iterdir()}
    code, err = said(command, capsys)
    assert (code, "run is complete: nothing is left to train" in err) == (0, True), err
    assert {path.name: path.read_bytes() for path in Path("run").iterdir()} == before

    for more, message in (
        (["--set", "train.lr=1"], "run was started with other values of train.lr, which --resume cannot change"),
        (["--init", "whole"], "run was started from random weights, not from whole: continue it with no --init, or st"),
    ):
        code, err = said([*command, *more], capsys)
        assert (code, message in err) == (2, True), err
    assert said([*command, "--set", "train.steps=7"], capsys)[0] == 0
    assert logged(Path("run"))[-1][0] == 7
    code, err = said(["lm", *command[1:5], "--resume", "auto"], capsys)
    assert (code, "run is a run of translate, not of lm" in err) == (3, True)
    Path("other").mkdir()
    Path("other/mine.txt").touch()
    command[4] = "other"
    code, err = said(command, capsys)
    assert (code, "other already exists; choose another --out" in err) == (2, True), err


def test_auto_needs_the_same_initial_model(short: Recipe, tmp_path: Path) -> None:
    list(gpt2kit.train(short, tmp_path / "data", tmp_path / "base"))
    run, init = tmp_path / "run", str(tmp_path / "base")
    assert list(gpt2kit.train(short, tmp_path / "data", run, init=init, resume="auto"))
    (tmp_path / "link").symlink_to("base")
    assert not list(gpt2kit.train(short, tmp_path / "data", run, init=tmp_path / "link", resume="auto"))
    for other in (None, "gpt2"):
        with pytest.raises(UserError, match=r"was started from .*base, not from .*: continue it with --init .*base"):
            list(gpt2kit.train(short, tmp_path / "data", run, init=other, resume="auto"))
    (tmp_path / "base").rename(tmp_path / "moved")
    longer = changed(short, "train.steps=7")
    assert list(gpt2kit.train(longer, tmp_path / "data", run, init=init, resume="auto")), "it is not read again"


@pytest.mark.parametrize("name", ["data", "nothing", "corpus.jsonl"])
def test_what_is_not_a_run_is_not_resumed(
    short: Recipe, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, err = said(["translate", "train", "--out", name, "--resume"], capsys)
    missing = f"error {name} is not a run, as {name}/recipe.toml is missing: leave out --resume to start one\n"
    assert (code, err) == (3, missing)


def test_adapters_are_continued_with_and_without_a_state(
    short: Recipe, prepared: Callable[..., Recipe], tmp_path: Path
) -> None:
    list(gpt2kit.train(short, tmp_path / "data", tmp_path / "base"))
    adapters = changed(short, "train.lora=2")
    for state in (True, False):
        run = tmp_path / f"run-{state}"
        list(gpt2kit.train(adapters, tmp_path / "data", run, init=str(tmp_path / "base")))
        if not state:
            (run / "state.safetensors").unlink()
    (tmp_path / "base").rename(tmp_path / "moved")
    longer = changed(adapters, "train.steps=9")
    for state in (True, False):
        run = tmp_path / f"run-{state}"
        with pytest.raises(DataError, match=r"the model that its training started from, .*base, no longer exists"):
            list(gpt2kit.train(longer, tmp_path / "data", run, resume=True))
        seen = list(gpt2kit.train(longer, tmp_path / "data", run, resume=True, base=tmp_path / "moved"))
        assert rescheduled(seen)[0].moments == state
        assert Run(run).init == str(tmp_path / "moved")
        assert gpt2kit.load(run)("good morning")
