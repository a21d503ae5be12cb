"""Series of one file with closed steps of their own, such as shops with different days off."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lstmcast.data.load import ReadOptions, read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import NoteCode
from lstmcast.errors import DataError, FaultCode
from lstmcast.forecasts import Forecast

DAYS = pd.date_range("2023-01-02", "2023-12-31")
HOURS = pd.date_range("2024-01-01", "2024-02-25 23:00", freq="h")


def shops(closed: dict[str, set[int]]) -> pd.DataFrame:
    """Daily sales of shops, with their closed weekdays (Monday is 0)."""
    rows = [(f"{day:%Y-%m-%d}", shop, 100 + 10 * day.day_of_week + day.day % 3)
            for day in DAYS for shop, off in closed.items() if day.day_of_week not in off]  # fmt: skip
    return pd.DataFrame(rows, columns=["date", "shop", "sales"])


def forecast_of(panel: Panel, horizon: int) -> pd.DataFrame:
    """A forecast of zeros."""
    values = np.zeros((panel.n_series, horizon))
    bounds = np.zeros((0, panel.n_series, horizon))
    return Forecast(**Forecast.index_of(panel), values=values, levels=(), lower=bounds, upper=bounds).to_frame()


@pytest.mark.parametrize(
    "closed",
    [{"A": {6}, "B": {0}}, {"A": set(), "B": {6}}, {"A": {5, 6}, "B": {0}, "C": set()}, {"A": {2}, "B": {6}, "C": {6}}],
)
def test_days_off_differ(closed: dict[str, set[int]]) -> None:
    """Days off are neither counted as missing nor forecast; other steps of all series are."""
    panel = read(shops(closed))
    assert {key[0] for key in panel.keys} == set(closed)
    note = next(note for note in panel.notes if note.code is NoteCode.CLOSED_SERIES)
    assert f"{sum(map(bool, closed.values()))} series" in note.text
    table = forecast_of(panel, 14)
    weekdays = pd.to_datetime(table["date"]).dt.day_of_week
    for shop, off in closed.items():
        assert set(weekdays[table["shop"] == shop]) == set(range(7)) - off
    for k, (shop,) in enumerate(panel.keys):
        unobserved = panel.calendar.wall(np.flatnonzero(~panel.observed_of(k)) + panel.starts[k])
        assert set(pd.DatetimeIndex(unobserved).day_of_week) == closed[shop]


def test_columns_of_series() -> None:
    """Empty fields on days off are closed steps too."""
    wide = shops({"A": {6}, "B": {0}}).pivot(index="date", columns="shop", values="sales").reset_index()
    panel = read(wide, ReadOptions(target=("A", "B")))
    assert [mask is not None for mask in panel.closed] == [True, True]


def test_hours_of_opening_differ() -> None:
    """Hours that only others open are closed."""
    rows = [(f"{hour:%Y-%m-%d %H:%M}", shop, 5 + hour.hour + hour.day % 3)
            for hour in HOURS for shop, (first, last) in {"A": (8, 20), "B": (10, 22)}.items()
            if first <= hour.hour < last]  # fmt: skip
    panel = read(pd.DataFrame(rows, columns=["hour", "shop", "sales"]))
    table = forecast_of(panel, 28)
    hours = pd.to_datetime(table["hour"]).dt.hour
    assert {shop: (found.min(), found.max()) for shop, found in hours.groupby(table["shop"])} == {
        "A": (8, 19),
        "B": (10, 21),
    }


def test_selected_series_keep_their_steps() -> None:
    """The closed steps follow the series."""
    panel = read(shops({"A": set(), "B": {6}}))
    assert panel.select(np.array([1, 0])).closed == panel.closed[::-1]
    assert read(shops({"A": set(), "B": set()})).closed == ()


def test_irregular_gaps_are_refused() -> None:
    """Gaps without a pattern are gaps, with days off or without."""
    frame = shops({"A": {6}, "B": {0}})
    kept = frame[np.random.default_rng(3).random(len(frame)) < 0.7]
    with pytest.raises(DataError) as caught:
        read(kept)
    assert {fault.code for fault in caught.value.faults} <= {FaultCode.MANY_GAPS, FaultCode.LONG_GAP}
