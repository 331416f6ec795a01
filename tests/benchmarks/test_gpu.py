"""A rehearsal of the GPU's benchmark at toy size: what it would measure on a GPU runs here, and its rows have the right
values where they do not depend on time."""

import gc
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tests.benchmarks.conftest import benchmark


@pytest.fixture(scope="module")
def gpu() -> Iterator[Any]:
    with benchmark("gpu", PYTORCH_NVML_BASED_CUDA_CHECK="1") as script:
        yield script


@pytest.fixture(scope="module")
def work(gpu: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return gpu.Work(toy=True, folder=tmp_path_factory.mktemp("gpu"))


@pytest.fixture(autouse=True)
def little_to_collect() -> None:
    """Garbage is collected before each measurement: what was imported is none."""
    gc.freeze()


@pytest.fixture
def rows(gpu: Any, work: Any) -> Callable[[str], dict[str, dict[str, Any]]]:
    """The rows of a section by their names; it runs in this process."""

    def of(section: str) -> dict[str, dict[str, Any]]:
        found = {figures["row"]: figures for figures in gpu.SECTIONS[section][0](work)}
        assert json.loads(json.dumps(found)) == found
        return found

    return of


def test_every_section_is_described(gpu: Any) -> None:
    named = [line.split()[0] for line in gpu.__doc__.split("\n\n")[3].splitlines()]
    assert {*named, "machine"} == {*gpu.SECTIONS}


def test_the_cpu_equals_itself(rows: Any) -> None:
    found = rows("equality")
    assert all(figures["equal"] for figures in found.values())
    assert found["relative-local fp32"]["gradients"] == 0
    assert found["compressed answers, 4 beams"]["same"] == "8/8"
    assert all(figures["equal"] for figures in rows("compiled").values())


def test_other_weights_are_not_equal(gpu: Any, work: Any) -> None:
    equality = sys.modules["sections.equality"]
    model, ids = equality.model_of(work, "full"), equality.ids_of(work)
    wanted = equality.passed(model, ids, torch.device("cpu"), "fp32", False)
    with torch.no_grad():
        model.head[7] *= 1.1
    found = equality.passed(model, ids, torch.device("cpu"), "fp32", False)
    assert not equality._compared("full", "fp32", found, wanted)["equal"]
    assert equality.first_difference([1, 2, 3], [1, 2, 3]) is None
    assert equality.first_difference([1, 2, 3], [1, 4, 3]) == 1
    assert equality.first_difference([1, 2], [1, 2, 3]) == 2


def test_training_beside_its_peer(rows: Any) -> None:
    """Both start from the same weights and see the same batches."""
    own, peer = rows("training").values()
    assert own["loss"] == pytest.approx(peer["loss"], abs=2e-2)
    assert own["tokens_per_second"] > 0
    found = rows("batches")
    assert [figures["loss"] for figures in found.values()] == pytest.approx([5.3, 5.3], abs=0.1)


def test_decoding_beside_its_peer(rows: Any) -> None:
    assert [figures["tokens_per_second"] > 0 for figures in rows("decoding").values()] == [True, True]
    assert len(rows("step")) == 1


def test_the_peer_has_the_same_weights(gpu: Any, work: Any) -> None:
    decoding = sys.modules["sections.decoding"]
    model, _ = decoding.decoder_of(work.gpt2, work.vocabulary, torch.device("cpu"))
    ids = torch.randint(work.vocabulary, (2, 9))
    torch.testing.assert_close(decoding._peer(model)(ids).logits, model(ids), atol=1e-5, rtol=1e-5)


def test_recipes(rows: Any, work: Any, prepared: Any, tmp_path: Path) -> None:
    for name in ("multi30k", "music"):
        (figures,) = rows(name).values()
        assert figures["step"] == figures["of_steps"] == 4
    recipes = sys.modules["sections.recipes"]
    prepared("translate", tmp_path)
    whole = list(recipes.multi30k(replace(work, multi30k=tmp_path / "data")))
    assert [figures["row"] for figures in whole].count("multi30k, whole training: validation") == 4
    assert whole[-1]["row"] == "multi30k, whole training"


def test_a_resumed_run_continues_bit_for_bit(rows: Any) -> None:
    for figures in rows("resume").values():
        assert figures["bit_equal"]
        assert figures["of_two_whole_runs"] == 0


def test_too_little_memory_divides_the_batch(rows: Any) -> None:
    found = list(rows("memory").values())
    assert [figures.get("accumulate") for figures in found] == [1, 2, 4, None]
    assert all(figures["losses_apart"] < 1e-3 for figures in found[1:3])
    assert found[3]["refused"]


def test_sharded_weights_learn_the_same(rows: Any) -> None:
    plain, ddp, fsdp = rows("fsdp").values()
    assert plain["sharded_weights"] == ddp["sharded_weights"] == 0
    assert fsdp["sharded_weights"] == 28
    assert max(ddp["losses_apart"], fsdp["losses_apart"]) < 1e-3


def test_the_profile_names_what_takes_time(rows: Any) -> None:
    found = rows("profile")
    assert found["training, compile off"]["kernels_ms"] > 0
    assert any("mm" in name for name in found)


def test_rows_are_kept_as_they_come(gpu: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gpu.main(["--toy", "--only", "machine", "--out", str(tmp_path / "gpu.jsonl")]) == 0
    lines = [json.loads(line) for line in (tmp_path / "gpu.jsonl").read_text().splitlines()]
    assert [line["row"] for line in lines] == ["machine", "copy", "product of 256", "seconds"]
    assert all(line["section"] == "machine" for line in lines)
    assert "terabytes_per_second" in capsys.readouterr().out.split("\n\n")[-1]


def test_a_section_that_fails_or_takes_too_long_is_told(
    gpu: Any, work: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(work: Any) -> Iterator[dict[str, Any]]:
        yield {"row": "first"}
        raise ValueError("so it goes")

    def hangs(work: Any) -> Iterator[dict[str, Any]]:
        yield {"row": "second"}
        signal.pause()

    def dies(work: Any) -> Iterator[dict[str, Any]]:
        yield {"row": "third"}
        os._exit(9)

    now, found = 0.0, []
    for module in (gpu, sys.modules["sections.work"]):
        monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: now))
    sections = {"fails": (fails, 60.0), "hangs": (hangs, 60.0), "dies": (dies, 60.0)}
    monkeypatch.setattr(gpu, "SECTIONS", sections)
    for _, figures in gpu.all_of(work, list(sections), 3600):
        found.append(figures)
        now += 100 if figures["row"] == "second" else 0
    assert [figures for figures in found if figures["row"] != "seconds"] == [
        {"row": "first"},
        {"row": "failed", "reason": "ValueError: so it goes"},
        {"row": "second"},
        {"row": "cut off", "reason": "the time of this section is over"},
        {"row": "third"},
        {"row": "failed", "reason": "the process ended with code 9"},
    ]
    assert list(gpu.all_of(work, ["fails"], 1)) == [("fails", {"row": "skipped", "reason": "0 seconds are left"})]
