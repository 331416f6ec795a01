"""Naive Bayes beside a head, by scikit-learn's own and by the loss that its weights are to lower."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load, save_file
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB

from gpt2kit.errors import DataError
from gpt2kit.model.bayes import FILE, NaiveBayes

VOCAB, ANSWERS = 30, 3


def texts_of(seed: int, count: int) -> list[tuple[list[int], int]]:
    """(ids, answer): answers have tokens of their own, now and then."""
    noise = np.random.default_rng(seed)
    answers = noise.integers(ANSWERS, size=count)
    lengths = noise.integers(1, 12, size=count)
    return [
        (np.where(noise.random(n) < 0.2, answer, noise.integers(VOCAB, size=n)).tolist(), int(answer))
        for n, answer in zip(lengths, answers, strict=True)
    ]


def tokens_and_pairs(ids: list[int]) -> list[str]:
    return [*map(str, ids), *(f"{one} {two}" for one, two in pairwise(ids))]


def probabilities(seed: int, rows: int) -> list[list[float]]:
    return np.random.default_rng(seed).dirichlet([1.0] * ANSWERS, rows).tolist()


def test_answers_are_those_of_multinomial_naive_bayes() -> None:
    learned, asked = texts_of(0, 80), [ids for ids, _ in texts_of(1, 40)]
    counter = CountVectorizer(analyzer=tokens_and_pairs)
    counts = counter.fit_transform([ids for ids, _ in learned])
    answers = np.array([answer for _, answer in learned])
    priors = (np.bincount(answers, minlength=ANSWERS) + 1) / (len(answers) + ANSWERS)
    theirs = MultinomialNB(class_prior=priors).fit(counts, answers)
    expected = theirs.predict_proba(counter.transform(asked))
    bayes = NaiveBayes.learned(learned, VOCAB, ANSWERS)
    np.testing.assert_allclose([bayes.answered(ids) for ids in asked], expected, atol=1e-5)


def test_what_was_never_seen_says_nothing() -> None:
    bayes = NaiveBayes.learned([([1, 2], 0), ([3, 4], 1), ([3, 5], 1)], VOCAB, 2)
    assert bayes.answered([20, 21]) == pytest.approx([0.4, 0.6]), "but for how often the answers are"
    assert bayes.answered([]) == pytest.approx([0.4, 0.6])
    assert bayes.answered([29, 1]) == pytest.approx(bayes.answered([1])), "also beyond the last feature"


def test_weights_have_the_lowest_loss_with_a_mild_pull_to_the_head_alone() -> None:
    learned, rows = texts_of(0, 60), texts_of(2, 50)
    texts, answers = [ids for ids, _ in rows], [answer for _, answer in rows]
    heads = probabilities(3, len(rows))
    bayes = NaiveBayes.learned(learned, VOCAB, ANSWERS).weighed(heads, texts, answers)
    logs = np.log([heads, [bayes.answered(ids) for ids in texts]])

    def loss(weights: np.ndarray) -> float:
        mixed = np.tensordot(weights, logs, 1)
        told = mixed - np.log(np.exp(mixed).sum(-1, keepdims=True))
        return float(-told[np.arange(len(answers)), answers].sum() + ((weights - [1, 0]) ** 2).sum() / 2)

    weights = bayes.weights_2.double().numpy()
    assert weights.min() > 0
    for direction in range(8):  # a convex loss: nothing around it is lower, nothing anywhere is
        angle = direction * np.pi / 4
        assert loss(weights) < loss(weights + 0.01 * np.array([np.cos(angle), np.sin(angle)]))
    both = [bayes.beside(head, bayes.answered(ids)) for head, ids in zip(heads, texts, strict=True)]
    expected = np.exp(np.tensordot(weights, logs, 1))
    np.testing.assert_allclose(both, expected / expected.sum(-1, keepdims=True), atol=1e-5)


def test_no_validation_example_leaves_the_head_alone() -> None:
    bayes = NaiveBayes.learned(texts_of(0, 60), VOCAB, ANSWERS)
    (head,) = probabilities(5, 1)
    assert bayes.beside(head, [0.1, 0.8, 0.1]) == pytest.approx(head)


def test_a_certain_head_is_not_beyond_numbers() -> None:
    bayes = NaiveBayes.learned(texts_of(0, 60), VOCAB, ANSWERS)
    weighed = bayes.weighed([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [[1], [2]], [0, 2])
    assert bool(weighed.weights_2.isfinite().all())
    assert sum(weighed.beside([1.0, 0.0, 0.0], [0.0, 0.0, 1.0])) == pytest.approx(1)


def test_saved_and_loaded(tmp_path: Path) -> None:
    assert NaiveBayes.load(tmp_path, ANSWERS) is None
    bayes = NaiveBayes.learned(texts_of(0, 60), VOCAB, ANSWERS)
    bayes.save(tmp_path)
    found = NaiveBayes.load(tmp_path, ANSWERS)
    assert found is not None
    assert found.answered([1, 2, 3]) == bayes.answered([1, 2, 3])
    with pytest.raises(DataError, match=r"bayes\.safetensors: .* has shape .*; the run has 2 labels"):
        NaiveBayes.load(tmp_path, 2)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    NaiveBayes.learned(texts_of(0, 60), VOCAB, ANSWERS).save(tmp_path)
    path = tmp_path / FILE
    whole = path.read_bytes()
    tensors = load(whole)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"bayes\.safetensors is damaged"):
        NaiveBayes.load(tmp_path, ANSWERS)
    for damaged in (tensors | {"more": torch.zeros(1)}, {name: tensors[name] for name in ("priors_C", "weights_2")}):
        save_file(damaged, path, {"vocab_size": "30"})
        with pytest.raises(DataError, match=r"bayes\.safetensors is damaged"):
            NaiveBayes.load(tmp_path, ANSWERS)
    save_file(tensors, path, {"vocab_size": "many"})
    with pytest.raises(DataError, match=r"bayes\.safetensors is damaged"):
        NaiveBayes.load(tmp_path, ANSWERS)
