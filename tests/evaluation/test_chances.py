"""Scores of probabilities against numbers worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lstmcast.evaluation import chances

NAN = float("nan")
CAME = np.array([[1.0, 0.0, NAN], [0.0, 0.0, 1.0], [NAN, NAN, NAN]])
SAID = np.array([[0.8, 0.4, 0.9], [0.5, 0.1, 0.25], [0.3, 0.3, 0.3]])


def test_brier_by_hand() -> None:
    """(0.04 + 0.16) / 2; (0.25 + 0.01 + 0.5625) / 3; undefined where nothing is known."""
    np.testing.assert_allclose(chances.brier(CAME, SAID), [0.1, 0.8225 / 3, NAN])


def test_log_loss_by_hand() -> None:
    """−log of what was given to what came; a certainty that was wrong costs much, and no infinity."""
    expected = [-(math.log(0.8) + math.log(0.6)) / 2, -(math.log(0.5) + math.log(0.9) + math.log(0.25)) / 3, NAN]
    np.testing.assert_allclose(chances.log_loss(CAME, SAID), expected)
    assert chances.log_loss(np.array([1.0]), np.array([0.0])) == pytest.approx(-math.log(chances.MIN_PROBABILITY))


def test_accuracy_by_hand() -> None:
    """Both right; then a half says no, which is right, no again, and a quarter for a yes is wrong."""
    np.testing.assert_allclose(chances.accuracy(CAME, SAID), [1.0, 2 / 3, NAN])


def test_reliability_by_hand() -> None:
    """Of 0.1 and 0.15, none came; of 0.8, 0.85 and 1, two of three: distances 0.125 and 0.65 / 3, by 2 and 3 of 5."""
    came = np.array([0.0, 0.0, 1.0, 0.0, 1.0, NAN])
    found = chances.reliability(came, np.array([0.1, 0.15, 0.8, 0.85, 1.0, 0.5]), bins=2)
    np.testing.assert_allclose(found.predicted, [0.125, 2.65 / 3])
    np.testing.assert_allclose(found.observed, [0.0, 2 / 3])
    assert found.counts.tolist() == [2, 3]
    assert found.error == pytest.approx((2 * 0.125 + 3 * 0.65 / 3) / 5)


def test_reliability_of_nothing_is_undefined() -> None:
    """Where nothing is known there are no groups, and no error."""
    found = chances.reliability(np.array([NAN]), np.array([0.5]))
    assert len(found.counts) == 0
    assert math.isnan(found.error)
