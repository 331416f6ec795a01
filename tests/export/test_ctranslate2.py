"""Exports to CTranslate2, held against CTranslate2 itself: its logits and answers are those of the run."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import pytest
import torch
from ctranslate2.converters import TransformersConverter
from tokenizers import Tokenizer

import gpt2kit
from gpt2kit import files, recipe
from gpt2kit.errors import CheckFailed, DataError, UserError
from gpt2kit.export.ctranslate2 import CTranslate2, Generator
from gpt2kit.export.target import LIMITS
from gpt2kit.export.verb import export
from gpt2kit.model import hf
from gpt2kit.model.device import sums_of_int8_overflow
from gpt2kit.model.gpt2 import EMBEDDING, GPT2
from gpt2kit.model.inference import InferenceGPT2
from gpt2kit.selftest.decoding import differing, greedy
from gpt2kit.selftest.logits import apart, full
from gpt2kit.selftest.probes import NEW, Ids
from gpt2kit.selftest.run_under_test import RunUnderTest, opened

RunOf = Callable[..., Path]

SENTENCES = 1_000
SAMPLE = Path(gpt2kit.__file__).parent / "samples" / "translate" / "train.tsv"
LEARNS = [
    *("task.vocab=512", "model.size=", "model.n_layer=1", "model.n_head=2", "model.n_embd=48", "model.n_positions=64"),
    *("model.dropout=0", "train.steps=120", "train.batch_tokens=1024", "train.optimizer=adamw", "train.lr=1e-2"),
    *("train.label_smoothing=0", "train.ema=0", "train.dtype=fp32", "train.compile=off", "train.samples=0"),
    *("train.evaluate_every=120", "train.validate_tokens=1000"),
]
"""Settings under which the sentences have some hundred different answers after seconds."""


def sentences() -> list[list[str]]:
    """Pairs of the embedded corpus."""
    return [line.split("\t") for line in SAMPLE.read_text(encoding="utf-8").splitlines()[:1_500]]


@pytest.fixture(scope="session")
def trained(own_copy: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """A run that has seen the embedded corpus for a few seconds."""

    def make(folder: Path) -> None:
        corpus = [str(folder / "corpus.en"), str(folder / "corpus.fr")]
        for path, side in zip(corpus, zip(*sentences(), strict=True), strict=True):
            Path(path).write_text("".join(f"{line}\n" for line in side), encoding="utf-8")
        small = recipe.load("translate", LEARNS)
        gpt2kit.prepare(small, {"train": corpus, "val": corpus}, folder / "data")
        list(gpt2kit.train(small, folder / "data", folder / "run"))

    return own_copy("embedded-translate", make) / "run"


@pytest.fixture
def subject(run_of: RunOf) -> RunUnderTest:
    return opened(run_of("translate"))


def damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Change a weight between the writing and the proof."""
    write = CTranslate2.write

    def wrong(self: CTranslate2, subject: RunUnderTest, path: Path, dtype: str) -> None:
        write(self, subject, path, dtype)
        weight = subject.model.transformer.ln_f.weight.detach()
        written = (path / "model.bin").read_bytes()
        changed = written.replace(weight.numpy().tobytes(), (-weight).numpy().tobytes())
        assert changed != written
        (path / "model.bin").write_bytes(changed)

    monkeypatch.setattr(CTranslate2, "write", wrong)


def answers(generator: Any, prompts: list[list[str]]) -> list[Ids]:
    """As in the script of docs/elsewhere.md, but with the end tokens."""
    results = generator.generate_batch(
        prompts, max_length=NEW, max_batch_size=64, include_prompt_in_result=False, return_end_token=True
    )
    return [result.sequences_ids[0] for result in results]


def test_ctranslate2_translates_a_thousand_sentences_as_the_run_does(trained: Path, tmp_path: Path) -> None:
    export(trained, "ctranslate2", tmp_path / "out")
    sources = [english for english, _ in sentences()][:SENTENCES]
    assert len(set(sources)) == SENTENCES
    tokenizer = Tokenizer.from_file(str(tmp_path / "out" / "tokenizer.json"))
    prompts = [[*tokenizer.encode(source, add_special_tokens=False).tokens, "<to-fr>"] for source in sources]
    found = answers(ctranslate2.Generator(str(tmp_path / "out"), intra_threads=1), prompts)

    engine = gpt2kit.load(trained, {"dtype": "fp32"})
    task, model = engine.task, engine.model
    ids = [task.encode_source(task.parse(source)) for source in sources]
    wanted = greedy(InferenceGPT2(model, "fp32"), ids, task.vocabulary.eos, SENTENCES)
    different, ties = differing(model, ids, found, wanted, 2 * LIMITS["f32"])
    assert different == ties <= 10
    assert len(set(map(tuple, wanted))) > 300, "answers that differ from one another"
    assert sum(answer[-1] == task.vocabulary.eos for answer in wanted) > 300


COMPARED = ("facts equal the run's", "ids equal the run's", "logits equal the run's", "greedy answers equal the run's")


@pytest.mark.parametrize(("dtype", "share"), [("f32", 4), ("f16", 2), ("bf16", 2), ("int8", 1)])
def test_an_export_has_its_number_type_and_all_that_a_user_needs(
    trained: Path, tmp_path: Path, dtype: str, share: int, capfd: pytest.CaptureFixture[str]
) -> None:
    ctranslate2.set_log_level(logging.WARNING)
    done = export(trained, "ctranslate2", tmp_path / "out", dtype)
    in_fp32 = [check.name for check in done.checks if "computing in float32" in check.remark]
    stored = [] if dtype == "f32" else [f"logits equal those of the run's weights in {dtype}"]
    assert in_fp32 == [*COMPARED[:3], *stored, *COMPARED[3:]]
    others = [check.name for check in done.checks if "computing in float32" not in check.remark]
    compares = dtype != "int8" or not sums_of_int8_overflow()
    assert others == (list(COMPARED)[: 4 if compares else 3] if others else [])  # of another type on this machine
    assert [check.passed for check in done.checks[:-1]] == [True] * (len(done.checks) - 1)
    assert done.checks[-1].passed == (True if compares else None)
    assert others or dtype != "int8"
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("model.bin", "config.json", "vocabulary.json", "tokenizer.json", "tokenizer_config.json", "proof.md")
    }
    weights = hf.parameter_count(trained)
    assert share * weights < (tmp_path / "out" / "model.bin").stat().st_size < share * weights * 1.3 + 10_000
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["n_positions"] == 64
    assert {config[f"{name}_token"] for name in ("bos", "eos", "unk")} == {"<|endoftext|>"}
    assert capfd.readouterr() == ("", ""), "CTranslate2 warns where it computes with another type"
    assert ctranslate2.get_log_level() == logging.WARNING


def test_a_cpu_whose_sums_of_int8_overflow_does_not_judge_an_export(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gpt2kit.export.ctranslate2.sums_of_int8_overflow", lambda: True)
    done = export(trained, "ctranslate2", tmp_path / "out", "int8")
    last = done.checks[-1]
    assert (last.name, last.passed) == ("logits equal the run's", None)
    assert "this CPU has no VNNI instructions" in last.remark
    assert all(check.passed for check in done.checks[:-1])
    assert last.remark in (tmp_path / "out" / "proof.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["lm", "completion", "n_inner", "adapters", "surplus rows"])
def test_runs_of_text_are_exported(run_of: RunOf, copied: Callable[[Path], Path], tmp_path: Path, kind: str) -> None:
    if kind == "n_inner":
        run = run_of("translate", "model.n_inner=24", "model.n_head=4")
    elif kind == "adapters":
        run = run_of("translate", "train.lora=2", init=run_of("translate"))
    elif kind == "surplus rows":
        run = copied(run_of("translate"))
        model = hf.load(run)
        model.surplus_of[EMBEDDING] = 100 * torch.randn(20, 32)  # one of them would be the likeliest token everywhere
        hf.save(run, model, opened(run).task.vocabulary.eos)
    else:
        run = run_of(kind)
    done = export(run, "ctranslate2", tmp_path / "out")
    assert [check.passed for check in done.checks] == [True] * len(COMPARED)


@pytest.mark.parametrize(
    "variant",
    [
        {"activation_function": "gelu"},
        {"activation_function": "relu"},
        {"layer_norm_epsilon": 0.1},
        {"scale_attn_weights": False},
        {"scale_attn_by_inverse_layer_idx": True},
        {"tie_word_embeddings": False},
    ],
    ids=lambda variant: next(iter(variant)),
)
def test_variants_of_gpt2_are_computed(
    subject: RunUnderTest, tiny_model: Callable[..., GPT2], tmp_path: Path, variant: dict[str, Any]
) -> None:
    """CTranslate2's own converter leaves out the epsilon and the scales."""
    model, plain = (tiny_model(subject.model.vocab_size, **shape) for shape in (variant, {}))
    CTranslate2().write(replace(subject, model=model), tmp_path, "f32")
    ids = list(range(5, 25))
    with torch.no_grad():
        wanted, other = full(model, ids), full(plain, ids)
    found = np.array(ctranslate2.Generator(str(tmp_path), intra_threads=1).forward_batch([ids]))
    assert apart(torch.from_numpy(found)[0], wanted) < 5e-5
    assert apart(other, wanted) > 5e-4, "the variant matters"


def test_answers_end_with_the_window_and_a_prompt_may_be_one_token(subject: RunUnderTest, tmp_path: Path) -> None:
    """CTranslate2 stops with an error beyond the window, and returns the prompts that share a batch with one token."""
    CTranslate2().write(subject, tmp_path, "f32")
    window = subject.model.config.n_positions
    prompts = [[5], [5, 6, 7], [6], [7] * (window - 3), [8] * (window - 3), [9] * window]
    stop = subject.task.vocabulary.eos
    wanted = greedy(InferenceGPT2(subject.model, "fp32"), prompts, stop, len(prompts))
    assert Generator(tmp_path, window).greedy(prompts, NEW, stop) == wanted
    assert [len(answer) for answer in wanted][3:] == [3, 3, 1]


def test_a_changed_weight_is_found_and_nothing_is_written(
    run_of: RunOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged(monkeypatch)
    with pytest.raises(CheckFailed, match="2 of 4 checks of the export failed, nothing was written") as failure:
        export(run_of("translate"), "ctranslate2", tmp_path / "out", "f32")
    assert failure.value.exit_code == 7
    assert list(tmp_path.iterdir()) == []


def test_a_name_of_a_token_that_is_wrong_is_found(
    run_of: RunOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answers would have the right ids."""
    write = CTranslate2.write

    def swapped(self: CTranslate2, subject: RunUnderTest, path: Path, dtype: str) -> None:
        write(self, subject, path, dtype)
        names = json.loads((path / "vocabulary.json").read_text())
        names[-1], names[-2] = names[-2], names[-1]
        files.write_json(path / "vocabulary.json", names)

    monkeypatch.setattr(CTranslate2, "write", swapped)
    with pytest.raises(CheckFailed, match="1 of 4 checks"):
        export(run_of("translate"), "ctranslate2", tmp_path / "out")


def test_overwrite_replaces_an_export_and_no_other_folder_of_ctranslate2(run_of: RunOf, tmp_path: Path) -> None:
    run, out = run_of("translate"), tmp_path / "out"
    export(run, "ctranslate2", out)
    with pytest.raises(UserError, match="already exists; choose another --out, or replace it with --overwrite"):
        export(run, "ctranslate2", out)
    assert export(run, "ctranslate2", out, "int8", overwrite=True).dtype == "int8"
    (out / "proof.md").unlink()
    with pytest.raises(UserError, match="is not replaced: it is not a CTranslate2 export"):
        export(run, "ctranslate2", out, overwrite=True)


@pytest.mark.parametrize(
    ("kind", "settings", "reason"),
    [
        ("labelled", (), "no classifier"),
        ("music", (), "the tokens of this run are events of music"),
        ("summarize", ("model.attention=local,compressed", "model.n_layer=2", "model.block=32"), "local,compressed"),
    ],
)
def test_what_it_does_not_compute_is_refused(
    run_of: RunOf, tmp_path: Path, kind: str, settings: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(DataError, match=f"cannot be exported to ctranslate2: CTranslate2 .*{reason}"):
        export(run_of(kind, *settings), "ctranslate2", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_its_own_converter_takes_a_run_folder(by_heart: Path, tmp_path: Path) -> None:
    TransformersConverter(str(by_heart)).convert(str(tmp_path / "out"))
    generator = ctranslate2.Generator(str(tmp_path / "out"), intra_threads=1)
    engine: Any = gpt2kit.load(by_heart, {"dtype": "fp32"})
    sources = ["I am a student", "let them eat cake", "good morning"]
    prompts = [engine.task.encode_source(engine.task.parse(source)) for source in sources]
    found = answers(generator, [[engine.task.bpe.token(id) for id in prompt] for prompt in prompts])
    assert [engine.task.decode(ids) for ids in found] == engine(sources)
    assert engine(sources) == ["je suis étudiant", "qu'ils mangent du gâteau", "bonjour"]
