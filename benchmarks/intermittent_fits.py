"""Forecasts of rare demand by statsforecast: run by `intermittent.py` inside that library's own environment.

Reads `id,step,y`, writes `method,id,step,forecast,lower_80,upper_80,lower_95,upper_95`.
"""

from __future__ import annotations

import argparse
from importlib import import_module

LEVELS = (80, 95)
WINDOWS = 10  # of conformal intervals
SMOOTHING = 0.1  # of demand and probability


def main() -> None:
    """Forecast every series by every method."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("past")
    parser.add_argument("output")
    parser.add_argument("--horizon", type=int, required=True)
    args = parser.parse_args()
    import pandas as pd

    library, models = import_module("statsforecast"), import_module("statsforecast.models")
    intervals = import_module("statsforecast.utils").ConformalIntervals
    frame = pd.read_csv(args.past, dtype={"id": str}).rename(columns={"id": "unique_id", "step": "ds"})
    windows = min(WINDOWS, int(frame["unique_id"].value_counts().min() - 1) // args.horizon - 1)
    methods = [
        models.CrostonClassic(),
        models.CrostonSBA(),
        models.CrostonOptimized(),
        models.TSB(alpha_d=SMOOTHING, alpha_p=SMOOTHING),
        models.ADIDA(),
        models.IMAPA(),
    ]
    for method in methods:
        method.prediction_intervals = intervals(n_windows=windows, h=args.horizon)
    whole = library.StatsForecast(models=methods, freq=1, n_jobs=1)
    found = whole.forecast(df=frame, h=args.horizon, level=list(LEVELS)).reset_index()
    tables = []
    for method in map(str, methods):
        columns = {"unique_id": "id", "ds": "step", method: "forecast"}
        columns |= {
            f"{method}-{side}-{q}": f"{name}_{q}" for q in LEVELS for side, name in (("lo", "lower"), ("hi", "upper"))
        }
        tables.append(found[list(columns)].rename(columns=columns).assign(method=method))
    pd.concat(tables).to_csv(args.output, index=False)


if __name__ == "__main__":
    main()
