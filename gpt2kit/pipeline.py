"""prepare, train, evaluate: the straight lines between a task and the core. (generate is `engine.Engine`.)"""

import importlib.metadata
import json
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, count, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from gpt2kit import files, folders
from gpt2kit.config import GenerateConfig, TrainConfig
from gpt2kit.data.batches import Layout, RowLayout
from gpt2kit.data.hub import fetch
from gpt2kit.data.prepare import write_splits
from gpt2kit.data.report import SplitReport
from gpt2kit.data.store import Store
from gpt2kit.data.streams import StreamLayout
from gpt2kit.engine import Engine
from gpt2kit.errors import DataError, UserError
from gpt2kit.generate.decode import answers, freeze
from gpt2kit.model import hf
from gpt2kit.model.device import pick_dtype
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.recipe import Recipe, read_by
from gpt2kit.tasks.base import Record, Score, Task
from gpt2kit.train import distributed, loop
from gpt2kit.train import events as kinds
from gpt2kit.train.state import STATE_FILE
from gpt2kit.train.tensorboard import Board
from gpt2kit.train.validate import validation_loss

REPORT_FILE = "prepare.json"

EVALUATION_TOKENS = 8192
"""Positions of a batch when a loss is measured."""


def ignore(*_: object) -> None:
    """A progress callback for callers who do not look."""


def prepare(
    recipe: Recipe,
    corpora: Mapping[str, Sequence[str]],
    out: Path,
    overwrite: bool = False,
    progress: Callable[[str, int], None] = ignore,
) -> dict[str, SplitReport]:
    """Read the corpora of each split, learn the tokenizer from train, write ids to `out`; returns what was done.

    Without a "val" corpus the task says what of train is held out, by default by a hash of each key. A failure leaves
    `out` as it was.
    """
    task, window = recipe.task, recipe.model.n_positions
    longest = window if task.layout == "rows" else None
    split = _only("train", task) if "val" in corpora else task.split
    read = partial(_counted, task, progress=progress)
    with files.new_folder(out, overwrite) as folder:
        usable = (r for r in read(corpora["train"], "fit") if split(r) == "train" and not task.problem(r))
        fitted = task.fit(corpora["train"], usable, folder, window)
        names = ("train",) if "val" in corpora else ("train", "val")
        writers = write_splits(folder, names, read(corpora["train"], "train"), split, fitted, longest)
        keys = writers["train"].keys()
        for name in (name for name in corpora if name != "train"):
            writers |= write_splits(
                folder, (name,), read(corpora[name], name), _only(name, task), fitted, longest, keys
            )
        reports = {name: writer.report for name, writer in writers.items()}
        if not reports["train"].rows:
            raise DataError(f"{' '.join(corpora['train'])}: nothing to train on ({reports['train'].reasons()})")
        folders.save_task(folder, recipe.task_name, fitted)
        described = {"corpora": dict(corpora), "window": window, "splits": {s: r.json() for s, r in reports.items()}}
        files.write_json(folder / REPORT_FILE, described)
    return reports


def _only(split: str, task: Task[Any, Any]) -> Callable[[Record[Any, Any]], str | None]:
    """All records belong to one split, but for those of which the corpus itself says another."""
    return lambda record: split if task.named_split(record) in (None, split) else None


def _counted(
    task: Task[Any, Any], corpus: Sequence[str], phase: str, progress: Callable[[str, int], None]
) -> Iterator[Record[Any, Any]]:
    number = 0
    for number, record in zip(count(1), task.read(corpus), strict=False):
        if number % 1000 == 0:
            progress(phase, number)
        yield record
    progress(phase, number)


@dataclass(frozen=True)
class Samples:
    """Validation examples with what the model makes of them now."""

    step: int
    rows: list[tuple[str, str, str]]
    """(source, output, target), as text."""


Event = kinds.Event | Samples


def train(
    recipe: Recipe,
    data: Path,
    run: Path,
    init: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
) -> Iterator[Event]:
    """Train on a prepared folder into a run folder, which is a Hugging Face GPT-2 checkpoint from the first save on.

    `init` is a run or a GPT-2 folder or a Hub id to start from; `resume` goes on with a run that was stopped. Under
    torchrun every process calls this and sees the events; the first one alone writes.
    """
    with distributed.join(recipe.train.device) as team:
        name, task = folders.load_task(data)
        if name != recipe.task_name:
            raise DataError(f"{data} was prepared for {name}, the recipe {recipe.name} is for {recipe.task_name}")
        task = replace(task, **{key: getattr(recipe.task, key) for key in read_by("train", task)})
        stores = {split: Store(data, split) for split in ("train", "val")}
        prepared = files.read_json(data / REPORT_FILE).get("window", 0)
        if task.layout == "rows" and not init and not resume and recipe.model.n_positions > prepared:
            raise UserError(
                f"{data} was prepared for a window of {prepared} tokens: nothing in it would teach the positions from "
                f"there to model.n_positions = {recipe.model.n_positions}; prepare it again with --set "
                f"model.n_positions={recipe.model.n_positions}, or train with {prepared}"
            )
        if resume:
            folders.check_resumable(run, data, recipe, task)
            init = folders.init_of(run)
            recipe = replace(recipe, model=folders.recipe_of(run).model)
        elif team.chief:
            files.refuse_existing(run, overwrite)
        torch.manual_seed(recipe.train.seed)
        if resume and (run / STATE_FILE).is_file():
            model = GPT2(*hf.read_config(run))
        else:  # also for a run that was killed before its first save: it starts again from the same weights
            model = _start_from(init, recipe, task) if init else GPT2(recipe.model, task.vocab_size)
        if resume and team.chief:
            files.remove_leftovers(run)
        elif team.chief:
            with files.new_folder(run, overwrite) as folder:
                folders.describe_run(folder, replace(recipe, model=model.config), data, name, task, init)
                hf.save_config(folder, model, task.eos)
        team.wait()
        validation = stores["val"] if len(stores["val"]) else None
        work = loop.Loop(
            model, stores["train"], validation, recipe.train, run, team, layout_of(task, model, recipe.train)
        )
        if resume:
            work.resume()
            if team.chief:
                folders.forget_after(run, work.step)
        yield from _logged(work, run, task, stores["val"], recipe)
        if team.chief and work.step == work.steps:
            folders.finish_run(run)
            (run / STATE_FILE).unlink(missing_ok=True)


def _logged(work: loop.Loop, run: Path, task: Task[Any, Any], validation: Store, recipe: Recipe) -> Iterator[Event]:
    """The run's events, with samples in between; what is measured is written down by the chief."""
    chief = work.team.chief
    with ExitStack() as stack:
        log = stack.enter_context((run / folders.METRICS_FILE).open("a", encoding="utf-8")) if chief else None
        board = stack.enter_context(Board(run, work.step)) if chief and recipe.train.tensorboard else None
        for event in work.run(lambda model: hf.save(run, model, task.eos)):
            yield event
            if log is not None and isinstance(event, kinds.Step | kinds.Validation):
                log.write(json.dumps(_metrics(event)) + "\n")
                log.flush()
            if board is not None and isinstance(event, kinds.Step | kinds.Validation):
                board.show(event)
            if isinstance(event, kinds.Validation) and recipe.train.samples:
                model = work.complete()  # all processes take part
                if chief:
                    yield Samples(event.step, _samples(model, task, validation, recipe))


def layout_of(task: Task[Any, Any], model: GPT2, config: TrainConfig | None = None) -> Layout:
    """How a task's ids become batches; `config` says what training makes of them."""
    config = config or TrainConfig()
    if task.layout == "stream":
        if config.loss_on != "answer":
            raise UserError(f"train.loss_on = {config.loss_on!r}: a stream has no prompts to learn; leave it out")
        return StreamLayout(model.config.n_positions, task.crop)
    return RowLayout(config.loss_on)


def _start_from(init: str, recipe: Recipe, task: Task[Any, Any]) -> GPT2:
    """A pretrained model whose vocabulary grows by the task's new tokens; ids of the old ones must mean the same."""
    folder = fetch(init)
    model = hf.load(folder, recipe.model.dropout)
    if not task.extends(folder):
        raise DataError(f"{init} has another tokenizer than the data: prepare it with --tokenizer {init}")
    hf.grow_vocabulary(model, task.vocab_size)
    return model


def _metrics(event: kinds.Step | kinds.Validation) -> dict[str, float | int]:
    if isinstance(event, kinds.Validation):
        return {"step": event.step, "validation_loss": event.loss}
    return {
        "step": event.step,
        "epoch": round(event.epoch, 4),
        "loss": event.loss,
        "rate": event.rate,
        "tokens_per_second": round(event.tokens_per_second),
        "of_peak": round(event.of_peak, 4),
    }


def _samples(model: GPT2, task: Task[Any, Any], store: Store, recipe: Recipe) -> list[tuple[str, str, str]]:
    count = min(recipe.train.samples, len(store))
    rows = [store.row(index * len(store) // count) for index in range(count)]  # spread over the split
    longest = min(recipe.generate.max_new_tokens, model.config.n_positions)
    config = replace(recipe.generate, beams=1, max_new_tokens=longest, roll=False)
    prompts = [prompt for prompt, _ in rows]
    found = {result.index: result for result in answers(freeze(model, config.dtype), prompts, config, task.eos)}
    outputs = [task.decode(found[index].answers[0].ids) for index in range(len(rows))]
    shown = zip(rows, outputs, strict=True)
    return [
        (task.show(task.decode_source(prompt)), str(output), str(task.decode(target)))
        for (prompt, target), output in shown
    ]


@dataclass(frozen=True)
class Evaluation:
    """Scores of a run on one set."""

    scores: list[Score]
    count: int
    truncated: int
    unfinished: int
    seconds: float
    signature: str

    def json(self) -> dict[str, Any]:
        return {
            "scores": {score.name: _figure(score) for score in self.scores if not score.system},
            "count": self.count,
            "truncated": self.truncated,
            "unfinished": self.unfinished,
            "seconds": round(self.seconds, 2),
            "per_second": round(self.count / self.seconds, 2),
            "signature": self.signature,
        } | self._beside()

    def _beside(self) -> dict[str, Any]:
        """The same scores of what stands beside the model."""
        beside: dict[str, dict[str, Any]] = {}
        for score in self.scores:
            if score.system:
                beside.setdefault(score.system, {})[score.name] = _figure(score)
        return {"beside": beside} if beside else {}


def _figure(score: Score) -> dict[str, Any]:
    interval = {"interval": score.interval} if score.interval else {}
    return {"value": score.value, **interval, "signature": score.signature}


def evaluate(
    engine: Engine,
    records: Iterable[Record[Any, Any]],
    name: str,
    predictions: Path | None = None,
    progress: Callable[[int], None] = ignore,
) -> Evaluation:
    """Answer every record's source and score the answers, holding no more than the task's scores need.

    `predictions` receives them as JSON lines, each as soon as it is there: "n" is its number, from 1 on, and "id" what
    the corpus calls its record, or where it stands there; a split that was prepared from lines of text has no ids.
    """
    task, scorer, seconds = engine.task, engine.task.scorer(), 0.0
    asked: deque[Record[Any, Any]] = deque()
    done = truncated = unfinished = 0
    results = engine.results(record.source for record in _noted(records, asked))
    with ExitStack() as stack:
        file = None
        while True:
            started = time.perf_counter()
            result = next(results, None)
            seconds += time.perf_counter() - started
            if result is None:
                break
            record, output = asked.popleft(), result.outputs[0]
            figures = scorer.add(record, output)
            done, truncated, unfinished = done + 1, truncated + result.truncated, unfinished + (not result.finished)
            if predictions is not None:
                file = file or stack.enter_context(predictions.open("w", encoding="utf-8"))
                line: dict[str, Any] = {"n": done} | ({"id": record.id} if record.id else {})
                line |= {"source": task.show(record.source), "output": output, "target": record.target}
                file.write(json.dumps(line | figures, ensure_ascii=False) + "\n")
                file.flush()
            progress(done)
    if not done:
        raise DataError(f"{name} has no records to evaluate on")
    version = importlib.metadata.version("gpt2kit")
    signature = f"set:{name}|n:{done}|decode:{_decoding(engine.config)}|gpt2kit:{version}"
    return Evaluation(scorer.scores(), done, truncated, unfinished, seconds, signature)


def _decoding(config: GenerateConfig) -> str:
    """What decides on an answer, beside the model."""
    if config.beams > 1:
        how = f"beam{config.beams}|alpha:{config.length_penalty}"
    else:
        drawn = f"|k:{config.top_k}|p:{config.top_p:g}|seed:{config.seed}" if config.temperature else ""
        how = f"t:{config.temperature}{drawn}"
    penalty = f"|penalty:{config.repetition_penalty:g}" if config.repetition_penalty != 1 else ""
    return f"{how}{penalty}|max:{config.max_new_tokens}|{config.dtype}"


def _noted(records: Iterable[Record[Any, Any]], asked: "deque[Record[Any, Any]]") -> Iterator[Record[Any, Any]]:
    for record in records:
        asked.append(record)
        yield record


@dataclass(frozen=True)
class Documents:
    """Whole documents to evaluate on."""

    name: str
    store: Store
    report: SplitReport | None
    """What became of a corpus that was read for this."""


@contextmanager
def documents(
    run: Path, task: Task[Any, Any], corpus: Sequence[str] = (), split: str = "", limit: int | None = None
) -> Iterator[Documents]:
    """Those of a corpus, all of them or the `split` that it names itself; or of a split, by default val, of the folder
    that a run was trained on. Raises DataError if there are none."""
    with TemporaryDirectory() as folder:
        if corpus:
            wanted = split or "all"
            belongs = _only(split, task) if split else lambda record: wanted
            writers = write_splits(Path(folder), [wanted], task.read(corpus), belongs, task, None)
            name = f"{_named(corpus)}:{split}" if split else _named(corpus)
            found = Documents(name, Store(Path(folder), wanted), writers[wanted].report)
        else:
            split = split or "val"
            data = folders.data_of(run, task)
            found = Documents(set_name(data, split), Store(data, split), None)
        if not len(found.store):
            raise DataError(f"{found.name} has no documents to evaluate on")
        yield found if limit is None else replace(found, store=found.store.first(limit))


def evaluate_stream(engine: Engine, documents: Documents) -> Evaluation:
    """The loss of whole documents, every token once, in windows that do not overlap; by each of the task's units."""
    model, task, store = engine.model, engine.task, documents.store
    started, device = time.perf_counter(), model.head.device
    dtype = pick_dtype("auto", device)
    batches = layout_of(task, model).validation(store, EVALUATION_TOKENS)
    nats = validation_loss(model, batches, device, dtype) * batches.epoch_tokens
    units: Counter[str] = Counter()
    for index in range(len(store)):
        prompt, target = store.row(index)
        units.update(task.units([*prompt, *target]))
    window, version = model.config.n_positions, importlib.metadata.version("gpt2kit")
    scores = [Score(f"nats per {unit}", nats / n, f"n:{n:.0f}", digits=4) for unit, n in units.items() if n]
    how = f"window:{window}|stride:{window}|{dtype}|{task.fingerprint()}|gpt2kit:{version}"
    signature = f"set:{documents.name}|ids:{store.digest()}|n:{len(store)}|{how}"
    return Evaluation(scores, len(store), 0, 0, time.perf_counter() - started, signature)


def set_name(data: Path, split: str) -> str:
    """A split of a prepared folder, by the corpus that it is from."""
    corpora = files.read_json(data / REPORT_FILE)["corpora"]
    return f"{_named(corpora.get(split, corpora['train']))}:{split}"


def _named(corpus: Sequence[str]) -> str:
    return ",".join(Path(word).name for word in corpus)


def corpus_records(
    task: Task[Any, Any], corpus: Sequence[str], report: SplitReport, limit: int | None = None
) -> tuple[str, Iterator[Record[Any, Any]]]:
    """A corpus to score on: what it is called, and its records; `report` counts them and those that are left out.

    Raises DataError, in the end, if all are.
    """
    name = _named(corpus)

    def scorable() -> Iterator[Record[Any, Any]]:
        for record in task.read(corpus):
            report.read += 1
            if reason := task.unscorable(record):
                report.drop(reason, record)
            else:
                report.rows += 1
                yield record
        if not report.rows:
            raise DataError(f"{name} has no records to evaluate on ({report.reasons()})")

    return name, islice(scorable(), limit)


def stored_records(
    run: Path, task: Task[Any, Any], split: str, limit: int | None = None
) -> tuple[str, Iterator[Record[Any, Any]]]:
    """A split of the folder that a run was trained on: what it is called, and its records, as they were read where
    their ids are less. Raises DataError for one whose ids are all there is, though they are less, as of train."""
    data = folders.data_of(run, task)
    store, name = Store(data, split), set_name(data, split)
    if store.has_texts:
        return name, map(task.kept, islice(store.texts(), limit))
    rows = (store.row(index) for index in range(len(store)))
    records = (Record(task.decode_source(prompt), task.decode(target)) for prompt, target in islice(rows, limit))
    if (first := next(records, None)) is not None and task.texts(first) is not None:
        raise DataError(
            f"{name} cannot be scored on: only ids are kept of it, cut to the window; accepted: another --split that "
            "prepare wrote, such as val, or the corpus itself with --pairs"
        )
    return name, chain([] if first is None else [first], records)
