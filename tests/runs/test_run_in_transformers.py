"""A run folder in transformers, by nothing but its files: pipelines, padding, Trainer, and back to gpt2kit."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForLanguageModeling,
    DataCollatorForSeq2Seq,
    GenerationConfig,
    Trainer,
    TrainingArguments,
    pipeline,
)

import gpt2kit
from gpt2kit import files, recipe
from gpt2kit.model import hf, hf_config
from gpt2kit.pipeline.merge import merge
from gpt2kit.pipeline.opening import load
from gpt2kit.runs.folder import Run
from gpt2kit.selftest.run_under_test import opened
from gpt2kit.selftest.texts import tokenizer_as_recorded

RunOf = Callable[..., Path]

WINDOW = 64
SHORT = ("train.steps=1", "train.evaluate_every=1", "train.optimizer=adamw", "train.dtype=fp32", "train.compile=off")
LOCAL = ("model.attention=local", "model.block=16", "train.steps=60", "train.evaluate_every=60")
TEXTS = ["I am a student", "good", "they eat a good apple, a good apple", "are you a student?", " dog"]


@pytest.fixture(params=["full", "local"])
def trained(request: pytest.FixtureRequest, run_of: RunOf, by_heart: Path) -> Path:
    """A run that has learned to end its answers, of GPT-2's attention and of another."""
    return by_heart if request.param == "full" else run_of("translate", *LOCAL)


def both(run: Path) -> tuple[Any, Any]:
    tokenizer, model = (
        kind.from_pretrained(run, trust_remote_code=True) for kind in (AutoTokenizer, AutoModelForCausalLM)
    )
    return tokenizer, model.eval()


def test_a_pipeline_decodes_like_gpt2kit_and_keeps_to_the_window(trained: Path) -> None:
    ours = load(trained, {"max_ratio": 0.0, "max_new_tokens": WINDOW})
    theirs: Any = pipeline("text-generation", str(trained), trust_remote_code=True, device="cpu")
    prompts = [f"{text}<to-fr>" for text in TEXTS]
    alone = [theirs(prompt, return_full_text=False)[0]["generated_text"] for prompt in prompts]
    assert alone == [ours(text) for text in TEXTS]
    assert len(set(alone)) > 2, "answers that are all alike would prove nothing"
    for _ in range(3):
        assert [theirs(prompt, return_full_text=False)[0]["generated_text"] for prompt in prompts] == alone
    together = theirs(prompts, batch_size=3, return_full_text=False)
    assert [each[0]["generated_text"] for each in together] == alone
    tokenizer = theirs.tokenizer
    for length in (1, WINDOW - 10, WINDOW - 1):
        text = tokenizer.decode([tokenizer.encode(" a")[0]] * (length - 1)) + "<to-fr>"
        assert len(tokenizer(text).input_ids) == length
        (answer,) = theirs(text, return_tensors=True)
        assert length < len(answer["generated_token_ids"]) <= WINDOW
    with pytest.raises(ValueError, match=f"Input length of input_ids is {WINDOW}, but `max_length` is set to {WINDOW}"):
        theirs(f"{text} a", return_full_text=False)


@pytest.mark.parametrize("kind", ["lm", "adapters merged"])
def test_a_pipeline_of_other_runs(run_of: RunOf, tmp_path: Path, kind: str) -> None:
    run, end = run_of("lm"), ""
    if kind != "lm":
        merge(run_of("translate", "train.lora=2", init=run_of("translate")), run := tmp_path / "merged")
        end = "<to-fr>"
    ours = load(run, {"max_ratio": 0.0, "max_new_tokens": WINDOW})
    theirs: Any = pipeline("text-generation", str(run), device="cpu")
    for text in ("I am a student", "good", " dog"):
        assert theirs(f"{text}{end}", return_full_text=False)[0]["generated_text"] == ours(text)


def test_a_padded_batch_gives_the_answers_of_its_texts(trained: Path) -> None:
    """An answer without an end is cut earlier: padding counts towards the length limit."""
    tokenizer, model = both(trained)
    prompts = [f"{text}<to-fr>" for text in TEXTS]
    batch = tokenizer(prompts, padding=True, return_tensors="pt")
    assert (batch.attention_mask == 0).any()
    size, endless = batch.input_ids.size(1), 0
    for prompt, together in zip(prompts, model.generate(**batch), strict=True):
        ids = tokenizer(prompt, return_tensors="pt")
        alone = model.generate(**ids)[0, ids.input_ids.size(1) :].tolist()
        if alone[-1] == tokenizer.eos_token_id:
            assert together[size:].tolist()[: len(alone)] == alone
        else:
            assert together[size:].tolist() == alone[: WINDOW - size]
            endless += 1
    assert endless < len(prompts)


def rows_of(run: Path, tokenizer: Any) -> list[dict[str, list[int]]]:
    """The pairs of the training data, as the page says: labels for the answer and its end."""
    prepared = Run(run).prepared
    store = prepared.store("train")
    pairs = [store.row(number) for number in range(len(store))]
    assert all(target[-1] == tokenizer.eos_token_id for _, target in pairs)
    return [{"input_ids": prompt + target, "labels": [-100] * len(prompt) + target} for prompt, target in pairs]


@pytest.mark.filterwarnings("ignore:'pin_memory' argument is set as true:UserWarning")
def test_trainer_trains_a_run_and_gpt2kit_reads_what_it_saves(trained: Path, tmp_path: Path) -> None:
    tokenizer, model = both(trained)
    arguments = TrainingArguments(
        output_dir=str(tmp_path / "out"),
        max_steps=2,
        per_device_train_batch_size=3,
        learning_rate=1e-3,
        report_to=[],
        use_cpu=True,
        save_strategy="no",
        disable_tqdm=True,
    )
    before = model.transformer.wte.weight.detach().clone()
    rows = rows_of(trained, tokenizer)
    tokenizer.padding_side = "right"
    collator = DataCollatorForSeq2Seq(tokenizer)
    batch = collator(rows[:3])
    assert (batch["labels"] == tokenizer.eos_token_id).sum() == 3, "the end of each answer is learned"
    trainer = Trainer(model, arguments, train_dataset=rows, data_collator=collator, processing_class=tokenizer)
    assert trainer.train().global_step == 2
    assert not torch.equal(model.transformer.wte.weight, before)
    trainer.save_model(str(tmp_path / "saved"))
    assert torch.equal(hf.load(tmp_path / "saved").transformer.wte.weight, model.transformer.wte.weight)

    again = AutoTokenizer.from_pretrained(tmp_path / "saved")
    assert [again(text).input_ids for text in TEXTS] == [tokenizer(text).input_ids for text in TEXTS]
    settings = [f"task.tokenizer={tmp_path / 'saved'}", "train.samples=0", *SHORT]
    small = recipe.load("translate", settings)
    corpus = [str(Run(trained).data_path.parent / "corpus.jsonl")]
    gpt2kit.prepare(small, {"train": corpus, "val": corpus}, tmp_path / "data")
    list(gpt2kit.train(small, tmp_path / "data", tmp_path / "run", tmp_path / "saved"))
    assert load(tmp_path / "run").model.config.n_positions == WINDOW
    assert Run(tmp_path / "run").task.vocabulary.size == Run(trained).task.vocabulary.size


def test_their_collator_for_language_models_masks_the_end(by_heart: Path) -> None:
    """Since the padding token is the end token: the page says so."""
    tokenizer, _ = both(by_heart)
    ids = tokenizer("good<to-fr>bon<|endoftext|>").input_ids
    batch = DataCollatorForLanguageModeling(tokenizer, mlm=False)([{"input_ids": ids}])
    assert batch["labels"][0, :-1].tolist() == ids[:-1]
    assert batch["labels"][0, -1] == -100


def test_a_run_that_transformers_saved_again(trained: Path, tmp_path: Path) -> None:
    """Its tokenizer then has another class, and its config other keys; the model and the ids are the same."""
    tokenizer, model = both(trained)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    written = json.loads((tmp_path / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert written["tokenizer_class"] == "TokenizersBackend"
    ours = hf.load(tmp_path)
    for name, weight in hf.load(trained).named_parameters():
        assert torch.equal(dict(ours.named_parameters())[name], weight)
    task = Run(trained).task
    assert task.vocabulary.extends(tmp_path)
    assert task.opened(tmp_path).encode_source(task.parse("I am")) == task.encode_source(task.parse("I am"))
    again, model_again = both(tmp_path)
    prompt = again("I am<to-fr>", return_tensors="pt")
    assert torch.equal(model_again.generate(**prompt), model.generate(**prompt))
    assert (again.pad_token, again.unk_token, again.padding_side) == ("<|endoftext|>", "<|endoftext|>", "left")
    assert again.model_max_length == WINDOW


def test_a_run_that_transformers_saved_in_its_place(
    trained: Path, tmp_path: Path, copy_run: Callable[[Path, Path], Path]
) -> None:
    """It appends a post-processor that adds nothing to the tokenizer, which does not change what the ids mean."""
    run = copy_run(trained, tmp_path / "run")
    tokenizer, model = both(run)
    model.save_pretrained(run)
    tokenizer.save_pretrained(run)
    assert json.loads((run / "tokenizer.json").read_text(encoding="utf-8"))["post_processor"]
    assert [load(run)(text) for text in TEXTS] == [load(trained)(text) for text in TEXTS]
    check = tokenizer_as_recorded(opened(run))
    assert check.passed, check.remark


@pytest.mark.parametrize("kind", ["translate", "lm", "labelled", "adapters", "local"])
def test_the_tokenizer_s_settings(run_of: RunOf, kind: str) -> None:
    if kind == "adapters":
        run = run_of("translate", "train.lora=2", init=run_of("translate"))
    else:
        run = run_of("translate", *LOCAL) if kind == "local" else run_of(kind)
    tokenizer = AutoTokenizer.from_pretrained(run, trust_remote_code=kind == "local")
    assert tokenizer.padding_side == ("right" if kind == "labelled" else "left")
    assert tokenizer.pad_token_id == tokenizer.unk_token_id == Run(run).task.vocabulary.eos
    config = files.read_json(hf_config.path_of(run))
    assert config["n_positions"] == config["n_ctx"]
    assert tokenizer.model_max_length == config["n_positions"] - (kind == "labelled")  # gpt2kit cuts its texts there


def test_the_window_is_the_model_s(by_heart: Path, tmp_path: Path) -> None:
    """Data that was prepared for a shorter window, by any version, does not shorten it."""
    settings = [f"task.tokenizer={by_heart}", "model.n_positions=32", "train.samples=0", *SHORT]
    corpus = [str(by_heart.parent / "corpus.jsonl")]
    gpt2kit.prepare(recipe.load("translate", settings), {"train": corpus, "val": corpus}, tmp_path / "data")
    older = json.loads((tmp_path / "data" / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert older.pop("model_max_length") == 32
    described = json.loads((tmp_path / "data" / "task.json").read_text(encoding="utf-8"))
    del older["pad_token"], older["unk_token"], older["padding_side"], described["copied"]
    (tmp_path / "data" / "tokenizer_config.json").write_text(json.dumps(older), encoding="utf-8")
    (tmp_path / "data" / "task.json").write_text(json.dumps(described), encoding="utf-8")
    settings.remove("model.n_positions=32")
    list(gpt2kit.train(recipe.load("translate", settings), tmp_path / "data", tmp_path / "run", by_heart))
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "run")
    assert (tokenizer.model_max_length, tokenizer.pad_token) == (WINDOW, "<|endoftext|>")
    Run.open(tmp_path / "run").check_copied()


def test_a_run_of_an_older_version_opens(
    by_heart: Path, tmp_path: Path, copy_run: Callable[[Path, Path], Path]
) -> None:
    run = copy_run(by_heart, tmp_path / "old")
    config = json.loads((run / "tokenizer_config.json").read_text(encoding="utf-8"))
    older = {key: config[key] for key in ("tokenizer_class", "bos_token", "eos_token", "model_max_length")}
    (run / "tokenizer_config.json").write_text(json.dumps(older), encoding="utf-8")
    ends = dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"), 0)
    (run / "generation_config.json").write_text(json.dumps(ends), encoding="utf-8")
    config = json.loads((run / "config.json").read_text(encoding="utf-8"))
    del config["n_ctx"]
    (run / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert load(run)("good") == load(by_heart)("good")


def test_checkpoints_and_merged_runs_have_the_settings_of_the_run(run_of: RunOf, tmp_path: Path) -> None:
    settings = ("generate.temperature=0.5", "generate.top_k=7", "train.keep_checkpoints=1")
    adapted = run_of("translate", "train.lora=2", *settings, init=run_of("translate"))
    merge(adapted, tmp_path / "merged")
    (checkpoint, *_) = sorted((adapted / "checkpoints").iterdir())
    for folder in (adapted, checkpoint, tmp_path / "merged"):
        decoding = GenerationConfig.from_pretrained(folder)
        assert (decoding.do_sample, decoding.temperature, decoding.top_k) == (True, 0.5, 7)
        assert decoding.max_length == AutoTokenizer.from_pretrained(folder).model_max_length == WINDOW
        Run.open(folder).check_copied()
