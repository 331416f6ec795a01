"""No dead knobs: every key of a recipe changes something that can be seen, each against the same work without it."""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import gpt2kit
from gpt2kit import recipe, tasks
from gpt2kit.config import SIZES, GenerateConfig, ModelConfig, TrainConfig
from gpt2kit.decoding import decode
from gpt2kit.decoding.batching import batches
from gpt2kit.errors import UserError
from gpt2kit.model.gpt2 import GPT2, Block
from gpt2kit.pipeline import opening
from gpt2kit.tasks.formats.labelled import Labelled
from gpt2kit.training import events, loop

Prepared = Callable[..., Any]
Examples = Callable[[str], Any]
Build = Callable[..., GPT2]
Trainable = dict[str, tuple[Any, Path]]

# [model]: shapes, or what random weights make of some ids in training

MODEL: dict[str, tuple[dict[str, Any], Any]] = {
    "size": ({}, "gpt2"),
    "n_layer": ({}, 3),
    "n_head": ({}, 4),
    "n_embd": ({}, 24),
    "n_inner": ({}, 8),
    "n_positions": ({}, 12),
    "dropout": ({}, 0.5),
    "attention": ({}, "relative"),
    "block": ({"attention": "local"}, 2),
    "compression": ({"attention": "compressed"}, 2),
    "activation_function": ({}, "relu"),
    "layer_norm_epsilon": ({}, 1e-3),
    "scale_attn_weights": ({}, False),
    "scale_attn_by_inverse_layer_idx": ({}, True),
    "tie_word_embeddings": ({}, False),
}
"""By knob: what else must be set, and another value than the default."""

SMALL: dict[str, Any] = {"n_layer": 2, "n_head": 2, "n_embd": 16, "n_positions": 16, "dropout": 0.0}


def shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        return {name: tuple(weight.shape) for name, weight in GPT2(config, 20).named_parameters()}


def model_seen(**values: Any) -> object:
    config = ModelConfig(**(values if "size" in values else SMALL | values))
    if config.size:
        return shapes(config)
    torch.manual_seed(0)
    model = GPT2(config, 20).train()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape) * 0.3)
        return shapes(config), model(torch.arange(10)[None]).tolist()


@pytest.mark.parametrize("key", recipe.knobs(ModelConfig))
def test_model_knobs(key: str) -> None:
    base, value = MODEL[key]
    assert model_seen(**base, **{key: value}) != model_seen(**base)


def test_a_size_is_its_shape() -> None:
    shape: dict[str, Any] = {**SIZES["gpt2"]}
    assert shapes(ModelConfig(size="gpt2")) == shapes(ModelConfig(**shape))


# [train]: events, work done, files and weights of a short run

TRAIN: dict[str, tuple[list[str], str]] = {
    "epochs": (["steps=0", "epochs=1"], "2.0"),
    "steps": ([], "5"),
    "least_steps": (["steps=0", "epochs=1"], "9"),
    "budget": (["steps=0"], "1s"),
    "batch_tokens": ([], "32"),
    "window": ([], "8"),
    "accumulate": ([], "2"),
    "optimizer": ([], "muon"),
    "lr": ([], "2e-2"),
    "muon_lr": (["optimizer=muon"], "2e-2"),
    "warmup": ([], "0.9"),
    "final_lr": ([], "0.5"),
    "decay": ([], "linear"),
    "position_vectors": ([], "false"),
    "zero_projections": ([], "true"),
    "beta2": ([], "0.5"),
    "weight_decay": ([], "0.9"),
    "clip": ([], "1e-3"),
    "loss_on": ([], "all"),
    "lm_weight": (["labelled"], "3.0"),
    "token_dropout": (["labelled"], "0.5"),
    "label_smoothing": ([], "0.3"),
    "ema": ([], "0.9"),
    "evaluate_every": ([], "1"),
    "samples": ([], "1"),
    "validate_tokens": (["batch_tokens=16"], "8"),
    "save_every": ([], "1"),
    "patience": (["lr=10", "warmup=0.9", "evaluate_every=1", "clip=0"], "1"),
    "freeze": (["init"], "1"),
    "lora": (["init"], "2"),
    "lora_alpha": (["init", "lora=2"], "64"),
    "lora_targets": (["init", "lora=2"], "c_fc"),
    "keep_state": ([], "false"),
    "keep_checkpoints": ([], "1"),
    "keep": (["lr=10", "warmup=0.9", "evaluate_every=1", "clip=0"], "best"),
    "dtype": ([], "bf16"),
    "compile": ([], "on"),
    "device": ([], "cuda:99"),
    "threads": ([], "1"),
    "checkpointing": ([], "true"),
    "tensorboard": ([], "true"),
    "seed": ([], "1"),
}
ELSEWHERE = {
    "parallel": "tests/training/test_distributed.py::test_two_processes_give_the_numbers_of_one",
    "budget_steps": "tests/training/test_schedule.py::test_a_run_goes_past_a_budget_that_is_too_short_to_learn",
}
"""Knobs that need several processes or a clock of their own."""


@pytest.fixture(scope="session")
def trainable(tmp_path_factory: pytest.TempPathFactory, prepared: Prepared) -> Trainable:
    """By kind of data: the tiny recipe and its prepared folder, with a run beside it to start from."""
    found = {}
    for kind in ("translate", "labelled"):
        folder = tmp_path_factory.mktemp(kind)
        tiny = prepared(kind, folder, "train.steps=4", "train.evaluate_every=2", "model.n_layer=2", "train.samples=0")
        found[kind] = (tiny, folder)
    tiny, folder = found["translate"]
    list(gpt2kit.train(tiny, folder / "data", folder / "init"))
    return found


@pytest.fixture
def work_done(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How often blocks were computed and states saved; nothing is compiled for this."""
    done = {"blocks": 0, "saves": 0}
    forward, save = Block.forward, loop.Loop.save

    def counted(self: Block, *arguments: Any, **named: Any) -> torch.Tensor:
        done["blocks"] += 1
        return forward(self, *arguments, **named)

    def saved(self: loop.Loop) -> None:
        done["saves"] += 1
        save(self)

    monkeypatch.setattr(Block, "forward", counted)
    monkeypatch.setattr(loop.Loop, "save", saved)
    monkeypatch.setattr(torch, "compile", lambda function, **_: function)
    monkeypatch.setattr(nn.Module, "compile", lambda self, **_: None)
    return done


def training_seen(trainable: Trainable, settings: list[str], done: dict[str, int], run: Path) -> object:
    tiny, folder = trainable["labelled" if "labelled" in settings else "translate"]
    init = str(folder / "init") if "init" in settings else None
    chosen = [f"train.{setting}" for setting in settings if "=" in setting]
    done.update(blocks=0, saves=0)
    try:
        changed = recipe.build("changed", recipe.apply(tiny.table(), chosen))
        told = list(gpt2kit.train(changed, folder / "data", run, init))
    except UserError as error:
        return str(error)
    seen = [
        (event.step, event.steps, event.loss, event.rate) if isinstance(event, events.StepDone) else event
        for event in told
    ]
    files = sorted(path.relative_to(run).parts[0] for path in run.rglob("*"))
    weights = [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(run.glob("*model.safetensors"))]
    return seen, files, weights, dict(done)


def test_every_train_knob_is_in_the_table() -> None:
    assert set(TRAIN) | set(ELSEWHERE) == set(recipe.knobs(TrainConfig))
    for node in ELSEWHERE.values():
        path, name = node.split("::")
        assert f"def {name}(" in (Path(__file__).parents[1] / path).read_text(encoding="utf-8")


BEFORE: dict[tuple[str, ...], object] = {}
"""What was seen without a knob."""


@pytest.mark.parametrize("key", TRAIN)
def test_train_knobs(
    key: str, trainable: Trainable, work_done: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, value = TRAIN[key]
    if key == "budget":
        monkeypatch.setattr(loop.Loop.__init__, "__defaults__", (None, None, lambda: 8 * time.perf_counter()))
    if tuple(base) not in BEFORE:
        BEFORE[tuple(base)] = training_seen(trainable, base, work_done, tmp_path / "before")
        again = training_seen(trainable, base, work_done, tmp_path / "again")
        assert again == BEFORE[tuple(base)], "what is compared does not change by itself"
    before = BEFORE[tuple(base)]
    assert training_seen(trainable, [*base, f"{key}={value}"], work_done, tmp_path / "after") != before


# [generate]: answers, and what they are made by

GENERATE: dict[str, tuple[dict[str, Any], Any]] = {
    "beams": ({}, 3),
    "length_penalty": ({"beams": 3}, 3.0),
    "temperature": ({"seed": 0}, 1.0),
    "mbr": ({"temperature": 1.0, "seed": 0}, 3),
    "top_k": ({"temperature": 1.0, "seed": 0}, 2),
    "top_p": ({"temperature": 1.0, "seed": 0}, 0.3),
    "repetition_penalty": ({}, 1.7),
    "penalty_on": ({"repetition_penalty": 1.7}, "answer"),
    "max_new_tokens": ({}, 3),
    "max_ratio": ({"max_new_tokens": 40, "ban_ids": (0,)}, 0.5),
    "roll": ({"max_new_tokens": 100, "ban_ids": (0,)}, True),
    "stop_ids": ({}, tuple(range(10))),
    "ban_ids": ({}, tuple(range(10))),
    "batch_rows": ({}, 1),
    "dtype": ({"dtype": "fp32"}, "bf16"),
    "seed": ({"temperature": 1.0, "seed": 0}, 5),
}
BY_THE_ENGINE = {"device", "stop", "grammar", "mbr_metric", "knn", "knn_neighbors", "knn_temperature"}
"""Knobs that choose where the model is, before it decodes, where a text ends, which the core never sees, whether the
task's grammar is used: see tests/cli/test_music_verbs.py, which sample is the answer: see
tests/pipeline/test_minimum_risk.py, and what the training data says: see below."""


def decoding_seen(model: GPT2, **values: Any) -> object:
    """Answers with their scores, batch by batch; and what arithmetic made them."""
    config = GenerateConfig(**({"max_new_tokens": 20} | values))
    try:
        decoder = decode.for_inference(model, config.dtype)
    except UserError as error:
        return str(error)
    together = batches(decoder, [2, 1, 7], config)
    prompts = [[5, 3], [7], [1, 2, 3, 4, 5, 6, 7]]
    answers = {found.index: found.answers for found in decode.answers(decoder, prompts, config, 0)}
    return answers, list(together), str(decoder.dtype)


@pytest.mark.parametrize("key", GENERATE)
def test_generate_knobs(key: str, tiny_model: Build) -> None:
    base, value = GENERATE[key]
    model = tiny_model(seed=14)
    before = decoding_seen(model, **base)
    assert decoding_seen(model, **base) == before
    assert decoding_seen(model, **base | {key: value}) != before


def test_every_generate_knob_is_in_the_table() -> None:
    assert set(GENERATE) | BY_THE_ENGINE == set(recipe.knobs(GenerateConfig))


@pytest.mark.parametrize("changed", [{"knn": 0.9}, {"knn_neighbors": 2}, {"knn_temperature": 0.1}])
def test_neighbors_count_as_set(changed: dict[str, Any], by_heart: Path, tmp_path: Path) -> None:
    shutil.copytree(by_heart.parent, tmp_path / "project")
    engine = gpt2kit.load(tmp_path / "project" / "run")
    source, seen = engine.task.parse("let them"), []
    for settings in ({}, changed):
        config = engine.configured({"knn": 0.5, "knn_neighbors": 4} | settings)
        seen.append(next(engine.results([source], config, scored=True)).log_probabilities)
    assert seen[0] != seen[1]


def test_the_device_is_where_the_model_is(by_heart: Path) -> None:
    assert gpt2kit.load(by_heart, {"device": "cpu"}).model.head.device.type == "cpu"
    with pytest.raises(UserError, match="cuda:99"):
        gpt2kit.load(by_heart, {"device": "cuda:99"}).results(["I am a student"]).__next__()


# [task]: what preparing, training or asking makes of them

LONG = " ".join(f"Sentence {number} says a little." for number in range(60))


def prepared_seen(task: str, tiny: list[str], corpus: list[str], folder: Path, *settings: str) -> object:
    """The files of a prepared folder, but for what repeats the settings."""
    try:
        gpt2kit.prepare(recipe.load(task, [*tiny, *settings]), {"train": corpus}, folder)
    except UserError as error:
        return str(error)
    kept = (path for path in sorted(folder.iterdir()) if path.name not in ("task.json", "prepare.json"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in kept}


def jsonl(path: Path, rows: list[dict[str, Any]]) -> list[str]:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return [str(path)]


def table(folder: Path) -> list[str]:
    """Rows with columns for every task."""
    rows = [
        {"en": f"one {n}", "fr": f"un {n}", "de": f"ein {n}", "title": f"T{n}", "body": f"{LONG} {n}"}
        | {"lead": f"It is {n}. More of it. And more again.", "summary": f"Short {n}.", "text": f"text {n}"}
        | {"label": "ab"[n % 2], "question": f"q {n}", "answer": f"a {n}", "options": ["x", "y", "z"], "place": n % 2}
        for n in range(60)
    ]
    return jsonl(folder / "rows.jsonl", rows)


PREPARED: dict[tuple[str, str], tuple[list[str], str]] = {
    ("translate", "held_out"): (["task.columns=en,fr"], "0.5"),
    ("translate", "vocab"): (["task.columns=en,fr"], "310"),
    ("translate", "tokenizer"): (["task.columns=en,fr"], "TOKENIZER"),
    ("translate", "to"): (["task.columns=en,fr"], "de"),
    ("translate", "languages"): (["task.columns=en,fr"], "fr,de"),
    ("translate", "columns"): (["task.columns=en,fr"], "en,de"),
    ("summarize", "held_out"): ([], "0.5"),
    ("summarize", "vocab"): ([], "310"),
    ("summarize", "tokenizer"): ([], "TOKENIZER"),
    ("summarize", "columns"): ([], "body,summary"),
    ("summarize", "cut"): ([], "head-tail"),
    ("summarize", "longest"): ([], "8"),
    ("lm", "held_out"): (["task.column=text"], "0.5"),
    ("lm", "vocab"): (["task.column=text"], "310"),
    ("lm", "tokenizer"): (["task.column=text"], "TOKENIZER"),
    ("lm", "column"): (["task.column=text"], "body"),
    ("lm", "separator"): ([], "|"),
    ("finetune", "held_out"): (["task.columns=text=text,label=label"], "0.5"),
    ("finetune", "vocab"): (["task.columns=text=text,label=label"], "310"),
    ("finetune", "tokenizer"): (["task.columns=text=text,label=label"], "TOKENIZER"),
    ("finetune", "columns"): (["task.columns=text=text,label=label"], "prompt=question,completion=answer"),
    ("finetune", "separator"): ([], "|"),
    ("finetune", "kind"): (["task.columns=text=text"], "completion"),
    ("finetune", "missing"): (["task.columns=text=text,label=label"], "a"),
    ("finetune", "count_from"): (["task.columns=context=question,choices=options,answer=place"], "1"),
    ("finetune", "template"): (["task.template=Q: {question} A: {answer}"], "{question}? {answer}!"),
    ("music", "held_out"): ([], "0.9"),
    ("music", "instruments"): ([], "all"),
    ("music", "salvage"): ([], "true"),
}
"""By task and knob: what else must be set, and another value; seen in the prepared folder, or in what is refused."""

ASKED = {
    ("summarize", "title"),
    ("translate", "examples"),
    ("translate", "references"),
    ("translate", "tokenize"),
    ("finetune", "labels"),
    ("music", "transpose"),
    ("music", "stretch"),
    ("music", "infill"),
}
"""Knobs that are read later; a test of each follows."""


def test_every_task_knob_is_in_a_table() -> None:
    there = {(name, key) for name in tasks.names() for key in recipe.knobs(tasks.find(name))}
    assert set(PREPARED) | ASKED == there


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> str:
    from gpt2kit.data.bpe import Bpe

    folder = tmp_path_factory.mktemp("tokenizer")
    Bpe.train(iter(["another text altogether " * 9]), 280, []).save(folder, 64)
    return str(folder)


@pytest.mark.parametrize(("task", "key"), PREPARED)
def test_task_knobs(
    task: str, key: str, examples: Examples, tokenizer: str, tmp_path: Path, random_notes: Callable[..., Any]
) -> None:
    base, value = PREPARED[task, key]
    tiny = [setting for setting in examples(task).TINY if not setting.startswith("task.") or "vocab" in setting]
    corpus = table(tmp_path)
    if key == "separator":
        corpus = [str(tmp_path / "a.txt")]
        Path(corpus[0]).write_text("".join(f"document {n}|" for n in range(40)), encoding="utf-8")
    if task == "music":
        from gpt2kit.music.midi import write_midi

        corpus = [str(tmp_path / f"{number}.mid") for number in range(8)]
        for number, path in enumerate(corpus):
            write_midi(Path(path), random_notes(number))
        guitar, cut = map(Path, corpus[-2:])
        guitar.write_bytes(guitar.read_bytes().replace(b"\xc0\x00", b"\xc0\x18"))
        cut.write_bytes(cut.read_bytes()[:-30])
    setting = f"task.{key}={value.replace('TOKENIZER', tokenizer)}"
    before = prepared_seen(task, tiny, corpus, tmp_path / "before", *base)
    assert isinstance(before, dict), before
    assert prepared_seen(task, tiny, corpus, tmp_path / "after", *base, setting) != before


def test_a_title_is_read(prepared: Prepared, tmp_path: Path) -> None:
    tiny = prepared("summarize", tmp_path)
    list(gpt2kit.train(tiny, tmp_path / "data", tmp_path / "run"))
    prompts = [gpt2kit.load(tmp_path / "run", title=title).task for title in ("", "Oak")]
    assert prompts[0].encode_source(prompts[0].parse("text")) != prompts[1].encode_source(prompts[1].parse("text"))


def test_examples_are_shown(by_heart: Path, tmp_path: Path) -> None:
    path = jsonl(tmp_path / "few.jsonl", [{"en": "one", "fr": "un"}])[0]
    prompts = []
    for examples in ("", path):
        asked = opening.zero_shot("translate", str(by_heart), {}, examples=examples).task
        prompts.append(asked.encode_source(asked.parse("two")))
    assert prompts[0] != prompts[1]


def test_references_and_the_tokenization_are_scored(by_heart: Path) -> None:
    corpus = by_heart.parent / "corpus.jsonl"
    choices: tuple[dict[str, Any], ...] = ({}, {"tokenize": "char"}, {"references": "en"})
    signatures = [
        gpt2kit.evaluate(gpt2kit.load(by_heart, **settings), corpus, limit=1).scores[0].signature
        for settings in choices
    ]
    shown = [signature.partition("|version")[0] for signature in signatures]
    assert shown == [
        f"nrefs:{number}|case:mixed|eff:no|tok:{name}|smooth:exp"
        for number, name in ((1, "13a"), (1, "char"), (2, "13a"))
    ]


def test_labels_have_numbers() -> None:
    assert Labelled(kind="classification", labels=("a", "b")).layout.labels == ("a", "b")


@pytest.mark.parametrize("setting", [{"transpose": 5}, {"stretch": 0.3}, {"infill": 0.5}])
def test_music_is_varied(setting: dict[str, Any], random_notes: Callable[..., Any]) -> None:
    import numpy as np

    from gpt2kit.tasks.music import Music

    plain = Music(transpose=0, stretch=0.0)
    ring = np.array(plain.encode_target(random_notes(1)))

    def windows(task: Music) -> Iterator[list[int]]:
        for seed in range(20):
            yield task.layout.crop(ring, 0, 40, np.random.default_rng(seed)).tolist()

    assert list(windows(replace(plain, **setting))) != list(windows(plain))
