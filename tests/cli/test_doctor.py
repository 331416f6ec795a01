"""`gpt2kit doctor`: a table or JSON, and what it says where torch and others cannot be imported."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gpt2kit import tasks
from gpt2kit.cli.app import run
from gpt2kit.doctor import examine
from gpt2kit.doctor.finding import Finding

Capture = pytest.CaptureFixture[str]

BROKEN = """
import sys
class Broken:
    def find_spec(self, name, *_):
        if name in sys.argv[1].split(","):
            raise OSError(f"{name}.so: no such file")
sys.meta_path.insert(0, Broken())
from gpt2kit.cli.app import run
sys.exit(run(["doctor", *sys.argv[2:]]))
"""


def doctor(broken: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """In a process in which some packages cannot be imported."""
    command = [sys.executable, "-c", BROKEN, broken, *words]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "ascii", "COLUMNS": "60"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_it_says_what_is_there_and_what_that_means(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["doctor", "--json"]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert err == ""
    assert told["lacking"] == []
    assert {"Python", "cpu", "terminal"} <= {each["name"] for each in told["machine"]}
    assert [each["name"] for each in told["meaning"]] == ["train", "generate", *tasks.names()]
    assert all({"name", "state", "found"} <= each.keys() for part in ("machine", "meaning") for each in told[part])
    assert list(tmp_path.iterdir()) == []


def test_lines_are_text_not_markup(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examine, "machine_findings", lambda: [Finding("cores", "[bold]2[/] of \x1b[31mthem")])
    monkeypatch.setattr(examine, "meaning", lambda found: [Finding("train", "eagerly", "note")])
    assert run(["doctor"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["ok", "cores", "[bold]2[/]", "of", "\\x1b[31mthem"] in lines
    assert ["note", "train", "eagerly"] in lines


SLOW = ",datasets,sklearn,transformers,tensorboard"
"""Others that are broken with them, as it takes long to import them."""


@pytest.mark.parametrize("broken", ["torch", "torch,numpy,tokenizers,sacrebleu,pretty_midi"])
def test_what_cannot_be_imported_is_a_finding(broken: str, tmp_path: Path) -> None:
    done = doctor(broken + SLOW, tmp_path, "--json")
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    told = json.loads(done.stdout)
    found = {each["name"]: each for each in told["machine"]}
    assert all(found[name]["state"] == "lacks" for name in broken.split(","))
    assert f"OSError: {broken.split(',')[0]}.so: no such file" in found["torch"]["found"]
    means = {each["name"]: each for each in told["meaning"]}
    assert {means[name]["state"] for name in (*tasks.names(), "train", "generate")} == {"lacks"}
    assert json.loads(done.stderr)["error"]["code"] == 4
    assert found["terminal"]["state"] == "note", "not every text is ASCII"
