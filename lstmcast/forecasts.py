"""Forecasts as tables: CSV, JSON lines or Parquet, in the columns and times of the input."""

from __future__ import annotations

import io
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lstmcast.data.schema import DataNote
from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.mask import Mask
from lstmcast.errors import UsageError
from lstmcast.types import Bools, Floats, Ints

if TYPE_CHECKING:
    import pandas as pd

    from lstmcast.data.panel import Panel

FORMATS = (".csv", ".jsonl", ".parquet")


def output_suffix(target: str, formats: tuple[str, ...] = FORMATS) -> str:
    """The format that a file name asks for; `-` is the first one.

    Raises:
        UsageError: none of these formats.
    """
    suffix = formats[0] if target == "-" else PurePath(target).suffix.lower()
    if suffix not in formats:
        first = formats[0].removeprefix(".").upper()
        raise UsageError(
            f"{target}: a forecast is written as {', '.join(formats)}, or to - as {first} (got {suffix!r})"
        )
    return suffix


@dataclass(frozen=True)
class StepForecast(ABC):
    """A forecast of the next H steps of S series.

    Attributes:
        calendar: of the data.
        time: the name of the time column.
        key_columns: the names of the key columns.
        keys: S keys.
        origins: [S] last known steps, as positions on the calendar.
        closed: [S] open steps of series with closed steps of their own; empty if there are none.
    """

    calendar: Calendar
    time: str
    key_columns: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    origins: Ints
    closed: tuple[Mask | None, ...] = field(default=(), kw_only=True)

    @property
    @abstractmethod
    def horizon(self) -> int:
        """H."""

    @abstractmethod
    def to_frame(self) -> pd.DataFrame:
        """One row a series and step, in the columns and time format of the input."""

    @staticmethod
    def index_of(panel: Panel) -> dict[str, Any]:
        """Return the fields of a forecast from the end of every series of a panel."""
        return {
            "calendar": panel.calendar,
            "time": panel.columns.time or "step",
            "key_columns": panel.key_columns,
            "keys": panel.keys,
            "origins": panel.ends,
            "closed": panel.closed,
        }

    @property
    def positions(self) -> Ints:
        """[S, H] the forecast steps, as positions on the calendar."""
        return self.origins[:, None] + np.arange(1, self.horizon + 1)

    def index_columns(self) -> dict[str, object]:
        """The columns of keys and times, [S · H] each."""
        return named_steps(self.calendar, self.positions, time=self.time, names=self.key_columns, keys=self.keys)

    def written(self, table: pd.DataFrame) -> pd.DataFrame:
        """Rows of a table [S · H] as clocks show them: a repeated hour has two rows, a skipped or a closed one none."""
        if self.calendar.has_clock_changes:
            index, times = self.calendar.written_texts(self.time, self.positions)
            table = table.iloc[index].assign(**times)
        if any(self.closed):
            table = table[self._are_open().ravel()[table.index]]
        return table.reset_index(drop=True)

    def _are_open(self) -> Bools:
        """[S, H] true for steps in which the series are open."""
        ticks = self.calendar.ticks(self.positions)
        rows = [
            row == row if mask is None else mask.contains(row) for mask, row in zip(self.closed, ticks, strict=True)
        ]
        return np.array(rows)

    def render(self, suffix: str) -> bytes:
        """The table as a file of a format; see `rendered`."""
        return rendered(self.to_frame(), suffix)


@dataclass(frozen=True)
class Forecast(StepForecast):
    """The values of the next H steps of S series; the other attributes are those of `StepForecast`.

    Attributes:
        values: [S, H] in the unit of the target.
        levels: [Q] in percent.
        lower: [Q, S, H] lower bounds of the intervals.
        upper: [Q, S, H] upper bounds.
        model_names: [S] the model of each series, `lstmcast` or `seasonal_naive`; empty: not reported.
        name: of the column of values.
        notes: remarks about the values that it starts from.
    """

    values: Floats
    levels: tuple[float, ...]
    lower: Floats
    upper: Floats
    model_names: tuple[str, ...] = ()
    name: str = "forecast"
    notes: tuple[DataNote, ...] = ()
    symbols: ClassVar[tuple[str, ...]] = ()  # the values are numbers

    @property
    def horizon(self) -> int:
        """H."""
        return int(self.values.shape[1])

    @property
    def probabilities(self) -> Floats:
        """[S, 0]: numbers have none."""
        return np.empty((len(self.values), 0))

    def to_frame(self) -> pd.DataFrame:
        """One row a series and step, in the input's own columns and times, with `forecast`, `lower_80` …, `model`."""
        import pandas as pd

        columns = self.index_columns()
        columns[self.name] = self.values.ravel()
        for q, level in enumerate(self.levels):
            columns[f"lower_{level:g}"] = self.lower[q].ravel()
            columns[f"upper_{level:g}"] = self.upper[q].ravel()
        if self.model_names:
            columns["model"] = np.repeat(np.array(self.model_names, dtype=object), self.horizon)
        return self.written(pd.DataFrame(columns))


def named_steps(
    calendar: Calendar, positions: Ints, *, time: str, names: tuple[str, ...], keys: Sequence[tuple[str, ...]]
) -> dict[str, object]:
    """The columns that identify the rows of a forecast: the parts of keys, and times, as the input writes them.

    Args:
        calendar: the data's.
        positions: [S, H] steps on it.
        time: what the time column is called.
        names: what the parts of a key are called.
        keys: S keys.

    Returns:
        [S · H] each.
    """
    parts: dict[str, object] = {
        name: np.repeat(np.array([key[k] for key in keys], dtype=object), positions.shape[1])
        for k, name in enumerate(names)
    }
    return parts | calendar.named_texts(time, positions.ravel())


def with_own_names(named: Mapping[str, object], columns: Mapping[str, object]) -> dict[str, object]:
    """Return the columns of a table: those of the input, then others; a name that the input has gets an underscore."""
    return {**named, **{f"{name}_" if name in named else name: values for name, values in columns.items()}}


def rendered(frame: pd.DataFrame, suffix: str) -> bytes:
    """A table as `.csv`, `.jsonl` (one object a line) or `.parquet` (see `output_suffix`).

    Raises:
        UsageError: Parquet, where pyarrow is not installed.
    """
    if suffix == ".csv":
        return frame.to_csv(index=False, lineterminator="\n").encode()
    if suffix == ".jsonl":
        rows = frame.to_dict(orient="records")
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    try:
        import pyarrow  # noqa: F401
    except ImportError as err:
        raise UsageError("writing Parquet needs pyarrow: pip install 'lstmcast[parquet]'") from err
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()
