"""Series that each have one of C labels: which are held out, what simple rules would say, and how right it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

TEST_FRACTION, VALIDATION_FRACTION = 0.2, 0.1  # shares of the series of each label
MIN_SERIES_TO_VALIDATE = 3  # series of a label, of which one may judge and one may stop
TINY = 1e-12  # the least probability that is scored
CHUNK = 1 << 22  # distances held at once


@dataclass(frozen=True)
class StratifiedSplit:
    """Which of S series learn, decide when to stop, and judge: indices, ascending."""

    train: Ints
    validation: Ints
    test: Ints


def stratified_split(labels: Ints, seed: int) -> StratifiedSplit:
    """Draw the held-out series of each label by itself, so that every label is judged by its share.

    A label of two series judges with one, a label of one series is only learnt from.

    Args:
        labels: [S] the label of each series, from 0.
        seed: of the draw.
    """
    rng = np.random.default_rng(seed)
    role = np.zeros(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        own = rng.permutation(np.flatnonzero(labels == label))
        n_test = max(1, round(TEST_FRACTION * len(own))) if len(own) > 1 else 0
        n_validation = max(1, round(VALIDATION_FRACTION * len(own))) if len(own) >= MIN_SERIES_TO_VALIDATE else 0
        role[own[:n_test]], role[own[n_test : n_test + n_validation]] = 2, 1
    return StratifiedSplit(*(np.flatnonzero(role == k) for k in range(3)))


def folds(labels: Ints, count: int, seed: int) -> Ints:
    """[S] which of `count` parts judges each series: those of each label are dealt out in turn, in random order."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    dealt = np.empty(len(labels), dtype=np.int64)
    dealt[order] = np.arange(len(labels)) % count
    return dealt


def class_frequencies(labels: Ints, count: int) -> Floats:
    """[C] how much of the series has each label."""
    frequencies: Floats = np.bincount(labels, minlength=count) / len(labels)
    return frequencies


def baseline_classifiers(known: Floats, labels: Ints, queries: Floats) -> Mapping[str, Ints]:
    """What simple rules say of series, from the known ones: name to [B] labels.

    Args:
        known: [K, D] series whose labels are known, all numbers of a series in a row.
        labels: [K] their labels.
        queries: [B, D] the series asked about.
    """
    return {
        "most_frequent": np.full(len(queries), np.bincount(labels).argmax()),
        "nearest_centroid": _nearest_centroid(known, labels, queries),
        "nearest_neighbour": nearest_neighbor(known, labels, queries),
    }


def nearest_neighbor(known: Floats, labels: Ints, queries: Floats) -> Ints:
    """The label of the known series that lies nearest to each of [B, D]."""
    return labels[_nearest(known, queries)]


def _nearest_centroid(known: Floats, labels: Ints, queries: Floats) -> Ints:
    """The label whose series lie nearest in the mean."""
    there = np.unique(labels)
    return there[_nearest(np.stack([known[labels == label].mean(axis=0) for label in there]), queries)]


def _nearest(known: Floats, queries: Floats) -> Ints:
    """[B] which of [K, D] lies nearest to each of [B, D], by Euclid; the first of several."""
    lengths, size = (known**2).sum(axis=1), max(1, CHUNK // len(known))
    parts = [queries[k : k + size] for k in range(0, len(queries), size)]
    return np.concatenate([(lengths - 2 * part @ known.T).argmin(axis=1) for part in parts])


def confusion(actual: Ints, predicted: Ints, count: int) -> Ints:
    """[C, C] how many series of each label (row) were given each label (column)."""
    return np.bincount(actual * count + predicted, minlength=count * count).reshape(count, count)


def named_scores(actual: Ints, predicted: Ints) -> dict[str, float]:
    """Scores of [B] labels: the share that is right, and the mean of that share over the labels that came."""
    right = actual == predicted
    return {
        "accuracy": float(right.mean()),
        "balanced_accuracy": float(np.mean([right[actual == label].mean() for label in np.unique(actual)])),
    }


def chance_scores(actual: Ints, probabilities: Floats) -> dict[str, float]:
    """Scores of probabilities [B, C]: −log of that of the label that came, and Σ (p − 1[came])² (Brier), both means."""
    own = probabilities[np.arange(len(actual)), actual]
    return {
        "cross_entropy": float(-np.log(np.maximum(own, TINY)).mean()),
        "brier": float(((probabilities**2).sum(axis=1) - 2 * own + 1).mean()),
    }
