"""Gradients of forecasts against quotients of differences of the forecasts themselves."""

from __future__ import annotations

import numpy as np
import pytest

from lstmcast.model import recursion
from lstmcast.model.heads import Head
from lstmcast.model.lstm import Layer, Network
from lstmcast.model.sensitivity import sensitivity
from lstmcast.model.windows import Shape, Windows

SHAPES = [
    Shape(context=6, lags=1),
    Shape(context=6, lags=4, level=1, season=4, seasons=3),
    Shape(context=8, lags=4, level=4, season=4, seasons=3),
    Shape(context=5, lags=3, level=12, season=12, seasons=1),
    Shape(context=3, lags=9, level=4, season=5, seasons=0),
    Shape(context=2, lags=11, level=7, season=3, seasons=3),
]
HEADS = [(Head(), 1), (Head(), 2), (Head(), 9), (Head(5), 5), (Head(9, (80.0,)), 9)]
STEP = 2.0**-6


def network_of(lags: int, outputs: int) -> Network:
    """Two layers and the path beside them, of random weights."""
    rng = np.random.default_rng(lags)

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(scale=0.4, size=shape).astype(np.float32)

    layers = (Layer(draw(lags, 20), draw(5, 20), draw(20)), Layer(draw(5, 12), draw(3, 12), draw(12)))
    return Network(layers, draw(3 + lags, outputs), draw(outputs), skip=True)


def forecasts(network: Network, head: Head, z: np.ndarray, shape: Shape, horizon: int) -> np.ndarray:
    """[B, H] the forecasts from the ends of [B, T] series."""
    cut = windows(z, shape)
    series, origins = np.arange(len(z)), np.full(len(z), z.shape[1] - 1)
    return recursion.forecast(network, head, cut, series, origins, horizon)[0]


def windows(z: np.ndarray, shape: Shape) -> Windows:
    """[B, T] series, ready to be cut."""
    return Windows.over(z.ravel(), np.ones(z.size, bool), np.arange(len(z) + 1) * z.shape[1], shape)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("head", "horizon"), HEADS)
@pytest.mark.parametrize("steps", [2, 7, 80])
def test_gradients_are_quotients_of_differences(shape: Shape, head: Head, horizon: int, steps: int) -> None:
    """Every step of the forecast by every past value, shorter and longer series than what is read, two at once."""
    rng, network = np.random.default_rng(steps), network_of(shape.lags, head.outputs)
    z, weights = rng.normal(size=(2, steps)), rng.normal(size=(2, horizon))
    said = forecasts(network, head, z, shape, horizon)
    found = sensitivity(network, head, windows(z, shape), said, weights)
    expected = np.zeros((horizon, steps))
    for b in range(2):
        moved = z[b] + STEP * np.concatenate([np.eye(steps), -np.eye(steps)])
        up, down = np.split(forecasts(network, head, moved, shape, horizon), 2)
        expected += (weights[b] * (up - down) / (2 * STEP)).T
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(found.values, expected, rtol=1e-3, atol=3e-3)
    assert found.inputs.shape == (horizon, shape.context)


def test_what_was_read_before_the_series_has_no_effect() -> None:
    """A context that begins before the series reads zeros there: their gradient is long, but no value has it."""
    network, shape = network_of(4, 1), SHAPES[2]
    z = np.random.default_rng(0).normal(size=(1, 3))
    found = sensitivity(network, Head(), windows(z, shape), forecasts(network, Head(), z, shape, 1), np.ones((1, 1)))
    assert found.values.shape == (1, 3)
    assert np.isfinite(found.inputs).all()
