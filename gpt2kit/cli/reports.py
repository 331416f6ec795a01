"""The verbs' reports for people."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gpt2kit.cli import console

if TYPE_CHECKING:
    from gpt2kit.data.report import SplitReport
    from gpt2kit.pipeline.evaluate import Evaluation

MUCH_DAMAGE = 0.5
"""The share of damaged records in a corpus from which on a warning is printed."""

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
            console.say("val: nothing is held out of so little: no loss will be watched; --val names a corpus for it")
        if report.cut:
            lost = f"{report.cut_tokens:,} tokens beside {report.tokens:,} that stay"
            console.say(f"{split}: {report.cut:,} sources were cut to fit into the window, by {lost}")
        if report.leaked and split != "train":
            example = report.examples["source also in training"][0]
            console.say(f"{split}: {report.leaked:,} sources stand in train too, such as {example}")
        if report.nearly_leaked and split != "train":
            aside = "but for case, spaces and punctuation"
            console.say(f"{split}: {report.nearly_leaked:,} more stand in train {aside}")
    console.say(f"written to {out}; prepare.json in it lists examples, and every damaged record")


def described(lines: Sequence[str], examples: Sequence[str]) -> None:
    """Print what prepare inferred, and examples as the model reads them."""
    for line in lines:
        console.say(line)
    for number, example in enumerate(examples, 1):
        console.example(number, example)


def left_out(split: str, report: "SplitReport") -> None:
    """Print the records that were read but are not used, by reason."""
    for reason, count in report.dropped.items():
        console.say(f"{split}: {count:,} dropped, {reason}, such as {report.examples[reason][0]}")
    for reason, count in report.left_out.items():
        console.say(f"{split}: {count:,} {reason}")
    if report.damaged >= MUCH_DAMAGE * report.read > 0:
        share = f"{report.damaged:,} of {report.read:,} ({report.damaged / report.read:.0%}) could not be read"
        console.warn(f"{split}: {share}: is this the corpus that you meant? What is prepared is the rest")


def comparison(source: str, output: str, target: str) -> None:
    """Print a source, the model's answer and the reference, one below the other."""
    console.say(f"    source     {source}\n    model      {output}\n    reference  {target}\n")


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
        f"{evaluation.count:,} examples in {evaluation.seconds:.1f} s "
        f"({evaluation.count / evaluation.seconds:.1f} a second)  {evaluation.signature}"
    )
    remarks(evaluation.truncated, evaluation.unfinished, evaluation.circling)
    for remark in evaluation.remarks:
        console.say(remark)


def remarks(cut: int, unfinished: int, circling: int) -> None:
    """Print warnings about the answers, if there are any."""
    if unfinished:
        console.say(f"{unfinished:,} answers were ended by the length limit")
    if circling:
        console.say(
            f"{circling:,} answers say the same again and again; "
            "a higher generate.repetition_penalty is against that: 1 is none, 1.2 is common"
        )
    if cut:
        console.say(f"{cut:,} sources were cut to fit into the window")
