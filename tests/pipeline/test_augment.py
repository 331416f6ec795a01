"""augment: which examples the answers of runs make, which are left out, and that the result is prepared data."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import gpt2kit
from gpt2kit import files, recipe
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError, UserError
from gpt2kit.pipeline.augmenting.added import Added
from gpt2kit.pipeline.engine import Engine, Result
from gpt2kit.runs.prepared import Prepared
from gpt2kit.tasks.base import decode_row

RunOf = Callable[..., Path]
Say = Callable[[Callable[[str], str]], list[str]]
Write = Callable[[str, list[str]], str]

TRAIN = ["one\tun", "two\tdeux", "three\ttrois"]
VAL = ["four\tquatre", "five\tcinq"]
FRENCH = {"one": "un", "two": "les deux", "three": "trois!"}


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Say:
    """`say(answer)`: every model answers a text with `answer(text)`; returns a list that fills with what it is
    asked."""

    def install(answer: Callable[[str], str]) -> list[str]:
        asked: list[str] = []

        def results(self: Engine, sources: Iterator[Any], *_: Any, **__: Any) -> Iterator[Result]:
            for source in sources:
                asked.append(self.task.show(source))
                text = answer(asked[-1])
                probabilities = {text: 0.5} if self.task.layout.labels else None
                ended = not text.endswith("...")
                yield Result([text], [None], ended, False, [[1]], probabilities, complete=int(ended))

        monkeypatch.setattr(Engine, "results", results)
        return asked

    return install


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def lines(name: str, rows: list[str]) -> str:
        (tmp_path / name).write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
        return str(tmp_path / name)

    return lines


@pytest.fixture
def data(tmp_path: Path, write: Write, examples: Callable[[str], Any]) -> Path:
    """Three pairs to train on and two to validate on."""
    tiny = recipe.load("translate", examples("translate").TINY)
    corpora = {"train": [write("train.tsv", TRAIN)], "val": [write("val.tsv", VAL)]}
    gpt2kit.prepare(tiny, corpora, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def fr(run_of: RunOf) -> Path:
    return run_of("translate")


@pytest.fixture
def en(run_of: RunOf) -> Path:
    return run_of("translate", "task.to=en")


def pairs(folder: Path) -> list[tuple[str, str]]:
    """The training split as "text>language" and its target."""
    prepared = Prepared.open(folder)
    store, task = prepared.store("train"), prepared.task
    store.check_ids(task.vocabulary.size)
    rows = (decode_row(task, *store.row(index)) for index in range(len(store)))
    return [(f"{source.text}>{source.to}", target) for source, target in rows]


GIVEN = [("one>fr", "un"), ("two>fr", "deux"), ("three>fr", "trois")]


def test_answers_to_the_sources_are_added(data: Path, fr: Path, tmp_path: Path, say: Say) -> None:
    asked = say(FRENCH.__getitem__)
    (added,) = gpt2kit.augment(data, [fr], tmp_path / "more")
    assert sorted(asked) == ["one", "three", "two"]
    assert pairs(tmp_path / "more") == [*GIVEN, ("two>fr", "les deux"), ("three>fr", "trois!")]
    assert (added.asked, added.answers, added.added, added.rows, added.equal, added.duplicates) == (3, 3, 2, 2, 1, 0)
    assert added.examples == [("two", "les deux", "deux"), ("three", "trois!", "trois")]
    assert added.length_ratio == pytest.approx(len("unles deuxtrois!") / len("undeuxtrois"))
    assert (added.scored, set(added.scores)) == (3, {"BLEU", "chrF++"})


def test_a_run_of_the_other_direction_writes_sources(data: Path, en: Path, tmp_path: Path, say: Say) -> None:
    asked = say({"un": "one", "deux": "a pair", "trois": "a trio"}.__getitem__)
    (added,) = gpt2kit.augment(data, [en], tmp_path / "more")
    assert sorted(asked) == ["deux", "trois", "un"]
    assert pairs(tmp_path / "more") == [*GIVEN, ("a pair>fr", "deux"), ("a trio>fr", "trois")]
    assert (added.equal, added.examples[0]) == (1, ("deux", "a pair", "two"))


def test_several_runs_and_duplicates(data: Path, fr: Path, en: Path, tmp_path: Path, say: Say) -> None:
    """The second of two equal answers is a duplicate; each run has its own report."""
    say((FRENCH | {"un": "a", "deux": "a", "trois": "a"}).__getitem__)
    found = gpt2kit.augment(data, [fr, fr, en], tmp_path / "more")
    assert [(each.added, each.equal, each.duplicates) for each in found] == [(2, 1, 0), (0, 1, 2), (3, 0, 0)]
    report = json.loads((tmp_path / "more" / "prepare.json").read_text(encoding="utf-8"))
    assert [(each["origin"], each["rows"]) for each in report["origins"]] == [
        *((str(data), 3), (str(fr), 2), (str(fr), 0), (str(en), 3))
    ]


def test_answers_that_are_not_fit_are_left_out(data: Path, fr: Path, tmp_path: Path, say: Say) -> None:
    say({"one": " ", "two": "deux et deux et deux...", "three": "x" * 300}.__getitem__)
    (added,) = gpt2kit.augment(data, [fr], tmp_path / "more")
    assert pairs(tmp_path / "more") == GIVEN
    assert added.left_out == {"empty answer": 1, "answer without an end": 1, "target longer than the window": 1}
    assert (added.added, added.rows) == (0, 0)
    say({"one": "un r\ufffd", "two": "deux", "three": "trois"}.__getitem__)
    (added,) = gpt2kit.augment(data, [fr], tmp_path / "bytes")
    assert (pairs(tmp_path / "bytes"), added.left_out) == (GIVEN, {"answer with bytes of no character": 1})


def test_nothing_of_val_and_test_is_added(data: Path, fr: Path, en: Path, tmp_path: Path, say: Say) -> None:
    """Neither its sources, written in whatever way, nor the split itself is touched."""
    say({"un": "Four!", "deux": "quatre", "trois": "ok"}.__getitem__)
    (added,) = gpt2kit.augment(data, [en], tmp_path / "more")
    assert added.left_out == {"source is in val or test": 1}
    before = {path.name: path.read_bytes() for path in data.glob("val.*")}
    assert before == {path.name: path.read_bytes() for path in (tmp_path / "more").glob("val.*")} != {}


def test_a_cut_source_of_val_is_recognized(
    tmp_path: Path, fr: Path, write: Write, say: Say, examples: Callable[[str], Any]
) -> None:
    """Only the beginning of a long source is in val's ids, and an input of a file is whole. One that is short once it
    is cut is not a reason to leave out all that begin like it."""
    tiny = recipe.load("translate", [*examples("translate").TINY, "model.n_positions=48"])
    long, other = " ".join(map(str, range(20, 60))), " ".join(map(str, range(60, 20, -1)))
    val = write("val.tsv", [f"{long}\tquatre", "one " * 20 + "\t" + "xyz" * 13])
    corpora = {"train": [write("train.tsv", TRAIN)], "val": [val]}
    gpt2kit.prepare(tiny, corpora, tmp_path / "data")
    say(lambda text: "un" if text == "one" else "cinq")
    file = write("texts.txt", [long, long.replace(" ", ", "), other, "one one"])
    (added,) = gpt2kit.augment(tmp_path / "data", [fr], tmp_path / "more", input=file)
    assert added.left_out == {"source begins as one in val or test that was cut": 2}
    assert added.added == 2


def test_both_directions_in_one_model(tmp_path: Path, write: Write, say: Say, examples: Callable[[str], Any]) -> None:
    """Each input is asked once, and its answer is the target of one pair and the source of another."""
    there, back = write("there.tsv", TRAIN), write("back.tsv", ["un\tone", "deux\ttwo", "trois\tthree"])
    tiny = recipe.load("translate", [*examples("translate").TINY, "train.steps=1"])
    corpora = {"train": [f"fr={there}", f"en={back}"], "val": [f"fr={write('val.tsv', VAL)}"]}
    gpt2kit.prepare(tiny, corpora, tmp_path / "both")
    list(gpt2kit.train(tiny, tmp_path / "both", tmp_path / "run"))
    asked = say(lambda text: "quatre" if text == "three" else f"{text}'")
    (added,) = gpt2kit.augment(tmp_path / "both", [tmp_path / "run"], tmp_path / "more")
    assert sorted(asked) == sorted(["one", "two", "three", "un", "deux", "trois"])
    new = pairs(tmp_path / "more")[6:]
    assert sorted(new) == sorted(
        [
            *(("one>fr", "one'"), ("two>fr", "two'"), ("three>fr", "quatre")),
            *(("un>en", "un'"), ("deux>en", "deux'"), ("trois>en", "trois'")),
            *(("un'>fr", "un"), ("deux'>fr", "deux"), ("trois'>fr", "trois")),
            *(("one'>en", "one"), ("two'>en", "two"), ("quatre>en", "three")),
        ]
    )
    assert (added.asked, added.answers) == (6, 12)
    asked.clear()
    gpt2kit.augment(tmp_path / "both", [tmp_path / "run"], tmp_path / "to-fr", to="fr")
    assert sorted(asked) == ["one", "three", "two"]
    with pytest.raises(UserError, match="--to de: this run translates into fr, en"):
        gpt2kit.augment(tmp_path / "both", [tmp_path / "run"], tmp_path / "to-de", to="de")


def test_a_pair_of_val_is_not_learned_the_other_way_round(
    tmp_path: Path, write: Write, say: Say, run_of: RunOf, examples: Callable[[str], Any]
) -> None:
    tiny = recipe.load("translate", examples("translate").TINY)
    back, val = write("b.tsv", ["sept\tseven"]), write("c.tsv", ["quatre\tfour", "deux\ttwo"])
    corpora = {"train": [f"fr={write('a.tsv', TRAIN)}", f"en={back}"], "val": [f"en={val}"]}
    gpt2kit.prepare(tiny, corpora, tmp_path / "data")
    say({"one": "un'", "two": "Deux.", "three": "trois'"}.__getitem__)
    (added,) = gpt2kit.augment(tmp_path / "data", [run_of("translate")], tmp_path / "more")
    assert added.left_out == {"pair is in val or test, the other way round": 1}


def test_weights_repeat_and_choose(data: Path, fr: Path, tmp_path: Path, say: Say) -> None:
    say(lambda text: f"{text}'")
    weights = {str(data): 2, f"{fr}/": 3}
    gpt2kit.augment(data, [fr], tmp_path / "more", weights=weights)
    new = [("one>fr", "one'"), ("two>fr", "two'"), ("three>fr", "three'")]
    assert sorted(pairs(tmp_path / "more")) == sorted([*GIVEN * 2, *new * 3])
    (alone,) = gpt2kit.augment(data, [fr], tmp_path / "alone", weights={str(data): 0})
    assert (pairs(tmp_path / "alone"), alone.added) == (new, 3)
    counts = json.loads((tmp_path / "more" / "prepare.json").read_text(encoding="utf-8"))["splits"]["train"]
    assert (counts["rows"], counts["duplicates"]) == (15, 9)


def test_a_fraction_is_about_its_share(tmp_path: Path, fr: Path, write: Write, say: Say, examples: Any) -> None:
    tiny = recipe.load("translate", examples("translate").TINY)
    many = [f"number {n}\tnombre {n}" for n in range(300)]
    gpt2kit.prepare(tiny, {"train": [write("a.tsv", many)], "val": [write("v.tsv", VAL)]}, tmp_path / "data")
    say(lambda text: f"{text}'")
    (added,) = gpt2kit.augment(tmp_path / "data", [fr], tmp_path / "more", weights={str(fr): 1.25})
    assert added.added == 300
    assert 340 <= added.rows <= 410, "75 of 300 are there twice, give or take"
    assert set(pairs(tmp_path / "more")[300:]) == {(f"number {n}>fr", f"number {n}'") for n in range(300)}


@pytest.mark.parametrize("weights", [{"runs/x": 1}, {"DATA": -1}, {"RUN": 0}, {"RUN": float("inf")}, {"RUN": 1e15}])
def test_weights_that_are_not_possible(data: Path, fr: Path, tmp_path: Path, weights: dict[str, float]) -> None:
    names = {"DATA": str(data), "RUN": str(fr)}
    with pytest.raises(UserError, match="weight of "):
        gpt2kit.augment(data, [fr], tmp_path / "m", weights={names.get(k, k): w for k, w in weights.items()})


def test_inputs_of_a_file(data: Path, fr: Path, en: Path, tmp_path: Path, write: Write, say: Say) -> None:
    """For a run of the data's direction they are sources, for one of the other they are targets; blank ones are
    skipped, and sources of val are left out."""
    say(lambda text: f"{text}'")
    file = write("texts.txt", ["six", "", "four", "six"])
    (added,) = gpt2kit.augment(data, [fr], tmp_path / "more", input=file)
    assert pairs(tmp_path / "more") == [*GIVEN, ("six>fr", "six'")]
    assert (added.duplicates, added.left_out) == (1, {"source is in val or test": 1})
    assert added.examples == [("six", "six'", None)]
    (back,) = gpt2kit.augment(data, [en], tmp_path / "back", input=write("french.txt", ["sept", "Quatre !"]))
    assert pairs(tmp_path / "back") == [*GIVEN, ("sept'>fr", "sept")]
    assert back.left_out == {"target is in val or test": 1}
    with pytest.raises(DataError, match=r"none.txt has no inputs"):
        gpt2kit.augment(data, [fr], tmp_path / "none", input=write("none.txt", [""]))
    with pytest.raises(DataError, match="no such file"):
        gpt2kit.augment(data, [fr], tmp_path / "none", input="nowhere.txt")


def test_what_there_is_stays(data: Path, fr: Path, tmp_path: Path, say: Say) -> None:
    """The data itself is an input, and other folders are not ours."""
    say(lambda text: f"{text}'")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()
    for out, overwrite in ((data, True), (data, False), (tmp_path / "mine", True)):
        with pytest.raises(UserError):
            gpt2kit.augment(data, [fr], out, overwrite=overwrite)
    gpt2kit.augment(data, [fr], tmp_path / "more")
    with pytest.raises(UserError, match="already exists"):
        gpt2kit.augment(data, [fr], tmp_path / "more")
    gpt2kit.augment(data, [fr], tmp_path / "more", overwrite=True)
    assert not list(tmp_path.glob("*.part"))


def test_one_process_at_a_time(data: Path, fr: Path, tmp_path: Path, say: Say) -> None:
    say(FRENCH.__getitem__)
    (tmp_path / "more.part").mkdir()
    with files.held(tmp_path / "more.part"), pytest.raises(UserError, match=r"more.part is in use by another process"):
        gpt2kit.augment(data, [fr], tmp_path / "more")
    assert (tmp_path / "more.part").is_dir()
    gpt2kit.augment(data, [fr], tmp_path / "more")
    assert not (tmp_path / "more.part").exists()


def test_data_of_another_kind(data: Path, fr: Path, run_of: RunOf, tmp_path: Path) -> None:
    out = tmp_path / "more"
    with pytest.raises(DataError, match=r"is a run of lm, and .* is data for translate"):
        gpt2kit.augment(data, [run_of("lm")], out)
    labelled, completion = run_of("labelled"), run_of("completion")
    with pytest.raises(DataError, match=r"another kind of data \(completion\) than .* \(classification\)"):
        gpt2kit.augment(labelled.parent / "data", [completion], out)
    with pytest.raises(UserError, match="whole documents"):
        gpt2kit.augment(run_of("lm").parent / "data", [run_of("lm")], out)
    with pytest.raises(UserError, match=r"labels of the training examples are known: .* --input"):
        gpt2kit.augment(labelled.parent / "data", [labelled], out)
    with pytest.raises(UserError, match="runs: give at least one"):
        gpt2kit.augment(data, [], out)
    for confidence in (-0.1, 1.0):
        with pytest.raises(UserError, match="confidence = "):
            gpt2kit.augment(data, [fr], out, confidence=confidence)
    assert not out.exists()


def test_labels_of_a_file_above_a_confidence(run_of: RunOf, tmp_path: Path, write: Write) -> None:
    """The oracle is the run: its labels and their probabilities, one by one."""
    run = run_of("labelled")
    texts = [*(f"fine {n} dull" for n in range(20)), "fine 1"]
    table = write("new.jsonl", [json.dumps({"text": text}) for text in texts])
    engine = gpt2kit.load(run)
    results = dict(zip(texts, engine.results([(text,) for text in texts]), strict=True))
    shares = sorted(max(result.probabilities.values()) for result in results.values() if result.probabilities)
    threshold = shares[10]
    (added,) = gpt2kit.augment(run.parent / "data", [run], tmp_path / "more", input=table, confidence=threshold)
    prepared = Prepared.open(tmp_path / "more")
    store = prepared.store("train")
    rows = [decode_row(prepared.task, *store.row(index)) for index in range(8, len(store))]
    expected = [
        ((text,), result.outputs[0])
        for text, result in results.items()
        if text != "fine 1" and result.probabilities and max(result.probabilities.values()) >= threshold
    ]
    assert sorted(rows) == sorted(expected)
    assert sum(added.labels.values()) == len(rows) == added.added
    assert added.left_out["source is in val or test"] == 1
    assert added.left_out[f"confidence below {threshold:g}"] == 20 - len(rows)
    assert added.confidence == pytest.approx(sum(shares) / len(shares))


def test_a_label_is_not_contradicted(tmp_path: Path, run_of: RunOf, write: Write, say: Say) -> None:
    """Neither one of the data, unless only answers are learned, nor one of a run before."""
    run = run_of("labelled")
    train, val = ("bad rain", "good sun", "good snow"), ("bad wind", "good air")
    corpora = {
        split: [write(f"{split}.jsonl", [json.dumps({"text": text, "label": text.split()[0]}) for text in texts])]
        for split, texts in (("train", train), ("val", val))
    }
    data = tmp_path / "data"
    gpt2kit.prepare(gpt2kit.load_recipe(str(run / "recipe.toml")), corpora, data)
    say(lambda text: "good")
    texts = write("new.txt", ["bad rain", "good sun", "rain"])
    (added,) = gpt2kit.augment(data, [run], tmp_path / "more", input=texts)
    assert (added.added, added.duplicates) == (1, 1)
    assert added.left_out == {"text that has another label": 1}
    (alone,) = gpt2kit.augment(data, [run], tmp_path / "alone", input=texts, weights={str(data): 0})
    assert (alone.added, alone.left_out) == (3, {})
    asked = say(lambda text: "bad" if len(asked) <= 3 else "good")
    first, second = gpt2kit.augment(
        data, [run, run_of("labelled", "train.seed=1")], tmp_path / "both", input=texts, weights={str(data): 0}
    )
    assert first.labels == {"bad": 3}
    assert (second.added, second.left_out) == (0, {"text that has another label": 3})


def test_the_result_is_data_for_every_text_task(run_of: RunOf, tmp_path: Path, examples: Callable[[str], Any]) -> None:
    """Training takes it, and augment again; a template's inputs cannot be told from ids."""
    for kind in ("translate", "summarize", "completion"):
        run, out = run_of(kind), tmp_path / kind
        gpt2kit.augment(run.parent / "data", [run], out / "once", settings={"max_new_tokens": 4})
        gpt2kit.augment(out / "once", [run], out / "twice", settings={"max_new_tokens": 4})
        origins = Prepared.open(out / "twice").report["origins"]
        assert origins[0]["origins"][1]["origin"] == str(run)
        made = list(gpt2kit.train(gpt2kit.load_recipe(str(run / "recipe.toml")), out / "twice", out / "run"))
        assert made
        assert json.loads((out / "run" / "data.json").read_text(encoding="utf-8"))["origins"][1]["origin"] == run.name
    tiny = recipe.load("finetune", [*examples("finetune").TINY, "task.template=Q: {prompt} A: {completion}"])
    table = str(run_of("completion").parent / "table.jsonl")
    gpt2kit.prepare(tiny, {"train": [table], "val": [table]}, tmp_path / "template")
    with pytest.raises(UserError, match="the inputs cannot be told from its ids; give them with --input FILE"):
        gpt2kit.augment(tmp_path / "template", [run_of("completion")], tmp_path / "more")


def test_another_tokenizer_is_no_matter(data: Path, run_of: RunOf, tmp_path: Path, say: Say) -> None:
    say(FRENCH.__getitem__)
    other = run_of("translate", "task.vocab=290")
    gpt2kit.augment(data, [other], tmp_path / "more")
    assert pairs(tmp_path / "more")[3:] == [("two>fr", "les deux"), ("three>fr", "trois!")]


def test_a_folder_that_is_damaged(data: Path, fr: Path, tmp_path: Path) -> None:
    ids = bytearray((data / "train.ids").read_bytes())
    ids[0] ^= 1
    (data / "train.ids").write_bytes(ids)
    with pytest.raises(DataError, match=r"train.ids is damaged"):
        gpt2kit.augment(data, [fr], tmp_path / "more")


def test_reports_are_json(data: Path, fr: Path, tmp_path: Path, say: Say) -> None:
    say(FRENCH.__getitem__)
    (added,) = gpt2kit.augment(data, [fr], tmp_path / "more")
    assert isinstance(added, Added)
    assert json.loads(json.dumps(added.json()))["added"] == 2
    assert Store(tmp_path / "more", "train").rows == 5


@pytest.mark.parametrize("limit", [{"SCORED": 2}, {"SCORED_CHARACTERS": 50}])
def test_only_the_first_answers_are_scored(
    data: Path, fr: Path, tmp_path: Path, say: Say, monkeypatch: pytest.MonkeyPatch, limit: dict[str, int]
) -> None:
    """As many as the characters of the inputs allow, the one that goes beyond them included."""
    for name, value in limit.items():
        monkeypatch.setattr(f"gpt2kit.pipeline.augmenting.added.{name}", value)
    say(lambda text: "un" if text == "three" else FRENCH[text])
    (added,) = gpt2kit.augment(data, [fr], tmp_path / "more")
    assert added.scored == 2
    assert added.scores["chrF++"] > 50, "the wrong answer is the third"


def test_inputs_that_ids_do_not_tell(tmp_path: Path, by_heart: Path, write: Write, say: Say, examples: Any) -> None:
    """Of two texts without a known character, one is cut within a character: its ids are no text to ask about."""
    settings = [*examples("translate").TINY, f'task.tokenizer="{by_heart}"']
    corpora = {"train": [write("a.tsv", ["й" * 99 + "\ta", "й" * 99 + "\tat"])], "val": [write("v.tsv", VAL)]}
    gpt2kit.prepare(recipe.load("translate", settings), corpora, tmp_path / "data")
    asked = say(lambda text: "ok")
    (added,) = gpt2kit.augment(tmp_path / "data", [by_heart], tmp_path / "more")
    assert (len(asked), added.asked, added.left_out) == (1, 1, {"input that its ids do not tell": 1})
    assert added.added == 1


def test_columns_of_a_prompt_are_one_text(tmp_path: Path, write: Write, say: Say, examples: Any) -> None:
    """Ids tell no columns: the same example from a table is a duplicate all the same."""
    rows = [{"ask": f"what is {n}", "more": "now", "reply": "a number"} for n in range(4)]
    table = write("a.jsonl", [json.dumps(row) for row in rows])
    val = write("v.jsonl", [json.dumps({"ask": "how", "more": "so", "reply": "well"})])
    settings = [*examples("finetune").TINY, "task.columns=prompt=ask+more,completion=reply", "train.steps=2"]
    tiny = recipe.load("finetune", settings)
    gpt2kit.prepare(tiny, {"train": [table], "val": [val]}, tmp_path / "data")
    list(gpt2kit.train(tiny, tmp_path / "data", tmp_path / "run"))
    say(lambda text: "ok")
    (first,) = gpt2kit.augment(tmp_path / "data", [tmp_path / "run"], tmp_path / "once")
    (again,) = gpt2kit.augment(tmp_path / "once", [tmp_path / "run"], tmp_path / "twice", input=table)
    assert (first.added, again.added, again.duplicates) == (4, 0, 4)
