"""Attribution and reach against sums done by hand and functions whose integrals are known."""

from __future__ import annotations

import numpy as np
import pytest

from lstmcast.explain import attribution
from lstmcast.explain.attribution import (
    MIN_CORRELATION,
    NOTHING,
    UnitCorrelation,
    dominant_harmonic,
    order,
    unit_correlations,
)


def test_the_nodes_integrate_polynomials_exactly() -> None:
    """Four nodes: ∫ α⁷ over 0 to 1 is 1/8, and the weights sum to 1."""
    nodes, weights = attribution.quadrature_nodes(4)
    assert weights.sum() == pytest.approx(1)
    assert weights @ nodes**7 == pytest.approx(1 / 8)


def test_what_is_expected_is_the_mean_of_the_phase() -> None:
    """Season of 3: phases 1, 5, 9 and 3, 7 and 5, 9 by hand; one season and a half has none, so the mean of all."""
    z = np.array([1.0, 3, 5, 5, 7, 9, 9])
    np.testing.assert_allclose(attribution.baseline_input(z, 3), [5, 5, 7, 5, 5, 7, 5])
    np.testing.assert_allclose(attribution.baseline_input(z[:5], 3), np.full(5, 21 / 5))
    np.testing.assert_allclose(attribution.baseline_input(z, 1), np.full(7, 39 / 7))


def test_the_completeness_error_is_relative_to_the_change() -> None:
    """Sums of 3 and 9 for changes of 4 and 10: the largest miss is 1, the largest change 10. No change, no error."""
    attributions = np.array([[1.0, 2.0], [4.0, 5.0]])
    assert attribution.completeness_error(attributions, np.array([4.0, 10.0])) == pytest.approx(0.1)
    assert attribution.completeness_error(np.zeros((1, 2)), np.zeros(1)) == 0


@pytest.mark.parametrize(("weight", "steps"), [(0.1, 1), (0.5, 1), (0.6, 2), (0.9, 3), (1.0, 3)])
def test_within_counts_back_from_the_last_step(weight: float, steps: int) -> None:
    """Of effects 0, 2, 3, 5 the last holds half, the last two 80 %, the last three all."""
    assert attribution.within(np.array([0.0, 2, 3, 5]), weight) == steps


def test_no_effect_lies_within_no_step() -> None:
    """If no step has an effect, 0 steps are needed for any fraction of it."""
    assert attribution.within(np.zeros(4), 0.9) == 0
    assert attribution.within(np.zeros(0), 0.9) == 0


def test_half_lives_by_hand() -> None:
    """A gate of √½ keeps half after 2 steps; of ¼ after ½; open it keeps all for ever; shut once it keeps nothing."""
    forget = np.array([[0.5**0.5, 0.25, 1, 0], [0.5**0.5, 0.25, 1, 0.9]])
    np.testing.assert_allclose(attribution.half_life(forget), [2, 0.5, np.inf, 0])


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
