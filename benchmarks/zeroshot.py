"""The accuracy of the pretrained networks on unseen series: M3 and published files, without training.

M3 has no calendar in these files; the frequency is given. The published files are those, and the origins
those, of `accuracy.py`. With --speed, it is timed instead how long many short monthly series take, file to file.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from accuracy_tables import METRICS, by, figures
from common import machine, must, progress, report, table
from competitions import SETS, known
from files_table import file_lines
from ledger import Record, read, state_of_code
from pretrain import FOLDER, panel_of
from published import Origin
from scored_case import Case, ForecastValues
from selection import options, selected

from lstmcast import read as read_file
from lstmcast.data.panel import Panel
from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.frequency import TimeGrid
from lstmcast.forecasting.pretrained import load_pretrained_forecaster, select_pretrained
from lstmcast.parallel import limit_blas_threads
from lstmcast.results import MemberName

HERE = Path(__file__).parent
METHOD = "lstmcast pretrained"
SCORES = ("mase", "smape", "owa", "wql", "msis", "coverage_80", "coverage_95")
MONTHS = {"M3-Yearly": 12, "M3-Quarterly": 3, "M3-Monthly": 1}  # in a step; the other sets count their steps
VALUES = 60  # of each series whose forecast is timed
LIMIT = 2_000_000  # bytes of all files that come with lstmcast


def past_of(case: Case) -> Panel:
    """The known part of the case at its origin, as lstmcast reads it."""
    lengths = [len(history) for history in case.histories]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    if isinstance(case, Origin):
        return replace(
            case.file.panel,
            keys=case.keys,
            values=np.concatenate(case.histories),
            observed=np.ones(offsets[-1], np.bool_),
            offsets=offsets,
            starts=case.end + 1 - np.array(lengths),
        )
    panel = panel_of(dict(zip(case.ids, case.histories, strict=True)), case.season)
    months = MONTHS.get(case.name)
    return replace(panel, calendar=Calendar(TimeGrid("month", months), season=case.season)) if months else panel


def forecast(case: Case) -> Record:
    """The scores of the pretrained networks, and which they were."""
    panel, cpu = past_of(case), time.process_time()
    forecaster = load_pretrained_forecaster(panel)
    values = forecaster.predict(panel, case.horizon)
    spent = time.process_time() - cpu
    scores = case.score(ForecastValues(values.values, values.lower, values.upper))
    bound = forecaster.ensemble.bind(panel)
    fraction = bound.median_weights(np.arange(panel.n_series), panel.lengths - 1).get(MemberName.SMOOTHING, 0.0)
    return {
        **case.facts,
        **scores,
        "cpu_s": spent,
        "networks": f"{select_pretrained(panel).reason}; {fraction:.0%} smoothing",
    }


def records(args: argparse.Namespace) -> Iterator[Record]:
    """All selected cases: the pretrained networks, and the seasonal naive forecast."""
    state, where = state_of_code(), machine()
    for key, case in selected(args):
        naive = {**case.facts, **case.score(case.baseline("seasonal_naive"))}
        for method, found in ((METHOD, forecast(case)), ("seasonal_naive", naive)):
            at = datetime.datetime.now().isoformat(timespec="seconds")
            mase = found["mase"]
            progress(f"{key['name']} {key['back']} {method}: MASE {mase if mase is None else round(mase, 3)}")
            yield {"key": key | {"method": method, "seed": 0}, "state": state, "at": at, "machine": where, **found}


def set_lines(found: Sequence[Record], *, final: bool) -> list[str]:
    """A table of the competition sets, with what others reached on them."""
    lines: list[str] = []
    groups = by([record for record in found if record["key"]["part"] == "set"], "name")
    for (name,), runs in groups.items():
        rows = [[run["key"]["method"], *figures([run], SCORES), ""] for run in runs]
        rest = known(name) if final else []
        rows += [[row["method"], *(row.get(score, "") for score in SCORES), row["source"]] for row in rest]
        header = ["method", *(METRICS[score][0] for score in SCORES), "source"]
        lines += [f"## {name}: {runs[0]['series']:,} series, H {SETS[name].horizon}", "", *table(header, rows), ""]
    return lines


def used(found: Sequence[Record]) -> list[str]:
    """The networks used for each file."""
    selected = {run["key"]["name"]: run["networks"] for run in found if "networks" in run}
    return ["## Networks", "", *table(["data", "networks"], list(selected.items())), ""]


def speed_lines(count: int) -> list[str]:
    """Seconds for `count` monthly series, from a file to a file, and the most memory that took; a process for each."""
    limit_blas_threads()
    rows = []
    for suffix in (".csv", ".parquet"):
        with tempfile.TemporaryDirectory() as name:
            this = [sys.executable, str(Path(__file__).resolve()), "--speed", str(count)]
            must([*this, "--make", f"past{suffix}"], Path(name))
            done = must([*this, "--timed", f"past{suffix}"], Path(name))
        rows.append([suffix[1:], *json.loads(done.stdout), f"{done.peak_mib:,.0f}"])
        progress(" · ".join(rows[-1]))
    forecast = f"Seconds of the clock for {count:,} monthly series of {VALUES} values, in brackets of processors."
    return ["## Speed", "", forecast, "", *table(["file", "read", "forecast", "write", "peak MiB"], rows), ""]


def timed(path: Path) -> list[str]:
    """Seconds of reading, forecasting and writing, for `speed_lines`."""
    clock = Clock()
    panel = read_file(path)
    laps = [clock.lap()]
    forecast = load_pretrained_forecaster(panel).predict(panel)
    laps.append(clock.lap())
    path.with_stem("forecast").write_bytes(forecast.render(path.suffix))
    laps.append(clock.lap())
    return [f"{wall:.1f} ({cpu:.1f})" for wall, cpu in laps]


def write_months(path: Path, count: int) -> None:
    """Random monthly series with a season, as `id,month,y`."""
    import pandas as pd

    rng = np.random.default_rng(0)
    months = np.arange("2020-01", "2025-01", dtype="datetime64[M]").astype(str)
    season = np.tile(np.cos(np.arange(12) * np.pi / 6), VALUES // 12) * rng.random((count, 1)) / 3
    logs = rng.normal(5, 1, (count, 1)) + season + np.cumsum(rng.normal(0, 0.05, (count, VALUES)), axis=1)
    ids = np.repeat([f"S{k}" for k in range(count)], VALUES)
    frame = pd.DataFrame({"id": ids, "month": np.tile(months, count), "y": np.exp(logs).round(2).ravel()})
    frame.to_csv(path, index=False) if path.suffix == ".csv" else frame.to_parquet(path, index=False)


class Clock:
    """Seconds since the last lap, of the clock and of processors."""

    def __init__(self) -> None:
        self.lap()

    def lap(self) -> tuple[float, float]:
        """Both; a new lap begins."""
        now, cpu = time.perf_counter(), sum(os.times()[:2])
        last = getattr(self, "_last", (now, cpu))
        self._last = (now, cpu)
        return now - last[0], cpu - last[1]


def main() -> None:
    """Measure, and write the tables."""
    parser = options(__doc__, __file__)
    parser.set_defaults(sets=["M3-*", "single/*", "panel/*", "messy/*", "exog/*"])
    parser.add_argument("--speed", nargs="?", type=int, const=100_000, metavar="N", help="time N series instead")
    parser.add_argument("--peers", type=Path, default=HERE / "peers.jsonl", help="raw figures of peers.py")
    parser.add_argument("--make", type=Path, help="only write the file that is timed")
    parser.add_argument("--timed", type=Path, help="only time this file")
    args = parser.parse_args()
    if args.make:
        write_months(args.make, args.speed)
    elif args.timed:
        sys.stdout.write(json.dumps(timed(args.timed)))
    else:
        page = lines(args)
        report(args.output, "Forecasts with no training", page)
        sys.stdout.write("\n".join(page) + "\n")


def lines(args: argparse.Namespace) -> list[str]:
    """The whole page, but for its title."""
    size = sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file())
    page = [f"The networks of all classes are {size:,} bytes (at most {LIMIT:,} are wanted).", ""]
    if args.speed:
        return [*page, *speed_lines(args.speed)]
    final, found = args.holdout == "test", list(records(args))
    cases = {(run["key"]["name"], run["key"]["back"]) for run in found if run["key"]["part"] == "file"}
    peers = [run for run in read(args.peers) if (run["key"]["name"], run["key"]["back"]) in cases]
    return [*page, *set_lines(found, final=final), *file_lines([*found, *peers]), *used(found)]


if __name__ == "__main__":
    main()
