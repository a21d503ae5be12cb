"""The slow way: append each forecast and begin again, with a context grown by one; or ask twice, by hand."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from lstmcast.nn import multistep, numpy_lstm
from lstmcast.nn.heads import QuantileHead
from lstmcast.nn.numpy_lstm import Layer, Network
from lstmcast.preprocessing.windows import WindowDataset, WindowSpec

pytestmark = pytest.mark.kernel

SHAPES = [
    WindowSpec(context=6, lags=1),
    WindowSpec(context=6, lags=4, level_window=1, season_length=4, profile_seasons=3),
    WindowSpec(context=8, lags=4, level_window=4, season_length=4, profile_seasons=3),
    WindowSpec(context=5, lags=3, level_window=12, season_length=12, profile_seasons=1),
    WindowSpec(context=3, lags=9, level_window=4, season_length=5, profile_seasons=0),
    WindowSpec(context=2, lags=11, level_window=7, season_length=3, profile_seasons=3),
]
LENGTHS = [1, 2, 3, 8, 40]
HORIZON = 29
THREE = QuantileHead(3, (80.0, 95.0))


def network_of(lags: int, units: tuple[int, ...] = (5, 3), *, outputs: int = 1, skip: bool = False) -> Network:
    """A network whose random weights are large enough that every input matters."""
    rng = np.random.default_rng(lags)

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(scale=0.5, size=shape).astype(np.float32)

    widths = (lags, *units)
    layers = tuple(Layer(draw(f, 4 * u), draw(u, 4 * u), draw(4 * u)) for f, u in zip(widths, units, strict=False))
    return Network(layers, draw(units[-1] + lags * skip, outputs), draw(outputs), skip=skip)


def windows(shape: WindowSpec, lengths: list[int]) -> WindowDataset:
    """Random series of these lengths."""
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    z = np.random.default_rng(7).normal(size=offsets[-1])
    return WindowDataset.from_panel(z, np.ones(len(z), bool), offsets, shape)


def level(z: list[float], t: int, steps: int) -> float:
    """The mean of the last `steps` values up to t."""
    seen = z[max(0, t - steps + 1) : t + 1]
    return sum(seen) / len(seen)


def profile(z: list[float], shape: WindowSpec, ahead: int = 0) -> float:
    """The mean distance of the phase of the step after z, or of a later one, from the level before it."""
    steps = [len(z) + ahead - j * shape.season_length for j in range(1, shape.profile_seasons + 1)]
    found = [z[s] - level(z, s - 1, shape.level_window) for s in steps if s >= shape.level_window]
    return sum(found) / len(found) if found else 0.0


def slowly(network: Network, z: list[float], shape: WindowSpec, horizon: int) -> list[float]:
    """Forecast one step, append it, cut a window that is one longer, and run the whole network over it again."""
    z = list(z)
    for h in range(horizon):
        n, context = len(z), shape.context + h
        cut = WindowDataset.from_panel(np.array(z), np.ones(n, bool), np.array([0, n]), replace(shape, context=context))
        output = numpy_lstm.forward(network, cut.inputs(np.array([0]), np.array([n - context]), context))[0, -1, 0]
        z.append(level(z, n - 1, shape.level_window) + float(output) + profile(z, shape))
    return z[-horizon:]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_recursion_equals_step_by_step_forecasts(shape: WindowSpec) -> None:
    """From the end and from the middle of every series, also of those shorter than level, season, lags and context."""
    cut, network = windows(shape, LENGTHS), network_of(shape.lags)
    series = np.array([0, 1, 2, 3, 4, 4, 4])
    origins = np.array([0, 1, 2, 7, 39, 20, 0])
    output, _ = multistep.forecast([network], QuantileHead(), cut, series, origins, HORIZON)
    assert output.shape == (7, HORIZON)
    for row, k, origin in zip(output, series, origins, strict=True):
        known = cut.z[cut.offsets[k] : cut.offsets[k] + origin + 1].astype(float).tolist()
        np.testing.assert_allclose(row, slowly(network, known, shape, HORIZON), atol=1e-4)


def test_a_network_without_output_repeats_level_and_season() -> None:
    """With an output of 0, a series that repeats exactly goes on repeating, and one with level 1 stays where it is."""
    silent = Network(network_of(4).layers, np.zeros((3, 1), np.float32), np.zeros(1, np.float32))
    z = np.tile([0.0, 5.0, 1.0, -2.0], 6)
    for shape, expected in (
        (SHAPES[2], np.tile([0.0, 5.0, 1.0, -2.0], 3)),
        (replace(SHAPES[0], lags=4), np.full(12, -2.0)),
    ):
        cut = WindowDataset.from_panel(z, np.ones(24, bool), np.array([0, 24]), shape)
        output = multistep.forecast([silent], QuantileHead(), cut, np.array([0]), np.array([23]), 12)[0]
        np.testing.assert_allclose(output[0], expected, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_after_the_origin_is_seen(shape: WindowSpec) -> None:
    """Noise after the origin, and in the other series, changes no forecast."""
    cut, network = windows(shape, [30, 30, 30]), network_of(shape.lags)
    z = cut.z.astype(float)
    other = np.random.default_rng(1).normal(size=90) * 100
    other[30:51] = z[30:51]
    series, origins = np.array([1]), np.array([20])
    output, again = (
        multistep.forecast(
            [network],
            QuantileHead(),
            WindowDataset.from_panel(v, np.ones(90, bool), cut.offsets, shape),
            series,
            origins,
            HORIZON,
        )[0]
        for v in (z, other)
    )
    np.testing.assert_allclose(output, again, atol=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("at_once", [1, 200, 10_000])
@pytest.mark.parametrize("head", [QuantileHead(), THREE])
def test_a_batch_is_its_series_one_by_one(
    shape: WindowSpec, at_once: int, head: QuantileHead, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many are forecast at once, in whatever order, each gets the forecast it gets alone."""
    cut, network = windows(shape, LENGTHS), network_of(shape.lags, outputs=head.outputs)
    series = np.array([4, 0, 3, 4, 1, 2])
    origins = np.array([39, 0, 7, 12, 1, 2])
    alone = [multistep.forecast([network], head, cut, series[[b]], origins[[b]], 5) for b in range(6)]
    monkeypatch.setattr(multistep, "CHUNK_SIZE", at_once)
    z, gaps = multistep.forecast([network], head, cut, series, origins, 5)
    np.testing.assert_allclose(z, [one[0][0] for one in alone], atol=1e-5)
    for side in (0, 1):
        expected = np.stack([one[1][side][:, 0] for one in alone], axis=1)
        assert gaps[side].shape == expected.shape == (len(head.levels), 6, 5)
        np.testing.assert_allclose(gaps[side], expected, atol=1e-5)


@pytest.mark.parametrize("head", [QuantileHead(), THREE])
def test_several_networks_say_the_mean_of_each(head: QuantileHead) -> None:
    """The means of values and distances of three networks, also beyond the steps of their heads."""
    cut = windows(SHAPES[2], LENGTHS)
    networks = [network_of(4, units, outputs=head.outputs) for units in ((5, 3), (3, 3), (4,))]
    arguments = (head, cut, np.arange(5), np.array(LENGTHS) - 1, 5)
    each = [multistep.forecast([network], *arguments) for network in networks]
    z, gaps = multistep.forecast(networks, *arguments)
    np.testing.assert_allclose(z, sum(one[0] for one in each) / 3)
    for side in (0, 1):
        np.testing.assert_allclose(gaps[side], sum(one[1][side] for one in each) / 3)


def test_a_short_horizon_is_the_beginning_of_a_long_one() -> None:
    """The first steps do not depend on the horizon."""
    cut, network = windows(SHAPES[2], LENGTHS), network_of(4)
    series, origins = np.arange(5), np.array(LENGTHS) - 1
    long, _ = multistep.forecast([network], QuantileHead(), cut, series, origins, 20)
    np.testing.assert_array_equal(
        multistep.forecast([network], QuantileHead(), cut, series, origins, 3)[0], long[:, :3]
    )


@pytest.mark.parametrize("head", [QuantileHead(), THREE])
def test_no_origins_have_no_forecasts(head: QuantileHead) -> None:
    """An empty question has an empty answer of the right width."""
    none, levels = np.array([], np.int64), len(head.levels)
    networks = [network_of(1, outputs=head.outputs)]
    z, gaps = multistep.forecast(networks, head, windows(SHAPES[0], LENGTHS), none, none, 4)
    assert z.shape == (0, 4)
    assert [gap.shape for gap in gaps] == [(levels, 0, 4)] * 2


def test_memory_does_not_grow_with_the_number_of_series() -> None:
    """20,000 short series through 50 units: their gates at once would be 128 MB."""
    cut = windows(WindowSpec(context=8, lags=1), [5] * 20_000)
    for head in (QuantileHead(), QuantileHead(2)):
        network = network_of(1, (50,), outputs=head.outputs)
        tracemalloc.start()
        multistep.forecast([network], head, cut, np.arange(20_000), np.full(20_000, 4), 2)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 60e6


def base(z: list[float], shape: WindowSpec, horizon: int) -> list[float]:
    """The forecast of level and profile alone: the next season repeated, on a level that follows it.

    Without a profile the level stays.
    """
    output = list(z)
    for h in range(horizon):
        known = output if shape.profile_seasons else z
        output.append(level(known, len(known) - 1, shape.level_window) + profile(z, shape, h % shape.season_length))
    return output[len(z) :]


def ask(
    network: Network, head: QuantileHead, z: list[float], shape: WindowSpec
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut a window at the end of z and ask once: values [H] and distances [Q, H]."""
    n = len(z)
    cut = WindowDataset.from_panel(np.array(z), np.ones(n, bool), np.array([0, n]), shape)
    x = cut.inputs(np.array([0]), np.array([n - shape.context]), shape.context)
    values, below, above = head.decode(numpy_lstm.forward(network, x)[:, -1])
    return np.array(base(z, shape, head.steps)) + values[0], below[:, 0], above[:, 0]


@pytest.mark.parametrize("head", [THREE, QuantileHead(13), QuantileHead(1, (80.0,)), QuantileHead(12, (50.0, 95.0))])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("skip", [False, True])
def test_asking_for_more_is_asking_again(shape: WindowSpec, head: QuantileHead, skip: bool) -> None:
    """All steps at once; beyond them its own values are the past, and the bounds lie where its last step's lay."""
    cut, network = windows(shape, LENGTHS), network_of(shape.lags, outputs=head.outputs, skip=skip)
    series, origins = np.array([0, 1, 2, 3, 4, 4, 4]), np.array([0, 1, 2, 7, 39, 20, 0])
    horizon = 2 * head.steps + 1
    z, (below, above) = multistep.forecast([network], head, cut, series, origins, horizon)
    assert z.shape == (7, horizon)
    assert below.shape == above.shape == (len(head.levels), 7, horizon)
    for row, (k, origin) in enumerate(zip(series, origins, strict=True)):
        past = cut.z[cut.offsets[k] : cut.offsets[k] + origin + 1].astype(float).tolist()
        first, *gaps = ask(network, head, past, shape)
        second, *_ = ask(network, head, past + first.tolist(), shape)
        third, *_ = ask(network, head, past + first.tolist() + second.tolist(), shape)
        np.testing.assert_allclose(z[row], np.concatenate([first, second, third])[:horizon], atol=1e-4)
        for output, gap in zip((below, above), gaps, strict=True):
            again = np.repeat(gap[:, -1:], horizon - head.steps, axis=1)
            np.testing.assert_allclose(output[:, row], np.concatenate([gap, again], axis=1), atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_after_the_origin_is_seen_by_a_direct_head(shape: WindowSpec) -> None:
    """Noise after the origin, and in the other series, changes no forecast and no distance, to the byte."""
    offsets, network = np.array([0, 30, 60, 90]), network_of(shape.lags, outputs=THREE.outputs)
    z = np.random.default_rng(7).normal(size=90)
    other = np.random.default_rng(1).normal(size=90) * 100
    other[30:51] = z[30:51]
    output = []
    for values in (z, other):
        cut = WindowDataset.from_panel(values, np.ones(90, bool), offsets, shape)
        found, gaps = multistep.forecast([network], THREE, cut, np.array([1]), np.array([20]), 8)
        output.append([found.tobytes(), *(gap.tobytes() for gap in gaps)])
    assert output[0] == output[1]


def test_hundreds_of_times_the_steps_of_the_head() -> None:
    """A head of one step with bounds is run 300 times for 300 steps, and its first bound is kept."""
    shape, head = SHAPES[0], QuantileHead(1, (80.0,))
    cut, network = windows(shape, LENGTHS), network_of(shape.lags, outputs=head.outputs)
    z, (below, _) = multistep.forecast(
        [replace(network, V=network.V / 2, d=network.d / 2)], head, cut, np.array([4]), np.array([39]), 300
    )
    assert z.shape == (1, 300)
    assert np.isfinite(z).all()
    assert (below == below[..., :1]).all()
