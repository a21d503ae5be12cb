"""Windows against a loop over single numbers, fair crops, small memory, and no look ahead."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmcast.nn import multistep
from lstmcast.nn.heads import QuantileHead
from lstmcast.nn.numpy_lstm import Layer, Network
from lstmcast.preprocessing.windows import WindowDataset, WindowSpec

SHAPES = [
    WindowSpec(context=4, lags=1),
    WindowSpec(context=3, lags=5, level_window=3, burn_in=1),
    WindowSpec(context=6, lags=3, level_window=4, season_length=4, profile_seasons=2, burn_in=2),
    WindowSpec(context=5, lags=2, level_window=1, season_length=3, profile_seasons=3, horizon=3),
    WindowSpec(context=40, lags=9, level_window=12, season_length=7, profile_seasons=1, burn_in=10, horizon=2),
    WindowSpec(context=4, lags=2, level_window=3, season_length=4, profile_seasons=2, burn_in=1, horizon=9),
    WindowSpec(context=5, lags=3, level_window=4, horizon=4),
    WindowSpec(context=4, lags=2, level_window=2, season_length=1, profile_seasons=3, horizon=3),
]
LENGTHS = [1, 2, 5, 9, 30]


def windows(shape: WindowSpec, lengths: list[int], seed: int = 0, *, hidden: float = 0.2) -> WindowDataset:
    """Series of these lengths with random values, some of them not observed."""
    rng = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    z = rng.normal(size=offsets[-1]) + 3
    return WindowDataset.from_panel(z, rng.random(offsets[-1]) >= hidden, offsets, shape)


class Slow:
    """One series, read by the definitions: plain lists, one number at a time."""

    def __init__(self, z: list[float], observed: list[bool], shape: WindowSpec) -> None:
        self.z, self.observed, self.shape, self.n = z, observed, shape, len(z)

    def m(self, t: int) -> float:
        """The level."""
        seen = self.z[max(0, t - self.shape.level_window + 1) : t + 1]
        return sum(seen) / len(seen)

    def p(self, t: int, ahead: int = 1) -> float:
        """The usual deviation of the step `ahead` of t, at most a season: the mean over its phase as known at t."""
        steps = [t + ahead - j * self.shape.season_length for j in range(1, self.shape.profile_seasons + 1)]
        found = [self.z[s] - self.m(s - 1) for s in steps if s >= self.shape.level_window]
        return sum(found) / len(found) if found else 0.0

    def y(self, t: int) -> float:
        """The value without its season."""
        return self.z[t] - (self.p(t - 1) if t else 0.0)

    def base(self, t: int, horizon: int) -> list[float]:
        """The forecast of level and profile alone after t: the next season repeated, on a level that follows it.

        Without a profile the level stays.
        """
        known = self.z[: t + 1]
        values = list(known)
        for h in range(horizon):
            seen = (values if self.shape.profile_seasons else known)[-self.shape.level_window :]
            values.append(sum(seen) / len(seen) + self.p(t, 1 + h % self.shape.season_length))
        return values[t + 1 :]

    def input(self, t: int) -> list[float]:
        """The F inputs of the network at t, oldest first."""
        return [self.y(s) - self.m(t) if s >= 0 else 0.0 for s in range(t - self.shape.lags + 1, t + 1)]

    def target(self, t: int, ahead: int) -> tuple[float, float]:
        """The target at t + ahead, and its weight."""
        s, shape = t + ahead, self.shape
        warmup = min(shape.level_window + shape.season_length - 1, self.n // 2) if shape.profile_seasons else 0
        if t < warmup or s >= self.n or not (self.observed[s] and self.observed[t]):
            return 0.0, 0.0
        return self.z[s] - self.base(t, ahead)[-1], 1.0


def slow_of(windows: WindowDataset, series: int) -> Slow:
    """One of the series, to be read by the definitions."""
    part = slice(windows.offsets[series], windows.offsets[series + 1])
    return Slow(windows.z[part].tolist(), windows.observed[part].tolist(), windows.spec)


def slow_batch(windows: WindowDataset, series: int, start: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One window by the loop: inputs [L, F], targets [L, H], weights [L, H]."""
    shape, slow = windows.spec, slow_of(windows, series)
    steps = range(start, start + shape.context)
    pairs = [[slow.target(t, h) for h in range(1, shape.horizon + 1)] for t in steps]
    pairs = [[pair if k >= shape.burn_in else (0.0, 0.0) for pair in row] for k, row in enumerate(pairs)]
    inputs = [slow.input(t) if t >= 0 else [0.0] * shape.lags for t in steps]
    both = np.array(pairs)
    return np.array(inputs), both[..., 0], both[..., 1]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_batch_is_what_the_definitions_say(shape: WindowSpec) -> None:
    """Every start of every series, also before the first value, at the end, and of series shorter than the window."""
    cut = windows(shape, LENGTHS)
    for k, n in enumerate(LENGTHS):
        starts = np.arange(min(-shape.burn_in, n - 1 - shape.context), n - shape.context)
        inputs, targets, weights = cut.batch(np.full(len(starts), k), starts)
        assert inputs.shape == (len(starts), shape.context, shape.lags)
        for row, start in enumerate(starts.tolist()):
            x, y, w = slow_batch(cut, k, start)
            np.testing.assert_array_equal(weights[row], w)
            np.testing.assert_allclose(inputs[row], x, atol=1e-5)
            np.testing.assert_allclose(targets[row], y, atol=1e-5)


def test_a_window_by_hand() -> None:
    """For 1 3 2 6 5 the level is the mean of two (1 2 2.5 4 5.5): three steps from step 1 on, the last unobserved."""
    z, observed = np.array([1.0, 3.0, 2.0, 6.0, 5.0]), np.array([True, True, True, True, False])
    cut = WindowDataset.from_panel(z, observed, np.array([0, 5]), WindowSpec(context=3, lags=3, level_window=2))
    inputs, targets, weights = cut.batch(np.array([0]), np.array([1]))
    np.testing.assert_allclose(inputs[0], [[0, -1, 1], [-1.5, 0.5, -0.5], [-1, -2, 2]])
    np.testing.assert_allclose(targets[0, :, 0], [0, 3.5, 0])  # 2 - 2, 6 - 2.5, and 5 was not in the data
    np.testing.assert_array_equal(weights[0, :, 0], [1, 1, 0])


def test_a_seasonal_profile_by_hand() -> None:
    """A series that repeats itself exactly has, once its profile is known, nothing left to learn."""
    z = np.tile([0.0, 5.0, 1.0, -2.0], 6)
    cut = WindowDataset.from_panel(
        z, np.ones(24, bool), np.array([0, 24]), WindowSpec(8, 4, level_window=4, season_length=4, profile_seasons=2)
    )
    np.testing.assert_allclose(cut.level[3:], 1.0)
    np.testing.assert_allclose(cut.y[8:], 1.0, atol=1e-6)
    _, targets, weights = cut.batch(np.array([0, 0]), np.array([0, 14]))
    np.testing.assert_allclose(targets, 0, atol=1e-6)
    np.testing.assert_array_equal(weights[0, :, 0], [0] * 7 + [1])  # the first profile is that of step 7, for step 8
    np.testing.assert_array_equal(weights[1], 1)


def everywhere(lengths: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Every origin of every series."""
    return np.repeat(np.arange(len(lengths)), lengths), np.concatenate([np.arange(n) for n in lengths])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("horizon", [1, 4, 30])
def test_level_and_profile_alone_agree_with_a_loop(shape: WindowSpec, horizon: int) -> None:
    """From every origin of every series, for a step, a season, and far more steps than there are values."""
    cut = windows(shape, LENGTHS)
    series, origins = everywhere(LENGTHS)
    values = cut.level_and_profile(series, origins, horizon)
    expected = [slow_of(cut, k).base(t, horizon) for k, t in zip(series.tolist(), origins.tolist(), strict=True)]
    assert values.shape == (len(series), horizon)
    np.testing.assert_allclose(values, expected, atol=1e-9)


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape.profile_seasons or shape.level_window == 1])
def test_level_and_profile_alone_are_a_network_of_zeros(shape: WindowSpec) -> None:
    """Up to a season ahead, a network of zeros gives the same forecast from any origin."""
    cut = windows(shape, LENGTHS)
    silent = Network(
        (Layer(np.ones((shape.lags, 8), np.float32), np.ones((2, 8), np.float32), np.ones(8, np.float32)),),
        np.zeros((2, 1), np.float32),
        np.zeros(1, np.float32),
    )
    series, origins = everywhere(LENGTHS)
    values, _ = multistep.forecast([silent], QuantileHead(), cut, series, origins, shape.season_length)
    np.testing.assert_allclose(cut.level_and_profile(series, origins, shape.season_length), values, atol=1e-9)


def test_level_and_profile_alone_by_hand() -> None:
    """For 0 4 2 8 6 (level of two 0 2 3 5 7, r = . 4 0 5 1, season 2) the profile at the end is 5 1 5 1 and so on.

    Level 7, so 7 + 5 = 12; level (6 + 12) / 2 = 9, so 9 + 1 = 10; level 11, so 16; level 13, so 14.
    """
    shape = WindowSpec(context=2, lags=1, level_window=2, season_length=2, profile_seasons=1)
    cut = WindowDataset.from_panel(np.array([0.0, 4, 2, 8, 6]), np.ones(5, bool), np.array([0, 5]), shape)
    np.testing.assert_allclose(cut.level_and_profile(np.array([0]), np.array([4]), 4), [[12, 10, 16, 14]])


def test_several_steps_ahead_by_hand() -> None:
    """Without a profile: what comes, less the level of two (1 2 2.5 4 5.5), for two steps ahead."""
    shape = WindowSpec(context=3, lags=1, level_window=2, horizon=2)
    cut = WindowDataset.from_panel(
        np.array([1.0, 3, 2, 6, 5]), np.array([True, True, True, True, False]), np.array([0, 5]), shape
    )
    _, targets, weights = cut.batch(np.array([0]), np.array([1]))
    np.testing.assert_allclose(targets[0], [[0, 4], [3.5, 0], [0, 0]])
    np.testing.assert_array_equal(weights[0], [[1, 1], [1, 0], [0, 0]])


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_followed_is_as_if_it_had_come_so(shape: WindowSpec) -> None:
    """At their ends, series followed by any values read and stand as the same values in one long series do."""
    cut = windows(shape, LENGTHS)
    series, origins = everywhere(LENGTHS)
    z = np.random.default_rng(3).normal(size=(len(series), 6))
    followed = cut.extended(series, origins, z)
    each, ends = np.arange(len(series)), np.diff(followed.offsets) - 1
    inputs = followed.inputs(each, ends - shape.context + 1, shape.context)
    base = followed.level_and_profile(each, ends, 8)
    assert len(followed.z) <= len(series) * (shape.required_history + 6)
    for row, (k, origin) in enumerate(zip(series.tolist(), origins.tolist(), strict=True)):
        whole = np.concatenate([cut.z[cut.offsets[k] : cut.offsets[k] + origin + 1], z[row]])
        alone = WindowDataset.from_panel(whole, np.ones(len(whole), bool), np.array([0, len(whole)]), shape)
        here, end = np.array([0]), np.array([len(whole) - 1])
        expected = alone.inputs(here, end - shape.context + 1, shape.context)[0]
        np.testing.assert_allclose(inputs[row], expected, atol=1e-5)
        np.testing.assert_allclose(base[row], alone.level_and_profile(here, end, 8)[0], atol=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("t", [0, 7, 15, 28])
def test_nothing_looks_ahead(shape: WindowSpec, t: int) -> None:
    """Noise in place of all that comes after t changes no z, y, level, input, base or target up to t, to the byte."""
    rng = np.random.default_rng(t)
    z, observed, offsets = rng.normal(size=90), rng.random(90) > 0.1, np.array([0, 30, 60, 90])
    other = z.copy()
    other[30 + t + 1 : 60] = rng.normal(size=29 - t) * 1e3
    cuts = [WindowDataset.from_panel(values, observed, offsets, shape) for values in (z, other)]
    for name in ("z", "y", "level"):
        was, now = (getattr(cut, name)[30 : 30 + t + 1] for cut in cuts)
        np.testing.assert_array_equal(was, now)
    series, starts = np.array([1]), np.array([t - shape.context + 1])
    (x, y, w), (x2, y2, w2) = (cut.batch(series, starts) for cut in cuts)
    np.testing.assert_array_equal(x, x2)
    known = np.arange(t - shape.context + 1, t + 1)[:, None] + np.arange(1, shape.horizon + 1) <= t
    np.testing.assert_array_equal(y[0][known], y2[0][known])
    np.testing.assert_array_equal(w, w2)
    bases = [cut.level_and_profile(np.ones(t + 1, np.int64), np.arange(t + 1), 12) for cut in cuts]
    np.testing.assert_array_equal(*bases)
    spreads = [cut.recent_mad(series, np.array([t]), 10) for cut in cuts]
    assert spreads[0] == spreads[1]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=6), st.integers(1, 20), st.integers(0, 5), st.integers(1, 90))
def test_crops_stay_within_their_series(lengths: list[int], context: int, burn: int, count: int) -> None:
    """No earlier than the burn-in before the first value, and no later than the last target; short series end there."""
    cut = windows(WindowSpec(context, 2, burn_in=min(burn, context - 1)), lengths)
    series, starts = cut.sample(np.random.default_rng(3), count)
    n = np.array(lengths)[series]
    assert len(series) == len(starts) == count
    assert (starts <= n - 1 - context).all()
    assert (starts >= np.minimum(-cut.spec.burn_in, n - 1 - context)).all()
    assert max(lengths) == 1 or (n > 1).all()  # a single value has no target


def test_crops_are_in_proportion_to_the_root_of_the_usable_steps() -> None:
    """Of 8,000 windows over series with 900, 49, 1 and no targets, each has its share, give or take one."""
    series, starts = windows(WindowSpec(8, 2), [901, 1, 50, 2]).sample(np.random.default_rng(0), 8000)
    np.testing.assert_allclose(np.bincount(series), np.array([30, 0, 7, 1]) * 8000 / 38, atol=1)
    counts = np.bincount(starts[series == 0], minlength=893)
    assert len(counts) == 893  # starts 0 … 892, evenly
    assert counts.min() >= 5
    assert counts.max() <= 9
    assert np.abs(np.corrcoef(np.arange(8000), series == 0)[0, 1]) < 0.05  # in random order


def test_crops_are_a_function_of_the_seed() -> None:
    """Equal seeds give equal windows in equal order; different seeds do not."""
    cut = windows(SHAPES[1], LENGTHS)
    one, two, other = (cut.sample(np.random.default_rng(seed), 50) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


def test_every_batch_is_full() -> None:
    """Ten windows in batches of four make three batches; together they are the crops of twelve."""
    cut = windows(SHAPES[1], LENGTHS)
    parts = list(cut.batches(np.random.default_rng(5), count=10, size=4))
    assert [len(x) for x, _, _ in parts] == [4, 4, 4]
    whole = cut.batch(*cut.sample(np.random.default_rng(5), 12))
    for k in range(3):
        np.testing.assert_array_equal(np.concatenate([part[k] for part in parts]), whole[k])


def test_a_window_may_be_longer_than_all_the_data() -> None:
    """Five values and a window of 100: the last steps are the series, the others are empty."""
    cut = windows(WindowSpec(context=100, lags=3, burn_in=25), [5], hidden=0)
    inputs, targets, weights = next(cut.batches(np.random.default_rng(0), count=2, size=2))
    np.testing.assert_array_equal(weights[:, :96].sum(), 0)
    np.testing.assert_array_equal(weights[:, 96:], 1)
    np.testing.assert_allclose(targets[0, 96:, 0], np.diff(cut.z), atol=1e-6)
    np.testing.assert_array_equal(inputs[:, :96], 0)


@pytest.mark.parametrize(
    "shape",
    [
        WindowSpec(context=96, lags=168),
        WindowSpec(context=96, lags=168, level_window=24, season_length=24, profile_seasons=4, horizon=48),
    ],
)
def test_memory_is_that_of_two_batches(shape: WindowSpec) -> None:
    """One epoch over a million values, whose inputs would be 64 GB: each batch is made while the last one is used.

    Their bytes are 16 × 96 × (168 + 2 H) × 4 each; what gathering needs besides is less than a third batch.
    """
    cut = windows(shape, [1_000_000])
    batch = 16 * 96 * (168 + 2 * shape.horizon) * 4
    tracemalloc.start()
    held = [sum(part.nbytes for part in parts) for parts in cut.batches(np.random.default_rng(0), count=64, size=16)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert held == [batch] * 4
    assert peak < 3 * batch


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**16), st.sampled_from(SHAPES), st.integers(1, 25))
def test_spread_is_the_mean_distance_from_the_level(seed: int, shape: WindowSpec, steps: int) -> None:
    """Mean |y_{s} − m_{s-1}| over the last steps up to the origin, by a loop; 0 at a series' first value."""
    cut = windows(shape, LENGTHS, seed)
    series, origins = everywhere(LENGTHS)
    expected = []
    for k, t in zip(series, origins, strict=True):
        first = cut.offsets[k]
        y, m = (a[first : first + t + 1].astype(float) for a in (cut.y, cut.level))
        off = [abs(y[s] - m[s - 1]) for s in range(max(1, t - steps + 1), t + 1)]
        expected.append(sum(off) / len(off) if off else 0.0)
    np.testing.assert_allclose(cut.recent_mad(series, origins, steps), expected, atol=1e-6)
