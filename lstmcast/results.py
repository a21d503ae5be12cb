"""What a forecast is: numbers on the calendar of the data it continues, and the table they are written as."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

from lstmcast.data.calendar import Calendar
from lstmcast.errors import UsageError
from lstmcast.types import Floats, Ints

if TYPE_CHECKING:
    import pandas as pd


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
class Forecast:
    """H steps ahead of S series.

    Attributes:
        calendar: the data's.
        time: what its time column is called.
        key_columns: what the parts of a key are called.
        keys: S keys.
        origins: [S] position on the calendar of each series' last known step.
        values: [S, H] the forecast, in the target's unit.
        levels: [Q] in percent.
        lower: [Q, S, H] and upper: [Q, S, H] the bounds of each level's interval.
        name: of the column of values.
        sources: S words for what forecast each series, where that is to be said: `lstm`, `seasonal_naive`.
    """

    calendar: Calendar
    time: str
    key_columns: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    origins: Ints
    values: Floats
    levels: tuple[float, ...]
    lower: Floats
    upper: Floats
    sources: tuple[str, ...] = ()
    name: str = "forecast"

    @property
    def horizon(self) -> int:
        """H."""
        return int(self.values.shape[1])

    @property
    def positions(self) -> Ints:
        """[S, H] where on the calendar each forecast lies."""
        return self.origins[:, None] + np.arange(1, self.horizon + 1)

    def to_frame(self) -> pd.DataFrame:
        """One row a series and step, in the input's own columns and times, with `forecast`, `lower_80` …, `source`."""
        import pandas as pd

        columns = named_steps(self.calendar, self.positions, time=self.time, names=self.key_columns, keys=self.keys)
        columns[self.name] = self.values.ravel()
        for q, level in enumerate(self.levels):
            columns[f"lower_{level:g}"] = self.lower[q].ravel()
            columns[f"upper_{level:g}"] = self.upper[q].ravel()
        if self.sources:
            columns["source"] = np.repeat(np.array(self.sources, dtype=object), self.horizon)
        return pd.DataFrame(columns)

    def render(self, suffix: str) -> bytes:
        """The table as a file of a format; see `rendered`."""
        return rendered(self.to_frame(), suffix)


def named_steps(
    calendar: Calendar, positions: Ints, *, time: str, names: tuple[str, ...], keys: Sequence[tuple[str, ...]]
) -> dict[str, object]:
    """The columns that tell the rows of a forecast apart: the parts of keys, and times, as the input writes them.

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
    return parts | {time: calendar.text(positions.ravel())}


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
