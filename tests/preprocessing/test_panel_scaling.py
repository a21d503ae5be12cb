"""The split of series into phases, and the interleaving of their forecasts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lstmcast.data.panel import Panel
from lstmcast.data.schema import Columns
from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.frequency import TimeGrid
from lstmcast.forecasting.ensemble.ensemble import Ensemble
from lstmcast.forecasting.pretrained import _load
from lstmcast.forecasting.split_data import tail
from lstmcast.preprocessing.panel_scaling import NO_SPLIT, Polyphase


def panel_of(*series: list[float] | np.ndarray) -> Panel:
    """Series on a counted calendar."""
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in series])])
    return Panel(
        columns=Columns(None, ("y",), ("id",)),
        calendar=Calendar(TimeGrid("counter")),
        keys=tuple((str(k),) for k in range(len(series))),
        values=np.concatenate([np.asarray(one, float) for one in series]),
        observed=np.ones(offsets[-1], bool),
        offsets=offsets,
        starts=np.zeros(len(series), int),
        inferred=(),
        notes=(),
        source="test",
    )


def test_phases_hold_every_so_many_th_value() -> None:
    """Three phases of 1 … 7 and of 10 … 11, each with two first values again before its first, by hand."""
    parts = Polyphase(3).split(panel_of([1, 2, 3, 4, 5, 6, 7], [10, 11]))
    series = [parts.series(k).tolist() for k in range(parts.n_series)]
    assert series == [[1, 2, 5], [1, 3, 6], [1, 4, 7], [10, 11], [10], [10]]
    assert parts.observed_of(0).tolist() == [False, True, True]
    assert parts.observed_of(2).tolist() == [True, True, True]


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_origins_and_weaving_find_each_step_again(count: int) -> None:
    """Phases that repeat their step's number, found with a loop, are interleaved into 1, 2, 3 … after any origin."""
    phases, values = Polyphase(count), np.arange(20.0)
    parts = phases.split(panel_of(values, values))
    for origin in (0, 3, 11):
        series, origins = phases.origins(np.array([1]), np.array([origin]))
        steps = phases.steps(7)
        by_phase = np.array(
            [
                [parts.series(k)[0 if t == 0 else t] + count * (step + 1) for step in range(steps)]
                for k, t in zip(series.tolist(), origins.tolist(), strict=True)
            ]
        )
        if origin >= count:  # before that, a phase knows only the first value again
            assert phases.interleave(by_phase, 7).tolist() == [[origin + 1.0 + h for h in range(7)]]


def with_polyphase(ensemble: Ensemble, polyphase: Polyphase) -> Ensemble:
    """The LSTM alone, on series split in another way."""
    return Ensemble.of_lstm(replace(ensemble.preprocessings[0], polyphase=polyphase), ensemble.lstm, 0.0)


def test_half_hours_are_forecast_as_two_series_of_hours() -> None:
    """Networks forecast every second value as a series of its own."""
    rng = np.random.default_rng(0)
    values = 100 + 10 * np.sin(np.arange(960) * np.pi / 24) + rng.normal(size=960)
    hourly, _ = _load("hourly")
    half = with_polyphase(hourly, Polyphase(2))
    whole = half.bind(panel_of(values))
    both = whole.forecast(np.array([0]), np.array([959]), 5)
    apart = [with_polyphase(hourly, NO_SPLIT).bind(panel_of(values[k::2])) for k in (0, 1)]
    ahead = [bound.forecast(np.array([0]), np.array([479]), 3) for bound in apart]
    interleaved = np.stack([each.z[0] for each in ahead], axis=1).ravel()[:5]
    values_of = whole.inverse_transform(both.z, np.array([0]))[0]
    each_values = [bound.inverse_transform(z.z, np.array([0]))[0] for bound, z in zip(apart, ahead, strict=True)]
    by_hand = np.stack(each_values, axis=1).ravel()[:5]
    assert interleaved.shape == both.z[0].shape
    assert values_of == pytest.approx(by_hand, rel=0.02)  # the unit is that of both, and each has a value more


def test_a_forecast_depends_only_on_the_required_history() -> None:
    """Series cut to the required history have the same forecasts."""
    rng = np.random.default_rng(1)
    panel = panel_of(100 + rng.normal(size=6000).cumsum(), 50 + rng.random(6001))
    hourly, _ = _load("hourly")
    scales = {(name,): (0.1, 0.0) for name in "01"}
    preprocessing = replace(hourly.preprocessings[0], polyphase=Polyphase(4), series_scales=scales)
    ensemble = replace(hourly, preprocessings=(preprocessing,))
    short = tail(panel, ensemble.required_history)
    assert short.lengths.max() < 6000
    series = np.arange(2)
    by_phase, again = (ensemble.bind(p).forecast(series, p.lengths - 1, 8).z for p in (panel, short))
    difference = ensemble.bind(panel).inverse_transform(by_phase, series) / ensemble.bind(short).inverse_transform(
        again, series
    )
    assert difference == pytest.approx(np.ones((2, 8)), abs=1e-3)
