"""What units follow, against signals they were made of and NumPy's own correlation."""

from __future__ import annotations

import numpy as np
import pytest

from lstmcast.evaluation.following import (
    MIN_CORRELATION,
    NOTHING,
    UnitCorrelation,
    dominant_harmonic,
    order,
    unit_correlations,
)

STEPS = np.arange(96)
RNG = np.random.default_rng(4)
LEVEL, CHANGE = RNG.normal(size=96).cumsum()[:, None], RNG.normal(size=(96, 1))
SIGNALS = {"level": LEVEL, "season": dominant_harmonic(np.sin(STEPS / 12 * 2 * np.pi), 24), "last change": CHANGE}


def test_units_follow_what_they_are_made_of() -> None:
    """One rises with the level, one falls with it, one is late in the season, one is the change, one is noise."""
    made = [LEVEL[:, 0], 3 - LEVEL[:, 0], np.sin(STEPS / 12 * 2 * np.pi - 1), 2 * CHANGE[:, 0], RNG.normal(size=96)]
    found = unit_correlations(np.stack(made, axis=1), SIGNALS)
    assert [one.component for one in found] == ["level", "level", "season", "last change", NOTHING]
    assert [one.correlation for one in found[:4]] == pytest.approx([1, -1, 1, 1])
    assert abs(found[4].correlation) < MIN_CORRELATION


def test_one_column_is_correlated_as_numpy_does() -> None:
    """The signed correlation with a single signal is that of `np.corrcoef`."""
    cells = RNG.normal(size=(96, 3)) + LEVEL
    found = unit_correlations(cells, {"level": LEVEL})
    expected = [np.corrcoef(cell, LEVEL[:, 0])[0, 1] for cell in cells.T]
    assert [one.correlation for one in found] == pytest.approx(expected)


def test_what_stands_still_follows_nothing() -> None:
    """A cell that never moves, and a signal that never does, correlate with nothing."""
    (still,) = unit_correlations(np.ones((96, 1)), SIGNALS)
    (moving,) = unit_correlations(LEVEL, {"level": np.full((96, 1), 7.0)})
    assert still == moving == UnitCorrelation(NOTHING, 0.0)


def test_the_strongest_wave_is_found() -> None:
    """In a week of 7 · 4 steps with a large wave of 4 and a small one of 28, it is the one of 4."""
    steps = np.arange(84)
    z = 5 * np.sin(steps * np.pi / 2) + np.cos(steps * np.pi / 14) + 100
    wave = dominant_harmonic(z, 28)
    np.testing.assert_allclose(wave[:, 1], np.sin(steps * np.pi / 2), atol=1e-9)
    assert wave.shape == (84, 2)


def test_units_stand_in_groups() -> None:
    """Groups in the order of the names, nothing last; in a group the most alike first and the most opposed last."""
    found = (
        UnitCorrelation(NOTHING, 0.1),
        UnitCorrelation("b", -0.9),
        UnitCorrelation("a", 0.6),
        UnitCorrelation("b", 0.7),
    )
    assert order(found, ("a", "b")) == [2, 3, 1, 0]
