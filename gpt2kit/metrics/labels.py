"""Figures of predicted labels: the only import of `sklearn`."""

from collections.abc import Sequence
from importlib.metadata import version

from gpt2kit.metrics.metrics import check_counts
from gpt2kit.metrics.score import Score


def label_scores(outputs: Sequence[str], references: Sequence[str]) -> list[Score]:
    """Accuracy and macro F1, 0 to 100, and Matthews' correlation, -1 to 1.

    Macro F1 is the mean over the labels that occur among outputs or references.
    """
    from sklearn import metrics

    check_counts(outputs, references)
    how = f"n:{len(references)}|sklearn:{version('scikit-learn')}"
    accuracy = 100 * float(metrics.accuracy_score(references, outputs))
    macro = 100 * float(metrics.f1_score(references, outputs, average="macro", zero_division=0))
    several = len({*references, *outputs}) > 1  # otherwise the correlation is 0, with a warning of sklearn's
    matthews = float(metrics.matthews_corrcoef(references, outputs)) if several else 0.0
    return [
        Score("accuracy", accuracy, how),
        Score("macro F1", macro, how),
        Score("Matthews correlation", matthews, how, digits=4),
    ]
