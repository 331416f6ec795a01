"""Export to GGUF: transformers always judges the file, llama.cpp where it is installed."""

import importlib.metadata
import importlib.util
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from tokenizers import AddedToken
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel

import gpt2kit
from gpt2kit import recipe
from gpt2kit.data.bpe import Bpe
from gpt2kit.errors import CheckFailed, DataError, UserError
from gpt2kit.export.gguf import Gguf
from gpt2kit.export.verb import Exported, export
from gpt2kit.overwriting import FileKind
from gpt2kit.selftest.check import Check
from gpt2kit.selftest.run_under_test import RunUnderTest, opened
from gpt2kit.tasks.text import TextTask

PAGE = Path(__file__).parents[2] / "docs" / "elsewhere.md"

RunOf = Callable[..., Path]

SOURCES = ["I am a student", "good morning", "two lines", "let them eat"]

READERS = 1 + (importlib.util.find_spec("llama_cpp") is not None)


def passed(done: Exported) -> list[str]:
    """The names of the checks, all of which must have passed."""
    assert [check for check in done.checks if not check.passed] == []
    return [check.name for check in done.checks]


def tensors(path: Path) -> dict[str, gguf.ReaderTensor]:
    return {each.name: each for each in gguf.GGUFReader(path).tensors}


@pytest.fixture(scope="module")
def heart(by_heart: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Exported]:
    """A run that knows its pairs by heart, and its export."""
    return by_heart, export(by_heart, "gguf", tmp_path_factory.mktemp("gguf") / "heart.gguf")


def test_every_reader_compares_ids_logits_and_answers(heart: tuple[Path, Exported]) -> None:
    facts, ids, logits, answers = (f"{what} equal the run's" for what in ("facts", "ids", "logits", "greedy answers"))
    exact = "logits equal those of the run's weights in f16"  # llama.cpp rounds more than the weights
    assert passed(heart[1]) == [facts, ids, logits, exact, answers, *[facts, ids, logits, answers] * (READERS - 1)]
    assert heart[1].dtype == "f16"
    assert heart[1].path.with_name("heart.gguf.proof.md").is_file()


def test_the_file_says_what_programs_need(heart: tuple[Path, Exported]) -> None:
    run, done = heart
    fields = gguf.GGUFReader(done.path).fields
    bpe, settings = Bpe.load(run), recipe.load(str(run / "recipe.toml"))

    def value(key: str) -> Any:
        return fields[key].contents()

    wanted = {
        "general.architecture": "gpt2",
        "general.type": "model",
        "general.name": "run",
        "general.file_type": int(gguf.LlamaFileType.MOSTLY_F16),
        "gpt2.context_length": settings.model.n_positions,
        "gpt2.embedding_length": settings.model.n_embd,
        "gpt2.feed_forward_length": 4 * settings.model.n_embd,
        "gpt2.block_count": settings.model.n_layer,
        "gpt2.attention.head_count": settings.model.n_head,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.bos_token_id": bpe.end_of_text,
        "tokenizer.ggml.eos_token_id": bpe.end_of_text,
        "tokenizer.ggml.padding_token_id": bpe.end_of_text,
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.ggml.add_eos_token": False,
        "tokenizer.ggml.add_space_prefix": False,
        "general.quantization_version": gguf.GGML_QUANT_VERSION,
        "general.sampling.temp": 0,
        "gpt2kit.version": importlib.metadata.version("gpt2kit"),
    }
    assert {key: value(key) for key in wanted} == wanted
    assert value("gpt2.attention.layer_norm_epsilon") == pytest.approx(1e-5)
    assert value("tokenizer.ggml.tokens") == [bpe.token(id) for id in range(bpe.vocab_size)]
    types = value("tokenizer.ggml.token_type")
    controls = {id for id, kind in enumerate(types) if kind == gguf.TokenType.CONTROL}
    assert controls == {bpe.end_of_text, bpe.id("<to-fr>")}
    assert "output.weight" not in tensors(done.path)  # the head is tied


def test_transformers_gives_the_answers(heart: tuple[Path, Exported]) -> None:
    """Not through our reader."""
    run, done = heart
    place = {"gguf_file": done.path.name}
    tokenizer = AutoTokenizer.from_pretrained(done.path.parent, **place)
    model = AutoModelForCausalLM.from_pretrained(done.path.parent, **place, n_positions=64)
    found = []
    for source in SOURCES:
        asked = tokenizer(f"{source}<to-fr>", return_tensors="pt")
        answer = model.generate(**asked, do_sample=False, max_new_tokens=32)[0, asked.input_ids.size(1) :]
        found.append(tokenizer.decode(answer, skip_special_tokens=True))
    assert found == gpt2kit.load(run, {"dtype": "fp32"})(SOURCES)


def test_llama_cpp_gives_the_answers(heart: tuple[Path, Exported]) -> None:
    llama_cpp = pytest.importorskip("llama_cpp")
    run, done = heart
    model = llama_cpp.Llama(str(done.path), n_ctx=0, verbose=False)
    asked = [model(f"{source}<to-fr>", max_tokens=32, temperature=0) for source in SOURCES]
    assert [each["choices"][0]["text"] for each in asked] == gpt2kit.load(run, {"dtype": "fp32"})(SOURCES)
    assert {each["choices"][0]["finish_reason"] for each in asked} == {"stop"}
    model.close()


def test_the_page_for_llama_cpp_gives_the_answer(
    heart: tuple[Path, Exported], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("llama_cpp")
    run, done = heart
    (snippet,) = re.findall(r"```py\n(from llama_cpp .+?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    shutil.copyfile(done.path, tmp_path / "multi30k.gguf")
    monkeypatch.chdir(tmp_path)
    exec(compile(snippet.replace("A dog runs on the beach.", SOURCES[0]), str(PAGE), "exec"), {})
    assert capsys.readouterr().out == gpt2kit.load(run, {"dtype": "fp32"})(SOURCES[0]) + "\n"


@pytest.mark.parametrize(("dtype", "kind"), [("f32", "F32"), ("q8_0", "Q8_0")])
def test_matrices_have_the_number_type(by_heart: Path, tmp_path: Path, dtype: str, kind: str) -> None:
    done = export(by_heart, "gguf", tmp_path / "a.gguf", dtype)
    assert len(passed(done)) == 4 * READERS + (dtype != "f32")
    for name, tensor in tensors(done.path).items():
        matrix = len(tensor.shape) == 2 and name != "position_embd.weight"
        assert tensor.tensor_type.name == (kind if matrix else "F32"), name


@pytest.mark.parametrize(
    ("kind", "settings"),
    [("lm", ["model.n_positions=20"]), ("translate", ["model.n_inner=40", "model.n_head=8"])],
)
def test_other_runs_prove_themselves(run_of: RunOf, tmp_path: Path, kind: str, settings: list[str]) -> None:
    assert len(passed(export(run_of(kind, *settings), "gguf", tmp_path / "a.gguf", "f32"))) == 4 * READERS


def test_adapters_are_merged(run_of: RunOf, tmp_path: Path) -> None:
    run = run_of("translate", "train.lora=2", init=run_of("translate"))
    done = export(run, "gguf", tmp_path / "a.gguf", "f32")
    passed(done)
    assert len(tensors(done.path)) == len(tensors(export(run_of("translate"), "gguf", tmp_path / "b.gguf").path))


def test_surplus_rows_an_own_head_and_scaled_attention(examples: Callable[[str], Any], tmp_path: Path) -> None:
    """Rows without a token are left out; queries contain the scale that llama.cpp does not know."""
    base, tokens = tmp_path / "base", 280
    torch.manual_seed(0)
    shape: dict[str, Any] = {"n_layer": 3, "n_head": 4, "n_embd": 32, "n_inner": 96, "n_positions": 64}
    variant: dict[str, Any] = {"scale_attn_by_inverse_layer_idx": True, "tie_word_embeddings": False}
    variant |= {"layer_norm_epsilon": 1e-3, "initializer_range": 0.4}
    GPT2LMHeadModel(GPT2Config(vocab_size=320, bos_token_id=0, eos_token_id=0, **shape, **variant)).save_pretrained(
        base
    )
    Bpe.train(iter(["the cat sat on the mat", "le chat est assis"] * 5), tokens, []).save(base, 64)
    settings = [each for each in examples("translate").TINY if not each.startswith("model.")]
    asked = recipe.load("translate", [*settings, f'task.tokenizer="{base}"', "train.steps=1", "model.n_positions=64"])
    corpus = examples("translate").write_corpus(tmp_path)
    gpt2kit.prepare(asked, {"train": corpus, "val": corpus}, tmp_path / "data")
    list(gpt2kit.train(asked, tmp_path / "data", tmp_path / "run", init=base))
    done = export(tmp_path / "run", "gguf", tmp_path / "a.gguf", "f32")
    assert len(passed(done)) == 4 * READERS
    passed(export(tmp_path / "run", "gguf", tmp_path / "b.gguf", "q8_0"))
    found = tensors(done.path)
    assert [int(found[name].shape[1]) for name in ("token_embd.weight", "output.weight")] == [tokens + 1] * 2


def test_the_same_run_gives_the_same_bytes(heart: tuple[Path, Exported], tmp_path: Path) -> None:
    run, done = heart
    assert export(run, "gguf", tmp_path / "again.gguf").path.read_bytes() == done.path.read_bytes()


def test_a_failed_proof_writes_nothing(by_heart: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Gguf.write

    def damaged(self: Gguf, subject: RunUnderTest, path: Path, dtype: str) -> None:
        write(self, subject, path, dtype)
        found = gguf.GGUFReader(path, "r+")
        weight = next(each for each in found.tensors if each.name == "blk.0.ffn_down.weight")
        weight.data[:] = -np.array(weight.data)
        found.data.flush()

    monkeypatch.setattr(Gguf, "write", damaged)
    with pytest.raises(CheckFailed, match="nothing was written") as failure:
        export(by_heart, "gguf", tmp_path / "a.gguf")
    assert failure.value.exit_code == 7
    assert list(tmp_path.iterdir()) == []


def test_other_ids_fail(by_heart: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With other merges the model still computes the same, but from other ids of a text."""
    merges = Bpe.merges
    monkeypatch.setattr(Bpe, "merges", lambda self: merges(self)[::-1])
    seen: dict[str, bool | None] = {}
    with pytest.raises(CheckFailed):
        export(by_heart, "gguf", tmp_path / "a.gguf", report=lambda check: seen.update({check.name: check.passed}))
    assert [name for name, right in seen.items() if not right] == ["ids equal the run's"]
    assert len(seen) == 5


def test_overwrite_replaces_an_export_only(heart: tuple[Path, Exported], tmp_path: Path) -> None:
    run, out = heart[0], tmp_path / "a.gguf"
    writer = gguf.GGUFWriter(out, "gpt2")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    before = out.read_bytes()
    with pytest.raises(UserError, match="is not replaced: gpt2kit did not write it as an export to GGUF"):
        export(run, "gguf", out, overwrite=True)
    assert out.read_bytes() == before
    out.write_bytes(heart[1].path.read_bytes())
    with pytest.raises(UserError, match="already exists"):
        export(run, "gguf", out)
    assert export(run, "gguf", out, "q8_0", overwrite=True).dtype == "q8_0"


@pytest.mark.parametrize("ours", [b"gpt2kit", b"GGUF"])
def test_a_file_of_another_program_is_not_ours(heart: tuple[Path, Exported], tmp_path: Path, ours: bytes) -> None:
    assert isinstance(Gguf.kind, FileKind)
    assert Gguf.kind.wrote(heart[1].path)
    (tmp_path / "other").write_bytes(heart[1].path.read_bytes().replace(ours, b"another", 1))
    assert not Gguf.kind.wrote(tmp_path / "other")


def test_files_of_others_are_kept(by_heart: Path, tmp_path: Path) -> None:
    """One that appears during the proof, and one where the proof would be."""
    out, proof = tmp_path / "a.gguf", tmp_path / "a.gguf.proof.md"

    def write(check: Check) -> None:
        out.write_text("mine")

    with pytest.raises(UserError, match=r"a\.gguf already exists"):
        export(by_heart, "gguf", out, report=write)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]
    out.rename(proof)
    with pytest.raises(UserError, match=r"a\.gguf\.proof\.md is not replaced: .* the proof of an export"):
        export(by_heart, "gguf", out, overwrite=True)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("kind", "settings", "dtype", "reason"),
    [
        ("labelled", [], "f16", "llama.cpp has no classifier for a GPT-2"),
        ("music", [], "f16", "the ids of this run do not stand for text"),
        ("lm", ["model.attention=local"], "f16", "llama.cpp has no attention = local for a GPT-2, only full"),
        ("lm", ["model.activation_function=relu"], "f16", "no activation_function = relu for a GPT-2, only gelu_new"),
        ("translate", ["model.n_inner=40", "model.n_head=8"], "q8_0", "in blocks of 32 numbers, but n_inner = 40"),
    ],
)
def test_what_gguf_cannot_say_is_refused(
    run_of: RunOf, tmp_path: Path, kind: str, settings: list[str], dtype: str, reason: str
) -> None:
    with pytest.raises(DataError, match=f"cannot be exported to gguf: .*{reason}"):
        export(run_of(kind, *settings), "gguf", tmp_path / "a.gguf", dtype)
    assert list(tmp_path.iterdir()) == []


def test_transformers_is_not_asked_for_ids_of_tokens_that_it_spells_in_bytes(heart: tuple[Path, Exported]) -> None:
    run, done = heart
    subject = opened(run)
    assert isinstance(subject.task, TextTask)
    first = next(Gguf().readers(subject, done.path, "f16"))
    assert first.encode(["a"]) == subject.task.bpe.encode(["a"])
    subject.task.bpe.tokenizer.add_tokens([AddedToken("<ab c>")])
    assert next(Gguf().readers(subject, done.path, "f16")).tokens() is None


def test_without_llama_cpp_transformers_is_the_judge(
    by_heart: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "llama_cpp" else find(name))
    done = export(by_heart, "gguf", tmp_path / "a.gguf")
    assert all(check.remark.startswith("transformers ") for check in done.checks)
    assert len(passed(done)) == 5
