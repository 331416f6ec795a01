"""Figures of predicted labels: the door to `sklearn`."""

from collections.abc import Sequence
from importlib.metadata import version

from gpt2kit.metrics.metrics import check_counts


def label_scores(outputs: Sequence[str], references: Sequence[str]) -> list[tuple[str, float, str, int]]:
    """Accuracy and macro F1, 0 to 100, and Matthews' correlation, -1 to 1, each with its signature and digits.

    Macro F1 is the mean over the labels that occur among outputs or references.
    """
    from sklearn import metrics

    check_counts(outputs, references)
    how = f"n:{len(references)}|sklearn:{version('scikit-learn')}"
    accuracy = 100 * float(metrics.accuracy_score(references, outputs))
    macro = 100 * float(metrics.f1_score(references, outputs, average="macro", zero_division=0))
    matthews = float(metrics.matthews_corrcoef(references, outputs))
    return [("accuracy", accuracy, how, 2), ("macro F1", macro, how, 2), ("Matthews correlation", matthews, how, 4)]
