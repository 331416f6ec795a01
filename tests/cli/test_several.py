"""`generate`, `evaluate` and `augment` by two ranks: what one process gives, whatever happens to the other one."""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

from gpt2kit.cli import several
from gpt2kit.cli.app import run
from gpt2kit.cli.console import PIPE_CLOSED
from gpt2kit.pipeline import engine as engines
from gpt2kit.pipeline import kept_answers
from gpt2kit.pipeline.engine import Engine
from gpt2kit.training import distributed, launch

Forked = Callable[..., AbstractContextManager[Any]]
Capture = pytest.CaptureFixture[str]

PATIENCE = 300.0
"""Seconds for any command, on a slow and busy machine."""

TEXTS = ["good morning", "I am a student", "x", "let them eat cake", "", "a b c d e f g", "cake", "students", "I eat"]


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.txt"
    path.write_text("".join(f"{text}\n" for text in TEXTS), encoding="utf-8")
    return path


def small_windows() -> None:
    """Let the ranks deal often."""
    engines.WINDOW_OF_INPUTS = 2
    kept_answers.PART = 2


def ended(process: Any, folder: Path) -> tuple[int, str, str]:
    """(exit code, stdout, stderr)."""
    code = process.wait(PATIENCE)
    out, err = ((folder / name).read_text(encoding="utf-8") for name in ("stdout", "stderr"))
    return code, out, err


@pytest.mark.parametrize(
    "words", [["--beams", "2", "--nbest", "2"], ["--mbr", "3", "--temperature", "2", "--seed", "7"]]
)
def test_answers_come_in_order(
    words: list[str], by_heart: Path, texts: Path, tmp_path: Path, forked: Forked, capsys: Capture
) -> None:
    command = ["translate", "generate", "--run", str(by_heart), "--file", str(texts), *words]
    assert run(command) == 0
    alone = capsys.readouterr()
    with forked(tmp_path, *command, "--devices", "2", in_rank=small_windows) as process:
        code, out, err = ended(process, tmp_path)
    assert (code, out) == (0, alone.out), err
    assert err == alone.err, "told once"


def test_sources_and_neighbors(by_heart: Path, texts: Path, tmp_path: Path, forked: Forked, capsys: Capture) -> None:
    """The main process computes what all of them read."""
    run_folder = Path(shutil.copytree(by_heart.parent, tmp_path / "copy")) / by_heart.name
    command = ["translate", "generate", "--run", str(run_folder), "--file", str(texts), "--sources", "--knn", "0.3"]
    assert run(command) == 0
    alone = capsys.readouterr().out
    shutil.rmtree(run_folder / "sources")
    with forked(tmp_path, *command, "--devices", "2", in_rank=small_windows) as process:
        code, out, err = ended(process, tmp_path)
    assert (code, out) == (0, alone), err
    assert (run_folder / "sources" / "index.safetensors").is_file()
    assert run([*command, "--out", str(tmp_path / "answers.txt")]) == 2
    assert (
        "--sources prints a table after each answer, and --out has a line for each: add --json"
        in capsys.readouterr().err
    )


def test_scores_and_predictions(by_heart: Path, tmp_path: Path, forked: Forked, capsys: Capture) -> None:
    command = ["translate", "evaluate", "--run", str(by_heart), "--json", "--predictions"]
    assert run([*command, str(tmp_path / "one.jsonl")]) == 0
    alone = json.loads(capsys.readouterr().out)
    with forked(tmp_path, *command, "two.jsonl", "--devices", "2", in_rank=small_windows) as process:
        code, out, err = ended(process, tmp_path)
    assert code == 0, err
    times = ("seconds", "per_second")
    assert {key: value for key, value in json.loads(out).items() if key not in times} == {
        key: value for key, value in alone.items() if key not in times
    }
    assert (tmp_path / "two.jsonl").read_bytes() == (tmp_path / "one.jsonl").read_bytes()


def test_the_loss_on_documents(prepared: Callable[..., Any], tmp_path: Path, forked: Forked, capsys: Capture) -> None:
    import gpt2kit

    small = prepared("lm", tmp_path, "train.steps=2", "train.evaluate_every=2")
    list(gpt2kit.train(small, tmp_path / "data", tmp_path / "run"))
    command = ["lm", "evaluate", "--run", str(tmp_path / "run"), "--json"]
    assert run(command) == 0
    alone = json.loads(capsys.readouterr().out)
    with forked(tmp_path, *command, "--devices", "2") as process:
        code, out, err = ended(process, tmp_path)
    assert code == 0, err
    found = json.loads(out)
    assert found["signature"] == alone["signature"]
    for name, score in alone["scores"].items():
        assert found["scores"][name]["value"] == pytest.approx(score["value"], rel=1e-9)


def test_augmented_data_is_the_same(by_heart: Path, texts: Path, tmp_path: Path, forked: Forked) -> None:
    """By two runs, one after the other."""
    (tmp_path / "again").symlink_to(by_heart)
    command = ["translate", "augment", str(by_heart.parent / "data"), "--run", str(by_heart), "--run", "again"]
    command += ["--input", str(texts), "--temperature", "1", "--answers", "2"]
    os.chdir(tmp_path)
    assert run([*command, "--out", "one"]) == 0
    with forked(tmp_path, *command, "--out", "two", "--devices", "2", in_rank=small_windows) as process:
        code, _, err = ended(process, tmp_path)
    assert code == 0, err
    names = [sorted(path.name for path in (tmp_path / each).iterdir()) for each in ("one", "two")]
    assert names[0] == names[1]
    for name in names[0]:
        assert (tmp_path / "two" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
    assert not (tmp_path / "two.part").exists()


def killed_later() -> None:
    """Let the second rank be killed when it is asked for the second time, as the system does when memory runs out."""
    small_windows()
    window, asked = Engine.window, list[int]()

    def killed(*words: Any) -> Any:
        asked.append(1)
        if os.environ["RANK"] == "1" and len(asked) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return window(*words)

    Engine.window = killed  # type: ignore[method-assign, assignment]  # in the rank's process only


def test_a_killed_rank_ends_all_and_one_process_goes_on(
    by_heart: Path, texts: Path, tmp_path: Path, forked: Forked, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the seed that was drawn."""
    command = ["translate", "generate", "--run", str(by_heart), "--file", str(texts), "--temperature", "2"]
    out = tmp_path / "answers.txt"
    with forked(tmp_path, *command, "--out", str(out), "--devices", "2", in_rank=killed_later) as process:
        code, _, err = ended(process, tmp_path)
    assert code == 128 + signal.SIGKILL
    assert "rank 1 was killed by SIGKILL (signal 9); the system does that when memory runs out; with --out, the" in err
    assert "Traceback" not in err
    assert not out.exists()
    part = tmp_path / "answers.txt.part"
    header, *kept = part.read_text(encoding="utf-8").splitlines()
    assert len(kept) == 4

    assert run([*command, "--out", str(out)]) == 2
    assert f"{part} has answers of a command that was stopped: go on with --resume" in capsys.readouterr().err
    assert run([*command, "--out", str(out), "--resume", "--seed", str(json.loads(header)["seed"] + 1)]) == 2
    assert "answers of another model or other settings" in capsys.readouterr().err
    other = tmp_path / "other.txt"
    other.write_text("good morning\nother\n", encoding="utf-8")
    assert run([*command[:-3], str(other), *command[-2:], "--out", str(out), "--resume"]) == 2
    assert "answer 2 has another input" in capsys.readouterr().err
    assert [header, *kept] == part.read_text(encoding="utf-8").splitlines()
    foreign = tmp_path / "foreign.part"
    foreign.write_text("of another program", encoding="utf-8")
    assert run([*command, "--out", str(tmp_path / "foreign"), "--resume"]) == 3
    assert f"{foreign} is damaged, or not of this command" in capsys.readouterr().err
    assert foreign.read_text(encoding="utf-8") == "of another program"

    with part.open("a", encoding="utf-8") as file:
        file.write('["half a li')
    asked = list[int]()
    window = Engine.window

    def counted(engine: Engine, sources: Sequence[Any], *more: Any) -> Any:
        asked.append(len(sources))
        return window(engine, sources, *more)

    monkeypatch.setattr(Engine, "window", counted)
    assert run([*command, "--out", str(out), "--resume"]) == 0
    assert sum(asked) == len(TEXTS) - 4
    assert not part.exists()
    capsys.readouterr()
    assert run([*command, "--seed", str(json.loads(header)["seed"])]) == 0
    assert capsys.readouterr().out == out.read_text(encoding="utf-8")
    assert run([*command, "--out", str(out), "--resume"]) == 2
    assert f"{out} already exists; choose another --out" in capsys.readouterr().err


def test_a_mistake_in_the_input_leaves_no_part_without_answers(by_heart: Path, tmp_path: Path, capsys: Capture) -> None:
    texts, out = tmp_path / "texts.txt", tmp_path / "answers.txt"
    command = ["translate", "generate", "--run", str(by_heart), "--file", str(texts), "--out"]
    texts.write_bytes(b"good\n\xff\n")
    assert run([*command, str(out)]) == 3
    assert f"{texts}:2: byte 0xff" in capsys.readouterr().err
    texts.write_bytes(b"good\n")
    assert run([*command, str(out)]) == 0
    capsys.readouterr()
    assert run([*command, "-"]) == 0
    assert capsys.readouterr().out == out.read_text(encoding="utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["answers.txt", "texts.txt"]


def test_a_mistake_in_the_input_is_told_once(by_heart: Path, tmp_path: Path, forked: Forked) -> None:
    """Only the main rank reads it."""
    (tmp_path / "bad.txt").write_bytes(b"good\nmorning\nI am\nstudent\na\xff\n")
    command = ["translate", "generate", "--run", str(by_heart), "--file", "bad.txt", "--devices", "2"]
    with forked(tmp_path, *command, in_rank=small_windows) as process:
        code, out, err = ended(process, tmp_path)
    assert code == 3
    assert len(out.splitlines()) in (0, 4)
    assert err.count("bad.txt:5: byte 0xff") == 1
    assert err.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all(number: signal.Signals, by_heart: Path, texts: Path, tmp_path: Path, forked: Forked) -> None:
    def busy() -> None:
        def window(*_: Any) -> Any:
            (tmp_path / f"rank-{os.environ['RANK']}").write_text(str(os.getpid()), encoding="utf-8")
            time.sleep(PATIENCE)

        Engine.window = window  # type: ignore[method-assign, assignment]  # in the rank's process only

    command = ["translate", "evaluate", "--run", str(by_heart), "--predictions", "answers.jsonl", "--devices", "2"]
    with forked(tmp_path, *command, in_rank=busy) as process:
        deadline = time.monotonic() + PATIENCE
        ranks = [tmp_path / f"rank-{rank}" for rank in (0, 1)]
        while not all(rank.is_file() and rank.read_text(encoding="utf-8") for rank in ranks):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.kill(process.pid, number)
        code, out, err = ended(process, tmp_path)
    assert code == 128 + number
    assert out == ""
    assert "error" not in err
    for rank in ranks:
        with pytest.raises(ProcessLookupError):
            os.kill(int(rank.read_text(encoding="utf-8")), 0)
    assert sorted(path.name for path in tmp_path.iterdir() if "answers" in path.name) == []


# in one process


def test_an_end_that_was_told_is_not_told_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the reader of a pipe has closed it: the other rank was ended by the launcher."""
    monkeypatch.setenv("TORCHELASTIC_ERROR_FILE", str(tmp_path / "error.json"))
    distributed.record_end("", PIPE_CLOSED)
    first = ProcessFailure(0, 7, PIPE_CLOSED, str(tmp_path / "error.json"))
    second = ProcessFailure(1, 8, -signal.SIGTERM, str(tmp_path / "none.json"))
    found = launch.cause({0: first, 1: second}, "")
    assert (str(found), found.exit_code) == ("", PIPE_CLOSED)

    def failed(*_: Any) -> None:
        raise found

    monkeypatch.setattr(launch, "launch", failed)
    monkeypatch.setattr(launch, "cores", lambda: 2)
    assert run(["translate", "generate", "x", "--devices", "2", "--device", "cpu"]) == PIPE_CLOSED


def test_how_many_processes_share_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert several.processes() == 1
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert several.processes() == 1, "of another launcher"
    monkeypatch.setenv("RANK", "3")
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert several.processes() == 4
