"""A case to forecast and score with any method: the past of some series, and the actual values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from lstmcast.evaluation import metrics
from lstmcast.evaluation.metrics import DECILES, interpolate_quantiles
from lstmcast.statistical import naive

Floats = npt.NDArray[np.float64]
Histories = tuple[Floats, ...]
Scores = dict[str, float | None]

LEVELS = (80, 95)


@dataclass(frozen=True)
class ForecastValues:
    """Forecasts of S series, H steps ahead.

    Attributes:
        values: [S, H].
        lower: [2, S, H] and upper: [2, S, H] the bounds of the 80 % and 95 % intervals; None where there are none.
    """

    values: Floats
    lower: Floats | None = None
    upper: Floats | None = None


@dataclass(frozen=True)
class Case:
    """S series, each known up to its origin.

    Attributes:
        name: of the set or the file.
        back: which of its origins: horizons between it and the end of all data.
        ids: [S] what the series are called.
        histories: [S] the values that are known.
        actual: [S, H] what came after; NaN where that is not known.
        season: steps after which a pattern repeats.
        mase_season: the lag of the naive forecast that MASE divides by.
    """

    name: str
    back: int
    ids: tuple[str, ...]
    histories: Histories
    actual: Floats
    season: int
    mase_season: int

    @property
    def horizon(self) -> int:
        """H."""
        return self.actual.shape[1]

    @property
    def facts(self) -> dict[str, int]:
        """The number of series, and H."""
        return {"series": len(self.ids), "horizon": self.horizon}

    @cached_property
    def scale(self) -> Floats:
        """[S] what MASE and MSIS divide by."""
        return np.array([metrics.mase_scale(history, self.mase_season) for history in self.histories])

    def write(self, folder: Path) -> tuple[str, tuple[str, ...]]:
        """Writes what a forecaster may see; returns the file's name, and the flags with which lstmcast reads it."""
        write_long(folder / "past.csv", self.ids, self.histories)
        return "past.csv", ("--season-length", str(self.season))

    def read(self, path: Path) -> ForecastValues:
        """The forecasts in a file that lstmcast wrote after `write`.

        Raises:
            KeyError: a series or a step is not there.
        """
        return read_long(path, self)

    def baseline(self, name: str) -> ForecastValues:
        """The forecasts of `seasonal_naive` or `naive2`."""
        lengths = np.array([len(history) for history in self.histories])
        first = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        rule = {"seasonal_naive": naive.seasonal_naive, "naive2": naive.naive2}[name]
        return ForecastValues(
            rule(np.concatenate(self.histories), first, lengths - 1, self.horizon, season=self.season)
        )

    @cached_property
    def yardstick(self) -> tuple[float, float]:
        """SMAPE and MASE of Naive2, means over the series."""
        return self._errors(self.baseline("naive2"))

    def score(self, forecast: ForecastValues) -> Scores:
        """All metrics over the whole case; None if undefined or without intervals."""
        smape, mase = self._errors(forecast)
        owa = metrics.owa(*(np.array(x) for x in (smape, mase, *self.yardstick)))
        found = {"smape": smape, "mase": mase, "owa": float(owa), **self._interval_scores(forecast)}
        return {name: value if np.isfinite(value) else None for name, value in found.items()}

    def _errors(self, forecast: ForecastValues) -> tuple[float, float]:
        smape = metrics.smape(self.actual, forecast.values)
        return _mean(smape), _mean(metrics.mase(self.actual, forecast.values, self.scale))

    def _interval_scores(self, forecast: ForecastValues) -> Mapping[str, float]:
        if forecast.lower is None or forecast.upper is None:
            return dict.fromkeys(("msis", "wql", "coverage_80", "coverage_95"), float("nan"))
        actual = self.actual.ravel()
        deciles = interpolate_quantiles(DECILES, forecast.values, LEVELS, forecast.lower, forecast.upper).reshape(
            len(DECILES), -1
        )
        coverage = metrics.coverage(actual, forecast.lower.reshape(2, -1), forecast.upper.reshape(2, -1))
        return {
            "msis": _mean(metrics.msis(self.actual, forecast.lower[1], forecast.upper[1], self.scale)),
            "wql": float(metrics.wql(actual, deciles, DECILES)),
            "coverage_80": float(coverage[0]),
            "coverage_95": float(coverage[1]),
        }


def write_long(path: Path, ids: tuple[str, ...], histories: Histories) -> None:
    """Writes series as `id,step,y`, steps counted from 1."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("id,step,y\n")
        for name, history in zip(ids, histories, strict=True):
            file.writelines(f"{name},{step},{value!r}\n" for step, value in enumerate(history.tolist(), 1))


def read_long(path: Path, case: Case) -> ForecastValues:
    """The forecasts in a file of `id,step,forecast,lower_80,…`, in the order of the case's series and steps.

    Raises:
        KeyError: a series or a step is not there.
    """
    frame = pd.read_csv(path, dtype={"id": str}, keep_default_na=False)
    steps = np.array([len(history) for history in case.histories])[:, None] + np.arange(1, case.horizon + 1)
    return pick(frame, pd.DataFrame({"id": np.repeat(case.ids, case.horizon), "step": steps.ravel()}), case.horizon)


def pick(frame: pd.DataFrame, wanted: pd.DataFrame, horizon: int) -> ForecastValues:
    """The rows wanted of a table of forecasts.

    Args:
        frame: series, time, `forecast`, `lower_80` …
        wanted: series and time, called the same, of S × H rows.
        horizon: H.

    Raises:
        KeyError: one of them is not there.
    """
    rows = wanted.merge(frame, how="left", validate="one_to_one")
    if (missing := rows["forecast"].isna()).any():
        raise KeyError(f"{missing.sum()} of {len(rows)} forecasts, the first {tuple(wanted[missing].iloc[0])}")

    def column(name: str) -> Floats:
        return rows[name].to_numpy(np.float64).reshape(-1, horizon)

    if f"lower_{LEVELS[0]}" not in rows:
        return ForecastValues(column("forecast"))
    lower, upper = (np.stack([column(f"{side}_{level}") for level in LEVELS]) for side in ("lower", "upper"))
    return ForecastValues(column("forecast"), lower, upper)


def _mean(scores: Floats) -> float:
    """The mean over the series whose score is defined."""
    known = scores[~np.isnan(scores)]
    return float(known.mean()) if len(known) else float("nan")
