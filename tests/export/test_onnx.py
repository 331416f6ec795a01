"""An ONNX export gives the run's answers in onnxruntime, and contains nothing of this machine."""

import logging
import re
import runpy
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch

import gpt2kit
from gpt2kit.cli.app import run
from gpt2kit.errors import CheckFailed, DataError, UserError
from gpt2kit.export import onnx as door
from gpt2kit.export.verb import export
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.selftest.run_under_test import opened

RunOf = Callable[..., Path]
Capture = pytest.CaptureFixture[str]

PAGE = Path(__file__).parents[2] / "docs" / "elsewhere.md"


@pytest.fixture(scope="session")
def exported(by_heart: Path, once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """The export of a translator, which passed its proof; tracing takes seconds, so that all tests share it."""
    return once("onnx", lambda folder: prove(by_heart, folder / "tiny.onnx")) / "tiny.onnx"


def prove(source: Path, out: Path) -> None:
    checks = export(source, "onnx", out).checks
    assert [check.passed for check in checks] == [True, True, True]
    assert all(check.remark.startswith("onnxruntime ") for check in checks)


def traced(monkeypatch: pytest.MonkeyPatch, path: Path) -> onnx.ModelProto:
    """Instead of tracing a model, take the graph of a file."""
    proto = onnx.load(path)
    monkeypatch.setattr(door, "graph", lambda model: proto)
    return proto


def test_names_and_dimensions_are_those_that_other_tools_know(exported: Path) -> None:
    session = onnxruntime.InferenceSession(exported)
    total, cache = "past_sequence_length + sequence_length", ["batch_size", 2, "past_sequence_length", 16]
    assert {each.name: each.shape for each in session.get_inputs()} == {
        "input_ids": ["batch_size", "sequence_length"],
        "attention_mask": ["batch_size", total],
        "position_ids": ["batch_size", "sequence_length"],
        "past_key_values.0.key": cache,
        "past_key_values.0.value": cache,
    }
    outputs = {each.name: each.shape for each in session.get_outputs()}
    assert list(outputs) == ["logits", "present.0.key", "present.0.value"]
    assert outputs["present.0.key"] == ["batch_size", 2, total, 16]


def test_the_metadata_suffice_to_decode(exported: Path, by_heart: Path) -> None:
    subject = opened(by_heart)
    found = onnxruntime.InferenceSession(exported).get_modelmeta()
    assert found.producer_name == "gpt2kit"
    assert found.custom_metadata_map == {
        "name": "run",
        "task": "translate",
        "n_positions": "64",
        "eos_token_id": str(subject.task.vocabulary.eos),
        "attention": "full",
    }


def test_the_file_has_the_weights_once_and_no_path_of_this_machine(exported: Path, by_heart: Path) -> None:
    content = exported.read_bytes()
    weights = 4 * opened(by_heart).model.parameter_count()
    assert weights < len(content) < weights + 30_000  # the token embedding has 38,400 bytes
    places = {Path(each.__file__ or "").parents[1] for each in (gpt2kit, torch)} | {by_heart, exported.parent}
    for place in (*map(str, places), "site-packages", ".py", str(Path.home())):
        assert place.encode() not in content


def test_the_script_of_the_docs_gives_the_answers_of_gpt2kit(
    exported: Path, by_heart: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """It imports neither torch nor gpt2kit; the model knows other sentences."""
    (script,) = re.findall(r"```py\n(import numpy\n.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert set(re.findall(r"^(?:import|from) (\w+)", script, re.MULTILINE)) == {"numpy", "onnxruntime", "tokenizers"}
    (tmp_path / "runs" / "multi30k").mkdir(parents=True)
    shutil.copy(by_heart / "tokenizer.json", tmp_path / "runs" / "multi30k")
    shutil.copy(exported, tmp_path / "multi30k.onnx")
    known = 'sentences = ["I am a student", "let them eat cake"]'
    script, changed = re.subn(r"^sentences = .*$", known, script, flags=re.MULTILINE)
    assert changed == 1
    (tmp_path / "script.py").write_text(script, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    runpy.run_path("script.py")
    assert capsys.readouterr().out == "je suis étudiant\nqu'ils mangent du gâteau\n"


def test_nothing_but_the_checks_is_printed(
    exported: Path, by_heart: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    out = tmp_path / "tiny.onnx"
    proto = onnx.load(exported)

    def noisy(model: GPT2) -> onnx.ModelProto:
        logging.getLogger("torch.onnx").error("torchvision is not installed")
        warnings.warn("the axis name will not be used", UserWarning, stacklevel=1)
        return proto

    monkeypatch.setattr(door, "graph", noisy)
    assert run(["export", str(by_heart), "--to", "onnx", "--out", str(out)]) == 0
    stdout, stderr = capsys.readouterr()
    _, _, first, second, last = stderr.splitlines()
    assert stdout == ""
    assert first.startswith("ok      logits equal the run's: ")
    assert second.startswith("ok      greedy answers equal the run's: 0 <= 0  onnxruntime ")
    assert last.startswith(f"written to {out}: ")
    assert out.read_bytes() == exported.read_bytes()
    assert logging.getLogger("torch.onnx").isEnabledFor(logging.ERROR)


def test_a_wrong_weight_fails_and_leaves_nothing(
    exported: Path, by_heart: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proto = traced(monkeypatch, exported)
    norm = next(each for each in proto.graph.initializer if each.name.endswith("ln_f.weight"))
    norm.CopyFrom(onnx.numpy_helper.from_array(-onnx.numpy_helper.to_array(norm), norm.name))
    with pytest.raises(CheckFailed, match="2 of 3 checks of the export failed, nothing was written") as failure:
        export(by_heart, "onnx", tmp_path / "tiny.onnx")
    assert failure.value.exit_code == 7
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_cache_fails(exported: Path, by_heart: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the exporter had mistaken one input for another."""
    for node in traced(monkeypatch, exported).graph.node:
        for index, name in enumerate(node.input):
            if name == "past_key_values.0.value":
                node.input[index] = "past_key_values.0.key"
    with pytest.raises(CheckFailed, match="2 of 3 checks of the export failed, nothing was written"):
        export(by_heart, "onnx", tmp_path / "tiny.onnx")


def test_overwrite_replaces_an_export_only(
    exported: Path, by_heart: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    traced(monkeypatch, exported)
    out = tmp_path / "tiny.onnx"
    export(by_heart, "onnx", out)
    before = out.read_bytes()
    with pytest.raises(UserError, match="already exists"):
        export(by_heart, "onnx", out)
    export(by_heart, "onnx", out, overwrite=True)
    assert out.read_bytes() == before
    foreign = onnx.load(out)
    foreign.producer_name = "pytorch"
    for others in (foreign.SerializeToString(), b"\x0a" + before[1:]):
        out.write_bytes(others)
        with pytest.raises(UserError, match="is not replaced"):
            export(by_heart, "onnx", out, overwrite=True)


def test_a_classifier_gives_a_row_of_logits_for_each_text(run_of: RunOf, tmp_path: Path) -> None:
    source, out = run_of("labelled"), tmp_path / "classes.onnx"
    facts, logits = export(source, "onnx", out).checks
    assert (facts.passed, logits.passed) == (True, True)
    assert "labels" in facts.remark
    model = opened(source).model
    assert model.score is not None
    session = onnxruntime.InferenceSession(out)
    assert [each.shape for each in session.get_outputs()] == [["batch_size", 2]]
    assert session.get_modelmeta().custom_metadata_map["labels"] == '["bad", "good"]'
    texts = [[5, 6, 7, 8], [9, 10]]
    ids, mask = torch.tensor([texts[0], [*texts[1], 0, 0]]), torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
    (found,) = session.run(None, {"input_ids": ids.numpy(), "attention_mask": mask.numpy()})
    for text, row in zip(texts, found, strict=True):
        with torch.no_grad():
            wanted = model.score(model.hidden(torch.tensor([text]))[0, -1])
        torch.testing.assert_close(torch.from_numpy(row), wanted, atol=1e-4, rtol=1e-4)


def test_adapters_with_local_attention_and_a_graph_without_a_cache(run_of: RunOf, tmp_path: Path) -> None:
    local = ("model.attention=local", "model.block=16")
    adapted = run_of("translate", "train.lora=2", *local, init=run_of("translate", *local))
    compressed = run_of("lm", "model.attention=compressed")
    for name, source in {"adapted": adapted, "compressed": compressed}.items():
        prove(source, tmp_path / f"{name}.onnx")
        inputs = onnxruntime.InferenceSession(tmp_path / f"{name}.onnx").get_inputs()
        assert any(each.name.startswith("past_key_values") for each in inputs) == (name == "adapted")


def test_weights_beyond_a_protobuf_message_are_refused(
    by_heart: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "LARGEST", 1000)
    with pytest.raises(DataError, match=r"its weights have 0\.0 GB in f32, and an ONNX file holds less than 2 GiB"):
        export(by_heart, "onnx", tmp_path / "large.onnx")
    assert list(tmp_path.iterdir()) == []
