"""Forecasts with drivers by LightGBM, MSTL and Prophet: run by `drivers.py` inside their own environment.

Reads one series with its drivers and origins, writes [N, H] forecasts.
"""

from __future__ import annotations

import argparse
import logging
from importlib import import_module
from typing import Any

import numpy as np

YEAR = 365
REFIT_DAYS = 91  # between fits of LightGBM
PROPHET_ORIGINS = 6  # of many, evenly spaced: a fit takes about a minute on half-hourly data
LAGS = (1, 2, 3, 7)  # days


def lightgbm(task: Any) -> np.ndarray:
    """One model of all leads with absolute errors: values of days before the target, drivers, their lags, calendar."""
    library = import_module("lightgbm")
    values, drivers, horizon, day = task["values"], task["drivers"], int(task["horizon"]), int(task["season"])
    times = task["times"].astype("datetime64[s]")
    seconds = times.astype(np.int64)
    calendar = np.stack([seconds % 86400, seconds // 86400 % 7, times.astype("datetime64[M]").astype(int) % 12], axis=1)
    holiday = np.isin(times.astype("datetime64[D]"), task["holidays"].astype("datetime64[D]"))

    def rows(target: np.ndarray, lead: np.ndarray) -> np.ndarray:
        """Features of targets [n] that lie `lead` [n] steps ahead of their origin."""
        skip = -(-lead // day) - 1
        lagged = [values[target - day * (lag + skip)] for lag in LAGS[:-1]]
        lagged += [values[target - 7 * day * -(-lead // (7 * day))], values[target - lead], lead]
        known = [drivers[target], drivers[target - day], holiday[target, None], calendar[target]]
        return np.concatenate([np.stack(lagged, axis=1), *known], axis=1)

    rng, found, model, fitted = (
        np.random.default_rng(0),
        np.full((len(task["origins"]), horizon), np.nan),
        None,
        -(10**9),
    )
    leads = np.arange(1, horizon + 1)
    for k in np.argsort(task["origins"]):
        origin = int(task["origins"][k])
        if model is None or origin - fitted >= REFIT_DAYS * day:
            start = 7 * day * (2 + horizon // (7 * day))
            targets = np.arange(start, origin + 1)
            targets = np.repeat(targets, max(1, min(horizon // day, 3)))
            lead = rng.integers(1, horizon + 1, len(targets))
            model = library.LGBMRegressor(
                objective="l1", n_estimators=1000, learning_rate=0.05, num_leaves=31, n_jobs=2, verbose=-1, seed=0
            ).fit(rows(targets, lead), values[targets])
            fitted = origin
        found[k] = model.predict(rows(origin + leads, leads))
    return found


def mstl(task: Any) -> np.ndarray:
    """Several seasons of statsforecast's MSTL, fitted at each origin."""
    models = import_module("statsforecast.models")
    day, horizon = int(task["season"]), int(task["horizon"])
    seasons = [day, 7 * day] if day > 7 else [day, YEAR]
    found = []
    for origin in task["origins"].tolist():
        past = task["values"][max(0, origin + 1 - 2 * YEAR * day if day > 7 else 0) : origin + 1]
        fitting = [season for season in seasons if len(past) > 2 * season]
        model = models.MSTL(season_length=fitting, trend_forecaster=models.AutoETS(model="ZZN"))
        found.append(model.forecast(y=past, h=horizon)["mean"])
    return np.array(found)


def prophet(task: Any) -> np.ndarray:
    """Prophet with the drivers as regressors and the holidays, fitted at some of the origins."""
    pandas, library = import_module("pandas"), import_module("prophet")
    logging.getLogger("cmdstanpy").setLevel(logging.ERROR)
    drivers, horizon, origins = task["drivers"], int(task["horizon"]), task["origins"]
    names = [f"driver {k}" for k in range(drivers.shape[1])]
    frame = pandas.DataFrame({"ds": task["times"], "y": task["values"], **dict(zip(names, drivers.T, strict=True))})
    days = pandas.DataFrame({"ds": task["holidays"], "holiday": "holiday"}) if len(task["holidays"]) else None
    found = np.full((len(origins), horizon), np.nan)
    for k in np.unique(np.linspace(0, len(origins) - 1, PROPHET_ORIGINS).astype(int)):
        end = int(origins[k]) + 1
        model = library.Prophet(holidays=days)
        for name in names:
            model.add_regressor(name)
        model.fit(frame.iloc[:end])
        found[k] = model.predict(frame.iloc[end : end + horizon])["yhat"].to_numpy()
    return found


METHODS = {"LightGBM": lightgbm, "MSTL": mstl, "Prophet": prophet}


def main() -> None:
    """Forecast from all origins by one method."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("method", choices=METHODS)
    parser.add_argument("task")
    parser.add_argument("output")
    args = parser.parse_args()
    np.save(args.output, METHODS[args.method](np.load(args.task)))


if __name__ == "__main__":
    main()
