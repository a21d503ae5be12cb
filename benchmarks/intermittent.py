"""Rare demand and small counts: zero-shot forecasts compared with Croston's method and its successors.

Three kinds of series. Published: hourly counts with many zeros, the last three horizons. Thinned: published daily
counts, each replaced by a binomial draw so that their mean is 0.1, 0.3, 1 or 3, the last three horizons; so season,
level and weather are those of real counts. Generated: two families of `families.py`.

Peers: methods of statsforecast with its conformal intervals, bounds below 0 set to 0, in the environment that
`peers.py` makes; seasonal naive with quantiles of its past errors; quantiles of all past values, and of the last 60.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from common import arguments, progress, report, table
from families import generate
from peers import CACHE, STATSFORECAST, make
from scored_case import write_long

from lstmcast.api import predict
from lstmcast.data.load import read

Floats = npt.NDArray[np.float64]
QUANTILES = (0.025, 0.1, 0.5, 0.9, 0.975)
ORIGINS, DRAWS, GENERATED = 3, 3, 100
MEANS = (0.1, 0.3, 1.0, 3.0)
DAY, WEEK = 24, 7
RECENT, MIN_PAST = 60, 60  # values
FITS = Path(__file__).parent / "intermittent_fits.py"


@dataclass(frozen=True)
class Kind:
    """Series of one frequency.

    Attributes:
        name: of the rows in the result.
        frequency: alias of pandas.
        season: m.
        horizon: H.
        length: values before an origin at most.
    """

    name: str
    frequency: str
    season: int
    horizon: int
    length: int


PUBLISHED = Kind("published, hourly", "h", DAY, DAY, 1500)
THINNED = Kind("thinned, daily", "D", WEEK, 14, 400)
MADE = Kind("generated, daily", "D", WEEK, 14, 400)


@dataclass(frozen=True)
class Past:
    """One series up to an origin, and the values after it.

    Attributes:
        kind: of the series.
        values: the past.
        actual: [H].
    """

    kind: Kind
    values: Floats
    actual: Floats

    @property
    def group(self) -> str:
        """Kind and fraction of zeros."""
        zeros = float((self.values == 0).mean())
        return (
            f"{self.kind.name}, zeros {'below 1/4' if zeros < 0.25 else '1/4 to 3/4' if zeros < 0.75 else 'above 3/4'}"
        )


def hourly_counts(data: Path) -> Iterator[tuple[str, pd.Series]]:
    """Published hourly counts: demand, and a trail."""
    demand = pd.read_csv(data / "messy" / "intermittent_demand.csv", index_col=0, parse_dates=True)
    trail = pd.read_csv(data / "messy" / "seattle_burke_gilman_trail.csv.gz", index_col=0, parse_dates=True)
    for frame in (demand, trail):
        for name in frame:
            yield str(name), frame[name].groupby(level=0).sum().asfreq("h").fillna(0)


def daily_counts(data: Path) -> Iterator[tuple[str, pd.Series]]:
    """Published counts, summed by day."""
    bikes = pd.read_csv(data / "exog" / "bike_sharing_dataset_clean.csv.gz", index_col=0, parse_dates=True)
    walkers = pd.read_csv(data / "exog" / "example_pedestrians_multivariate.csv.gz", index_col=0, parse_dates=True)
    births = pd.read_csv(data / "single" / "daily-total-female-births.csv", index_col=0, parse_dates=True)
    trail = dict(hourly_counts(data))
    del trail["users"]
    for name, series in {"rides": bikes["users"], **dict(walkers.items()), **dict(births.items()), **trail}.items():
        yield str(name), series.resample("D").sum()


def thinned(values: Floats, mean: float, rng: np.random.Generator) -> Floats:
    """Counts with another mean: each event of the original remains with the same probability."""
    return rng.binomial(values.astype(np.int64), min(mean / values.mean(), 1.0)).astype(float)


def origins_of(kind: Kind, values: Floats, count: int = ORIGINS) -> Iterator[Past]:
    """The last horizons of a series, unless its past is short or constant."""
    for k in range(count):
        end = len(values) - k * kind.horizon
        past = values[max(end - kind.horizon - kind.length, 0) : end - kind.horizon]
        if len(past) >= MIN_PAST and np.ptp(past) > 0:
            yield Past(kind, past, values[end - kind.horizon : end])


def pasts(data: Path, seed: int) -> list[Past]:
    """All series up to all origins."""
    found = [past for _, series in hourly_counts(data) for past in origins_of(PUBLISHED, series.to_numpy())]
    for name, series in daily_counts(data):
        rng = np.random.default_rng([seed, *name.encode()])
        values = series.to_numpy()[-THINNED.length - ORIGINS * THINNED.horizon :]
        draws = (thinned(values, mean, rng) for mean in MEANS for _ in range(DRAWS))
        found += [past for draw in draws for past in origins_of(THINNED, draw)]
    for family in ("intermittent", "seasonal counts"):
        found += [past for values in generate(family, GENERATED, seed) for past in origins_of(MADE, values, 1)]
    return found


def lstmcast(past: Past) -> Floats:
    """[5, H] the zero-shot forecast, as the quantiles of QUANTILES."""
    times = pd.date_range("2021-01-04", periods=len(past.values), freq=past.kind.frequency)
    frame = pd.DataFrame({"time": times.strftime("%Y-%m-%d %H:%M"), "y": past.values})
    found = predict(read(frame), past.kind.horizon)
    return np.stack([found.lower[1, 0], found.lower[0, 0], found.values[0], found.upper[0, 0], found.upper[1, 0]])


def seasonal_naive(past: Past) -> Floats:
    """[5, H] the last season, and quantiles of its past errors around it."""
    m, values = past.kind.season, past.values
    errors = np.quantile(values[m:] - values[:-m], QUANTILES)
    errors[2] = 0.0
    last = values[-m:][np.arange(past.kind.horizon) % m]
    return np.asarray(np.maximum(last + errors[:, None], 0.0))


def past_quantiles(past: Past, steps: int | None = None) -> Floats:
    """[5, H] quantiles of the past values."""
    values = past.values if steps is None else past.values[-steps:]
    found = np.quantile(values, QUANTILES, method="inverted_cdf")
    return np.repeat(found[:, None], past.kind.horizon, axis=1)


def peer_forecasts(every: Sequence[Past], python: Path) -> dict[str, list[Floats]]:
    """[5, H] of each past, by the name of each method of statsforecast."""
    found: dict[str, list[Floats]] = {}
    for kind in (PUBLISHED, THINNED, MADE):
        selected = [past for past in every if past.kind is kind]
        with tempfile.TemporaryDirectory() as name:
            source, target = Path(name) / "past.csv", Path(name) / "forecast.csv"
            write_long(source, [f"{k:05d}" for k in range(len(selected))], tuple(past.values for past in selected))
            subprocess.run([python, FITS, source, target, "--horizon", str(kind.horizon)], check=True)
            frame = pd.read_csv(target)
        for method, rows in frame.groupby("method", sort=False):
            columns = ["lower_95", "lower_80", "forecast", "upper_80", "upper_95"]
            values = np.maximum(rows.sort_values(["id", "step"])[columns].to_numpy(), 0.0)
            found.setdefault(str(method), []).extend(values.reshape(len(selected), kind.horizon, -1).swapaxes(1, 2))
        progress(f"{kind.name}: {len(selected)} forecasts by statsforecast")
    return found


@dataclass(frozen=True)
class Scores:
    """Scores of one method.

    Attributes:
        rows: [N, 5] scaled pinball loss, RMSSE, MASE, coverage of 80 % and of 95 %.
    """

    rows: Floats

    @classmethod
    def of(cls, every: Sequence[Past], forecasts: Sequence[Floats]) -> Scores:
        """Score forecasts [5, H] in mean absolute steps of the past; RMSSE in the root of their mean square."""
        return cls(np.array([_scores(past, forecast) for past, forecast in zip(every, forecasts, strict=True)]))

    def cells(self, selected: npt.NDArray[np.bool_], reference: Scores) -> list[str]:
        """Cells of the result for some forecasts."""
        rows, ratios = self.rows[selected], (self.rows / np.maximum(reference.rows, 1e-9))[selected, 0]
        cells = [f"{rows[:, 0].mean():.3f}", f"{np.exp(np.log(np.maximum(ratios, 1e-3)).mean()):.3f}"]
        for k in range(3):
            low, middle, high = np.quantile(rows[:, k], (0.25, 0.5, 0.75))
            cells.append(f"{middle:.3f} ({low:.3f} to {high:.3f})")
        return [*cells, *(f"{value:.3f}" for value in rows[:, 3:].mean(axis=0))]


def _scores(past: Past, forecast: Floats) -> list[float]:
    steps = np.diff(past.values)
    errors = past.actual - forecast
    q = np.array(QUANTILES)[:, None]
    inside = [((past.actual >= forecast[k]) & (past.actual <= forecast[4 - k])).mean() for k in (1, 0)]
    pinball = np.maximum(q * errors, (q - 1) * errors)[[0, 1, 3, 4]].mean() / np.abs(steps).mean()
    rmsse = np.sqrt(np.square(errors[2]).mean() / np.square(steps).mean())
    return [pinball, rmsse, np.abs(errors[2]).mean() / np.abs(steps).mean(), *inside]


def lines(args: argparse.Namespace) -> list[str]:
    """The tables of all groups."""
    every = sorted(pasts(args.data, args.seed), key=lambda past: (PUBLISHED, THINNED, MADE).index(past.kind))
    forecasts = {"lstmcast": [lstmcast(past) for past in every]}
    progress(f"{len(every)} forecasts by lstmcast")
    python, version = make(STATSFORECAST, args.environments)
    forecasts |= peer_forecasts(every, python)
    forecasts["seasonal naive"] = [seasonal_naive(past) for past in every]
    forecasts["past quantiles"] = [past_quantiles(past) for past in every]
    forecasts[f"past quantiles, last {RECENT}"] = [past_quantiles(past, RECENT) for past in every]
    scores = {name: Scores.of(every, found) for name, found in forecasts.items()}
    groups = np.array([past.group for past in every])
    header = ["method", "pinball loss, mean", "ratio", "pinball loss", "RMSSE", "MASE", "covers 80 %", "covers 95 %"]
    text = [
        f"Seed {args.seed}; {version}. Pinball loss: mean over the bounds of both intervals, as the quantiles 0.025,",
        "0.1, 0.9 and 0.975, in mean absolute steps of the past; MASE is twice that of the forecast as the median.",
        "Ratio: geometric mean over the forecasts, relative to lstmcast. The third column, RMSSE and MASE: median and",
        "quartiles over the forecasts. lstmcast sets its bounds for coverage: 80 % of the values are inside 0 to the",
        "80 % quantile where zeros are usual, and 90 % are below the 90 % quantile, which costs less pinball loss.",
        "",
    ]
    for group in [*sorted(set(groups)), "all"]:
        selected = (groups == group) | (group == "all")
        rows = [[name, *found.cells(selected, scores["lstmcast"])] for name, found in scores.items()]
        text += [f"## {group[0].upper()}{group[1:]}: {selected.sum()} forecasts", "", *table(header, rows), ""]
    return text


def main() -> None:
    """Measure, and write the tables."""
    parser = arguments(__doc__, __file__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds messy, exog and single")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--environments", type=Path, default=CACHE, help="the folder of the environments of peers")
    args = parser.parse_args()
    report(args.output, "Rare demand and small counts", lines(args))


if __name__ == "__main__":
    main()
