"""One short series by itself, as most people have: single series of M3, each with a training of its own.

Pretrained networks without training and seasonal naive are included. Without --final, the end of what a
forecaster may see is held out instead.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from common import progress, report, table
from competitions import load
from scored_case import Case, ForecastValues, Scores
from selection import options
from zeroshot import past_of

from lstmcast.api import train
from lstmcast.config import load_config
from lstmcast.errors import DataError
from lstmcast.forecasting.pretrained import load_pretrained_forecaster

COUNTS = {"M3-Yearly": 12, "M3-Quarterly": 16, "M3-Monthly": 24, "M3-Other": 8}  # series, evenly spaced
NAIVE, NONE = "seasonal_naive", "pretrained"
LEAST = 0.1  # of a MASE that is divided by


def alone(case: Case, count: int) -> Iterator[Case]:
    """Some series of a set, each as a case of its own."""
    for k in np.linspace(3, len(case.ids) - 4, count).round().astype(int):
        yield replace(case, ids=(case.ids[k],), histories=(case.histories[k],), actual=case.actual[k : k + 1])


def scores(case: Case, method: str) -> Scores:
    """Of a config, with which a network is trained, of pretrained networks as they are, or of seasonal naive.

    Raises:
        DataError: the series is too short for a training.
    """
    if method == NAIVE:
        return case.score(case.baseline(NAIVE))
    past = past_of(case)
    args = {"forecast.horizon": case.horizon}
    forecaster = load_pretrained_forecaster(past) if method == NONE else train(past, load_config(method, args))
    forecast = forecaster.predict(past, case.horizon)
    return case.score(ForecastValues(forecast.values, forecast.lower, forecast.upper))


def row(method: str, found: Sequence[dict[str, Scores]]) -> list[str]:
    """The mean ratio of MASE to seasonal naive's, and coverage, over all series."""
    pairs = [(one[method]["mase"], one[NAIVE]["mase"]) for one in found]
    known = [(error, baseline) for error, baseline in pairs if error is not None and baseline]
    ratio = statistics.geometric_mean(max(error, LEAST) / max(baseline, LEAST) for error, baseline in known)
    better = sum(error < baseline for error, baseline in known)
    inside = [[one[method][f"coverage_{level}"] for one in found] for level in (80, 95)]
    fractions = [
        f"{statistics.mean(s for s in column if s is not None):.3f}" if method != NAIVE else "" for column in inside
    ]
    mean = statistics.mean(error for error, _ in known)
    return [
        method if method in (NAIVE, NONE) else f"train --config {method}",
        f"{ratio:.3f}",
        f"{mean:.3f}",
        f"{better}",
        *fractions,
    ]


def main() -> None:
    """Train, forecast, and write the table."""
    parser = options(__doc__, __file__)
    parser.add_argument("--configs", nargs="+", default=["auto", "lstm"], help="of lstmcast")
    args = parser.parse_args()
    methods = [*args.configs, NONE, NAIVE]
    found: list[dict[str, Scores]] = []
    short = 0
    for name, count in COUNTS.items():
        for case in alone(load(args.data, name, final=args.holdout == "test"), count):
            try:
                found.append({method: scores(case, method) for method in methods})
            except DataError:
                short += 1
                continue
            progress(f"{case.ids[0]}: {[round(found[-1][method]['mase'] or 0.0, 2) for method in methods]}")
    part = "test" if args.holdout == "test" else "training"
    forecast = (
        f"{len(found)} series of M3, each by itself: the last H of its {part} part are forecast ({short} more were too "
        "short for a training). The ratio is a geometric mean, MASE a mean."
    )
    header = ["method", "of seasonal naive's MASE", "MASE", "better than it", "in 80 %", "in 95 %"]
    page = [forecast, "", *table(header, [row(method, found) for method in methods])]
    report(args.output, "One short series by itself", page)
    sys.stdout.write("\n".join(page) + "\n")


if __name__ == "__main__":
    main()
