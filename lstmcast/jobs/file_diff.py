"""Difference between two files of forecasts at the steps that both have, such as those of a what-if."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lstmcast.data.file.csv_reader import read_table
from lstmcast.errors import DataError
from lstmcast.jobs.diff_text import CELL, SHOWN
from lstmcast.report.console import number
from lstmcast.text import pluralize
from lstmcast.types import Floats

FORECAST = "forecast"


@dataclass(frozen=True)
class FileDiff:
    """Two files of forecasts at the N steps that both have.

    Attributes:
        files: the two files.
        index: N rows of the columns before the forecast: series and time.
        before, after: [N] forecasts of the first and of the second file.
        unmatched: number of steps of each file that the other one lacks.
    """

    files: tuple[str, str]
    index: pd.DataFrame
    before: Floats
    after: Floats
    unmatched: tuple[int, int]

    @property
    def change(self) -> Floats:
        """[N] after − before."""
        return self.after - self.before

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        numbers = zip(self.before.tolist(), self.after.tolist(), self.change.tolist(), strict=True)
        return {
            "before": self.files[0],
            "after": self.files[1],
            "unmatched": dict(zip(self.files, self.unmatched, strict=True)),
            "steps": [
                {**row, "before": before, "after": after, "change": change}
                for row, (before, after, change) in zip(self.index.to_dict("records"), numbers, strict=True)
            ],
        }


def difference_of_files(first: str, second: str) -> FileDiff:
    """Compare two files that predict wrote.

    Raises:
        DataError: a file is no forecast, or the files have other columns of series and time, or no step in common.
        FileError: a file cannot be read.
    """
    old, new = _read_forecast(first), _read_forecast(second)
    names, own_names = ([name for name in table.columns if name != FORECAST] for table in (old, new))
    if names != own_names:
        raise DataError(f"{second}: its columns of series and time must be those of {first}: {names} (got {own_names})")
    both = new.merge(old, on=names, suffixes=("", "_before"))
    if both.empty:
        raise DataError(f"{second}: has no step in common with {first}")
    before, after = (both[name].to_numpy(dtype=np.float64) for name in (f"{FORECAST}_before", FORECAST))
    return FileDiff((first, second), both[names], before, after, (len(old) - len(both), len(new) - len(both)))


def _read_forecast(path: str) -> pd.DataFrame:
    """Columns of series and time as text, and the forecast as numbers."""
    text = read_table(path).text
    columns = list(map(str, text.columns))
    if FORECAST not in columns[1:]:
        raise DataError(f"{path}: is no forecast of numbers: it needs columns of series or time, then '{FORECAST}'")
    names = columns[: columns.index(FORECAST)]
    repeated = text[names].duplicated()
    if repeated.any():
        first = text[names][repeated].iloc[0].tolist()
        raise DataError(f"{path}: a step occurs twice ({', '.join(first)})")
    try:
        return text[names].assign(**{FORECAST: text[FORECAST].astype(np.float64)})
    except ValueError as err:
        raise DataError(f"{path}: column '{FORECAST}' must hold numbers ({err})") from err


def format_file_diff(found: FileDiff) -> str:
    """Format the difference: its size, and a table of steps."""
    total, change = float(np.abs(found.before).sum()), float(np.abs(found.change).sum())
    fraction = f", {change / total:.1%} of the forecast" if total else ""
    mean, absolute = (float(values.mean()) for values in (found.change, np.abs(found.change)))
    lines = [
        f"{found.files[1]} against {found.files[0]}",
        f"  {pluralize(len(found.change), 'step')} in common, {number(absolute)} mean absolute difference{fraction}",
        f"  mean change {number(mean)}",
        *(
            f"  {pluralize(count, 'step')} in {name} only"
            for name, count in zip(found.files, found.unmatched, strict=True)
            if count
        ),
    ]
    labels = [" ".join(row) for row in found.index[:SHOWN].itertuples(index=False)]
    wide = max(map(len, labels))
    lines.append(f"  {'':{wide}}" + "".join(f"{head:>{CELL}}" for head in ("before", "after", "change")))
    for label, *row in zip(labels, found.before, found.after, found.change, strict=False):
        lines.append(f"  {label:{wide}}" + "".join(number(float(value), CELL) for value in row))
    more = len(found.change) - SHOWN
    return "\n".join([*lines, *([f"  … and {pluralize(more, 'more step')} (--json has all)"] if more > 0 else [])])
