"""prepare, train, evaluate from end to end: what is learnt, kept apart, resumed and refused."""

import json
import re
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

import gpt2kit
from gpt2kit import files, recipe
from gpt2kit.data.batches import RowBatches
from gpt2kit.data.bpe import Bpe
from gpt2kit.data.report import WIDTH, SplitReport
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError, UserError
from gpt2kit.model import hf, hf_config
from gpt2kit.model.device import pick_dtype
from gpt2kit.pipeline.evaluate import evaluate_records
from gpt2kit.pipeline.evaluation_sets import stored_records
from gpt2kit.pipeline.train import Samples
from gpt2kit.recipe import Recipe
from gpt2kit.runs.folder import Run
from gpt2kit.runs.prepared import Prepared
from gpt2kit.selftest.prove import prove
from gpt2kit.tasks.record import Record
from gpt2kit.tasks.translate import Sentence, Translate
from gpt2kit.training import events
from gpt2kit.training.validate import validation_loss

Examples = Callable[[str], Any]
Corpora = Mapping[str, Sequence[str]]


@pytest.fixture
def tiny(examples: Examples) -> Recipe:
    return recipe.load("translate", examples("translate").TINY)


@pytest.fixture
def corpus(examples: Examples, tmp_path: Path) -> list[str]:
    words: list[str] = examples("translate").write_corpus(tmp_path)
    return words


def with_settings(tiny: Recipe, *settings: str) -> Recipe:
    return recipe.build(tiny.name, recipe.apply(tiny.table(), settings))


def write(path: Path, *lines: str) -> str:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


def rows(folder: Path, split: str) -> list[Record[Any, Any]]:
    """What stands in a prepared split, as texts."""
    task = Prepared.open(folder).task
    store = Store(folder, split)
    pairs = [store.row(index) for index in range(len(store))]
    assert all(target[-1] == task.vocabulary.eos for _, target in pairs)
    return [Record(task.decode_source(prompt), task.decode(target)) for prompt, target in pairs]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def metrics(run: Path) -> list[dict[str, Any]]:
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


def losses(run: Path) -> list[tuple[int, float]]:
    """(step, loss) to the last bit: JSON keeps every float as it was."""
    return [(line["step"], line["loss"]) for line in metrics(run) if "loss" in line]


def no_leftovers(folder: Path) -> bool:
    return not [path for path in folder.rglob("*") if path.name.endswith((".tmp", ".old"))]


# learning


def test_a_few_pairs_are_learnt_by_heart_and_scored(by_heart: Path, examples: Examples) -> None:
    opened = gpt2kit.load(by_heart)
    records = list(stored_records(Run(by_heart).prepared, opened.task, "val")[1])
    assert [(r.source.text, r.target) for r in records] == examples("translate").PAIRS
    seen: list[int] = []
    evaluation = evaluate_records(opened, records, "pairs", by_heart.parent / "said.jsonl", seen.append)
    scores = {score.name: score.value for score in evaluation.scores}
    assert scores == {"BLEU": pytest.approx(100), "chrF++": pytest.approx(100)}
    assert (evaluation.count, evaluation.truncated, evaluation.unfinished) == (4, 0, 0)
    assert evaluation.signature.startswith(
        f"set:pairs|n:4|decode:t:0.0|max:{opened.config.max_new_tokens}|{pick_dtype('auto', torch.device('cpu'))}|"
    )
    assert seen == [1, 2, 3, 4]
    said = [json.loads(line) for line in (by_heart.parent / "said.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(row["n"], "id" in row) for row in said] == [(1, False), (2, False), (3, False), (4, False)]
    assert [row["output"] for row in said] == [row["target"] for row in said] == [r.target for r in records]
    assert json.dumps(evaluation.json())
    with pytest.raises(DataError, match="nothing has no records to evaluate on"):
        evaluate_records(opened, [], "nothing")


def test_metrics_have_every_step(by_heart: Path) -> None:
    lines = metrics(by_heart)
    assert [line["step"] for line in lines if "loss" in line] == list(range(1, 61))
    assert all(
        line.keys() == {"step", "epoch", "loss", "rate", "tokens_per_second", "of_peak"}
        for line in lines
        if "loss" in line
    )
    assert [line["step"] for line in lines if "validation_loss" in line] == [60]
    assert all(0 < line["of_peak"] < 1 for line in lines if "loss" in line)
    assert lines[-1]["validation_loss"] < 0.1 < lines[0]["loss"]


def test_a_finished_run_says_what_it_was_made_of(by_heart: Path) -> None:
    described = files.read_json(by_heart / "run.json")
    assert described["finished"] is True
    assert described["init"] is None
    assert described["data"] == "../data"
    assert Run(by_heart).data_path == by_heart.parent / "data"
    assert (by_heart / "state.safetensors").is_file(), "it can be resumed with more steps"
    resolved = Run(by_heart).recipe
    assert (resolved.train.steps, resolved.model.n_embd) == (60, 32)
    assert isinstance(resolved.task, Translate)
    assert resolved.task.languages == ("fr",)
    assert no_leftovers(by_heart.parent)


def test_samples_are_shown_at_each_validation(
    tiny: Recipe, corpus: list[str], examples: Examples, tmp_path: Path
) -> None:
    sampling = with_settings(tiny, "train.samples=2", "train.steps=4", "train.evaluate_every=2")
    gpt2kit.prepare(sampling, {"train": corpus, "val": corpus}, tmp_path / "data")
    seen = list(gpt2kit.train(sampling, tmp_path / "data", tmp_path / "run"))
    samples = [event for event in seen if isinstance(event, Samples)]
    assert [event.step for event in samples] == [2, 4]
    shown = {(source, target) for source, _, target in samples[0].rows}
    assert len(shown) == 2
    assert shown <= set(examples("translate").PAIRS)


def test_keep_best_keeps_the_best(tiny: Recipe, corpus: list[str], tmp_path: Path) -> None:
    """A rate that grows until the loss explodes: the weights of the lowest validation are the ones left."""
    wild = with_settings(
        tiny, "train.keep=best", "train.steps=30", "train.warmup=0.99", "train.lr=1", "train.evaluate_every=3"
    )
    gpt2kit.prepare(wild, {"train": corpus, "val": corpus}, tmp_path / "data")
    seen = list(gpt2kit.train(wild, tmp_path / "data", tmp_path / "run"))
    found = [event for event in seen if isinstance(event, events.Validation)]
    best = min(event.loss for event in found)
    assert best < found[-1].loss
    store = Store(tmp_path / "data", "val")
    left = validation_loss(hf.load(tmp_path / "run"), RowBatches(store, 4096, 0), torch.device("cpu"), "fp32")
    assert left == pytest.approx(best, rel=1e-5)


# prepare


def test_a_hash_splits_and_no_source_is_on_both_sides(tiny: Recipe, tmp_path: Path) -> None:
    lines = [f"sentence number {n % 40}\tphrase numéro {n}" for n in range(120)]
    path = write(tmp_path / "pairs.tsv", *lines)
    reports = gpt2kit.prepare(tiny, {"train": [path]}, tmp_path / "data")
    train, val = ({r.source.text.strip() for r in rows(tmp_path / "data", split)} for split in ("train", "val"))
    assert train
    assert val
    assert not train & val
    assert len(train | val) == 40
    assert reports["train"].rows + reports["val"].rows == 120
    assert reports["val"].leaked == 0
    gpt2kit.prepare(tiny, {"train": [write(tmp_path / "back.tsv", *reversed(lines))]}, tmp_path / "again")
    assert {r.source.text.strip() for r in rows(tmp_path / "again", "val")} == val, "the order plays no part"


def test_the_tokenizer_is_learnt_from_train_alone(tiny: Recipe, tmp_path: Path) -> None:
    train = write(tmp_path / "train.tsv", *["aaaa bbbb\tbbbb aaaa"] * 9)
    val = write(tmp_path / "val.tsv", *["zzzz yyyy\tzzzz yyyy"] * 9)
    gpt2kit.prepare(tiny, {"train": [train], "val": [val]}, tmp_path / "data")
    tokens = Bpe.load(tmp_path / "data").tokenizer.get_vocab()
    assert "aa" in tokens
    assert "zz" not in tokens


def test_drops_leaks_duplicates_and_cuts_are_counted(tiny: Recipe, tmp_path: Path) -> None:
    train = write(
        tmp_path / "train.tsv",
        *("good morning\tbonjour", "good morning\tbonjour", "good morning\tsalut", "\tvide", "empty\t", " \t\u3000"),
        *("long " * 100 + "\tlong", "short\t" + "long " * 100, "last\tfin"),
    )
    val = write(tmp_path / "val.tsv", "good morning\tbonjour", " good morning \tsalut", "new\tneuf")
    test = write(tmp_path / "test.tsv", "last\tfin", "newer\tneuf")
    reports = gpt2kit.prepare(tiny, {"train": [train], "val": [val], "test": [test]}, tmp_path / "data")
    assert reports["train"].read == 9
    assert reports["train"].rows == 5
    assert reports["train"].dropped == {
        "source empty": 1,
        "target empty": 1,
        "both sides empty": 1,
        "target longer than the window": 1,
    }
    assert (reports["train"].duplicates, reports["train"].cut, reports["train"].leaked) == (1, 1, 0)
    assert (reports["val"].leaked, reports["test"].leaked) == (2, 1)
    written = json.loads((tmp_path / "data" / "prepare.json").read_text(encoding="utf-8"))
    assert written["splits"] == {split: report.json() for split, report in reports.items()}
    assert written["corpora"] == {"train": [train], "val": [val], "test": [test]}
    assert "vide" in written["splits"]["train"]["examples"]["source empty"][0]
    assert "good morning" in written["splits"]["val"]["examples"]["source also in training"][0]
    assert [len(example) for example in written["splits"]["train"]["examples"]["target longer than the window"]] == [
        WIDTH
    ]
    task = Prepared.open(tmp_path / "data").task
    store = Store(tmp_path / "data", "train")
    separator = task.encode_source(Sentence("", "fr"))
    assert all(store.row(index)[0][-1:] == separator for index in range(len(store)))
    assert store.lengths().max() == tiny.model.n_positions, "the source is cut to what fits, to the token"
    assert [r.target for r in rows(tmp_path / "data", "train")] == ["bonjour", "bonjour", "salut", "long", "fin"]


def test_odd_line_ends_stay_aligned(tiny: Recipe, tmp_path: Path) -> None:
    sources = ["\ufefffirst", "in\u2028side", "next\u0085line", "", "tab\x0bfeed\x0c", "lone\rreturn", "last"]
    targets = ["premier", "de\u2028dans", "ligne\u0085suite", "perdu", "saut", "retour", "dernier"]
    (tmp_path / "a.en").write_bytes("\r\n".join(sources).encode())
    (tmp_path / "a.fr").write_bytes(("\n".join(targets) + "\n").encode())
    words = [str(tmp_path / "a.en"), str(tmp_path / "a.fr")]
    reports = gpt2kit.prepare(tiny, {"train": words, "val": words}, tmp_path / "data")
    assert reports["train"].dropped == {"source empty": 1}
    wanted = [("first", "premier"), *zip(sources[1:], targets[1:], strict=True)]
    found = [(r.source.text, r.target) for r in rows(tmp_path / "data", "train")]
    assert found == [pair for pair in wanted if pair[0]]


def test_a_literal_separator_in_a_corpus_stays_text(tiny: Recipe, tmp_path: Path) -> None:
    lines = ["say <to-fr> now\t<to-fr> dis", "<|endoftext|>\tfin<|endoftext|>", "<to-de>\t<to-de>"]
    words = [write(tmp_path / "a.tsv", *lines)]
    gpt2kit.prepare(tiny, {"train": words, "val": words}, tmp_path / "data")
    assert [f"{r.source.text}\t{r.target}" for r in rows(tmp_path / "data", "train")] == lines
    task = Prepared.open(tmp_path / "data").task
    special = {task.vocabulary.eos, task.encode_source(Sentence("", "fr"))[0]}
    store = Store(tmp_path / "data", "train")
    for prompt, target in (store.row(index) for index in range(len(store))):
        assert special.isdisjoint([*prompt[:-1], *target[:-1]])


def fails(prepared: Callable[[], dict[str, SplitReport]], out: Path, kind: type[UserError], message: str) -> None:
    """The preparation fails with the message and has changed nothing."""
    before = contents(out) if out.is_dir() else None
    with pytest.raises(kind, match=message):
        prepared()
    assert (contents(out) if out.is_dir() else None) == before
    assert no_leftovers(out.parent)


@pytest.mark.parametrize("there_before", [False, True])
@pytest.mark.parametrize(
    ("english", "french", "message"),
    [
        (b"one\ntwo\nthree\n", b"un\ndeux\n", r"(?s)a\.en.*line 3.*'three'"),
        (b"one\n", b"un\ndeux\n", r"(?s)a\.fr.*'deux'"),
        (b"one\ncaf\xe9\n", b"un\ncaf\xc3\xa9\n", r"a\.en:2: byte 0xe9 at offset 7"),
        (b"one\n", b"\xff\xfeu\x00n\x00\n", r"a\.fr:1: UTF-16 text"),
        (b"", b"", "nothing to train on"),
        (b"\n\n \n", b"\n\n\n", r"nothing to train on \(both sides empty: 3, such as "),
        (b"one\n" * 5000 + b"\xff\n", b"un\n" * 5001, r"a\.en:5001: byte 0xff at offset 20000"),
    ],
)
def test_a_wrong_corpus_leaves_the_folder_as_it_was(
    tiny: Recipe, corpus: list[str], tmp_path: Path, there_before: bool, english: bytes, french: bytes, message: str
) -> None:
    out = tmp_path / "data"
    if there_before:
        gpt2kit.prepare(tiny, {"train": corpus, "val": corpus}, out)
    (tmp_path / "a.en").write_bytes(english)
    (tmp_path / "a.fr").write_bytes(french)
    words = [str(tmp_path / "a.en"), str(tmp_path / "a.fr")]
    fails(lambda: gpt2kit.prepare(tiny, {"train": words, "val": corpus}, out, True), out, DataError, message)
    fails(lambda: gpt2kit.prepare(tiny, {"train": words}, out, True), out, DataError, message)


def test_a_wrong_validation_corpus_is_wrong_as_well(tiny: Recipe, corpus: list[str], tmp_path: Path) -> None:
    out, bad = tmp_path / "data", [write(tmp_path / "bad.tsv", "no tab here")]
    message = r"bad\.tsv:1: expected at least 2 columns separated by tabs, found 1"
    fails(lambda: gpt2kit.prepare(tiny, {"train": corpus, "val": bad}, out), out, DataError, message)


def test_what_exists_is_replaced_only_when_told(tiny: Recipe, corpus: list[str], tmp_path: Path) -> None:
    out = tmp_path / "data"
    out.mkdir()
    (out / "thesis.txt").write_text("ten years", encoding="utf-8")
    fails(
        lambda: gpt2kit.prepare(tiny, {"train": corpus}, out),
        out,
        UserError,
        "already exists.*--overwrite",
    )
    message = r"is not replaced: it is not prepared data, it has thesis\.txt; choose another --out"
    fails(lambda: gpt2kit.prepare(tiny, {"train": corpus}, out, overwrite=True), out, UserError, message)
    assert (out / "thesis.txt").read_text(encoding="utf-8") == "ten years"
    (out / "thesis.txt").unlink()
    gpt2kit.prepare(tiny, {"train": corpus[:1] * 2, "val": corpus}, out)
    assert len(Store(out, "train")) == 8
    gpt2kit.prepare(tiny, {"train": corpus, "val": corpus}, out, overwrite=True)
    assert len(Store(out, "train")) == 4
    assert no_leftovers(tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    gpt2kit.prepare(tiny, {"train": corpus, "val": corpus}, empty)
    file = tmp_path / "corpus.jsonl"
    with pytest.raises(UserError, match="is a file, but --out has to be a folder"):
        gpt2kit.prepare(tiny, {"train": corpus}, file, overwrite=True)
    with pytest.raises(UserError, match="already exists"):
        list(gpt2kit.train(tiny, out, out))


def test_prepared_anew_in_one_process(tiny: Recipe, corpus: list[str], tmp_path: Path) -> None:
    """As in a notebook: another tokenizer in the same folder is the one that counts from then on."""
    data, run = tmp_path / "data", tmp_path / "run"
    for vocab in (300, 270):
        again = with_settings(tiny, f"task.vocab={vocab}", "train.steps=1")
        gpt2kit.prepare(again, {"train": corpus, "val": corpus}, data, overwrite=True)
        list(gpt2kit.train(again, data, run, overwrite=True))
        opened = gpt2kit.load(run)
        assert opened.model.vocab_size == opened.task.vocabulary.size <= vocab


# several languages


def test_several_languages_in_one_model(tiny: Recipe, tmp_path: Path) -> None:
    english = write(tmp_path / "a.en", "good morning", "thank you", "yes")
    german = write(tmp_path / "a.de", "guten Morgen", "danke", "ja")
    french = write(tmp_path / "b.tsv", "good morning\tbonjour", "thank you\tmerci", "yes\toui")
    words = [english, german, f"fr={french}"]
    both = with_settings(tiny, "train.steps=150")
    reports = gpt2kit.prepare(both, {"train": words, "val": words}, tmp_path / "data")
    assert reports["train"].rows == 6
    list(gpt2kit.train(both, tmp_path / "data", tmp_path / "run"))
    opened = gpt2kit.load(tmp_path / "run")
    assert isinstance(opened.task, Translate)
    assert opened.task.languages == ("de", "fr")
    assert opened(["good morning", "yes"]) == ["bonjour", "oui"], "to = fr is the recipe's"
    assert gpt2kit.load(tmp_path / "run", to="de")(["good morning", "yes"]) == ["guten Morgen", "ja"]
    mixed = opened.results([Sentence("thank you", "de"), Sentence("thank you", "fr")])
    assert [result.outputs[0] for result in mixed] == ["danke", "merci"]
    with pytest.raises(UserError, match="does not translate into 'it'; accepted: de, fr"):
        gpt2kit.load(tmp_path / "run", to="it")("yes")
    evaluation = gpt2kit.evaluate(opened)
    assert evaluation.scores[1].value == pytest.approx(100)


def test_validation_in_a_language_that_train_lacks_is_refused(tiny: Recipe, tmp_path: Path) -> None:
    train, val = write(tmp_path / "a.tsv", "yes\toui"), write(tmp_path / "b.tsv", "yes\tja")
    with pytest.raises(UserError, match="does not translate into 'de'; accepted: fr"):
        gpt2kit.prepare(tiny, {"train": [train], "val": [f"de={val}"]}, tmp_path / "data")
    assert no_leftovers(tmp_path)


# --init


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny GPT-2 with a tokenizer of its own, written by Hugging Face."""
    folder = tmp_path_factory.mktemp("pretrained")
    bpe = Bpe.train(iter(["the cat sat on the mat", "le chat est assis"] * 5), 280, [])
    bpe.save(folder, 64)
    torch.manual_seed(0)
    shape: dict[str, Any] = {"n_layer": 2, "n_head": 4, "n_embd": 16, "n_positions": 64}
    GPT2LMHeadModel(GPT2Config(vocab_size=bpe.vocab_size, bos_token_id=0, eos_token_id=0, **shape)).save_pretrained(
        folder
    )
    return folder


def test_init_starts_from_a_hugging_face_folder(
    tiny: Recipe, corpus: list[str], pretrained: Path, tmp_path: Path
) -> None:
    """A step so small that it changes nothing shows the weights that training starts from."""
    still = with_settings(
        tiny, f'task.tokenizer="{pretrained}"', "train.steps=1", "train.lr=1e-30", "train.evaluate_every=1"
    )
    gpt2kit.prepare(still, {"train": corpus, "val": corpus}, tmp_path / "data")
    list(gpt2kit.train(still, tmp_path / "data", tmp_path / "run", init=str(pretrained)))
    before, after = hf.load(pretrained), hf.load(tmp_path / "run")
    old = before.vocab_size
    assert after.vocab_size == old + 1
    assert gpt2kit.load(tmp_path / "run").task.encode_source(Sentence("", "fr")) == [old]
    torch.testing.assert_close(after.head[:old], before.head, rtol=0, atol=0)
    end = gpt2kit.load(tmp_path / "run").task.vocabulary.eos
    torch.testing.assert_close(after.head[old], (before.head.mean(0) + before.head[end]) / 2)
    others = dict(before.named_parameters())
    for name, weight in after.named_parameters():
        if "wte" not in name:
            torch.testing.assert_close(weight, others[name], rtol=0, atol=1e-20, msg=name)  # zeros moved, by 1e-30
    resolved = Run(tmp_path / "run").recipe
    assert (resolved.model.n_layer, resolved.model.n_embd, resolved.model.dropout) == (2, 16, 0.0)
    assert Run(tmp_path / "run").init == str(pretrained)
    assert not Path(files.read_json(tmp_path / "run" / "run.json")["init"]).is_absolute()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "run")
    assert tokenizer("the cat<to-fr>")["input_ids"] == [*Bpe.load(pretrained).encode(["the cat"])[0], old]


def test_init_learns(tiny: Recipe, corpus: list[str], pretrained: Path, tmp_path: Path) -> None:
    tuned = with_settings(tiny, f'task.tokenizer="{pretrained}"', "train.steps=80", "train.lr=2e-2")
    gpt2kit.prepare(tuned, {"train": corpus, "val": corpus}, tmp_path / "data")
    list(gpt2kit.train(tuned, tmp_path / "data", tmp_path / "run", init=str(pretrained)))
    first, last = (metrics(tmp_path / "run")[index] for index in (0, -1))
    assert last["validation_loss"] < 0.5 < first["loss"]


def test_init_goes_on_from_a_run(tiny: Recipe, by_heart: Path, tmp_path: Path) -> None:
    more = with_settings(tiny, "train.steps=1", "train.lr=1e-5")
    list(gpt2kit.train(more, by_heart.parent / "data", tmp_path / "run", init=str(by_heart)))
    assert losses(tmp_path / "run")[0][1] < 0.1
    assert gpt2kit.load(tmp_path / "run")("good morning") == "bonjour"


def test_init_with_another_tokenizer_is_refused(
    tiny: Recipe, corpus: list[str], pretrained: Path, tmp_path: Path
) -> None:
    gpt2kit.prepare(tiny, {"train": corpus, "val": corpus}, tmp_path / "data")
    message = rf"has another tokenizer than the data: prepare it with --tokenizer {pretrained}"
    with pytest.raises(DataError, match=message):
        list(gpt2kit.train(tiny, tmp_path / "data", tmp_path / "run", init=str(pretrained)))
    assert not (tmp_path / "run").exists()
    window = hf_config.read(pretrained)[0].n_positions
    wider = with_settings(tiny, f"model.n_positions={window + 1}")
    with pytest.raises(DataError, match=rf"{message} --set model.n_positions={window}$"):
        list(gpt2kit.train(wider, tmp_path / "data", tmp_path / "run", init=str(pretrained)))
    with pytest.raises(DataError, match="nowhere is not a directory"):
        list(gpt2kit.train(tiny, tmp_path / "data", tmp_path / "run", init="./nowhere"))


def test_init_with_a_smaller_window_is_refused(tiny: Recipe, pretrained: Path, tmp_path: Path) -> None:
    wide = with_settings(tiny, f'task.tokenizer="{pretrained}"', "model.n_positions=128")
    words = [write(tmp_path / "a.tsv", "x" * 100 + "\toui")]
    gpt2kit.prepare(wide, {"train": words, "val": words}, tmp_path / "data")
    with pytest.raises(DataError, match="the model's window 64: prepare"):
        list(gpt2kit.train(wide, tmp_path / "data", tmp_path / "run", init=str(pretrained)))


def test_a_window_that_the_data_was_not_prepared_for_is_refused(tiny: Recipe, by_heart: Path, tmp_path: Path) -> None:
    """But not for a model that has learned all of it before."""
    data = by_heart.parent / "data"
    wide = with_settings(tiny, "model.n_positions=500", "train.steps=1")
    with pytest.raises(UserError, match=r"prepare it again with --set model\.n_positions=500, or train with"):
        list(gpt2kit.train(wide, data, tmp_path / "run"))
    assert not (tmp_path / "run").exists()
    list(gpt2kit.train(wide, data, tmp_path / "run", init=str(by_heart)))


# stopping and going on


@pytest.fixture
def long_run(tiny: Recipe, corpus: list[str], tmp_path: Path) -> Recipe:
    """A recipe that would take minutes, on data that is prepared; dropout makes every step depend on the last."""
    found = with_settings(
        *(tiny, "train.steps=100000", "train.evaluate_every=100000", "train.batch_tokens=40", "train.optimizer=muon"),
        *("train.ema=0.9", "model.dropout=0.2", "train.lr=1e-3"),
    )
    gpt2kit.prepare(found, {"train": corpus, "val": corpus}, tmp_path / "data")
    return found


def steps(recipe: Recipe, data: Path, run: Path, until: int, **options: Any) -> list[tuple[int, float]]:
    """(step, loss) of each step up to `until`, where the caller stops looking."""
    found = []
    for event in gpt2kit.train(recipe, data, run, **options):
        if isinstance(event, events.StepDone):
            found.append((event.step, event.loss))
            if event.step == until:
                break
    return found


def test_a_terminated_run_goes_on_as_if_nothing_had_been(
    long_run: Recipe, tmp_path: Path, command: Callable[[Sequence[str]], Any]
) -> None:
    """A process gets SIGTERM; the rest is trained here. Its losses are the uninterrupted run's, bit for bit."""
    data, run = tmp_path / "data", tmp_path / "run"
    (tmp_path / "long.toml").write_text(long_run.toml(), encoding="utf-8")
    training = command(["translate", "train", "data", "--out", "run", "--recipe", "long.toml"])
    log = run / "metrics.jsonl"
    for _ in range(6000):
        if log.is_file() and log.read_text(encoding="utf-8").count("\n") >= 3:
            break
        time.sleep(0.02)
    training.send(signal.SIGTERM)
    assert training.wait() == 143
    said = training.stderr.read_text(encoding="utf-8")
    assert "gpt2kit translate train data --out run --resume" in said
    assert "Traceback" not in said
    logged = losses(run)
    stopped = logged[-1][0]
    assert f"stopped after step {stopped:,}" in said
    resumed = steps(long_run, data, run, stopped + 5, resume=True)
    assert resumed[0][0] == stopped + 1
    assert logged + resumed == steps(long_run, data, tmp_path / "whole", stopped + 5)


def test_what_was_logged_after_the_last_save_is_done_again(long_run: Recipe, tmp_path: Path) -> None:
    """As after kill -9: the state is older than the log."""
    data, run = tmp_path / "data", tmp_path / "run"
    saving = with_settings(long_run, "train.save_every=4")
    assert [step for step, _ in steps(saving, data, run, 7)] == [1, 2, 3, 4, 5, 6, 7]
    with (run / "metrics.jsonl").open("a", encoding="utf-8") as log:
        log.write('{"step": 8, "lo')
    assert steps(saving, data, run, 9, resume=True)[0][0] == 5
    whole = steps(saving, data, tmp_path / "whole", 9)
    assert losses(run) == whole[: len(losses(run))]
    assert len(losses(run)) >= 8


@pytest.mark.parametrize("keep", ["last", "best"])
def test_weights_that_are_later_than_the_state(long_run: Recipe, tmp_path: Path, keep: str) -> None:
    """As after kill -9, with more validations than saves: the resumed run is stopped before it validates again."""
    data, run = tmp_path / "data", tmp_path / "run"
    often = with_settings(long_run, f"train.keep={keep}", "train.save_every=5", "train.evaluate_every=4")
    steps(often, data, run, 9)
    assert Run(run).weights_step == 8
    for event in gpt2kit.train(often, data, run, resume=True):
        if isinstance(event, events.StepDone) and event.step == 6:
            signal.raise_signal(signal.SIGINT)
    assert isinstance(event, events.Stopped)
    assert Run(run).weights_step == 6
    checks = {check.name: check for check in prove(run, "cpu")}
    assert not any(check.passed is False for check in checks.values())
    assert "no validation loss was measured at step 6" in checks["validation loss as recorded"].remark
    steps(often, data, run, 9, resume=True)
    assert Run(run).weights_step == 8
    assert next(check for check in prove(run, "cpu") if check.name == "validation loss as recorded").passed


def test_a_validation_is_logged_before_the_caller_sees_it(long_run: Recipe, tmp_path: Path) -> None:
    """Its weights are saved by then; samples and what the caller does may take long."""
    often = with_settings(long_run, "train.evaluate_every=2")
    for event in gpt2kit.train(often, tmp_path / "data", tmp_path / "run"):
        if isinstance(event, events.StepDone | events.Validation):
            last = metrics(tmp_path / "run")[-1]
            assert last["step"] == event.step
            assert ("validation_loss" in last) == isinstance(event, events.Validation)
        if isinstance(event, events.Validation) and event.step == 4:
            break


def test_a_run_is_resumed_only_as_what_it_was(long_run: Recipe, corpus: list[str], tmp_path: Path) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    saving = with_settings(long_run, "train.save_every=1")
    steps(saving, data, run, 3)
    before = contents(run)

    def refused(resumed: Recipe, folder: Path, message: str) -> None:
        with pytest.raises(UserError, match=message):
            list(gpt2kit.train(resumed, folder, run, resume=True))
        assert contents(run) == before

    refused(with_settings(saving, "train.lr=1", "train.seed=3"), data, r"other values of train\.lr, train\.seed")
    refused(with_settings(saving, "model.n_layer=2"), data, r"other values of model\.n_layer")
    gpt2kit.prepare(saving, {"train": corpus[:1] * 2, "val": corpus}, tmp_path / "other")
    refused(saving, tmp_path / "other", r"was started on .*data; .*other has other data")
    gpt2kit.prepare(saving, {"train": corpus[:1] * 2, "val": corpus}, data, overwrite=True)
    refused(
        saving, data, "was prepared again after the training of .*run started: train from the start, with --overwrite"
    )
    gpt2kit.prepare(with_settings(saving, "task.vocab=265"), {"train": corpus, "val": corpus}, data, overwrite=True)
    refused(saving, data, "was prepared again")
    with pytest.raises(DataError, match=r"was prepared again, with another tokenizer than that of .*run"):
        Run(run).prepared  # noqa: B018  # the access is what is tested
    gpt2kit.prepare(saving, {"train": corpus, "val": corpus}, data, overwrite=True)
    (tmp_path / "run" / "state.safetensors").write_bytes(before["state.safetensors"][:1000])
    with pytest.raises(DataError, match=r"state\.safetensors is damaged"):
        list(gpt2kit.train(saving, data, run, resume=True))
    with pytest.raises(DataError, match=r"nowhere/run\.json is missing"):
        list(gpt2kit.train(saving, data, tmp_path / "nowhere", resume=True))


@pytest.mark.parametrize("init", [False, True])
def test_a_run_that_was_killed_before_its_first_save_starts_again(
    long_run: Recipe, pretrained: Path, corpus: list[str], tmp_path: Path, init: bool
) -> None:
    """From the same weights, random ones or those it was to start from; what the killed writer left is removed."""
    data, run = tmp_path / "data", tmp_path / "run"
    options: dict[str, Any] = {"init": str(pretrained)} if init else {}
    if init:
        long_run = with_settings(long_run, f'task.tokenizer="{pretrained}"')
        gpt2kit.prepare(long_run, {"train": corpus, "val": corpus}, data, overwrite=True)
    whole = steps(long_run, data, tmp_path / "whole", 6, **options)
    steps(long_run, data, run, 4, **options)
    assert not (run / "state.safetensors").exists()
    for name in (".state.safetensors.0123abcd.tmp", ".tmpAb12Cd"):
        (run / name).write_bytes(b"half")
    resumed = Run(run).recipe
    start = next(iter(gpt2kit.train(resumed, data, run, resume=True)))
    assert isinstance(start, events.Start)
    assert (start.resumed, start.step) == (True, 0)
    assert steps(resumed, data, run, 6, resume=True) == whole
    assert not list(run.glob(".*"))


def test_a_finished_run_is_not_resumed(tiny: Recipe, by_heart: Path) -> None:
    before = contents(by_heart)
    with pytest.raises(UserError, match=r"is finished; to train it further, start a new run with --init"):
        list(gpt2kit.train(tiny, by_heart.parent / "data", by_heart, resume=True))
    assert contents(by_heart) == before


# damaged data


@pytest.mark.parametrize(
    "name", ["train.ids", "train.ends", "train.prompts", "train.json", "val.ids", "tokenizer.json"]
)
def test_a_damaged_data_folder_is_refused(tiny: Recipe, corpus: list[str], tmp_path: Path, name: str) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    gpt2kit.prepare(tiny, {"train": corpus, "val": corpus}, data)
    content = (data / name).read_bytes()
    for damage in (content[:-3], None):
        if damage is None:
            (data / name).unlink()
        else:
            (data / name).write_bytes(damage)
        with pytest.raises(DataError, match=re.escape(name)):
            list(gpt2kit.train(tiny, data, run))
        assert not run.exists()


def test_data_of_another_task_or_window_is_refused(tiny: Recipe, corpus: list[str], tmp_path: Path) -> None:
    data = tmp_path / "data"
    gpt2kit.prepare(tiny, {"train": corpus, "val": corpus}, data)
    with pytest.raises(DataError, match="was prepared for translate, the recipe music is for music"):
        list(gpt2kit.train(replace(tiny, name="music", task_name="music"), data, tmp_path / "run"))
    with pytest.raises(DataError, match=r"a row has \d+ tokens, the model's window 8: prepare again with --set model"):
        list(gpt2kit.train(with_settings(tiny, "model.n_positions=8"), data, tmp_path / "run"))
    assert not (tmp_path / "run").exists()
