"""More from the same sentences: what teaching by trained runs gives a translator, at what cost, alone and together.

    python benchmarks/beyond.py ../shared/data/multi30k --work DIR [--forward 3] [--backward 2] [--seeds 3]

Multi30k, English to French, recipe `multi30k`. Runs of both directions are trained; what they say of the training
sentences is added to the data; runs of several seeds are trained on that. BLEU is that of test_2016_flickr, on which
nothing is chosen. Hours are those of the commands that a row needs for one run, all helpers included, one after the
other, on a machine that does nothing else.

Give the same command again after an interruption: complete folders in the work folder are kept, and a run that was
stopped goes on. Its hours are then those of all attempts that ended with an answer or an error.
"""

import argparse
import json
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from machine import record
from runs import gpt2kit, trained

TEST = "test_2016_flickr"
SIDES = {"forward": ("en", "fr"), "backward": ("fr", "en")}
"""The languages of each direction: source, target."""

DECODING = {"greedy": ["--beams", "1"], "4 beams": ["--beams", "4"]}
"""How every run is scored."""

AT_DECODING = DECODING | {"minimum Bayes risk of 16": ["--mbr", "16"]}
"""How a run of the recipe is scored, alone and together with others."""


@dataclass(frozen=True)
class Method:
    """How a translator is made: which runs answer the training sentences, or none; how long it is then trained, and
    from the weights of which runs."""

    name: str
    teachers: Sequence[str] = ()
    settings: Sequence[str] = ()
    inits: Sequence[str] = ()

    def init(self, seed: int) -> str:
        return self.inits[seed % len(self.inits)] if self.inits else ""


@dataclass
class Work:
    """The work folder, and the seconds that each of its parts took."""

    folder: Path
    seconds: dict[str, float] = field(default_factory=dict)

    @classmethod
    def opened(cls, folder: Path) -> "Work":
        folder.mkdir(parents=True, exist_ok=True)
        times = folder / "seconds.json"
        return cls(folder, json.loads(times.read_text(encoding="utf-8")) if times.is_file() else {})

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Add the seconds of a block to those of a part, however the block ends."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started
            (self / "seconds.json").write_text(json.dumps(self.seconds, indent=2), encoding="utf-8")


def prepared(work: Work, corpus: Path, direction: str) -> Path:
    """The data of a direction."""
    out = work / f"data-{direction}"
    if not out.is_dir():
        pairs = {split: [str(corpus / f"{split}.{side}") for side in SIDES[direction]] for split in ("train", "val")}
        with work.timed(out.name):
            words = ("--recipe", "multi30k", "--out", str(out))
            gpt2kit("translate", "prepare", *pairs["train"], "--val", *pairs["val"], *words)
    return out


def learned(work: Work, name: str, data: Path, seed: int, settings: Sequence[str], init: str = "") -> Path:
    """A run of the recipe, from the weights of the run `init` if there is one; a run that was stopped goes on."""
    out = work / name
    begun = (out / "run.json").is_file()
    if begun and json.loads((out / "run.json").read_text(encoding="utf-8"))["finished"]:
        return out
    sets = [word for setting in (*settings, f"train.seed={seed}") for word in ("--set", setting)]
    start = ["--init", str(work / init)] if init else []
    words = ["--resume"] if begun else ["--recipe", "multi30k", *start, *sets]
    with work.timed(name):
        gpt2kit("translate", "train", str(data), "--out", str(out), *words)
    return out


def taught(work: Work, data: Path, method: Method) -> Path:
    """The data with the answers of a method's teachers."""
    if not method.teachers:
        return data
    out = work / f"data-{method.name}"
    if not out.is_dir():
        runs = [word for teacher in method.teachers for word in ("--run", str(work / teacher))]
        with work.timed(out.name):
            gpt2kit("translate", "augment", str(data), *runs, "--beams", "4", "--out", str(out))
    return out


def scored(work: Work, runs: Sequence[Path], corpus: Path, split: str, decoding: str, name: str) -> dict[str, Any]:
    """What evaluate says of a run, or of several together: kept in the work folder."""
    kept = work / "scores" / f"{name}.{split}.{decoding.replace(' ', '-')}.json"
    if not kept.is_file():
        kept.parent.mkdir(exist_ok=True)
        words = [word for run in runs for word in ("--run", str(run))]
        pairs = [str(corpus / f"{split}.{side}") for side in SIDES["forward"]]
        answer = gpt2kit("translate", "evaluate", *words, "--on", *pairs, *AT_DECODING[decoding], "--json")
        kept.write_text(answer, encoding="utf-8")
    found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    return found


def cost(seconds: Mapping[str, float], method: Method, run: str) -> float:
    """The seconds of everything that one run of a method needs."""
    parts = {"data-forward", run, *method.teachers, f"data-{method.name}"}
    if any(teacher.startswith("backward") for teacher in method.teachers):
        parts.add("data-backward")
    return sum(seconds.get(part, 0.0) for part in parts)


def row(work: Work, corpus: Path, method: Method, runs: Sequence[Path]) -> dict[str, Any]:
    """The figures of a method: the scores of each of its runs, by split and decoding."""
    found: dict[str, Any] = {
        "method": method.name,
        "teachers": [*method.teachers],
        "settings": [*method.settings],
        "hours": [round(cost(work.seconds, method, run.name) / 3600, 2) for run in runs],
        "training": [trained(run) for run in runs],
    }
    for split in ("val", TEST):
        for decoding in DECODING:
            scores = [scored(work, [run], corpus, split, decoding, run.name) for run in runs]
            found[f"{split}, {decoding}"] = [round(score["scores"]["BLEU"]["value"], 2) for score in scores]
            found[f"{split}, {decoding}, sentences a second"] = [score["per_second"] for score in scores]
    return found


def at_decoding(work: Work, corpus: Path, runs: Sequence[Path]) -> list[dict[str, Any]]:
    """The figures of ways to decode, for the first run and for all runs together, on the test set."""
    groups = {"one run": runs[:1], f"average of {len(runs)} runs": runs}
    found = []
    for name, together in groups.items():
        for decoding in AT_DECODING:
            score = scored(work, together, corpus, TEST, decoding, name.replace(" ", "-"))
            bleu, rate = score["scores"]["BLEU"]["value"], score["per_second"]
            found.append({"runs": name, "decoding": decoding, "BLEU": round(bleu, 2), "sentences a second": rate})
    return found


def line(found: Mapping[str, Any]) -> str:
    """A row of the printed table."""
    bleu = found[f"{TEST}, 4 beams"]
    spread = f"{statistics.mean(bleu):.1f} ({min(bleu):.1f} to {max(bleu):.1f})"
    return f"| {found['method']} | {len(found['teachers'])} | {spread} | {statistics.median(found['hours']):.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help=f"a folder with train, val and {TEST} as .en and .fr")
    parser.add_argument("--work", type=Path, required=True, help="everything that is made; what is complete is kept")
    parser.add_argument("--forward", type=int, default=3, help="runs that translate the sources")
    parser.add_argument("--backward", type=int, default=2, help="runs that translate the targets")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each method")
    parser.add_argument("--set", action="append", default=[], help="section.key=value for the training of every run")
    parser.add_argument(
        "--backward-set", action="append", default=[], help="the same for backward runs, which only teach"
    )
    parser.add_argument("--student", action="append", default=[], help="the same for runs on what was added")
    parser.add_argument("--warm", action="store_true", help="these start from the weights of forward runs")
    parser.add_argument("--smoke", action="store_true", help="do not keep the figures in results/")
    arguments = parser.parse_args()
    work, corpus = Work.opened(arguments.work), arguments.corpus
    data = {direction: prepared(work, corpus, direction) for direction in SIDES}
    teachers = {
        direction: [f"{direction}-{seed}" for seed in range(getattr(arguments, direction))] for direction in SIDES
    }
    of_direction: dict[str, list[str]] = {"forward": [], "backward": arguments.backward_set}
    for direction, names in teachers.items():
        for seed, name in enumerate(names):
            learned(work, name, data[direction], seed, [*arguments.set, *of_direction[direction]])
    settings = [*arguments.set, *arguments.student]
    inits = teachers["forward"] if arguments.warm else []
    methods = [
        Method("as-the-recipe", settings=arguments.set),
        Method("forward-answers", teachers["forward"], settings, inits),
        Method("both-directions", [*teachers["forward"], *teachers["backward"]], settings, inits),
    ]
    rows = []
    for method in methods:
        more = taught(work, data["forward"], method)
        # The runs of the recipe alone are the teachers of the others.
        names = [f"{method.name if method.teachers else 'forward'}-{seed}" for seed in range(arguments.seeds)]
        runs = [learned(work, name, more, seed, method.settings, method.init(seed)) for seed, name in enumerate(names)]
        rows.append(row(work, corpus, method, runs))
        print(line(rows[-1]), flush=True)
    decoded = at_decoding(work, corpus, [work / name for name in teachers["forward"]])
    for each in decoded:
        print("| {runs} | {decoding} | {BLEU} | {sentences a second} |".format(**each), flush=True)
    if not arguments.smoke:
        record("beyond", {"seeds": arguments.seeds, "methods": rows, "decoding": decoded, "seconds": work.seconds})


if __name__ == "__main__":
    main()
