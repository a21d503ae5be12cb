"""Forecasts with known drivers: electricity prices, load, bike rentals, store sales and daily series with a year.

Nothing is trained: the zero-shot ensemble forecasts from each origin, with the covariates and holidays of the file. Its
regression is refitted at each origin. Covariates ahead are those of the file: published forecasts for prices, observed
weather elsewhere, for lstmcast and the peers alike. With --peers, LightGBM, MSTL and Prophet forecast from the same
origins, in an environment that `peers.py` makes.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from common import arguments, progress, report, table
from peers import CACHE, Environment, make

from lstmcast.data.drivers.options import CovariateOptions
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import ReadOptions
from lstmcast.forecasting.pretrained import load_pretrained
from lstmcast.results import MemberName

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
PEERS = Environment(
    "lightgbm", (("statsforecast>=2.1,<2.2", "pandas<3", "lightgbm>=4,<5", "scikit-learn>=1.5", "prophet>=1.1,<2"),)
)
FITS = Path(__file__).parent / "driver_fits.py"
DAY, WEEK, HALF_HOURS, YEAR = 24, 7, 48, 364
TEST_DAYS, LAST_DAYS = 728, 20
PRICES = {
    "NP": ("Price", ("Grid load forecast", "Wind power forecast")),
    "BE": ("Prices", ("Generation forecast", "System load forecast")),
    "DE": ("Price", ("Ampirion Load Forecast", "PV+Wind Forecast")),
}
WEATHER = ("temp", "atemp", "hum", "windspeed", "holiday", "workingday", "weather")


@dataclass(frozen=True)
class Task:
    """Forecasts of one panel from some origins.

    Attributes:
        name: of the row in the result.
        panel: the series with their covariates.
        series, origins: [B].
        horizon: H.
        season: of the seasonal naive forecast, in steps.
        peers: names of the peers that forecast it.
    """

    name: str
    panel: Panel
    series: Ints
    origins: Ints
    horizon: int
    season: int
    peers: tuple[str, ...] = ()

    @property
    def rows(self) -> Ints:
        """[B, H] indices of the forecast values in the panel."""
        return np.asarray((self.panel.offsets[self.series] + self.origins)[:, None] + np.arange(1, self.horizon + 1))

    @property
    def actual(self) -> Floats:
        """[B, H]."""
        return self.panel.values[self.rows]

    @property
    def seasonal_naive(self) -> Floats:
        """[B, H]."""
        back = self.season * -(-np.arange(1, self.horizon + 1) // self.season)
        return self.panel.values[self.rows - back]


@dataclass(frozen=True)
class Result:
    """Forecasts [B, H] of the ensemble and of its members, and the CPU time of all."""

    forecast: Floats
    members: dict[MemberName, Floats]
    cpu: float


def read_panel(
    path: Path, target: str, known: Sequence[str] = (), holidays: Sequence[str] = (), **more: object
) -> Panel:
    """Read a file with its covariates."""
    covariates = CovariateOptions(known=tuple(known) or ("none",), holidays=tuple(holidays))
    return read(path, ReadOptions(target=(target,), covariates=covariates, **more))  # type: ignore[arg-type]


def forecast(task: Task) -> Result:
    """Forecast by the zero-shot ensemble."""
    cpu = time.process_time()
    bound = load_pretrained(task.panel).ensemble.bind(task.panel)
    found = bound.forecast(task.series, task.origins, task.horizon)
    values = bound.inverse_transform(found.z, task.series)
    members = bound.member_values(found, task.series, task.origins)
    return Result(values, members, time.process_time() - cpu)


def of_one_series(
    name: str, panel: Panel, origins: Ints, horizon: int, season: int, peers: tuple[str, ...] = ()
) -> Task:
    """A task on the only series of a panel."""
    return Task(name, panel, np.zeros(len(origins), dtype=np.int64), origins, horizon, season, peers)


def prices(data: Path) -> Iterator[Task]:
    """Day-ahead prices of three markets: the last 728 days, each at midnight."""
    for market, (target, known) in PRICES.items():
        panel = read_panel(data / "epf" / f"epf_{market}.csv.gz", target, known)
        days = len(panel.values) // DAY
        yield of_one_series(market, panel, np.arange(days - TEST_DAYS, days) * DAY - 1, DAY, DAY, ("LightGBM",))


def load(data: Path) -> Iterator[Task]:
    """Half-hourly demand of Victoria: 60 origins of the last year, at all times of the day."""
    panel = read_panel(
        data / "exog" / "vic_electricity.csv.gz",
        "Demand",
        ("Temperature", "Holiday"),
        ("AU-VIC",),
        timezone="Australia/Melbourne",
    )
    last = len(panel.values) - 1 - HALF_HOURS
    origins = last - np.linspace(0, 365 * HALF_HOURS - 1, 60).astype(np.int64)
    peers = ("LightGBM", "MSTL", "Prophet")
    yield of_one_series("Victoria, 48 half-hours", panel, origins, HALF_HOURS, WEEK * HALF_HOURS, peers)


def bikes(data: Path) -> Iterator[Task]:
    """Hourly rentals: 40 origins of the last year, one day and one week ahead."""
    panel = read_panel(data / "exog" / "bike_sharing_dataset_clean.csv.gz", "users", WEATHER, ("US-DC",))
    for horizon in (DAY, WEEK * DAY):
        last = len(panel.values) - 1 - horizon
        origins = last - np.linspace(0, 365 * DAY - 1, 40).astype(np.int64)
        yield of_one_series(f"bikes, {horizon} hours", panel, origins, horizon, WEEK * DAY, ("LightGBM",))


def stores(data: Path) -> Iterator[Task]:
    """Weekly sales of 45 stores: 13 weeks from three origins."""
    panel = read_panel(
        data / "exog" / "walmart_store_weekly.csv.gz",
        "Weekly_Sales",
        ("Holiday_Flag",),
        ("US",),
        id_columns=("Store",),
        time_format="%d-%m-%Y",
    )
    series = np.tile(np.arange(panel.n_series), 3)
    origins = np.concatenate([panel.lengths - 1 - 13 * k for k in (1, 2, 3)])
    yield Task("Walmart, 13 weeks", panel, series, origins, 13, 52)


def daily(data: Path) -> Iterator[Task]:
    """Five daily series of two years or more: 28 days from four origins."""
    single, exog = data / "single", data / "exog"
    weather = ("temp", "hum", "windspeed", "holiday", "workingday")
    panels = {
        "Peyton Manning": read_panel(
            single / "example_wp_log_peyton_manning.csv", "y", holidays=("US",), missing="interpolate"
        ),
        "minimum temperatures": read_panel(single / "daily-min-temperatures.csv", "Temp"),
        "Victoria by day": read_panel(
            exog / "vic_electricity.csv.gz",
            "Demand",
            ("Temperature", "Holiday"),
            ("AU-VIC",),
            timezone="Australia/Melbourne",
            frequency="D",
        ),
        "bikes by day": read_panel(
            exog / "bike_sharing_dataset_clean.csv.gz", "users", weather, ("US-DC",), frequency="D"
        ),
        "RTE load by day": read_panel(single / "load_rte.csv.gz", "y", holidays=("FR",), frequency="D"),
    }
    for name, panel in panels.items():
        origins = len(panel.values) - 1 - 28 * np.arange(1, 5)
        yield of_one_series(name, panel, origins, 28, WEEK, ("MSTL", "Prophet"))


TASKS: dict[str, Callable[[Path], Iterator[Task]]] = {
    "prices": prices,
    "load": load,
    "bikes": bikes,
    "stores": stores,
    "daily": daily,
}


def mae(forecast: Floats, task: Task) -> float:
    """Mean |y − f|."""
    return float(np.abs(forecast - task.actual).mean())


def relative(forecast: Floats, task: Task) -> float:
    """MAE, relative to the seasonal naive forecast's."""
    return mae(forecast, task) / mae(task.seasonal_naive, task)


def last_days(forecast: Floats, task: Task) -> float:
    """MASE with a season of a day over the last 20 origins."""
    values = task.panel.values
    scales = [np.abs(values[DAY : t + 1] - values[: t + 1 - DAY]).mean() for t in task.origins[-LAST_DAYS:].tolist()]
    return float((np.abs(forecast - task.actual)[-LAST_DAYS:].mean(axis=1) / scales).mean())


def wape(forecast: Floats, task: Task, where: npt.NDArray[np.bool_]) -> float:
    """Sum of |y − f| relative to that of the actual values, in percent."""
    return float(100 * np.abs(forecast - task.actual)[where].sum() / task.actual[where].sum())


def in_holiday_weeks(task: Task) -> npt.NDArray[np.bool_]:
    """[B, H] true for weeks whose flag is set."""
    flags = task.panel.covariates
    if flags is None:
        return np.zeros((len(task.series), task.horizon), dtype=np.bool_)
    positions = task.panel.starts[task.series] + task.origins
    ahead = positions[:, None] + np.arange(1, task.horizon + 1)
    return np.asarray(flags.at(task.series, ahead, positions + task.horizon)[..., 0] > 0)


def peer_forecasts(task: Task) -> dict[str, Floats]:
    """[N, H] forecasts of each peer; NaN where it did not forecast."""
    python, _ = make(PEERS, CACHE)
    folder = CACHE / "drivers"
    folder.mkdir(parents=True, exist_ok=True)
    covariates, panel = task.panel.covariates, task.panel
    positions = panel.starts[0] + np.arange(len(panel.values))
    known = (
        np.zeros((len(positions), 0))
        if covariates is None
        else covariates.at(np.zeros(1, np.int64), positions[None], positions[-1:])[0]
    )
    np.savez(
        folder / "task.npz",
        values=panel.values,
        drivers=known,
        times=panel.calendar.wall(positions).astype("datetime64[s]"),
        origins=task.origins,
        horizon=task.horizon,
        season=panel.calendar.season,
        holidays=[] if panel.holidays is None else panel.holidays.days.astype("datetime64[D]"),
    )
    found = {}
    for peer in task.peers:
        progress(f"{task.name}: {peer}")
        subprocess.run([python, FITS, peer, folder / "task.npz", folder / "forecast.npy"], check=True)
        found[peer] = np.load(folder / "forecast.npy")
    return found


def rows_of(task: Task, *, peers: bool) -> list[list[str]]:
    """Rows of the result: the ensemble, its regressions, seasonal naive, and the peers."""
    progress(task.name)
    result = forecast(task)
    regressions = {
        name.value: result.members[name] for name in (MemberName.DRIVERS, MemberName.DIRECT) if name in result.members
    }
    found = {"lstmcast": result.forecast, **regressions, "seasonal naive": task.seasonal_naive}
    found |= peer_forecasts(task) if peers and task.peers else {}
    return [
        [task.name, name, *scores(task, values), f"{result.cpu:.0f}" if name == "lstmcast" else ""]
        for name, values in found.items()
    ]


def scores(task: Task, forecast: Floats) -> list[str]:
    """MAE, error relative to seasonal naive, and the score of the task."""
    known = ~np.isnan(forecast).any(axis=1)
    part = Task(task.name, task.panel, task.series[known], task.origins[known], task.horizon, task.season)
    values = forecast[known]
    more = ""
    if task.name in PRICES:
        more = f"MASE of the last 20 days {last_days(values, part):.3f}" if known.all() else ""
    elif task.panel.n_series > 1:
        holiday = in_holiday_weeks(part)
        more = (
            f"WAPE {wape(values, part, np.ones_like(holiday)):.2f} %, holiday weeks {wape(values, part, holiday):.2f} %"
        )
    origins = f"{known.sum()}"
    return [f"{mae(values, part):.4g}", f"{relative(values, part):.3f}", more, origins]


def main() -> None:
    """Measure and write the table."""
    parser = arguments(__doc__, __file__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds epf, exog and single")
    parser.add_argument("--only", nargs="+", choices=tuple(TASKS), default=tuple(TASKS), help="tasks to measure")
    parser.add_argument("--peers", action="store_true", help="measure LightGBM, MSTL and Prophet too")
    args = parser.parse_args()
    rows = [row for name in args.only for task in TASKS[name](args.data) for row in rows_of(task, peers=args.peers)]
    head = ["task", "method", "MAE", "of seasonal naive", "score", "origins", "CPU s"]
    report(args.output, "Known drivers", table(head, rows))


if __name__ == "__main__":
    main()
