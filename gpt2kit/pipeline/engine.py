"""The object for notebooks: `fr = gpt2kit.load("runs/translate")`, then `fr("The cat sat.")`."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, overload

from gpt2kit import recipe
from gpt2kit.config import CORPUS, GenerateConfig, with_generation
from gpt2kit.decoding import decode
from gpt2kit.decoding.answer import limited_by
from gpt2kit.decoding.average import Model, together
from gpt2kit.decoding.classify import likeliest, mean_probabilities
from gpt2kit.decoding.grammar import Automaton, MakeAutomaton
from gpt2kit.decoding.neighbors import with_neighbors
from gpt2kit.decoding.repetition import repeats_itself
from gpt2kit.decoding.seeds import seeds, with_seed
from gpt2kit.errors import UserError
from gpt2kit.model.device import keep_memory, pick_device
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.pipeline.endings import output_of, stops_of
from gpt2kit.pipeline.sources import Places, TokenSources, sources_of
from gpt2kit.runs.folder import Run
from gpt2kit.tasks.base import Task

if TYPE_CHECKING:
    from gpt2kit.pipeline.datastore import Datastore, Progress
    from gpt2kit.pipeline.dealing import Dealer

WINDOW_OF_INPUTS = 2048
"""Inputs for each process that are sorted by length together; more are read after these are answered: constant
memory for any pipe."""


@dataclass(frozen=True)
class Result:
    """The outcome of one input. `outputs` has more than one entry after beam search."""

    outputs: list[Any]
    scores: list[float | None]
    """Log-probabilities over the length penalty; None unless they were asked for or beam search needed them."""
    finished: bool
    """False when the length limit ended the answer."""
    truncated: bool
    """True when the source was cut to fit into the window."""
    ids: list[list[int]]
    """The ids that the outputs were decoded from, without the end token; for a classifier the number of its answer."""
    probabilities: dict[str, float] | None = None
    """For a classifier: the probability of each answer."""
    circling: bool = False
    """True when the answer ends by repeating one passage."""
    log_probabilities: list[float | None] = field(default_factory=lambda: [None])
    """The sum over the tokens of each output, its end token included, by the model's own distribution; or None."""
    limit: str = ""
    """What ended an unfinished answer: max_ratio or max_new_tokens of [generate], or window."""
    seed: int | None = None
    """The seed that gives this output again as the first of a call; None if it was not sampled."""
    complete: int = 1
    """The number of outputs that the length limit did not end: they come first."""
    sources: list[TokenSources] | None = None
    """Where each token of the first output comes from; None unless that was asked for."""


class Engine:
    """A task and its trained model, and the run that they were loaded from, if any; or several models, whose
    probabilities are averaged."""

    def __init__(
        self,
        task: Task[Any, Any],
        model: GPT2,
        config: GenerateConfig,
        run: Run | None = None,
        given: Mapping[str, Any] | None = None,
        others: Sequence[tuple[Run, GPT2]] = (),
    ) -> None:
        """The predictions of `others`, which have the same vocabulary and prompts, are averaged with the model's."""
        self.task, self.run = task, run
        self.others = [other for other, _ in others]
        """The runs of the other models."""
        self.config = self._fitted(config)
        self.given = given or {}
        """The [task] settings that it was loaded with; the others are the run's."""
        device = pick_device(config.device)
        keep_memory(device)
        self.model = model.to(device).eval()
        self.models = [self.model, *(other.to(device).eval() for _, other in others)]
        self._decoders: dict[str, Model] = {}
        self._datastore: Datastore | None = None
        self.dealer: Dealer | None = None
        """Gives other processes their shares of the inputs, if there are any."""

    @overload
    def __call__(self, source: str, **settings: Any) -> Any: ...
    @overload
    def __call__(self, source: Sequence[str], **settings: Any) -> list[Any]: ...
    def __call__(self, source: str | Sequence[str], **settings: Any) -> Any:
        """The answer to one input, or the list of answers to a list; settings are [generate] keys for this call
        only."""
        if isinstance(source, str):
            return self([source], **settings)[0]
        parsed = [self.task.parse(text) for text in source]
        return [result.outputs[0] for result in self.results(parsed, self.configured(settings))]

    def stream(self, source: str, **settings: Any) -> Iterator[str]:
        """Yield pieces of the answer as they are decoded; joined they are the answer."""
        config = self.configured(settings)
        if self.task.layout.labels:
            raise UserError("a classifier's label cannot be streamed: call the engine instead")
        if config.beams > 1:
            raise UserError(
                f"beams = {config.beams}: beam search cannot be streamed; set beams = 1, or call the engine"
            )
        if config.mbr:
            raise UserError(
                f"mbr = {config.mbr}: an answer that is chosen among samples cannot be streamed; set mbr = 0, or call "
                f"the engine"
            )
        parsed = self.task.parse(source)
        if (known := self.task.answer_without_model(parsed)) is not None:
            yield from [str(known)] if known else []
            return
        prompt, cut = self.prompt(parsed, config)
        stops = stops_of(self.task, config)
        ids: list[int] = []
        shown = 0
        automata = self._automata([parsed], [(prompt, cut)], config, None)
        for token in decode.stream(self._decoder(config), prompt, config, self.task.vocabulary.eos, automata):
            ids.append(token)
            text = self.task.decode(ids)
            if stops is not None and stops.ended(ids):
                break
            if text.endswith("\ufffd"):  # a character is still incomplete
                continue
            ready = len(text) - (stops.held(text) if stops else 0)
            if ready > shown:
                yield text[shown:ready]
                shown = ready
        if rest := output_of(self.task, ids, stops)[shown:]:
            yield rest

    def results(
        self,
        sources: Iterable[Any],
        config: GenerateConfig | None = None,
        grammar: MakeAutomaton | None = None,
        scored: bool = False,
        traced: int = 0,
    ) -> Iterator[Result]:
        """Yield one result per source, in order, for any number of sources; `scored`: with log-probabilities.

        `grammar` replaces the one of the task, which `generate.grammar` turns off; then this process alone answers.
        `traced` is the number of training examples that are named for each token of the first output, see `datastore`.
        """
        config = with_seed(config or self.config)
        self.check_mbr(config)
        if traced or config.knn:
            self.datastore()
        iterator = iter(sources)
        offset = 0
        dealer = None if grammar is not None else self.dealer
        while window := list(islice(iterator, WINDOW_OF_INPUTS * (dealer.processes if dealer else 1))):
            numbers = range(offset, offset + len(window))
            if dealer is not None:
                yield from dealer.answers(self, window, numbers, config, scored, traced)
            else:
                yield from self.window(window, numbers, config, scored, traced, grammar)
            offset += len(window)

    def datastore(self, progress: "Progress" = lambda done, of: None) -> "Datastore":
        """The states of the run's training data, which sources and `generate.knn` need: read, or computed first.

        Raises DataError if the data has changed or is gone, UserError for a classifier or a model without a run.
        """
        if self._datastore is None:
            if self.task.layout.labels:
                raise UserError(
                    "a classifier generates no tokens: it has no sources, and no neighbors for generate.knn"
                )
            if len(self.models) > 1:
                raise UserError(
                    f"sources and generate.knn compare the states of one model, and here are {len(self.models)}: give "
                    "one run"
                )
            if self.run is None:
                raise UserError(
                    "this model was not loaded from a run, so the examples that it was trained on are not known; "
                    "sources and generate.knn need a run"
                )
            from gpt2kit.pipeline.datastore import open_datastore  # it needs numpy, and decoding does not

            self._datastore = open_datastore(self.run, self.model, progress)
        return self._datastore

    def window(
        self,
        sources: Sequence[Any],
        numbers: Sequence[int],
        config: GenerateConfig,
        scored: bool,
        traced: int = 0,
        grammar: MakeAutomaton | None = None,
    ) -> Iterator[Result]:
        """Yield in order, each result as soon as it and all previous ones are ready.

        `numbers` are those of the sources in the whole input, which decide their seeds: config.seed must be a number.
        """
        known = map(self.task.answer_without_model, sources)
        results: list[Result | None] = [
            None if each is None else Result([each], [None], True, False, ids=[[]]) for each in known
        ]
        asked = [index for index, result in enumerate(results) if result is None]
        prompts = [self.prompt(sources[index], config) for index in asked]
        ids = [prompt for prompt, _ in prompts]
        numbers = [numbers[index] for index in asked]
        yielded = 0
        if self.task.layout.labels:
            results = self._chosen(sources, results, asked, prompts)
            yield from (result for result in results if result is not None)
            return
        decoder, recent, stops = self._decoder(config), self.task.layout.recent, stops_of(self.task, config)
        ended, eos = stops.ended if stops else None, self.task.vocabulary.eos
        window = self.positions
        if config.mbr:
            from gpt2kit.metrics.consensus import consensus  # it needs numpy, and decoding does not
        automata = self._automata([sources[index] for index in asked], prompts, config, grammar)
        for found in decode.answers(decoder, ids, config, eos, numbers, automata, recent, ended, scored):
            answers = found.answers
            outputs = [output_of(self.task, answer.ids, stops) for answer in answers]
            if config.mbr:
                place = consensus([*map(self.task.tell, outputs)], config.mbr_metric)
                answers, outputs = [answers[place]], [outputs[place]]
            results[asked[found.index]] = Result(
                outputs=outputs,
                scores=[answer.score for answer in answers],
                finished=(finished := answers[0].finished),
                truncated=prompts[found.index][1],
                ids=[answer.ids for answer in answers],
                circling=repeats_itself(answers[0].ids),
                log_probabilities=[answer.log_probability for answer in answers],
                limit="" if finished else limited_by(len(ids[found.index]), window, config),
                seed=seeds(config, [numbers[found.index]])[0] if config.temperature else None,
                complete=sum(answer.finished for answer in answers),
                sources=self.sources_of(ids[found.index], answers[0].ids, traced) if traced else None,
            )
            while yielded < len(results) and (result := results[yielded]) is not None:
                yield result
                yielded += 1
        yield from (result for result in results[yielded:] if result is not None)

    @cached_property
    def _places(self) -> Places:
        return Places(self.task, self.datastore().store)

    def sources_of(self, prompt: Sequence[int], ids: Sequence[int], count: int) -> list[TokenSources]:
        """The `count` nearest training examples of each id of an answer, whether the model wrote it or not."""
        return sources_of(self._places, self.model, self.datastore(), prompt, ids, count)

    def check_mbr(self, config: GenerateConfig) -> None:
        """Raises UserError for minimum Bayes risk where an answer is a label, or has no end of its own."""
        if config.mbr and (self.task.layout.labels or self.task.layout.continues):
            answers = "labels" if self.task.layout.labels else "continuations of what was given"
            raise UserError(
                f"generate.mbr = {config.mbr}: it compares whole answers in words, as of translations, and the answers "
                f"of this task are {answers}: set it to 0"
            )

    def _automata(
        self,
        sources: Sequence[Any],
        prompts: Sequence[tuple[list[int], bool]],
        config: GenerateConfig,
        grammar: MakeAutomaton | None,
    ) -> list[Automaton]:
        """The automaton of each answer, which has seen its whole prompt; none if any id may follow any other."""
        make = grammar or (self.task.layout.grammar if config.grammar else None)
        if make is None:
            return []
        whole = (
            self.task.encode_source(source) if cut else prompt
            for source, (prompt, cut) in zip(sources, prompts, strict=True)
        )
        return [automaton for automaton in map(make, whole) if automaton is not None]

    def _chosen(
        self,
        sources: Sequence[Any],
        results: list[Result | None],
        asked: list[int],
        prompts: list[tuple[list[int], bool]],
    ) -> list[Result | None]:
        """Answers of the classifier."""
        texts = [prompt for prompt, _ in prompts]
        for index, likely in mean_probabilities(self.models, texts, self.task.layout.extract):
            names, best = self.task.layout.answers(sources[asked[index]]), likeliest(likely)
            by_name = dict(sorted(zip(names, likely, strict=True), key=lambda each: -each[1]))
            score, truncated = math.log(likely[best]), prompts[index][1]
            results[asked[index]] = Result(
                [names[best]], [score], True, truncated, [[best]], by_name, log_probabilities=[score]
            )
        return results

    def _fitted(self, config: GenerateConfig) -> GenerateConfig:
        """The settings with the ratio that the run's training data needs, if they ask for it."""
        return config if config.max_ratio != CORPUS or self.run is None else config.fitted(self.run.max_ratio)

    @property
    def positions(self) -> int:
        """The window: the shortest one of the models."""
        return min(model.config.n_positions for model in self.models)

    def _decoder(self, config: GenerateConfig) -> Model:
        """The weights laid out for one dtype, once; with neighbors in the training data if they have a share."""
        dtype = decode.arithmetic(config, self.model.head.device)
        if dtype not in self._decoders:
            self._decoders[dtype] = together([decode.for_inference(model, dtype) for model in self.models])
        decoder = self._decoders[dtype]
        if not config.knn:
            return decoder
        neighbors, (single,) = self.datastore().neighbors, decoder.members
        return with_neighbors(single, neighbors, config)

    def prompt(self, source: Any, config: GenerateConfig) -> tuple[list[int], bool]:
        """The prompt, cut so that an answer fits after it, and whether it was cut."""
        window = self.positions
        room = config.room_for_prompt(window)
        if self.task.layout.labels:  # as in training
            room = window - 1
        return self.fitted(source, room)

    def fitted(self, source: Any, room: int) -> tuple[list[int], bool]:
        """The prompt in at most `room` positions, and whether it was cut."""
        prompt = self.task.encode_source(source)
        if self.task.layout.length(prompt) <= room:
            return prompt, False
        return self.task.layout.shorten(prompt, room), True

    def configured(self, settings: dict[str, Any]) -> GenerateConfig:
        """[generate] with other values, checked; temperature 0 turns off top_k and top_p unless they are given, too."""
        if not settings:
            return self.config
        merged = with_generation(recipe.values(self.config), settings)
        return self._fitted(recipe.build_section(GenerateConfig, "generate", merged))
