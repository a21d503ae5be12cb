"""Actual values after forecast origins, and the scales of forecast errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.evaluation import metrics
from lstmcast.types import Bools, Floats, Ints


def actuals_after(panel: Panel, series: Ints, origins: Ints, horizon: int) -> Floats:
    """[B, H] actual values after each of [B] origins; NaN where not observed."""
    ahead = panel.offsets[series][:, None] + origins[:, None] + np.arange(1, horizon + 1)
    inside = ahead < panel.offsets[series + 1][:, None]
    at = np.minimum(ahead, len(panel.values) - 1)
    return np.where(inside & panel.observed[at], panel.values[at], np.nan)


def valid_origins(panel: Panel, series: Ints, origins: Ints, horizon: int) -> Bools:
    """[B] origins that can be scored: observed (a filled value depends on the future), and so is a step ahead."""
    followed = (~np.isnan(actuals_after(panel, series, origins, horizon))).any(axis=1)
    return np.asarray(followed & panel.observed[panel.offsets[series] + origins], dtype=np.bool_)


def naive_scales(panel: Panel) -> Floats:
    """[S] mean |y_t − y_{t-1}| of each series, the unit of errors across series; 1 for a constant series."""
    with np.errstate(over="ignore"):  # the scaling refuses numbers that large
        moves = np.abs(np.diff(panel.values, append=panel.values[-1]))
    moves[panel.offsets[1:] - 1] = 0.0  # from one series to the next
    mean = np.add.reduceat(moves, panel.offsets[:-1]) / np.maximum(panel.lengths - 1, 1)
    return np.where(mean > 0, mean, 1.0)


def mase_scales(past: Panel) -> Floats:
    """[S] denominator of MASE: mean seasonal change before the hold-out; NaN where undefined."""
    season = past.calendar.mase_season
    return np.array([metrics.mase_scale(past.series(k), season) for k in range(past.n_series)])


def tail(panel: Panel, steps: int) -> Panel:
    """Select the last `steps` steps of every series."""
    lengths = np.minimum(panel.lengths, steps)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    rows = np.arange(offsets[-1]) + np.repeat(panel.offsets[1:] - offsets[1:], lengths)
    return replace(
        panel,
        values=panel.values[rows],
        observed=panel.observed[rows],
        offsets=offsets,
        starts=panel.starts + panel.lengths - lengths,
    )
