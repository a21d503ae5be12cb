"""One forecast by another library: run by `peers.py` inside that library's own environment.

Reads `id,step,y`, writes `id,step,forecast,lower_80,upper_80,lower_95,upper_95` (without bounds where the model has
none) and prints the seconds that fitting and forecasting took, imports left out.
"""

from __future__ import annotations

import argparse
import json
import time
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

LEVELS = (80, 95)
STATISTICAL = ("AutoETS", "AutoTheta")
NEURAL = ("LSTM",)
STEPS = 1000
WINDOW = 4  # horizons: three that the network reads by default, and one that it forecasts


def statsforecast(frame: pd.DataFrame, model: str, season: int, horizon: int) -> pd.DataFrame:
    """AutoETS or AutoTheta, each series on its own, on all cores."""
    library = import_module("statsforecast")
    selected = getattr(import_module("statsforecast.models"), model)(season_length=season)
    cores = -1 if frame["unique_id"].nunique() > 1 else 1
    whole = library.StatsForecast(models=[selected], freq=1, n_jobs=cores)
    forecast: pd.DataFrame = whole.forecast(df=frame, h=horizon, level=list(LEVELS))
    return forecast


def neuralforecast(frame: pd.DataFrame, model: str, season: int, horizon: int) -> pd.DataFrame:  # noqa: ARG001
    """One network for all series, with the library's defaults; padded where a series is shorter than its window."""
    library, models = import_module("neuralforecast"), import_module("neuralforecast.models")
    padded = frame["unique_id"].value_counts().min() < WINDOW * horizon
    selected = getattr(models, model)(
        h=horizon, max_steps=STEPS, start_padding_enabled=bool(padded), enable_progress_bar=False
    )
    whole = library.NeuralForecast(models=[selected], freq=1)
    whole.fit(frame)
    forecast: pd.DataFrame = whole.predict()
    return forecast


def main() -> None:
    """Forecasts once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=STATISTICAL + NEURAL)
    parser.add_argument("train")
    parser.add_argument("output")
    parser.add_argument("--season", type=int, required=True)
    parser.add_argument("--horizon", type=int, required=True)
    args = parser.parse_args()
    import pandas as pd

    frame = pd.read_csv(args.train, dtype={"id": str}).rename(columns={"id": "unique_id", "step": "ds"})
    fit = statsforecast if args.model in STATISTICAL else neuralforecast
    begun = time.perf_counter()
    forecast = fit(frame, args.model, args.season, args.horizon)
    seconds = time.perf_counter() - begun
    names = {"unique_id": "id", "ds": "step", args.model: "forecast"}
    for level in LEVELS:
        names |= {f"{args.model}-lo-{level}": f"lower_{level}", f"{args.model}-hi-{level}": f"upper_{level}"}
    forecast.reset_index(drop="unique_id" in forecast).rename(columns=names).to_csv(args.output, index=False)
    print(json.dumps({"fit_s": seconds}))


if __name__ == "__main__":
    main()
