"""Values to z and back, levels and profiles against loops written from their definitions, and no look ahead."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lstmcast.errors import DataError
from lstmcast.preprocessing.scaling import (
    ScaleMode,
    Scaling,
    TransformName,
    fit_scaling,
    seasonal_profiles,
    trailing_means,
    valid_transforms,
)

TRANSFORMS: tuple[TransformName, ...] = ("log", "sqrt", "none")
SCALE_MODES: tuple[ScaleMode, ...] = ("local", "blended", "global")
SMALLEST = {"log": 1e-6, "sqrt": 0.0, "none": -1e9}
FUNCTIONS = {"log": math.log, "sqrt": math.sqrt, "none": float}

lengths_of = st.lists(st.integers(1, 30), min_size=1, max_size=4)


def flat(lengths: list[int]) -> np.ndarray:
    """Offsets of series of these lengths."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def level_by_loop(z: list[float], t: int, steps: int) -> float:
    """The mean of the last `steps` values up to and including t, of one series."""
    seen = z[max(0, t - steps + 1) : t + 1]
    return math.fsum(seen) / len(seen)


def profile_by_loop(z: list[float], t: int, *, settled: int, season: int, seasons: int) -> float:
    """The mean of z_s − m_{s-1} over the known s = t + 1 − j·season, j = 1 …, with `settled` steps before s; else 0."""
    found = []
    for j in range(1, seasons + 1):
        s = t + 1 - j * season
        if settled <= s < len(z):
            found.append(z[s] - level_by_loop(z, s - 1, settled))
    return math.fsum(found) / len(found) if found else 0.0


@settings(deadline=None, max_examples=150)
@given(st.data(), st.sampled_from(TRANSFORMS), lengths_of, st.integers(1, 13))
def test_there_and_back_again(data: st.DataObject, kind: TransformName, lengths: list[int], level: int) -> None:
    """The inverse of the forward transform gives back every value of every series, to rounding of the transform."""
    offsets = flat(lengths)
    elements = st.floats(SMALLEST[kind], 1e9, allow_subnormal=False)
    values = data.draw(hnp.arrays(np.float64, int(offsets[-1]), elements=elements))
    owner = np.repeat(np.arange(len(lengths)), lengths)
    scaling = fit_scaling(values, offsets, transform=kind, level=level).take(owner)
    z = scaling.forward(values)
    assert np.isfinite(z).all()
    np.testing.assert_allclose(scaling.inverse(z), values, rtol=1e-12, atol=1e-14 * np.abs(values).max())


def blended(step: float, typical: float) -> float:
    """The root of both steps, and the own step in proportion where it is more than 30 times off."""
    near = min(max(step, typical / 30), typical * 30)
    return math.sqrt(typical * near) * step / near


@settings(deadline=None, max_examples=100)
@given(
    st.data(),
    st.sampled_from(TRANSFORMS),
    st.sampled_from(SCALE_MODES),
    lengths_of,
    st.integers(1, 13),
    st.sampled_from([None, 0.7]),
)
def test_one_unit_is_the_mean_step_from_the_level(
    data: st.DataObject,
    kind: TransformName,
    mode: ScaleMode,
    lengths: list[int],
    level: int,
    given_step: float | None,
) -> None:
    """Local scales are the loop's mean |v_{t+1} − m_t|, the typical step their mean over series that move.

    A series that never moves has a unit of 1 of its own, a single value the median step of the others if blended; a
    step more than 30 times off changes the root of both in proportion.
    """
    offsets = flat(lengths)
    values = data.draw(hnp.arrays(np.float64, int(offsets[-1]), elements=st.integers(1, 50).map(float)))
    own = []
    for k, n in enumerate(lengths):
        plain = [FUNCTIONS[kind](v) for v in values[offsets[k] : offsets[k + 1]].tolist()]
        steps = [abs(plain[t + 1] - level_by_loop(plain, t, level)) for t in range(n - 1)]
        own.append(math.fsum(steps) / len(steps) if steps else 0.0)
    moving = [step for step in own if step > 1e-12]
    typical = given_step or (sum(moving) / len(moving) if moving else 1.0)
    expected = {
        "local": [step if step > 1e-12 else 1.0 for step in own],
        "global": [typical] * len(lengths),
        "blended": [
            float(np.median(moving)) if n == 1 and moving else blended(step, typical) if step > 1e-12 else 1.0
            for n, step in zip(lengths, own, strict=True)
        ],
    }
    scaling = fit_scaling(values, offsets, transform=kind, level=level, mode=mode, typical_step=given_step)
    np.testing.assert_allclose(scaling.scale, expected[mode], rtol=1e-9)
    np.testing.assert_allclose(scaling.offset, [FUNCTIONS[kind](v) for v in values[offsets[:-1]]])
    assert scaling.typical_step == pytest.approx(typical)


def test_a_scale_by_hand() -> None:
    """1 3 2 6: from the last value the steps are 2, 1 and 4; from the mean of two they are 2, |2 − 2| and 6 − 2.5."""
    values, offsets = np.array([1.0, 3.0, 2.0, 6.0]), np.array([0, 4])
    assert fit_scaling(values, offsets, transform="none", level=1).scale[0] == pytest.approx(7 / 3)
    assert fit_scaling(values, offsets, transform="none", level=2).scale[0] == pytest.approx(5.5 / 3)
    scaling = fit_scaling(values, offsets, transform="none", level=1)
    np.testing.assert_allclose(scaling.forward(values[None])[0], [0, 6 / 7, 3 / 7, 15 / 7])
    four, wild = ({"typical_step": typical, "mode": "blended"} for typical in (12 / 7, 7e-6))
    assert fit_scaling(values, offsets, transform="none", level=1, **four).scale[0] == pytest.approx(2)  # √(12/7 · 7/3)
    assert fit_scaling(values, offsets, transform="none", level=1, **wild).scale[0] == pytest.approx(
        7 / 3 / math.sqrt(30)
    )


def test_a_series_does_not_change_the_scale_of_its_neighbours() -> None:
    """A series seventeen orders of magnitude larger, before or after, leaves a small one's scale as it was."""
    rng = np.random.default_rng(0)
    large, small = np.cumsum(rng.normal(size=300)) * 1e14, rng.normal(size=200) * 1e-3
    alone = fit_scaling(small, np.array([0, 200]), transform="none", level=12).scale[0]
    after = fit_scaling(np.concatenate([large, small]), flat([300, 200]), transform="none", level=12)
    before = fit_scaling(np.concatenate([small, large]), flat([200, 300]), transform="none", level=12)
    assert after.scale[1] == pytest.approx(alone, rel=1e-9)
    assert before.scale[0] == pytest.approx(alone, rel=1e-9)


def test_a_small_variation_on_a_large_number_survives() -> None:
    """1e9 ± 1 keeps its shape in z: the same as that of ± 1, and comes back to within a millionth."""
    noise = np.random.default_rng(1).choice([-1.0, 1.0], 200)
    offsets = np.array([0, 200])
    scaling, plain = (fit_scaling(v, offsets, transform="none", level=3) for v in (1e9 + noise, noise))
    np.testing.assert_allclose(scaling.forward((1e9 + noise)[None]), plain.forward(noise[None]), rtol=1e-9)
    np.testing.assert_allclose(scaling.inverse(scaling.forward((1e9 + noise)[None]))[0] - 1e9, noise, atol=1e-6)


@pytest.mark.parametrize("kind", TRANSFORMS)
@pytest.mark.parametrize("mode", SCALE_MODES)
def test_a_constant_series_is_zero_in_units_of_one(kind: TransformName, mode: ScaleMode) -> None:
    """A constant series has z of 0 and a local scale of 1, and 0 becomes the constant, also in a panel with others."""
    for values, offsets in (
        (np.full(9, 0.1), [0, 9]),
        (np.concatenate([np.arange(1.0, 8.0), np.full(9, 0.1)]), [0, 7, 16]),
    ):
        last = len(offsets) - 2
        scaling = fit_scaling(values, np.array(offsets), transform=kind, level=4, mode=mode).take(np.array([last]))
        assert mode != "local" or scaling.scale[0] == 1
        assert scaling.scale[0] > 0
        np.testing.assert_array_equal(scaling.forward(np.full((1, 3), 0.1)), np.zeros((1, 3)))
        np.testing.assert_allclose(scaling.inverse(np.zeros((1, 3))), np.full((1, 3), 0.1), rtol=1e-15)


def test_zeros_allow_roots_but_no_logs() -> None:
    """The transforms that each smallest value allows."""
    assert valid_transforms(np.array([3.0, 0.1])) == ("log", "sqrt", "none")
    assert valid_transforms(np.array([3.0, 0.0])) == ("sqrt", "none")
    assert valid_transforms(np.array([3.0, -0.1])) == ("none",)


def test_a_series_that_was_never_negative_is_not_forecast_below_zero() -> None:
    """Each series has a floor of its own; logs and roots cannot go below zero anyway."""
    values, offsets = np.array([0.0, 1.0, 2.0, -1.0, 1.0, 2.0]), flat([3, 3])
    scaling = fit_scaling(values, offsets, transform="none", level=1)
    np.testing.assert_array_equal(scaling.floor, [0, -np.inf])
    np.testing.assert_allclose(scaling.inverse(np.full((2, 1), -10.0)), [[0], [-1 - 10 * 1.5]])
    roots = fit_scaling(values[:3], np.array([0, 3]), transform="sqrt", level=1)
    assert roots.inverse(np.array([[-10.0]]))[0, 0] == 0
    logs = fit_scaling(values[1:3], np.array([0, 2]), transform="log", level=1)
    assert logs.inverse(np.array([[-10.0]]))[0, 0] > 0


@pytest.mark.parametrize("kind", TRANSFORMS)
def test_an_inverse_that_overflows_is_infinite(kind: TransformName) -> None:
    """There is no warning, and the result is not a number."""
    scaling = Scaling(kind, np.zeros(1), np.array([1e299]), np.zeros(1), 1.0)
    assert scaling.inverse(np.array([[1e20]]))[0, 0] == np.inf


@pytest.mark.parametrize("values", [[1e308, -1e308, 1e308], [0.0, 1.7e308, -1.7e308, 1.7e308]])
def test_numbers_whose_differences_overflow_are_refused(values: list[float]) -> None:
    """The message contains the limit and a fix."""
    with pytest.raises(DataError, match=r"too large to scale .*divide them first"):
        fit_scaling(np.array(values), np.array([0, len(values)]), transform="none", level=2)


def test_a_series_may_be_selected_more_than_once() -> None:
    """`of` repeats and reorders series with all that belongs to them."""
    both = Scaling("none", np.array([1.0, 2.0]), np.array([10.0, 20.0]), np.array([0.0, -np.inf]), 15.0)
    scaling = both.take(np.array([1, 0, 1]))
    assert scaling.typical_step == 15
    np.testing.assert_array_equal(scaling.inverse(-np.ones((3, 2, 1)))[:, 0, 0], [-18, 0, -18])
    np.testing.assert_array_equal(scaling.forward(np.array([22.0, 11.0, 2.0])), [1, 1, 0])


def test_levels_and_profiles_by_hand() -> None:
    """For 0 4 2 8 6 the level of two is 0 2 3 5 7, and the steps from the level before are r = 4 0 5 1."""
    z, offsets = np.array([0.0, 4.0, 2.0, 8.0, 6.0]), np.array([0, 5])
    level = trailing_means(z, offsets, 2)
    np.testing.assert_allclose(level, [0, 2, 3, 5, 7])
    # p_t is r_{t-1}, or the mean of r_{t-1} and r_{t-3}, of steps 2 and later: p_3 = r_2 = 0, p_4 = r_3 = 5.
    np.testing.assert_allclose(seasonal_profiles(z, level, offsets, settled=2, season=2, seasons=1), [0, 0, 0, 0, 5])
    # With a level of one step: m = z and r = . 4 -2 6 -2; p_2 = r_1 = 4, p_3 = r_2 = -2, p_4 = (r_3 + r_1) / 2 = 5.
    np.testing.assert_allclose(seasonal_profiles(z, z, offsets, settled=1, season=2, seasons=2), [0, 0, 4, -2, 5])
    # Two steps further: p_5 = (r_4 + r_2) / 2 = -2, and p_6 = (r_5 + r_3) / 2, of which r_5 is not known: 6.
    beyond = seasonal_profiles(z, z, offsets, settled=1, season=2, seasons=2, beyond=2)
    np.testing.assert_allclose(beyond, [0, 0, 4, -2, 5, -2, 6])


@settings(deadline=None, max_examples=150)
@given(st.data(), lengths_of, st.integers(1, 9), st.integers(1, 7), st.integers(0, 4), st.integers(0, 9))
def test_levels_and_profiles_agree_with_the_definition(
    data: st.DataObject, lengths: list[int], level: int, season: int, seasons: int, beyond: int
) -> None:
    """Series by series and step by step, also beyond each end, independent of adjacent series in the flat array."""
    offsets = flat(lengths)
    z = data.draw(hnp.arrays(np.float64, int(offsets[-1]), elements=st.floats(-1e3, 1e3)))
    levels = trailing_means(z, offsets, level)
    profile = seasonal_profiles(z, levels, offsets, settled=level, season=season, seasons=seasons, beyond=beyond)
    assert len(profile) == len(z) + beyond * len(lengths)
    for k, n in enumerate(lengths):
        one = z[offsets[k] : offsets[k + 1]].tolist()
        expected = [level_by_loop(one, t, level) for t in range(n)]
        np.testing.assert_allclose(levels[offsets[k] : offsets[k + 1]], expected, atol=1e-8)
        expected = [profile_by_loop(one, t, settled=level, season=season, seasons=seasons) for t in range(n + beyond)]
        first = offsets[k] + k * beyond
        np.testing.assert_allclose(profile[first : first + n + beyond], expected, atol=1e-8)


@pytest.mark.parametrize("kind", TRANSFORMS)
def test_the_slope_is_a_quotient_of_differences(kind: TransformName) -> None:
    """The growth of the value with z above the floor; on the floor it is 0."""
    scaling = Scaling(kind, np.array([1.5, 0.9]), np.array([0.2, 0.1]), np.array([0.0, 0.0]), 1.0)
    z = np.array([[-2.0, 0.0, 3.0], [-3.0, 1.0, 2.0]])
    quotient = (scaling.inverse(z + 1e-5) - scaling.inverse(z - 1e-5)) / 2e-5
    np.testing.assert_allclose(scaling.derivative(z), quotient, rtol=1e-6)
    if kind != "log":
        assert not scaling.derivative(np.array([[-100.0], [-100.0]])).any()


def test_series_that_cannot_be_transformed_are_taken_as_they_are() -> None:
    """In a panel with a series in logs, untransformed ones have the scale of a panel without logs."""
    positive, rest = np.array([1.0, 2.0, 4.0]), np.array([0.0, 3.0, -3.0, 5.0, 5.0])
    values, offsets = np.concatenate([positive, rest]), np.array([0, 3, 6, 8])
    both = fit_scaling(
        values, offsets, transform="log", level=1, typical_step=0.5, untransformed=np.array([False, True, True])
    )
    logs = fit_scaling(positive, np.array([0, 3]), transform="log", level=1)
    plain = fit_scaling(rest, np.array([0, 3, 5]), transform="none", level=1)
    z = np.array([[-1.0, 2.0], [0.5, 1.0], [0.0, 1.0]])
    assert both.inverse(z)[0] == pytest.approx(logs.inverse(z[:1])[0])
    assert both.inverse(z)[1] == pytest.approx(plain.inverse(z[1:])[0])
    assert both.inverse(z)[2] == pytest.approx([5.0, 5.005])  # what never moved: a thousandth of its value
    assert both.derivative(z)[1] == pytest.approx(plain.derivative(z[1:])[0])
    assert both.forward(both.inverse(z)) == pytest.approx(z)
    assert both.take(np.array([1])).untransformed == np.array([True])


def test_an_upper_bound_in_logs_grows_with_the_square_of_the_width() -> None:
    """By hand: 100 · (1 + w + w²/2) in logs, the inverse transform of the sum else; never below the forecast."""
    values, offsets = np.array([100.0, 110.0, 100.0]), np.array([0, 3])
    for transform in ("log", "none"):
        scaling = fit_scaling(values, offsets, transform=transform, level=1)
        above = np.array([[0.0, 1.0, 30.0]])
        found, w = scaling.upper_bound(np.zeros((1, 3)), above), (above * scaling.scale)[0]
        expected = 100 * (1 + w + w * w / 2) if transform == "log" else 100 + w
        np.testing.assert_allclose(found[0], expected)
