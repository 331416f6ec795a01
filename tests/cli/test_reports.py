"""What the verbs tell people: every drop by its reason, every score with its signature."""

import pytest

from gpt2kit.cli import reports
from gpt2kit.data.report import Damage, SplitReport
from gpt2kit.metrics.score import Score
from gpt2kit.pipeline.evaluate import Evaluation

Capture = pytest.CaptureFixture[str]


def test_a_report_names_every_drop(capsys: Capture) -> None:
    train = SplitReport(read=5000, rows=4000)
    for number in range(1000):
        train.drop("source empty", f"[b]{number}")
    val = SplitReport(read=2, rows=2, leaked=1, tokens=50, cut=2, cut_tokens=1234)
    val.show("source also in training", "good morning")
    reports.prepared({"train": train, "val": val}, "data/x")
    out, err = capsys.readouterr()
    assert out == ""
    assert "train: 1,000 dropped, source empty, such as '[b]0'" in err
    assert "val: sources that are also in train: 1 of 2, such as 'good morning'" in err
    cut = "val: sources cut to fit into the window: 2 of 2; they lost 1,234 tokens; 50 tokens remain in the split"
    assert cut in err
    assert "written to data/x" in err


@pytest.mark.parametrize(("damaged", "loud"), [(0, False), (9, False), (10, True), (19, True)])
def test_a_corpus_that_is_mostly_damaged_is_told_loudly(capsys: Capture, damaged: int, loud: bool) -> None:
    """Not one of which most is left out on purpose."""
    report = SplitReport(read=20, rows=1)
    for number in range(damaged):
        report.drop(Damage("cut short"), number)
    for number in range(19 - damaged):
        report.drop("equal to an earlier one", number)
    reports.left_out("train", report)
    err = capsys.readouterr().err
    assert ("WARNING" in err) == loud
    if loud:
        assert f"WARNING train: {damaged} of 20 ({damaged * 5}%) could not be read" in err
    reports.left_out("train", SplitReport())
    assert capsys.readouterr().err == ""


def test_scores_go_to_stdout_with_their_signature(capsys: Capture) -> None:
    limits = {"generate.max_ratio = 2": 2, "the end of the window": 1}
    scores = [Score("BLEU", 45.678, "nrefs:1"), Score("chrF++", 60.0, "nw:2")]
    longer = {"generate.max_ratio = 2": "generate.max_ratio=4.5", "the end of the window": ""}
    remarks = ["the quotes are odd"]
    reports.evaluated(Evaluation(scores, 1000, 2, 3, 4.0, "set:val", 5, remarks, limits=limits, longer=longer))
    out, err = capsys.readouterr()
    assert out == "BLEU 45.68  nrefs:1\nchrF++ 60.00  nw:2\n"
    assert "1,000 examples in 4.0 s (250.0 per second)  set:val" in err
    assert "answers without an end: 2 of 1,000; they reached generate.max_ratio = 2; raise it for longer answers" in err
    assert ", as with --set generate.max_ratio=4.5\n" in err
    assert "answers without an end: 1 of 1,000; they reached the end of the window\n" in err
    assert "inputs longer than the window: 2 of 1,000; they were cut to fit" in err
    assert "answers that repeat themselves: 5 of 1,000; raise generate.repetition_penalty (now 1, which is off" in err
    assert "the quotes are odd\n" in err
