"""Figures of a panel and its forecasts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lstmcast.data.file.csv_reader import read_table
from lstmcast.data.panel import Panel
from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.frequency import HOUR
from lstmcast.data.time.text.parts import join_columns
from lstmcast.errors import DataError, UsageError
from lstmcast.forecasts import Forecast
from lstmcast.report.figures.panels import MOST_PANELS, Figure, ForecastBand, SeriesPanel, draw, render
from lstmcast.report.verdict import report_verdict
from lstmcast.types import Ints

if TYPE_CHECKING:
    from lstmcast.forecasting.forecaster import Forecaster
    from lstmcast.tasks.base import PlotOptions


MAX_DEFAULT_SERIES = 9  # series drawn where none is named
_POSITION = "\0position"  # column of positions
MAX_BANDS = 8  # held-out forecasts drawn of each


def plot(panel: Panel, forecast: Forecast, *, keys: Sequence[str] = (), title: str = "Forecast") -> Figure:
    """Draw history, forecast and intervals.

    Args:
        panel: the past.
        forecast: its future, or a part of it that has become past: then the actual values are drawn.
        keys: which series, parts of a key joined by '/'; empty: the first nine.
        title: above the figure.

    Raises:
        UsageError: an unknown series, or more than a figure can hold.
    """
    return draw(forecast_panels(panel, forecast, keys), title=title, ylabel=", ".join(panel.columns.target[:1]))


def plot_model(model: Forecaster, panel: Panel, options: PlotOptions) -> tuple[bytes, str]:
    """Draw history, forecast and intervals; or the hold-out; or a forecast file; or the parts of one forecast."""
    if options.components:
        return _plot_components(model, panel, options)
    if options.backtest:
        panels = backtest_panels(panel, model, options.series)
    elif options.forecast:
        panels = file_panels(panel, options.forecast, options.series)
    else:
        panels = forecast_panels(panel, model.predict(panel, options.horizon), options.series)
    history, backtest = options.history_steps, options.backtest
    content = forecast_figure(panels, model, options.suffix, backtest=backtest, history=history)
    return content, f"{len(panels)} of {panel.n_series} series"


def _plot_components(model: Forecaster, panel: Panel, options: PlotOptions) -> tuple[bytes, str]:
    """Draw the parts of the forecast of one series."""
    from lstmcast.explain.driver_effects import driver_effects
    from lstmcast.report.figures.components import draw_components

    if len(options.series) > 1:
        raise UsageError(f"--components draws one series (got {len(options.series)}): name one with --series")
    series = selected_series(panel, options.series, range(panel.n_series))[0]
    effects = driver_effects(model, panel, series, horizon=options.horizon)
    title = f"Parts of the forecast of {', '.join(panel.columns.target)} ({PurePath(panel.source).name})"
    content = render(draw_components(effects, title, history=options.history_steps), options.suffix)
    return content, f"series {series + 1} of {panel.n_series}"


def forecast_panels(panel: Panel, forecast: Forecast, keys: Sequence[str]) -> list[SeriesPanel]:
    """One panel a series: its history and its forecast."""
    row = {key: k for k, key in enumerate(forecast.keys)}
    selected = selected_series(panel, keys, [k for k, key in enumerate(panel.keys) if key in row])
    return [
        _series_panel(
            panel, k, [_forecast_band(panel, forecast, row[panel.keys[k]])], forecast.positions[row[panel.keys[k]]]
        )
        for k in selected
    ]


def backtest_panels(panel: Panel, forecaster: Forecaster, keys: Sequence[str]) -> list[SeriesPanel]:
    """One panel a series: the values, and the held-out forecasts."""
    held, known = forecaster.holdout, forecaster.context.keys
    at = {key: k for k, key in enumerate(panel.keys)}
    row_by_series = {at[known[s]]: s for s in np.unique(held.series).tolist() if known[s] in at}
    series_panels = []
    for k in selected_series(panel, keys, list(row_by_series)):
        rows = np.flatnonzero(held.series == row_by_series[k])
        rows = _non_overlapping(rows, held.positions[rows], held.forecast.shape[1])
        bands = []
        for b in rows.tolist():
            ahead = held.positions[b] + np.arange(1, held.forecast.shape[1] + 1)
            intervals = {
                level: (held.lower[q, b], held.upper[q, b]) for q, level in enumerate(forecaster.calibration.levels)
            }
            bands.append(ForecastBand(panel.calendar.wall(ahead), held.forecast[b], intervals))
        series_panels.append(_series_panel(panel, k, bands, None))
    return series_panels


def file_panels(panel: Panel, path: str, keys: Sequence[str]) -> list[SeriesPanel]:
    """One panel a series: a forecast file of `lstmcast predict`, with the values observed since.

    Raises:
        DataError: the file is not such a forecast, or does not belong to this panel.
    """
    forecast = _read_forecast(panel, path)
    return forecast_panels(panel, forecast, keys)


def forecast_figure(
    series_panels: Sequence[SeriesPanel], forecaster: Forecaster, suffix: str, *, backtest: bool, history: int | None
) -> bytes:
    """The bytes of a figure of panels, with title and caption."""
    target = ", ".join(forecaster.context.columns.target)
    name = PurePath(forecaster.report.data.source).name
    title = f"Held-out forecasts of {target}" if backtest else f"Forecast of {target}"
    ylabel = target if len(forecaster.context.columns.target) == 1 else "value"
    figure = draw(
        series_panels,
        title=f"{title} ({name})",
        ylabel=ylabel,
        caption=report_verdict(forecaster.report),
        history=history,
    )
    return render(figure, suffix)


def selected_series(panel: Panel, keys: Sequence[str], possible: Sequence[int]) -> list[int]:
    """The requested series, or the first few."""
    names = {"/".join(panel.keys[k]): k for k in possible}
    if not names:
        raise UsageError("there is no forecast of any of these series")
    unknown = [key for key in keys if key not in names]
    if unknown:
        raise UsageError(f"--series {', '.join(unknown)}: no such series; there are {_some(names)}")
    selected = [names[key] for key in dict.fromkeys(keys)] or list(possible[:MAX_DEFAULT_SERIES])
    if len(selected) > MOST_PANELS:
        raise UsageError(f"a figure holds {MOST_PANELS} series (got {len(selected)}): name fewer with --series")
    return selected


def _non_overlapping(rows: Ints, origins: Ints, horizon: int) -> Ints:
    """The latest origins whose forecasts do not overlap, at most a few, in their order."""
    selected: list[int] = []
    until = np.inf
    for row, origin in zip(rows[::-1].tolist(), origins[::-1].tolist(), strict=True):
        if origin + horizon <= until:
            selected.append(row)
            until = origin
    return np.array(selected[:MAX_BANDS][::-1], dtype=np.int64)


def _some(names: Iterable[str]) -> str:
    listed = [name or "one without a name" for name in names]
    return ", ".join(listed[:10]) + (f" and {len(listed) - 10} more" if len(listed) > 10 else "")


def _series_panel(panel: Panel, k: int, bands: list[ForecastBand], ahead: Ints | None) -> SeriesPanel:
    """Series k: values before `ahead` as history, later ones as actual values."""
    positions = panel.starts[k] + np.arange(panel.lengths[k])
    values = np.where(panel.observed_of(k), panel.series(k), np.nan)
    past = np.full(len(positions), True) if ahead is None else positions < ahead[0]
    known = np.zeros(len(positions), bool) if ahead is None else (positions >= ahead[0]) & (positions <= ahead[-1])
    wall = panel.calendar.wall(positions)
    actual = (wall[known], values[known]) if known.any() else None
    return SeriesPanel("/".join(panel.keys[k]), wall[past], values[past], tuple(bands), actual)


def _forecast_band(panel: Panel, forecast: Forecast, row: int) -> ForecastBand:
    """One series' forecast."""
    intervals = {level: (forecast.lower[q, row], forecast.upper[q, row]) for q, level in enumerate(forecast.levels)}
    return ForecastBand(panel.calendar.wall(forecast.positions[row]), forecast.values[row], intervals)


def _one_row_a_step(text: pd.DataFrame, keys: list[str], calendar: Calendar) -> pd.DataFrame:
    """Rows with positions: the first row of a repeated step, and the row before a skipped one in its place."""
    if not calendar.has_clock_changes:
        return text
    rows = [text.drop_duplicates([*keys, _POSITION])]
    while len(before := rows[-1][calendar.occurrences(rows[-1][_POSITION].to_numpy() + 1) == 0]):
        rows.append(before.assign(**{_POSITION: before[_POSITION] + 1}))
    whole = pd.concat(rows)
    series = pd.factorize(whole[keys].agg("\0".join, axis=1))[0] if keys else np.zeros(len(whole), dtype=np.int64)
    return whole.iloc[np.lexsort((whole[_POSITION].to_numpy(), series))]


def _read_forecast(panel: Panel, path: str) -> Forecast:
    """A CSV of `lstmcast predict`, put back on the panel's calendar by the text of its times."""
    table = read_table(path)
    time = panel.columns.time or "step"
    text = join_columns(table.text, time)
    needed = [time, *panel.key_columns, "forecast"]
    if missing := [name for name in needed if name not in text]:
        raise DataError(f"{path}: is not a forecast of this data: column {missing[0]!r} is missing")
    levels = [name.removeprefix("lower_") for name in map(str, text.columns) if name.startswith("lower_")]
    skipped = HOUR // panel.calendar.step if panel.calendar.has_clock_changes else 0
    near_positions = np.arange(panel.starts.min(), panel.ends.max() + len(text) + skipped + 1)
    index, stamps = panel.calendar.written(near_positions[None, :])
    position_by_text = dict(zip(panel.calendar.stamp_texts(stamps), near_positions[index].tolist(), strict=True))
    try:
        text = text.assign(**{_POSITION: [position_by_text[t] for t in text[time]]})
        text = _one_row_a_step(text, list(panel.key_columns), panel.calendar)
        positions = text[_POSITION].to_numpy()
        numbers = text[["forecast", *(f"{side}_{lv}" for lv in levels for side in ("lower", "upper"))]].astype(float)
        percents = tuple(float(level) for level in levels)
    except (KeyError, ValueError) as err:
        raise DataError(f"{path}: is not a forecast of this data ({err})") from err
    keys = list(zip(*(text[name] for name in panel.key_columns), strict=True)) or [()] * len(text)
    series = tuple(dict.fromkeys(keys))
    shape = (len(series), -1)
    if len(text) % len(series) or (np.diff(positions.reshape(shape), axis=1) != 1).any():
        raise DataError(f"{path}: every series must have the same number of consecutive steps")
    bounds = {
        side: np.stack([numbers[f"{side}_{lv}"].to_numpy().reshape(shape) for lv in levels])
        if levels
        else np.empty((0, 0, 0))
        for side in ("lower", "upper")
    }
    return Forecast(
        calendar=panel.calendar,
        time=time,
        key_columns=panel.key_columns,
        keys=series,
        origins=positions.reshape(shape)[:, 0] - 1,
        values=numbers["forecast"].to_numpy().reshape(shape),
        levels=percents,
        lower=bounds["lower"],
        upper=bounds["upper"],
    )
