"""The verbs' reports for people."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt2kit.cli import console
from gpt2kit.errors import counted

if TYPE_CHECKING:
    from gpt2kit.data.report import SplitReport
    from gpt2kit.pipeline.augmenting.added import Added
    from gpt2kit.pipeline.engine import Result
    from gpt2kit.pipeline.evaluate import Evaluation

MUCH_DAMAGE = 0.5
"""The share of damaged records in a corpus that causes a warning."""

PREPARED = ("split", "read", "rows", "tokens", "dropped", "source cut", "duplicates", "source also in train")


def prepared(reports: "dict[str, SplitReport]", out: str) -> None:
    """Print what was read, kept, dropped and why."""
    rows = []
    for split, report in reports.items():
        dropped = sum(report.dropped.values())
        counts = (report.read, report.rows, report.tokens, dropped, report.cut, report.duplicates, report.leaked)
        rows.append((split, *(f"{count:,}" for count in counts)))
    console.figures(PREPARED, rows)
    for split, report in reports.items():
        left_out(split, report)
        if split == "val" and not report.rows:
            console.say(
                "val: no record is held out, because the corpus is too small: training cannot measure a validation "
                "loss; give a validation corpus with --val, or hold out more, as with --set task.held_out=0.2"
            )
        if report.cut:
            lost = (
                f"they lost {counted(report.cut_tokens, 'token')}; {counted(report.tokens, 'token')} remain "
                f"in the split"
            )
            console.say(f"{split}: sources cut to fit into the window: {report.cut:,} of {report.rows:,}; {lost}")
        for limit, longer in report.beyond.items():
            found = f"{longer:,} of {report.rows:,} targets are longer than {limit} lets an answer become"
            fitting = "; set it to corpus, or higher" if "max_ratio" in limit else "; set it higher for such answers"
            console.say(f"{split}: {found}{fitting if longer > report.rows // 1000 else ''}")
        if report.leaked and split != "train":
            example = report.examples["source also in training"][0]
            found = f"{report.leaked:,} of {report.rows:,}, such as {example}"
            console.say(f"{split}: sources that are also in train: {found}; they make its scores look too good")
        for shared, count in report.leaks.items():
            console.say(f"{split}: {shared}: {count:,} of {report.rows:,}")
        if report.nearly_leaked and split != "train":
            differences = "other case, spaces or punctuation"
            console.say(f"{split}: sources that are in train with {differences}: {report.nearly_leaked:,}")
    console.say(f"written to {out}; its prepare.json has what was dropped")


def files_read(files: Mapping[str, Mapping[str, Any]], corpora: Mapping[str, Sequence[str]]) -> None:
    """Print how many files the corpora are, where words of the command line stand for several."""
    for split, found in files.items():
        if found["count"] != len(corpora[split]):
            size = "" if found["bytes"] is None else f", {found['bytes'] / 1e6:,.1f} MB"
            first, *others = found["names"]
            names = f"{first} ..." if others else first
            console.say(f"{split}: {counted(found['count'], 'file')}{size}: {names}")


def described(columns: Sequence[str], lines: Sequence[str], examples: Sequence[str]) -> None:
    """Print the columns that prepare took, what it inferred, and examples as the model reads them."""
    for line in (*columns, *lines):
        console.say(line)
    for number, example in enumerate(examples, 1):
        console.example(number, example)


def left_out(split: str, report: "SplitReport") -> None:
    """Print the records that were read but are not used, by reason."""
    from gpt2kit.data.report import Damage

    for reason, count in report.dropped.items():
        console.say(f"{split}: {count:,} dropped, {reason}, such as {report.examples[reason][0]}")
    for reason, count in report.remarks().items():
        example = f", such as {report.examples[reason][0]}" if isinstance(reason, Damage) else ""
        console.say(f"{split}: {reason}: {count:,}{example}")
    if report.damaged >= MUCH_DAMAGE * report.read > 0:
        share = f"{report.damaged:,} of {report.read:,} ({report.damaged / report.read:.0%}) could not be read"
        console.warn(f"{split}: {share}; the others are used: check that this is the right corpus")


def comparison(source: str, output: str, target: str | None) -> None:
    """Print a source, the model's answer and the reference, if there is one, one below the other."""
    reference = "" if target is None else f"    reference  {target}\n"
    console.say(f"    source     {source}\n    model      {output}\n{reference}")


def evaluated(evaluation: "Evaluation") -> None:
    """Print scores with their signatures, those of the systems for comparison, and the time."""
    systems = dict.fromkeys(score.system for score in evaluation.scores)
    for score in evaluation.scores:
        if not score.system:
            within = " [{:.2f}, {:.2f}]".format(*score.interval) if score.interval else ""
            console.result(f"{score.name} {score.value:.{score.digits}f}{within}  {score.signature}")
    for system in filter(None, systems):
        beside = (score for score in evaluation.scores if score.system == system)
        console.result(f"{system}:  " + "  ".join(f"{score.name} {score.value:.{score.digits}f}" for score in beside))
    console.say(
        f"{counted(evaluation.count, 'example')} in {evaluation.seconds:.1f} s "
        f"({evaluation.count / evaluation.seconds:.1f} per second)  {evaluation.signature}"
    )
    remarks(
        evaluation.count,
        evaluation.truncated,
        evaluation.limits,
        evaluation.longer,
        evaluation.circling,
        evaluation.repetition_penalty,
    )
    for remark in evaluation.remarks:
        console.say(remark)
    if evaluation.at_chance:
        console.warn(evaluation.at_chance)


AUGMENTED = ("run", "inputs", "examples", "added", "rows", "true", "duplicates", "left out")


def augmented(found: "Sequence[Added]", out: str) -> None:
    """Print what each run has added and why the other answers were left out, with two examples of each."""
    rows = []
    for each in found:
        left = sum(each.left_out.values())
        counts = (each.asked, each.answers, each.added, each.rows, each.equal, each.duplicates, left)
        rows.append((each.origin, *(f"{count:,}" for count in counts)))
    console.figures(AUGMENTED, rows)
    for each in found:
        for reason, count in each.left_out.items():
            console.say(f"{each.origin}: left out, {reason}: {count:,}")
        if each.cut:
            console.say(f"{each.origin}: sources cut to fit into the window: {each.cut:,}")
        if each.scores:
            scores = "  ".join(f"{name} {value:.1f}" for name, value in each.scores.items())
            compared = f"the first {counted(each.scored, 'answer')}, compared with the truth"
            console.say(f"{each.origin}: {compared}: {scores}; {each.length_ratio:.2f} times as long")
        if each.confidence is not None:
            console.say(f"{each.origin}: mean confidence {each.confidence:.3f}")
        if each.labels:
            labels = ", ".join(f"{label} {count:,}" for label, count in each.labels.items())
            console.say(f"{each.origin}: labels added: {labels}")
        for example in each.examples:
            comparison(*example)
    console.say(f"written to {out}; its prepare.json has what each run has added")


def state(result: "Result") -> dict[str, Any]:
    """What `--json` says of every generated text, besides the text itself."""
    found: dict[str, Any] = {"log_probability": result.log_probabilities[0]}
    found |= {"finished": result.finished, "truncated": result.truncated, "circling": result.circling}
    found |= {} if result.finished else {"limit": result.limit}
    found |= sources(result)
    return found if result.seed is None else found | {"seed": result.seed}


def sources(result: "Result") -> dict[str, Any]:
    """The training examples that each token comes from, if they were asked for, for `--json`."""
    return {} if result.sources is None else {"sources": [each.json() for each in result.sources]}


def remarks(
    count: int, cut: int, limits: Mapping[str, int], longer: Mapping[str, str], circling: int, penalty: float
) -> None:
    """Print warnings about `count` answers, if there are any: how many were ended by each of the `limits`, which
    setting allows `longer` ones, and how many repeat themselves in spite of the `penalty`."""
    for limit, unfinished in limits.items():
        higher = "; raise it for longer answers" if "=" in limit else ""
        setting = f", as with --set {longer[limit]}" if longer.get(limit) else ""
        console.say(f"answers without an end: {unfinished:,} of {count:,}; they reached {limit}{higher}{setting}")
    if circling:
        now = f"now {penalty:g}, which is off; try 1.2" if penalty == 1 else f"now {penalty:g}"
        repeating = f"answers that repeat themselves: {circling:,} of {count:,}"
        console.say(f"{repeating}; raise generate.repetition_penalty ({now})")
    if cut:
        console.say(f"inputs longer than the window: {cut:,} of {count:,}; they were cut to fit")


def replaced(path: str | Path, taken: str) -> None:
    """Say what --overwrite replaces; `taken` is empty if there is nothing."""
    if taken:
        console.say(f"--overwrite replaces {path}: {taken}")
