"""Does `lstmcast explain` name what matters? Its past values are taken away, and others at random, on hourly files.

The default config is trained on the last rows of each file. From several origins, the tenth of past steps with
the highest attribution is replaced by what would have been usual there, and the forecast made again, all of it:
networks, smoothing, and how far its members are trusted. The same is done with a tenth at random. The steps to choose
from are those that the network reads (context and lags), though a forecast depends on more: among all, chance would hit
still less.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
from common import COMMAND, arguments, must, progress, report, table

import lstmcast
from lstmcast.data.panel import Panel
from lstmcast.explain.explanation import Explanation, explain
from lstmcast.forecasting.new_data import training_read_options
from lstmcast.forecasting.split_data import tail

FILES = {  # hourly files and the column to forecast
    "single/load_rte.csv.gz": ("ds", "y"),
    "exog/ETTh1.csv.gz": ("date", "OT"),
    "exog/bike_sharing_dataset_clean.csv.gz": ("date_time", "users"),
    "exog/example_pedestrians_multivariate.csv.gz": ("ds", "location_4"),
}
WANTED, SECONDS = 3, 3
STEP_FRACTION = 0.1
LISTS = ("ratios", "errors", "seconds", "busy")
APART = 37  # steps between origins: every hour of the day comes


@dataclass(frozen=True)
class Measured:
    """The results of one file.

    Attributes:
        name: of the file.
        ratios: one for each origin and draw.
        errors: of completeness, one for each origin.
        seconds: of whole processes, by the clock. busy: those that they kept a processor busy.
    """

    name: str
    ratios: list[float]
    errors: list[float]
    seconds: list[float]
    busy: list[float]


def prepare(folder: Path, source: Path, columns: tuple[str, str], rows: int) -> Path:
    """Writes the last rows of a file, and trains on them; returns the data."""
    path = folder / f"{source.name.partition('.')[0]}.csv"
    pd.read_csv(source)[list(columns)].dropna().tail(rows).to_csv(path, index=False)
    must([COMMAND, "train", path.name, "--quiet", "--set", "data.missing=interpolate"], folder)
    return path


def change(forecaster: lstmcast.Forecaster, panel: Panel, explained: Explanation, removed: np.ndarray) -> float:
    """The mean absolute change of the forecast where these steps are as usual."""
    values = panel.values.copy()
    values[removed] = explained.expected[removed]
    return float(np.abs(forecaster.predict(replace(panel, values=values)).values - explained.forecast.values).mean())


def at_origin(forecaster: lstmcast.Forecaster, panel: Panel, back: int, draws: int) -> tuple[list[float], float]:
    """Ratios of one origin, `back` steps before the end, one for each draw; and the completeness error."""
    known = tail(panel.drop_last(back), forecaster.ensemble.required_history)
    explained = explain(forecaster, known)
    shape, rng = forecaster.ensemble.preprocessings[0].window_spec, np.random.default_rng(back)
    pool = np.arange(len(known.values))[-(shape.context + shape.lags) :]
    count = round(STEP_FRACTION * len(pool))
    top = pool[np.argsort(-explained.importance[pool], kind="stable")[:count]]
    largest = change(forecaster, known, explained, top)
    chance = [change(forecaster, known, explained, rng.choice(pool, count, replace=False)) for _ in range(draws)]
    return [largest / max(one, 1e-12) for one in chance], explained.error


def measured(folder: Path, path: Path, args: argparse.Namespace) -> Measured:
    """One file."""
    forecaster = lstmcast.Forecaster.load(path.stem, folder / "models")
    panel = lstmcast.read(path, training_read_options(forecaster))
    found = [at_origin(forecaster, panel, APART * k, args.draws) for k in range(args.origins)]
    timed = [process(folder, path) for _ in range(args.repeats + 1)][1:]
    seconds, busy = map(list, zip(*timed, strict=True))
    ratios = [ratio for ratios, _ in found for ratio in ratios]
    return Measured(path.stem, ratios, [error for _, error in found], seconds, busy)


def process(folder: Path, path: Path) -> tuple[float, float]:
    """`lstmcast explain` as a whole process, with its figure: seconds by the clock, and of a processor."""
    before = os.times()
    done = must([COMMAND, "explain", path.name, "--model", path.stem, "--output", "figure.png"], folder)
    after = os.times()
    busy = after.children_user + after.children_system - before.children_user - before.children_system
    return done.seconds, busy


def rows(found: list[Measured]) -> Iterator[list[str]]:
    """One line a file, and one for all."""
    lists = (list(chain.from_iterable(getattr(one, name) for one in found)) for name in LISTS)
    for one in (*found, Measured("all", *lists)):
        low, middle, high = np.quantile(one.ratios, [0.1, 0.5, 0.9])
        times = [f"{statistics.median(values):.2f}" for values in (one.seconds, one.busy)]
        yield [one.name, f"{middle:.1f} ({low:.1f} to {high:.1f})", f"{max(one.errors):.1e}", *times]


def main() -> None:
    """Measures, and writes the result."""
    parser = arguments(__doc__, __file__)
    parser.add_argument("--data", type=Path, required=True, help="the folder with single/ and exog/")
    parser.add_argument("--rows", type=int, default=4000, help="last rows of each file")
    parser.add_argument("--origins", type=int, default=10, help="origins of each file")
    parser.add_argument("--draws", type=int, default=20, help="random choices at each origin")
    parser.add_argument("--repeats", type=int, default=3, help="timed runs of `lstmcast explain`")
    args = parser.parse_args()
    found = []
    with tempfile.TemporaryDirectory() as name:
        for file, columns in FILES.items():
            path = prepare(Path(name), args.data / file, columns, args.rows)
            found.append(measured(Path(name), path, args))
            progress(f"{file}: {statistics.median(found[-1].ratios):.1f} times")
    setting = (
        f"The last {args.rows:,} rows of each file; {args.origins} origins, {APART} steps apart, and {args.draws} "
        f"random choices at each. Median, with the tenth and the ninetieth percentile; wanted: ≥ {WANTED} times. "
        f"A process reads the file, explains, and draws; wanted: < {SECONDS} s."
    )
    header = ["file", "change by the highest tenth / by a random tenth", "largest completeness error"]
    header += ["seconds by the clock", "seconds of a processor"]
    report(args.output, "What an explanation names", [setting, "", *table(header, rows(found))])


if __name__ == "__main__":
    main()
