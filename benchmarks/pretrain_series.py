"""The training series of the pretrained networks: public and synthetic ones, without evaluation data."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Series = dict[str, Floats]

RUN = 12  # values in a row that are equal, after scaling, make two series the same
DIGITS = 4  # to which they are equal
LEAST = 8  # values of a training series
STEP = 0.1  # of a log: what the usual step of a series becomes that has no logs of its own
WANDERED = 3.0  # of a log: from the lowest to the highest that a made-up trend, season or random walk reaches
RARE = 0.15  # the share of made-up series that are rare demand
LONGER = 12  # values of a series that was made from one of finer steps
ENOUGH = 400  # series of M1, for which intervals are made
SHORTENED = 0.2  # the fraction of series that are also used in a shortened form

M4_TRAIN = {
    "yearly": "Yearly-train",
    "quarterly": "Quarterly-short-train",
    "monthly": "Monthly-short-train-only",
    "weekly": "Weekly-train",
    "hourly": "Hourly-train",
}
FINER = {  # steps whose means over so many steps are also used
    "monthly": {"weekly": 365.25 / 7 / 12, "daily": 365.25 / 12},
    "weekly": {"daily": 7.0},
}
M4_EVALUATION_SETS = ("Yearly", "Quarterly-short", "Weekly", "Hourly")


@dataclass(frozen=True)
class Class:
    """Series of one kind, for which there is one group of networks.

    Attributes:
        season: m of the synthetic series, and of exponential smoothing.
        level: steps whose mean is the level.
        horizon: H, the output steps.
        lags: F.
        context: L.
        synthetic: how many series are made up.
        networks: how many are trained.
        smoothing: the maximum weight of exponential smoothing for series that are not in training.
        half: values from which it counts half of that: what is best on the training parts of M3.
        of: the classes whose public series these are, by the names of the collections' periods.
        most: public series of each class of `of` that are used, evenly spaced.
    """

    season: int
    level: int
    horizon: int
    lags: int
    context: int
    synthetic: int
    networks: int
    smoothing: float
    half: int
    of: tuple[str, ...]
    most: int = 1_000_000


CLASSES = {
    "yearly": Class(1, 1, 6, 8, 24, 500, 4, 1.0, 30, ("yearly",)),
    "quarterly": Class(4, 4, 8, 12, 24, 500, 4, 1.0, 150, ("quarterly",)),
    "monthly": Class(12, 12, 18, 24, 36, 1000, 3, 1.0, 60, ("monthly",)),
    "weekly": Class(52, 1, 13, 52, 52, 500, 2, 1.0, 200, ("weekly",)),
    "daily": Class(7, 7, 14, 28, 42, 500, 2, 0.5, 0, ("daily",)),
    "hourly": Class(24, 24, 24, 168, 72, 300, 2, 0.55, 250, ("hourly",)),
    "other": Class(1, 1, 13, 16, 32, 500, 2, 0.9, 20, ("yearly", "weekly", "daily", "biannually"), 2000),
}


@dataclass(frozen=True)
class Gathered:
    """The series of a class, by name, and how many were found, left out and made."""

    series: Series
    counts: dict[str, int]


def collect(data: Path, one: Class, known: set[bytes], *, seed: int) -> Gathered:
    """The series that a class may learn from.

    Args:
        data: the folder with `m1`, `m4` and `m4comp2016`.
        one: the class.
        known: the runs of the evaluation series (see `runs`).
        seed: of chance: what is made up, and where series are shortened.
    """
    rng = np.random.default_rng(seed)
    public = {name: values for period in one.of for name, values in _thinned(gather(data, period), one.most).items()}
    coarser = coarsened(data, one)
    found = public | coarser
    moving = {name: values for name, values in found.items() if len(values) >= LEAST and np.ptp(values) > 0}
    kept = apart(moving, known)
    positive = {name: values if values.min() > 0 else grown(values) for name, values in kept.items()}
    short = shortened(positive, one.season, rng)
    made = {f"synthetic/{k}": synthetic(one, rng) for k in range(one.synthetic)}
    counts = {
        "public": len(public),
        "coarsened": len(coarser),
        "short_or_constant": len(found) - len(moving),
        "sharing_a_run": len(moving) - len(kept),
        "not_positive": sum(bool(values.min() <= 0) for values in kept.values()),
        "shortened": len(short),
        "synthetic": len(made),
    }
    return Gathered(positive | short | made, counts)


# --- public series ---


def gather(data: Path, period: str) -> Series:
    """Every public series of a period, whole but for M4's test parts: M4, M1 and the older package."""
    stem = M4_TRAIN.get(period)
    found = {f"m4/{name}": values for name, values in (m4(data / "m4" / f"{stem}.csv.gz") if stem else ())}
    found |= {f"m1/{name}": values for name, values in mcomp(data / "m1" / "M1.csv.gz", period.upper())}
    for path in sorted((data / "m4comp2016").glob("*.csv.gz")):
        found |= {f"m4comp2016/{name}": values for name, values in m4comp2016(path, period.upper())}
    return found


def m4(path: Path) -> Iterator[tuple[str, Floats]]:
    """Rows of `id,v1,v2,…`."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            name, *cells = line.strip().split(",")
            yield name, np.array([float(cell) for cell in cells if cell])


def mcomp(path: Path, period: str) -> Iterator[tuple[str, Floats]]:
    """Rows of `id,period,type,start,n_train,h,values`: M1 and M3."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            name, kind, _, _, _, _, *cells = line.strip().split(",")
            if kind == period:
                yield name, np.array([float(cell) for cell in cells])


def m4comp2016(path: Path, period: str) -> Iterator[tuple[str, Floats]]:
    """Rows with PERIOD, and PAST and FUTURE as lists of commas."""
    csv.field_size_limit(1 << 24)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["PERIOD"] == period:
                yield row["ID"], np.array([float(cell) for cell in f"{row['PAST']},{row['FUTURE']}".split(",")])


def grown(values: Floats) -> Floats:
    """A series with zeros or negative values as a positive one whose logs move as it does: a usual step by `STEP`."""
    steps = (values - values[0]) / np.abs(np.diff(values)).mean()
    return np.asarray(np.exp(np.clip(STEP * steps, -20, 20)))


def shortened(series: Series, season: int, rng: np.random.Generator) -> Series:
    """Some of the series once more, of which only the last few values are known, or the last two seasons at most."""
    selected = [name for name in series if rng.random() < SHORTENED]
    return {f"{name}/short": series[name][-int(rng.integers(LEAST, max(3 * LEAST, 2 * season))) :] for name in selected}


def coarsened(data: Path, one: Class) -> Series:
    """Series of finer steps as such of the class: the means of what lies in each step, counted back from the end."""
    finer = FINER.get(one.of[0], {}) if len(one.of) == 1 else {}
    found = {}
    for period, steps in finer.items():
        for name, values in gather(data, period).items():
            if (count := int(len(values) / steps)) >= LONGER:
                sums = np.concatenate([[0.0], np.cumsum(values)])
                edges = len(values) - steps * np.arange(count, -1, -1)
                found[f"{name}/{period}"] = np.diff(np.interp(edges, np.arange(len(sums)), sums)) / steps
    return found


def calibration_series(names: Sequence[str]) -> Bools:
    """For which series of a class the intervals are made: M1's, where these are ENOUGH, else all whole public ones."""
    first = np.array([name.startswith("m1/") and name.count("/") == 1 for name in names])
    public = np.array([name.count("/") == 1 and not name.startswith("synthetic/") for name in names])
    return first if first.sum() >= ENOUGH else public


def _thinned(series: Series, most: int) -> Series:
    names = list(series)
    kept = np.unique(np.linspace(0, len(names) - 1, min(most, len(names))).round().astype(int)) if names else []
    return {names[k]: series[names[k]] for k in kept}


# --- evaluation series ---


def evaluation_series(data: Path) -> Iterator[Floats]:
    """All of M3, and the ends of M4's series that its test parts reach into."""
    for period in ("YEARLY", "QUARTERLY", "MONTHLY", "OTHER"):
        yield from (values for _, values in mcomp(data / "m3" / "M3.csv.gz", period))
    for stem in M4_EVALUATION_SETS:
        past = dict(m4(data / "m4" / f"{stem}-train.csv.gz"))
        for name, after in m4(data / "m4" / f"{stem}-test.csv.gz"):
            yield np.concatenate([past[name][1 - RUN :], after])


def runs(values: Floats) -> Iterator[bytes]:
    """Every run of a series, scaled to lie between 0 and 1 and rounded; constant runs are left out."""
    if len(values) < RUN:
        return
    views = np.lib.stride_tricks.sliding_window_view(values, RUN)
    low, high = views.min(axis=1, keepdims=True), views.max(axis=1, keepdims=True)
    moving = (high > low)[:, 0]
    scaled = (views[moving] - low[moving]) / (high - low)[moving]
    yield from map(bytes, np.round(scaled * 10**DIGITS).astype(np.int16))


def apart(series: Series, known: set[bytes]) -> Series:
    """The series that have no run in common with the evaluation series."""
    return {name: values for name, values in series.items() if not any(run in known for run in runs(values))}


# --- made-up series ---


def synthetic(one: Class, rng: np.random.Generator) -> Floats:
    """A positive series of trends that fade, seasons, level shifts, rare demand and noise, in random measure."""
    n = int(rng.integers(3 * max(one.season, LEAST), min(20 * max(one.season, LEAST), 1500)))
    t = np.arange(n)
    spread = rng.choice([0.01, 0.03, 0.1, 0.3])
    slopes = np.cumsum(rng.normal(0, spread / 30, n)) + rng.normal(0, spread / 10)
    logs = rng.normal(6, 2) + rng.choice([0.0, 1.0]) * bounded(np.cumsum(slopes))
    for period in {one.season, 7 * one.season if one.season == 24 else one.season} - {1}:
        shape = np.cumsum(rng.normal(size=period))
        logs = logs + rng.choice([0.0, 1.0, 5.0]) * spread * bounded(shape - shape.mean())[t % period]
    for _ in range(rng.poisson(n / 80)):
        logs[rng.integers(n) :] += rng.normal(0, 5 * spread)
    walk = rng.choice([0.0, 0.5, 1.0])
    logs = logs + walk * bounded(np.cumsum(rng.normal(0, spread, n))) + (1 - walk) * rng.normal(0, spread, n)
    if rng.random() < RARE:
        demand = rng.poisson(rng.choice([1.0, 5.0]), n) * (rng.random(n) < rng.choice([0.1, 0.4]))
        return grown(demand + np.eye(1, n)[0])
    return np.asarray(np.exp(np.clip(logs, -20, 20)), np.float64)


def bounded(path: Floats) -> Floats:
    """A path that goes no further than `WANDERED` from its lowest to its highest."""
    return path * min(1.0, WANDERED / max(float(np.ptp(path)), 1e-9))


def digests(data: Path) -> dict[str, str]:
    """The sha256 of each training and evaluation file, by name."""
    paths = sorted(path for folder in ("m1", "m3", "m4", "m4comp2016") for path in (data / folder).glob("*.csv.gz"))
    return {f"{path.parent.name}/{path.name}": sha256(path.read_bytes()).hexdigest() for path in paths}
