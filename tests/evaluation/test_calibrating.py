"""The line through log-odds: against a search of all lines, and where nothing can be learnt."""

from __future__ import annotations

import numpy as np
import pytest

from lstmcast.evaluation.calibrating import TRUST, Platt, platt


def drawn(count: int, slope: float, shift: float) -> tuple[np.ndarray, np.ndarray]:
    """Log-odds that are wrong by a line, and what came of the true ones."""
    rng = np.random.default_rng(4)
    true = rng.normal(scale=2, size=count)
    return (true - shift) / slope, (rng.random(count) < 1 / (1 + np.exp(-true))).astype(np.float64)


def test_what_was_distorted_is_set_right() -> None:
    """Log-odds half as large as they should be, and shifted: the line undoes both."""
    found = platt(*drawn(20_000, 2.0, -1.0))
    assert (found.slope, found.shift) == (pytest.approx(2.0, abs=0.1), pytest.approx(-1.0, abs=0.1))


def test_no_line_is_likelier() -> None:
    """Of a grid of lines around it none makes what came likelier, the belief in the log-odds counted."""
    logits, came = drawn(200, 1.5, 0.5)
    found = platt(logits, came)

    def cost(slope: float, shift: float) -> float:
        p = Platt(slope, shift).probability(logits)
        belief = TRUST / 2 * ((slope - 1) ** 2 + shift**2)
        return float(belief - (came * np.log(p) + (1 - came) * np.log(1 - p)).sum())

    around = np.linspace(-0.2, 0.2, 9)
    others = [cost(found.slope + a, found.shift + b) for a in around for b in around]
    assert cost(found.slope, found.shift) == pytest.approx(min(others), abs=1e-9)


def test_unknown_outcomes_count_for_nothing() -> None:
    """NaN is left out, whatever its log-odds; shapes are free."""
    logits, came = drawn(50, 1.5, 0.5)
    more = platt(np.append(logits, 1e6).reshape(17, 3), np.append(came, np.nan).reshape(17, 3))
    assert more == platt(logits, came)


@pytest.mark.parametrize(
    ("logits", "came"),
    [([], []), ([1.0, 2.0], [np.nan, np.nan]), ([-3.0, 3.0] * 50, [1.0, 0.0] * 50)],
)
def test_where_nothing_can_be_learnt_log_odds_stay(logits: list[float], came: list[float]) -> None:
    """Nothing known, or the more said the less came: then the line would turn all round, and is not used."""
    assert platt(np.array(logits), np.array(came)) == Platt()


def test_all_yes_stays_finite() -> None:
    """Where everything came true the likeliest line is infinitely steep: the belief keeps it finite."""
    found = platt(np.zeros(30), np.ones(30))
    assert 0.8 < found.probability(np.zeros(1))[0] < 1
