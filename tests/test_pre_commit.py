"""One list of checks: .ci/run has it, the pre-commit hooks are its linters, and the public CI runs it."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
INSTALLED = next(index for index, line in enumerate(CI) if line.startswith("pip install "))
CHECKS = CI[INSTALLED + 1 :]


def loaded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    return found


def test_the_hooks_are_the_linters_of_ci() -> None:
    (local,) = loaded(".pre-commit-config.yaml")["repos"]
    entries = [hook["entry"] for hook in local["hooks"]]
    assert [*entries, "pytest"] == CHECKS
    assert not any(hook["pass_filenames"] for hook in local["hooks"])


def test_the_public_ci_runs_the_same_on_the_oldest_python() -> None:
    (job,) = loaded(".github/workflows/ci.yml")["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    (python,) = [step["with"]["python-version"] for step in job["steps"] if "with" in step]
    assert f'requires-python = ">={python}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert any(line.startswith(f"python{python} -m venv ") for line in CI)
