"""Held-out series by label, simple rules, and how right labels are."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lstmcast.evaluation import classification
from lstmcast.evaluation.classification import (
    baseline_classifiers,
    bits_per_symbol,
    chance_scores,
    class_frequencies,
    confusion,
    folds,
    named_scores,
    stratified_split,
    top_k_hits,
)


def test_splits_are_stratified_by_label() -> None:
    """A fifth of each label is for testing and a tenth for validation, at least one; single series for training."""
    labels = np.repeat([0, 1, 2, 3, 4], [50, 10, 3, 2, 1])
    parts = stratified_split(np.random.default_rng(1).permutation(labels), seed=0)
    shuffled = np.random.default_rng(1).permutation(labels)
    assert np.bincount(shuffled[parts.test], minlength=5).tolist() == [10, 2, 1, 1, 0]
    assert np.bincount(shuffled[parts.validation], minlength=5).tolist() == [5, 1, 1, 0, 0]
    assert sorted([*parts.train, *parts.validation, *parts.test]) == list(range(66))


def test_the_draw_depends_on_the_seed_alone() -> None:
    """Equal seeds give equal splits; different seeds do not."""
    labels = np.repeat([0, 1], 50)
    assert stratified_split(labels, 3).test.tolist() == stratified_split(labels, 3).test.tolist()
    assert stratified_split(labels, 3).test.tolist() != stratified_split(labels, 4).test.tolist()


def test_folds_are_stratified_by_label() -> None:
    """Of 13 and 7 series no fold of 5 has more than one of a label more than another, nor in all."""
    labels = np.repeat([0, 1], [13, 7])
    dealt = folds(labels, 5, seed=0)
    for some in (dealt[labels == 0], dealt[labels == 1], dealt):
        counts = np.bincount(some, minlength=5)
        assert counts.max() - counts.min() <= 1


def test_rules_on_points_in_a_plane() -> None:
    """Next to an outlier of label 1, the nearest neighbor predicts 1; the centroids and the majority predict 0."""
    known = np.array([[0.0, 0.0], [0.0, 2.0], [2.0, 0.0], [1.0, 1.0], [9.0, 9.0]])
    labels = np.array([0, 0, 0, 1, 1])
    predictions = baseline_classifiers(known, labels, np.array([[1.1, 1.1], [8.0, 8.0]]))
    assert {name: labels.tolist() for name, labels in predictions.items()} == {
        "most_frequent": [0, 0],
        "nearest_centroid": [0, 1],
        "nearest_neighbor": [1, 1],
    }


def test_the_nearest_neighbor_against_a_slow_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """In small chunks, what a loop over all pairs finds."""
    monkeypatch.setattr("lstmcast.evaluation.classification.CHUNK_SIZE", 70)
    rng = np.random.default_rng(0)
    known, queries, labels = rng.normal(size=(30, 4)), rng.normal(size=(11, 4)), rng.integers(0, 3, 30)
    slow = [labels[min(range(30), key=lambda k, one=one: float(np.linalg.norm(known[k] - one)))] for one in queries]
    assert baseline_classifiers(known, labels, queries)["nearest_neighbor"].tolist() == slow


def test_scores_by_hand() -> None:
    """Three of four right, of one label both and of the other one of two; what that means in a confusion matrix."""
    actual, predictions = np.array([0, 0, 2, 2]), np.array([0, 0, 2, 1])
    assert named_scores(actual, predictions) == {"accuracy": 0.75, "balanced_accuracy": 0.75}
    assert named_scores(actual[1:], predictions[1:])["balanced_accuracy"] == 0.75
    assert confusion(actual, predictions, 3).tolist() == [[2, 0, 0], [0, 0, 0], [0, 1, 1]]
    assert class_frequencies(actual, 3).tolist() == [0.5, 0.0, 0.5]


def test_scores_of_probabilities_by_hand() -> None:
    """−log ½ and −log 1; (½ − 1)² + ½² and 0; a probability of 0 is scored as one in a million million."""
    probabilities = np.array([[0.5, 0.5], [0.0, 1.0]])
    found = chance_scores(np.array([0, 1]), probabilities)
    assert found == {"cross_entropy": pytest.approx(np.log(2) / 2), "brier": pytest.approx(0.25)}
    assert chance_scores(np.array([0]), probabilities[1:])["cross_entropy"] == pytest.approx(12 * np.log(10))


NAN = float("nan")
CAME = np.array([[1.0, 0.0, NAN], [0.0, 0.0, 1.0], [NAN, NAN, NAN]])
PROBABILITIES = np.array([[0.8, 0.4, 0.9], [0.5, 0.1, 0.25], [0.3, 0.3, 0.3]])


def test_brier_by_hand() -> None:
    """(0.04 + 0.16) / 2; (0.25 + 0.01 + 0.5625) / 3; undefined where nothing is known."""
    np.testing.assert_allclose(classification.brier(CAME, PROBABILITIES), [0.1, 0.8225 / 3, NAN])


def test_log_loss_by_hand() -> None:
    """−log of what was given to what came; a certainty that was wrong costs much, and no infinity."""
    expected = [-(math.log(0.8) + math.log(0.6)) / 2, -(math.log(0.5) + math.log(0.9) + math.log(0.25)) / 3, NAN]
    np.testing.assert_allclose(classification.log_loss(CAME, PROBABILITIES), expected)
    assert classification.log_loss(np.array([1.0]), np.array([0.0])) == pytest.approx(
        -math.log(classification.MIN_PROBABILITY)
    )


def test_accuracy_by_hand() -> None:
    """Two correct predictions; then 0.5 counts as no and is correct, no is correct, and 0.25 for a yes is wrong."""
    np.testing.assert_allclose(classification.accuracy(CAME, PROBABILITIES), [1.0, 2 / 3, NAN])


def test_reliability_by_hand() -> None:
    """Of 0.1 and 0.15, none came; of 0.8, 0.85 and 1, two of three: distances 0.125 and 0.65 / 3, by 2 and 3 of 5."""
    came = np.array([0.0, 0.0, 1.0, 0.0, 1.0, NAN])
    found = classification.reliability(came, np.array([0.1, 0.15, 0.8, 0.85, 1.0, 0.5]), bins=2)
    np.testing.assert_allclose(found.predicted, [0.125, 2.65 / 3])
    np.testing.assert_allclose(found.observed, [0.0, 2 / 3])
    assert found.counts.tolist() == [2, 3]
    assert found.error == pytest.approx((2 * 0.125 + 3 * 0.65 / 3) / 5)


def test_reliability_of_nothing_is_undefined() -> None:
    """Without known outcomes there are no groups and no error."""
    found = classification.reliability(np.array([NAN]), np.array([0.5]))
    assert len(found.counts) == 0
    assert math.isnan(found.error)


LOGS = np.log(np.array([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125]]))


def test_bits_by_hand() -> None:
    """A half is one bit, an eighth is three."""
    assert bits_per_symbol(LOGS, np.array([0, 2])).tolist() == pytest.approx([1, 3])


def test_what_is_sure_costs_nothing() -> None:
    """A probability of 0 for the outcome has an infinite loss."""
    with np.errstate(divide="ignore"):
        logs = np.log(np.array([[1.0, 0.0], [1.0, 0.0]]))
    assert bits_per_symbol(logs, np.array([0, 1])).tolist() == [0.0, np.inf]


def test_hits_among_the_most_likely() -> None:
    """Hits of the most likely and of the two most likely symbols; ties go to the first symbol."""
    came = np.array([1, 2])
    assert top_k_hits(LOGS, came, 1).tolist() == [0, 0]
    assert top_k_hits(LOGS, came, 2).tolist() == [1, 0]
    assert top_k_hits(LOGS, came, 3).tolist() == [1, 1]
