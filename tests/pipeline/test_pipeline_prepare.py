"""Prepare by itself; what it writes is tested with the tasks and with training."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
from gpt2kit.cli.app import run

for task, *corpus in (
    ("lm", "a.txt"), ("finetune", "a.csv"), ("summarize", "a.jsonl"), ("translate", "a.tsv"),
):
    assert run([task, "prepare", *corpus, "--val", *corpus, "--out", task, "--set", "task.vocab=300"]) == 0
assert "torch" not in sys.modules, "nobody waits for it"
"""


def test_it_needs_no_torch(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("some text", encoding="utf-8")
    (tmp_path / "a.csv").write_text("text,label\none,x\ntwo,y\n", encoding="utf-8")
    (tmp_path / "a.jsonl").write_text('{"body": "A long text. It goes on.", "lead": "A text"}\n', encoding="utf-8")
    (tmp_path / "a.tsv").write_text("one\tun\n", encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
