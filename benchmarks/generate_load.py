"""Write data/load_daily.csv: a generated daily load with temperature, for the documentation.

The temperature is a yearly cycle with persistent weather. The load has heating below 15 °C, some cooling above 22 °C, a
week, holidays of Bavaria and noise that persists. The last 14 rows have a temperature, as a weather forecast would, and
no load. Needs the extra `holidays`.
"""

from __future__ import annotations

from pathlib import Path

import holidays
import numpy as np
import numpy.typing as npt
import pandas as pd

FILE = Path(__file__).parents[1] / "data" / "load_daily.csv"
FIRST, LAST, AHEAD = "2022-07-01", "2024-12-31", 14
WEEK = (1.0, 1.02, 1.02, 1.01, 0.98, 0.86, 0.79)  # Monday to Sunday
HOLIDAY = 0.80  # of the load of a Monday


def main() -> None:
    """Write the file."""
    rng = np.random.default_rng(18)
    days = pd.date_range(FIRST, LAST, freq="D")
    year = 2 * np.pi * (days.day_of_year.to_numpy() - 19) / 365.25
    temperature = 9.5 - 10.0 * np.cos(year) + persistent(rng, len(days), 0.75, 2.3)
    off = holidays.country_holidays("DE", subdiv="BY", years=[2022, 2023, 2024])
    shape = np.array([min(WEEK[day.weekday()], HOLIDAY) if day in off else WEEK[day.weekday()] for day in days.date])
    weather = 1 + 0.013 * np.maximum(15 - temperature, 0) + 0.008 * np.maximum(temperature - 22, 0)
    load = 4800 * shape * weather * (1 + persistent(rng, len(days), 0.6, 0.009))
    table = pd.DataFrame(
        {"day": days.date, "load": pd.Series(load.round(), dtype="Int64"), "temperature": temperature.round(1)}
    )
    table.loc[len(days) - AHEAD :, "load"] = pd.NA
    table.to_csv(FILE, index=False)


def persistent(rng: np.random.Generator, count: int, memory: float, scale: float) -> npt.NDArray[np.float64]:
    """Autoregressive noise of some values with a standard deviation of its innovations."""
    noise = rng.normal(0, scale, count)
    for t in range(1, count):
        noise[t] += memory * noise[t - 1]
    return noise


if __name__ == "__main__":
    main()
