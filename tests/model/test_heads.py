"""What outputs mean: against loops over single numbers, a pinball worked by hand, and bounds that cannot cross."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lstmcast.model import heads
from lstmcast.model.heads import QuantileHead
from lstmcast.model.network import load_keras

HEADS = [
    QuantileHead(),
    QuantileHead(4),
    QuantileHead(1, (80.0,)),
    QuantileHead(3, (80.0, 95.0)),
    QuantileHead(2, (10.0, 50.0, 99.0)),
]


def softplus(a: float) -> float:
    """ln(1 + eᵃ)."""
    return math.log1p(math.exp(-abs(a))) + max(a, 0.0)


def rho(off: float, quantile: float) -> float:
    """The pinball: what lies above costs its quantile, what lies below the rest."""
    return quantile * off if off > 0 else (quantile - 1) * off


def said_by_loop(head: QuantileHead, row: list[float]) -> tuple[list[float], list[list[float]], list[list[float]]]:
    """One row of outputs, number by number: values [H], distances [Q][H] below and above."""
    h, n = head.steps, len(head.levels)
    below, above = ([[0.0] * h for _ in range(n)] for _ in range(2))
    for step in range(h):
        for start, side in ((h, below), (h + n * h, above)):
            far = 0.0
            for q in range(n):
                far += softplus(row[start + q * h + step])
                side[q][step] = far
    return row[:h], below, above


def loss_by_loop(head: QuantileHead, row: list[float], targets: list[float]) -> list[float]:
    """The pinball of one row: of the median, and the mean over all the bounds."""
    values, below, above = said_by_loop(head, row)
    total = []
    for step, y in enumerate(targets):
        bounds = []
        for q, level in enumerate(head.levels):
            tail = (100 - level) / 200
            bounds.append(rho(y - (values[step] - below[q][step]), tail))
            bounds.append(rho(y - (values[step] + above[q][step]), 1 - tail))
        total.append(rho(y - values[step], 0.5) + (sum(bounds) / len(bounds) if bounds else 0.0))
    return total


@pytest.mark.parametrize(
    ("head", "outputs", "tails"),
    [
        (QuantileHead(), 1, ()),
        (QuantileHead(12), 12, ()),
        (QuantileHead(1, (80.0,)), 3, (0.1,)),
        (QuantileHead(7, (50.0, 95.0)), 35, (0.25, 0.025)),
    ],
)
def test_outputs_and_tails_by_hand(head: QuantileHead, outputs: int, tails: tuple[float, ...]) -> None:
    """A value and two bounds a level at each step; half of what a level leaves out lies below."""
    assert head.outputs == outputs
    assert head.tails == pytest.approx(tails)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("rows", [0, 1, 6])
def test_what_is_said_agrees_with_a_loop(head: QuantileHead, rows: int) -> None:
    """Values first, then the distances below from the innermost on, then those above, each further by a softplus."""
    raw = np.random.default_rng(rows).normal(scale=3, size=(rows, head.outputs)).astype(np.float32)
    values, below, above = head.decode(raw)
    assert values.shape == (rows, head.steps)
    assert below.shape == above.shape == (len(head.levels), rows, head.steps)
    for b, row in enumerate(raw.tolist()):
        expected = said_by_loop(head, row)
        np.testing.assert_array_equal(values[b], expected[0])
        np.testing.assert_allclose(below[:, b], np.reshape(expected[1], below[:, b].shape), rtol=1e-12)
        np.testing.assert_allclose(above[:, b], np.reshape(expected[2], above[:, b].shape), rtol=1e-12)


def test_what_is_said_by_hand() -> None:
    """Two steps, two levels: outputs of 0 lie ln 2 further each, and ln(eᵏ − 1) lies k further."""
    one, two = math.log(math.e - 1), math.log(math.e**2 - 1)
    raw = np.array([[5, -5, 0, one, 0, two, one, one, two, 0]], np.float32)
    values, below, above = QuantileHead(2, (80.0, 95.0)).decode(raw)
    ln2 = math.log(2)
    np.testing.assert_array_equal(values, [[5, -5]])
    np.testing.assert_allclose(below[:, 0], [[ln2, 1], [2 * ln2, 3]], rtol=1e-6)
    np.testing.assert_allclose(above[:, 0], [[1, 1], [3, 1 + ln2]], rtol=1e-6)


@settings(deadline=None, max_examples=100)
@given(hnp.arrays(np.float32, (3, 2 * 7), elements=st.floats(-(2.0**100), 2.0**100, width=32)))
def test_bounds_never_cross(raw: np.ndarray) -> None:
    """Whatever the outputs: finite distances, none below 0, and an outer one never nearer than an inner one."""
    _, below, above = QuantileHead(2, (50.0, 80.0, 95.0)).decode(raw)
    for gaps in (below, above):
        assert np.isfinite(gaps).all()
        assert (gaps >= 0).all()
        assert (np.diff(gaps, axis=0) >= 0).all()


def test_the_loss_by_hand() -> None:
    """Value 2, bounds 2 − ln 2 and 5, truth 7: 0.5 · 5 + ½ (0.1 · (5 + ln 2) + 0.9 · 2) = 3.684657."""
    load_keras()
    raw = np.array([[[2.0, 0.0, math.log(math.e**3 - 1)]]], np.float32)
    said = np.asarray(QuantileHead(1, (80.0,)).loss(raw, np.array([[[7.0]]], np.float32)))
    np.testing.assert_allclose(said, [[[3.684657]]], rtol=1e-6)


@pytest.mark.parametrize("head", HEADS)
def test_the_loss_agrees_with_a_loop(head: QuantileHead) -> None:
    """Every window, step and step ahead by itself, against the pinball of quantiles read from the loop."""
    load_keras()
    rng = np.random.default_rng(3)
    raw = rng.normal(scale=2, size=(4, 5, head.outputs)).astype(np.float32)
    targets = rng.normal(scale=3, size=(4, 5, head.steps)).astype(np.float32)
    said = np.asarray(head.loss(raw, targets))
    assert said.shape == targets.shape
    expected = [[loss_by_loop(head, raw[b, t].tolist(), targets[b, t].tolist()) for t in range(5)] for b in range(4)]
    np.testing.assert_allclose(said, expected, rtol=1e-5, atol=1e-6)


def test_softplus_where_an_exponential_overflows() -> None:
    """log(1 + e^a) is e^a far below 0 and a far above; log 2 at 0."""
    found = heads.softplus(np.array([-800.0, -30.0, 0.0, 30.0, 800.0]))
    np.testing.assert_allclose(found, [0.0, math.log1p(math.exp(-30)), math.log(2), 30.0, 800.0], rtol=1e-14)
