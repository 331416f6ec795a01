"""The figures of a large run on paper are, for a small one, what it takes."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt2kit.config import ModelConfig, TrainConfig
from gpt2kit.data.store import Store
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.training import optim, state
from tests.benchmarks.conftest import benchmark


@pytest.fixture(scope="module")
def paper() -> Iterator[Any]:
    with benchmark("scale_on_paper") as module:
        yield module


def bytes_of(rows: list[tuple[str, str, str]], what: str) -> float:
    """A figure of a table."""
    number, unit = next(figure for name, figure, _ in rows if name.startswith(what)).split()
    return float(number) * {"B": 1, "kB": 1e3, "MB": 1e6}[unit]


def test_files_have_these_sizes(paper: Any, store_of: Callable[..., Store]) -> None:
    store = store_of([([5] * 40, [6] * 60)] * 50, vocab=paper.VOCABULARY)
    rows = paper.files_of(replace(paper.Assumptions(), tokens=store.tokens, documents=len(store)))
    found = {kind: (store.folder / f"train.{kind}").stat().st_size for kind in ("ids", "ends", "prompts")}
    assert bytes_of(rows, "`train.ids`") == found["ids"]
    assert bytes_of(rows, "`train.ends`") == found["ends"] + found["prompts"]


def test_a_state_has_this_size(paper: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper, "VOCABULARY", 300)
    config = ModelConfig(n_layer=2, n_head=2, n_embd=64, n_positions=32)
    model = GPT2(config, 300)
    optimizers = optim.build(model, TrainConfig())
    model(torch.zeros(1, 4, dtype=torch.long)).sum().backward()
    optimizers[0].step()
    state.save(tmp_path / "state", model, None, optimizers, {"step": 1})
    rows = paper.memory_of(paper.Assumptions(), config)
    assert bytes_of(rows, "state on disk") == pytest.approx((tmp_path / "state").stat().st_size, rel=0.02)


def test_what_is_too_much(paper: Any) -> None:
    memory = {"rows": 192e9, "windows": 63e9}
    assert list(paper.breaks(paper.Assumptions(), 5 * 3600, 900, memory, 86400)) == [
        "`prepare` takes 5.0 h; the training takes 1.0 days",
        "each start of the run, also after a requeue, takes 15 min before the first step",
        "the order of rows takes 192 GB of a machine's memory, as each process has its own",
    ]
    assert not list(paper.breaks(paper.Assumptions(), 3600, 60, {}, 86400))


def test_what_is_printed(paper: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["scale_on_paper.py", "--smoke"])
    paper.main()
    out = capsys.readouterr().out
    assert "| places beyond 32 bits, in a sparse file of 2.5e11 ids | read correctly | here |" in out
    assert "| `prepare` in one process, with two cores | 1.4 days |" in out
    sources = {row.split("|")[3].strip() for row in out.splitlines() if row.startswith("|") and "---" not in row}
    words = {word for source in sources - {"from"} for word in source.split(", ")}
    assert words <= {"code", "here", "earlier", "maker", "assumed", "multiplied"}
