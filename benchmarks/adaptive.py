"""Do adaptive intervals hold their coverage when a series changes? Daily series whose level or noise shifts.

A model is trained once, on three years. Then a run is made every day, as a schedule would: the newest day is observed,
14 days are forecast, the intervals are adapted by what came true, and all of it is recorded. After 90 days the series
shifts. Coverage is counted over the 365 runs after that, of the intervals of the model (fixed) and as they
are issued (adaptive); wanted: 80 % within .04.
"""

from __future__ import annotations

import datetime
import math
import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from common import arguments, progress, report, table

from lstmcast import Forecaster, read, train
from lstmcast.config import load_config
from lstmcast.forecasting.seasonal_naive import seasonal_naive_values
from lstmcast.jobs.publish import adapt_intervals
from lstmcast.persistence.ledger.ledger import Ledger
from lstmcast.persistence.ledger.records import RunRecord

if TYPE_CHECKING:
    from lstmcast.data.panel import Panel

PAST, BEFORE, AFTER, HORIZON = 3 * 365, 90, 365, 14
SHIFTS = {
    "none": "nothing changes",
    "level": "the level rises by a third at once",
    "variance": "the noise doubles",
    "jumps": "the level jumps by three shocks, up or down, every 20 days or so",
    "walk": "shocks no longer fade: a random walk",
}


def values(shift: str, seed: int) -> list[float]:
    """A weekly and a yearly season about 1000 and autoregressive noise (AR(1), .5, shocks of standard deviation 10)."""
    rng, noise, level, values = random.Random(seed), 0.0, 1000.0, []
    for t in range(PAST + BEFORE + AFTER + HORIZON):
        now = shift if t >= PAST + BEFORE else "none"
        noise = (1.0 if now == "walk" else 0.5) * noise + rng.gauss(0.0, 20.0 if now == "variance" else 10.0)
        if now == "level":
            level = 1333.0
        if now == "jumps" and rng.random() < 1 / 20:
            level += rng.choice((-33.0, 33.0))
        season = 33 * math.sin(2 * math.pi * t / 7) + 16 * math.sin(2 * math.pi * t / 365.25)
        values.append(level + season + noise)
    return values


def panel(path: Path, series: list[float]) -> Panel:
    """The series as a file, read."""
    first = datetime.date(2022, 1, 1)
    rows = [f"{first + datetime.timedelta(days=t)},{value:.4f}" for t, value in enumerate(series)]
    path.write_text("\n".join(["day,sales", *rows, ""]), encoding="utf-8")
    return read(path)


def trained(past: Panel, seed: int) -> Forecaster:
    """The default config on the three years."""
    return train(past, load_config(None, {"forecast.horizon": HORIZON, "train.seed": seed}))


def covered(whole: Panel, forecaster: Forecaster, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Runs every day; whether each interval held what came, in the year after the shift.

    Returns:
        Fixed and adaptive, each [2, 365, 14] for the levels 80 and 95.
    """
    fixed, adaptive = [], []
    begin = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        for day in range(BEFORE + AFTER):
            seen = whole.drop_last(HORIZON + AFTER + BEFORE - day)
            now = begin + datetime.timedelta(days=day)
            ledger.observe(seen, now)
            run = adapt_intervals(ledger, forecaster.predict(seen))
            ledger.record(
                RunRecord(str(day), now, "", "", ""), run.base, seasonal_naive_values(seen, HORIZON), run.factors
            )
            if day >= BEFORE:
                came = whole.values[seen.lengths[0] :][:HORIZON]
                for forecast, hits in ((run.base, fixed), (run.forecast, adaptive)):
                    hits.append((forecast.lower[:, 0] <= came) & (came <= forecast.upper[:, 0]))
    return np.stack(fixed, axis=1), np.stack(adaptive, axis=1)


def main() -> None:
    """Measures, and writes the result."""
    parser = arguments(__doc__, __file__)
    parser.add_argument("--seeds", type=int, default=3, help="how many series of each kind, with seeds 0, 1, …")
    args = parser.parse_args()
    hits: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {shift: [] for shift in SHIFTS}
    for seed in range(args.seeds):
        with tempfile.TemporaryDirectory() as name:
            file = Path(name) / "sales.csv"
            forecaster = trained(panel(file, values("none", seed)[:PAST]), seed)
            for shift in SHIFTS:
                folder = Path(name) / shift
                folder.mkdir()
                hits[shift].append(covered(panel(file, values(shift, seed)), forecaster, folder))
                coverage = [f"{one[0].mean():.3f}" for one in hits[shift][-1]]
                progress(f"seed {seed}, {shift}: 80 % interval fixed {coverage[0]}, adaptive {coverage[1]}")
    rows = [row for shift, words in SHIFTS.items() for row in shown(words, hits[shift])]
    heads = ["after day 90", "intervals", "in 80 %", "least to most", "first 30 days", "step 1", "step 14", "in 95 %"]
    report(args.output, "Coverage over the year after a shift", [*table(heads, rows), "", *NOTES])


NOTES = [
    f"One run a day, {HORIZON} days ahead, no retraining. Coverage is over the 365 runs after the shift and all",
    "steps; least to most: of the series, one for each seed; first 30 days: of the 30 runs after the shift. Fixed",
    "intervals are wide in units of how restless the series has lately been, so they too follow noise that doubles.",
]


def shown(words: str, hits: list[tuple[np.ndarray, np.ndarray]]) -> list[list[str]]:
    """The two rows of one kind of series."""
    rows = []
    for k, name in enumerate(("fixed", "adaptive")):
        each = np.stack([one[k] for one in hits])  # [seeds, 2, 365, 14]
        own = each[:, 0].mean(axis=(1, 2))
        inner = each[:, 0]
        coverage = (inner[:, :30].mean(), inner[:, :, 0].mean(), inner[:, :, -1].mean(), each[:, 1].mean())
        span = f"{own.min():.3f} to {own.max():.3f}"
        whole = f"{own.mean():.3f}"
        rows.append([words, name, f"**{whole}**" if k else whole, span, *(f"{value:.3f}" for value in coverage)])
        words = ""
    return rows


if __name__ == "__main__":
    main()
