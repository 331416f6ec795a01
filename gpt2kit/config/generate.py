"""The knobs of [generate]."""

from dataclasses import dataclass, replace
from typing import Any

from gpt2kit.config.knobs import above_zero, at_least, check, knob, seeded, share

RANDOM, CORPUS = "random", "corpus"
"""Words that stand for a number that is not known yet: a random seed, and a ratio that fits the training data."""

UNKNOWN_RATIO = 2.0
"""The ratio where no training data says one; also the least that is taken from training data."""

METRICS = ("chrf", "bleu")
"""Similarities of two texts, for minimum Bayes risk."""

MBR_TEMPERATURE = 0.7
"""What minimum Bayes risk samples with where nothing else is set. Samples estimate the model's own distribution without
bias at 1.0 (Eikema and Aziz 2020, https://aclanthology.org/2020.coling-main.398); but of 16 samples, as of other small
numbers, too few are good ones then: see docs/translate.md."""

EXTRA_TOKENS = 16
"""Tokens that an answer may have in addition to max_ratio times those of its prompt: for short prompts."""


@dataclass(frozen=True)
class GenerateConfig:
    """How an answer is decoded. The order is repetition penalty, temperature, top-k, top-p."""

    beams: int = knob(1, "number of hypotheses of beam search; 1 means sampling, or greedy decoding at temperature 0")
    length_penalty: float = knob(
        0.6, "alpha in ((5 + length) / 6)^alpha, which divides the score of a beam-search hypothesis"
    )
    temperature: float = knob(0.0, "sampling temperature; 0 is greedy decoding")
    mbr: int = knob(
        0,
        "minimum Bayes risk: answer with the one of N samples that is most similar to the others, of a temperature "
        "above 0; 0 is off",
    )
    mbr_metric: str = knob("chrf", "how similar two samples are: sacreBLEU's chrF or BLEU of sentences", METRICS)
    top_k: int = knob(0, "sample from the k most likely tokens, ties included; 0 is off")
    top_p: float = knob(1.0, "sample from the smallest set of tokens with this total probability; 1 is off")
    repetition_penalty: float = knob(1.0, "above 1: make tokens that already occurred less likely; 1 is off")
    penalty_on: str = knob(
        "all", "where repetition_penalty looks for tokens: all (prompt and answer) or answer", ("all", "answer")
    )
    max_new_tokens: int = knob(256, "most tokens of an answer")
    max_ratio: float | str = knob(
        0.0,
        "most tokens of an answer as a multiple of the prompt's, plus 16; 0 is off; corpus: as the targets of the "
        "training data need, at least 2",
        word=CORPUS,
    )
    roll: bool = knob(
        False, "continue when the window is full, from its last half; otherwise a full window ends the answer"
    )
    stop: tuple[str, ...] = knob((), "texts that end an answer, which does not include them")
    stop_ids: tuple[int, ...] = knob((), "ids that end an answer, in addition to the task's end token")
    ban_ids: tuple[int, ...] = knob((), "ids that are never generated")
    knn: float = knob(
        0.0,
        "share of each prediction that comes from the training examples in the most similar contexts (kNN-LM); 0 is "
        "off; needs the prepared data of the run",
    )
    knn_neighbors: int = knob(8, "number of these examples")
    knn_temperature: float = knob(
        10.0, "a neighbor at the Euclidean distance d counts exp(-d^2 / X): the larger X, the more equal they are"
    )
    grammar: bool = knob(
        True, "generate only what can follow, for a task whose ids have a grammar, such as events of music"
    )
    batch_rows: int = knob(
        0, "sequences decoded together; does not change answers; 0 means as many as fit into memory, at most 256"
    )
    dtype: str = knob(
        "auto",
        "arithmetic; auto is bf16 where the hardware computes it natively, otherwise fp32; a CPU samples in fp32; "
        "int8: 8-bit weights, on CPUs with AVX512-VNNI",
        ("auto", "bf16", "fp32", "int8"),
    )
    device: str = knob("auto", "cpu, cuda, cuda:1, mps, or auto: the first of cuda, mps and cpu that the machine has")
    seed: int | str = knob(
        RANDOM, "seed of sampling; input number i of a call uses seed + i; random: a new one for each call", word=RANDOM
    )

    @property
    def ratio(self) -> float:
        """max_ratio as a number; UNKNOWN_RATIO where it was not taken from training data yet."""
        return UNKNOWN_RATIO if isinstance(self.max_ratio, str) else self.max_ratio

    def room_for_prompt(self, window: int) -> int:
        """The largest number of tokens in a prompt; a longer one is cut, so that an answer fits into the window."""
        return window - (1 if self.roll else min(self.max_new_tokens, window // 2))

    def fitted(self, ratio: float | None) -> "GenerateConfig":
        """These settings with max_ratio = corpus replaced by the ratio of the corpus, if that is known."""
        return self if self.max_ratio != CORPUS or ratio is None else replace(self, max_ratio=ratio)

    def __post_init__(self) -> None:
        at_least(self, 1, "beams", "max_new_tokens", "knn_neighbors")
        at_least(self, 0, "temperature", "mbr", "top_k", "batch_rows")
        if not isinstance(self.max_ratio, str):
            at_least(self, 0, "max_ratio")
        above_zero(self, "repetition_penalty", "knn_temperature")
        share(self, "knn")
        check(0 <= self.top_p <= 1, f"top_p = {self.top_p}; expected 0 to 1")
        for name in ("stop_ids", "ban_ids"):
            ids = getattr(self, name)
            check(min(ids, default=0) >= 0, f"{name} = {list(ids)}; expected ids of 0 or more")
        check("" not in self.stop, "stop: an empty text would end every answer before it begins")
        if not isinstance(self.seed, str):
            seeded(self.seed)
        needed = f"penalty_on = {self.penalty_on!r} needs a repetition_penalty other than 1, which is off"
        check(self.penalty_on == "all" or self.repetition_penalty != 1, needed)
        sampled = self.temperature > 0
        both = f"beams = {self.beams}, temperature = {self.temperature}"
        check(self.mbr != 1, "mbr = 1: one sample has no others to be compared with; expected 0 (off), or 2 or more")
        check(
            not self.mbr or self.beams == 1,
            f"mbr = {self.mbr}, beams = {self.beams}: mbr samples instead of searching: set beams = 1 or mbr = 0",
        )
        check(
            not self.mbr or sampled,
            f"mbr = {self.mbr}, temperature = 0: mbr compares samples: set a temperature above 0, such as "
            f"{MBR_TEMPERATURE}, or mbr = 0",
        )
        check(
            not (self.beams > 1 and sampled), f"{both}: beam search does not sample: set temperature = 0 or beams = 1"
        )
        used = {"repetition_penalty": self.repetition_penalty != 1, "output longer than the window (roll)": self.roll}
        used |= {"ban_ids": bool(self.ban_ids), "stop": bool(self.stop)}
        unsupported = " and ".join(name for name, is_used in used.items() if is_used)
        check(self.beams == 1 or not unsupported, f"beam search does not support {unsupported}: set beams = 1")
        limited = self.top_k > 0 or self.top_p < 1
        check(
            sampled or not limited,
            "top_k and top_p need a temperature above 0, such as --temperature 0.8: they have no effect on greedy "
            "decoding or beam search",
        )


def with_generation(table: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """[generate] with the keys that a user gives. Temperature 0 turns off top_k and top_p unless these are given, and
    mbr turns on sampling."""
    dropped = ("top_k", "top_p") if given.get("temperature") == 0 else ()
    found = {key: value for key, value in table.items() if key not in dropped} | given
    if given.get("mbr") and "temperature" not in given and not found.get("temperature"):
        found["temperature"] = MBR_TEMPERATURE
    return found
