"""Published files, each cut at three origins: the known part and the actual values."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scored_case import Case, ForecastValues, pick

from lstmcast.data.file.csv_reader import read_table
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import ReadOptions
from lstmcast.data.series_columns import group_codes
from lstmcast.data.time.text.column import parse_times
from lstmcast.errors import LstmcastError
from lstmcast.evaluation.splits import default_horizon

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FOLDERS = ("single", "panel", "messy", "exog")
ORIGINS = 3
LEAST = 3  # horizons that an origin must leave to learn from
TARGETS = {  # of several columns of numbers, the one that the file is known for; all where they are series of one kind
    "panel/australian_tourism.csv": "*",
    "exog/ETTh1.csv.gz": "OT",
    "exog/bike_sharing_dataset_clean.csv.gz": "users",
    "exog/example_pedestrians_multivariate.csv.gz": "*",
}


@dataclass(frozen=True)
class Published:
    """A file that lstmcast reads.

    Attributes:
        name: `single/airline-passengers.csv`.
        path: where it lies.
        panel: the whole of it, as lstmcast reads it.
        flags: the flags that `lstmcast train` needs for the file.
    """

    name: str
    path: Path
    panel: Panel
    flags: tuple[str, ...]

    @cached_property
    def horizon(self) -> int:
        """H: the default horizon of lstmcast."""
        return default_horizon(self.panel.lengths, self.panel.calendar.default_horizon)

    @cached_property
    def rows(self) -> tuple[Ints, Ints]:
        """[N] the line that each row of the file stands on, and [N] its position on the calendar."""
        table = read_table(self.path)
        columns = self.panel.columns
        groups = group_codes(table.text, columns.series)
        if columns.time is None:
            return table.lines, np.asarray(pd.Series(groups).groupby(groups).cumcount() + 1, np.int64)
        text = table.text[columns.time]
        times = parse_times(
            text, table.lines, column=columns.time, source=table.source, time_format=None, timezone=None, groups=groups
        )
        return table.lines, self.panel.calendar.positions(times.stamps)


@dataclass(frozen=True)
class Origin(Case):
    """A file as it stood some horizons before its end, and its series that go on after that.

    Attributes:
        file: which.
        end: the last position on the calendar that is known.
        keys: [S] the keys of the series in the file.
    """

    file: Published
    end: int
    keys: tuple[tuple[str, ...], ...]

    def write(self, folder: Path) -> tuple[str, tuple[str, ...]]:
        """Writes the file as its publisher would have then: the same lines, without those of later times."""
        path = self.file.path
        text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        numbers, positions = self.file.rows
        later = set(numbers[positions > self.end].tolist())
        lines = enumerate(text.splitlines(keepends=True), 1)
        (folder / self._name).write_bytes(b"".join(line for number, line in lines if number not in later))
        return self._name, self.file.flags

    def read(self, path: Path) -> ForecastValues:
        """The forecasts in a file that lstmcast wrote after `write`.

        Raises:
            KeyError: a series or a time is not there.
        """
        names = pd.read_csv(path, nrows=0).columns[: len(self.keys[0]) + 1]
        frame = pd.read_csv(path, dtype=dict.fromkeys(names, str), keep_default_na=False)
        times = self._times(path.parent / self._name)
        rows = [(*key, time) for key in self.keys for time in times]
        return pick(frame, pd.DataFrame(rows, columns=names, dtype=str), self.horizon)

    @property
    def _name(self) -> str:
        return self.file.path.name.removesuffix(".gz")

    def _times(self, cut: Path) -> list[str]:
        """[H] the times after the origin, as the cut file writes them: which may be in another way than the whole."""
        stamps = self.file.panel.calendar.stamps(np.arange(self.end + 1, self.end + 1 + self.horizon))
        calendar = read(cut, ReadOptions(target=self.file.flags[1:])).calendar
        return calendar.text(calendar.positions(stamps))


def published(data: Path, wanted: Callable[[str], bool]) -> Iterator[Published]:
    """The files below `data` whose name is wanted and that lstmcast reads; the others are left out."""
    for path in sorted(path for folder in FOLDERS for path in (data / folder).glob("*.csv*")):
        name = f"{path.parent.name}/{path.name}"
        if not wanted(name):
            continue
        target = TARGETS.get(name)
        try:
            panel = read(path, ReadOptions(target=(target,) if target else ()))
        except LstmcastError:
            continue
        yield Published(name, path, panel, ("--target", target) if target else ())


def origins(file: Published, *, final: bool) -> Iterator[Origin]:
    """Three origins, a horizon apart, the latest first; those that leave too little to learn from are left out.

    Args:
        file: whose.
        final: whether the last three horizons are forecast; else those are not touched, but the three before them.
    """
    panel, H = file.panel, file.horizon
    last = int(panel.ends.max())
    for back in range(1, ORIGINS + 1) if final else range(ORIGINS + 1, 2 * ORIGINS + 1):
        end = last - back * H
        series = np.flatnonzero((panel.ends > end) & (end + 1 - panel.starts >= LEAST * H)).tolist()
        if series:
            histories, actual = zip(*(_parted(panel, k, end, H) for k in series), strict=True)
            ids, keys = tuple(map(str, series)), tuple(panel.keys[k] for k in series)
            seasons = panel.calendar.season, panel.calendar.mase_season
            yield Origin(file.name, back, ids, histories, np.stack(actual), *seasons, file, end, keys)


def _parted(panel: Panel, k: int, end: int, horizon: int) -> tuple[Floats, Floats]:
    """The values of series k up to and with the position `end`, and the `horizon` after it, NaN where not known."""
    known = end + 1 - int(panel.starts[k])
    values = panel.series(k)[known : known + horizon]
    actual = np.full(horizon, np.nan)
    actual[: len(values)] = np.where(panel.observed_of(k)[known : known + horizon], values, np.nan)
    return panel.series(k)[:known], actual
