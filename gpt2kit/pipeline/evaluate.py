"""evaluate: scores answers against references, or the loss on whole documents."""

import importlib.metadata
import json
import math
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TextIO

from gpt2kit import files, overwriting
from gpt2kit.config import GenerateConfig
from gpt2kit.data.layouts import Stream
from gpt2kit.data.report import SplitReport
from gpt2kit.data.store import Store
from gpt2kit.decoding.answer import limit_with_value
from gpt2kit.decoding.decode import arithmetic
from gpt2kit.decoding.seeds import reproducible
from gpt2kit.errors import DataError, UserError
from gpt2kit.metrics.copied import copied_share, run_length
from gpt2kit.metrics.score import Score
from gpt2kit.model.device import pick_dtype
from gpt2kit.pipeline import chance
from gpt2kit.pipeline.engine import Engine
from gpt2kit.pipeline.evaluation_sets import Documents, documents, records_to_score, training_store
from gpt2kit.pipeline.opening import load
from gpt2kit.pipeline.prepare import ignore
from gpt2kit.pipeline.ratios import longer
from gpt2kit.runs.folder import SHOWN
from gpt2kit.tasks.record import Record
from gpt2kit.training.distributed import ProcessGroup
from gpt2kit.training.validate import validation_loss

EVALUATION_TOKENS = 8192
"""Positions of a batch for measuring a loss."""


@dataclass(frozen=True)
class Evaluation:
    """Scores of a run on one set."""

    scores: list[Score]
    count: int
    truncated: int
    unfinished: int
    seconds: float
    signature: str
    circling: int = 0
    """Number of answers that end by repeating one passage."""
    remarks: Sequence[str] = ()
    """Problems of the answers that the scores do not show."""
    samples: list[tuple[str, str, str]] = field(default_factory=list)
    """The first (source, output, reference), as text."""
    repetition_penalty: float = 1.0
    """The setting that the answers were decoded with; 1 is off."""
    at_chance: str = ""
    """Why the model does no better than guessing, in words; empty if it does."""
    limits: Mapping[str, int] = field(default_factory=dict)
    """What ended the unfinished answers, as words with the values of the knobs, and how many of them."""
    longer: Mapping[str, str] = field(default_factory=dict)
    """For each of these, the setting that allows longer answers; empty for the window."""

    def json(self) -> dict[str, Any]:
        found = {
            "scores": {score.name: _figure(score) for score in self.scores if not score.system},
            "count": self.count,
            "truncated": self.truncated,
            "unfinished": self.unfinished,
            **({"limits": dict(self.limits)} if self.limits else {}),
            "circling": self.circling,
            "seconds": round(self.seconds, 2),
            "per_second": round(self.count / self.seconds, 2),
            "signature": self.signature,
        }
        found |= {"remarks": list(self.remarks)} if self.remarks else {}
        found |= {"at_chance": self.at_chance} if self.at_chance else {}
        return found | self._baselines()

    def _baselines(self) -> dict[str, Any]:
        """The scores of the systems that the model is compared with."""
        found: dict[str, dict[str, Any]] = {}
        for score in self.scores:
            if score.system:
                found.setdefault(score.system, {})[score.name] = _figure(score)
        return {"beside": found} if found else {}


def _figure(score: Score) -> dict[str, Any]:
    interval = {"interval": score.interval} if score.interval else {}
    value = score.value if math.isfinite(score.value) else None  # JSON has no infinity
    return {"value": value, **interval, "signature": score.signature}


def evaluate(
    run: str | Path | Engine,
    on: str | Path | Sequence[str | Path] | None = None,
    *,
    split: str | None = None,
    limit: int | None = None,
    predictions: str | Path | None = None,
    overwrite: bool = False,
    data: str | Path | None = None,
    progress: Callable[[int], None] = ignore,
) -> Evaluation:
    """Score a run folder, or an engine: its answers against references, or its loss on whole documents.

    `on` is a corpus as for prepare: a file, several, or a data set of the Hub. By default a prepared split of the data
    that the run was trained on is scored, namely val unless `split` names another. `limit` takes only the first records
    or documents. `data` is the folder of the run's prepared data, if it was moved. `predictions` names a file for the
    answers, as JSON lines; nothing else is written. The remarks list the omitted records of a corpus.

    Raises DataError for a folder that is not a run, for data that is missing, damaged or prepared again, and if there
    is nothing to score; UserError for arguments that do not fit the task, and if `predictions` exists: `overwrite`
    replaces earlier predictions only.
    """
    if isinstance(run, Engine) and data is not None:
        raise UserError("data is for a run folder: give it to gpt2kit.load, which opened this engine")
    engine = run if isinstance(run, Engine) else load(run, data=data)
    if limit is not None and limit < 1:
        raise UserError(f"limit = {limit}; expected at least 1, or None to score all")
    corpus = [str(on)] if isinstance(on, str | Path) else [str(word) for word in on or ()]
    written = Path(predictions) if predictions is not None else None
    if written is not None:
        overwriting.check_file(written, overwrite, overwriting.PREDICTIONS, corpus)
    remarks: list[str] = []
    try:
        training = training_store(engine)
    except DataError as error:
        training = None
        remarks.append(f"cannot measure how much is copied from the training data: {error}")
    report = SplitReport()
    if engine.task.layout.continues:
        if written is not None:
            raise UserError("predictions: this task is scored by its loss and has no answers to write; leave it out")
        with documents(engine, corpus, split or "", limit) as found:
            report = found.report or report
            evaluation = evaluate_stream(engine, found, training=training)
    else:
        if corpus and split:
            raise UserError(
                f"split = {split!r} is for prepared data, and a corpus is scored whole: leave out one of them"
            )
        name, records = records_to_score(engine, corpus, split or "", report, limit)
        evaluation = evaluate_records(engine, records, name, written, progress, training)
    if report.dropped:
        remarks.append(f"records of the corpus that were not scored: {report.reasons()}")
    return replace(evaluation, remarks=[*evaluation.remarks, *remarks])


def evaluate_records(
    engine: Engine,
    records: Iterable[Record[Any, Any]],
    name: str,
    predictions: Path | None = None,
    progress: Callable[[int], None] = ignore,
    training: Store | None = None,
) -> Evaluation:
    """Answer every record's source and score the answers, keeping only what the task's scores need.

    With the `training` store, the share of the answers that is copied from it is scored too.

    The answers are written to `predictions` as JSON lines when all are complete. "n" is the number of each, from 1, and
    "id" the id or position of its record in the corpus; a split that was prepared from lines of text has no ids.
    """
    task, scorer, seconds = engine.task, engine.task.scorer(), 0.0
    layout, guesses = task.layout, chance.of_answers(task.layout)
    asked: deque[Record[Any, Any]] = deque()
    made: list[list[int]] = []
    samples: list[tuple[str, str, str]] = []
    done = truncated = unfinished = circling = 0
    limits: Counter[str] = Counter()
    config = reproducible(engine.config)
    results = engine.results((record.source for record in _noted(records, asked)), config)
    with ExitStack() as stack:
        file: TextIO | None = None
        if predictions is not None:
            temporary = stack.enter_context(files.atomic(predictions))
            file = stack.enter_context(temporary.open("w", encoding="utf-8", errors="backslashreplace"))
        while True:
            started = time.perf_counter()
            result = next(results, None)
            seconds += time.perf_counter() - started
            if result is None:
                break
            record, output = asked.popleft(), result.outputs[0]
            if done < SHOWN:
                samples.append((task.show(record.source), task.tell(output), task.tell(record.target)))
            figures = scorer.add(record, output)
            choices = layout.answers(record.source) if layout.labels else ()
            guesses.add(task.show(record.source), task.tell(output), task.tell(record.target), choices)
            if training is not None:
                made.append(result.ids[0])
            done, truncated, unfinished = done + 1, truncated + result.truncated, unfinished + (not result.finished)
            circling += result.circling
            if result.limit:
                limits[result.limit] += 1
            if file is not None:
                line: dict[str, Any] = {"n": done} | ({"id": record.id} if record.id else {})
                line |= {"source": task.show(record.source), "output": output, "target": record.target}
                file.write(json.dumps(line | figures, ensure_ascii=False) + "\n")
            progress(done)
        if not done:
            raise DataError(f"{name} has no records to evaluate on; choose another --split, or a corpus with --on")
    version = importlib.metadata.version("gpt2kit")
    signature = f"set:{name}|n:{done}|decode:{_decoding(config, engine)}|gpt2kit:{version}"
    scores = scorer.scores()
    if training is not None:
        scores.append(copied(training, made, task.vocabulary.size))
    return Evaluation(
        scores,
        done,
        truncated,
        unfinished,
        seconds,
        signature,
        circling,
        limits={limit_with_value(limit, config): number for limit, number in limits.items()},
        longer=longer(limits, config, engine.run.max_ratio if engine.run else None),
        remarks=scorer.remarks(),
        samples=samples,
        repetition_penalty=config.repetition_penalty,
        at_chance=guesses.verdict(),
    )


def copied(training: Store, texts: Sequence[Sequence[int]], vocab_size: int, how: str = "") -> Score:
    """The share of generated ids that also occur in the training split, in runs of a certain length."""
    length = run_length(vocab_size)
    signature = f"n:{sum(map(len, texts))}|runs:{length}|train:{training.digest()}{how}"
    return Score("copied from training %", 100 * copied_share(training.ids, texts, length), signature)


OPENINGS, OPENING, CONTINUED = 16, 32, 64
"""Number of documents whose openings are continued, tokens of an opening, and tokens of its continuation."""


def continued(engine: Engine, store: Store) -> list[list[int]]:
    """The model's continuations of document openings."""
    ends = store.document_ends()[:OPENINGS].tolist()
    places = ((begin, min(begin + OPENING, end)) for begin, end in zip([0, *ends], ends, strict=False))
    openings = [engine.task.decode_source(store.ids[begin:end].tolist()) for begin, end in places]
    return [result.ids[0] for result in engine.results(openings, _for_openings(engine.config))]


def _for_openings(config: GenerateConfig) -> GenerateConfig:
    return replace(reproducible(config), beams=1, max_new_tokens=CONTINUED)


def _decoding(config: GenerateConfig, engine: Engine) -> str:
    """The settings that affect an answer, and the arithmetic, for signatures."""
    if config.beams > 1:
        how = f"beam{config.beams}|alpha:{config.length_penalty}"
    else:
        drawn = f"|k:{config.top_k}|p:{config.top_p:g}|seed:{config.seed}" if config.temperature else ""
        how = f"t:{config.temperature}{drawn}" + (f"|mbr:{config.mbr}:{config.mbr_metric}" if config.mbr else "")
    penalty = ""
    if config.repetition_penalty != 1:
        penalty = f"|penalty:{config.repetition_penalty:g}" + (":answer" if config.penalty_on == "answer" else "")
    if config.knn:
        how += f"|knn:{config.knn:g}|neighbors:{config.knn_neighbors}|T:{config.knn_temperature:g}"
    if len(engine.models) > 1:
        how = f"average{len(engine.models)}|{how}"
    return f"{how}{penalty}|max:{config.max_new_tokens}|{arithmetic(config, engine.model.head.device)}"


def _noted(records: Iterable[Record[Any, Any]], asked: "deque[Record[Any, Any]]") -> Iterator[Record[Any, Any]]:
    for record in records:
        asked.append(record)
        yield record


def evaluate_stream(
    engine: Engine,
    documents: Documents,
    stride: int = 0,
    training: Store | None = None,
    group: ProcessGroup | None = None,
) -> Evaluation:
    """The loss on whole documents, every token once, as the task's figures; the processes of a `group` share the work.

    Each window predicts `stride` tokens after its context; 0 derives the stride from the task's `overlap`. With the
    `training` store, the share of the openings' continuations that is copied from it is scored too.
    """
    if len(engine.models) > 1:
        raise UserError(f"the loss on documents is that of one model, and here are {len(engine.models)}: give one run")
    model, task, store, layout = engine.model, engine.task, documents.store, engine.task.layout
    assert isinstance(layout, Stream)
    started, device = time.perf_counter(), model.head.device
    dtype = pick_dtype("auto", device)
    window, version = model.config.n_positions, importlib.metadata.version("gpt2kit")
    stride = stride or max(1, window - int(window * layout.overlap))
    batches = layout.batching(window, stride=stride).validation(store, EVALUATION_TOKENS)
    nats = validation_loss(model, batches, device, dtype, group) * batches.epoch_tokens
    units: Counter[str] = Counter()
    ends, row_ends = store.document_ends(), store.ends[:].tolist()
    firsts = {0, *ends.tolist()}  # the first token of a document has no prediction
    for begin, end in zip([0, *row_ends[:-1]], row_ends, strict=True):
        units.update(layout.units(store.ids[begin + (begin in firsts) : end].tolist()))
    how = f"window:{window}|stride:{stride}|{dtype}|{task.vocabulary.fingerprint()}|gpt2kit:{version}"
    signature = f"set:{documents.name}|ids:{store.digest()}|n:{len(ends)}|{how}"
    scores = layout.rates(nats, units)
    if training is not None:
        how = f"|openings:{OPENINGS}x{OPENING}|{_decoding(_for_openings(engine.config), engine)}"
        scores.append(copied(training, continued(engine, store), task.vocabulary.size, how))
    at_chance = chance.of_documents(engine, store, nats / batches.epoch_tokens, batches.epoch_tokens)
    return Evaluation(scores, len(ends), 0, 0, time.perf_counter() - started, signature, at_chance=at_chance)
