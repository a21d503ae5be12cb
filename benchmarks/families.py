"""Interval coverage on generated series of five families, and the effect of one changed last value on real series.

Families: straight lines with noise, random walks, damped trends, counts with a week, and intermittent series. Each
series is forecast alone by the pretrained networks. With --trained, all series of a family are one panel, and a model
is trained on it. With --newest --data DIR, the last value of 30 public series is multiplied instead. The results are
`families.md`, `families_trained.md` and `families_newest.md`.
"""

from __future__ import annotations

import argparse
import csv
import gzip
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from common import arguments, progress, report, table

from lstmcast.api import predict, train
from lstmcast.config import load_config
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import NoteCode

Floats = npt.NDArray[np.float64]
HORIZON = 60
LEVELS = (80, 95)
STEPS = (1, 30, 60)
RANGES = ((1, 5), (28, 32), (56, 60))  # first and last steps of the averages
SHORTEST, LONGEST = 150, 500  # values before the horizon
WEEK = 7
TARGET = 0.05  # distance of a coverage from its level
TOLERANCE = 1e-9  # at a bound that equals the value
FACTORS = (0.1, 0.3, 3.0, 10.0)
NEWEST_HORIZON = 14
NEWEST_LENGTH = 400
NEWEST_SERIES = 10  # of each frequency, each from another source
FREQUENCIES = ("daily", "hourly", "monthly")


def line(rng: np.random.Generator, n: int) -> Floats:
    """A straight line with normal noise: level, slope and noise of any proportion."""
    slope = rng.choice([-1, 1]) * np.exp(rng.uniform(-3, 2))
    noise = abs(slope) * np.exp(rng.uniform(-2, 3.5))
    level = abs(slope) * n * rng.uniform(1.2, 8) + 5 * noise
    return np.asarray(level + slope * np.arange(n) + noise * rng.standard_normal(n))


def walk(rng: np.random.Generator, n: int) -> Floats:
    """A random walk: three of ten in logs, the others about 0 or far above it."""
    step = np.exp(rng.uniform(-2, 2))
    if rng.random() < 0.3:
        return np.asarray(100 * np.exp(np.cumsum(rng.uniform(0.003, 0.02) * rng.standard_normal(n))))
    values = np.cumsum(step * rng.standard_normal(n))
    return np.asarray(values + rng.choice([0, 1]) * step * np.sqrt(n) * rng.uniform(4, 40))


def damped_trend(rng: np.random.Generator, n: int) -> Floats:
    """Exponential smoothing with a damped trend and one source of error."""
    damping, alpha = rng.uniform(0.85, 0.98), rng.uniform(0.05, 0.6)
    beta, noise = rng.uniform(0.02, 0.3) * alpha, np.exp(rng.uniform(-1, 2))
    level, trend = noise * rng.uniform(30, 200), noise * rng.uniform(-1, 1) * 2
    values = np.empty(n)
    for t in range(n):
        error, mean = noise * rng.standard_normal(), level + damping * trend
        values[t] = mean + error
        level, trend = mean + alpha * error, damping * trend + beta * error
    return values


def seasonal_counts(rng: np.random.Generator, n: int) -> Floats:
    """Poisson counts whose mean depends on the weekday."""
    mean = np.exp(rng.uniform(0, 4.5))
    factors = np.exp(rng.uniform(0.1, 0.6) * rng.standard_normal(WEEK))
    return rng.poisson(mean * (factors / factors.mean())[np.arange(n) % WEEK]).astype(float)


def intermittent(rng: np.random.Generator, n: int) -> Floats:
    """Demand on some steps at random, and 0 on all others."""
    rate, mean = rng.uniform(0.05, 0.5), np.exp(rng.uniform(-1, 2))
    return np.asarray((rng.random(n) < rate) * (1.0 + rng.poisson(mean, n)))


FAMILIES: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "lines": line,
    "random walks": walk,
    "damped trends": damped_trend,
    "seasonal counts": seasonal_counts,
    "intermittent": intermittent,
}


def generate(family: str, count: int, seed: int) -> list[Floats]:
    """Series of one family, each with `HORIZON` values more than its past."""
    rng = np.random.default_rng([seed, list(FAMILIES).index(family)])
    return [FAMILIES[family](rng, int(rng.integers(SHORTEST, LONGEST)) + HORIZON) for _ in range(count)]


@dataclass(frozen=True)
class FamilyForecasts:
    """Forecasts of the S series of a family.

    Attributes:
        pasts: S series before the horizon.
        actual: [S, HORIZON] the values of the horizon.
        values: [S, HORIZON].
        lower, upper: [2, S, HORIZON] the bounds of `LEVELS`.
    """

    pasts: list[Floats]
    actual: Floats
    values: Floats
    lower: Floats
    upper: Floats

    @property
    def coverage(self) -> Floats:
        """[2, HORIZON] fraction of the series whose value is inside the interval."""
        inside = (self.actual >= self.lower - TOLERANCE) & (self.actual <= self.upper + TOLERANCE)
        return np.asarray(inside.mean(axis=1))

    @property
    def scaled_error(self) -> float:
        """Mean absolute error in units of the mean absolute step of the past."""
        steps = np.array([np.abs(np.diff(past)).mean() for past in self.pasts])
        return float((np.abs(self.actual - self.values).mean(axis=1) / steps).mean())


def daily_frame(values: Floats, name: str | None = None) -> pd.DataFrame:
    """One daily series as a table, with an id if it has a name."""
    dates = pd.date_range("2021-01-04", periods=len(values)).strftime("%Y-%m-%d")
    frame = pd.DataFrame({"date": dates, "y": [repr(value) for value in values.tolist()]})
    if name is not None:
        frame.insert(0, "id", name)
    return frame


def forecast_family(series: Sequence[Floats], *, trained: bool) -> FamilyForecasts:
    """Forecast each series alone, zero-shot, or all with one model trained on their panel."""
    pasts = [values[:-HORIZON] for values in series]
    if trained:
        frames = [daily_frame(past, f"s{k:04d}") for k, past in enumerate(pasts)]
        panel: Panel = read(pd.concat(frames))
        model = train(panel, load_config(None, {"forecast.horizon": HORIZON}))
        found = predict(panel, HORIZON, model=model)
        order = np.argsort([key[0] for key in found.keys])
        values, lower, upper = found.values[order], found.lower[:, order], found.upper[:, order]
    else:
        single = [predict(read(daily_frame(past)), HORIZON) for past in pasts]
        values = np.concatenate([one.values for one in single])
        lower, upper = (np.concatenate([getattr(one, side) for one in single], axis=1) for side in ("lower", "upper"))
    return FamilyForecasts(pasts, np.stack([past[-HORIZON:] for past in series]), values, lower, upper)


def family_row(family: str, found: FamilyForecasts) -> list[str]:
    """The cells of one family: coverage of each level at `STEPS` and over `RANGES`, and the scaled error."""
    cells = []
    for coverage in found.coverage:
        cells.append(" ".join(f"{coverage[step - 1]:.3f}" for step in STEPS))
        cells.append(" ".join(f"{coverage[first - 1 : last].mean():.3f}" for first, last in RANGES))
    return [family, *cells, f"{found.scaled_error:.3f}"]


def family_lines(args: argparse.Namespace, seed: int) -> list[str]:
    """The table of all families, and the cells outside of the target."""
    rows = []
    for family in args.families:
        found = forecast_family(generate(family, args.count, seed), trained=args.trained)
        rows.append(family_row(family, found))
        progress(" · ".join(rows[-1]))
    steps, ranges = (", ".join(names) for names in (map(str, STEPS), (f"{a}-{b}" for a, b in RANGES)))
    header = ["family"]
    for level in LEVELS:
        header += [f"{level} %: steps {steps}", f"{level} %: means of steps {ranges}"]
    method = "one model trained on the panel of each family" if args.trained else "zero-shot, each series alone"
    kind = f"{args.count} series of each family, seed {seed}, {HORIZON} steps; {method}."
    return [
        f"## Coverage, {'trained' if args.trained else 'zero-shot'}, seed {seed}",
        "",
        kind,
        "",
        *table([*header, "error"], rows),
        "",
        _outside(rows),
        "",
    ]


def _outside(rows: Sequence[Sequence[str]]) -> str:
    """The number of cells within the target, and those outside."""
    cells = [
        (f"{family}, {level} %, step {step}", abs(float(cell) - level / 100))
        for family, *columns in rows
        for level, column in zip(LEVELS, columns[::2], strict=False)
        for step, cell in zip(STEPS, column.split(), strict=True)
    ]
    outside = [name for name, distance in cells if distance > TARGET + TOLERANCE]
    return f"{len(cells) - len(outside)} of {len(cells)} within {TARGET} of the level. Outside: {'; '.join(outside)}."


def real_series(path: Path) -> Iterator[pd.DataFrame]:
    """The ends of the first series of different sources whose last value is positive, as tables."""
    seen: set[str] = set()
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for name, source, start, frequency, *cells in csv.reader(file):
            if source in seen or not cells[-1] or float(cells[-1]) <= 0:
                continue
            seen.add(source)
            times = pd.date_range(start, periods=len(cells), freq=frequency)[-NEWEST_LENGTH:]
            values = [float(cell or "nan") for cell in cells[-NEWEST_LENGTH:]]
            yield pd.DataFrame({"time": times, "y": values}).rename_axis(name)
            if len(seen) == NEWEST_SERIES:
                return


def change_of(frame: pd.DataFrame, factor: float) -> tuple[float, bool]:
    """The mean absolute change of the forecast relative to its level, and True if the value is noted."""
    changed = frame.copy()
    changed.loc[changed.index[-1], "y"] *= factor
    before, after = (predict(read(one), NEWEST_HORIZON) for one in (frame, changed))
    change = np.abs(after.values - before.values).mean() / np.abs(before.values).mean()
    return float(change), any(note.code is NoteCode.UNLIKELY_NEWEST for note in after.notes)


def newest_lines(data: Path) -> list[str]:
    """The table of changes by frequency and factor."""
    rows, every = [], []
    for frequency in FREQUENCIES:
        frames = list(real_series(data / "corpus" / f"{frequency}.csv.gz"))
        for factor in FACTORS:
            found = [change_of(frame, factor) for frame in frames]
            every += found
            rows.append([frequency, f"{factor:g}", *_change_cells(found)])
            progress(" · ".join(rows[-1]))
    rows.append(["all", "", *_change_cells(every)])
    header = ["series", "last value ×", "forecasts", "mean change", "median change", "largest", "noted"]
    kind = f"Mean absolute change of the {NEWEST_HORIZON}-step zero-shot forecast, relative to its level."
    return ["## One changed last value", "", kind, "", *table(header, rows), ""]


def _change_cells(found: Sequence[tuple[float, bool]]) -> list[str]:
    changes, noted = np.array([change for change, _ in found]), np.mean([is_noted for _, is_noted in found])
    return [str(len(found)), *(f"{f(changes):.3f}" for f in (np.mean, np.median, np.max)), f"{noted:.0%}"]


def main() -> None:
    """Measure, and write the table."""
    parser = arguments(__doc__, __file__)
    parser.add_argument("--count", type=int, default=150, help="series of each family")
    parser.add_argument("--seeds", nargs="*", type=int, default=[1, 2])
    parser.add_argument("--families", nargs="*", default=list(FAMILIES), choices=list(FAMILIES))
    parser.add_argument("--trained", action="store_true", help="train a model on each family")
    parser.add_argument("--newest", action="store_true", help="change the last value of public series instead")
    parser.add_argument("--data", type=Path, help="folder that holds corpus")
    parser.set_defaults(output=None)
    args = parser.parse_args()
    if args.newest and args.data is None:
        parser.error("--newest needs --data")
    lines = newest_lines(args.data) if args.newest else [line for k in args.seeds for line in family_lines(args, k)]
    part = "_newest" if args.newest else "_trained" if args.trained else ""
    report(args.output or Path(__file__).with_name(f"families{part}.md"), "Generated families", lines)


if __name__ == "__main__":
    main()
